//! `make bench`: launches of one, a few and many instances through the whole local stack, each case's numbers beside their limits.

mod case;
mod details;
mod faults;
mod lag;
mod progress;
mod row;
mod run;
mod setting;
mod table;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use clap::builder::PossibleValuesParser;
use tokio::signal::unix::{SignalKind, signal};

use crate::case::{CASES, Case};
use crate::progress::Progress;
use crate::row::Row;

/// Bursts of launches through the whole local stack, what they cost and how long they take. Exit status 0 if every limit was kept
/// and nothing went wrong.
#[derive(Parser)]
struct Arguments {
    /// World seconds a real second, for every case; without it each case has its own
    #[arg(long, value_parser = at_least_one)]
    speed: Option<f64>,
    /// Only this case; can be given several times
    #[arg(long = "case", value_parser = PossibleValuesParser::new(CASES.iter().map(|case| case.name)))]
    cases: Vec<String>,
    /// Prints where calls and state transitions go, too
    #[arg(long)]
    details: bool,
    /// Where report.json goes
    #[arg(long, default_value_os_t = workspace().join("target/bench"))]
    output: PathBuf,
}

impl Arguments {
    fn asks_for(&self, case: &Case) -> bool {
        self.cases.is_empty() || self.cases.iter().any(|name| name == case.name)
    }
}

fn at_least_one(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && number >= 1.0 => Ok(number),
        _ => Err("must be at least 1".to_owned()),
    }
}

/// Every case that was asked for, or the signal that stopped them.
enum Ran {
    All(Vec<Outcome>),
    Stopped(u8),
}

/// What came of a case.
struct Outcome {
    row: Row,
    /// What was wrong, a sentence each.
    faults: Vec<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match bench(Arguments::parse()).await {
        Ok(status) => status,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn bench(arguments: Arguments) -> Result<ExitCode, Box<dyn Error>> {
    let outcomes = match run_all(&arguments).await? {
        Ran::All(outcomes) => outcomes,
        Ran::Stopped(signal) => {
            eprintln!("\nbench: stopped");
            // As a shell reports a process that a signal ended.
            return Ok(ExitCode::from(128 + signal));
        }
    };
    let (rows, faults): (Vec<Row>, Vec<Vec<String>>) = outcomes.into_iter().map(|o| (o.row, o.faults)).unzip();
    tell(&rows, &faults);
    leave(&arguments.output, &rows)?;
    Ok(if faults.iter().all(Vec::is_empty) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn run_all(arguments: &Arguments) -> Result<Ran, Box<dyn Error>> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let stopped = async {
        tokio::select! {
            _ = interrupt.recv() => SignalKind::interrupt(),
            _ = terminate.recv() => SignalKind::terminate(),
        }
        .as_raw_value() as u8
    };
    tokio::pin!(stopped);
    let mut outcomes = Vec::new();
    for case in CASES.iter().filter(|case| arguments.asks_for(case)) {
        let speed = arguments.speed.unwrap_or(case.speed);
        let stack = tokio::select! {
            stack = run::start(case, speed) => stack?,
            signal = &mut stopped => return Ok(Ran::Stopped(signal)),
        };
        let mut progress = Progress::start(case, speed);
        let watched = tokio::select! {
            run = run::watch(&stack, case, speed, &mut progress) => Ok(run),
            signal = &mut stopped => Err(signal),
        };
        progress.end();
        stack.stop().await;
        let run = match watched {
            Ok(run) => run?,
            Err(signal) => return Ok(Ran::Stopped(signal)),
        };
        if arguments.details {
            println!("\n{}\n\n{}\n\n{}\n", case.name, details::calls(&run), details::states(&run));
        }
        let row = Row::of(case, speed, &run);
        let faults = row.excesses().into_iter().chain(faults::of(&run)).collect();
        outcomes.push(Outcome { row, faults });
    }
    Ok(Ran::All(outcomes))
}

/// Prints the tables, and what was wrong.
fn tell(rows: &[Row], faults: &[Vec<String>]) {
    println!(
        "\nSix applications each. Calls, transitions and dollars are for one instance; the makespan is in the six deployments' \
         own time ({}).\n\n{}\n",
        stack::minutes(setting::own_seconds()),
        table::measures(rows)
    );
    println!("What of this is the local stack's, in world seconds:\n\n{}\n", table::stack(rows));
    for (row, faults) in rows.iter().zip(faults) {
        for fault in faults {
            println!("{}: {fault}", row.case);
        }
    }
    if faults.iter().any(|faults| !faults.is_empty()) {
        println!("With TURNSTILE_KEEP_LOGS=1 the logs of every function stay in target/stack.");
    }
}

/// Writes what stays.
fn leave(output: &Path, rows: &[Row]) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(output)?;
    let report = output.join("report.json");
    fs::write(&report, serde_json::to_string_pretty(rows)? + "\n")?;
    println!("{}", report.display());
    Ok(())
}

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("this crate is in tests/bench")
}
