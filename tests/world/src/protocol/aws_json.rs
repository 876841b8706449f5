//! awsJson1.1: the operation in a header, JSON in and out (Smithy, "AWS JSON 1.1 protocol").

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Request, Response};
use crate::fault::{self, Answered};
use crate::refusal::Refusal;
use crate::simulation::Simulation;

/// A service that speaks awsJson1.1.
pub(crate) struct Service {
    /// Its name in the record of calls.
    pub(crate) name: &'static str,
    /// What comes before the operation in `X-Amz-Target`.
    pub(crate) target: &'static str,
    /// The member of an error that has its text. Services spell it differently.
    pub(crate) message: &'static str,
}

impl Service {
    /// Answers a request by `operate`, which gets the operation and its input, and puts the call on record.
    pub(crate) fn answer(
        &self,
        simulation: &mut Simulation,
        &Request { caller, target, body, fault }: &Request,
        operate: impl FnOnce(&mut Simulation, &str, Value) -> Result<Value, Refusal>,
    ) -> Response {
        let operation = target.strip_prefix(self.target).unwrap_or(target);
        let input: Value = serde_json::from_slice(body).unwrap_or_default();
        let Answered { result, status, outcome } =
            fault::answer(fault, || operate(simulation, operation, input.clone()));
        simulation.record_call(caller, self.name, operation, input, outcome);
        let body = match result {
            Ok(output) => output,
            Err(refusal) => json!({"__type": refusal.code, self.message: refusal.message}),
        };
        Response { status, content_type: "application/x-amz-json-1.1", body: body.to_string() }
    }
}

/// The input of an operation.
pub(crate) fn parse<T: DeserializeOwned>(input: Value) -> Result<T, Refusal> {
    serde_json::from_value(input).map_err(|error| Refusal::new("SerializationException", error.to_string()))
}

/// What a service answers to an operation that it does not have.
pub(crate) fn unknown<T>(operation: &str) -> Result<T, Refusal> {
    Err(Refusal::new("UnknownOperationException", format!("Unknown operation {operation}")))
}
