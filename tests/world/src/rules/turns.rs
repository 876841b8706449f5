//! Rule 4, a turn is never lost, and rule 8, nothing is decided on a claim that may have been lost.

use std::collections::HashMap;
use std::ops::Range;

use super::{ExecutionStatus, FirstCalls, Run, execution_of};
use crate::report::{Call, Claim, Effect};
use crate::violation::{Breach, DeploymentId, Violation};

pub(super) fn violations(run: &Run, first: &FirstCalls) -> Vec<Violation> {
    lost(run).chain(without_the_turn(run, first)).collect()
}

/// A turn belongs to a rollout that runs. That of one which was aborted or has timed out is taken over by the next that asks, and perhaps nobody
/// does. So is what a last call takes for a rollout that has ended. One that has ended by itself had to return what it had then, if the table let it.
fn lost<'a>(run: &'a Run) -> impl Iterator<Item = Violation> + 'a {
    let holders = Holders::of(&run.report.calls);
    run.claims.iter().filter_map(move |Claim { claim, holder }| {
        let holder = holder.as_ref()?;
        let execution = run.execution(holder);
        let taken_at = holders.changes(claim).last().map(|(call, _)| run.report.calls[call].at);
        if taken_at.zip(execution).is_some_and(|(taken_at, execution)| !execution.runs_at(taken_at)) {
            return None;
        }
        if could_not_return(run, holder) {
            return None;
        }
        let status = execution.map(|execution| execution.status);
        let may_hold =
            matches!(status, Some(ExecutionStatus::Running | ExecutionStatus::Aborted | ExecutionStatus::TimedOut));
        (!may_hold).then(|| Violation {
            at: execution.map_or_else(|| run.last_call_at(), |execution| execution.last_seen_at()),
            breach: Breach::TurnLost { claim: claim.clone(), execution: holder.clone(), status },
        })
    })
}

/// Whether the table of turns failed a call of the execution's last invocation. A turn that stays behind for that is taken over.
fn could_not_return(run: &Run, execution: &str) -> bool {
    let of_execution = |call: &&Call| execution_of(call) == Some(execution);
    let Some(last) = run.report.calls.iter().rev().find(of_execution).and_then(|call| call.invocation.as_ref()) else {
        return false;
    };
    let of_last = |call: &&Call| call.invocation.as_ref().is_some_and(|of| of.request_id == last.request_id);
    let has_failed = |call: &Call| {
        call.service == "dynamodb" && !matches!(call.outcome.as_str(), "ok" | "ConditionalCheckFailedException")
    };
    run.report.calls.iter().filter(of_last).any(has_failed)
}

/// Deployments that were created or stopped by an execution that did not hold the claim on their group at any moment of the invocation in
/// which it did so. Those too that were created after the next holder had begun to deploy: it had to wait for the last calls of the one before.
fn without_the_turn(run: &Run, first: &FirstCalls) -> Vec<Violation> {
    let holders = Holders::of(&run.report.calls);
    if holders.are_unknown() {
        return Vec::new();
    }
    let calls = run.report.calls.iter().enumerate();
    let found = calls.filter_map(|(index, call)| {
        let (deployment, was_stopped) = match &call.effect {
            Some(Effect::DeploymentCreated { deployment_id }) => (run.deployment(deployment_id)?, false),
            Some(Effect::DeploymentStopped { deployment_id }) => (run.deployment(deployment_id)?, true),
            _ => return None,
        };
        let execution = execution_of(call)?;
        let began = first.of_invocation(call)?;
        let deployment = DeploymentId::from(deployment);
        let claim = format!("deploymentGroup:{}/{}", deployment.application_name, deployment.deployment_group_name);
        let has_held = holders.between(&claim, began, index).any(|holder| holder == Some(execution));
        if has_held && (was_stopped || !is_used_by_the_next(run, &holders, &claim, execution, began..index)) {
            return None;
        }
        let (execution, holder) = (execution.to_owned(), holders.at(&claim, index).map(str::to_owned));
        let breach = match was_stopped {
            false => Breach::DeployedWithoutTurn { deployment, execution, holder },
            true => Breach::StoppedWithoutTurn { deployment, execution, holder },
        };
        Some(Violation { at: call.at, breach })
    });
    found.collect()
}

/// Whether another rollout, which took the claim within these calls, has begun to deploy with it. One that took it over, or that found it
/// returned, knew of the holder before; one that found the item deleted did not.
fn is_used_by_the_next(run: &Run, holders: &Holders, claim: &str, execution: &str, calls: Range<usize>) -> bool {
    let mut since_then = holders
        .changes(claim)
        .filter(|change| calls.contains(&change.0))
        .skip_while(|change| change.1 == Some(execution));
    let Some((left_at, next)) = since_then.next() else { return false };
    let was_deleted = next.is_none() && execution_of(&run.report.calls[left_at]) != Some(execution);
    let taken = std::iter::once((left_at, next)).chain(since_then).find_map(|(at, holder)| Some((at, holder?)));
    let Some((taken_at, next)) = taken.filter(|(_, next)| *next != execution && !was_deleted) else { return false };
    let between = &run.report.calls[taken_at..calls.end];
    between.iter().any(|call| begins_to_deploy(call) && execution_of(call) == Some(next))
}

/// Whether a call is one of those that start-deployment makes once it has the turn. Before that it asks CodeDeploy about targets alone.
fn begins_to_deploy(call: &Call) -> bool {
    call.caller == "start-deployment" && call.service == "codedeploy" && call.operation != "GetDeploymentTarget"
}

/// By claim: who has held it, each since the call with this index.
pub(super) struct Holders<'a>(HashMap<&'a str, Vec<(usize, Option<&'a str>)>>);

impl<'a> Holders<'a> {
    pub(super) fn of(calls: &'a [Call]) -> Self {
        let mut holders: HashMap<&str, Vec<(usize, Option<&str>)>> = HashMap::new();
        for (index, call) in calls.iter().enumerate() {
            let Some(Effect::ClaimsChanged { claims }) = &call.effect else { continue };
            for Claim { claim, holder } in claims {
                holders.entry(claim).or_default().push((index, holder.as_deref()));
            }
        }
        Self(holders)
    }

    /// Who holds a claim when a call is made.
    pub(super) fn at(&self, claim: &str, call: usize) -> Option<&'a str> {
        let since = self.0.get(claim).and_then(|changes| changes.iter().rev().find(|(since, _)| *since <= call));
        since.and_then(|&(_, holder)| holder)
    }

    /// Whether nobody was ever seen to hold a claim.
    pub(super) fn are_unknown(&self) -> bool {
        self.0.is_empty()
    }

    /// The changes of a claim: after which call, and who holds it then.
    fn changes(&self, claim: &str) -> impl Iterator<Item = (usize, Option<&'a str>)> {
        self.0.get(claim).into_iter().flatten().copied()
    }

    /// The call that last changed the holder of a claim before a time, and who has held it since.
    pub(super) fn last_change_by(
        &self,
        claim: &str,
        calls: &'a [Call],
        at: f64,
    ) -> Option<(&'a Call, Option<&'a str>)> {
        let changes = self.changes(claim).map(|(index, holder)| (&calls[index], holder));
        changes.take_while(|(call, _)| call.at <= at).last()
    }

    /// Everybody who holds a claim at a moment from one call to another.
    pub(super) fn between(&self, claim: &str, from: usize, to: usize) -> impl Iterator<Item = Option<&'a str>> {
        let changes = self.0.get(claim).into_iter().flatten().filter(move |(since, _)| (from..=to).contains(since));
        std::iter::once(self.at(claim, from)).chain(changes.map(|&(_, holder)| holder))
    }
}
