//! `make demo`: one launch of an instance with six applications, first under CodeDeploy's own launch hooks, then under Turnstile, then with gates
//! beside a pipeline.

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
use stack::{Interrupted, Options, Signals, Stack, parse_speed, six_applications, workspace};
use world::Report;

use crate::report::{Summaries, Summary};
use crate::rollout::{Release, Rollout};

/// The pipeline's release in the middle of the launch with gates. It has ended long before its application's turn comes on the launching
/// instance.
const RELEASE: Release = Release { application: "Reports", during: "Orders" };

/// A launch under CodeDeploy's own hooks, then under Turnstile, then with gates beside a pipeline, on this machine. Exit status 0 if Turnstile
/// brought the instance into service and broke no rule.
#[derive(Parser)]
struct Arguments {
    /// World seconds a real second; the state machine's waiting is as much shorter
    #[arg(long, default_value_t = 30.0, value_parser = parse_speed)]
    speed: f64,
    /// Lets a script of this application fail, to see how a rollout fails; the launch beside a pipeline is left out
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
    let mut signals = Signals::listen()?;
    let watched = signals.with_stack(options, async |stack: &Stack| rollout::watch(stack, None).await).await?;
    let rollout = match watched {
        Ok(rollout) => rollout?,
        Err(interrupted) => return Ok(stop(interrupted)),
    };
    print::rollout(&rollout);

    let gated = match failing {
        Some(_) => None,
        None => {
            print::start_gated(RELEASE);
            let options = Options { log_dir: output.join("logs-gated"), ..setting::gated_options(speed) };
            let watch = async |stack: &Stack| rollout::watch(stack, Some(RELEASE)).await;
            let gated = match signals.with_stack(options, watch).await? {
                Ok(gated) => gated?,
                Err(interrupted) => return Ok(stop(interrupted)),
            };
            print::rollout(&gated);
            Some(gated)
        }
    };
    write(&output, &own_hooks, &rollout, gated.as_ref())?;
    let is_good = rollout.is_good() && gated.as_ref().is_none_or(Rollout::is_good);
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn stop(interrupted: Interrupted) -> ExitCode {
    eprintln!("\ndemo: interrupted");
    interrupted.into()
}

/// Writes report.json and timeline.svg.
fn write(output: &Path, own_hooks: &Report, rollout: &Rollout, gated: Option<&Rollout>) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(output)?;
    let (summary, picture) = (output.join("report.json"), output.join("timeline.svg"));
    let summaries = Summaries { turnstile: Summary::of(rollout), beside_a_pipeline: gated.map(Summary::of) };
    fs::write(&summary, serde_json::to_string_pretty(&summaries)? + "\n")?;
    fs::write(&picture, format!("{}\n", picture::of(own_hooks, rollout, gated)))?;
    println!("{}\n{}", summary.display(), picture.display());
    Ok(())
}
