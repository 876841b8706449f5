//! CodeDeploy's protocol, awsJson1.1: the operation in a header, JSON in and out (Smithy, "AWS JSON 1.1 protocol").

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
        simulation.throttles.codedeploy.admit(simulation.now(), "ThrottlingException")?;
        simulation.check_permitted(caller, operation, &input)?;
        operate(simulation, operation, input.clone())
    });
    simulation.record_call(caller, "codedeploy", operation, input, outcome);
    match result {
        Ok(output) => (status, output.to_string()),
        Err(refusal) => (status, json!({"__type": refusal.code, "message": refusal.message}).to_string()),
    }
}

fn operate(simulation: &mut Simulation, operation: &str, input: Value) -> Result<Value, Refusal> {
    match operation {
        "CreateDeployment" => simulation.create_deployment(parse(input)?),
        "StopDeployment" => simulation.stop_deployment(parse(input)?),
        "GetDeployment" => simulation.get_deployment(parse(input)?),
        "BatchGetDeployments" => simulation.batch_get_deployments(parse(input)?),
        "ListDeployments" => simulation.list_deployments(parse(input)?),
        "GetDeploymentGroup" => simulation.get_deployment_group(parse(input)?),
        "BatchGetDeploymentGroups" => simulation.batch_get_deployment_groups(parse(input)?),
        "ListDeploymentGroups" => simulation.list_deployment_groups(parse(input)?),
        "GetApplication" => simulation.get_application(parse(input)?),
        "GetDeploymentConfig" => simulation.get_deployment_config(parse(input)?),
        "GetDeploymentTarget" => simulation.get_deployment_target(parse(input)?),
        "BatchGetDeploymentTargets" => simulation.batch_get_deployment_targets(parse(input)?),
        "ListDeploymentTargets" => simulation.list_deployment_targets(parse(input)?),
        _ => Err(Refusal::new("UnknownOperationException", format!("Unknown operation {operation}"))),
    }
}

fn parse<T: DeserializeOwned>(input: Value) -> Result<T, Refusal> {
    serde_json::from_value(input).map_err(|error| Refusal::new("SerializationException", error.to_string()))
}
