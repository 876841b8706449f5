//! Asks who owns the launch, and takes ownership of it.

use aws::autoscaling::AutoScaling;
use aws::executions::Executions;
use aws::owners::Owners;
use tracing::info;
use turnstile::policy::owner::{self, Ownership, Step};
use turnstile::words::error::Error;
use turnstile::words::hook::{Hook, HookState, LifecycleAction};
use turnstile::words::ids::{ExecutionArn, HookName};
use turnstile::words::input::Input;
use turnstile::words::owner::{Destination, OtherOwner, Owner, Phase};
use turnstile::words::time::Timestamp;

/// Asks.
pub(crate) struct Ask {
    pub(crate) autoscaling: AutoScaling,
    pub(crate) owners: Owners,
    pub(crate) executions: Executions,
}

/// Whether the rollout may own the launch.
pub(crate) enum Asked {
    Owned(OtherOwner),
    Free(Box<Free>),
}

/// A launch that the rollout may own.
pub(crate) struct Free {
    action: LifecycleAction,
    /// The item, as it was found.
    found: Option<Owner>,
    /// Whether it is the launch that the item is about.
    keeps_opening: bool,
    /// What came of the heartbeat.
    pub(crate) is_open: Result<HookState, Error>,
}

impl Ask {
    /// Asks who owns the launch, and sends the first heartbeat. In a burst of launches the calls that follow may be throttled, and repeated
    /// for longer than the hook stays open by itself. The answer is `None` for a rollout without a launch.
    ///
    /// The heartbeat comes after the question, because it is the owner's. It is sent all the same when the question is not answered: the
    /// rollout of a launch as a rule is its only one, unless it has seen another owner.
    pub(crate) async fn first(
        &self,
        input: &Input,
        own_hook: &HookName,
        execution: &ExecutionArn,
        last_seen: Option<&OtherOwner>,
        now: Timestamp,
    ) -> Result<Option<Asked>, Error> {
        let Some(action) = action(input, own_hook) else { return Ok(None) };
        let found = match self.owners.read(&action).await {
            Ok(found) => found,
            Err(error) => {
                if error.is_temporary() && last_seen.is_none_or(|last_seen| last_seen.keeps_open) {
                    self.autoscaling.keep_open(&action).await?;
                }
                return Err(error);
            }
        };
        if last_seen.is_some_and(|last_seen| last_seen.keeps_open) {
            self.autoscaling.keep_open(&action).await?;
        }
        let keeps_opening = match owner::ownership(found.as_ref(), last_seen, execution, None) {
            Ownership::Mine => true,
            Ownership::Free { keeps_opening } => keeps_opening,
            Ownership::GoneOn => return Err(Error::LaunchTakenOver("the rollout has gone on already".into())),
            Ownership::Owned(by) => match self.step(&by, found.as_ref(), last_seen, now, None).await? {
                Step::TakeOver => true,
                Step::Wait(owner) => {
                    // It may be the owner of an earlier launch, to the warm pool.
                    let destination = self.autoscaling.instance(&action.instance_id).await?.map(|i| i.destination());
                    match owner::ownership(found.as_ref(), last_seen, execution, destination) {
                        Ownership::Free { keeps_opening } => keeps_opening,
                        _ => return Ok(Some(Asked::Owned(owner))),
                    }
                }
            },
        };
        let is_open = match self.autoscaling.heartbeat_at(&action).await {
            Err(error) if error.is_temporary() => return Err(error),
            // A hook that the group does not have is named below.
            answered => answered,
        };
        Ok(Some(Asked::Free(Box::new(Free { action, found, keeps_opening, is_open }))))
    }

    /// Takes ownership of the launch, unless another rollout has been faster. The answer is when the hook can have opened at the
    /// earliest, or the other rollout.
    pub(crate) async fn own(
        &self,
        asked: Box<Free>,
        hook: &Hook,
        destination: Destination,
        execution: &ExecutionArn,
        last_seen: Option<&OtherOwner>,
        now: Timestamp,
    ) -> Result<Result<Option<Timestamp>, OtherOwner>, Error> {
        let Free { action, found, keeps_opening, .. } = *asked;
        let before = found.as_ref().filter(|_| keeps_opening);
        // Nobody has sent a heartbeat before, or the hook would be known.
        let opened_at = before
            .and_then(|before| before.opened_at)
            .unwrap_or_else(|| now.minus_seconds(hook.heartbeat_timeout_seconds));
        let opened_at = (now > Timestamp::from_seconds(0)).then_some(opened_at);
        let me = Owner { owned_by: execution.clone(), phase: Phase::AtWork, destination: Some(destination), opened_at };
        if self.owners.own(&action, found.as_ref(), &me, opened_at.map(|_| now)).await? {
            if let Some(before) = found.as_ref().filter(|before| before.owned_by != *execution) {
                info!(from = %before.owned_by, phase = ?before.phase, "took the launch over");
            }
            return Ok(Ok(opened_at));
        }
        let found = self.owners.read(&action).await?;
        match owner::ownership(found.as_ref(), None, execution, Some(destination)) {
            Ownership::Mine => Ok(Ok(found.and_then(|found| found.opened_at))),
            Ownership::Owned(by) => match self.step(&by, found.as_ref(), last_seen, now, Some(hook)).await? {
                Step::Wait(owner) => Ok(Err(owner)),
                Step::TakeOver => Err(changed_hands()),
            },
            Ownership::Free { .. } | Ownership::GoneOn => Err(changed_hands()),
        }
    }

    async fn step(
        &self,
        by: &ExecutionArn,
        found: Option<&Owner>,
        last_seen: Option<&OtherOwner>,
        now: Timestamp,
        hook: Option<&Hook>,
    ) -> Result<Step, Error> {
        let run = self.executions.run(by).await?;
        let phase = found.map_or(Phase::AtWork, |found| found.phase);
        Ok(owner::next((by, phase), run, last_seen, now, fastrand::f64(), hook))
    }
}

/// Another rollout let go of the launch in this moment: the call is repeated.
fn changed_hands() -> Error {
    Error::Unavailable { call: "DynamoDB.UpdateItem", message: "the launch has just changed hands".into() }
}

/// The lifecycle action that the rollout keeps open and completes, as far as its input tells.
fn action(input: &Input, own_hook: &HookName) -> Option<LifecycleAction> {
    let instance_id = input.instance_id.clone()?;
    let own_hook = input.completes_own_hook().then_some(own_hook);
    Some(LifecycleAction {
        auto_scaling_group_name: input.auto_scaling_group_name.clone(),
        lifecycle_hook_name: input.lifecycle_hook_name.as_ref().or(own_hook)?.clone(),
        instance_id,
    })
}
