//! The command line.

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use scenario::variant::Variant;

/// Runs scenarios through the whole local stack. Exit status 0 if all came out as expected, 1 if one fell short, 2 if one could not be run.
#[derive(Parser)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Runs scenario files
    Run(RunArguments),
    /// Draws random scenarios and runs them; any end is right that has a reason
    Chaos(ChaosArguments),
}

#[derive(Args)]
pub struct RunArguments {
    /// The scenario files; without one, all of tests/scenarios
    pub files: Vec<PathBuf>,
    /// Which way the open facts are that a file does not fix
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
    /// The first one's seed, the next ones' follow it; without it, one is made up
    #[arg(long)]
    pub seed: Option<u64>,
    /// How many run at the same time
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..))]
    pub jobs: u8,
    /// How many runs may go into making a scenario that falls short smaller
    #[arg(long, default_value_t = 20)]
    pub shrink: usize,
    /// Where scenarios that fall short go, as <seed>.json
    #[arg(long, default_value_os_t = workspace().join("target/chaos"))]
    pub output: PathBuf,
}

/// Which ways of the open facts are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Facts {
    /// As the world has them
    Usual,
    /// Each the other way
    Flipped,
    /// As usual, and each the other way
    Both,
    /// Both, and each alone the other way
    Each,
}

impl Facts {
    /// The variants, each of which is a run.
    pub fn variants(self) -> Vec<Variant> {
        match self {
            Self::Usual => vec![Variant::Default],
            Self::Flipped => vec![Variant::Flipped],
            Self::Both => Variant::BOTH.into(),
            Self::Each => Variant::every(),
        }
    }
}

pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("this crate is in tests/scenario")
}
