//! `make bench`: launches of one, a few and many instances, and of a broken application, through the whole local stack, each case's
//! numbers beside their limits.

mod broken;
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
use serde::Serialize;
use stack::Stack;
use tokio::signal::unix::{SignalKind, signal};
use world::Setting;

use crate::broken::BrokenRow;
use crate::case::{CASES, Case};
use crate::progress::Progress;
use crate::row::Row;
use crate::run::Run;

/// Bursts of launches through the whole local stack, what they cost and how long they take. Exit status 0 if every limit was kept
/// and nothing went wrong.
#[derive(Parser)]
struct Arguments {
    /// World seconds a real second, for every case; without it each case has its own
    #[arg(long, value_parser = at_least_one)]
    speed: Option<f64>,
    /// Only this case; can be given several times
    #[arg(long = "case", value_parser = PossibleValuesParser::new(names()))]
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

/// Every case's name.
fn names() -> impl Iterator<Item = &'static str> {
    CASES.iter().chain([&broken::CASE]).map(|case| case.name)
}

fn at_least_one(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && number >= 1.0 => Ok(number),
        _ => Err("must be at least 1".to_owned()),
    }
}

/// Every case that was asked for.
#[derive(Default)]
struct Outcomes {
    bursts: Vec<Outcome<Row>>,
    broken: Option<Outcome<BrokenRow>>,
}

/// What came of a case.
struct Outcome<R> {
    row: R,
    /// What was wrong, a sentence each.
    faults: Vec<String>,
}

/// A row of `report.json`.
#[derive(Serialize)]
#[serde(untagged)]
enum AnyRow<'a> {
    Burst(&'a Row),
    Broken(&'a BrokenRow),
}

/// The number of the signal that stopped everything.
struct Stopped(u8);

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
        Ok(outcomes) => outcomes,
        Err(Stopped(signal)) => {
            eprintln!("\nbench: stopped");
            // As a shell reports a process that a signal ended.
            return Ok(ExitCode::from(128 + signal));
        }
    };
    let faults = tell(&outcomes);
    leave(&arguments.output, &outcomes)?;
    Ok(if faults == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn run_all(arguments: &Arguments) -> Result<Result<Outcomes, Stopped>, Box<dyn Error>> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let stopped = async {
        tokio::select! {
            _ = interrupt.recv() => SignalKind::interrupt(),
            _ = terminate.recv() => SignalKind::terminate(),
        }
        .as_raw_value() as u8
    };
    tokio::pin!(stopped);
    let mut outcomes = Outcomes::default();
    for case in CASES.iter().filter(|case| arguments.asks_for(case)) {
        let speed = arguments.speed.unwrap_or(case.speed);
        let watch = async |stack: &Stack, progress: &mut Progress| run::watch(stack, case, speed, progress).await;
        let run = match on_a_stack(case, setting::world(case.codedeploy), speed, &mut stopped, watch).await? {
            Ok(run) => run,
            Err(stopped) => return Ok(Err(stopped)),
        };
        tell_details(arguments, case, &run);
        let row = Row::of(case, speed, &run);
        let faults = row.excesses().into_iter().chain(faults::of(&run)).collect();
        outcomes.bursts.push(Outcome { row, faults });
    }
    if arguments.asks_for(&broken::CASE) {
        let case = &broken::CASE;
        let speed = arguments.speed.unwrap_or(case.speed);
        let watch = async |stack: &Stack, progress: &mut Progress| broken::watch(stack, speed, progress).await;
        let run = match on_a_stack(case, setting::broken(), speed, &mut stopped, watch).await? {
            Ok(run) => run,
            Err(stopped) => return Ok(Err(stopped)),
        };
        tell_details(arguments, case, &run);
        let row = BrokenRow::of(speed, &run, broken::under_own_hooks()?);
        let faults = row.faults(&run);
        outcomes.broken = Some(Outcome { row, faults });
    }
    Ok(Ok(outcomes))
}

/// Measures a case on a stack of its own, unless a signal comes first.
async fn on_a_stack(
    case: &Case,
    world: Setting,
    speed: f64,
    stopped: &mut (impl Future<Output = u8> + Unpin),
    watch: impl AsyncFnOnce(&Stack, &mut Progress) -> Result<Run, stack::Error>,
) -> Result<Result<Run, Stopped>, stack::Error> {
    let stack = tokio::select! {
        stack = run::start(world, speed) => stack?,
        signal = &mut *stopped => return Ok(Err(Stopped(signal))),
    };
    let mut progress = Progress::start(case.name, speed);
    let watched = tokio::select! {
        run = watch(&stack, &mut progress) => Ok(run),
        signal = stopped => Err(Stopped(signal)),
    };
    progress.end();
    stack.stop().await;
    watched.map_or_else(|stopped| Ok(Err(stopped)), |run| run.map(Ok))
}

fn tell_details(arguments: &Arguments, case: &Case, run: &Run) {
    if arguments.details {
        println!("\n{}\n\n{}\n\n{}\n", case.name, details::calls(run), details::states(run));
    }
}

/// Prints the tables, and what was wrong: how many things.
fn tell(outcomes: &Outcomes) -> usize {
    let rows: Vec<&Row> = outcomes.bursts.iter().map(|outcome| &outcome.row).collect();
    if !rows.is_empty() {
        println!(
            "\nSix applications each. Calls, transitions and dollars are for one instance; the makespan is in the six deployments' \
             own time ({}).\n\n{}\n",
            stack::minutes(setting::own_seconds()),
            table::measures(&rows)
        );
        println!("What of this is the local stack's, in world seconds:\n\n{}\n", table::stack(&rows));
    }
    if let Some(Outcome { row, .. }) = &outcomes.broken {
        println!(
            "\nA broken application, launches in a row, under Turnstile and under CodeDeploy's own hooks in the same world:\n\n{}\n",
            table::loops(row)
        );
    }
    let bursts = outcomes.bursts.iter().map(|outcome| (outcome.row.case, &outcome.faults));
    let broken = outcomes.broken.iter().map(|outcome| (broken::CASE.name, &outcome.faults));
    let mut number = 0;
    for (case, fault) in bursts.chain(broken).flat_map(|(case, faults)| faults.iter().map(move |fault| (case, fault))) {
        println!("{case}: {fault}");
        number += 1;
    }
    if number > 0 {
        println!("With TURNSTILE_KEEP_LOGS=1 the logs of every function stay in target/stack.");
    }
    number
}

/// Writes what stays.
fn leave(output: &Path, outcomes: &Outcomes) -> Result<(), Box<dyn Error>> {
    let bursts = outcomes.bursts.iter().map(|outcome| AnyRow::Burst(&outcome.row));
    let broken = outcomes.broken.iter().map(|outcome| AnyRow::Broken(&outcome.row));
    let rows: Vec<AnyRow> = bursts.chain(broken).collect();
    fs::create_dir_all(output)?;
    let report = output.join("report.json");
    fs::write(&report, serde_json::to_string_pretty(&rows)? + "\n")?;
    println!("{}", report.display());
    Ok(())
}

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("this crate is in tests/bench")
}
