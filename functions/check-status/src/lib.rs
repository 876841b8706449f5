//! Looks at the deployment of one application: is it over, and has it succeeded on the rollout's instance?

mod evidence;
mod gone;
mod stop;

use aws::clients::Clients;
use aws::codedeploy::{CodeDeploy, Stopping};
use aws::function::Function;
use aws::launches::Launches;
use aws::settings::{self, SettingError, Settings};
use aws::turns::Turns;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::{Span, info_span, warn};
use turnstile::limits::MOST_REPEATS;
use turnstile::policy::reason::FailedDeployment;
use turnstile::policy::stall::{Action, Look, StallTimer};
use turnstile::policy::up_to_date::{Found, Search};
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
use turnstile::words::turn::{FinishedDeployment, Stop};

/// The function.
pub struct CheckStatus {
    codedeploy: CodeDeploy,
    launches: Launches,
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
    /// How far the last call came that searched for evidence; absent when none has.
    #[serde(default)]
    search: Option<Search>,
}

/// How the deployment is going.
#[derive(Debug, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "SCREAMING_SNAKE_CASE", rename_all_fields = "camelCase")]
pub enum Answer {
    /// Look again after so many seconds.
    InProgress {
        wait_seconds: u32,
        stall: StallTimer,
        /// Where the next call goes on, when the deployment is over and this call has not found out whether the instance is up to date.
        #[serde(skip_serializing_if = "Option::is_none")]
        search: Option<Search>,
    },
    /// The instance is up to date; in a rollout of a whole group, every instance is. `deployment_id` is the deployment that did it: an
    /// earlier one, when this one found the instance up to date.
    Succeeded {
        deployment_id: DeploymentId,
        revision: Option<Revision>,
        /// Other instances, in service, to which the rollout's deployment came too,
        /// [`MOST_ALSO_DEPLOYED_TO`](turnstile::limits::MOST_ALSO_DEPLOYED_TO) at the most.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        also_deployed_to: Vec<TargetId>,
    },
    /// It failed. `retry` says whether another deployment is to be tried.
    Failed { error: FailureKind, reason: Box<Reason>, retry: bool },
    /// What the call has answered that stopped the deployment, and whose answer was lost.
    #[serde(untagged)]
    AsBefore(Value),
}

impl Function for CheckStatus {
    type Request = Request;
    type Answer = Answer;

    fn new(clients: &Clients, settings: &Settings) -> Result<Self, SettingError> {
        Ok(Self {
            codedeploy: clients.codedeploy(),
            launches: clients.launches(settings.get(settings::TURNS_TABLE)?),
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

    async fn handle(&self, mut request: Request) -> Result<Answer, Error> {
        self.launches.keep_open(&mut request.plan, &request.execution).await?.require_open()?;

        let deployment =
            self.codedeploy.deployment(&request.deployment_id).await?.ok_or_else(|| Error::Unexpected {
                call: "CodeDeploy.GetDeployment",
                code: "DeploymentDoesNotExistException".into(),
                message: request.deployment_id.to_string(),
            })?;
        let (verdict, target) = self.judge(&request.plan, &deployment).await?;
        let mut look = Looked { request: &request, deployment, target };
        if let Some(answer) = self.answer_before(&look).await? {
            return Ok(answer);
        }
        // Before others learn of the deployment, and enter service.
        let also_deployed_to = match verdict {
            Verdict::Succeeded => self.also_deployed_to(&look).await,
            _ => Vec::new(),
        };
        if !look.deployment.status.is_active() && verdict != Verdict::InProgress {
            self.publish_finished(&look).await;
        }
        if verdict != Verdict::Succeeded
            && alarm::has_stopped(&look.deployment)
            && let Some(wait) = alarm::wait(request.repeats)
            && waits::check_time(&request.plan, request.started_at, request.now).is_ok()
        {
            return Ok(self.wait_for_alarm(&look, wait));
        }
        match verdict {
            Verdict::Succeeded if request.plan.instance_id.is_none() => {
                self.every_instance(look, also_deployed_to).await
            }
            Verdict::Succeeded => Ok(succeeded(look.deployment, also_deployed_to)),
            Verdict::NotReached => self.not_reached(&look).await,
            Verdict::InProgress if self.waits_for_gone(&look).await? => {
                if deployment_tag::is_a_rollouts(&look.deployment.description) {
                    self.stop_for_others(&look, None).await?;
                    look.deployment.status = DeploymentStatus::Stopped;
                }
                self.every_instance(look, also_deployed_to).await
            }
            Verdict::InProgress => self.wait(look, FailureKind::DeploymentTimedOut).await,
            // What somebody else deploys need not be what the rollout brings, and is no attempt of it.
            Verdict::Failed
                if !deployment_tag::is_a_rollouts(&look.deployment.description) && request.repeats < MOST_REPEATS =>
            {
                Ok(self.failed(FailureKind::JoinedFailed, &look, look.target.as_ref()))
            }
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
        let (targets, gone) = self.without_gone(targets).await?;
        let verdict = verdict::of_group(deployment.status, error_code, &targets, gone.len());
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
        match waits::check_time(&request.plan, request.started_at, request.now) {
            // What has happened on the instance is the better reason.
            Err(_) if at_last == FailureKind::DeploymentFailed => {
                return Ok(self.failed(at_last, &look, target.as_ref()));
            }
            checked => checked?,
        }
        let stall = look.stall();
        let stall_seconds = stall.seconds(request.now);
        let own = target.as_ref().map(|target| target.status);
        if own == Some(TargetStatus::Succeeded) && stall::only_bakes(deployment) {
            let also_deployed_to = self.also_deployed_to(&look).await;
            return Ok(succeeded(look.deployment, also_deployed_to));
        }
        match look.action(own, stall_seconds) {
            // Between two zones it bakes, and nothing is to be seen of it.
            _ if deployment.status == DeploymentStatus::Baking => {}
            Action::Wait => {}
            // The instance has what it needs, and does not depend on the stop.
            Action::StopStalled if own == Some(TargetStatus::Succeeded) => {
                if let Stopping::Stalled { .. } = self.codedeploy.may_be_stopped(deployment).await? {
                    self.stop_for_others(&look, None).await?;
                }
                if stall_seconds >= request.application.timeout_seconds {
                    let also_deployed_to = self.also_deployed_to(&look).await;
                    return Ok(succeeded(look.deployment, also_deployed_to));
                }
            }
            Action::StopStalled => match (self.codedeploy.may_be_stopped(deployment).await?, own) {
                (Stopping::AtWork, _) => {}
                // Judged as it was: once it is stopped, its error code says nothing but that.
                (stopping, own) => {
                    let answer = match own {
                        Some(TargetStatus::Failed) => self.failed(at_last, &look, target.as_ref()),
                        _ => self.not_reached(&look).await?,
                    };
                    match (stopping, &answer) {
                        // The search for evidence goes on first: what comes of the stop hangs on it.
                        (Stopping::Stalled { .. }, Answer::Succeeded { .. } | Answer::Failed { .. })
                            if !self.stop(&look, Some(&answer)).await? => {}
                        _ => return Ok(answer),
                    }
                }
            },
            Action::Yield => match self.codedeploy.may_be_stopped(deployment).await? {
                Stopping::AtWork => {}
                Stopping::Stalled { not_begun } => {
                    let answer = self.silent(FailureKind::AgentSilent, &look, stall_seconds, not_begun);
                    return Ok(match self.stop(&look, Some(&answer)).await? {
                        true => answer,
                        false => self.silent(FailureKind::AgentSilent, &look, stall_seconds, Vec::new()),
                    });
                }
                Stopping::NotOurs => return self.not_begun_in_joined(&look, stall_seconds).await,
            },
            Action::AcceptSuccess => {
                let also_deployed_to = self.also_deployed_to(&look).await;
                return Ok(succeeded(look.deployment, also_deployed_to));
            }
            Action::TimeOut => {
                let answer = match own {
                    Some(TargetStatus::Pending) => {
                        let others = request.silence.as_ref().map(|silence| silence.others_not_begun.clone());
                        self.silent(at_last, &look, stall_seconds, others.unwrap_or_default())
                    }
                    _ => self.failed(at_last, &look, target.as_ref()),
                };
                let only_it_is_left = deployment.overview.pending + deployment.overview.in_progress <= 1;
                if at_last == FailureKind::DeploymentTimedOut
                    && only_it_is_left
                    && deployment_tag::is_a_rollouts(&deployment.description)
                {
                    // Why the rollout fails is not that the stop did, too.
                    self.stop_for_others(&look, Some(&answer)).await?;
                }
                return Ok(answer);
            }
        }
        let elapsed = request.now.seconds_since(request.waiting_since);
        let hook = request.plan.hook.as_ref();
        let wait_seconds = waits::before_look(elapsed, request.expected_seconds, request.age(), hook);
        Ok(Answer::InProgress { wait_seconds, stall, search: None })
    }

    /// Waits until so many seconds after an alarm has stopped the deployment. Then the rollout begins again, and no attempt is counted.
    fn wait_for_alarm(&self, look: &Looked<'_>, wait: u32) -> Answer {
        let Looked { request, deployment, target } = look;
        let over = deployment.ended.map_or(wait, |ended| request.now.seconds_since(ended));
        if over >= wait {
            let reason = self.failure(FailureKind::AlarmActive, look, target.as_ref()).reason();
            return Answer::Failed { error: FailureKind::AlarmActive, reason: Box::new(reason), retry: false };
        }
        let stall = look.stall();
        let wait_seconds = waits::for_other_deployment(over, request.plan.hook.as_ref()).min(wait - over);
        Answer::InProgress { wait_seconds, stall, search: None }
    }

    /// The deployment leaves the instance as it was: rightly so, if an earlier one has brought it up to date. If it failed on another
    /// instance first, that is no failure of this rollout's: the other instance's rollout may have the turn, and with it its failure.
    async fn not_reached(&self, look: &Looked<'_>) -> Result<Answer, Error> {
        let Looked { request, deployment, target } = look;
        if let Some(instance_id) = &request.plan.instance_id {
            match self.search(request, vec![instance_id.clone()]).await? {
                Some(Found::UpToDate(earlier)) => return Ok(succeeded(earlier, Vec::new())),
                Some(Found::SearchOn(search)) => return Ok(look.search_on(search)),
                Some(Found::AtWork(_) | Found::Outdated(_)) | None => {}
            }
        }
        if deployment.status == DeploymentStatus::Stopped {
            // A person has stopped it, unless a rollout has.
            self.turns.require(&request.plan, &request.execution, request.round).await?;
            let stop = self.turns.stop_of(&request.application.group, &deployment.deployment_id).await?;
            if let Some(Stop { by, .. }) = stop {
                return Err(Error::TurnLost(format!("{by} has stopped {}", deployment.deployment_id)));
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

    fn failed(&self, kind: FailureKind, look: &Looked<'_>, target: Option<&Target>) -> Answer {
        look.failed(kind, self.failure(kind, look, target).reason())
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

    /// Somebody else's deployment has not begun on the instance for so many seconds. Others may have their turn while CodeDeploy gets on with
    /// it.
    async fn not_begun_in_joined(&self, look: &Looked<'_>, stall_seconds: u32) -> Result<Answer, Error> {
        let targets = self.codedeploy.targets(&look.deployment.deployment_id).await?;
        let pending = targets.into_iter().filter(|target| target.status == TargetStatus::Pending);
        let pending = pending.map(|target| target.target_id).collect();
        let mut answer = self.silent(FailureKind::AgentSilent, look, stall_seconds, pending);
        if let Answer::Failed { reason, .. } = &mut answer {
            let own_silence = look.stalled(Some(TargetStatus::Pending), stall_seconds).own_silence();
            reason.silent_seconds = Some(look.request.silent_seconds().saturating_add(own_silence));
        }
        Ok(answer)
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
    /// Since when nothing has come to an end.
    fn stall(&self) -> StallTimer {
        let Self { request, deployment, target } = self;
        let own = target.as_ref().filter(|_| request.plan.instance_id.is_some());
        StallTimer::after_look(request.stall.as_ref(), deployment, own, Some(request.waiting_since))
    }

    fn failed(&self, kind: FailureKind, reason: Reason) -> Answer {
        let Request { attempt, application, .. } = self.request;
        let retry = *attempt < application.max_attempts && retry::is_worthwhile(kind, &reason);
        Answer::Failed { error: kind, reason: Box::new(reason), retry }
    }

    /// What is known of the deployment, which is under way. `own` is the status of the instance's own target.
    fn stalled(&self, own: Option<TargetStatus>, stall_seconds: u32) -> Look {
        Look {
            own,
            overview: self.deployment.overview,
            stall_seconds,
            silent_seconds: self.request.silent_seconds(),
            is_joined: !deployment_tag::is_a_rollouts(&self.deployment.description),
        }
    }

    /// What to do about the deployment, which is under way. `own` is the status of the instance's own target.
    fn action(&self, own: Option<TargetStatus>, stall_seconds: u32) -> Action {
        let timeout = self.request.application.timeout_seconds;
        match &self.request.plan.instance_id {
            Some(_) => self.stalled(own, stall_seconds).action(timeout),
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

fn succeeded(deployment: Deployment, also_deployed_to: Vec<TargetId>) -> Answer {
    Answer::Succeeded { deployment_id: deployment.deployment_id, revision: deployment.revision, also_deployed_to }
}
