//! What has been deployed to a deployment group lately, and what is current there.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use turnstile::policy::up_to_date::CurrentRevision;
use turnstile::words::application::DeploymentGroup;
use turnstile::words::deployment::{Deployment, DeploymentGroupInfo};
use turnstile::words::error::Error;
use turnstile::words::ids::DeploymentId;
use turnstile::words::time::Timestamp;

use crate::codedeploy::CodeDeploy;

/// How many deployments are looked through in a group of which none has succeeded as a whole, as beside an instance that is dead.
const WITHOUT_SUCCESS: usize = 200;

/// A deployment group's deployments, as they were at one moment.
#[derive(Debug, Clone)]
pub struct History {
    name: DeploymentGroup,
    since: Timestamp,
    /// Those since the last one that succeeded with a build, and since the moment from which they were asked for.
    pub newest_first: Vec<Deployment>,
    pub current: CurrentRevision,
}

impl History {
    /// Reads the deployments of the group of which `info` is known: those that were created at `since` or later, and all since the last one
    /// that brought a build and succeeded.
    ///
    /// # Errors
    /// [`Error::UnsuitableDeploymentGroup`] when the group has no revision yet, else as every call of [`CodeDeploy`].
    pub async fn read(
        codedeploy: &CodeDeploy,
        name: &DeploymentGroup,
        info: &DeploymentGroupInfo,
        since: Timestamp,
    ) -> Result<Self, Error> {
        Self::with(codedeploy, name, info, since, Vec::new(), None).await
    }

    /// Reads it again. Of the deployments that it has, only those are asked about that had not ended. `created` is one that the caller has
    /// just created, and of which it needs to know nothing. `None`: the group was deleted.
    ///
    /// # Errors
    /// See [`History::read`].
    pub async fn read_again(
        &self,
        codedeploy: &CodeDeploy,
        created: Option<&DeploymentId>,
    ) -> Result<Option<Self>, Error> {
        let Some(info) = codedeploy.group(&self.name).await? else { return Ok(None) };
        let known = self.newest_first.iter().filter(|deployment| !deployment.status.is_active()).cloned();
        Self::with(codedeploy, &self.name, &info, self.since, known.collect(), created).await.map(Some)
    }

    async fn with(
        codedeploy: &CodeDeploy,
        name: &DeploymentGroup,
        info: &DeploymentGroupInfo,
        since: Timestamp,
        known: Vec<Deployment>,
        except: Option<&DeploymentId>,
    ) -> Result<Self, Error> {
        let succeeded = info.last_successful.as_ref();
        let listed = match succeeded.map(|last| last.created) {
            Some(Some(created)) => codedeploy.deployments_since(name, created.min(since)).await?,
            Some(None) | None => codedeploy.recent_deployments(name, WITHOUT_SUCCESS).await?,
        };
        // CodeDeploy's answers may trail each other.
        let named = [succeeded, info.last_attempted.as_ref()].into_iter().flatten();
        let ids: BTreeSet<DeploymentId> =
            listed.into_iter().chain(named.map(|last| last.deployment_id.clone())).collect();
        let mut newest_first: Vec<Deployment> = known;
        let is_known = |id: &DeploymentId| newest_first.iter().any(|known| known.deployment_id == *id);
        let unknown: Vec<DeploymentId> = ids.into_iter().filter(|id| !is_known(id) && Some(id) != except).collect();
        newest_first.extend(codedeploy.deployments(&unknown).await?);
        newest_first.sort_by_key(|deployment| Reverse(deployment.created));
        if succeeded.is_some() {
            go_back_to_a_build(codedeploy, name, &mut newest_first).await?;
        }
        let current = CurrentRevision::of(name, info, &newest_first)?;
        Ok(Self { name: name.clone(), since, newest_first, current })
    }

    /// The last deployment that succeeded with a build, and what was attempted since; everything that is known when none has.
    pub fn since_last_successful(&self) -> &[Deployment] {
        let is_last = |deployment: &Deployment| Some(deployment.deployment_id.as_str()) == self.last_successful();
        let last = self.newest_first.iter().position(is_last);
        last.map_or(&self.newest_first[..], |last| &self.newest_first[..=last])
    }

    fn last_successful(&self) -> Option<&str> {
        self.current.last_successful.as_ref().map(|last| last.deployment_id.as_str())
    }

    /// The deployments that are under way. There is one at the most, as CodeDeploy lets no other begin.
    pub fn active(&self) -> impl Iterator<Item = &Deployment> {
        self.newest_first.iter().filter(|deployment| deployment.status.is_active())
    }

    /// Whether another build has become current since `earlier`.
    pub fn has_another_build_than(&self, earlier: &Self) -> bool {
        !self.current.revision.is_same_build(&earlier.current.revision)
    }
}

/// Adds older deployments until one has brought a build and succeeded: those that have succeeded since install nothing.
async fn go_back_to_a_build(
    codedeploy: &CodeDeploy,
    name: &DeploymentGroup,
    newest_first: &mut Vec<Deployment>,
) -> Result<(), Error> {
    let mut has_more = true;
    while has_more && !newest_first.iter().any(Deployment::has_succeeded_with_a_build) {
        let back_to = newest_first.last().and_then(|oldest| oldest.created);
        let (older, more) = codedeploy.deployments_before(name, back_to).await?;
        has_more = more && !older.is_empty();
        newest_first.extend(older);
    }
    Ok(())
}
