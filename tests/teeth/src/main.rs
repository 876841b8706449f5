//! `make teeth`: plants faults in a copy of the functions and of the definition, and counts the seeds until chaos finds each.
//!
//! All faults are in one copy, below `target/teeth`, and one build: the environment variable `PLANTED_FAULT` says which one is there. What is
//! built from the workspace itself has none of them.

mod copy;
mod fault;
mod search;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use serde::Serialize;

use crate::copy::Copy;
use crate::fault::Fault;
use crate::search::Found;

type Error = Box<dyn std::error::Error>;

/// Counts the seeds until chaos finds each planted fault. Exit status 0 if all are found, 1 if one is not, 2 if one could not be planted.
#[derive(Parser)]
struct Arguments {
    /// The faults' names; without one, all of tests/teeth/faults.json
    names: Vec<String>,
    /// How many seeds there are at most for each
    #[arg(long, default_value_t = 2000)]
    count: u64,
    /// The first seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many seeds are simulated at the same time
    #[arg(long, default_value_t = 2)]
    jobs: u8,
}

/// A row of report.json.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    name: &'a str,
    about: &'a str,
    /// How many seeds it took; null when none of them found it.
    seeds: Option<u64>,
    #[serde(flatten)]
    found: Option<Found>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("teeth: {error}");
            ExitCode::from(2)
        }
    }
}

/// True if every fault was found.
fn run(arguments: &Arguments) -> Result<bool, Error> {
    let faults = fault::all()?;
    let known = |name: &&String| faults.iter().any(|fault| fault.name == **name);
    if let Some(unknown) = arguments.names.iter().find(|name| !known(name)) {
        return Err(format!("there is no fault {unknown}").into());
    }
    let copy = Copy::with(&faults, &workspace(), &workspace().join("target/teeth"))?;
    let wanted = |fault: &&Fault| arguments.names.is_empty() || arguments.names.contains(&fault.name);
    let mut rows = Vec::new();
    for fault in faults.iter().filter(wanted) {
        let found = copy.search(fault, arguments)?;
        let seeds = found.as_ref().map(|found| found.seed - arguments.seed + 1);
        match (&found, seeds) {
            (Some(found), Some(seeds)) => println!("{seeds:>6}  {}: {}", fault.name, found.expectation),
            _ => println!("  NONE  {} in {} seeds", fault.name, arguments.count),
        }
        rows.push(Row { name: &fault.name, about: &fault.about, seeds, found });
        let report = serde_json::to_string_pretty(&serde_json::json!({"most": arguments.count, "faults": rows}))?;
        std::fs::write(copy.folder.join("report.json"), format!("{report}\n"))?;
    }
    println!("{}", copy.folder.join("report.json").display());
    Ok(rows.iter().all(|row| row.seeds.is_some()))
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("this crate is in tests/").to_owned()
}
