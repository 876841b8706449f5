//! In an iteration of the rollout: how the deployment of one application is going.

use aws::autoscaling::AutoScaling;
use aws::clients::Clients;
use aws::codedeploy::{CodeDeploy, Stopping};
use aws::evidence;
use aws::function::Function;
use aws::settings::{self, Missing, Settings};
use aws::turns::Turns;
use serde::{Deserialize, Serialize};
use tracing::{Span, info_span, warn};
use turnstile::application::Application;
use turnstile::codedeploy::{Deployment, DeploymentStatus, Target, TargetStatus};
use turnstile::description;
use turnstile::error::Error;
use turnstile::neighbours::{self, Next, Progress};
use turnstile::plan::{MOST_REPEATS, Plan};
use turnstile::reason::{Failure, Reason};
use turnstile::revision::Revision;
use turnstile::served::Finished;
use turnstile::verdict::{self, Verdict};
use turnstile::wait;

pub struct CheckStatus {
    pub codedeploy: CodeDeploy,
    pub autoscaling: AutoScaling,
    pub turns: Turns,
    /// The Region's name, for links to the console.
    pub region: String,
}

/// A deployment to look at.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// ARN of the execution.
    execution: String,
    plan: Plan,
    application: Application,
    round: u32,
    /// How many rounds there were because of somebody else.
    repeats: u32,
    attempt: u32,
    deployment_id: String,
    /// How long the deployment should take, in seconds.
    expected_seconds: Option<u32>,
    /// How long the rollout has waited for this deployment, in seconds.
    waited_seconds: u32,
    /// As the last look saw it, with the wait since; absent at the first.
    progress: Option<Progress>,
    /// Why the rollout gave way when it last did because of an agent that was silent.
    gave_way: Option<Reason>,
    /// How long the execution has been running, in seconds.
    elapsed_seconds: u32,
}

/// How the deployment is going.
#[derive(Debug, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "SCREAMING_SNAKE_CASE", rename_all_fields = "camelCase")]
pub enum Answer {
    /// Look again after so many seconds.
    InProgress { wait_seconds: u32, progress: Progress },
    /// It is done on the instance (in a rollout of a whole group, on every instance). `deployment_id` is the deployment
    /// that did it: an earlier one, when this one found the instance up to date.
    Succeeded { deployment_id: String, revision: Option<Revision> },
    /// It failed. `retry` says whether another deployment can help.
    Failed { error: Failure, reason: Box<Reason>, retry: bool },
}

impl Function for CheckStatus {
    type Request = Request;
    type Answer = Answer;

    fn new(clients: &Clients, settings: &Settings) -> Result<Self, Missing> {
        Ok(Self {
            codedeploy: clients.codedeploy(),
            autoscaling: clients.autoscaling(),
            turns: clients.turns(settings.get(settings::TURNS_TABLE)?),
            region: clients.region(),
        })
    }

    fn span(request: &Request) -> Span {
        info_span!(
            "check-status",
            execution = request.execution,
            group = request.plan.auto_scaling_group_name,
            instance = request.plan.instance_id,
            application = %request.application,
            deployment = request.deployment_id,
            round = request.round,
            attempt = request.attempt,
        )
    }

    async fn handle(&self, request: Request) -> Result<Answer, Error> {
        self.check(&request).await
    }
}

impl CheckStatus {
    async fn check(&self, request: &Request) -> Result<Answer, Error> {
        self.autoscaling.heartbeat(&request.plan).await?;

        let deployment =
            self.codedeploy.deployment(&request.deployment_id).await?.ok_or_else(|| Error::Unexpected {
                call: "CodeDeploy.GetDeployment",
                code: "DeploymentDoesNotExistException".into(),
                message: request.deployment_id.clone(),
            })?;
        let (verdict, target) = self.judge(&request.plan, &deployment).await?;
        if !deployment.status.is_active() && verdict != Verdict::InProgress {
            self.tell_others(request, &deployment).await;
        }
        match verdict {
            Verdict::Succeeded => Ok(succeeded(deployment)),
            Verdict::Failed => match self.failed(Failure::Failed, request, &deployment, target.as_ref()) {
                // The next attempt cannot start before this deployment is over, for the neighbours too.
                Answer::Failed { retry: true, .. } if deployment.status.is_active() => {
                    self.wait(request, deployment, target, Failure::Failed).await
                }
                failed => Ok(failed),
            },
            Verdict::Missed => self.missed(request, &deployment, target.as_ref()).await,
            Verdict::InProgress => self.wait(request, deployment, target, Failure::TimedOut).await,
        }
    }

    /// The verdict, with the target that decided.
    async fn judge(&self, plan: &Plan, deployment: &Deployment) -> Result<(Verdict, Option<Target>), Error> {
        if let Some(instance_id) = &plan.instance_id {
            let target = self.codedeploy.target(&deployment.deployment_id, instance_id).await?;
            return Ok((verdict::of_instance(deployment.status, target.as_ref().map(|target| target.status)), target));
        }
        let targets = match deployment.status.is_active() {
            true => Vec::new(),
            false => self.codedeploy.targets(&deployment.deployment_id).await?,
        };
        let error_code = deployment.error.as_ref().map(|(code, _)| code.as_str());
        let verdict = verdict::of_group(deployment.status, error_code, &targets);
        Ok((verdict, targets.into_iter().find(|target| target.status == TargetStatus::Failed)))
    }

    /// Lets the rollouts that wait know that they may look at the deployment. One that does not learn of it takes a turn of its
    /// own, which is no reason to fail.
    async fn tell_others(&self, request: &Request, deployment: &Deployment) {
        let finished = Finished::from(deployment);
        if let Err(error) = self.turns.tell(&request.application, &finished, &request.execution).await {
            warn!(error = error.name(), reason = %error, "the waiting rollouts could not be told");
        }
    }

    /// `at_last` is the failure that it comes to if nothing happens any more.
    async fn wait(
        &self,
        request: &Request,
        deployment: Deployment,
        target: Option<Target>,
        at_last: Failure,
    ) -> Result<Answer, Error> {
        let Request { plan, application, expected_seconds, waited_seconds, .. } = request;
        match plan.check_time(request.elapsed_seconds) {
            // What has happened on the instance is the better reason.
            Err(_) if at_last == Failure::Failed => {
                return Ok(self.failed(at_last, request, &deployment, target.as_ref()));
            }
            checked => checked?,
        }
        let progress = Progress::after(request.progress.as_ref(), &deployment, *waited_seconds);
        let overview = deployment.overview;
        let own = target.as_ref().map(|target| target.status);
        let next = match &plan.instance_id {
            Some(_) => {
                neighbours::next(own, overview, &progress, application.timeout_seconds, request.silent_seconds())
            }
            // A rollout of a whole group has no neighbours.
            None if progress.is_older_than(application.timeout_seconds) => Next::TimeOut,
            None => Next::Wait,
        };
        match next {
            Next::Wait => {}
            Next::Stop => match (self.codedeploy.stop_held_up(&deployment).await?, own) {
                (Stopping::AtWork, _) | (_, Some(TargetStatus::Succeeded)) => {}
                // Judged as it was: once it is stopped, its error code says nothing but that.
                (_, Some(TargetStatus::Failed)) => {
                    return Ok(self.failed(at_last, request, &deployment, target.as_ref()));
                }
                _ => return self.missed(request, &deployment, target.as_ref()).await,
            },
            Next::GiveWay => match self.codedeploy.stop_held_up(&deployment).await? {
                Stopping::AtWork => {}
                Stopping::Stopped { not_begun } => {
                    return Ok(self.silent(Failure::AgentSilent, request, &deployment, progress.seconds(), not_begun));
                }
                Stopping::NotOurs => {
                    return Ok(self.silent(Failure::AgentSilent, request, &deployment, progress.seconds(), Vec::new()));
                }
            },
            Next::Leave => return Ok(succeeded(deployment)),
            Next::TimeOut => {
                let only_it_is_left = at_last == Failure::TimedOut && overview.pending + overview.in_progress <= 1;
                if only_it_is_left && description::is_a_rollouts(&deployment.description) {
                    self.codedeploy.stop(&deployment.deployment_id).await?;
                }
                return Ok(match own {
                    Some(TargetStatus::Pending) => {
                        let others = request.gave_way.as_ref().map(|reason| reason.others_not_begun.clone());
                        self.silent(at_last, request, &deployment, progress.seconds(), others.unwrap_or_default())
                    }
                    _ => self.failed(at_last, request, &deployment, target.as_ref()),
                });
            }
        }
        let wait_seconds = wait::before_next_look(*waited_seconds, *expected_seconds, plan.hook.as_ref());
        Ok(Answer::InProgress { wait_seconds, progress })
    }

    async fn evidence_of_success(&self, request: &Request) -> Result<Option<Deployment>, Error> {
        let Request { plan, application, .. } = request;
        let Some(instance_id) = &plan.instance_id else { return Ok(None) };
        let Some(group) = self.codedeploy.group(application).await? else { return Ok(None) };
        let current = evidence::current_revision(&self.codedeploy, application, &group).await?;
        Ok(evidence::search(&self.codedeploy, application, &current, instance_id).await?.evidence())
    }

    /// The deployment leaves the instance as it was: rightly so, if an earlier one has brought it up to date. If it is because it
    /// failed on another one, it is no failure of this rollout's: the neighbour may have the turn, and with it its own failure.
    async fn missed(
        &self,
        request: &Request,
        deployment: &Deployment,
        target: Option<&Target>,
    ) -> Result<Answer, Error> {
        if let Some(earlier) = self.evidence_of_success(request).await? {
            return Ok(succeeded(earlier));
        }
        if deployment.status == DeploymentStatus::Stopped {
            // A person has stopped it, unless another rollout has, which took the turn over.
            self.turns.check(&request.plan, &request.execution).await?;
            // Nor was it a person, if an earlier call has stopped it as held up and its answer was lost.
            let seconds = request.progress.as_ref().map_or(request.waited_seconds, Progress::seconds);
            if seconds >= wait::GRACE && description::is_a_rollouts(&deployment.description) {
                return Ok(self.silent(Failure::AgentSilent, request, deployment, seconds, Vec::new()));
            }
        }
        // The answer for the target may trail the deployment's.
        let is_left_out =
            target.is_some_and(|target| matches!(target.status, TargetStatus::Skipped | TargetStatus::Pending));
        if is_left_out && request.repeats < MOST_REPEATS {
            let targets = self.codedeploy.targets(&deployment.deployment_id).await?;
            if let Some(neighbour) = targets.iter().find(|target| target.status == TargetStatus::Failed) {
                return Ok(self.failed(Failure::NeighbourFailed, request, deployment, Some(neighbour)));
            }
        }
        Ok(self.failed(Failure::NotReached, request, deployment, target))
    }

    fn failed(&self, failure: Failure, request: &Request, deployment: &Deployment, target: Option<&Target>) -> Answer {
        let reason = self.reason(failure, request, deployment, target);
        let retry = request.attempt < request.application.max_attempts && reason.is_worth_a_retry(failure);
        Answer::Failed { error: failure, reason: Box::new(reason), retry }
    }

    /// The deployment has not begun on the instance for so many `seconds`, nor have those before it for as long as the rollout has given
    /// way. `not_begun`: on which instances this one has not.
    fn silent(
        &self,
        failure: Failure,
        request: &Request,
        deployment: &Deployment,
        seconds: u32,
        not_begun: Vec<String>,
    ) -> Answer {
        let others = not_begun.into_iter().filter(|id| request.plan.instance_id.as_ref() != Some(id)).collect();
        let seconds = request.silent_seconds().saturating_add(seconds);
        let reason = self.reason(failure, request, deployment, None).of_silence(seconds, others);
        Answer::Failed { error: failure, reason: Box::new(reason), retry: false }
    }

    fn reason(&self, failure: Failure, request: &Request, deployment: &Deployment, target: Option<&Target>) -> Reason {
        let Request { plan, application, attempt, .. } = request;
        Reason::new(failure, application, *attempt, deployment, target, plan.instance_id.as_deref(), &self.region)
    }
}

fn succeeded(deployment: Deployment) -> Answer {
    Answer::Succeeded { deployment_id: deployment.deployment_id, revision: deployment.revision }
}

impl Request {
    /// For how long earlier deployments of the application have not begun on the instance, in seconds.
    fn silent_seconds(&self) -> u32 {
        let earlier = self.gave_way.as_ref().filter(|reason| reason.is_of(&self.application));
        earlier.and_then(|reason| reason.silent_seconds).unwrap_or(0)
    }
}
