//! Rule 6: a Task state that is tried again after a lost answer makes no second deployment.

use std::collections::HashMap;

use super::{Run, execution_of};
use crate::report::{DeploymentReport, Effect};
use crate::violation::{Breach, Violation};

/// Second deployments of one entry of a Task state. Those with the same description are left out: the world judges them when they are
/// created.
pub(super) fn violations(run: &Run) -> Vec<Violation> {
    let mut earlier: HashMap<(&str, u64), &DeploymentReport> = HashMap::new();
    let mut violations = Vec::new();
    for call in &run.report.calls {
        let Some(Effect::DeploymentCreated { deployment_id }) = &call.effect else { continue };
        let entry = call.invocation.as_ref().and_then(|invocation| invocation.state_entry);
        let (Some(execution), Some(entry)) = (execution_of(call), entry) else { continue };
        let Some(deployment) = run.deployment(deployment_id) else { continue };
        if let Some(first) = earlier.get(&(execution, entry))
            && !is_same(first, deployment)
        {
            violations.push(Violation {
                at: call.at,
                breach: Breach::TaskDeployedTwice {
                    deployment: deployment.into(),
                    earlier_deployment_id: first.deployment_id.clone(),
                    execution: execution.to_owned(),
                },
            });
        }
        if !is_harmless(deployment) {
            earlier.entry((execution, entry)).or_insert(deployment);
        }
    }
    violations
}

/// It ended before it began anywhere.
fn is_harmless(deployment: &DeploymentReport) -> bool {
    let mut events = deployment.targets.iter().flat_map(|target| &target.lifecycle_events);
    deployment.ended_at.is_some() && events.all(|event| event.started_at.is_none())
}

fn is_same(one: &DeploymentReport, other: &DeploymentReport) -> bool {
    let description = |deployment: &DeploymentReport| deployment.description.clone().filter(|text| !text.is_empty());
    description(one).is_some_and(|text| description(other) == Some(text))
}
