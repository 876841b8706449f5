//! The Resource Groups Tagging API's calls.

use serde_json::Value;

use crate::fault::InjectedFault;
use crate::protocol::aws_json::{self, parse};
use crate::protocol::{Request, Response};
use crate::refusal::Refusal;
use crate::simulation::Simulation;

/// How the Resource Groups Tagging API is spoken to.
pub(crate) const SERVICE: aws_json::Service =
    aws_json::Service { name: "tagging", target: "ResourceGroupsTaggingAPI_20170126.", message: "Message" };

/// Answers one call.
pub(crate) fn answer(simulation: &mut Simulation, request: &Request) -> Response {
    SERVICE.answer(simulation, request, |simulation, operation, input| {
        simulation.throttles.tagging.admit(simulation.now(), "ThrottledException")?;
        operate(simulation, operation, input, request.fault)
    })
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
        _ => aws_json::unknown(operation),
    }
}

/// What the service calls a parameter that cannot be.
pub(super) fn invalid(problem: impl Into<String>) -> Refusal {
    Refusal::new("InvalidParameterException", problem)
}
