//! Whether a condition of a scenario holds.

use crate::format::Condition;
use crate::snapshot::Snapshot;

/// Whether everything that the condition names is so. No condition always holds.
pub fn holds(condition: Option<&Condition>, snapshot: &Snapshot) -> bool {
    let Some(condition) = condition else { return true };
    let at_least = |wanted: Option<usize>, is: usize| wanted.is_none_or(|wanted| is >= wanted);
    let ended = snapshot.executions.iter().filter(|execution| !execution.is_running()).count();
    condition.seconds.is_none_or(|seconds| snapshot.at >= seconds)
        && at_least(condition.launched, snapshot.launched.len())
        && at_least(condition.in_service, snapshot.count(|instance| instance.in_service_at.is_some()))
        && at_least(condition.warmed, snapshot.count(|instance| instance.lifecycle_state == "Warmed:Stopped"))
        && at_least(condition.terminated, snapshot.count(|instance| instance.terminated_at.is_some()))
        && condition.waiting.is_none_or(|launch| snapshot.is_waiting(launch))
        && at_least(condition.started, snapshot.executions.len())
        && at_least(condition.ended, ended)
        && at_least(condition.deployments, snapshot.report.deployments.len())
        && condition.deployment.as_ref().is_none_or(|awaited| snapshot.has_reached(awaited))
        && condition.rollout.as_ref().is_none_or(|rollout| snapshot.states.get(&rollout.launch) == Some(&rollout.state))
}
