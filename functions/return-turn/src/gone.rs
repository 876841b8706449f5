//! Ends a rollout whose instance is gone: quietly, unless launch after launch goes like this.

use aws::autoscaling::AutoScaling;
use aws::turns::Turns;
use serde_json::Value;
use tracing::error;
use turnstile::policy::abandoned;
use turnstile::policy::cause::{self, Subject};
use turnstile::words::error::Error;
use turnstile::words::failure::Failure;
use turnstile::words::instance::Stage;
use turnstile::words::plan::{self, Plan};

/// Looks into why an instance is gone.
pub(crate) struct Gone {
    pub(crate) autoscaling: AutoScaling,
    pub(crate) turns: Turns,
}

impl Gone {
    /// Why the launch failed, if another launch hook of the group abandons its launches again and again. Each is counted as a failed one.
    pub(crate) async fn failure(&self, plan: &Plan) -> Result<Option<Failure>, Error> {
        let Some(instance_id) = &plan.instance_id else { return Ok(None) };
        if plan.hook.is_none() || plan.other_hooks.is_empty() {
            return Ok(None);
        }
        let instance = self.autoscaling.instance(instance_id).await?;
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
