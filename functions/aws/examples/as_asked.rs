//! A function that ends its calls as they ask, for tests of what every function has in common.

use std::process::ExitCode;

use aws::clients::Clients;
use aws::function::Function;
use aws::settings::{SettingError, Settings};
use serde::Deserialize;
use serde_json::Value;
use tracing::{Span, info_span};
use turnstile::words::about::About;
use turnstile::words::error::Error;

struct AsAsked;

#[derive(Deserialize)]
struct Request {
    end: End,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum End {
    Answer,
    Error,
    Panic,
}

impl Function for AsAsked {
    type Request = Request;
    type Answer = &'static str;

    fn new(_: &Clients, _: &Settings) -> Result<Self, SettingError> {
        Ok(Self)
    }

    fn span(call: &Value) -> Span {
        let About { execution, group, instance, application, .. } = About::of(call);
        info_span!("as-asked", execution, group, instance, application)
    }

    async fn handle(&self, request: Request) -> Result<&'static str, Error> {
        match request.end {
            End::Answer => Ok("answer"),
            End::Error => Err(Error::InstanceNotFound("as asked".into())),
            End::Panic => panic!("as asked"),
        }
    }
}

fn main() -> ExitCode {
    aws::function::run::<AsAsked>()
}
