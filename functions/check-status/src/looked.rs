//! What a look has found.

use turnstile::policy::stall::{Action, Look, StallTimer};
use turnstile::policy::{deployment_tag, retry};
use turnstile::words::deployment::{Deployment, Target, TargetStatus};
use turnstile::words::failure::{FailureKind, Reason};

use crate::request::{Answer, Request};

/// The deployment as it was found, with the target that decides.
pub(crate) struct Looked<'a> {
    pub(crate) request: &'a Request,
    pub(crate) deployment: Deployment,
    pub(crate) target: Option<Target>,
}

impl Looked<'_> {
    /// Since when nothing has come to an end.
    pub(crate) fn stall(&self) -> StallTimer {
        let Self { request, deployment, target } = self;
        let own = target.as_ref().filter(|_| request.plan.instance_id.is_some());
        StallTimer::after_look(request.stall.as_ref(), deployment, own, Some(request.waiting_since))
    }

    pub(crate) fn failed(&self, kind: FailureKind, reason: Reason) -> Answer {
        let Request { attempt, application, .. } = self.request;
        let retry = *attempt < application.max_attempts && retry::is_worthwhile(kind, &reason);
        Answer::Failed { error: kind, reason: Box::new(reason), retry, wait_seconds: None }
    }

    /// What is known of the deployment, which is under way. `own` is the status of the instance's own target.
    pub(crate) fn stalled(&self, own: Option<TargetStatus>, stall_seconds: u32) -> Look {
        Look {
            own,
            overview: self.deployment.overview,
            stall_seconds,
            silent_seconds: self.request.silent_seconds(),
            is_joined: !deployment_tag::is_a_rollouts(&self.deployment.description),
        }
    }

    /// What to do about the deployment, which is under way. `own` is the status of the instance's own target.
    pub(crate) fn action(&self, own: Option<TargetStatus>, stall_seconds: u32) -> Action {
        let timeout = self.request.application.timeout_seconds;
        match &self.request.plan.instance_id {
            Some(_) => self.stalled(own, stall_seconds).action(timeout),
            // In a rollout of a whole group no instance is another one's neighbour. Those at work are waited for.
            None if stall_seconds >= timeout && self.deployment.overview.in_progress == 0 => Action::TimeOut,
            None => Action::Wait,
        }
    }
}
