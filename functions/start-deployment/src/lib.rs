//! Starts the deployment of one application, joins one that is under way, or finds that the instance needs none.

use aws::autoscaling::AutoScaling;
use aws::clients::Clients;
use aws::codedeploy::CodeDeploy;
use aws::function::Function;
use aws::settings::{self, SettingError, Settings};
use aws::turns::Turns;
use aws::up_to_date;
use serde::{Deserialize, Serialize};
use tracing::{Span, info, info_span, warn};
use turnstile::limits::MOST_INSTANCES_NAMED;
use turnstile::policy::stall::{self, StallTimer};
use turnstile::policy::up_to_date::{CurrentRevision, Freshness};
use turnstile::policy::{deployment_tag, preflight, turn, waits};
use turnstile::words::application::Application;
use turnstile::words::deployment::{Creation, Deployment, DeploymentGroupInfo, DeploymentStatus, TargetStatus};
use turnstile::words::error::Error;
use turnstile::words::failure::Silence;
use turnstile::words::ids::{DeploymentId, ExecutionArn};
use turnstile::words::plan::Plan;
use turnstile::words::revision::Revision;
use turnstile::words::time::Timestamp;
use turnstile::words::turn::FinishedDeployment;

/// How much the clocks of Step Functions and CodeDeploy may differ, in seconds. They differ by some; a minute is generous.
const CLOCK_SKEW: u32 = 60;

/// The function.
pub struct StartDeployment {
    codedeploy: CodeDeploy,
    autoscaling: AutoScaling,
    turns: Turns,
}

/// The application that the rollout has come to.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// The deployment's description carries it, so that a repeated call finds what it has started.
    execution: ExecutionArn,
    /// When the execution started.
    started_at: Timestamp,
    now: Timestamp,
    plan: Plan,
    application: Application,
    /// 1, and one more each time the rollout goes through its applications again.
    round: u32,
    /// 1 for the application's first deployment in the round.
    attempt: u32,
    /// Since when other deployments have been in the way of this attempt; absent when it asks for the first time.
    busy_since: Option<Timestamp>,
    /// Of the deployment that was in the way when it last asked.
    stall: Option<StallTimer>,
    /// Why the rollout last yielded, if it has.
    silence: Option<Silence>,
}

/// What comes of it, with the seconds to wait before the next step.
#[derive(Debug, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "SCREAMING_SNAKE_CASE", rename_all_fields = "camelCase")]
pub enum Answer {
    /// This rollout's own deployment is under way.
    Started(UnderWay),
    /// Somebody else's deployment is under way and contains the instance.
    Joined(UnderWay),
    /// Nothing is to be done: this deployment succeeded on the instance with the current revision.
    UpToDate { deployment_id: DeploymentId, revision: Option<Revision> },
    /// A deployment that does not contain the instance occupies this group or another one of the rollout.
    Busy {
        /// Absent when the deployment is not listed yet.
        #[serde(skip_serializing_if = "Option::is_none")]
        deployment_id: Option<DeploymentId>,
        wait_seconds: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        stall: Option<StallTimer>,
        /// What CodeDeploy said, when it refused the deployment although none is listed.
        #[serde(skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
}

/// A deployment that is under way.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UnderWay {
    deployment_id: DeploymentId,
    wait_seconds: u32,
    /// How long the deployment should take; null when that is unknown.
    expected_seconds: Option<u32>,
}

impl Function for StartDeployment {
    type Request = Request;
    type Answer = Answer;

    fn new(clients: &Clients, settings: &Settings) -> Result<Self, SettingError> {
        Ok(Self {
            codedeploy: clients.codedeploy(),
            autoscaling: clients.autoscaling(),
            turns: clients.turns(settings.get(settings::TURNS_TABLE)?),
        })
    }

    fn span(request: &Request) -> Span {
        info_span!(
            "start-deployment",
            execution = %request.execution,
            group = %request.plan.auto_scaling_group_name,
            instance = request.plan.instance_id.as_ref().map(|id| id.as_str()),
            application = %request.application,
            round = request.round,
            attempt = request.attempt,
        )
    }

    async fn handle(&self, request: Request) -> Result<Answer, Error> {
        let (codedeploy, request) = (&self.codedeploy, &request);
        let Request { plan, application, .. } = request;
        self.autoscaling.heartbeat(plan).await?.require_open()?;
        waits::check_time(plan, request.age())?;

        let group = codedeploy.group(&application.group).await?.ok_or_else(|| {
            Error::UnsuitableDeploymentGroup(format!(
                "{application}: there is no such application and deployment group"
            ))
        })?;
        preflight::check(&application.group, &group).map_err(Error::UnsuitableDeploymentGroup)?;
        let current = up_to_date::current_revision(codedeploy, &application.group, &group).await?;
        let expected = expected_seconds(&group, &current);

        if let Some(own) = self.own_deployment(request, &group).await? {
            return Ok(Answer::Started(request.under_way(own, expected)));
        }
        let active = codedeploy.active_deployments(&application.group).await?;
        if !active.is_empty() {
            return self.occupied(request, &active, expected).await;
        }
        if let Some(instance_id) = &plan.instance_id {
            let freshness =
                up_to_date::by_last_deployments(codedeploy, &application.group, &group, &current, instance_id).await?;
            match freshness {
                Freshness::UpToDate(deployment) => return Ok(self.up_to_date(request, deployment).await),
                Freshness::AtWork(deployment)
                    if !stall::is_agent_gone(&deployment, request.stall.as_ref(), request.now) =>
                {
                    return self.busy(request, Some(deployment)).await;
                }
                Freshness::AtWork(_) | Freshness::Outdated => {}
            }
        }
        for other in plan.applications.iter().filter(|other| other.group != application.group) {
            let active = codedeploy.active_deployments(&other.group).await?;
            if !active.is_empty() {
                return self.busy(request, codedeploy.deployments(&active).await?.into_iter().next()).await;
            }
        }
        if let Some(previous) = self.claim_next(request).await? {
            // An earlier call, which goes on at the same time, has been faster.
            if previous.description == request.own_tag() {
                return Ok(Answer::Started(request.under_way(previous.deployment_id, expected)));
            }
            return self.busy(request, Some(previous)).await;
        }
        let to_deploy = self.to_deploy(request).await?;
        match codedeploy.create(&to_deploy, &current.revision, &request.own_tag()).await? {
            Creation::Created(deployment_id) => Ok(Answer::Started(request.under_way(deployment_id, expected))),
            // Somebody took the group's one slot between the look and the call.
            Creation::LimitExceeded { message } => {
                let active = codedeploy.active_deployments(&application.group).await?;
                match active.is_empty() {
                    true => self.limited(request, &message),
                    false => self.occupied(request, &active, expected).await,
                }
            }
            Creation::Refused { code, message } => self.refused(request, &current, code, message).await,
        }
    }
}

impl StartDeployment {
    /// The deployment that an earlier call for the same attempt started, and whose answer was lost.
    async fn own_deployment(
        &self,
        request: &Request,
        group: &DeploymentGroupInfo,
    ) -> Result<Option<DeploymentId>, Error> {
        let since = request.started_at.minus_seconds(CLOCK_SKEW);
        let attempted_since =
            group.last_attempted.as_ref().is_some_and(|last| last.created.is_none_or(|created| created >= since));
        if !attempted_since {
            return Ok(None);
        }
        let ids = self.codedeploy.deployments_since(&request.application.group, since).await?;
        let tag = request.own_tag();
        let deployments = self.codedeploy.deployments(&ids).await?;
        Ok(deployments.into_iter().find(|deployment| deployment.description == tag).map(|own| own.deployment_id))
    }

    /// The group has an active deployment. It may be this attempt's own, started by an earlier call that goes on at the same time. One
    /// of somebody else's that still has the instance to do, or has done it, is as good as an own one. One that failed on the instance,
    /// or does not contain it, has to end first.
    async fn occupied(
        &self,
        request: &Request,
        active: &[DeploymentId],
        expected: Option<u32>,
    ) -> Result<Answer, Error> {
        let tag = request.own_tag();
        let deployments = self.codedeploy.deployments(active).await?;
        if let Some(own) = deployments.iter().find(|deployment| deployment.description == tag) {
            return Ok(Answer::Started(request.under_way(own.deployment_id.clone(), expected)));
        }
        let Some(theirs) = deployments.into_iter().next() else { return self.busy(request, None).await };
        let target = match &request.plan.instance_id {
            Some(instance_id) => self.codedeploy.target(&theirs.deployment_id, instance_id).await?,
            None => None,
        };
        use TargetStatus::{InProgress, Pending, Succeeded};
        match target.map(|target| target.status) {
            // It began at a time unknown here, so its group's history does not say when it ends.
            Some(Pending | InProgress | Succeeded) => Ok(Answer::Joined(request.under_way(theirs.deployment_id, None))),
            _ => self.busy(request, Some(theirs)).await,
        }
    }

    /// Waits for a deployment that is in the way; without one, for a deployment that is not listed yet. A stalled deployment of a rollout
    /// that has ended is stopped.
    async fn busy(&self, request: &Request, deployment: Option<Deployment>) -> Result<Answer, Error> {
        let Request { plan, application, .. } = request;
        let waited = request.busy_since.map_or(0, |since| request.now.seconds_since(since));
        if waited >= waits::longest_for_other_deployments(request.attempt, application.timeout_seconds) {
            let id = deployment.as_ref().map_or("a deployment that is not listed yet", |d| d.deployment_id.as_str());
            return Err(Error::GroupBusy(format!(
                "{application}: waited {waited} s for other deployments to end; {id} is still under way"
            )));
        }
        let mut stall = None;
        if let Some(deployment) = &deployment {
            let timer = StallTimer::after_look(request.stall.as_ref(), deployment, None);
            let bakes = deployment.status == DeploymentStatus::Baking;
            if !bakes && stall::is_stalled(deployment.overview, timer.seconds(request.now)) {
                self.turns.require(plan, &request.execution).await?;
                self.codedeploy.stop_stalled(deployment).await?;
            }
            stall = Some(timer);
        }
        Ok(Answer::Busy {
            deployment_id: deployment.map(|deployment| deployment.deployment_id),
            wait_seconds: waits::for_other_deployment(waited, plan.hook.as_ref()),
            stall,
            why: None,
        })
    }

    /// CodeDeploy refused the deployment for a limit, although the group has none under way: a deployment of it is not listed yet, or the
    /// account has as many under way as it may. Either passes.
    fn limited(&self, request: &Request, message: &str) -> Result<Answer, Error> {
        let Request { plan, application, .. } = request;
        let waited = request.busy_since.map_or(0, |since| request.now.seconds_since(since));
        let why =
            format!("CodeDeploy refuses for a limit, although no deployment of the group is under way: {message}");
        if waited >= waits::longest_for_other_deployments(request.attempt, application.timeout_seconds) {
            return Err(Error::GroupBusy(format!("{application}: waited {waited} s: {why}")));
        }
        warn!(waited, message, "refused for a limit, although no deployment of the group is under way");
        let wait_seconds = waits::for_other_deployment(waited, plan.hook.as_ref());
        Ok(Answer::Busy { deployment_id: None, wait_seconds, stall: None, why: Some(why) })
    }

    /// Last step before CreateDeployment. Returns the deployment that was last made in a turn of the Auto Scaling group, if it is still at
    /// work on any instance; else records this application as the next to be deployed.
    async fn claim_next(&self, request: &Request) -> Result<Option<Deployment>, Error> {
        let Request { plan, application, .. } = request;
        if let Some(last) = turn::last_deployed(&self.turns.require(plan, &request.execution).await?)
            && let Some(group) = self.codedeploy.group_if_permitted(last).await?
            && let Some(attempted) = group.last_attempted
            && let Some(deployment) = self.codedeploy.deployment(&attempted.deployment_id).await?
            && stall::is_at_work(&deployment, request.stall.as_ref(), request.now)
        {
            return Ok(Some(deployment));
        }
        self.turns.record_next(&plan.auto_scaling_group_name, &application.group, &request.execution).await?;
        Ok(None)
    }

    /// The application as it is deployed now. It goes to all instances at once if its last deployment stalled, perhaps at a dead instance
    /// that comes first.
    async fn to_deploy(&self, request: &Request) -> Result<Application, Error> {
        let application = request.application.clone();
        let others = match request.silence.as_ref().filter(|silence| silence.group == application.group) {
            Some(silence) if silence.others_not_begun.len() < MOST_INSTANCES_NAMED => &silence.others_not_begun,
            _ => return Ok(application),
        };
        let in_service = self.autoscaling.count_in_service(others).await?;
        if !stall::may_go_all_at_once(others.len(), in_service) {
            return Ok(application);
        }
        info!(not_begun = ?others, "deploys to all at once: the last deployment did not get past these instances");
        Ok(Application { deployment_config_name: Some(stall::ALL_AT_ONCE.into()), ..application })
    }

    /// CodeDeploy refused the deployment. That is an error, unless it is CodeDeploy's way to say that nothing is outdated: the instance is
    /// known to be up to date; in a rollout of a whole group, every instance is.
    async fn refused(
        &self,
        request: &Request,
        current: &CurrentRevision,
        code: String,
        message: String,
    ) -> Result<Answer, Error> {
        let Request { plan, application, .. } = request;
        let instances = match &plan.instance_id {
            Some(instance_id) => vec![instance_id.clone()],
            None => self.autoscaling.instances_in_service(&plan.auto_scaling_group_name).await?.unwrap_or_default(),
        };
        match up_to_date::of_all_instances(&self.codedeploy, &application.group, current, &instances).await? {
            Some(deployment) => {
                info!(code, message, "refused: nothing is outdated");
                Ok(self.up_to_date(request, deployment).await)
            }
            None => {
                // Terminated meanwhile, it is no instance of the group any more.
                self.autoscaling.heartbeat(plan).await?.require_open()?;
                Err(Error::DeploymentRejected { application: application.to_string(), code, message })
            }
        }
    }

    /// The deployment that brought the instance up to date may have done so for others whose rollouts wait.
    async fn up_to_date(&self, request: &Request, deployment: Deployment) -> Answer {
        let finished = FinishedDeployment::from(&deployment);
        let group = &request.application.group;
        if let Err(error) = self.turns.publish_finished(group, &finished, &request.execution).await {
            warn!(error = error.name(), reason = %error, "the rollouts that wait do not learn of the deployment");
        }
        Answer::UpToDate { deployment_id: deployment.deployment_id, revision: deployment.revision }
    }
}

impl Request {
    /// How long the execution has been running, in seconds.
    fn age(&self) -> u32 {
        self.now.seconds_since(self.started_at)
    }

    /// The description of this attempt's deployment.
    fn own_tag(&self) -> String {
        deployment_tag::of(&self.execution, self.round, self.attempt)
    }

    fn under_way(&self, deployment_id: DeploymentId, expected_seconds: Option<u32>) -> UnderWay {
        let wait_seconds = waits::before_look(0, expected_seconds, self.age(), self.plan.hook.as_ref());
        UnderWay { deployment_id, wait_seconds, expected_seconds }
    }
}

/// What the group's last successful deployment says about the next one to a single instance.
fn expected_seconds(group: &DeploymentGroupInfo, current: &CurrentRevision) -> Option<u32> {
    let (last, deployment) = (group.last_successful.as_ref()?, current.last_successful.as_ref()?);
    let duration = last.ended?.seconds_since(last.created?);
    let instances = deployment.overview.succeeded + deployment.overview.failed;
    Some(waits::expected_duration(duration, instances, &deployment.deployment_config_name))
}
