//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use scenario::variant::Variant;
use stack::workspace;

/// Runs scenarios on the local stack. Exit status 0 if all met their expectations, 1 if one did not, 2 if one could not be run.
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
}

#[derive(Args)]
pub struct RunArguments {
    /// The scenario files; without one, all of tests/scenarios
    pub files: Vec<PathBuf>,
    /// Which way those open facts are that a file does not fix
    #[arg(long, value_enum, default_value_t = Facts::Usual)]
    pub open_facts: Facts,
    /// How many run at the same time
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..))]
    pub jobs: u8,
    /// Where report.json and calls.jsonl go
    #[arg(long, default_value_os_t = workspace().join("target/scenario"))]
    pub output: PathBuf,
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
    #[arg(long, default_value_t = 20)]
    pub shrink: usize,
    /// Where scenarios that fail go, as <seed>.json
    #[arg(long, default_value_os_t = workspace().join("target/chaos"))]
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
