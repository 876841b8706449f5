//! In an iteration of the rollout: starts, or joins, the deployment of one application.

use aws::autoscaling::AutoScaling;
use aws::clients::Clients;
use aws::codedeploy::CodeDeploy;
use aws::evidence;
use aws::function::Function;
use aws::settings::{self, Missing, Settings};
use aws::turns::Turns;
use serde::{Deserialize, Serialize};
use tracing::{Span, info, info_span, warn};
use turnstile::application::Application;
use turnstile::codedeploy::{Creation, Deployment, Group, TargetStatus};
use turnstile::description;
use turnstile::error::Error;
use turnstile::evidence::{Current, Standing};
use turnstile::neighbours::{self, Progress};
use turnstile::plan::Plan;
use turnstile::reason::{MOST_NAMED, Reason};
use turnstile::revision::Revision;
use turnstile::served::Finished;
use turnstile::suitability;
use turnstile::time::Timestamp;
use turnstile::turn;
use turnstile::wait;

/// The application that the rollout has come to.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// ARN of the execution. The deployment's description carries it, so that a repeated call finds what it started.
    execution: String,
    /// When the execution started.
    execution_started_at: Timestamp,
    plan: Plan,
    application: Application,
    /// 1, and one more each time the rollout goes through its applications again.
    round: u32,
    /// 1 for the application's first deployment in the round.
    attempt: u32,
    /// How long this attempt has been waiting for the group to become free, in seconds.
    waited_for_slot_seconds: u32,
    /// Of the deployment that was in the way when last asked, with the wait since; absent at first.
    progress: Option<Progress>,
    /// Why the rollout gave way when it last did because of an agent that was silent.
    gave_way: Option<Reason>,
    /// How long the execution has been running, in seconds.
    elapsed_seconds: u32,
}

/// What came of it, with the seconds to wait before the next step.
#[derive(Debug, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "SCREAMING_SNAKE_CASE", rename_all_fields = "camelCase")]
pub enum Answer {
    /// This rollout's own deployment is under way.
    Started(UnderWay),
    /// Somebody else's deployment is under way and contains the instance.
    Joined(UnderWay),
    /// Nothing to do: this deployment succeeded on the instance with the current revision.
    UpToDate { deployment_id: String, revision: Option<Revision> },
    /// A deployment that does not contain the instance occupies this group, or one of the rollout's other groups.
    Busy {
        deployment_id: String,
        wait_seconds: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        progress: Option<Progress>,
    },
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UnderWay {
    deployment_id: String,
    wait_seconds: u32,
    /// How long the deployment should take, judged by the last one; absent when the group has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_seconds: Option<u32>,
}

pub struct StartDeployment {
    pub codedeploy: CodeDeploy,
    pub autoscaling: AutoScaling,
    pub turns: Turns,
}

impl Function for StartDeployment {
    type Request = Request;
    type Answer = Answer;

    fn new(clients: &Clients, settings: &Settings) -> Result<Self, Missing> {
        Ok(Self {
            codedeploy: clients.codedeploy(),
            autoscaling: clients.autoscaling(),
            turns: clients.turns(settings.get(settings::TURNS_TABLE)?),
        })
    }

    fn span(request: &Request) -> Span {
        info_span!(
            "start-deployment",
            execution = request.execution,
            group = request.plan.auto_scaling_group_name,
            instance = request.plan.instance_id,
            application = %request.application,
            round = request.round,
            attempt = request.attempt,
        )
    }

    async fn handle(&self, request: Request) -> Result<Answer, Error> {
        self.start(&request).await
    }
}

impl StartDeployment {
    async fn start(&self, request: &Request) -> Result<Answer, Error> {
        let Request { plan, application, .. } = request;
        let codedeploy = &self.codedeploy;
        self.autoscaling.heartbeat(plan).await?;
        plan.check_time(request.elapsed_seconds)?;

        let group = codedeploy.group(application).await?.ok_or_else(|| {
            Error::UnsuitableDeploymentGroup(format!(
                "{application}: there is no such application and deployment group"
            ))
        })?;
        suitability::check(application, &group).map_err(Error::UnsuitableDeploymentGroup)?;
        let current = evidence::current_revision(codedeploy, application, &group).await?;
        let expected = expected_seconds(&group, &current);

        if let Some(own) = self.own_deployment(request, &group).await? {
            return Ok(Answer::Started(under_way(own, expected, plan)));
        }
        let active = codedeploy.active_deployments(application).await?;
        if !active.is_empty() {
            return self.occupied(request, &active, expected).await;
        }
        if let Some(instance_id) = &plan.instance_id {
            match evidence::in_last_deployments(codedeploy, application, &group, &current, instance_id).await? {
                Standing::UpToDate(deployment) => return Ok(self.up_to_date(request, deployment).await),
                Standing::AtWork(deployment) if !neighbours::is_overdue(&deployment, request.progress.as_ref()) => {
                    return self.busy(request, Some(deployment)).await;
                }
                Standing::AtWork(_) | Standing::Outdated => {}
            }
        }
        for other in plan.applications.iter().filter(|other| !other.is_same_group(application)) {
            let active = codedeploy.active_deployments(other).await?;
            if !active.is_empty() {
                return self.busy(request, codedeploy.deployments(&active).await?.into_iter().next()).await;
            }
        }
        if let Some(at_work) = self.take_up(request).await? {
            // An earlier call, which goes on at the same time, has been faster.
            if at_work.description == own_description(request) {
                return Ok(Answer::Started(under_way(at_work.deployment_id, expected, plan)));
            }
            return self.busy(request, Some(at_work)).await;
        }
        let to_deploy = self.to_deploy(request).await?;
        match codedeploy.create(&to_deploy, &current.revision, &own_description(request)).await? {
            Creation::Created(deployment_id) => Ok(Answer::Started(under_way(deployment_id, expected, plan))),
            // Somebody took the group's one slot between the look and the call.
            Creation::GroupOccupied => {
                let active = codedeploy.active_deployments(application).await?;
                self.occupied(request, &active, expected).await
            }
            Creation::Refused { code, message } => self.refused(request, &current, code, message).await,
        }
    }

    /// The application as it is deployed now: to all instances at once, should the last deployment have been held up by one that comes
    /// first.
    async fn to_deploy(&self, request: &Request) -> Result<Application, Error> {
        let application = request.application.clone();
        let others = match request.gave_way.as_ref().filter(|reason| reason.is_of(&application)) {
            Some(reason) if reason.others_not_begun.len() < MOST_NAMED => reason.others_not_begun.as_slice(),
            _ => return Ok(application),
        };
        let in_service = self.autoscaling.count_in_service(others).await?;
        if !neighbours::may_go_all_at_once(others.len(), in_service) {
            return Ok(application);
        }
        info!(
            others = others.join(", "),
            "deploys to all at once: those have not begun, and nothing has come after them"
        );
        Ok(Application { deployment_config_name: Some(neighbours::ALL_AT_ONCE.into()), ..application })
    }

    /// The deployment that an earlier call for the same attempt started, whose answer was lost.
    async fn own_deployment(&self, request: &Request, group: &Group) -> Result<Option<String>, Error> {
        // The two services' clocks may differ by some seconds; a minute is generous.
        let since = Timestamp::from_seconds(request.execution_started_at.seconds() - 60);
        let attempted_since =
            group.last_attempted.as_ref().is_some_and(|last| last.created.is_none_or(|created| created >= since));
        if !attempted_since {
            return Ok(None);
        }
        let ids = self.codedeploy.deployments_since(&request.application, since).await?;
        let description = own_description(request);
        let deployments = self.codedeploy.deployments(&ids).await?;
        Ok(deployments.into_iter().find(|d| d.description == description).map(|d| d.deployment_id))
    }

    /// The group has an active deployment. It may be this attempt's own, started by an earlier call that goes on at the same time.
    /// Of somebody else's, one that still has the instance to do, or has done it, is as good as our own; one that failed on
    /// the instance, or does not contain it, has to end first.
    async fn occupied(&self, request: &Request, active: &[String], expected: Option<u32>) -> Result<Answer, Error> {
        let description = own_description(request);
        let deployments = self.codedeploy.deployments(active).await?;
        if let Some(own) = deployments.iter().find(|deployment| deployment.description == description) {
            return Ok(Answer::Started(under_way(own.deployment_id.clone(), expected, &request.plan)));
        }
        let Some(theirs) = deployments.into_iter().next() else { return self.busy(request, None).await };
        let target = match &request.plan.instance_id {
            Some(instance_id) => self.codedeploy.target(&theirs.deployment_id, instance_id).await?,
            None => None,
        };
        use TargetStatus::{InProgress, Pending, Succeeded};
        match target.map(|target| target.status) {
            // It began at a time unknown here, so its history says nothing about when it ends.
            Some(Pending | InProgress | Succeeded) => {
                Ok(Answer::Joined(under_way(theirs.deployment_id, None, &request.plan)))
            }
            _ => self.busy(request, Some(theirs)).await,
        }
    }

    /// Waits for a deployment that is in the way; for one that is not listed yet, should there be none. One of a rollout that has
    /// ended, held up by dead instances, is stopped.
    async fn busy(&self, request: &Request, deployment: Option<Deployment>) -> Result<Answer, Error> {
        let Request { plan, application, waited_for_slot_seconds: waited, .. } = request;
        let deployment_id = deployment.as_ref().map_or("a deployment that is not listed yet", |d| &d.deployment_id);
        if *waited >= wait::longest_for_slot(request.attempt, application.timeout_seconds) {
            return Err(Error::GroupBusy(format!(
                "{application}: waited {waited} s for other deployments to end; {deployment_id} is still under way"
            )));
        }
        let mut progress = None;
        if let Some(deployment) = &deployment {
            let now = Progress::after(request.progress.as_ref(), deployment, 0);
            if now.is_held_up(deployment.overview) {
                self.turns.check(plan, &request.execution).await?;
                self.codedeploy.stop_held_up(deployment).await?;
            }
            progress = Some(now);
        }
        Ok(Answer::Busy {
            deployment_id: deployment_id.to_owned(),
            wait_seconds: wait::for_slot(*waited, plan.hook.as_ref()),
            progress,
        })
    }

    /// Makes sure that the application is the next to be deployed: the last thing before it is. The deployment that has to end first,
    /// if the one that was last made in a turn of the group is still at work, on whatever instance.
    async fn take_up(&self, request: &Request) -> Result<Option<Deployment>, Error> {
        let Request { plan, application, .. } = request;
        if let Some(last) = turn::last_deployed(&self.turns.check(plan, &request.execution).await?)
            && let Some(group) = self.codedeploy.group(&last).await?
            && let Some(attempted) = group.last_attempted
            && let Some(deployment) = self.codedeploy.deployment(&attempted.deployment_id).await?
            && neighbours::is_at_work(&deployment, request.progress.as_ref())
        {
            return Ok(Some(deployment));
        }
        match self.turns.put_down(&plan.auto_scaling_group_name, application, &request.execution).await? {
            true => Ok(None),
            false => Err(Error::TurnLost("the rollout does not hold its turn any more".into())),
        }
    }

    /// A refusal is an error, unless it is CodeDeploy's way to say that nothing is outdated: the instance is known to be up to
    /// date, and in a rollout of a whole group every instance is.
    async fn refused(
        &self,
        request: &Request,
        current: &Current,
        code: String,
        message: String,
    ) -> Result<Answer, Error> {
        let Request { plan, application, .. } = request;
        let instances = match &plan.instance_id {
            Some(instance_id) => vec![instance_id.clone()],
            None => self.autoscaling.instances_in_service(&plan.auto_scaling_group_name).await?.unwrap_or_default(),
        };
        match evidence::of_all(&self.codedeploy, application, current, &instances).await? {
            Some(deployment) => {
                info!(code, message, "refused: nothing is outdated");
                Ok(self.up_to_date(request, deployment).await)
            }
            None => {
                // Terminated meanwhile, it is no instance of the group any more.
                self.autoscaling.heartbeat(plan).await?;
                Err(Error::DeploymentRejected { application: application.to_string(), code, message })
            }
        }
    }

    /// The deployment that brought the instance up to date may have done so for others that wait.
    async fn up_to_date(&self, request: &Request, deployment: Deployment) -> Answer {
        let finished = Finished::from(&deployment);
        if let Err(error) = self.turns.tell(&request.application, &finished, &request.execution).await {
            warn!(error = error.name(), reason = %error, "the waiting rollouts could not be told");
        }
        Answer::UpToDate { deployment_id: deployment.deployment_id, revision: deployment.revision }
    }
}

fn own_description(request: &Request) -> String {
    description::of(&request.execution, request.round, request.attempt)
}

/// What the group's last successful deployment says about the next one to a single instance.
fn expected_seconds(group: &Group, current: &Current) -> Option<u32> {
    let (last, deployment) = (group.last_successful.as_ref()?, current.last_successful.as_ref()?);
    let duration = u32::try_from(last.ended?.seconds() - last.created?.seconds()).ok()?;
    let instances = deployment.overview.succeeded + deployment.overview.failed;
    Some(wait::expected_duration(duration, instances, &deployment.deployment_config_name))
}

fn under_way(deployment_id: String, expected_seconds: Option<u32>, plan: &Plan) -> UnderWay {
    let wait_seconds = wait::before_first_look(expected_seconds, plan.hook.as_ref());
    UnderWay { deployment_id, wait_seconds, expected_seconds }
}
