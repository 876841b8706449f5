//! `make scenario`, `make scenarios` and `make chaos`.

mod arguments;
mod disorder;
mod scenarios;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Arguments, Command};

#[tokio::main]
async fn main() -> ExitCode {
    let ran = match Arguments::parse().command {
        Command::Run(arguments) => scenarios::run(arguments).await,
        Command::Chaos(arguments) => disorder::run(arguments).await,
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
