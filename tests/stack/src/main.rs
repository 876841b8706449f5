//! `make stack`: runs the stack on its own, for use with the AWS CLI.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use stack::{Options, Signals, parse_speed};
use world::Delivery;

/// The default setting: one Auto Scaling group with six applications on its instances.
const SETTING: &str = include_str!("../setting.json");

/// AWS on this machine, with the functions and the state machine of Turnstile, until Ctrl-C.
#[derive(Parser)]
struct Arguments {
    /// The world's groups, applications and instances (JSON); without it one group and six applications
    setting: Option<PathBuf>,
    /// World seconds a real second; the state machine's waiting is as much shorter
    #[arg(long, default_value_t = 20.0, value_parser = parse_speed)]
    speed: f64,
    /// How many times each event of the launch hook is delivered
    #[arg(long, default_value_t = 1)]
    deliveries: u32,
    /// World seconds between two events of start-rollout's schedule; without it there are none
    #[arg(long)]
    schedule_seconds: Option<f64>,
    /// The applications, where neither the input nor the hook names any
    #[arg(long)]
    applications: Option<String>,
    /// The launch hook whose events start rollouts
    #[arg(long, default_value = "turnstile")]
    lifecycle_hook_name: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("stack: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let setting = match &arguments.setting {
        Some(path) => std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?,
        None => SETTING.to_owned(),
    };
    let named = arguments.setting.map_or_else(|| "setting.json".to_owned(), |path| path.display().to_string());
    let setting = serde_json::from_str(&setting).map_err(|error| format!("{named}: {error}"))?;
    let options = Options {
        speed: arguments.speed,
        events: Delivery::of(arguments.deliveries),
        schedule_seconds: arguments.schedule_seconds,
        applications: arguments.applications,
        lifecycle_hook_name: arguments.lifecycle_hook_name,
        ..Options::new(setting)
    };
    let log_dir = options.log_dir.clone();

    let serve = async |stack: &stack::Stack| {
        println!("export AWS_ENDPOINT_URL={}", stack.endpoint());
        println!("export AWS_DEFAULT_REGION={} AWS_ACCESS_KEY_ID=key AWS_SECRET_ACCESS_KEY=secret", stack::REGION);
        println!("export STATE_MACHINE_ARN={}", stack.state_machine_arn());
        println!();
        println!("# for example: aws autoscaling describe-auto-scaling-groups");
        println!("# logs: {} (TURNSTILE_KEEP_LOGS=1 keeps them)", log_dir.display());
        println!("# Ctrl-C stops everything.");
        std::future::pending::<()>().await;
    };
    // A signal is how this program is meant to end.
    let _interrupted = Signals::listen()?.with_stack(options, serve).await?;
    Ok(())
}
