//! Evidence that an instance is up to date: the newest deployment that touched it succeeded there, on the current revision.
//!
//! CodeDeploy's own word for it ("nothing is outdated") has no documented form, and a deployment that did not contain the
//! instance proves nothing about it.

use crate::codedeploy::{Deployment, Overview, TargetStatus};
use crate::revision::Revision;

/// The revision that an instance of the group should run, with the deployment that made it so.
#[derive(Debug, Clone)]
pub struct Current {
    pub revision: Revision,
    /// Absent as long as no deployment of the group has succeeded.
    pub last_successful: Option<Deployment>,
}

impl Current {
    /// Whether a deployment brought this revision.
    pub fn is_of(&self, deployment: &Deployment) -> bool {
        deployment.revision.as_ref().is_some_and(|revision| revision.is_same_build(&self.revision))
    }
}

/// What the newest deployment that touched an instance says of it.
#[derive(Debug, Clone)]
pub enum Standing {
    /// It succeeded there, on the current revision.
    UpToDate(Deployment),
    /// It has been stopped or has failed, but the agent is still busy with it.
    AtWork(Deployment),
    /// It failed there, or brought another revision; or none has touched the instance.
    Outdated,
}

impl Standing {
    /// The deployment that is evidence of being up to date.
    pub fn evidence(self) -> Option<Deployment> {
        match self {
            Self::UpToDate(deployment) => Some(deployment),
            Self::AtWork(_) | Self::Outdated => None,
        }
    }
}

/// What a deployment says about an instance that it may have touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    UpToDate,
    AtWork,
    Outdated,
    /// Look at the deployment before it.
    Untouched,
}

/// What a deployment says of an instance by its target; `None` when it did not contain the instance.
pub fn finding(target: Option<TargetStatus>, same_build: bool) -> Finding {
    match target {
        Some(TargetStatus::Succeeded) if same_build => Finding::UpToDate,
        Some(TargetStatus::InProgress) => Finding::AtWork,
        None | Some(TargetStatus::Skipped | TargetStatus::Pending) => Finding::Untouched,
        Some(_) => Finding::Outdated,
    }
}

/// Of how many of them to ask for the instance's target: each is a call, of which one that is throttled ends the search.
const DEPLOYMENTS_ASKED: usize = 50;

/// Those of the newest deployments' number whose overview may trail their targets.
const NEWEST: usize = 5;

/// Those that can say anything about an instance. One that has been over for a while, and has succeeded or failed nowhere, has left
/// every instance as it was.
pub fn may_have_touched(newest_first: &[Deployment]) -> impl Iterator<Item = &Deployment> {
    let touched = |(i, deployment): &(usize, &Deployment)| {
        let Overview { in_progress, succeeded, failed, .. } = deployment.overview;
        *i < NEWEST || deployment.status.is_active() || in_progress + succeeded + failed > 0
    };
    newest_first.iter().enumerate().filter(touched).map(|(_, deployment)| deployment).take(DEPLOYMENTS_ASKED)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codedeploy::DeploymentStatus;
    use crate::codedeploy::sample::deployment;

    #[test]
    fn a_deployment_that_touched_nothing_is_not_asked_about() {
        use DeploymentStatus::{InProgress, Stopped, Succeeded};
        let none = Overview::default();
        for (deployment, asked) in [
            (deployment(Succeeded, none), 0),
            (deployment(Succeeded, Overview { skipped: 3, ..none }), 0),
            (deployment(Stopped, Overview { pending: 1, ..none }), 0),
            (deployment(Stopped, Overview { in_progress: 1, ..none }), 1),
            (deployment(Succeeded, Overview { succeeded: 1, ..none }), 1),
            (deployment(Succeeded, Overview { failed: 1, ..none }), 1),
            (deployment(InProgress, none), 1),
        ] {
            let listed = vec![deployment.clone(); NEWEST + 1];
            assert_eq!(may_have_touched(&listed).count(), NEWEST + asked, "{deployment:?}");
        }
        let many = vec![deployment(Succeeded, Overview { succeeded: 1, ..none }); 60];
        assert_eq!(may_have_touched(&many).count(), DEPLOYMENTS_ASKED);
    }

    #[test]
    fn only_a_success_on_the_same_build_is_evidence() {
        use TargetStatus::*;
        for (target, same_build, expected) in [
            (Some(Succeeded), true, Finding::UpToDate),
            (Some(Succeeded), false, Finding::Outdated),
            (Some(Failed), true, Finding::Outdated),
            (Some(InProgress), true, Finding::AtWork),
            (Some(Unknown), true, Finding::Outdated),
            (Some(Ready), true, Finding::Outdated),
            (Some(Skipped), true, Finding::Untouched),
            (Some(Pending), true, Finding::Untouched),
            (None, true, Finding::Untouched),
        ] {
            assert_eq!(finding(target, same_build), expected, "{target:?}, same build: {same_build}");
        }
    }
}
