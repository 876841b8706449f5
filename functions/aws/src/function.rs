//! What all functions share: how one starts, takes a call, logs its outcome and reports an error.

use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tracing::{Instrument, Span, info, warn};
use turnstile::words::error::Error;

use crate::clients::Clients;
use crate::settings::{SettingError, Settings};

/// Why a function could not start, or stopped.
pub type StartError = lambda_runtime::Error;

/// A Lambda function: what it is made of, what it takes and what it answers.
pub trait Function: Sized + Sync {
    /// What the state machine, or an event's source, calls it with.
    type Request: DeserializeOwned + Send;
    type Answer: Serialize;

    /// Makes the function, with those clients that it needs.
    ///
    /// # Errors
    /// [`SettingError`].
    fn new(clients: &Clients, settings: &Settings) -> Result<Self, SettingError>;

    /// The span of a call, named as the function. Its fields say in every line of the log what the call is about.
    fn span(request: &Self::Request) -> Span;

    /// Takes a call.
    fn handle(&self, request: Self::Request) -> impl Future<Output = Result<Self::Answer, Error>> + Send;
}

/// Calls a function as Lambda does: reads the request, answers in JSON, and logs one line with the outcome.
///
/// # Errors
/// The error's stable name and its message, as the state machine gets them.
pub async fn call<F: Function>(function: &F, payload: Value) -> Result<Value, Diagnostic> {
    let request: F::Request =
        serde_json::from_value(payload).map_err(|e| diagnostic(Error::InvalidInput(e.to_string())))?;
    let span = F::span(&request);
    async {
        // Boxed, because within the futures of the runtime it would be nested deeper than rustc can lay out.
        match Box::pin(function.handle(request)).await {
            Ok(answer) => {
                let answer = serde_json::json!(answer);
                info!(answer = answer.to_string(), "answered");
                Ok(answer)
            }
            Err(error) => {
                warn!(error = error.name(), reason = %error, "failed");
                Err(diagnostic(error))
            }
        }
    }
    .instrument(span)
    .await
}

/// Runs a function in Lambda: the whole of its `main`.
///
/// # Errors
/// A setting is missing or wrong, or the Lambda runtime cannot be reached.
pub fn run<F: Function>() -> Result<(), StartError> {
    lambda_runtime::tracing::init_default_subscriber();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let function = F::new(&Clients::from_environment().await, &Settings::from_environment())?;
        lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| call(&function, event.payload))).await
    })
}

fn diagnostic(error: Error) -> Diagnostic {
    Diagnostic { error_type: error.name().to_owned(), error_message: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_diagnostic_carries_the_stable_name() {
        let diagnostic = diagnostic(Error::InvalidInput("instanceId: expected …".into()));
        assert_eq!(diagnostic.error_type, "Turnstile.InvalidInput");
        assert_eq!(diagnostic.error_message, "instanceId: expected …");
    }
}
