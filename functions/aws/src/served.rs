//! Shuts the gates of the instances that a turn has served: from then on nobody's deployment reaches them, until their next turn.

use std::collections::BTreeSet;

use tracing::warn;
use turnstile::words::error::Error;
use turnstile::words::ids::{Account, ClaimKey, ExecutionArn, InstanceId};
use turnstile::words::plan::Plan;
use turnstile::words::time::Timestamp;
use turnstile::words::turn::Claim;

use crate::autoscaling::AutoScaling;
use crate::gates::Gates;
use crate::turns::Turns;

/// Whose gates are shut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Those of the whole cohort.
    All,
    /// Those of the others in the cohort. The gate of the rollout's own instance is about to be opened, and a call without an answer that shuts it
    /// could take effect after that.
    Others,
}

/// The instances that a turn has served.
#[derive(Debug, Clone)]
pub struct Served {
    pub autoscaling: AutoScaling,
    pub turns: Turns,
    pub gates: Gates,
}

impl Served {
    /// Shuts the gates of these instances of the rollout's cohort where it has the turn, before it gives that back. A gate that stays where it is
    /// keeps nobody's instance from service.
    pub async fn shut(
        &self,
        plan: &Plan,
        queues: &[ClaimKey],
        whose: Whose,
        holder: (&ExecutionArn, u32),
        now: Timestamp,
    ) {
        let Some(own) = plan.gated_instance() else { return };
        if let Err(error) = self.shut_all(plan, queues, (own, whose), holder, now).await {
            warn!(error = error.name(), reason = %error, "deployments still reach the instances of the cohort");
        }
    }

    /// Shuts the gate of the rollout's instance, which has left the queue: nobody else moves it any more.
    pub async fn shut_own(&self, plan: &Plan, execution: &ExecutionArn, own: &InstanceId) {
        if let Err(error) = self.gates.shift_one(&Account::of(execution), &plan.gate_key, own, None).await {
            warn!(error = error.name(), reason = %error, "deployments still reach the instance");
        }
    }

    async fn shut_all(
        &self,
        plan: &Plan,
        queues: &[ClaimKey],
        (own, whose): (&InstanceId, Whose),
        holder: (&ExecutionArn, u32),
        now: Timestamp,
    ) -> Result<(), Error> {
        for claim in self.turns.read(queues).await? {
            // Otherwise no gate was moved in this turn.
            if claim.holder.as_ref() == Some(holder.0) && claim.cohort.contains(own) {
                self.shut_cohort(plan, &claim, (own, whose), holder, now).await?;
            }
        }
        Ok(())
    }

    async fn shut_cohort(
        &self,
        plan: &Plan,
        claim: &Claim,
        (own, whose): (&InstanceId, Whose),
        (execution, round): (&ExecutionArn, u32),
        now: Timestamp,
    ) -> Result<(), Error> {
        let others: BTreeSet<InstanceId> =
            claim.cohort.intersection(&claim.waiting).filter(|id| *id != own).cloned().collect();
        let others = match others.is_empty() {
            true => others,
            false => self.autoscaling.still_waiting(&plan.auto_scaling_group_name, &others).await?,
        };
        if whose == Whose::Others && others.is_empty() {
            return Ok(());
        }
        let mut cohort = self.turns.begin_move(&claim.claim, own, &others, (execution, round), now).await?;
        if whose == Whose::All {
            cohort.insert(own.clone());
        }
        let instances: Vec<InstanceId> = cohort.into_iter().collect();
        for (instance_id, error) in self.gates.shift(&Account::of(execution), &plan.gate_key, &instances, None).await? {
            warn!(instance = %instance_id, error = error.name(), reason = %error, "deployments still reach it");
        }
        match plan.turn_per_deployment {
            true => self.turns.end_shutting(&claim.claim, execution, round).await,
            // The next application goes to the same cohort.
            false => self.turns.end_move(&claim.claim, execution, round).await,
        }
    }
}
