//! The deployments of a group from a moment back.

use std::cmp::Reverse;

use turnstile::words::application::DeploymentGroup;
use turnstile::words::deployment::Deployment;
use turnstile::words::error::Error;
use turnstile::words::time::Timestamp;

use super::CodeDeploy;

/// How many of a group's deployments are asked about at a time.
const AT_A_TIME: usize = 200;

impl CodeDeploy {
    /// Deployments of the group that were created before this moment, the newest first, and whether there are more. `None`: the newest of all.
    ///
    /// # Errors
    /// See [`CodeDeploy::group`].
    pub async fn deployments_before(
        &self,
        name: &DeploymentGroup,
        moment: Option<Timestamp>,
    ) -> Result<(Vec<Deployment>, bool), Error> {
        let (ids, has_more) = self.deployments_until(name, moment, AT_A_TIME).await?;
        let mut newest_first = sorted(self.deployments(&ids).await?);
        // CodeDeploy lists the newest first, which it does not promise.
        let has_more = match has_more && !newest_first.iter().map(|deployment| &deployment.deployment_id).eq(&ids) {
            true => {
                let (ids, _) = self.deployments_until(name, moment, usize::MAX).await?;
                newest_first = sorted(self.deployments(&ids).await?);
                false
            }
            false => has_more,
        };
        newest_first.retain(|deployment| moment.is_none_or(|moment| deployment.created.is_some_and(|at| at < moment)));
        Ok((newest_first, has_more))
    }
}

fn sorted(mut deployments: Vec<Deployment>) -> Vec<Deployment> {
    deployments.sort_by_key(|deployment| Reverse(deployment.created));
    deployments
}
