//! `make demo`: one launch of an instance with six applications, first under CodeDeploy's own launch hooks, then under Turnstile.

mod deployments;
mod event_log;
mod own_hooks;
mod picture;
mod print;
mod progress;
mod reason;
mod report;
mod rollout;
mod setting;
mod timeline;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use clap::builder::PossibleValuesParser;
use stack::{Options, Signals, parse_speed, six_applications, workspace};
use world::Report;

use crate::report::Summary;
use crate::rollout::Rollout;

/// A launch under CodeDeploy's own hooks, then under Turnstile, on this machine. Exit status 0 if Turnstile brought the instance into
/// service and broke no rule.
#[derive(Parser)]
struct Arguments {
    /// World seconds a real second; the state machine's waiting is as much shorter
    #[arg(long, default_value_t = 30.0, value_parser = parse_speed)]
    speed: f64,
    /// Lets a script of this application fail, to see how a rollout fails
    #[arg(long, value_parser = PossibleValuesParser::new(six_applications::APPLICATIONS))]
    failing: Option<String>,
    /// Where report.json, timeline.svg and the logs go
    #[arg(long, default_value_os_t = workspace().join("target/demo"))]
    output: PathBuf,
}

#[tokio::main]
async fn main() -> ExitCode {
    run(Arguments::parse()).await.unwrap_or_else(|error| {
        eprintln!("demo: {error}");
        ExitCode::FAILURE
    })
}

async fn run(arguments: Arguments) -> Result<ExitCode, Box<dyn Error>> {
    let Arguments { speed, failing, output } = arguments;
    let own_hooks = own_hooks::run()?;
    print::own_hooks(&own_hooks);

    print::start(speed);
    let options = Options { log_dir: output.join("logs"), ..setting::options(speed, failing.as_deref()) };
    let rollout = match Signals::listen()?.with_stack(options, rollout::watch).await? {
        Ok(rollout) => rollout?,
        Err(interrupted) => {
            eprintln!("\ndemo: interrupted");
            return Ok(interrupted.into());
        }
    };

    print::rollout(&rollout);
    write(&output, &own_hooks, &rollout)?;
    Ok(if rollout.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Writes report.json and timeline.svg.
fn write(output: &Path, own_hooks: &Report, rollout: &Rollout) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(output)?;
    let (summary, picture) = (output.join("report.json"), output.join("timeline.svg"));
    fs::write(&summary, serde_json::to_string_pretty(&Summary::of(rollout))? + "\n")?;
    fs::write(&picture, format!("{}\n", picture::of(own_hooks, rollout)))?;
    println!("{}\n{}", summary.display(), picture.display());
    Ok(())
}
