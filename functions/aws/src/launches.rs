//! A rollout's launch: who owns it, by the table of turns, and its hook, in Auto Scaling.

use tracing::warn;
use turnstile::policy::owner::{self, Ownership};
use turnstile::words::error::Error;
use turnstile::words::hook::{HookResult, HookState, LifecycleAction, PendingHook};
use turnstile::words::ids::ExecutionArn;
use turnstile::words::owner::{Owner, Phase};
use turnstile::words::plan::Plan;

use crate::autoscaling::AutoScaling;
use crate::owners::Owners;

/// The launches of rollouts.
#[derive(Debug, Clone)]
pub struct Launches {
    pub autoscaling: AutoScaling,
    pub owners: Owners,
}

impl Launches {
    /// What every function begins with: makes sure that the rollout owns its launch, and keeps the hook open for another heartbeat
    /// time-out. The plan then has the hook's time-out as it is now. A rollout without a hook looks whether its instance is still there.
    ///
    /// The question comes before the heartbeat, because a rollout that has been replaced must not touch the hook any more. It takes a few
    /// seconds at the most, and the heartbeat is sent all the same when DynamoDB does not answer it.
    ///
    /// # Errors
    /// [`Error::LaunchTakenOver`]; else [`Error::Throttled`], [`Error::Unavailable`], [`Error::AccessDenied`] or [`Error::Unexpected`].
    pub async fn keep_open(&self, plan: &mut Plan, execution: &ExecutionArn) -> Result<HookState, Error> {
        let Some(pending) = plan.pending_hook() else { return self.autoscaling.heartbeat(plan).await };
        let confirmed = self.owners.confirm(&pending.action, execution).await;
        let state = self.as_owner(confirmed, self.autoscaling.heartbeat_at(&pending.action)).await?;
        if state == HookState::Open {
            self.refresh(plan).await;
        }
        Ok(state)
    }

    /// The same before the hook is completed. A call that is repeated because its answer was lost may find the launch over.
    ///
    /// # Errors
    /// See [`Launches::keep_open`].
    pub async fn keep_open_at_last(&self, plan: &Plan, execution: &ExecutionArn) -> Result<HookState, Error> {
        let Some(pending) = plan.pending_hook() else { return self.autoscaling.heartbeat(plan).await };
        let confirmed = self.owners.confirm_at_last(&pending.action, execution).await;
        self.as_owner(confirmed, self.autoscaling.heartbeat_at(&pending.action)).await
    }

    /// Sends the heartbeat, unless the rollout is not the owner. When that is not known for the moment, the heartbeat is all that is done.
    async fn as_owner<T>(
        &self,
        confirmed: Result<(), Error>,
        heartbeat: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        match confirmed {
            Ok(()) => heartbeat.await,
            Err(error) if error.is_temporary() => heartbeat.await.and(Err(error)),
            Err(error) => Err(error),
        }
    }

    /// Somebody may have lowered the hook's heartbeat time-out since the rollout was planned, or raised it.
    async fn refresh(&self, plan: &mut Plan) {
        let Some(planned) = &mut plan.hook else { return };
        match self.autoscaling.launch_hooks(&plan.auto_scaling_group_name).await {
            Ok(hooks) => {
                let now = hooks.into_iter().find(|hook| hook.lifecycle_hook_name == planned.lifecycle_hook_name);
                if let Some(now) = now {
                    planned.heartbeat_timeout_seconds = now.heartbeat_timeout_seconds;
                }
            }
            Err(error) => {
                warn!(error = error.name(), reason = %error, "goes by the heartbeat time-out that was planned with");
            }
        }
    }

    /// Keeps the hook of a rollout open that has failed and backs off. From then on another rollout may take the launch over. The answer
    /// says whether the hook was open.
    ///
    /// # Errors
    /// See [`Launches::keep_open`].
    pub async fn back_off(&self, pending: &PendingHook, execution: &ExecutionArn) -> Result<bool, Error> {
        let entered = self.owners.enter(&pending.action, execution, Phase::BacksOff).await;
        self.as_owner(entered, self.autoscaling.keep_open(&pending.action)).await
    }

    /// Keeps the hook open that the input of a rollout without a plan names, if no other rollout owns the launch.
    ///
    /// # Errors
    /// See [`Launches::keep_open`].
    pub async fn keep_open_by_input(&self, action: &LifecycleAction, execution: &ExecutionArn) -> Result<bool, Error> {
        let asked = self.own_unplanned(action, execution).await;
        self.as_owner(asked, self.autoscaling.keep_open(action)).await
    }

    /// Takes ownership for a rollout that could not be planned, if the item is about an earlier launch, or its owner only backs off.
    async fn own_unplanned(&self, action: &LifecycleAction, execution: &ExecutionArn) -> Result<(), Error> {
        let Some(found) = self.owners.read(action).await? else { return Ok(()) };
        if found.owned_by == *execution {
            return Ok(());
        }
        let destination = match found.phase {
            Phase::Over => None,
            _ => self.autoscaling.instance(&action.instance_id).await?.map(|instance| instance.destination()),
        };
        let me = Owner { owned_by: execution.clone(), phase: Phase::AtWork, destination, opened_at: None };
        match owner::ownership(Some(&found), None, execution, destination) {
            Ownership::Free { .. } if self.owners.own(action, Some(&found), &me, None).await? => Ok(()),
            _ => Err(Error::LaunchTakenOver(format!("{} owns the launch", found.owned_by))),
        }
    }

    /// Keeps the hook of a rollout open that has failed, and lets its instance in all the same. The answer says whether the hook was open.
    ///
    /// # Errors
    /// See [`Launches::keep_open`].
    pub async fn keep_failed_open(&self, pending: &PendingHook, execution: &ExecutionArn) -> Result<bool, Error> {
        let confirmed = self.owners.confirm(&pending.action, execution).await;
        self.as_owner(confirmed, self.autoscaling.keep_open(&pending.action)).await
    }

    /// Completes the hook of the launch with `result`. `phase` says why; before it is recorded nothing is completed.
    ///
    /// # Errors
    /// See [`Launches::keep_open`].
    pub async fn complete(
        &self,
        pending: &PendingHook,
        execution: &ExecutionArn,
        phase: Phase,
        result: HookResult,
    ) -> Result<HookState, Error> {
        self.owners.enter(&pending.action, execution, phase).await?;
        self.autoscaling.complete(&pending.action, result).await
    }

    /// Lets go of the launch: its hook is completed, or there is nothing to complete. An item that stays behind is replaced when its
    /// owner has ended.
    pub async fn let_go(&self, pending: &PendingHook, execution: &ExecutionArn) {
        match self.owners.enter(&pending.action, execution, Phase::Over).await {
            Ok(()) | Err(Error::LaunchTakenOver(_)) => {}
            Err(error) => warn!(error = error.name(), reason = %error, "the launch still has an owner"),
        }
    }
}
