//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use scenario::bed::Place;
use scenario::variant::Variant;
use stack::workspace;

/// Runs scenarios in the simulation, or on the local stack. Exit status 0 if all met their expectations, 1 if one did not, 2 if one could not be run.
#[derive(Parser)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Runs scenario files
    Run(RunArguments),
    /// Draws random scenarios and runs them; every end needs a reason that the scenario contains
    Chaos(ChaosArguments),
    /// Runs scenario files on the stack and in the simulation, and compares the two
    CrossCheck(CrossCheckArguments),
}

#[derive(Args)]
pub struct RunArguments {
    /// The scenario files; without one, all of tests/scenarios
    pub files: Vec<PathBuf>,
    /// Which way those open facts are that a file does not fix
    #[arg(long, value_enum, default_value_t = Facts::Usual)]
    pub open_facts: Facts,
    /// Which deployment groups go by gates
    #[arg(long, value_enum, default_value_t = Gates::AsWritten)]
    pub gates: Gates,
    /// How many run at the same time
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..))]
    pub jobs: u8,
    /// On the local stack: real bootstraps, real wires, and a clock that runs
    #[arg(long)]
    pub stack: bool,
    /// Write the simulation's run as a story, story.txt
    #[arg(long, conflicts_with = "stack")]
    pub trace: bool,
    /// Where report.json, calls.jsonl and story.txt go
    #[arg(long, default_value_os_t = workspace().join("target/scenario"))]
    pub output: PathBuf,
}

impl RunArguments {
    /// Where the scenarios run.
    pub fn place(&self) -> Place {
        match self.stack {
            true => Place::Stack,
            false => Place::Simulation { keeps_trace: self.trace },
        }
    }
}

#[derive(Args)]
pub struct ChaosArguments {
    /// How many scenarios
    #[arg(long, default_value_t = 20)]
    pub count: u64,
    /// The seed of the first scenario; the next ones' follow it. Without it, one is drawn
    #[arg(long)]
    pub seed: Option<u64>,
    /// How many run at the same time
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..))]
    pub jobs: u8,
    /// How many runs may be spent on shrinking a scenario that fails
    #[arg(long, default_value_t = 300)]
    pub shrink: usize,
    /// Draw no more seeds once one has fallen short
    #[arg(long)]
    pub stop_at_first: bool,
    /// Write each run as a story, <seed>/story.txt
    #[arg(long)]
    pub trace: bool,
    /// Where report.json goes, and the scenarios that fail, as <seed>.json
    #[arg(long, default_value_os_t = workspace().join("target/chaos"))]
    pub output: PathBuf,
}

#[derive(Args)]
pub struct CrossCheckArguments {
    /// The scenario files; without one, all of tests/scenarios
    pub files: Vec<PathBuf>,
    /// How many run at the same time
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..))]
    pub jobs: u8,
    /// Where report.json goes
    #[arg(long, default_value_os_t = workspace().join("target/cross-check"))]
    pub output: PathBuf,
}

/// The choices of the open facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Facts {
    /// The world's defaults
    Usual,
    /// Every fact the other way
    Flipped,
    /// The defaults, and every fact the other way
    Both,
    /// Both, and each fact alone the other way
    Each,
}

/// The choices of gates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Gates {
    /// Those that the file says
    AsWritten,
    /// Every one that selects by its tag; files that gates would change are left out
    Every,
    /// Each file both ways
    Both,
}

impl Facts {
    /// The variants with which each scenario is run.
    pub fn variants(self) -> Vec<Variant> {
        match self {
            Self::Usual => vec![Variant::Default],
            Self::Flipped => vec![Variant::Flipped],
            Self::Both => Variant::BOTH.into(),
            Self::Each => Variant::every(),
        }
    }
}
