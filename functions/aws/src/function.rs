//! What all functions share: how one starts, takes a call, logs its outcome and reports an error.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use lambda_runtime::layers::TracingLayer;
use lambda_runtime::{Diagnostic, LambdaEvent, Runtime, service_fn};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tracing::{Span, error, info, warn};
use turnstile::limits::LONGEST_CAUSE;
use turnstile::words::error::Error;
use turnstile::words::text::beginning;

use crate::clients::Clients;
use crate::log::{self, InSpan};
use crate::settings::{SettingError, Settings};

/// Why a function could not start, or stopped.
pub type StartError = lambda_runtime::Error;

/// A Lambda function: what it is made of, what it takes and what it answers.
pub trait Function: Sized + Sync {
    /// What the state machine, or an event's source, calls it with.
    type Request: DeserializeOwned + Send;
    type Answer: Serialize;

    /// Whether its calls are the state machine's, which bring settings along. What comes from elsewhere must not.
    const IS_CALLED_BY_THE_STATE_MACHINE: bool = true;

    /// Makes the function, with those clients that it needs.
    ///
    /// # Errors
    /// [`SettingError`].
    fn new(clients: &Clients, settings: &Settings) -> Result<Self, SettingError>;

    /// The span of a call, named as the function. Its fields say in every line of the log what the call is about. The call is as it came, and may
    /// be none that can be read.
    fn span(call: &Value) -> Span;

    /// Takes a call.
    fn handle(&self, request: Self::Request) -> impl Future<Output = Result<Self::Answer, Error>> + Send;
}

/// The field of a request in which the state machine's definition brings the stack's settings along.
///
/// A definition calls certain versions of the functions, and a version keeps the environment variables with which it was published. A
/// parameter of the stack that changes alone makes no new version.
const SETTINGS: &str = "settings";

/// A function in its execution environment: takes the calls that Lambda hands to it.
#[derive(Debug)]
pub struct Host<F> {
    clients: Clients,
    /// Those of the environment.
    settings: Settings,
    /// The function as it was made for the last call, and with which settings.
    made: Mutex<(Settings, Arc<F>)>,
}

impl<F: Function> Host<F> {
    /// Makes the function with the settings of its environment.
    ///
    /// # Errors
    /// A setting is missing or wrong.
    pub fn start(clients: Clients, settings: Settings) -> Result<Self, SettingError> {
        let function = Arc::new(F::new(&clients, &settings)?);
        Ok(Self { made: Mutex::new((settings.clone(), function)), clients, settings })
    }

    /// Takes a call: reads the request, answers in JSON, and logs one line with the outcome.
    ///
    /// # Errors
    /// The error's stable name and its message, as the state machine gets them.
    pub async fn call(&self, mut payload: Value) -> Result<Value, Diagnostic> {
        let function = self.function(&mut payload).map_err(diagnostic)?;
        let request: F::Request =
            serde_json::from_value(payload).map_err(|e| diagnostic(Error::InvalidInput(e.to_string())))?;
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

    /// The function, with the settings that the request brings along.
    fn function(&self, payload: &mut Value) -> Result<Arc<F>, Error> {
        let given = match payload.get_mut(SETTINGS).filter(|_| F::IS_CALLED_BY_THE_STATE_MACHINE) {
            Some(given) => serde_json::from_value::<BTreeMap<String, String>>(given.take())
                .map_err(|e| Error::InvalidInput(format!("{SETTINGS}: {e}")))?,
            None => BTreeMap::new(),
        };
        let settings = self.settings.with(given.into_iter().collect());
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if made.0 != settings {
            let function = F::new(&self.clients, &settings).map_err(|e| Error::InvalidInput(e.to_string()))?;
            *made = (settings, Arc::new(function));
        }
        Ok(made.1.clone())
    }
}

/// Runs a function in Lambda: the whole of its `main`. It comes to an end only when a setting is missing or wrong, or the Lambda runtime cannot
/// be reached, and then says so in the log.
pub fn run<F: Function + Send>() -> ExitCode {
    log::start();
    match serve::<F>() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error!(reason = %error, "cannot run");
            ExitCode::FAILURE
        }
    }
}

fn serve<F: Function + Send>() -> Result<(), StartError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let host = Host::<F>::start(Clients::from_environment().await, Settings::from_environment())?;
        let handler = service_fn(|event: LambdaEvent<Value>| host.call(event.payload));
        Runtime::new(handler).layer(InSpan(F::span)).layer(TracingLayer::new()).run().await
    })
}

/// How many characters an error's message may have. Each can be written as six in JSON, and all of them have to fit into the cause of an execution.
const LONGEST_ERROR: usize = LONGEST_CAUSE / 6 - 200;

fn diagnostic(error: Error) -> Diagnostic {
    Diagnostic { error_type: error.name().to_owned(), error_message: beginning(&error.to_string(), LONGEST_ERROR) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::TURNS_TABLE;
    use aws_config::SdkConfig;
    use serde_json::json;

    /// Answers which table it was made for.
    struct Table<const BY_THE_STATE_MACHINE: bool>(String);

    impl<const BY_THE_STATE_MACHINE: bool> Function for Table<BY_THE_STATE_MACHINE> {
        type Request = Value;
        type Answer = String;
        const IS_CALLED_BY_THE_STATE_MACHINE: bool = BY_THE_STATE_MACHINE;

        fn new(_: &Clients, settings: &Settings) -> Result<Self, SettingError> {
            Ok(Self(settings.get(TURNS_TABLE)?))
        }

        fn span(_: &Value) -> Span {
            Span::none()
        }

        async fn handle(&self, _: Value) -> Result<String, Error> {
            Ok(self.0.clone())
        }
    }

    async fn answers<const BY_THE_STATE_MACHINE: bool>(calls: &[Value]) -> Vec<Result<Value, String>> {
        let clients = Clients::new(SdkConfig::builder().build());
        let host = Host::<Table<BY_THE_STATE_MACHINE>>::start(clients, Settings::from_iter([(TURNS_TABLE, "own")]));
        let host = host.expect("it has its settings");
        let mut answers = Vec::new();
        for call in calls {
            answers.push(host.call(call.clone()).await.map_err(|error| error.error_message));
        }
        answers
    }

    #[tokio::test]
    async fn a_definition_brings_the_stack_s_settings_along() {
        let calls = [
            json!({}),
            json!({"settings": {"TURNS_TABLE": "another", "LIFECYCLE_HOOK_NAME": "hook"}}),
            json!({"settings": {"TURNS_TABLE": "another"}}),
            json!({"settings": {}}),
            json!({"settings": "another"}),
        ];
        let [first, second, third, fourth, wrong] =
            answers::<true>(&calls).await.try_into().expect("an answer for each call");
        assert_eq!([first, second, third, fourth].map(Result::unwrap), ["own", "another", "another", "own"]);
        let wrong = wrong.unwrap_err();
        assert!(wrong.starts_with("settings: invalid type: string"), "{wrong}");
        assert_eq!(answers::<false>(&calls).await, vec![Ok(json!("own")); 5], "an event is no definition");
    }

    #[test]
    fn the_diagnostic_carries_the_stable_name() {
        let diagnostic = diagnostic(Error::InvalidInput("instanceId: expected …".into()));
        assert_eq!(diagnostic.error_type, "Turnstile.InvalidInput");
        assert_eq!(diagnostic.error_message, "instanceId: expected …");
    }
}
