//! What a deployment that is over says of the instances, beside its own targets.

use aws::history::History;
use aws::up_to_date;
use tracing::{info, warn};
use turnstile::limits::MOST_ALSO_DEPLOYED_TO;
use turnstile::policy::up_to_date::{Found, Search, Trace};
use turnstile::policy::{deployment_tag, waits};
use turnstile::words::deployment::{Overview, Target};
use turnstile::words::error::Error;
use turnstile::words::failure::FailureKind;
use turnstile::words::ids::{InstanceId, TargetId};

use crate::CheckStatus;
use crate::looked::Looked;
use crate::request::{Answer, Request};

impl CheckStatus {
    /// A deployment to a whole group has failed nowhere, which says nothing of an instance that it left out. The rollout has succeeded when
    /// every instance in service is known to be up to date.
    pub(crate) async fn every_instance(
        &self,
        look: Looked<'_>,
        also_deployed_to: Vec<TargetId>,
    ) -> Result<Answer, Error> {
        let Looked { request, .. } = &look;
        let instances = self.launches.autoscaling.instances_in_service(&request.plan.auto_scaling_group_name).await?;
        let instances = instances.unwrap_or_default();
        if instances.is_empty() {
            return Ok(request.succeeded(&look.deployment, also_deployed_to));
        }
        match self.search(request, instances).await? {
            Some(Found::UpToDate(_)) => Ok(request.succeeded(&look.deployment, also_deployed_to)),
            Some(Found::AtWork(_)) => self.wait(look, FailureKind::DeploymentTimedOut).await,
            Some(Found::SearchOn(search)) => Ok(look.search_on(search)),
            Some(Found::Outdated(_)) if self.may_not_see_the_gate(&look).await? => {
                Ok(self.failed(FailureKind::GateNotSeen, &look, None))
            }
            Some(Found::Outdated(outdated)) => {
                let reason = self.failure(FailureKind::InstanceNotReached, &look, None).reason_of_outdated(&outdated);
                Ok(look.failed(FailureKind::InstanceNotReached, reason))
            }
            None => Ok(self.failed(FailureKind::InstanceNotReached, &look, None)),
        }
    }

    /// Searches the group's deployments for those that brought these instances up to date, or goes on with the search of the call before.
    /// `None`: the group was deleted.
    pub(crate) async fn search(&self, request: &Request, instances: Vec<InstanceId>) -> Result<Option<Found>, Error> {
        let name = &request.application.group;
        let Some(group) = self.codedeploy.group(name).await? else { return Ok(None) };
        let history = History::read(&self.codedeploy, name, &group, request.now).await?;
        let search = request.search.clone().unwrap_or_else(|| Search::of(instances));
        up_to_date::search(&self.codedeploy, name, &history.current, search).await.map(Some)
    }

    /// The instances in service to which the rollout's deployment came besides its own. An operator should know of them; the rollout does
    /// not depend on them.
    pub(crate) async fn also_deployed_to(&self, look: &Looked<'_>) -> Vec<TargetId> {
        let Looked { request, deployment, .. } = look;
        let Overview { in_progress, succeeded, failed, .. } = deployment.overview;
        let own = request.plan.instance_id.as_ref();
        let is_alone = own.is_some() && in_progress + succeeded + failed <= 1;
        if is_alone || !deployment_tag::is_a_rollouts(&deployment.description) {
            return Vec::new();
        }
        let in_service = async {
            let targets = self.codedeploy.targets(&deployment.deployment_id).await?;
            let came = |target: &&Target| Trace::of(Some(*target)) != Trace::None;
            let is_other = |target: &&Target| own.is_none_or(|own| target.target_id != *own);
            let others: Vec<TargetId> =
                targets.iter().filter(came).filter(is_other).map(|target| target.target_id.clone()).collect();
            self.launches.autoscaling.in_service(&others).await
        };
        match in_service.await {
            Ok(mut in_service) => {
                if !in_service.is_empty() {
                    info!(also_deployed_to = ?in_service, "the deployment came to instances in service");
                }
                in_service.truncate(MOST_ALSO_DEPLOYED_TO);
                in_service
            }
            Err(error) => {
                warn!(error = error.name(), reason = %error, "which other instances were deployed to is not known");
                Vec::new()
            }
        }
    }
}

impl Looked<'_> {
    /// The deployment is over. Whether the instances are up to date is still searched for.
    pub(crate) fn search_on(&self, search: Search) -> Answer {
        Answer::InProgress { wait_seconds: waits::TO_SEARCH_ON, stall: self.stall(), search: Some(search) }
    }
}
