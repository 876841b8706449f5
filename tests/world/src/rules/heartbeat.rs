//! Rule 9: the heartbeat comes first, and nothing that passes sooner than the time-out costs a launch.

use std::collections::HashSet;

use super::owner::Ownership;
use super::{Run, execution_of};
use crate::report::{Call, ClosedBy, HookActionReport, Invocation};
use crate::violation::{Breach, Violation};

/// The calls that an invocation may begin with: they keep the hook open, or complete it.
const FIRST: [&str; 2] = ["RecordLifecycleActionHeartbeat", "CompleteLifecycleAction"];

pub(super) fn violations(run: &Run, ownership: &Ownership) -> Vec<Violation> {
    let late = late_heartbeats(run, ownership);
    late.into_iter().chain(time_outs(run, ownership)).collect()
}

/// Whether a call asks who owns a launch: by the table of turns, by whether the owner still runs, and, of an owner that does
/// (`owner_is_known`), by whether it owns an earlier launch of the instance. A heartbeat is the owner's, so the question may come before it.
fn asks_for_owner(call: &Call, owner_is_known: bool) -> bool {
    let key = call.parameters["Key"]["claim"]["S"].as_str();
    let asks_the_table = call.service == "dynamodb" && key.is_some_and(|key| key.starts_with("launch:"));
    let asks_of_the_owner = match call.operation.as_str() {
        "DescribeExecution" => true,
        "DescribeAutoScalingInstances" => owner_is_known,
        _ => false,
    };
    asks_the_table || (call.caller == "plan-rollout" && asks_of_the_owner)
}

/// Invocations that begin with another call although a hook of their rollout is open: the first of each function, for each execution.
fn late_heartbeats(run: &Run, ownership: &Ownership) -> Vec<Violation> {
    let (mut begun, mut seen, mut knows_the_owner) = (HashSet::new(), HashSet::new(), HashSet::new());
    let mut violations = Vec::new();
    for (index, call) in run.report.calls.iter().enumerate() {
        let (Some(invocation), Some(execution)) = (&call.invocation, execution_of(call)) else { continue };
        if call.operation == "DescribeExecution" {
            knows_the_owner.insert(&invocation.request_id);
        }
        if asks_for_owner(call, knows_the_owner.contains(&invocation.request_id))
            || !begun.insert(&invocation.request_id)
        {
            continue;
        }
        let has_failed = run.execution(execution).is_some_and(|execution| execution.has_failed_by(call.at));
        let is_open_to_it = |action: &usize| {
            let is_its_own = match ownership.owner_at(*action, index) {
                Some(owner) if owner != execution => false,
                Some(_) if ownership.is_settled_at(*action, index) && !has_failed => true,
                // Unless the table of turns has named another owner, as it may of a rollout that backs off: then it leaves the hook alone.
                Some(_) | None => touches(run, invocation, &run.report.hook_actions[*action]),
            };
            ownership.is_known_to(*action, execution)
                && is_open(&run.report.hook_actions[*action], call.at)
                && is_its_own
        };
        let Some(action) = (0..run.report.hook_actions.len()).find(is_open_to_it) else { continue };
        let action = &run.report.hook_actions[action];
        let is_late = !is_first(call, action) && !follows_a_heartbeat(run, invocation, action);
        if is_late && seen.insert((execution, &call.caller)) {
            violations.push(Violation {
                at: call.at,
                breach: Breach::HeartbeatNotFirst {
                    action: action.into(),
                    execution: execution.to_owned(),
                    function: call.caller.clone(),
                    operation: call.operation.clone(),
                },
            });
        }
    }
    violations
}

fn is_open(action: &HookActionReport, at: f64) -> bool {
    action.opened_at <= at && action.closed_at.is_none_or(|closed_at| at < closed_at)
}

fn is_first(call: &Call, action: &HookActionReport) -> bool {
    FIRST.contains(&call.operation.as_str()) && call.parameters["InstanceId"] == *action.instance_id
}

/// Whether a call was sent after one that keeps the hook open or completes it, which was under way for longer or may have been lost.
fn follows_a_heartbeat(run: &Run, call: &Invocation, action: &HookActionReport) -> bool {
    let was_before = |of: &Invocation| of.request_id == call.request_id && of.sent_before < call.sent_before;
    let calls = run.report.calls.iter();
    let before: Vec<&Call> = calls.filter(|call| call.invocation.as_ref().is_some_and(was_before)).collect();
    before.iter().any(|call| is_first(call, action)) || (before.len() as u64) < call.sent_before
}

/// Whether an invocation keeps a hook open or completes it.
fn touches(run: &Run, invocation: &Invocation, action: &HookActionReport) -> bool {
    let is_of_it = |call: &&Call| call.invocation.as_ref().is_some_and(|of| of.request_id == invocation.request_id);
    run.report.calls.iter().filter(is_of_it).any(|call| is_first(call, action))
}

/// Hooks that timed out while their owner ran.
fn time_outs(run: &Run, ownership: &Ownership) -> Vec<Violation> {
    let actions = run.report.hook_actions.iter().enumerate();
    let time_outs = actions.filter_map(|(index, action)| {
        let at = action.closed_at?;
        let owner = run.execution(ownership.last_owner(index)?)?;
        let is_time_out = matches!(action.closed_by, Some(ClosedBy::Timeout | ClosedBy::GlobalTimeout));
        (is_time_out && owner.runs_at(at)).then(|| Violation {
            at,
            breach: Breach::OwnerLetTimeOut {
                action: action.into(),
                execution: owner.arn.clone(),
                silent_seconds: at - action.last_heartbeat_at.unwrap_or(action.opened_at),
            },
        })
    });
    time_outs.collect()
}
