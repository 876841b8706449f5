//! `make demo`: one launch of an instance with six applications, first under CodeDeploy's own launch hooks, then under Turnstile.

mod before;
mod failure;
mod passes;
mod picture;
mod progress;
mod report;
mod rollout;
mod setting;
mod story;
mod tell;
mod timeline;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use clap::builder::PossibleValuesParser;
use tokio::signal::unix::{SignalKind, signal};
use world::Report;

use crate::report::Summary;
use crate::rollout::Rollout;

/// A launch under CodeDeploy's own hooks, then under Turnstile, on this machine. Exit status 0 if Turnstile brought the instance into
/// service and nothing happened that must not.
#[derive(Parser)]
struct Arguments {
    /// World seconds a real second; the state machine's waiting is as much shorter
    #[arg(long, default_value_t = 30.0)]
    speed: f64,
    /// Lets a script of this application fail, to see how a rollout fails
    #[arg(long, value_parser = PossibleValuesParser::new(setting::APPLICATIONS))]
    failing: Option<String>,
    /// Where report.json, timeline.svg and the logs go
    #[arg(long, default_value_os_t = workspace().join("target/demo"))]
    output: PathBuf,
}

/// How the demo ended.
enum End {
    Good,
    Bad,
    /// By a signal; its number.
    Stopped(u8),
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(End::Good) => ExitCode::SUCCESS,
        Ok(End::Bad) => ExitCode::FAILURE,
        // As a shell reports a process that a signal ended.
        Ok(End::Stopped(signal)) => ExitCode::from(128 + signal),
        Err(error) => {
            eprintln!("demo: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<End, Box<dyn Error>> {
    let Arguments { speed, failing, output } = arguments;
    let before = before::run()?;
    tell::before(&before);

    tell::beginning(speed);
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let stopped = async {
        tokio::select! {
            _ = interrupt.recv() => SignalKind::interrupt(),
            _ = terminate.recv() => SignalKind::terminate(),
        }
        .as_raw_value() as u8
    };
    tokio::pin!(stopped);
    let logs = output.join("logs");
    let stack = tokio::select! {
        stack = rollout::start(speed, failing.as_deref(), &logs) => stack?,
        signal = &mut stopped => return Ok(End::Stopped(signal)),
    };
    let watched = tokio::select! {
        rollout = rollout::watch(&stack) => Ok(rollout),
        signal = &mut stopped => Err(signal),
    };
    stack.stop().await;
    let rollout = match watched {
        Ok(rollout) => rollout?,
        Err(signal) => {
            eprintln!("\ndemo: stopped");
            return Ok(End::Stopped(signal));
        }
    };

    tell::rollout(&rollout);
    leave(&output, &before, &rollout)?;
    Ok(if rollout.is_good() { End::Good } else { End::Bad })
}

/// Writes what stays.
fn leave(output: &Path, before: &Report, rollout: &Rollout) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(output)?;
    let (summary, picture) = (output.join("report.json"), output.join("timeline.svg"));
    fs::write(&summary, serde_json::to_string_pretty(&Summary::of(rollout))? + "\n")?;
    fs::write(&picture, format!("{}\n", picture::of(before, rollout)))?;
    println!("{}\n{}", summary.display(), picture.display());
    Ok(())
}

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("this crate is in tests/demo")
}
