//! Looks at the deployment of one application: is it over, and has it succeeded on the rollout's instance?

mod evidence;
mod gates;
mod gone;
mod looked;
mod request;
mod stop;
mod under_way;

use aws::clients::Clients;
use aws::codedeploy::CodeDeploy;
use aws::function::Function;
use aws::launches::Launches;
use aws::served::{Served, Whose};
use aws::settings::{self, SettingError, Settings};
use aws::turns::Turns;
use serde_json::Value;
use tracing::{Span, info_span, warn};
use turnstile::limits::MOST_REPEATS;
use turnstile::policy::reason::FailedDeployment;
use turnstile::policy::up_to_date::Found;
use turnstile::policy::verdict::{self, Verdict};
use turnstile::policy::{alarm, deployment_tag, turn, waits};
use turnstile::words::about::About;
use turnstile::words::deployment::{Deployment, DeploymentStatus, Target, TargetStatus};
use turnstile::words::error::Error;
use turnstile::words::failure::FailureKind;
use turnstile::words::ids::TargetId;
use turnstile::words::plan::Plan;
use turnstile::words::turn::{FinishedDeployment, Stop};

use crate::looked::Looked;
use crate::request::Next;
pub use crate::request::{Answer, Request};

/// The function.
pub struct CheckStatus {
    codedeploy: CodeDeploy,
    launches: Launches,
    turns: Turns,
    served: Served,
    /// The Region's name, for links to the console.
    region: String,
    /// Whether failures quote the end of the log of the script that failed.
    quotes_logs: bool,
}

impl Function for CheckStatus {
    type Request = Request;
    type Answer = Answer;

    fn new(clients: &Clients, settings: &Settings) -> Result<Self, SettingError> {
        Ok(Self {
            codedeploy: clients.codedeploy(),
            launches: clients.launches(settings.get(settings::TURNS_TABLE)?),
            turns: clients.turns(settings.get(settings::TURNS_TABLE)?),
            served: clients.served(settings.get(settings::TURNS_TABLE)?),
            region: clients.region(),
            quotes_logs: settings.get_or_empty(settings::SCRIPT_OUTPUT) != "OMIT",
        })
    }

    fn span(call: &Value) -> Span {
        let About { execution, group, instance, application, deployment, round, attempt } = About::of(call);
        info_span!("check-status", execution, group, instance, application, deployment, round, attempt)
    }

    async fn handle(&self, mut request: Request) -> Result<Answer, Error> {
        self.launches.keep_open(&mut request.plan, &request.execution).await?.require_open()?;
        let answer = self.look(&request).await?;
        match answer.next() {
            Next::GoesOn => Ok(answer),
            Next::IsDone => {
                self.end_turn(&request).await;
                Ok(answer)
            }
            Next::Yields { silent_seconds } => {
                let wait_seconds = self.yield_turn(&request, silent_seconds).await;
                Ok(answer.after(wait_seconds))
            }
        }
    }
}

impl CheckStatus {
    /// The application is up to date on the instance: its deployments have nothing to do there any more, and where each deployment has its turn
    /// it is the next rollout's.
    async fn end_turn(&self, request: &Request) {
        let Request { plan, execution, round, application, .. } = request;
        // After the last application the gate is opened.
        if !plan.ends_with(&application.group) {
            let queue = turn::main_claim(plan, &application.group);
            self.served.shut(plan, &[queue], Whose::All, (execution, *round), request.now).await;
        }
        if plan.turn_per_deployment {
            let claims = turn::claims(plan, &application.group);
            self.turns.give_back_courteously(claims, execution, *round).await;
        }
    }

    /// The deployment failed on another instance first, or has not begun on the own one: other rollouts may have their turn. The answer is how
    /// long to wait before asking for it again, in seconds.
    async fn yield_turn(&self, request: &Request, silent_seconds: Option<u32>) -> u32 {
        let Request { plan, execution, round, silence, .. } = request;
        self.served.shut(plan, &turn::queues(plan), Whose::All, (execution, *round), request.now).await;
        self.turns.give_back_courteously(turn::all_claims(plan), execution, *round).await;
        let earlier = silence.as_ref().map(|silence| silence.silent_seconds);
        waits::to_yield(silent_seconds.or(earlier).unwrap_or(0), plan.hook.as_ref())
    }

    /// Looks at the deployment, and does what is to be done about it.
    async fn look(&self, request: &Request) -> Result<Answer, Error> {
        let deployment =
            self.codedeploy.deployment(&request.deployment_id).await?.ok_or_else(|| Error::Unexpected {
                call: "CodeDeploy.GetDeployment",
                code: "DeploymentDoesNotExistException".into(),
                message: request.deployment_id.to_string(),
            })?;
        let (verdict, target) = self.judge(&request.plan, &deployment).await?;
        let look = Looked { request, deployment, target };
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
            Verdict::Succeeded => Ok(request.succeeded(&look.deployment, also_deployed_to)),
            Verdict::NotReached => self.not_reached(&look).await,
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
        let decisive = match verdict {
            Verdict::NotReached => gone.into_iter().next(),
            _ => targets.into_iter().find(|target| target.status == TargetStatus::Failed),
        };
        Ok((verdict, decisive))
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

    /// The deployment leaves the instance as it was: rightly so, if an earlier one has brought it up to date. If it failed on another
    /// instance first, that is no failure of this rollout's: the other instance's rollout may have the turn, and with it its failure.
    async fn not_reached(&self, look: &Looked<'_>) -> Result<Answer, Error> {
        let Looked { request, deployment, target } = look;
        if let Some(instance_id) = &request.plan.instance_id {
            match self.search(request, vec![instance_id.clone()]).await? {
                Some(Found::UpToDate(earlier)) => return Ok(request.succeeded(&earlier, Vec::new())),
                Some(Found::SearchOn(search)) => return Ok(look.search_on(search)),
                Some(Found::AtWork(_) | Found::Outdated(_)) | None => {}
            }
        }
        // A whole group's failed because of an instance that is gone, and has left others out.
        if request.plan.instance_id.is_none() && request.repeats < MOST_REPEATS {
            return Ok(self.failed(FailureKind::NeighbourFailed, look, target.as_ref()));
        }
        if deployment.status == DeploymentStatus::Stopped {
            // A person has stopped it, unless a rollout has.
            self.turns
                .require(&turn::claims(&request.plan, &request.application.group), &request.execution, request.round)
                .await?;
            let stop = self.turns.stop_of(&request.application.group, &deployment.deployment_id).await?;
            if let Some(Stop { by, .. }) = stop {
                return Err(Error::TurnLost(format!("{by} has stopped {}", deployment.deployment_id)));
            }
        }
        // What somebody else deployed has come to nothing here: the rollout brings what is current itself.
        if !deployment_tag::is_a_rollouts(&deployment.description) && request.repeats < MOST_REPEATS {
            return Ok(self.failed(FailureKind::JoinedFailed, look, target.as_ref()));
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
        if target.is_none() && self.may_not_see_the_gate(look).await? {
            return Ok(self.failed(FailureKind::GateNotSeen, look, None));
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
        Answer::Failed { error: kind, reason: Box::new(reason), retry: false, wait_seconds: None }
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
            quotes_log: self.quotes_logs,
        }
    }
}
