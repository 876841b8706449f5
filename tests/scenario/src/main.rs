//! `make scenario`, `make scenarios`, `make chaos` and `make cross-check`.

mod arguments;
mod parallel;
mod run_chaos;
mod run_cross_check;
mod run_files;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Arguments, Command};

type Error = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let met = match Arguments::parse().command {
        Command::Run(arguments) => run_files::run(&arguments),
        Command::Chaos(arguments) => run_chaos::run(&arguments),
        Command::CrossCheck(arguments) => run_cross_check::run(&arguments),
    };
    match met {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("scenario: {error}");
            ExitCode::from(2)
        }
    }
}
