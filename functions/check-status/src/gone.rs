//! Instances of a whole group's deployment that were scaled in meanwhile.

use tracing::warn;
use turnstile::limits::GRACE;
use turnstile::policy::verdict;
use turnstile::words::deployment::Target;
use turnstile::words::error::Error;
use turnstile::words::ids::TargetId;

use crate::{CheckStatus, Looked};

impl CheckStatus {
    /// The targets whose instances are still there, and the others.
    pub(crate) async fn without_gone(&self, targets: Vec<Target>) -> Result<(Vec<Target>, Vec<TargetId>), Error> {
        let may_be_gone = targets.iter().filter(|target| verdict::may_be_gone(target));
        let may_be_gone: Vec<TargetId> = may_be_gone.map(|target| target.target_id.clone()).collect();
        let gone = self.launches.autoscaling.gone(&may_be_gone).await?;
        let left = targets.into_iter().filter(|target| !gone.contains(&target.target_id)).collect();
        Ok((left, gone))
    }

    /// Whether the deployment to a whole group waits for nothing but instances that were scaled in. CodeDeploy would wait for them for an hour.
    pub(crate) async fn waits_for_gone(&self, look: &Looked<'_>) -> Result<bool, Error> {
        let Looked { request, deployment, .. } = look;
        let stall_seconds = look.stall().seconds(request.now);
        if request.plan.instance_id.is_some() || !deployment.status.is_active() || stall_seconds < GRACE {
            return Ok(false);
        }
        let (left, gone) = self.without_gone(self.codedeploy.targets(&deployment.deployment_id).await?).await?;
        let is_alone = !gone.is_empty() && left.iter().all(|target| target.status.has_ended());
        if is_alone {
            warn!(deployment = %deployment.deployment_id, ?gone, "the deployment waits for instances that are not there any more");
        }
        Ok(is_alone)
    }
}
