//! What the gates, and the queue behind them, have to do with how a deployment went.

use tracing::warn;
use turnstile::limits::MOST_MISSES;
use turnstile::policy::gate::{SEEN_BY, Selecting};
use turnstile::policy::{cohort, deployment_tag, turn};
use turnstile::words::error::Error;
use turnstile::words::ids::{InstanceId, TargetId};

use crate::CheckStatus;
use crate::looked::Looked;
use crate::request::Request;

impl CheckStatus {
    /// Whether a rollout's deployment may have missed the instance, or some in service, because CodeDeploy had not seen their gates when it was
    /// created.
    pub(crate) async fn may_not_see_the_gate(&self, look: &Looked<'_>) -> Result<bool, Error> {
        let Request { plan, application, misses, missed_since, .. } = look.request;
        let first_missed = missed_since.zip(look.deployment.created);
        let is_possible = plan.has_gates
            && *misses < MOST_MISSES
            && first_missed.is_none_or(|(since, created)| created.seconds_since(since) < SEEN_BY)
            && deployment_tag::is_a_rollouts(&look.deployment.description);
        if !is_possible {
            return Ok(false);
        }
        let group = self.codedeploy.group(&application.group).await?;
        Ok(group.is_some_and(|group| Selecting::of(&plan.gate_key, &application.group, &group.selection).is_gated()))
    }

    /// Whether no other rollout waits for the turn, as far as the table tells.
    pub(crate) async fn is_alone(&self, request: &Request) -> Result<bool, Error> {
        let Some(own) = request.plan.gated_instance() else { return Ok(false) };
        let found = self.turns.read(&turn::claims(&request.plan, &request.application.group)).await?;
        Ok(cohort::is_alone(&found, &request.plan.auto_scaling_group_name, own))
    }

    /// Records the instances on which the deployment did not begin, so that they hold up no other cohort. That is a courtesy to the next ones.
    pub(crate) async fn record_silent(&self, request: &Request, not_begun: &[TargetId]) {
        if !request.plan.has_gates {
            return;
        }
        let instances: Vec<InstanceId> = not_begun.iter().filter_map(TargetId::instance_id).collect();
        if let Err(error) =
            self.turns.record_silent(&turn::main_claim(&request.plan, &request.application.group), &instances).await
        {
            warn!(error = error.name(), reason = %error, "the instances on which nothing began may be in the next cohort");
        }
    }
}
