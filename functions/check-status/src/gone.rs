//! Instances of a whole group's deployment that were scaled in meanwhile.

use tracing::warn;
use turnstile::policy::verdict;
use turnstile::words::deployment::Target;
use turnstile::words::error::Error;
use turnstile::words::ids::TargetId;

use crate::CheckStatus;
use crate::looked::Looked;

impl CheckStatus {
    /// The targets whose instances are still there, and those on which nothing has succeeded and no script has failed, of instances that are in
    /// no Auto Scaling group any more.
    pub(crate) async fn without_gone(&self, targets: Vec<Target>) -> Result<(Vec<Target>, Vec<Target>), Error> {
        let may_be_gone = targets.iter().filter(|target| verdict::may_be_gone(target));
        let may_be_gone: Vec<TargetId> = may_be_gone.map(|target| target.target_id.clone()).collect();
        let ids = self.launches.autoscaling.gone(&may_be_gone).await?;
        if !ids.is_empty() {
            warn!(gone = ?ids, "the deployment came to instances that are in no Auto Scaling group any more: they do not count");
        }
        Ok(targets.into_iter().partition(|target| !ids.contains(&target.target_id)))
    }

    /// Whether the deployment to a whole group waits for instances that were scaled in.
    pub(crate) async fn waits_for_gone(&self, look: &Looked<'_>) -> Result<bool, Error> {
        if look.request.plan.instance_id.is_some() {
            return Ok(false);
        }
        let (_, gone) = self.without_gone(self.codedeploy.targets(&look.deployment.deployment_id).await?).await?;
        Ok(gone.iter().any(|target| !target.status.has_ended()))
    }
}
