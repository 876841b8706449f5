//! Whether an instance is up to date: the newest deployment that touched it succeeded there, on the group's current revision.
//!
//! CodeDeploy's own word for it ("nothing is outdated") has no documented form, and a deployment that did not contain the instance
//! proves nothing about it.

use serde::{Deserialize, Serialize};

use crate::words::application::DeploymentGroup;
use crate::words::deployment::{Deployment, DeploymentGroupInfo, Overview, Target, TargetStatus};
use crate::words::error::Error;
use crate::words::ids::InstanceId;
use crate::words::revision::Revision;
use crate::words::time::Timestamp;

/// The revision that every instance of a group should run, and the deployment that made it so.
#[derive(Debug, Clone)]
pub struct CurrentRevision {
    pub revision: Revision,
    /// The group's last successful deployment; absent as long as none has succeeded.
    pub last_successful: Option<Deployment>,
}

impl CurrentRevision {
    /// The current revision of a group: that of the newest deployment that has succeeded, of all that are known, whichever of CodeDeploy's
    /// answers told of it. The group's `targetRevision` would do, were it documented not to move with a deployment that fails.
    ///
    /// # Errors
    /// [`Error::UnsuitableDeploymentGroup`] when the group has no revision yet.
    pub fn of(name: &DeploymentGroup, group: &DeploymentGroupInfo, newest_first: &[Deployment]) -> Result<Self, Error> {
        let mut succeeded = newest_first.iter().filter(|deployment| deployment.has_succeeded_with_a_build());
        let last_successful = succeeded.clone().next().cloned();
        let revision = succeeded.find_map(|deployment| deployment.revision.clone());
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

/// How far a search for evidence has come, from a group's newest deployment back. A group has had more deployments than one call of a
/// function can ask about, so the state machine carries it from one call to the next.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Search {
    /// All deployments that were created at this moment or later have been asked about; absent when none has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub back_to: Option<Timestamp>,
    /// The instances of which none of those said anything.
    pub undecided: Vec<InstanceId>,
}

impl Search {
    /// A search that begins with the newest deployment.
    pub fn of(undecided: Vec<InstanceId>) -> Self {
        Self { back_to: None, undecided }
    }

    /// Takes in what one deployment says, by its targets. `None`: the deployment before it has to be asked.
    pub fn ask(&mut self, deployment: &Deployment, targets: &[Target], current: &CurrentRevision) -> Option<Found> {
        self.back_to = deployment.created.or(self.back_to);
        for target in targets {
            let Some(i) = self.undecided.iter().position(|instance_id| target.target_id == *instance_id) else {
                continue;
            };
            match Evidence::of(Some(target), current.is_of(deployment)) {
                Evidence::UpToDate => drop(self.undecided.swap_remove(i)),
                Evidence::AtWork => return Some(Found::AtWork(deployment.clone())),
                Evidence::Outdated => return Some(Found::Outdated(vec![self.undecided.swap_remove(i)])),
                Evidence::None => {}
            }
        }
        self.undecided.is_empty().then(|| Found::UpToDate(deployment.clone()))
    }
}

/// What comes of a search.
#[derive(Debug, Clone)]
pub enum Found {
    /// Every instance is up to date. This deployment brought the last of them there.
    UpToDate(Deployment),
    /// It was stopped or failed, but an agent is still busy with it.
    AtWork(Deployment),
    /// The newest deployment that touched one of these instances failed there or brought another revision, or none has touched it.
    Outdated(Vec<InstanceId>),
    /// Older deployments have to be asked about, in another call.
    SearchOn(Search),
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

/// What a deployment has left on an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trace {
    /// Its revision.
    Success,
    /// The agent is still busy with it.
    AtWork,
    /// It has ended half-way, so nobody knows what is there now.
    Change,
    /// It has changed nothing there: it did not contain the instance, left it out, or failed before a lifecycle event began, as beside
    /// another deployment or while the instance is stopped.
    None,
}

impl Trace {
    /// The trace by the instance's target; `None` when the deployment did not contain the instance.
    pub fn of(target: Option<&Target>) -> Self {
        let Some(target) = target else { return Self::None };
        match target.status {
            TargetStatus::Succeeded => Self::Success,
            TargetStatus::InProgress => Self::AtWork,
            TargetStatus::Skipped | TargetStatus::Pending => Self::None,
            TargetStatus::Failed | TargetStatus::Ready | TargetStatus::Unknown if target.has_begun => Self::Change,
            TargetStatus::Failed | TargetStatus::Ready | TargetStatus::Unknown => Self::None,
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
    pub fn of(target: Option<&Target>, brought_current: bool) -> Self {
        match Trace::of(target) {
            Trace::Success if brought_current => Self::UpToDate,
            Trace::AtWork => Self::AtWork,
            Trace::Success | Trace::Change => Self::Outdated,
            Trace::None => Self::None,
        }
    }
}

/// How many calls of CodeDeploy's one call of a function makes to ask deployments for instances' targets: one for each where it asks about one instance.
pub const MOST_ASKED: usize = 50;
/// How many are asked about an instance that waits at no hook, before one is deployed to it: each later launch of its group has made one, and
/// nothing is known of one that has just been launched.
pub const MOST_ASKED_OF_ONE: usize = 10;

/// How many of the newest deployments are always asked: their overview may trail their targets.
const NEWEST: usize = 5;

/// The deployments that can say anything about an instance, of all that are given. One that has ended a while ago, and has succeeded
/// or failed nowhere, has left every instance as it was; and so has one that installs nothing, unless it is at work.
pub fn may_have_touched(newest_first: &[Deployment]) -> impl Iterator<Item = &Deployment> {
    let touched = |(i, deployment): &(usize, &Deployment)| {
        let Overview { in_progress, succeeded, failed, .. } = deployment.overview;
        let may_be_at_work = deployment.status.is_active() || in_progress > 0;
        may_be_at_work || !deployment.installs_nothing && (*i < NEWEST || succeeded + failed > 0)
    };
    newest_first.iter().enumerate().filter(touched).map(|(_, deployment)| deployment)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::deployment::DeploymentStatus;
    use crate::words::deployment::sample::{self, deployment};
    use serde_json::json;

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
            (Deployment { installs_nothing: true, ..deployment(InProgress, none) }, 1),
        ] {
            let listed = vec![deployment.clone(); NEWEST + 1];
            assert_eq!(may_have_touched(&listed).count(), NEWEST + asked, "{deployment:?}");
        }
        let restarts =
            Deployment { installs_nothing: true, ..deployment(Succeeded, Overview { succeeded: 1, ..none }) };
        assert_eq!(may_have_touched(&vec![restarts; NEWEST + 1]).count(), 0);
    }

    #[test]
    fn only_a_success_on_the_same_build_is_evidence() {
        use TargetStatus::*;
        for (status, brought_current, expected) in [
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
            let target = status.map(sample::target);
            assert_eq!(
                Evidence::of(target.as_ref(), brought_current),
                expected,
                "{target:?}, current: {brought_current}"
            );
        }
    }

    #[test]
    fn a_target_that_never_began_proves_nothing() {
        for status in [TargetStatus::Failed, TargetStatus::Unknown, TargetStatus::Ready] {
            let never_began = Target { status, ..sample::failed_before_it_began() };
            for brought_current in [true, false] {
                assert_eq!(Evidence::of(Some(&never_began), brought_current), Evidence::None, "{status:?}");
            }
        }
    }

    #[test]
    fn a_search_ends_when_every_instance_is_decided() {
        let commit = |id: &str| Revision::GitHub { repository: "me/app".into(), commit_id: id.into() };
        let current = CurrentRevision { revision: commit("now"), last_successful: None };
        let deployed = |build, created| Deployment {
            revision: Some(commit(build)),
            created: Some(Timestamp::from_seconds(created)),
            ..deployment(DeploymentStatus::Succeeded, Overview::default())
        };
        let target = |id: &str, status| Target { target_id: id.into(), ..sample::target(status) };
        let ids = ["i-00000001", "i-00000002"];
        let instances = || ids.iter().map(|id| InstanceId::try_from(*id).unwrap()).collect();
        let [first, second] = ids;
        use TargetStatus::*;

        let mut search = Search::of(instances());
        assert!(
            search.ask(&deployed("now", 30), &[target(first, Succeeded), target("i-else", Failed)], &current).is_none()
        );
        let left = json!({"backTo": "1970-01-01T00:00:30Z", "undecided": [second]});
        assert_eq!(json!(search), left, "what the state machine carries");
        let mut search: Search = serde_json::from_value(left).unwrap();
        assert!(search.ask(&deployed("now", 20), &[target(second, Skipped)], &current).is_none());
        let older = [target(first, Failed), target(second, Succeeded)];
        assert!(matches!(search.clone().ask(&deployed("now", 10), &older, &current), Some(Found::UpToDate(_))));
        let Some(Found::Outdated(outdated)) = search.clone().ask(&deployed("old", 10), &older, &current) else {
            panic!()
        };
        assert_eq!(outdated.iter().map(InstanceId::as_str).collect::<Vec<_>>(), [second]);
        let at_work = [target(second, InProgress)];
        assert!(matches!(search.ask(&deployed("now", 10), &at_work, &current), Some(Found::AtWork(_))));
    }

    #[test]
    fn the_newest_deployment_that_has_succeeded_has_the_current_revision() {
        use DeploymentStatus::{Failed, InProgress, Stopped, Succeeded};
        let name: DeploymentGroup = "A/S".parse().unwrap();
        let build = |commit: &str| Some(Revision::GitHub { repository: "me/app".into(), commit_id: commit.into() });
        let group = |target_revision| DeploymentGroupInfo { target_revision, ..DeploymentGroupInfo::sample() };
        let deployed = |status, revision| Deployment { revision, ..deployment(status, Overview::default()) };
        let restarted = Deployment { installs_nothing: true, ..deployed(Succeeded, build("old")) };
        for (target_revision, newest_first, expected) in [
            (build("new"), vec![deployed(Succeeded, build("old"))], build("old")),
            (build("new"), vec![deployed(Succeeded, None)], build("new")),
            (build("new"), vec![restarted.clone()], build("new")),
            (build("old"), vec![restarted, deployed(Succeeded, build("new"))], build("new")),
            (build("new"), vec![], build("new")),
            (None, vec![], None),
            // A release has ended since the group's last successful deployment was told.
            (build("old"), vec![deployed(Succeeded, build("new")), deployed(Succeeded, build("old"))], build("new")),
            (build("new"), vec![deployed(InProgress, build("new")), deployed(Succeeded, build("old"))], build("old")),
            (build("new"), vec![deployed(Failed, build("new")), deployed(Succeeded, build("old"))], build("old")),
            (build("new"), vec![deployed(Stopped, build("new")), deployed(Succeeded, build("old"))], build("old")),
            // A person has gone back.
            (build("new"), vec![deployed(Succeeded, build("old")), deployed(Succeeded, build("new"))], build("old")),
        ] {
            let found = CurrentRevision::of(&name, &group(target_revision), &newest_first);
            assert_eq!(found.as_ref().ok().map(|current| current.revision.clone()), expected, "{found:?}");
        }
    }
}
