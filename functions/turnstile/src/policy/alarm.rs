//! What to do about an alarm of a deployment group: while it is on, CodeDeploy stops every deployment to the group (CodeDeploy user guide,
//! "Monitoring deployments with CloudWatch alarms").
//!
//! Neither the instance nor its application is at fault, and an instance that takes its place would meet the same alarm. So the rollout
//! waits for the alarm to go off.

use crate::limits::MOST_REPEATS;
use crate::words::deployment::Deployment;

/// The wait after the first deployment that an alarm stopped, in seconds. It doubles with each further one.
const FIRST_WAIT: u32 = 60;
/// The longest wait, in seconds.
const LONGEST_WAIT: u32 = 1_800;

/// Whether an alarm has stopped the deployment.
pub fn has_stopped(deployment: &Deployment) -> bool {
    !deployment.status.is_active() && deployment.error.as_ref().is_some_and(|(code, _)| code == "ALARM_ACTIVE")
}

/// How long to wait until the next deployment, from the end of the one that an alarm stopped, in seconds. `repeats`: how many times the
/// rollout has begun again because of somebody else. `None`: it has waited for long enough.
pub fn wait(repeats: u32) -> Option<u32> {
    let doubled = FIRST_WAIT.saturating_mul(1_u32.checked_shl(repeats).unwrap_or(u32::MAX));
    (repeats < MOST_REPEATS).then(|| doubled.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::deployment::{DeploymentStatus, Overview, sample};

    #[test]
    fn only_a_deployment_that_an_alarm_ended_is_waited_for() {
        use DeploymentStatus::{InProgress, Stopped};
        for (status, code, expected) in [
            (Stopped, Some("ALARM_ACTIVE"), true),
            (InProgress, Some("ALARM_ACTIVE"), false),
            (Stopped, Some("MANUAL_STOP"), false),
            (Stopped, None, false),
        ] {
            let error = code.map(|code| (code.to_owned(), String::new()));
            let deployment = Deployment { error, ..sample::deployment(status, Overview::default()) };
            assert_eq!(has_stopped(&deployment), expected, "{status:?} {code:?}");
        }
    }

    #[test]
    fn an_alarm_is_waited_for_longer_and_longer_but_not_for_ever() {
        let waits: Vec<_> = (0..=MOST_REPEATS).map_while(wait).collect();
        assert_eq!(waits, [60, 120, 240, 480, 960, 1_800, 1_800, 1_800, 1_800]);
        assert_eq!(wait(u32::MAX), None);
    }
}
