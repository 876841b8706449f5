//! Ends a rollout that has nothing left to do, because its instance is gone or another rollout owns the launch: quietly, unless launch after
//! launch goes like this.

use aws::served::Whose;
use serde_json::Value;
use tracing::error;
use turnstile::policy::cause::{self, Subject};
use turnstile::policy::{abandoned, turn};
use turnstile::words::error::Error;
use turnstile::words::failure::Failure;
use turnstile::words::instance::Stage;
use turnstile::words::plan::{self, Plan};

use crate::{CompleteLifecycleHook, Request};

impl CompleteLifecycleHook {
    /// Gives back what the rollout still has. The answer is why the launch failed, if it did.
    ///
    /// # Errors
    /// As every call of the table and of Auto Scaling.
    pub(crate) async fn end_without_instance(&self, request: &Request) -> Result<Option<Failure>, Error> {
        let Request { execution, plan: Some(plan), round, now, .. } = request else { return Ok(None) };
        if let Some(pending) = plan.pending_hook() {
            self.launches.let_go(&pending, execution).await;
        }
        if let Some((round, now)) = round.zip(*now) {
            self.served.shut(plan, &turn::queues(plan), Whose::Others, (execution, round), now).await;
        }
        self.forget(plan).await;
        self.rest_gate_in_service(request, plan).await;
        self.turns.give_back(&turn::all_claims(plan), execution, *round, false).await?;
        self.failure_of_gone(plan).await
    }

    /// Why the launch failed, if another launch hook of the group abandons its launches again and again. Each is counted as a failed one.
    async fn failure_of_gone(&self, plan: &Plan) -> Result<Option<Failure>, Error> {
        let Some(instance_id) = &plan.instance_id else { return Ok(None) };
        if plan.hook.is_none() || plan.other_hooks.is_empty() {
            return Ok(None);
        }
        let instance = self.launches.autoscaling.instance(instance_id).await?;
        if instance.is_some_and(|instance| instance.stage() != Stage::Gone) {
            return Ok(None);
        }
        self.turns.count_failure(&plan.auto_scaling_group_name, instance_id).await?;
        let in_a_row = self.turns.count_terminated(&plan.auto_scaling_group_name, instance_id).await?;
        let Some(failure) = abandoned::failure(plan, in_a_row) else { return Ok(None) };
        let (auto_scaling_group_name, instance_id) = plan::subject(Some(plan), &Value::Null);
        let subject = Subject { auto_scaling_group_name, instance_id, warnings: &plan.warnings };
        let failure = cause::with_hook(&failure, subject, "over: the instance is gone");
        error!(error = failure.error, cause = failure.cause, "launches are abandoned by another hook");
        Ok(Some(failure))
    }
}
