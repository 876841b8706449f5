//! The Resource Groups Tagging API's protocol, awsJson1.1: the operation in a header, JSON in and out (Smithy, "AWS JSON 1.1 protocol").

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::fault::{self, Answered, InjectedFault};
use crate::refusal::Refusal;
use crate::simulation::Simulation;

/// Answers one call: the HTTP status and the JSON body.
pub(crate) fn answer(
    simulation: &mut Simulation,
    caller: &str,
    operation: &str,
    body: &[u8],
    fault: Option<&InjectedFault>,
) -> (u16, String) {
    let input: Value = serde_json::from_slice(body).unwrap_or_default();
    let Answered { result, status, outcome } = fault::answer(fault, || {
        simulation.throttles.tagging.admit(simulation.now(), "ThrottledException")?;
        operate(simulation, operation, input.clone(), fault)
    });
    simulation.record_call(caller, "tagging", operation, input, outcome);
    match result {
        Ok(output) => (status, output.to_string()),
        Err(refusal) => (status, json!({"__type": refusal.code, "Message": refusal.message}).to_string()),
    }
}

fn operate(
    simulation: &mut Simulation,
    operation: &str,
    input: Value,
    fault: Option<&InjectedFault>,
) -> Result<Value, Refusal> {
    match operation {
        "TagResources" => simulation.tag_resources(parse(input)?, fault),
        "UntagResources" => simulation.untag_resources(parse(input)?, fault),
        "GetResources" => simulation.get_resources(parse(input)?),
        _ => Err(Refusal::new("UnknownOperationException", format!("Unknown operation {operation}"))),
    }
}

fn parse<T: DeserializeOwned>(input: Value) -> Result<T, Refusal> {
    serde_json::from_value(input).map_err(|error| Refusal::new("SerializationException", error.to_string()))
}

/// What the service calls a parameter that cannot be.
pub(super) fn invalid(problem: impl Into<String>) -> Refusal {
    Refusal::new("InvalidParameterException", problem)
}
