//! A world of six applications on the instances of one Auto Scaling group, for the demo, the benchmark and the end-to-end tests.

use std::collections::BTreeMap;

use world::{
    ApplicationSetting, AutoScalingGroupSetting, Failure, HookResult, HookSetting, LifecycleEventSeconds,
    OutdatedInstancesStrategy, Revision, Selection, Setting,
};

use crate::Options;

/// The Auto Scaling group.
pub const GROUP: &str = "web";
/// Turnstile's launch hook.
pub const HOOK: &str = "turnstile";
/// Every application's deployment group.
pub const DEPLOYMENT_GROUP: &str = "Production";
/// The applications, in the order of their deployment.
pub const APPLICATIONS: [&str; 6] = ["Storefront", "Orders", "Invoicing", "Search", "Reports", "Gateway"];

/// By what fraction a lifecycle event's duration varies.
const JITTER: f64 = 0.05;
/// World seconds from a deployment's creation until it is InProgress.
const PREPARATION_SECONDS: f64 = 2.0;
/// The bucket of the applications' builds.
const BUCKET: &str = "builds";

/// What differs between the worlds of six applications.
#[derive(Debug, Clone)]
pub struct SixApplications {
    /// The seed of the world's random numbers.
    pub seed: u64,
    /// World seconds from `Pending:Wait` until the CodeDeploy agent of an instance answers.
    pub agent_seconds: f64,
    /// Seconds that each application's lifecycle events take: DownloadBundle, BeforeInstall, Install, AfterInstall, ApplicationStart,
    /// ValidateService.
    pub event_seconds: [[f64; 6]; 6],
    /// The deployment configuration of every deployment group.
    pub deployment_config_name: &'static str,
}

impl SixApplications {
    /// The world as Turnstile wants it: the deployment groups select by tag, and the one launch hook is Turnstile's. The group has no
    /// instances.
    pub fn under_turnstile(&self, heartbeat_timeout: u32) -> Setting {
        let hook = HookSetting {
            name: HOOK.to_owned(),
            heartbeat_timeout,
            default_result: HookResult::Abandon,
            notification_metadata: None,
            opens_seconds_after_event: 0.0,
        };
        self.setting(vec![hook], &Selection::by_tags(tags()))
    }

    /// The same with deployment groups that select by the instance's gate, too: each instance passes one application at a time. The gates of
    /// instances that are in service at the start are open.
    pub fn gated(&self, heartbeat_timeout: u32) -> Setting {
        let mut setting = self.under_turnstile(heartbeat_timeout);
        for group in &mut setting.auto_scaling_groups {
            group.tags_at_start = BTreeMap::from([(setting.gate_key.clone(), Selection::OPEN.to_owned())]);
        }
        for application in &mut setting.applications {
            application.selection = Selection::gated(tags(), &setting.gate_key, &application.short_form());
        }
        setting
    }

    /// The world as CodeDeploy sets it up by itself: the deployment groups name the Auto Scaling group, so each has a launch hook that
    /// CodeDeploy manages. The group has no instances.
    pub fn under_own_hooks(&self) -> Setting {
        self.setting(Vec::new(), &Selection::by_auto_scaling_groups(vec![GROUP.to_owned()]))
    }

    /// Seconds that a deployment of an application takes on one instance, without the jitter; 0 for an application that is none of the six.
    pub fn deployment_seconds(&self, application: &str) -> f64 {
        let index = APPLICATIONS.iter().position(|name| *name == application);
        index.map_or(0.0, |index| deployment_seconds(&self.event_seconds[index]))
    }

    /// Seconds that the six deployments take on one instance, one right after the other, without the jitter.
    pub fn all_deployments_seconds(&self) -> f64 {
        self.event_seconds.iter().map(deployment_seconds).sum()
    }

    fn setting(&self, hooks: Vec<HookSetting>, selection: &Selection) -> Setting {
        let group = AutoScalingGroupSetting {
            hooks,
            boot_seconds: 30.0,
            agent_seconds: Some(self.agent_seconds),
            tags: tags(),
            required_applications: APPLICATIONS.map(short_form).into(),
            ..AutoScalingGroupSetting::new(GROUP)
        };
        let applications = APPLICATIONS.into_iter().zip(&self.event_seconds);
        Setting {
            seed: self.seed,
            auto_scaling_groups: vec![group],
            applications: applications.map(|(name, seconds)| self.application(name, seconds, selection)).collect(),
            ..Setting::default()
        }
    }

    fn application(&self, name: &str, seconds: &[f64; 6], selection: &Selection) -> ApplicationSetting {
        let [download_bundle, before_install, install, after_install, application_start, validate_service] = *seconds;
        ApplicationSetting {
            deployment_config_name: self.deployment_config_name.to_owned(),
            outdated_instances_strategy: OutdatedInstancesStrategy::Ignore,
            revision: Some(revision(name, 1)),
            previous_deployment_seconds: Some(deployment_seconds(seconds)),
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
            ..ApplicationSetting::new(name, DEPLOYMENT_GROUP, selection.clone())
        }
    }
}

/// The setting with an application of which every deployment fails.
pub fn failing(mut setting: Setting, application: &str, failure: Failure) -> Setting {
    let named = |one: &&mut ApplicationSetting| one.application_name == application;
    if let Some(application) = setting.applications.iter_mut().find(named) {
        application.failure = Some(failure);
    }
    setting
}

/// A script that fails with exit code 1 in a lifecycle event. `log` is what the script has written.
pub fn script_failure(event: &str, script: &str, log: &str) -> Failure {
    Failure {
        event: event.to_owned(),
        error_code: "ScriptFailed".to_owned(),
        only_revision: None,
        script_name: script.to_owned(),
        message: format!("Script at specified location: {script} failed with exit code 1"),
        log_tail: match log {
            "" => String::new(),
            log => format!("LifecycleEvent - {event}\nScript - {script}\n{log}"),
        },
        times: None,
    }
}

/// What a stack with the setting is started with: its list of applications is the setting's, and launches at [`HOOK`] start rollouts.
pub fn options(setting: Setting, speed: f64) -> Options {
    Options {
        speed,
        applications: Some(applications(&setting)),
        lifecycle_hook_name: HOOK.to_owned(),
        ..Options::new(setting)
    }
}

/// The setting's applications as the stack's parameter `Applications` lists them.
pub fn applications(setting: &Setting) -> String {
    setting.applications.iter().map(ApplicationSetting::short_form).collect::<Vec<_>>().join(", ")
}

/// A build of an application.
pub fn revision(application: &str, build: u32) -> Revision {
    Revision::s3(BUCKET, &format!("{application}-{build}.zip"))
}

/// `application/deployment group`, as an input of Turnstile names an application.
pub fn short_form(application: &str) -> String {
    format!("{application}/{DEPLOYMENT_GROUP}")
}

fn deployment_seconds(events: &[f64; 6]) -> f64 {
    PREPARATION_SECONDS + events.iter().sum::<f64>()
}

fn tags() -> BTreeMap<String, String> {
    BTreeMap::from([("Role".to_owned(), GROUP.to_owned())])
}

#[cfg(test)]
mod tests {
    use super::*;
    use world::{Clock, World};

    const SAMPLE: SixApplications = SixApplications {
        seed: 1,
        agent_seconds: 10.0,
        event_seconds: [[30.0, 12.0, 36.0, 42.0, 88.0, 26.0]; 6],
        deployment_config_name: "CodeDeployDefault.OneAtATime",
    };

    #[test]
    fn both_worlds_are_possible() {
        for setting in [SAMPLE.under_turnstile(600), SAMPLE.under_own_hooks()] {
            World::new(setting, Clock::Manual).unwrap();
        }
    }

    #[test]
    fn the_world_takes_the_seconds_that_are_foretold() {
        // A rollout by hand sends no heartbeats: the hook has to stay open without them.
        let mut setting = SAMPLE.under_turnstile(7_200);
        setting.applications.iter_mut().for_each(|application| application.jitter = 0.0);
        let world = World::new(setting, Clock::Manual).unwrap();
        world.launch(GROUP).unwrap();
        // The instance has booted, and its agent answers.
        world.advance(60.0);
        for name in APPLICATIONS {
            world.deploy(name, DEPLOYMENT_GROUP, None).unwrap();
            world.advance(300.0);
        }
        let deployments = world.report().deployments;
        let took: f64 = deployments.iter().map(|d| d.ended_at.expect("it ended") - d.created_at).sum();
        assert!((took - SAMPLE.all_deployments_seconds()).abs() < 1e-6, "{took}");
    }

    #[test]
    fn only_the_named_application_fails() {
        let failure = script_failure("AfterInstall", "migrate.sh", "");
        let setting = failing(SAMPLE.under_turnstile(600), "Search", failure);
        let failing = setting.applications.iter().filter(|application| application.failure.is_some());
        assert_eq!(failing.map(|application| &application.application_name).collect::<Vec<_>>(), ["Search"]);
    }

    #[test]
    fn the_list_of_applications_is_the_setting_s() {
        let mut setting = SAMPLE.under_turnstile(600);
        setting.applications.truncate(2);
        let list = options(setting, 20.0).applications;
        assert_eq!(list.as_deref(), Some("Storefront/Production, Orders/Production"));
    }
}
