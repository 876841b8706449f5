//! `make scenario`, `make scenarios` and `make chaos`.

mod arguments;
mod run_chaos;
mod run_files;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Arguments, Command};

#[tokio::main]
async fn main() -> ExitCode {
    let ran = match Arguments::parse().command {
        Command::Run(arguments) => run_files::run(arguments).await,
        Command::Chaos(arguments) => run_chaos::run(arguments).await,
    };
    match ran {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("scenario: {error}");
            ExitCode::from(2)
        }
    }
}
