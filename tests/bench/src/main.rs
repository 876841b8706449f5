//! `make bench`: launches of one, a few and many instances, and of a broken application, each case's numbers beside their limits. Small cases
//! run on the local stack, large ones in the simulation.

mod broken;
mod case;
mod details;
mod lag;
mod problems;
mod progress;
mod row;
mod run;
mod setting;
mod simulated;
mod table;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use clap::builder::PossibleValuesParser;
use serde::Serialize;
use stack::{Interrupted, Signals, Stack, parse_speed, six_applications, workspace};
use world::Setting;

use crate::broken::BrokenRow;
use crate::case::{CASES, Case, Place};
use crate::progress::Progress;
use crate::row::Row;
use crate::run::Run;

/// Bursts of launches, what they cost and how long they take. Exit status 0 if every limit was kept and nothing went
/// wrong.
#[derive(Parser)]
struct Arguments {
    /// World seconds a real second, for every case on the local stack; without it each has its own
    #[arg(long, value_parser = parse_speed)]
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

/// The results of the cases that were asked for.
#[derive(Default)]
struct Results {
    bursts: Vec<CaseResult<Row>>,
    broken: Option<CaseResult<BrokenRow>>,
}

/// A case's result.
struct CaseResult<R> {
    row: R,
    /// What went wrong, a sentence each.
    problems: Vec<String>,
}

/// A row of `report.json`.
#[derive(Serialize)]
#[serde(untagged)]
enum AnyRow<'a> {
    Burst(&'a Row),
    Broken(&'a BrokenRow),
}

#[tokio::main]
async fn main() -> ExitCode {
    bench(Arguments::parse()).await.unwrap_or_else(|error| {
        eprintln!("bench: {error}");
        ExitCode::FAILURE
    })
}

async fn bench(arguments: Arguments) -> Result<ExitCode, Box<dyn Error>> {
    let results = match run_all(&arguments).await? {
        Ok(results) => results,
        Err(interrupted) => {
            eprintln!("\nbench: interrupted");
            return Ok(interrupted.into());
        }
    };
    let problems = print(&results);
    write(&arguments.output, &results)?;
    Ok(if problems == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn run_all(arguments: &Arguments) -> Result<Result<Results, Interrupted>, Box<dyn Error>> {
    let mut signals = Signals::listen()?;
    let mut results = Results::default();
    for case in CASES.iter().filter(|case| arguments.asks_for(case)) {
        let measured = match case.place {
            Place::Stack(speed) => {
                let speed = arguments.speed.unwrap_or(speed);
                let watch =
                    async |stack: &Stack, progress: &mut Progress| run::watch(stack, case, speed, progress).await;
                let measured = on_a_stack(case, setting::under_turnstile(case), speed, &mut signals, watch).await?;
                measured.map(|run| (Place::Stack(speed), run))
            }
            Place::Simulation => simulated(case, &mut signals).await?.map(|run| (Place::Simulation, run)),
        };
        let (place, run) = match measured {
            Ok(measured) => measured,
            Err(interrupted) => return Ok(Err(interrupted)),
        };
        print_details(arguments, case, &run);
        let row = Row::of(case, place, &run);
        let problems = row.exceeded_limits().into_iter().chain(problems::of(&run)).collect();
        results.bursts.push(CaseResult { row, problems });
    }
    if arguments.asks_for(&broken::CASE) {
        let case = &broken::CASE;
        let speed = arguments.speed.unwrap_or(broken::SPEED);
        let watch = async |stack: &Stack, progress: &mut Progress| broken::watch(stack, speed, progress).await;
        let run = match on_a_stack(case, setting::broken(), speed, &mut signals, watch).await? {
            Ok(run) => run,
            Err(interrupted) => return Ok(Err(interrupted)),
        };
        print_details(arguments, case, &run);
        let row = BrokenRow::of(speed, &run, broken::under_own_hooks()?);
        let problems = row.problems(&run);
        results.broken = Some(CaseResult { row, problems });
    }
    Ok(Ok(results))
}

/// Measures a case on a stack of its own, unless a signal comes first.
async fn on_a_stack(
    case: &Case,
    setting: Setting,
    speed: f64,
    signals: &mut Signals,
    watch: impl AsyncFnOnce(&Stack, &mut Progress) -> Result<Run, stack::Error>,
) -> Result<Result<Run, Interrupted>, stack::Error> {
    let measure = async |stack: &Stack| {
        let mut progress = Progress::start(case.name, Some(speed));
        let run = watch(stack, &mut progress).await;
        progress.end();
        run
    };
    let measured = signals.with_stack(six_applications::options(setting, speed), measure).await?;
    measured.map_or_else(|interrupted| Ok(Err(interrupted)), |run| run.map(Ok))
}

/// Measures a case in the simulation, unless a signal comes first.
async fn simulated(case: &'static Case, signals: &mut Signals) -> Result<Result<Run, Interrupted>, Box<dyn Error>> {
    let progress = Progress::start(case.name, None);
    let (done, measured) = tokio::sync::oneshot::channel();
    // A thread of its own: virtual time needs a runtime of its own, and a thread is left behind when a signal ends the program.
    std::thread::spawn(move || drop(done.send(simulated::run(case))));
    let measured = signals.unless(measured).await;
    progress.end();
    Ok(match measured {
        Ok(measured) => Ok(measured??),
        Err(interrupted) => Err(interrupted),
    })
}

fn print_details(arguments: &Arguments, case: &Case, run: &Run) {
    if arguments.details {
        println!("\n{}\n\n{}\n\n{}\n", case.name, details::calls(run), details::states(run));
    }
}

/// Prints the tables and what went wrong, and returns how many things did.
fn print(results: &Results) -> usize {
    let rows: Vec<&Row> = results.bursts.iter().map(|result| &result.row).collect();
    if !rows.is_empty() {
        println!(
            "\nSix applications each. Calls, transitions and dollars are for one instance; makespan, mean and worst (from an instance's \
             launch to its service) are in the six deployments' own time ({}).\n\n{}\n",
            stack::minutes(setting::own_seconds()),
            table::measures(&rows)
        );
        println!(
            "What of this is the local stack's, in world seconds; the other cases were simulated:\n\n{}\n",
            table::stack(&rows)
        );
    }
    if let Some(CaseResult { row, .. }) = &results.broken {
        println!(
            "\nA broken application, launches in a row, under Turnstile and under CodeDeploy's own hooks in the same world:\n\n{}\n",
            table::loops(row)
        );
    }
    let bursts = results.bursts.iter().map(|result| (result.row.case, &result.problems));
    let broken = results.broken.iter().map(|result| (broken::CASE.name, &result.problems));
    let mut number = 0;
    for (case, problems) in bursts.chain(broken) {
        problems.iter().for_each(|problem| println!("{case}: {problem}"));
        number += problems.len();
    }
    if number > 0 {
        println!("With TURNSTILE_KEEP_LOGS=1 the logs of every function stay in target/stack.");
    }
    number
}

/// Writes report.json.
fn write(output: &Path, results: &Results) -> Result<(), Box<dyn Error>> {
    let bursts = results.bursts.iter().map(|result| AnyRow::Burst(&result.row));
    let broken = results.broken.iter().map(|result| AnyRow::Broken(&result.row));
    let rows: Vec<AnyRow> = bursts.chain(broken).collect();
    fs::create_dir_all(output)?;
    let report = output.join("report.json");
    fs::write(&report, serde_json::to_string_pretty(&rows)? + "\n")?;
    println!("{}", report.display());
    Ok(())
}
