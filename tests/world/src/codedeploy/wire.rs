//! CodeDeploy's calls.

use serde_json::Value;

use crate::protocol::aws_json::{self, parse};
use crate::protocol::{Request, Response};
use crate::refusal::Refusal;
use crate::simulation::Simulation;

/// How CodeDeploy is spoken to.
pub(crate) const SERVICE: aws_json::Service =
    aws_json::Service { name: "codedeploy", target: "CodeDeploy_20141006.", message: "message" };

/// Answers one call.
pub(crate) fn answer(simulation: &mut Simulation, request: &Request) -> Response {
    SERVICE.answer(simulation, request, |simulation, operation, input| {
        simulation.throttles.codedeploy.admit(simulation.now(), "ThrottlingException")?;
        simulation.check_permitted(request.caller, operation, &input)?;
        operate(simulation, operation, input)
    })
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
        _ => aws_json::unknown(operation),
    }
}
