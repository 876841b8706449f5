//! The demo's world: six applications on one instance, once as CodeDeploy sets them up by itself, once as Turnstile wants them.

use stack::Options;
use stack::six_applications::{self, SixApplications};
use world::Setting;

/// The applications with durations of two and a half to five and a half minutes. The first one takes less than the 300 s after which
/// CodeDeploy gives the others up, so that under CodeDeploy's own hooks it succeeds.
pub const APPLICATIONS: SixApplications = SixApplications {
    seed: 20,
    agent_seconds: 10.0,
    event_seconds: [
        [35.0, 12.0, 38.0, 45.0, 60.0, 20.0],
        [24.0, 10.0, 30.0, 52.0, 54.0, 15.0],
        [42.0, 15.0, 55.0, 88.0, 46.0, 24.0],
        [68.0, 18.0, 74.0, 42.0, 96.0, 30.0],
        [20.0, 8.0, 26.0, 34.0, 48.0, 14.0],
        [30.0, 14.0, 40.0, 25.0, 105.0, 28.0],
    ],
    deployment_config_name: "CodeDeployDefault.OneAtATime",
};

/// The heartbeat time-out of Turnstile's hook, in seconds: template.yaml's default.
const HEARTBEAT_TIMEOUT: u32 = 600;

/// What the stack is started with. A script of the application `failing` fails, if one is named.
pub fn options(speed: f64, failing: Option<&str>) -> Options {
    six_applications::options(under_turnstile(failing), speed)
}

/// What the stack with gates is started with: the same applications, and one instance in service, to which a pipeline can deploy.
pub fn gated_options(speed: f64) -> Options {
    six_applications::options(gated(), speed)
}

fn gated() -> Setting {
    let mut setting = APPLICATIONS.gated(HEARTBEAT_TIMEOUT);
    for group in &mut setting.auto_scaling_groups {
        group.desired_capacity = 1;
    }
    setting
}

/// The world under Turnstile. A script of the application `failing` fails, if one is named.
fn under_turnstile(failing: Option<&str>) -> Setting {
    let setting = APPLICATIONS.under_turnstile(HEARTBEAT_TIMEOUT);
    let Some(application) = failing else { return setting };
    let log = "[stdout]Applying migration 0042\n[stderr]Cannot open database \"production\": login timeout expired\n";
    let failure = six_applications::script_failure("AfterInstall", r"scripts\migrate.ps1", log);
    six_applications::failing(setting, application, failure)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use stack::six_applications::{APPLICATIONS as NAMES, DEPLOYMENT_GROUP, GROUP, revision};
    use world::{Clock, World};

    /// A world under Turnstile in which a test launches and deploys by hand: the hook stays open without heartbeats.
    pub fn world() -> World {
        World::new(APPLICATIONS.under_turnstile(7_200), Clock::Manual).unwrap()
    }

    /// A world with gates, and one instance in service. The hook stays open without heartbeats.
    pub fn gated_world() -> World {
        let mut setting = gated();
        setting.auto_scaling_groups[0].hooks[0].heartbeat_timeout = 7_200;
        World::new(setting, Clock::Manual).unwrap()
    }

    /// A world with an instance that waits at the hook and whose agent answers, and the instance's id.
    pub fn with_an_instance() -> (World, String) {
        let world = world();
        let id = world.launch(GROUP).unwrap();
        world.advance(60.0);
        (world, id)
    }

    #[test]
    fn a_world_with_a_failing_script_is_possible() {
        World::new(under_turnstile(Some("Search")), Clock::Manual).unwrap();
    }

    #[test]
    fn with_gates_a_pipeline_reaches_the_instance_in_service_only() {
        let world = World::new(gated(), Clock::Manual).unwrap();
        let in_service = world.report().instances[0].instance_id.clone();
        world.launch(GROUP).unwrap();
        world.advance(60.0);
        world.deploy(NAMES[4], DEPLOYMENT_GROUP, Some(revision(NAMES[4], 2))).unwrap();
        world.advance(5.0);
        assert_eq!(world.report().deployments.last().unwrap().instance_ids, [in_service]);
    }

    #[test]
    fn deployments_take_two_and_a_half_to_five_and_a_half_minutes() {
        let seconds = NAMES.map(|name| APPLICATIONS.deployment_seconds(name) as u64);
        assert!(seconds.iter().all(|seconds| (150..=335).contains(seconds)), "{seconds:?}");
        assert!(seconds.iter().enumerate().all(|(index, a)| !seconds[..index].contains(a)), "{seconds:?}");
        assert!(seconds[0] < 300, "{seconds:?}");
    }
}
