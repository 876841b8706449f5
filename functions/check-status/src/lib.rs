//! Looks at the deployment of one application: is it over, and has it succeeded on the rollout's instance?

use aws::autoscaling::AutoScaling;
use aws::clients::Clients;
use aws::codedeploy::{CodeDeploy, Stopping};
use aws::function::Function;
use aws::settings::{self, SettingError, Settings};
use aws::turns::Turns;
use aws::up_to_date;
use serde::{Deserialize, Serialize};
use tracing::{Span, info_span, warn};
use turnstile::limits::{GRACE, MOST_REPEATS};
use turnstile::policy::reason::FailedDeployment;
use turnstile::policy::stall::{Action, Look, StallTimer};
use turnstile::policy::verdict::{self, Verdict};
use turnstile::policy::{alarm, deployment_tag, retry, stall, waits};
use turnstile::words::application::Application;
use turnstile::words::deployment::{Deployment, DeploymentStatus, Target, TargetStatus};
use turnstile::words::error::Error;
use turnstile::words::failure::{FailureKind, Reason, Silence};
use turnstile::words::ids::{DeploymentId, ExecutionArn, TargetId};
use turnstile::words::plan::Plan;
use turnstile::words::revision::Revision;
use turnstile::words::time::Timestamp;
use turnstile::words::turn::FinishedDeployment;

/// The function.
pub struct CheckStatus {
    codedeploy: CodeDeploy,
    autoscaling: AutoScaling,
    turns: Turns,
    /// The Region's name, for links to the console.
    region: String,
}

/// A deployment to look at.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    execution: ExecutionArn,
    /// When the execution started.
    started_at: Timestamp,
    now: Timestamp,
    plan: Plan,
    application: Application,
    /// 1, and one more each time the rollout goes through its applications again.
    round: u32,
    /// How many of those rounds there were because of somebody else.
    repeats: u32,
    /// 1 for the application's first deployment in the round.
    attempt: u32,
    deployment_id: DeploymentId,
    /// How long the deployment should take, in seconds; absent when that is unknown.
    expected_seconds: Option<u32>,
    /// When the rollout began to wait for the deployment.
    waiting_since: Timestamp,
    /// As the last look left it; absent at the first look.
    stall: Option<StallTimer>,
    /// Why the rollout last yielded, if it has.
    silence: Option<Silence>,
}

/// How the deployment is going.
#[derive(Debug, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "SCREAMING_SNAKE_CASE", rename_all_fields = "camelCase")]
pub enum Answer {
    /// Look again after so many seconds.
    InProgress { wait_seconds: u32, stall: StallTimer },
    /// It succeeded on the instance; in a rollout of a whole group, on every instance. `deployment_id` is the deployment that did it: an
    /// earlier one, when this one found the instance up to date.
    Succeeded { deployment_id: DeploymentId, revision: Option<Revision> },
    /// It failed. `retry` says whether another deployment is to be tried.
    Failed { error: FailureKind, reason: Box<Reason>, retry: bool },
}

impl Function for CheckStatus {
    type Request = Request;
    type Answer = Answer;

    fn new(clients: &Clients, settings: &Settings) -> Result<Self, SettingError> {
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
            execution = %request.execution,
            group = %request.plan.auto_scaling_group_name,
            instance = request.plan.instance_id.as_ref().map(|id| id.as_str()),
            application = %request.application,
            deployment = %request.deployment_id,
            round = request.round,
            attempt = request.attempt,
        )
    }

    async fn handle(&self, request: Request) -> Result<Answer, Error> {
        self.autoscaling.heartbeat(&request.plan).await?.require_open()?;

        let deployment =
            self.codedeploy.deployment(&request.deployment_id).await?.ok_or_else(|| Error::Unexpected {
                call: "CodeDeploy.GetDeployment",
                code: "DeploymentDoesNotExistException".into(),
                message: request.deployment_id.to_string(),
            })?;
        let (verdict, target) = self.judge(&request.plan, &deployment).await?;
        let look = Looked { request: &request, deployment, target };
        if !look.deployment.status.is_active() && verdict != Verdict::InProgress {
            self.publish_finished(&look).await;
        }
        if verdict != Verdict::Succeeded
            && alarm::has_stopped(&look.deployment)
            && let Some(wait) = alarm::wait(request.repeats)
            && waits::check_time(&request.plan, request.age()).is_ok()
        {
            return Ok(self.wait_for_alarm(&look, wait));
        }
        match verdict {
            Verdict::Succeeded => Ok(succeeded(look.deployment)),
            Verdict::NotReached => self.not_reached(&look).await,
            Verdict::InProgress => self.wait(look, FailureKind::DeploymentTimedOut).await,
            Verdict::Failed => match self.failed(FailureKind::DeploymentFailed, &look, look.target.as_ref()) {
                // The next attempt cannot start before this deployment is over on the other instances too.
                Answer::Failed { retry: true, .. } if look.deployment.status.is_active() => {
                    self.wait(look, FailureKind::DeploymentFailed).await
                }
                failed => Ok(failed),
            },
        }
    }
}

/// The deployment as it was found, with the target that decides.
struct Looked<'a> {
    request: &'a Request,
    deployment: Deployment,
    target: Option<Target>,
}

impl CheckStatus {
    /// The verdict on the deployment, with the target that decided.
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

    /// Lets the rollouts that wait for their turn know that they may look at the deployment. One that does not learn of it takes a turn
    /// of its own, which is no reason to fail.
    async fn publish_finished(&self, look: &Looked<'_>) {
        let Request { application, execution, .. } = look.request;
        let finished = FinishedDeployment::from(&look.deployment);
        if let Err(error) = self.turns.publish_finished(&application.group, &finished, execution).await {
            warn!(error = error.name(), reason = %error, "the rollouts that wait do not learn of the deployment");
        }
    }

    /// Waits for the deployment, or does something about it when it gets nowhere. `at_last` is the failure that it comes to if nothing
    /// happens any more.
    async fn wait(&self, look: Looked<'_>, at_last: FailureKind) -> Result<Answer, Error> {
        let Looked { request, deployment, target } = &look;
        match waits::check_time(&request.plan, request.age()) {
            // What has happened on the instance is the better reason.
            Err(_) if at_last == FailureKind::DeploymentFailed => {
                return Ok(self.failed(at_last, &look, target.as_ref()));
            }
            checked => checked?,
        }
        let stall = StallTimer::after_look(request.stall.as_ref(), deployment, Some(request.waiting_since));
        let stall_seconds = stall.seconds(request.now);
        let own = target.as_ref().map(|target| target.status);
        if own == Some(TargetStatus::Succeeded) && stall::only_bakes(deployment) {
            return Ok(succeeded(look.deployment));
        }
        match look.action(own, stall_seconds) {
            // Between two zones it bakes, and nothing is to be seen of it.
            _ if deployment.status == DeploymentStatus::Baking => {}
            Action::Wait => {}
            // The instance has what it needs, and does not depend on the stop.
            Action::StopStalled if own == Some(TargetStatus::Succeeded) => {
                if let Err(error) = self.codedeploy.stop_stalled(deployment).await {
                    warn!(error = error.name(), reason = %error, "the deployment is not stopped");
                }
                if stall_seconds >= request.application.timeout_seconds {
                    return Ok(succeeded(look.deployment));
                }
            }
            Action::StopStalled => match (self.codedeploy.stop_stalled(deployment).await?, own) {
                (Stopping::AtWork | Stopping::Refused, _) => {}
                // Judged as it was: once it is stopped, its error code says nothing but that.
                (_, Some(TargetStatus::Failed)) => return Ok(self.failed(at_last, &look, target.as_ref())),
                _ => return self.not_reached(&look).await,
            },
            Action::Yield => match self.codedeploy.stop_stalled(deployment).await? {
                Stopping::AtWork => {}
                Stopping::Stopped { not_begun } => {
                    return Ok(self.silent(FailureKind::AgentSilent, &look, stall_seconds, not_begun));
                }
                Stopping::NotOurs | Stopping::Refused => {
                    return Ok(self.silent(FailureKind::AgentSilent, &look, stall_seconds, Vec::new()));
                }
            },
            Action::AcceptSuccess => return Ok(succeeded(look.deployment)),
            Action::TimeOut => {
                let only_it_is_left = deployment.overview.pending + deployment.overview.in_progress <= 1;
                if at_last == FailureKind::DeploymentTimedOut
                    && only_it_is_left
                    && deployment_tag::is_a_rollouts(&deployment.description)
                {
                    // Why the rollout fails is not that the stop did, too.
                    if let Err(error) = self.codedeploy.stop(&deployment.deployment_id).await {
                        warn!(error = error.name(), reason = %error, "the deployment is not stopped");
                    }
                }
                return Ok(match own {
                    Some(TargetStatus::Pending) => {
                        let others = request.silence.as_ref().map(|silence| silence.others_not_begun.clone());
                        self.silent(at_last, &look, stall_seconds, others.unwrap_or_default())
                    }
                    _ => self.failed(at_last, &look, target.as_ref()),
                });
            }
        }
        let elapsed = request.now.seconds_since(request.waiting_since);
        let hook = request.plan.hook.as_ref();
        let wait_seconds = waits::before_look(elapsed, request.expected_seconds, request.age(), hook);
        Ok(Answer::InProgress { wait_seconds, stall })
    }

    /// Waits until so many seconds after an alarm has stopped the deployment. Then the rollout begins again, and no attempt is counted.
    fn wait_for_alarm(&self, look: &Looked<'_>, wait: u32) -> Answer {
        let Looked { request, deployment, target } = look;
        let over = deployment.ended.map_or(wait, |ended| request.now.seconds_since(ended));
        if over >= wait {
            let reason = self.failure(FailureKind::AlarmActive, look, target.as_ref()).reason();
            return Answer::Failed { error: FailureKind::AlarmActive, reason: Box::new(reason), retry: false };
        }
        let stall = StallTimer::after_look(request.stall.as_ref(), deployment, Some(request.waiting_since));
        let wait_seconds = waits::for_other_deployment(over, request.plan.hook.as_ref()).min(wait - over);
        Answer::InProgress { wait_seconds, stall }
    }

    /// The deployment leaves the instance as it was: rightly so, if an earlier one has brought it up to date. If it failed on another
    /// instance first, that is no failure of this rollout's: the other instance's rollout may have the turn, and with it its failure.
    async fn not_reached(&self, look: &Looked<'_>) -> Result<Answer, Error> {
        let Looked { request, deployment, target } = look;
        if let Some(earlier) = self.earlier_success(request).await? {
            return Ok(succeeded(earlier));
        }
        if deployment.status == DeploymentStatus::Stopped {
            // A person has stopped it, unless another rollout has, which took the turn over.
            self.turns.require(&request.plan, &request.execution).await?;
            // Nor was it a person if an earlier call has stopped it as stalled and its answer was lost.
            let stall_seconds = match &request.stall {
                Some(stall) => stall.seconds(request.now),
                None => request.now.seconds_since(request.waiting_since),
            };
            if stall_seconds >= GRACE && deployment_tag::is_a_rollouts(&deployment.description) {
                return Ok(self.silent(FailureKind::AgentSilent, look, stall_seconds, Vec::new()));
            }
        }
        // The answer for the target may trail the deployment's.
        let is_left_out = target
            .as_ref()
            .is_some_and(|target| matches!(target.status, TargetStatus::Skipped | TargetStatus::Pending));
        if is_left_out && request.repeats < MOST_REPEATS {
            let targets = self.codedeploy.targets(&deployment.deployment_id).await?;
            if let Some(other) = targets.iter().find(|target| target.status == TargetStatus::Failed) {
                return Ok(self.failed(FailureKind::NeighbourFailed, look, Some(other)));
            }
        }
        Ok(self.failed(FailureKind::InstanceNotReached, look, target.as_ref()))
    }

    /// The deployment that has brought the instance up to date, if one has.
    async fn earlier_success(&self, request: &Request) -> Result<Option<Deployment>, Error> {
        let Request { plan, application, .. } = request;
        let Some(instance_id) = &plan.instance_id else { return Ok(None) };
        let Some(group) = self.codedeploy.group(&application.group).await? else { return Ok(None) };
        let current = up_to_date::current_revision(&self.codedeploy, &application.group, &group).await?;
        let freshness =
            up_to_date::by_all_deployments(&self.codedeploy, &application.group, &current, instance_id).await?;
        Ok(freshness.up_to_date())
    }

    fn failed(&self, kind: FailureKind, look: &Looked<'_>, target: Option<&Target>) -> Answer {
        let reason = self.failure(kind, look, target).reason();
        let request = look.request;
        let retry = request.attempt < request.application.max_attempts && retry::is_worthwhile(kind, &reason);
        Answer::Failed { error: kind, reason: Box::new(reason), retry }
    }

    /// The deployment has not begun on the instance for so many seconds, nor have those before it since the rollout first yielded.
    /// `not_begun` are the targets on which this one has not.
    fn silent(&self, kind: FailureKind, look: &Looked<'_>, stall_seconds: u32, not_begun: Vec<TargetId>) -> Answer {
        let own = look.request.plan.instance_id.as_ref();
        let others = not_begun.into_iter().filter(|target| own.is_none_or(|own| target != own)).collect();
        let seconds = look.request.silent_seconds().saturating_add(stall_seconds);
        let reason = self.failure(kind, look, None).reason_of_silence(seconds, others);
        Answer::Failed { error: kind, reason: Box::new(reason), retry: false }
    }

    fn failure<'a>(
        &'a self,
        kind: FailureKind,
        look: &'a Looked<'_>,
        target: Option<&'a Target>,
    ) -> FailedDeployment<'a> {
        let Request { plan, application, attempt, .. } = look.request;
        FailedDeployment {
            kind,
            application,
            attempts: *attempt,
            deployment: &look.deployment,
            target,
            instance_id: plan.instance_id.as_ref(),
            region: &self.region,
        }
    }
}

impl Looked<'_> {
    /// What to do about the deployment, which is under way. `own` is the status of the instance's own target.
    fn action(&self, own: Option<TargetStatus>, stall_seconds: u32) -> Action {
        let timeout = self.request.application.timeout_seconds;
        match &self.request.plan.instance_id {
            Some(_) => {
                let silent_seconds = self.request.silent_seconds();
                Look { own, overview: self.deployment.overview, stall_seconds, silent_seconds }.action(timeout)
            }
            // In a rollout of a whole group no instance is another one's neighbour.
            None if stall_seconds >= timeout => Action::TimeOut,
            None => Action::Wait,
        }
    }
}

impl Request {
    /// How long the execution has been running, in seconds.
    fn age(&self) -> u32 {
        self.now.seconds_since(self.started_at)
    }

    /// For how long earlier deployments of the application have not begun on the instance, in seconds.
    fn silent_seconds(&self) -> u32 {
        let earlier = self.silence.as_ref().filter(|silence| silence.group == self.application.group);
        earlier.map_or(0, |silence| silence.silent_seconds)
    }
}

fn succeeded(deployment: Deployment) -> Answer {
    Answer::Succeeded { deployment_id: deployment.deployment_id, revision: deployment.revision }
}
