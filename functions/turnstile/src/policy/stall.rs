//! What to do about a deployment that gets nowhere: wait, stop it, or let others have their turn.
//!
//! CodeDeploy attempts every instance of a deployment group, also one whose agent is dead, that is stopped or was terminated, and keeps
//! its target pending for up to an hour. A deployment is **stalled** when it has waited for nothing but such targets for
//! [`GRACE`] seconds. Instances that are at work are always waited for.

use serde::{Deserialize, Serialize};

use crate::limits::{GRACE, LONGEST_EVENT};
use crate::policy::deployment_tag;
use crate::words::deployment::{Deployment, DeploymentStatus, Overview, Target, TargetStatus};
use crate::words::ids::{DeploymentId, InstanceId, TargetId};
use crate::words::time::Timestamp;

/// Since when no target of a deployment has come to an end, nor a lifecycle event of the instance's own target. The state machine carries
/// it from one look at the deployment to the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StallTimer {
    deployment_id: DeploymentId,
    /// How many of its targets have come to an end.
    ended_targets: u32,
    /// How many lifecycle events of the instance's own target have come to an end. Absent in a look of the version before.
    #[serde(default)]
    ended_events: u32,
    /// Absent when the last look found something new: the time runs from the wait that follows the look, which the state machine
    /// knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
}

impl StallTimer {
    /// The timer after a look at the deployment. `own` is the instance's own target, if the look has asked for it. `waiting_since` is when
    /// the rollout began to wait for the deployment, in case this is the first look.
    pub fn after_look(
        earlier: Option<&Self>,
        deployment: &Deployment,
        own: Option<&Target>,
        waiting_since: Option<Timestamp>,
    ) -> Self {
        let ended_targets = deployment.overview.ended();
        let ended_events = own.map_or(0, |own| own.ended_events);
        let since = match earlier.filter(|earlier| earlier.deployment_id == deployment.deployment_id) {
            Some(earlier) if (earlier.ended_targets, earlier.ended_events) == (ended_targets, ended_events) => {
                earlier.since
            }
            None if (ended_targets, ended_events) == (0, 0) => waiting_since,
            Some(_) | None => None,
        };
        Self { deployment_id: deployment.deployment_id.clone(), ended_targets, ended_events, since }
    }

    /// How long ago a target, or an event of the own one, last came to an end, in seconds.
    pub fn seconds(&self, now: Timestamp) -> u32 {
        self.since.map_or(0, |since| now.seconds_since(since))
    }
}

/// Whether a deployment that bakes has nothing left to do: a zonal configuration waits after its last zone, too.
pub fn only_bakes(deployment: &Deployment) -> bool {
    let Overview { pending, in_progress, .. } = deployment.overview;
    deployment.status == DeploymentStatus::Baking && pending == 0 && in_progress == 0
}

/// Whether a deployment waits for nothing but targets that have not begun, and none has come to an end for so many seconds that they
/// count as dead.
pub fn is_stalled(overview: Overview, stall_seconds: u32) -> bool {
    overview.in_progress == 0 && overview.pending > 0 && stall_seconds >= GRACE
}

/// Whether a deployment has to be waited for before the next one may start: it is under way, or it was stopped or failed and an agent
/// is still busy with it. One that only bakes disturbs nobody.
pub fn is_at_work(deployment: &Deployment, earlier: Option<&StallTimer>, now: Timestamp) -> bool {
    (deployment.status.is_active() && !only_bakes(deployment))
        || (deployment.overview.in_progress > 0 && !is_agent_gone(deployment, earlier, now))
}

/// Whether an agent that is still busy with a deployment that has ended must be gone: nothing has come of it for longer than a
/// lifecycle event can take, and nobody will ever tell its end.
pub fn is_agent_gone(deployment: &Deployment, earlier: Option<&StallTimer>, now: Timestamp) -> bool {
    let stall = StallTimer::after_look(earlier, deployment, None, None);
    !deployment.status.is_active() && stall.seconds(now) >= LONGEST_EVENT
}

/// What to do about a deployment that is under way, for one of its instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Wait,
    /// Stop it: the instance has come to an end, and the targets that are left are dead.
    StopStalled,
    /// Let other rollouts have their turn: nothing is at work, and the deployment has not begun on the instance.
    Yield,
    /// Take the instance's success for the end, although the deployment gets nowhere.
    AcceptSuccess,
    /// Give up: it took too long on the instance.
    TimeOut,
}

/// What a rollout knows of a deployment that is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// The status of the instance's own target; `None` when the deployment does not contain the instance.
    pub own: Option<TargetStatus>,
    pub overview: Overview,
    /// How long ago a target, or a lifecycle event of the own one, last came to an end, in seconds.
    pub stall_seconds: u32,
    /// For how long earlier deployments of the application have not begun on the instance, in seconds.
    pub silent_seconds: u32,
    /// Whether it is somebody else's. CodeDeploy itself gets past its dead instances, an hour each; a rollout does not stop it.
    pub is_joined: bool,
}

impl Look {
    /// What to do. `timeout` is the application's, in seconds; it does not run while other instances are at work.
    ///
    /// An instance on which the deployment has not begun after the grace period may have an agent that starts late. So its rollout
    /// yields and comes back, until its agent has been silent for the whole of the time-out.
    pub fn action(self, timeout: u32) -> Action {
        use TargetStatus::{InProgress, Pending, Succeeded};
        let Self { own, overview, stall_seconds, silent_seconds, .. } = self;
        let own_has_ended = own.is_none_or(TargetStatus::has_ended);
        let others_are_at_work = overview.in_progress > 0 && own != Some(InProgress);
        let is_stalled = is_stalled(overview, stall_seconds);
        let has_time_left = silent_seconds.saturating_add(self.own_silence()) < timeout;
        match own {
            _ if own_has_ended && is_stalled => Action::StopStalled,
            Some(Pending) if is_stalled && (has_time_left || self.may_stand_at_another()) => Action::Yield,
            Some(Pending) if is_stalled => Action::TimeOut,
            _ if stall_seconds < timeout || others_are_at_work => Action::Wait,
            Some(Succeeded) => Action::AcceptSuccess,
            _ => Action::TimeOut,
        }
    }

    /// Whether a deployment that has not begun on the instance may stand at another one that comes first. The next deployment goes to all at once,
    /// where it may, so one is enough to tell.
    pub fn may_stand_at_another(self) -> bool {
        self.silent_seconds == 0 && self.overview.pending > 1
    }

    /// For how much of the stall the instance's own agent is to blame, in seconds. Somebody else's deployment that waits for several
    /// instances says nothing of it: it may go instance by instance, and stand at another one.
    pub fn own_silence(self) -> u32 {
        match self.is_joined && self.overview.pending > 1 {
            true => 0,
            false => self.stall_seconds,
        }
    }
}

/// The configuration with which a deployment begins on every instance in the same moment (CodeDeploy user guide, "Predefined
/// deployment configurations for an EC2/on-premises compute platform").
pub const ALL_AT_ONCE: &str = "CodeDeployDefault.AllAtOnce";

/// The other instances on which a group's last deployment has not begun, if a rollout started it and stopped it as stalled: it did not get
/// past one of them. Of an earlier deployment this says nothing any more: they may have recovered, and others may be outdated by now.
pub fn others_not_begun(last: &Deployment, targets: &[Target], own: Option<&InstanceId>) -> Vec<TargetId> {
    if last.status != DeploymentStatus::Stopped || !deployment_tag::is_a_rollouts(&last.description) {
        return Vec::new();
    }
    let is_other = |target: &&Target| own.is_none_or(|own| target.target_id != *own);
    let has_not_begun = |target: &&Target| matches!(target.status, TargetStatus::Skipped | TargetStatus::Pending);
    targets.iter().filter(is_other).filter(has_not_begun).map(|target| target.target_id.clone()).collect()
}

/// The other instances of a deployment to which the next one comes too, because this one has not brought them up to date.
pub fn others_outdated(targets: &[Target], own: Option<&InstanceId>) -> Vec<TargetId> {
    let is_other = |target: &&Target| own.is_none_or(|own| target.target_id != *own);
    let is_outdated = |target: &&Target| target.status != TargetStatus::Succeeded;
    targets.iter().filter(is_other).filter(is_outdated).map(|target| target.target_id.clone()).collect()
}

/// Whether a deployment may go to all instances at once after one that went instance by instance has stalled: it would never get past a
/// dead instance that comes first. `others` had not begun beside the rollout's own, and `in_service` of those that are outdated still are in
/// service: more than one of those are not taken out of service at a time.
pub fn may_go_all_at_once(others: usize, in_service: usize) -> bool {
    others > 0 && in_service <= 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::deployment::sample;

    fn overview(pending: u32, in_progress: u32, succeeded: u32) -> Overview {
        Overview { pending, in_progress, succeeded, ..Overview::default() }
    }

    fn deployment(deployment_id: &str, overview: Overview) -> Deployment {
        Deployment { deployment_id: deployment_id.into(), ..sample::deployment(DeploymentStatus::InProgress, overview) }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn a_deployment_that_bakes_may_have_nothing_left_to_do() {
        use DeploymentStatus::{Baking, InProgress};
        for (status, overview, expected) in [
            (Baking, overview(0, 0, 2), true),
            (Baking, overview(1, 0, 1), false),
            (Baking, overview(0, 1, 1), false),
            (InProgress, overview(0, 0, 2), false),
        ] {
            assert_eq!(only_bakes(&sample::deployment(status, overview)), expected, "{status:?} {overview:?}");
        }
    }

    #[test]
    fn a_stall_begins_when_a_target_last_came_to_an_end() {
        let look = |earlier: Option<&StallTimer>, id, overview| {
            StallTimer::after_look(earlier, &deployment(id, overview), None, Some(at(0)))
        };
        let first = look(None, "d-1", overview(2, 1, 0));
        assert_eq!(first.seconds(at(216)), 216, "nothing has happened since the rollout began to wait");
        let same = look(Some(&first), "d-1", overview(1, 2, 0));
        assert_eq!(same.seconds(at(240)), 240, "to begin is no end");
        let next = look(Some(&same), "d-1", overview(1, 1, 1));
        assert_eq!((next.since, next.ended_targets), (None, 1), "the wait that follows begins it anew");
        let waited = StallTimer { since: Some(at(270)), ..next };
        assert_eq!(look(Some(&waited), "d-1", overview(0, 2, 1)).seconds(at(300)), 30);
        let other = look(Some(&same), "d-2", overview(3, 0, 0));
        assert_eq!(other.since, Some(at(0)), "another deployment is looked at for the first time");
        assert_eq!(look(None, "d-1", overview(0, 1, 2)).since, None, "who knows when they ended");
    }

    #[test]
    fn a_lifecycle_event_of_the_own_target_that_ends_is_progress() {
        let look = |earlier: Option<&StallTimer>, ended_events| {
            let own = Target { ended_events, ..sample::target(TargetStatus::InProgress) };
            StallTimer::after_look(earlier, &deployment("d-1", overview(0, 1, 0)), Some(&own), Some(at(0)))
        };
        let first = look(None, 0);
        assert_eq!(first.seconds(at(3_000)), 3_000);
        let next = look(Some(&first), 1);
        assert_eq!(next.since, None, "the wait that follows begins it anew");
        let waited = StallTimer { since: Some(at(3_100)), ..next };
        assert_eq!(look(Some(&waited), 1).seconds(at(4_000)), 900);
        assert_eq!(look(None, 2).since, None, "who knows when they ended");
    }

    #[test]
    fn a_timer_of_the_version_before_is_read() {
        let read: StallTimer = serde_json::from_str(r#"{"deploymentId": "d-1", "endedTargets": 1}"#).unwrap();
        assert_eq!((read.ended_targets, read.ended_events, read.since), (1, 0, None));
    }

    #[test]
    fn an_ended_deployment_is_not_at_work_for_ever() {
        use DeploymentStatus::{Baking, InProgress, Stopped};
        for (status, in_progress, waited, expected) in [
            (InProgress, 1, 90_000, true),
            (InProgress, 0, 90_000, true),
            (Stopped, 1, 3_899, true),
            (Stopped, 1, 3_900, false),
            (Stopped, 0, 0, false),
            (Baking, 1, 0, true),
            (Baking, 0, 0, false),
        ] {
            let deployment = Deployment { status, ..deployment("d-1", overview(0, in_progress, 1)) };
            let stall =
                StallTimer { deployment_id: "d-1".into(), ended_targets: 1, ended_events: 0, since: Some(at(0)) };
            assert_eq!(
                is_at_work(&deployment, Some(&stall), at(waited)),
                expected,
                "{status:?} {in_progress} {waited}"
            );
        }
        let stopped = Deployment { status: Stopped, ..deployment("d-1", overview(0, 1, 1)) };
        assert!(is_at_work(&stopped, None, at(90_000)), "the first look");
    }

    #[test]
    fn what_to_do_about_a_deployment_that_is_under_way() {
        use TargetStatus::*;
        let dead = overview(2, 0, 1);
        let busy = overview(1, 1, 1);
        let mine = overview(0, 1, 0);
        let alone = overview(1, 0, 0);
        for (own, overview, stall_seconds, expected) in [
            // The instance is done: those that are left have a grace period, unless somebody is at work.
            (Some(Succeeded), dead, 299, Action::Wait),
            (Some(Succeeded), dead, 300, Action::StopStalled),
            (Some(Skipped), dead, 300, Action::StopStalled),
            (Some(Failed), dead, 300, Action::StopStalled),
            (None, dead, 300, Action::StopStalled),
            (Some(Succeeded), busy, 300, Action::Wait),
            (Some(Succeeded), busy, 9_000, Action::Wait),
            (Some(Succeeded), overview(0, 0, 1), 3_600, Action::AcceptSuccess),
            // The instance is not done: the application's own time-out, which does not run while others are at work.
            (Some(InProgress), mine, 3_599, Action::Wait),
            (Some(InProgress), mine, 3_600, Action::TimeOut),
            (Some(Pending), alone, 299, Action::Wait),
            (Some(Pending), alone, 300, Action::Yield),
            (Some(Pending), dead, 300, Action::Yield),
            (Some(Pending), busy, 3_600, Action::Wait),
            (None, Overview::default(), 3_600, Action::TimeOut),
        ] {
            let look = Look { own, overview, stall_seconds, silent_seconds: 0, is_joined: false };
            assert_eq!(look.action(3_600), expected, "{look:?}");
        }
    }

    #[test]
    fn an_instance_that_never_begins_yields_until_its_time_is_over() {
        let look = Look {
            own: Some(TargetStatus::Pending),
            overview: overview(1, 0, 0),
            stall_seconds: 300,
            silent_seconds: 0,
            is_joined: false,
        };
        for (silent_seconds, timeout, expected) in [
            (0, 600, Action::Yield),
            (299, 600, Action::Yield),
            (300, 600, Action::TimeOut),
            (3_000, 3_600, Action::Yield),
            (3_300, 3_600, Action::TimeOut),
            (0, 300, Action::TimeOut),
        ] {
            let look = Look { silent_seconds, ..look };
            assert_eq!(look.action(timeout), expected, "{silent_seconds} of {timeout}");
        }
        for (silent_seconds, expected) in [(0, Action::Yield), (1, Action::TimeOut)] {
            let look = Look { overview: overview(2, 0, 0), silent_seconds, ..look };
            assert_eq!(look.action(300), expected, "beside another one, after {silent_seconds}");
        }
    }

    #[test]
    fn somebody_else_s_deployment_that_stands_blames_no_agent() {
        for (pending, is_joined, own_silence, expected) in [
            (1, false, 3_600, Action::TimeOut),
            (2, false, 3_600, Action::Yield),
            (1, true, 3_600, Action::TimeOut),
            (2, true, 0, Action::Yield),
        ] {
            let own = Some(TargetStatus::Pending);
            let overview = overview(pending, 0, 0);
            let look = Look { own, overview, stall_seconds: 3_600, silent_seconds: 0, is_joined };
            assert_eq!((look.own_silence(), look.action(3_600)), (own_silence, expected), "{pending} {is_joined}");
        }
    }

    #[test]
    fn only_the_stalled_deployment_itself_tells_who_is_dead() {
        use DeploymentStatus::{Failed, InProgress, Stopped, Succeeded};
        let target = |id: &str, status| Target { target_id: id.into(), ..sample::target(status) };
        let own = InstanceId::try_from("i-0000000a").unwrap();
        let targets = [
            target("i-0000000a", TargetStatus::Skipped),
            target("i-0000000b", TargetStatus::Skipped),
            target("on-premises", TargetStatus::Pending),
            target("i-0000000d", TargetStatus::Succeeded),
        ];
        let (tag, release) = ("Turnstile arn:aws:states:…, round 1, try 1", "Release 7");
        let others: &[&str] = &["i-0000000b", "on-premises"];
        for (status, description, expected) in [
            (Stopped, tag, others),
            (Stopped, release, &[]),
            (Succeeded, tag, &[]),
            (Failed, tag, &[]),
            (InProgress, tag, &[]),
        ] {
            let last =
                Deployment { description: description.into(), ..sample::deployment(status, Overview::default()) };
            let found = others_not_begun(&last, &targets, Some(&own));
            assert_eq!(found.iter().map(TargetId::as_str).collect::<Vec<_>>(), expected, "{status:?} {description}");
        }
    }

    #[test]
    fn whom_the_next_deployment_reaches_too() {
        use TargetStatus::{Failed, InProgress, Pending, Skipped, Succeeded};
        let own = InstanceId::try_from("i-0000000a").unwrap();
        for (status, is_reached) in
            [(Succeeded, false), (Failed, true), (Skipped, true), (Pending, true), (InProgress, true)]
        {
            let targets =
                ["i-0000000a", "i-0000000b"].map(|id| Target { target_id: id.into(), ..sample::target(status) });
            let reached: &[TargetId] = if is_reached { &["i-0000000b".into()] } else { &[] };
            assert_eq!(others_outdated(&targets, Some(&own)), reached, "{status:?}");
        }
    }

    #[test]
    fn all_at_once_takes_no_more_out_of_service_than_one() {
        for (others, in_service, expected) in [(0, 0, false), (1, 0, true), (5, 1, true), (1, 1, true), (2, 2, false)] {
            assert_eq!(may_go_all_at_once(others, in_service), expected, "{in_service} of {others}");
        }
    }
}
