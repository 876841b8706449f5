//! Whether an instance is up to date: the newest deployment that touched it succeeded there, on the group's current revision.
//!
//! CodeDeploy's own word for it ("nothing is outdated") has no documented form, and a deployment that did not contain the instance
//! proves nothing about it.

use crate::words::application::DeploymentGroup;
use crate::words::deployment::{Deployment, DeploymentGroupInfo, Overview, TargetStatus};
use crate::words::error::Error;
use crate::words::revision::Revision;

/// The revision that every instance of a group should run, and the deployment that made it so.
#[derive(Debug, Clone)]
pub struct CurrentRevision {
    pub revision: Revision,
    /// The group's last successful deployment; absent as long as none has succeeded.
    pub last_successful: Option<Deployment>,
}

impl CurrentRevision {
    /// The current revision of a group: that of its last successful deployment. The group's `targetRevision` would do, were it
    /// documented not to move with a deployment that fails.
    ///
    /// # Errors
    /// [`Error::UnsuitableDeploymentGroup`] when the group has no revision yet.
    pub fn of(
        name: &DeploymentGroup,
        group: &DeploymentGroupInfo,
        last_successful: Option<Deployment>,
    ) -> Result<Self, Error> {
        let brought = last_successful.as_ref().filter(|deployment| !deployment.restarts);
        let revision = brought.and_then(|deployment| deployment.revision.clone());
        let revision = revision.or_else(|| group.target_revision.clone()).ok_or_else(|| {
            Error::UnsuitableDeploymentGroup(format!(
                "{name}: the deployment group has no revision: deploy one to it before a rollout can"
            ))
        })?;
        Ok(Self { revision, last_successful })
    }

    /// Whether a deployment brought this revision.
    pub fn is_of(&self, deployment: &Deployment) -> bool {
        deployment.revision.as_ref().is_some_and(|revision| revision.is_same_build(&self.revision))
    }
}

/// What the newest deployment that touched an instance says of the instance.
#[derive(Debug, Clone)]
pub enum Freshness {
    /// It succeeded there, on the current revision.
    UpToDate(Deployment),
    /// It was stopped or failed, but the agent is still busy with it.
    AtWork(Deployment),
    /// It failed there or brought another revision, or no deployment has touched the instance.
    Outdated,
}

impl Freshness {
    /// The deployment that brought the instance up to date.
    pub fn up_to_date(self) -> Option<Deployment> {
        match self {
            Self::UpToDate(deployment) => Some(deployment),
            Self::AtWork(_) | Self::Outdated => None,
        }
    }
}

/// What one deployment says of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    UpToDate,
    AtWork,
    Outdated,
    /// Nothing: the deployment has not touched the instance, and the one before it has to be asked.
    None,
}

impl Evidence {
    /// What a deployment says of an instance by its target; `None` when the deployment did not contain the instance.
    /// `brought_current`: whether it brought the current revision.
    pub fn of(target: Option<TargetStatus>, brought_current: bool) -> Self {
        match target {
            Some(TargetStatus::Succeeded) if brought_current => Self::UpToDate,
            Some(TargetStatus::InProgress) => Self::AtWork,
            None | Some(TargetStatus::Skipped | TargetStatus::Pending) => Self::None,
            Some(_) => Self::Outdated,
        }
    }
}

/// How many deployments are asked for the instance's target. Each is a call, and one that is throttled ends the search.
const MOST_ASKED: usize = 50;

/// How many of the newest deployments are always asked: their overview may trail their targets.
const NEWEST: usize = 5;

/// The deployments that can say anything about an instance, of all that are given. One that has ended a while ago, and has succeeded
/// or failed nowhere, has left every instance as it was; and so has one that restarts what is installed, unless it is at work.
pub fn may_have_touched(newest_first: &[Deployment]) -> impl Iterator<Item = &Deployment> {
    let touched = |(i, deployment): &(usize, &Deployment)| {
        let Overview { in_progress, succeeded, failed, .. } = deployment.overview;
        let may_be_at_work = deployment.status.is_active() || in_progress > 0;
        may_be_at_work || !deployment.restarts && (*i < NEWEST || succeeded + failed > 0)
    };
    newest_first.iter().enumerate().filter(touched).map(|(_, deployment)| deployment).take(MOST_ASKED)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::deployment::DeploymentStatus;
    use crate::words::deployment::sample::deployment;

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
            (Deployment { restarts: true, ..deployment(InProgress, none) }, 1),
        ] {
            let listed = vec![deployment.clone(); NEWEST + 1];
            assert_eq!(may_have_touched(&listed).count(), NEWEST + asked, "{deployment:?}");
        }
        let restarts = Deployment { restarts: true, ..deployment(Succeeded, Overview { succeeded: 1, ..none }) };
        assert_eq!(may_have_touched(&vec![restarts; NEWEST + 1]).count(), 0);
        let many = vec![deployment(Succeeded, Overview { succeeded: 1, ..none }); 60];
        assert_eq!(may_have_touched(&many).count(), MOST_ASKED);
    }

    #[test]
    fn only_a_success_on_the_same_build_is_evidence() {
        use TargetStatus::*;
        for (target, brought_current, expected) in [
            (Some(Succeeded), true, Evidence::UpToDate),
            (Some(Succeeded), false, Evidence::Outdated),
            (Some(Failed), true, Evidence::Outdated),
            (Some(InProgress), true, Evidence::AtWork),
            (Some(Unknown), true, Evidence::Outdated),
            (Some(Ready), true, Evidence::Outdated),
            (Some(Skipped), true, Evidence::None),
            (Some(Pending), true, Evidence::None),
            (None, true, Evidence::None),
        ] {
            assert_eq!(Evidence::of(target, brought_current), expected, "{target:?}, current: {brought_current}");
        }
    }

    #[test]
    fn the_last_successful_deployment_has_the_current_revision() {
        let name: DeploymentGroup = "A/S".parse().unwrap();
        let build = |commit: &str| Some(Revision::GitHub { repository: "me/app".into(), commit_id: commit.into() });
        let group = |target_revision| DeploymentGroupInfo { target_revision, ..DeploymentGroupInfo::sample() };
        let succeeded =
            |revision| Some(Deployment { revision, ..deployment(DeploymentStatus::Succeeded, Overview::default()) });
        for (target_revision, last_successful, expected) in [
            (build("new"), succeeded(build("old")), build("old")),
            (build("new"), succeeded(None), build("new")),
            (build("new"), succeeded(build("old")).map(|last| Deployment { restarts: true, ..last }), build("new")),
            (build("new"), None, build("new")),
            (None, None, None),
        ] {
            let found = CurrentRevision::of(&name, &group(target_revision), last_successful);
            assert_eq!(found.as_ref().ok().map(|current| current.revision.clone()), expected, "{found:?}");
        }
    }
}
