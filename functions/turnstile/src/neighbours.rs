//! Neighbours: the other instances in a deployment. Those at work are waited for; those that are dead hold nobody up.
//!
//! CodeDeploy attempts every instance of a group, also one whose agent is dead, that is stopped or was terminated, and
//! keeps its target pending for up to an hour.

use serde::{Deserialize, Serialize};

use crate::codedeploy::{Deployment, Overview, TargetStatus};
use crate::wait::{GRACE, LONGEST_EVENT};

/// How a deployment gets on, from one look to the next. The state machine carries it and adds its waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    deployment_id: String,
    /// How many targets are over.
    over: u32,
    /// For how long no more have come to be, in seconds.
    seconds: u32,
}

impl Progress {
    /// What a look at the deployment shows. `waited`: how long it has been waited for, should this be the first look.
    pub fn after(earlier: Option<&Self>, deployment: &Deployment, waited: u32) -> Self {
        let over = deployment.overview.over();
        let seconds = match earlier.filter(|earlier| earlier.deployment_id == deployment.deployment_id) {
            Some(earlier) if earlier.over == over => earlier.seconds,
            None if over == 0 => waited,
            Some(_) | None => 0,
        };
        Self { deployment_id: deployment.deployment_id.clone(), over, seconds }
    }

    /// For how long no target has come to an end, in seconds.
    pub fn seconds(&self) -> u32 {
        self.seconds
    }

    /// Whether for so many seconds no target has come to an end.
    pub fn is_older_than(&self, seconds: u32) -> bool {
        self.seconds >= seconds
    }

    /// Whether the deployment waits for nothing but targets that have not begun, and has for so long that they count as dead.
    pub fn is_held_up(&self, overview: Overview) -> bool {
        overview.in_progress == 0 && overview.pending > 0 && self.is_older_than(GRACE)
    }
}

/// Whether a deployment has to be waited for before the next may start: it is under way, or it has been stopped or has failed and
/// an agent is busy with it still. Not for ever: an agent that has not come to an end of its lifecycle event long after it must have
/// is gone, and nobody will tell its end.
pub fn is_at_work(deployment: &Deployment, progress: Option<&Progress>) -> bool {
    deployment.status.is_active() || (deployment.overview.in_progress > 0 && !is_overdue(deployment, progress))
}

/// Whether an ended deployment has shown nothing new for longer than any agent can be busy with it.
pub fn is_overdue(deployment: &Deployment, progress: Option<&Progress>) -> bool {
    !deployment.status.is_active() && Progress::after(progress, deployment, 0).is_older_than(LONGEST_EVENT)
}

/// What to do about a deployment that is under way, for one of its instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    Wait,
    /// Stop it: the instance is done, and those left are dead.
    Stop,
    /// Give way: nothing is at work, and the instance has not begun. Others need not wait for it.
    GiveWay,
    /// Leave it: the instance has succeeded, and the deployment gets nowhere.
    Leave,
    /// It took too long on the instance.
    TimeOut,
}

/// Decides by the instance's own target (`None`: the deployment does not contain it) and by the progress of all.
/// `timeout` is the application's, in seconds.
///
/// An instance that has not begun after the grace period may have an agent that starts late: its rollout gives way to the others and
/// asks for its turn again, until its time is over; `silent` of it is, in earlier deployments of the application.
pub fn next(own: Option<TargetStatus>, overview: Overview, progress: &Progress, timeout: u32, silent: u32) -> Next {
    use TargetStatus::{Failed, InProgress, Pending, Ready, Skipped, Succeeded, Unknown};
    let own_is_over = match own {
        Some(Succeeded | Failed | Skipped) | None => true,
        Some(Pending | InProgress | Ready | Unknown) => false,
    };
    // Whoever is at work while the own target is not, is a neighbour.
    let neighbours_are_at_work = overview.in_progress > 0 && own != Some(InProgress);
    let has_time_left = silent.saturating_add(progress.seconds) < timeout;
    match () {
        () if own_is_over && progress.is_held_up(overview) => Next::Stop,
        () if own == Some(Pending) && progress.is_held_up(overview) && has_time_left => Next::GiveWay,
        () if own == Some(Pending) && progress.is_held_up(overview) => Next::TimeOut,
        () if !progress.is_older_than(timeout) || neighbours_are_at_work => Next::Wait,
        () if own == Some(Succeeded) => Next::Leave,
        () => Next::TimeOut,
    }
}

/// The configuration with which a deployment begins on every instance in the same moment (CodeDeploy user guide, "Predefined
/// deployment configurations for an EC2/on-premises compute platform").
pub const ALL_AT_ONCE: &str = "CodeDeployDefault.AllAtOnce";

/// Whether a deployment may go to all instances at once after one that went instance by instance was held up: it would never get
/// past an instance whose agent is dead, should that come first. `in_service` of the others that had not begun are: more than one
/// are not taken out of service at a time.
pub fn may_go_all_at_once(others: usize, in_service: usize) -> bool {
    others > 0 && in_service <= 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codedeploy::{DeploymentStatus, sample};

    fn overview(pending: u32, in_progress: u32, succeeded: u32) -> Overview {
        Overview { pending, in_progress, succeeded, ..Overview::default() }
    }

    fn deployment(deployment_id: &str, overview: Overview) -> Deployment {
        Deployment { deployment_id: deployment_id.into(), ..sample::deployment(DeploymentStatus::InProgress, overview) }
    }

    #[test]
    fn progress_counts_from_the_last_target_that_came_to_an_end() {
        let first = Progress::after(None, &deployment("d-1", overview(2, 1, 0)), 216);
        assert_eq!(first.seconds, 216, "nothing has happened since it started");
        let waited = Progress { seconds: first.seconds + 24, ..first };
        let same = Progress::after(Some(&waited), &deployment("d-1", overview(1, 2, 0)), 240);
        assert_eq!(same.seconds, 240, "beginning is no end");
        let next = Progress::after(Some(&same), &deployment("d-1", overview(1, 1, 1)), 264);
        assert_eq!((next.seconds, next.over), (0, 1));
        let other = Progress::after(Some(&same), &deployment("d-2", overview(3, 0, 0)), 15);
        assert_eq!(other.seconds, 15);
        assert_eq!(
            Progress::after(None, &deployment("d-1", overview(0, 1, 2)), 216).seconds,
            0,
            "who knows since when"
        );
    }

    #[test]
    fn an_agent_that_is_gone_does_not_keep_an_ended_deployment_at_work() {
        use DeploymentStatus::{InProgress, Stopped};
        for (status, in_progress, waited, expected) in [
            (InProgress, 1, 90_000, true),
            (InProgress, 0, 90_000, true),
            (Stopped, 1, 3_899, true),
            (Stopped, 1, 3_900, false),
            (Stopped, 0, 0, false),
        ] {
            let deployment = Deployment { status, ..deployment("d-1", overview(0, in_progress, 1)) };
            let progress = Progress { deployment_id: "d-1".into(), over: 1, seconds: waited };
            assert_eq!(is_at_work(&deployment, Some(&progress)), expected, "{status:?} {in_progress} {waited}");
        }
        let stopped = Deployment { status: Stopped, ..deployment("d-1", overview(0, 1, 1)) };
        assert!(is_at_work(&stopped, None), "the first look");
    }

    #[test]
    fn what_to_do_about_a_deployment_that_is_under_way() {
        use TargetStatus::*;
        let dead = overview(2, 0, 1);
        let busy = overview(1, 1, 1);
        let mine = overview(0, 1, 0);
        let alone = overview(1, 0, 0);
        for (own, overview, seconds, expected) in [
            // Done: those left have a grace period, unless somebody is at work.
            (Some(Succeeded), dead, 299, Next::Wait),
            (Some(Succeeded), dead, 300, Next::Stop),
            (Some(Skipped), dead, 300, Next::Stop),
            (Some(Failed), dead, 300, Next::Stop),
            (None, dead, 300, Next::Stop),
            (Some(Succeeded), busy, 300, Next::Wait),
            (Some(Succeeded), busy, 9_000, Next::Wait),
            (Some(Succeeded), overview(0, 0, 1), 3_600, Next::Leave),
            // Not done: the application's own time, which does not run while neighbours are at work.
            (Some(InProgress), mine, 3_599, Next::Wait),
            (Some(InProgress), mine, 3_600, Next::TimeOut),
            (Some(Pending), alone, 299, Next::Wait),
            (Some(Pending), alone, 300, Next::GiveWay),
            (Some(Pending), dead, 300, Next::GiveWay),
            (Some(Pending), busy, 3_600, Next::Wait),
            (None, Overview::default(), 3_600, Next::TimeOut),
        ] {
            let progress = Progress { deployment_id: "d-1".into(), over: overview.over(), seconds };
            assert_eq!(next(own, overview, &progress, 3_600, 0), expected, "{own:?} {overview:?} {seconds}");
        }
    }

    #[test]
    fn an_instance_that_never_begins_gives_way_until_its_time_is_over() {
        let progress = Progress { deployment_id: "d-1".into(), over: 0, seconds: 300 };
        let after = |silent, timeout| next(Some(TargetStatus::Pending), overview(1, 0, 0), &progress, timeout, silent);
        for (silent, timeout, expected) in [
            (0, 600, Next::GiveWay),
            (299, 600, Next::GiveWay),
            (300, 600, Next::TimeOut),
            (3_000, 3_600, Next::GiveWay),
            (3_300, 3_600, Next::TimeOut),
            (0, 300, Next::TimeOut),
        ] {
            assert_eq!(after(silent, timeout), expected, "{silent} of {timeout}");
        }
    }

    #[test]
    fn all_at_once_takes_no_more_out_of_service_than_one_at_a_time() {
        for (others, in_service, expected) in [(0, 0, false), (1, 0, true), (5, 1, true), (1, 1, true), (2, 2, false)] {
            assert_eq!(may_go_all_at_once(others, in_service), expected, "{in_service} of {others}");
        }
    }
}
