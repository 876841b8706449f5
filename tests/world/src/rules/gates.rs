//! Rule 10: a gate lets through the deployment group whose turn it is. The rest of the rule the world checks itself.

use super::turns::Holders;
use super::{FirstCalls, Run, execution_of};
use crate::report::{Call, DeploymentReport, Effect};
use crate::violation::{Breach, DeploymentId, Violation};

/// For how long CodeDeploy may go by a gate that was moved away, in seconds, with the calls that lie between the move and the end of the turn.
const SEEN_BY: f64 = 60.0;

pub(super) fn violations(run: &Run, first: &FirstCalls) -> Vec<Violation> {
    let holders = Holders::of(&run.report.calls);
    if holders.are_unknown() {
        return Vec::new();
    }
    let mut violations = moved_without_the_turn(run, &holders, first);
    violations.extend(run.report.deployments.iter().flat_map(|deployment| reached(run, &holders, deployment)));
    violations
}

/// The instances that somebody else's deployment has reached by a gate that a rollout left where it was when its turn was over. Whoever waits for
/// the next turn is nobody's.
fn reached(run: &Run, holders: &Holders, deployment: &DeploymentReport) -> Vec<Violation> {
    let calls = &run.report.calls;
    let creates = |call: &&Call| matches!(&call.effect, Some(Effect::DeploymentCreated { deployment_id }) if *deployment_id == deployment.deployment_id);
    let created_at = deployment.created_at;
    let group = format!("{}/{}", deployment.application_name, deployment.deployment_group_name);
    let (released_at, is_over) = match holders.last_change_by(&format!("deploymentGroup:{group}"), calls, created_at) {
        Some((call, None)) => (call.at, execution_of(call).is_some()),
        // It is somebody's turn, or nobody's has ever been, or a person has deleted it.
        _ => return Vec::new(),
    };
    let is_a_rollouts = calls.iter().find(creates).is_some_and(|call| execution_of(call).is_some());
    if is_a_rollouts || !is_over || created_at - released_at <= SEEN_BY {
        return Vec::new();
    }
    let is_left = |instance: &&String| was_left(calls, instance, &group, created_at);
    let actions = run.report.hook_actions.iter();
    let waiting = actions.filter(|action| {
        action.opened_at <= released_at && action.closed_at.is_none_or(|closed_at| created_at < closed_at)
    });
    waiting
        .filter(|action| deployment.instance_ids.iter().filter(is_left).any(|id| *id == action.instance_id))
        .map(|action| Violation {
            at: created_at,
            breach: Breach::ReachedAfterTurn { action: action.into(), deployment: DeploymentId::from(deployment) },
        })
        .collect()
}

/// Whether the instance's gate stood at the group because a rollout had moved it there, and no call that was to move it away has failed.
fn was_left(calls: &[Call], instance: &str, group: &str, at: f64) -> bool {
    let before = calls.iter().take_while(|call| call.at <= at);
    let about = before.filter(|call| call.service == "tagging" && call.parameters.to_string().contains(instance));
    let Some(last) = about.last() else { return false };
    let Some(Effect::GatesMoved { gates }) = &last.effect else { return false };
    let is_there = gates.iter().any(|moved| moved.instance_id == instance && moved.to.as_deref() == Some(group));
    is_there && last.outcome == "ok" && execution_of(last).is_some()
}

/// Moves of gates to a deployment group by an execution that did not hold the claim on the group at any moment of the invocation in which it did
/// so. A value without a slash names no group.
fn moved_without_the_turn(run: &Run, holders: &Holders, first: &FirstCalls) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (index, call) in run.report.calls.iter().enumerate() {
        let Some(Effect::GatesMoved { gates }) = &call.effect else { continue };
        let Some((execution, began)) = execution_of(call).zip(first.of_invocation(call)) else { continue };
        for moved in gates {
            let Some(gate) = moved.to.as_ref().filter(|gate| gate.contains('/')) else { continue };
            let claim = format!("deploymentGroup:{gate}");
            if holders.between(&claim, began, index).any(|holder| holder == Some(execution)) {
                continue;
            }
            let breach = Breach::GateMovedWithoutTurn {
                instance_id: moved.instance_id.clone(),
                gate: gate.clone(),
                execution: execution.to_owned(),
                holder: holders.at(&claim, index).map(str::to_owned),
            };
            violations.push(Violation { at: call.at, breach });
        }
    }
    violations
}
