//! The world of the demo: six applications on the one instance of an Auto Scaling group, once as CodeDeploy sets such a group
//! up by itself, once as Turnstile wants it.

use std::collections::BTreeMap;

use world::{
    ApplicationSetting, AutoScalingGroupSetting, Failure, HookResult, HookSetting, LifecycleEventSeconds,
    OutdatedInstancesStrategy, Revision, Selection, Setting,
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
    [35.0, 12.0, 38.0, 45.0, 60.0, 20.0],
    [24.0, 10.0, 30.0, 52.0, 54.0, 15.0],
    [42.0, 15.0, 55.0, 88.0, 46.0, 24.0],
    [68.0, 18.0, 74.0, 42.0, 96.0, 30.0],
    [20.0, 8.0, 26.0, 34.0, 48.0, 14.0],
    [30.0, 14.0, 40.0, 25.0, 105.0, 28.0],
];
/// How much an event's time varies from one deployment to the next.
const JITTER: f64 = 0.05;
/// From the deployment's creation until it is InProgress.
const PREPARATION_SECONDS: f64 = 2.0;
const SEED: u64 = 20;

/// The deployment groups name the Auto Scaling group, so each has a launch hook that CodeDeploy manages.
pub fn under_own_hooks() -> Setting {
    setting(group(Vec::new()), Selection::AutoScalingGroups(vec![GROUP.to_owned()]), None)
}

/// The deployment groups select by tag, and the one launch hook is Turnstile's. A script of the application `failing` fails.
pub fn under_turnstile(failing: Option<&str>) -> Setting {
    let hook = HookSetting {
        name: HOOK.to_owned(),
        heartbeat_timeout: 600,
        default_result: HookResult::Abandon,
        notification_metadata: None,
        opens_seconds_after_event: 0.0,
    };
    setting(group(vec![hook]), Selection::Tags(tags()), failing)
}

/// The applications as the stack's parameter names them.
pub fn parameter() -> String {
    APPLICATIONS.map(short_form).join(", ")
}

/// Seconds that the last deployment of an application took: what to expect of the next.
pub fn previous_seconds(application: &str) -> f64 {
    let index = APPLICATIONS.iter().position(|name| *name == application);
    index.map_or(0.0, |index| PREPARATION_SECONDS + EVENT_SECONDS[index].iter().sum::<f64>())
}

fn setting(group: AutoScalingGroupSetting, selection: Selection, failing: Option<&str>) -> Setting {
    let applications = APPLICATIONS
        .into_iter()
        .zip(EVENT_SECONDS)
        .map(|(name, seconds)| ApplicationSetting {
            failure: (failing == Some(name)).then(failure),
            ..application(name, seconds, selection.clone())
        })
        .collect();
    Setting { seed: SEED, auto_scaling_groups: vec![group], applications, ..Setting::default() }
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
        deployment_config_name: "CodeDeployDefault.OneAtATime".to_owned(),
        outdated_instances_strategy: OutdatedInstancesStrategy::Ignore,
        revision: Some(Revision::s3("releases", &format!("{}.zip", name.to_lowercase()))),
        previous_deployment_seconds: Some(previous_seconds(name)),
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

fn failure() -> Failure {
    let script = r"scripts\migrate.ps1";
    Failure {
        event: "AfterInstall".to_owned(),
        error_code: "ScriptFailed".to_owned(),
        only_revision: None,
        script_name: script.to_owned(),
        message: format!("Script at specified location: {script} failed with exit code 1"),
        log_tail: format!(
            "LifecycleEvent - AfterInstall\nScript - {script}\n[stdout]Applying migration 0042\n\
             [stderr]Cannot open database \"production\": login timeout expired\n"
        ),
        times: None,
    }
}

fn short_form(application: &str) -> String {
    format!("{application}/{DEPLOYMENT_GROUP}")
}

fn tags() -> BTreeMap<String, String> {
    BTreeMap::from([("Role".to_owned(), GROUP.to_owned())])
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use world::{Clock, World};

    /// Turnstile's setting for deployments by hand: the hook needs no heartbeats.
    pub fn by_hand() -> Setting {
        let mut setting = under_turnstile(None);
        setting.auto_scaling_groups[0].hooks[0].heartbeat_timeout = 7200;
        setting
    }

    #[test]
    fn both_worlds_can_be() {
        for setting in [under_own_hooks(), under_turnstile(None), under_turnstile(Some("Search"))] {
            World::new(setting, Clock::Manual).unwrap();
        }
    }

    #[test]
    fn durations_differ_between_two_and_a_half_and_five_and_a_half_minutes() {
        let seconds = APPLICATIONS.map(|name| previous_seconds(name) as u64);
        assert!(seconds.iter().all(|seconds| (150..=335).contains(seconds)), "{seconds:?}");
        assert!(seconds.iter().enumerate().all(|(index, a)| !seconds[..index].contains(a)), "{seconds:?}");
        // Otherwise its own hook's deployment would not be over when CodeDeploy gives the others up, after 300 s.
        assert!(seconds[0] < 300);
    }

    #[test]
    fn only_the_application_asked_for_fails() {
        let failing = under_turnstile(Some("Search")).applications;
        let failing: Vec<_> = failing.iter().filter(|a| a.failure.is_some()).map(|a| &a.application_name).collect();
        assert_eq!(failing, ["Search"]);
    }
}
