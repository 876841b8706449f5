//! The world of the benchmark: six applications on the instances of one Auto Scaling group, as Turnstile wants it set up.

use std::collections::BTreeMap;

use world::{
    ApplicationSetting, AutoScalingGroupSetting, CallRate, Failure, HookResult, HookSetting, LifecycleEventSeconds,
    OutdatedInstancesStrategy, Revision, Selection, Setting, Throttling,
};

/// The Auto Scaling group.
pub const GROUP: &str = "web";
/// Turnstile's launch hook.
pub const HOOK: &str = "turnstile";
/// Every application's deployment group.
pub const DEPLOYMENT_GROUP: &str = "Production";
/// The applications, in the order of their deployment.
pub const APPLICATIONS: [&str; 6] = ["Storefront", "Orders", "Invoicing", "Search", "Reports", "Gateway"];

/// Seconds that each application's lifecycle events take: DownloadBundle, BeforeInstall, Install, AfterInstall, ApplicationStart,
/// ValidateService.
const EVENT_SECONDS: [[f64; 6]; 6] = [
    [30.0, 12.0, 36.0, 42.0, 88.0, 26.0],
    [24.0, 10.0, 30.0, 52.0, 100.0, 30.0],
    [36.0, 14.0, 48.0, 60.0, 64.0, 24.0],
    [48.0, 16.0, 56.0, 36.0, 62.0, 20.0],
    [22.0, 8.0, 28.0, 44.0, 92.0, 34.0],
    [28.0, 12.0, 38.0, 30.0, 96.0, 32.0],
];
/// How much an event's time varies from one target to the next: a deployment to many instances takes as long as its slowest.
const JITTER: f64 = 0.05;
/// From a deployment's creation until it is InProgress.
const PREPARATION_SECONDS: f64 = 2.0;
const SEED: u64 = 100;

/// The group without instances, and the applications, whose deployment groups select its instances by tag. CodeDeploy
/// throttles its callers to the rate, if there is one.
pub fn world(codedeploy: Option<CallRate>) -> Setting {
    let throttling = Throttling { codedeploy, autoscaling: None };
    Setting { throttling, ..setting(vec![hook(600)], &Selection::Tags(tags())) }
}

/// The same with a first application that always fails, and a hook whose heartbeat time-out is Auto Scaling's default.
pub fn broken() -> Setting {
    with_a_broken_application(setting(vec![hook(3_600)], &Selection::Tags(tags())))
}

/// The broken application's world as CodeDeploy sets it up by itself: the deployment groups name the Auto Scaling group, and each has
/// a launch hook that CodeDeploy manages.
pub fn broken_under_own_hooks() -> Setting {
    with_a_broken_application(setting(Vec::new(), &Selection::AutoScalingGroups(vec![GROUP.to_owned()])))
}

fn with_a_broken_application(mut setting: Setting) -> Setting {
    let script = "scripts/check.sh";
    setting.applications[0].failure = Some(Failure {
        event: "BeforeInstall".to_owned(),
        error_code: "ScriptFailed".to_owned(),
        only_revision: None,
        script_name: script.to_owned(),
        message: format!("Script at specified location: {script} failed with exit code 1"),
        log_tail: String::new(),
        times: None,
    });
    setting
}

fn setting(hooks: Vec<HookSetting>, selection: &Selection) -> Setting {
    let applications = APPLICATIONS.into_iter().zip(EVENT_SECONDS);
    Setting {
        seed: SEED,
        auto_scaling_groups: vec![group(hooks)],
        applications: applications.map(|(name, seconds)| application(name, seconds, selection.clone())).collect(),
        ..Setting::default()
    }
}

/// The applications as the stack's parameter names them.
pub fn parameter() -> String {
    APPLICATIONS.map(short_form).join(", ")
}

/// The six deployments' own time, in seconds: what they take on one instance, one right after the other, by this setting without
/// its jitter.
///
/// It is what a makespan is compared with, so it must not grow with what Turnstile does wrong, as measured durations could.
pub fn own_seconds() -> f64 {
    EVENT_SECONDS.iter().map(deployment_seconds).sum()
}

fn deployment_seconds(events: &[f64; 6]) -> f64 {
    PREPARATION_SECONDS + events.iter().sum::<f64>()
}

fn hook(heartbeat_timeout: u32) -> HookSetting {
    HookSetting {
        name: HOOK.to_owned(),
        heartbeat_timeout,
        default_result: HookResult::Abandon,
        notification_metadata: None,
        opens_seconds_after_event: 0.0,
    }
}

fn group(hooks: Vec<HookSetting>) -> AutoScalingGroupSetting {
    AutoScalingGroupSetting {
        hooks,
        boot_seconds: 30.0,
        agent_seconds: Some(10.0),
        tags: tags(),
        required_applications: APPLICATIONS.map(short_form).into(),
        ..AutoScalingGroupSetting::new(GROUP)
    }
}

fn application(name: &str, seconds: [f64; 6], selection: Selection) -> ApplicationSetting {
    let [download_bundle, before_install, install, after_install, application_start, validate_service] = seconds;
    ApplicationSetting {
        deployment_config_name: "CodeDeployDefault.AllAtOnce".to_owned(),
        outdated_instances_strategy: OutdatedInstancesStrategy::Ignore,
        revision: Some(Revision::s3("releases", &format!("{}.zip", name.to_lowercase()))),
        previous_deployment_seconds: Some(deployment_seconds(&seconds)),
        lifecycle_event_seconds: LifecycleEventSeconds {
            application_stop: 0.0,
            download_bundle,
            before_install,
            install,
            after_install,
            application_start,
            validate_service,
        },
        jitter: JITTER,
        ..ApplicationSetting::new(name, DEPLOYMENT_GROUP, selection)
    }
}

fn short_form(application: &str) -> String {
    format!("{application}/{DEPLOYMENT_GROUP}")
}

fn tags() -> BTreeMap<String, String> {
    BTreeMap::from([("Role".to_owned(), GROUP.to_owned())])
}

#[cfg(test)]
mod tests {
    use super::*;
    use world::{Clock, World};

    #[test]
    fn each_deployment_takes_about_four_minutes() {
        let seconds = EVENT_SECONDS.map(|events| deployment_seconds(&events));
        assert!(seconds.iter().all(|seconds| (220.0..260.0).contains(seconds)), "{seconds:?}");
        assert_eq!(own_seconds(), 1440.0);
    }

    #[test]
    fn every_world_can_be() {
        for setting in [world(None), broken(), broken_under_own_hooks()] {
            World::new(setting, Clock::Manual).unwrap();
        }
    }

    #[test]
    fn their_own_time_is_what_the_world_takes_for_them() {
        let mut setting = world(None);
        setting.applications.iter_mut().for_each(|application| application.jitter = 0.0);
        // The hook must stay open for a rollout by hand, which sends no heartbeats.
        setting.auto_scaling_groups[0].hooks[0].heartbeat_timeout = 7200;
        let world = World::new(setting, Clock::Manual).unwrap();
        world.launch(GROUP).unwrap();
        // Booted, and its agent answers.
        world.advance(60.0);
        for name in APPLICATIONS {
            world.deploy(name, DEPLOYMENT_GROUP, None).unwrap();
            world.advance(300.0);
        }
        let deployments = world.report().deployments;
        let took: f64 = deployments.iter().map(|d| d.ended_at.expect("it ended") - d.created_at).sum();
        assert!((took - own_seconds()).abs() < 1e-6, "{took}");
    }
}
