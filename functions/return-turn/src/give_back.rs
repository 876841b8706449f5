//! Gives the turn back, so that the next rollout may deploy.

use aws::turns::Turns;
use serde::Serialize;
use turnstile::policy::{turn, waits};
use turnstile::words::error::Error;
use turnstile::words::ids::ExecutionArn;
use turnstile::words::plan::Plan;

/// Gives turns back.
pub(crate) struct GiveBack {
    pub(crate) turns: Turns,
}

/// Who gives a turn back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GivingBack<'a> {
    pub(crate) execution: &'a ExecutionArn,
    pub(crate) round: Option<u32>,
    /// Whether a call of the rollout may still be under way.
    pub(crate) drains: bool,
}

/// The turn is given back.
#[derive(Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GivenBack {
    /// How long the rollout is to wait before its next step, in seconds.
    wait_seconds: u32,
}

impl GiveBack {
    /// Gives back whatever the execution holds of the plan's claims. Without a plan it holds none.
    pub(crate) async fn now(&self, plan: Option<&Plan>, giving: GivingBack<'_>) -> Result<GivenBack, Error> {
        if let Some(plan) = plan {
            let GivingBack { execution, round, drains } = giving;
            self.turns.give_back(&turn::all_claims(plan), execution, round, drains).await?;
        }
        Ok(GivenBack::default())
    }

    /// Gives the turn back after the last deployment. A launch that succeeds ends the group's failures in a row.
    pub(crate) async fn after_success(&self, plan: Option<&Plan>, giving: GivingBack<'_>) -> Result<GivenBack, Error> {
        let given_back = self.now(plan, giving).await?;
        if let Some(plan) = plan.filter(|plan| plan.hook.is_some()) {
            self.turns.clear_failures(&plan.auto_scaling_group_name).await?;
        }
        Ok(given_back)
    }

    /// Gives the turn back for a while, so that every other rollout can ask for it. `silent` is for how long the instance's agent has been
    /// silent, in seconds.
    pub(crate) async fn to_yield(
        &self,
        plan: Option<&Plan>,
        giving: GivingBack<'_>,
        silent: u32,
    ) -> Result<GivenBack, Error> {
        self.now(plan, giving).await?;
        Ok(GivenBack { wait_seconds: waits::to_yield(silent, plan.and_then(|plan| plan.hook.as_ref())) })
    }
}
