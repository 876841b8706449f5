//! Keeps the hook of a failed rollout open for a while before its launch is abandoned.

use aws::codedeploy::CodeDeploy;
use aws::turns::Turns;
use serde::{Deserialize, Serialize};
use tracing::{error, info};
use turnstile::policy::back_off::{self, Step};
use turnstile::policy::turn;
use turnstile::words::deployment::TargetStatus;
use turnstile::words::error::Error;
use turnstile::words::failure::Failure;
use turnstile::words::hook::{LifecycleAction, PendingHook};
use turnstile::words::time::Timestamp;

/// Backs off.
pub(crate) struct BackOff {
    pub(crate) codedeploy: CodeDeploy,
    pub(crate) turns: Turns,
}

/// A rollout that has failed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Failed {
    failure: Failure,
    /// When the execution started.
    started_at: Timestamp,
    /// Since when the rollout has been backing off; absent when it has just failed.
    backing_off_since: Option<Timestamp>,
}

/// What is to be done before the hook is completed.
#[derive(Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BackingOff {
    /// How long the rollout is to wait, in seconds; 0: it completes the hook.
    wait_seconds: u32,
    /// How many launches of the group have failed since the last that succeeded. Absent when nothing is abandoned.
    #[serde(skip_serializing_if = "Option::is_none")]
    failures_in_a_row: Option<u32>,
    /// How long the rollout backs off, all in all, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    back_off_seconds: Option<u32>,
    /// How much of it is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    backed_off_seconds: Option<u32>,
}

impl Failed {
    /// The name of what went wrong last.
    pub(crate) fn last_error(&self) -> &str {
        self.failure.last_error()
    }

    /// Whether the rollout has just failed.
    pub(crate) fn is_first_call(&self) -> bool {
        self.backing_off_since.is_none()
    }
}

impl BackOff {
    /// Goes on backing off from abandoning the launch at the `pending` hook. There is nothing to wait for when it is not open any more.
    pub(crate) async fn go_on(
        &self,
        pending: &PendingHook,
        is_open: bool,
        hook_opened_at: Option<Timestamp>,
        failed: &Failed,
        now: Timestamp,
    ) -> Result<BackingOff, Error> {
        let action = &pending.action;
        let failures = self.turns.count_failure(&action.auto_scaling_group_name, &action.instance_id).await?;
        if failed.is_first_call() {
            let Failure { error, cause, .. } = &failed.failure;
            // The execution ends with it only after the back-off: whoever is woken up reads it here, and in the state's input.
            error!(error, cause, failures, "the rollout fails, and backs off before its hook is completed");
        }
        let backed_off = failed.backing_off_since.map_or(0, |since| now.seconds_since(since));
        let age = now.seconds_since(hook_opened_at.unwrap_or(failed.started_at));
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
        Ok(BackingOff {
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
