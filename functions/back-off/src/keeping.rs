//! Keeps the hook of a failed rollout open for a while before its launch is abandoned.

use tracing::{error, info};
use turnstile::policy::back_off::{self, Step};
use turnstile::policy::figures;
use turnstile::policy::turn;
use turnstile::words::deployment::TargetStatus;
use turnstile::words::error::Error;
use turnstile::words::failure::Failure;
use turnstile::words::hook::{LifecycleAction, PendingHook};

use crate::{Answer, BackOff, Request};

impl BackOff {
    /// Goes on backing off from abandoning the launch at the `pending` hook. There is nothing to wait for when it is not open any more.
    pub(crate) async fn go_on(&self, pending: &PendingHook, is_open: bool, request: &Request) -> Result<Answer, Error> {
        let action = &pending.action;
        let failures = self.turns.count_failure(&action.auto_scaling_group_name, &action.instance_id).await?;
        if request.is_the_first() {
            let Failure { error, cause, .. } = &request.failure;
            // The execution ends with it only after the back-off: whoever is woken up reads it here, and in the state's input.
            error!(error, cause, failures, "the rollout fails, and backs off before its hook is completed");
        }
        let state_machine = request.execution.state_machine_name();
        let figures = figures::of_back_off(state_machine, &action.auto_scaling_group_name, failures);
        self.metrics.tell(&figures, request.now);
        let backed_off = request.backing_off_since.map_or(0, |since| request.now.seconds_since(since));
        let opened_at = request.plan.as_ref().and_then(|plan| plan.hook_opened_at);
        let age = request.now.seconds_since(opened_at.unwrap_or(request.started_at));
        let wait_seconds = match back_off::next(failures, backed_off, age, &pending.hook) {
            _ if !is_open => 0,
            Step::Wait(seconds) => seconds,
            Step::WaitIfAtWork(seconds) if self.is_at_work(action).await? => seconds,
            Step::WaitIfAtWork(_) | Step::Complete => 0,
        };
        let length = back_off::length(failures);
        if wait_seconds > 0 {
            info!(failures, backed_off, length, "backs off");
        }
        Ok(Answer {
            wait_seconds,
            failures_in_a_row: Some(failures),
            back_off_seconds: Some(length),
            backed_off_seconds: Some(backed_off),
        })
    }

    /// Whether the deployment of another rollout, whose turn it is meanwhile, is at work on the instance.
    async fn is_at_work(&self, action: &LifecycleAction) -> Result<bool, Error> {
        let found = self.turns.read(&[turn::claim_on(&action.auto_scaling_group_name)]).await?;
        let Some(last) = turn::last_deployed(&found).into_iter().next() else { return Ok(false) };
        let Some(group) = self.codedeploy.group_if_permitted(last).await? else { return Ok(false) };
        let Some(attempted) = group.last_attempted else { return Ok(false) };
        let target = self.codedeploy.target(&attempted.deployment_id, &action.instance_id).await?;
        Ok(target.is_some_and(|target| target.status == TargetStatus::InProgress))
    }
}
