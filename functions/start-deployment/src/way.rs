//! What is in the way of the rollout's deployment: another one that is under way, or a call that may yet make one.

use aws::codedeploy::Stopping;
use aws::history::History;
use turnstile::policy::gate::Selecting;
use turnstile::policy::stall::{self, StallTimer};
use turnstile::policy::{deployment_tag, turn, waits};
use turnstile::words::deployment::{Deployment, DeploymentStatus, TargetStatus};
use turnstile::words::error::Error;
use turnstile::words::ids::DeploymentId;

use crate::request::{Outcome, Request, Way};
use crate::{MOST_CLAIMS_READ, StartDeployment};

impl StartDeployment {
    /// The deployment that is under way already: this attempt's own, or one of somebody else's that occupies the group.
    ///
    /// An earlier call may have started this attempt's own, and its answer was lost. One that brings a build that is not current any more is
    /// stopped, or over.
    pub(crate) async fn under_way(&self, request: &Request, history: &History) -> Result<Option<Outcome>, Error> {
        let own = history.newest_first.iter().find(|deployment| request.own_attempt().has_made(deployment));
        if let Some(own) = own {
            let id = own.deployment_id.clone();
            self.record_answered(request, None, None).await;
            if history.current.is_of(own) {
                return Ok(Some(Outcome::Started(request.started(id, history))));
            }
            if own.status.is_active() {
                self.turns.require(&request.claims(), &request.execution, request.round).await?;
                return Ok(Some(self.withdraw(request, id, history).await));
            }
        }
        match history.active().next() {
            Some(theirs) => self.occupied(request, theirs).await.map(Some),
            None => Ok(None),
        }
    }

    /// Somebody else's deployment is under way. One that still has the instance to do, or has done it, is as good as an own one. One that
    /// failed on the instance, or does not contain it, has to end first.
    pub(crate) async fn occupied(&self, request: &Request, theirs: &Deployment) -> Result<Outcome, Error> {
        // It restarts what is there, and brings nothing.
        if theirs.installs_nothing {
            return self.busy(request, Some(theirs.clone())).await;
        }
        let target = match &request.plan.instance_id {
            Some(instance_id) => self.codedeploy.target(&theirs.deployment_id, instance_id).await?,
            None => None,
        };
        use TargetStatus::{InProgress, Pending, Succeeded};
        if !matches!(target.map(|target| target.status), Some(Pending | InProgress | Succeeded)) {
            return self.busy(request, Some(theirs.clone())).await;
        }
        // Whoever deploys next waits for it, as for one of this rollout's own.
        match self.way(request, Selecting::SharedByTags).await? {
            Way::Blocked(Some(same)) if same.deployment_id == theirs.deployment_id => {}
            Way::Blocked(other) => return self.busy(request, other.map(|other| *other)).await,
            Way::Clear { .. } => {
                self.turns.record_next(&request.main_claim(), &request.next_deployment(None), request.holder()).await?;
            }
        }
        // It began at a time unknown here, so its group's history does not say when it ends.
        Ok(Outcome::Joined(request.under_way(theirs.deployment_id.clone(), None)))
    }

    pub(crate) async fn read_again(&self, history: &History, created: Option<&DeploymentId>) -> Result<History, Error> {
        let again = history.read_again(&self.codedeploy, created).await?;
        again.ok_or_else(|| Error::UnsuitableDeploymentGroup("the deployment group has been deleted meanwhile".into()))
    }

    /// Waits for a deployment that is in the way; without one, for a deployment that is not listed yet. A stalled deployment of a rollout
    /// that has ended is stopped.
    pub(crate) async fn busy(&self, request: &Request, deployment: Option<Deployment>) -> Result<Outcome, Error> {
        let Request { plan, application, .. } = request;
        let waited = request.waited();
        if waited >= waits::longest_for_other_deployments(request.attempt, application.timeout_seconds) {
            let id = deployment.as_ref().map_or("a deployment that is not listed yet", |d| d.deployment_id.as_str());
            return Err(Error::GroupBusy(format!(
                "{application}: waited {waited} s for other deployments to end; {id} is still under way"
            )));
        }
        let mut stall = None;
        if let Some(deployment) = &deployment {
            let timer = StallTimer::after_look(request.stall.as_ref(), deployment, None, None);
            let bakes = deployment.status == DeploymentStatus::Baking;
            if !bakes && stall::is_stalled(deployment.overview, timer.seconds(request.now)) {
                self.turns.require(&request.claims(), &request.execution, request.round).await?;
                self.stop(request, deployment).await?;
            }
            stall = Some(timer);
        }
        let has_just_been_made = deployment.as_ref().is_some_and(|deployment| !deployment.status.has_begun());
        Ok(Outcome::Busy {
            deployment_id: deployment.map(|deployment| deployment.deployment_id),
            wait_seconds: match has_just_been_made && waited < waits::SOON {
                true => waits::to_let_a_call_end(fastrand::f64()),
                false => waits::for_other_deployment(waited, request.age(), plan.hook.as_ref()),
            },
            stall,
            search: None,
            missed: false,
            why: None,
        })
    }

    /// Stops a stalled deployment, if a rollout has started it and the turn has the claim on its group: that of another list of applications is
    /// waited for until CodeDeploy gives it up. The stop is recorded in the claim, so that it is not taken for a person's.
    pub(crate) async fn stop(&self, request: &Request, deployment: &Deployment) -> Result<(), Error> {
        let claimed = deployment.group.as_ref().filter(|group| request.plan.names(group));
        let Some(group) = claimed else { return Ok(()) };
        let Stopping::Stalled { .. } = self.codedeploy.may_be_stopped(deployment).await? else { return Ok(()) };
        self.turns.record_stop(group, &request.stop_of(&deployment.deployment_id)).await?;
        self.codedeploy.stop(&deployment.deployment_id).await.map(drop)
    }

    /// Whether something is in the way that the groups' lists do not show. That is the deployment that a call without an answer may yet make. In
    /// a turn for the whole list it is, too, the deployment that was last made in a turn of the Auto Scaling group, or of another one that
    /// shares a deployment group with it, if it is still at work on any instance.
    ///
    /// What others than rollouts deploy is no concern of a group that goes by the gate, unless [`StartDeployment::in_the_way`] has found it.
    pub(crate) async fn way(&self, request: &Request, selecting: Selecting) -> Result<Way, Error> {
        let Request { plan, execution, round, .. } = request;
        let mut found = self.turns.require(&request.claims(), execution, *round).await?;
        let own = request.main_claim();
        let given_up = found.iter().find(|claim| claim.claim == own).and_then(|claim| claim.unanswered.clone());
        if let Some(call) = &given_up
            && let Some(after_look) = turn::unanswered_after_look(call, request.now)
        {
            if after_look != *call {
                self.turns.record_unanswered(&own, &after_look, request.holder()).await?;
            }
            return Ok(Way::Blocked(None));
        }
        if plan.turn_per_deployment {
            return Ok(Way::Clear { given_up });
        }
        let neighbours = turn::claims_of_neighbours(&found, &plan.auto_scaling_group_name);
        for claims in neighbours.chunks(MOST_CLAIMS_READ) {
            found.extend(self.turns.read(claims).await?);
        }
        let is_own = |group| found.iter().any(|claim| claim.claim == own && claim.deploying.as_ref() == Some(group));
        for last in turn::last_deployed(&found) {
            if let Some(group) = self.codedeploy.group_if_permitted(last).await?
                && let Some(attempted) = group.last_attempted
                && let Some(deployment) = self.codedeploy.deployment(&attempted.deployment_id).await?
                && stall::is_at_work(&deployment, request.stall.as_ref(), request.now)
                // What others than rollouts deploy to a neighbour's groups is no concern of this one.
                && ((is_own(last) && !selecting.is_gated()) || deployment_tag::is_a_rollouts(&deployment.description))
            {
                return Ok(Way::Blocked(Some(Box::new(deployment))));
            }
        }
        Ok(Way::Clear { given_up })
    }
}
