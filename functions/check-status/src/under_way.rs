//! Waits for a deployment that is under way, or does something about one that gets nowhere.

use aws::codedeploy::Stopping;
use turnstile::policy::stall::Action;
use turnstile::policy::{deployment_tag, stall, waits};
use turnstile::words::deployment::{DeploymentStatus, TargetStatus};
use turnstile::words::error::Error;
use turnstile::words::failure::FailureKind;

use crate::CheckStatus;
use crate::looked::Looked;
use crate::request::Answer;

impl CheckStatus {
    /// Waits for the deployment, or does something about it when it gets nowhere. `at_last` is the failure that it comes to if nothing
    /// happens any more.
    pub(crate) async fn wait(&self, look: Looked<'_>, at_last: FailureKind) -> Result<Answer, Error> {
        let Looked { request, deployment, target } = &look;
        let own = target.as_ref().map(|target| target.status);
        match waits::check_time(&request.plan, request.started_at, request.now) {
            // Nothing more is needed of the deployment.
            Err(_) if own == Some(TargetStatus::Succeeded) => {
                let also_deployed_to = self.also_deployed_to(&look).await;
                return Ok(request.succeeded(deployment, also_deployed_to));
            }
            // What has happened on the instance is the better reason.
            Err(_) if at_last == FailureKind::DeploymentFailed => {
                return Ok(self.failed(at_last, &look, target.as_ref()));
            }
            checked => checked?,
        }
        let stall = look.stall();
        let stall_seconds = stall.seconds(request.now);
        if own == Some(TargetStatus::Succeeded) && stall::only_bakes(deployment) {
            let also_deployed_to = self.also_deployed_to(&look).await;
            return Ok(request.succeeded(deployment, also_deployed_to));
        }
        match look.action(own, stall_seconds) {
            // Between two zones it bakes, and nothing is to be seen of it.
            _ if deployment.status == DeploymentStatus::Baking => {}
            Action::Wait => {}
            // The instance has what it needs, and does not depend on the stop.
            Action::StopStalled if own == Some(TargetStatus::Succeeded) => {
                if let Stopping::Stalled { not_begun } = self.codedeploy.may_be_stopped(deployment).await? {
                    self.record_silent(request, &not_begun).await;
                    self.stop_for_others(&look, None).await?;
                }
                if stall_seconds >= request.application.timeout_seconds {
                    let also_deployed_to = self.also_deployed_to(&look).await;
                    return Ok(request.succeeded(deployment, also_deployed_to));
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
                    // The search for evidence goes on first: what comes of the stop hangs on it.
                    let is_decided = matches!(answer, Answer::Succeeded { .. } | Answer::Failed { .. });
                    let goes_on = match stopping {
                        Stopping::Stalled { .. } if is_decided => match self.stop(&look, Some(&answer)).await {
                            // The attempt has failed, whoever has the turn. The next one finds out.
                            Err(Error::TurnLost(_)) if own == Some(TargetStatus::Failed) => false,
                            stopped => !stopped?,
                        },
                        _ => false,
                    };
                    if !goes_on {
                        return Ok(answer);
                    }
                }
            },
            // Nobody else would have the turn, and another deployment would come no further.
            Action::Yield
                if !look.stalled(own, stall_seconds).may_stand_at_another() && self.is_alone(request).await? => {}
            Action::Yield => match self.codedeploy.may_be_stopped(deployment).await? {
                Stopping::AtWork => {}
                Stopping::Stalled { not_begun } => {
                    self.record_silent(request, &not_begun).await;
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
                return Ok(request.succeeded(deployment, also_deployed_to));
            }
            // CodeDeploy gives them up within an hour.
            Action::TimeOut if self.waits_for_gone(&look).await? => {}
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
    pub(crate) fn wait_for_alarm(&self, look: &Looked<'_>, wait: u32) -> Answer {
        let Looked { request, deployment, target } = look;
        let over = deployment.ended.map_or(wait, |ended| request.now.seconds_since(ended));
        if over >= wait {
            let reason = self.failure(FailureKind::AlarmActive, look, target.as_ref()).reason();
            let (error, reason) = (FailureKind::AlarmActive, Box::new(reason));
            return Answer::Failed { error, reason, retry: false, wait_seconds: None };
        }
        let stall = look.stall();
        let wait_seconds =
            waits::for_other_deployment(over, request.age(), request.plan.hook.as_ref()).min(wait - over);
        Answer::InProgress { wait_seconds, stall, search: None }
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
}
