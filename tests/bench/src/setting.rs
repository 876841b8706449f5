//! The benchmark's world: six applications that take four minutes each, on the instances of one Auto Scaling group.

use stack::six_applications::{self, APPLICATIONS as NAMES, SixApplications};
use world::{Setting, Throttling};

use crate::case::{Beside, Case, Mode};

/// The applications. Their deployments reach all instances of the group at the same time.
const APPLICATIONS: SixApplications = SixApplications {
    seed: 100,
    agent_seconds: 10.0,
    event_seconds: [
        [30.0, 12.0, 36.0, 42.0, 88.0, 26.0],
        [24.0, 10.0, 30.0, 52.0, 100.0, 30.0],
        [36.0, 14.0, 48.0, 60.0, 64.0, 24.0],
        [48.0, 16.0, 56.0, 36.0, 62.0, 20.0],
        [22.0, 8.0, 28.0, 44.0, 92.0, 34.0],
        [28.0, 12.0, 38.0, 30.0, 96.0, 32.0],
    ],
    deployment_config_name: "CodeDeployDefault.AllAtOnce",
};

/// What a pipeline beside a launch releases, and when: application and world seconds since the launch. The launch comes to the first of them
/// after half of the six deployments' own time.
pub const RELEASES: [(&str, f64); 3] = [("Search", 0.0), ("Reports", 260.0), ("Gateway", 520.0)];

/// The world of a case, under Turnstile. CodeDeploy throttles its callers to the case's rate, if there is one. Beside a pipeline there is an
/// instance in service.
pub fn under_turnstile(case: &Case) -> Setting {
    let mut setting = match case.mode {
        Mode::Gated => APPLICATIONS.gated(600),
        Mode::Shared => APPLICATIONS.under_turnstile(600),
    };
    setting.throttling = Throttling { codedeploy: case.codedeploy, ..Throttling::default() };
    for group in &mut setting.auto_scaling_groups {
        group.desired_capacity = usize::from(case.beside == Beside::Pipeline);
    }
    setting
}

/// The world under Turnstile with a first application that always fails, and a hook whose heartbeat time-out is Auto Scaling's default.
pub fn broken() -> Setting {
    with_a_broken_application(APPLICATIONS.under_turnstile(3_600))
}

/// The broken application's world as CodeDeploy sets it up by itself.
pub fn broken_under_own_hooks() -> Setting {
    with_a_broken_application(APPLICATIONS.under_own_hooks())
}

fn with_a_broken_application(setting: Setting) -> Setting {
    let failure = six_applications::script_failure("BeforeInstall", "scripts/check.sh", "");
    six_applications::failing(setting, NAMES[0], failure)
}

/// Seconds that the six deployments take by this setting on one instance, one right after the other, without the jitter.
///
/// Makespans are compared with it. It is not measured, so that it does not grow with what Turnstile does wrong.
pub fn own_seconds() -> f64 {
    APPLICATIONS.all_deployments_seconds()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::CASES;
    use world::{Clock, World};

    #[test]
    fn each_deployment_takes_about_four_minutes() {
        let seconds = NAMES.map(|name| APPLICATIONS.deployment_seconds(name));
        assert!(seconds.iter().all(|seconds| (220.0..260.0).contains(seconds)), "{seconds:?}");
        assert_eq!(own_seconds(), 1440.0);
    }

    #[test]
    fn every_world_is_possible() {
        let turnstile = CASES.iter().map(under_turnstile);
        for setting in turnstile.chain([broken(), broken_under_own_hooks()]) {
            World::new(setting, Clock::Manual).unwrap();
        }
    }
}
