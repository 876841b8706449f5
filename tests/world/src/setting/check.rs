//! Whether a setting makes sense.

use std::collections::HashSet;

use super::{
    ApplicationSetting, AutoScalingGroupSetting, CallRate, FilterType, LifecycleEventSeconds,
    MinimumHealthyHostsSetting, Selection, Setting, SettingError,
};

/// The error codes of the API's `LifecycleErrorCode` that a failure can have.
const ERROR_CODES: [&str; 5] =
    ["ScriptMissing", "ScriptNotExecutable", "ScriptTimedOut", "ScriptFailed", "UnknownError"];

/// A script may not run longer (AppSpec reference, `timeout`).
const MAX_EVENT_SECONDS: f64 = 3600.0;

/// The most tag groups of a deployment group, and the most filters of a tag group (CodeDeploy user guide, "CodeDeploy quotas").
const TAG_GROUPS: usize = 3;
const TAG_FILTERS: usize = 10;

/// CodeDeploy keeps these configurations in every account.
const PREDEFINED_CONFIGS: [&str; 3] =
    ["CodeDeployDefault.OneAtATime", "CodeDeployDefault.HalfAtATime", "CodeDeployDefault.AllAtOnce"];

/// As many instances as an Auto Scaling group of the world can have; its `MaxSize` on the wire.
pub(crate) const MAX_SIZE: usize = 300;

impl Setting {
    /// The first thing wrong with this setting, if there is one.
    pub(crate) fn check(&self) -> Result<(), SettingError> {
        let mut names = HashSet::new();
        for (i, group) in self.auto_scaling_groups.iter().enumerate() {
            let at = format!("autoScalingGroups[{i}]");
            require(!group.name.is_empty(), &at, "name", "must not be empty")?;
            require(names.insert(&group.name), &at, "name", "another Auto Scaling group has this name")?;
            self.check_group(&at, group)?;
        }
        let mut configs: HashSet<&str> = PREDEFINED_CONFIGS.into();
        for (i, config) in self.deployment_configs.iter().enumerate() {
            let at = format!("deploymentConfigs[{i}]");
            let name = config.deployment_config_name.as_str();
            require(!name.is_empty(), &at, "deploymentConfigName", "must not be empty")?;
            require(configs.insert(name), &at, "deploymentConfigName", "another configuration has this name")?;
            let percentage = match config.minimum_healthy_hosts {
                MinimumHealthyHostsSetting::FleetPercent(percent) => percent,
                MinimumHealthyHostsSetting::HostCount(_) => 0,
            };
            require(percentage <= 100, &at, "minimumHealthyHosts.value", "a percentage is 0 to 100")?;
        }
        let mut applications = HashSet::new();
        for (i, application) in self.applications.iter().enumerate() {
            let at = format!("applications[{i}]");
            let key = (&application.application_name, &application.deployment_group_name);
            require(applications.insert(key), &at, "deploymentGroupName", "the application has this group already")?;
            let config = application.deployment_config_name.as_str();
            require(configs.contains(config), &at, "deploymentConfigName", "there is no such configuration")?;
            self.check_application(&at, application)?;
        }
        if self.max_concurrent_deployments == Some(0) {
            let field = "maxConcurrentDeployments".to_owned();
            return Err(SettingError { field, problem: "must be at least 1".to_owned() });
        }
        if !is_duration(self.read_lag_seconds) {
            return Err(SettingError { field: "readLagSeconds".to_owned(), problem: "must be 0 or more".to_owned() });
        }
        check_rate("throttling.codedeploy", self.throttling.codedeploy)?;
        check_rate("throttling.autoscaling", self.throttling.autoscaling)?;
        check_rate("throttling.tagging", self.throttling.tagging)?;
        let lags = [
            ("", "tagReadLagSeconds", self.tag_read_lag_seconds),
            ("openFacts.", "tagsSeenAfterSeconds", self.open_facts.tags_seen_after_seconds),
        ];
        for (at, field, seconds) in lags {
            if !is_duration(seconds) {
                return Err(SettingError { field: format!("{at}{field}"), problem: "must be 0 or more".to_owned() });
            }
        }
        if self.gate_key.is_empty() {
            return Err(SettingError { field: "gateKey".to_owned(), problem: "must not be empty".to_owned() });
        }
        let exception = &self.open_facts.nothing_outdated_exception;
        require(!exception.code.is_empty(), "openFacts", "nothingOutdatedException.code", "must not be empty")
    }

    fn check_group(&self, at: &str, group: &AutoScalingGroupSetting) -> Result<(), SettingError> {
        require(group.desired_capacity <= MAX_SIZE, at, "desiredCapacity", "must be 0 to 300")?;
        let pool = group.warm_pool.as_ref().map_or(0, |pool| pool.size);
        let fits = group.desired_capacity.checked_add(pool).is_some_and(|prepared| prepared <= MAX_SIZE);
        require(fits, at, "warmPool.size", "must be at most 300 together with desiredCapacity")?;
        require(is_duration(group.boot_seconds), at, "bootSeconds", "must be 0 or more")?;
        require(group.agent_seconds.is_none_or(is_duration), at, "agentSeconds", "must be 0 or more, or null")?;
        let mut names = HashSet::new();
        for (i, hook) in group.hooks.iter().enumerate() {
            let at = format!("{at}.hooks[{i}]");
            require(!hook.name.is_empty(), &at, "name", "must not be empty")?;
            require(names.insert(&hook.name), &at, "name", "another hook of the group has this name")?;
            let in_range = (30..=7200).contains(&hook.heartbeat_timeout);
            require(in_range, &at, "heartbeatTimeout", "must be 30 to 7200 seconds")?;
            let opens = hook.opens_seconds_after_event;
            let in_time = is_duration(opens) && opens < f64::from(hook.heartbeat_timeout);
            require(in_time, &at, "opensSecondsAfterEvent", "must be 0 or more, and less than heartbeatTimeout")?;
            let short = hook.notification_metadata.as_ref().is_none_or(|text| text.chars().count() <= 4000);
            require(short, &at, "notificationMetadata", "must be at most 4000 characters")?;
        }
        for (list, names) in
            [("requiredApplications", &group.required_applications), ("applicationOrder", &group.application_order)]
        {
            for (i, name) in names.iter().enumerate() {
                let known = self.applications.iter().any(|application| application.short_form() == *name);
                require(known, at, &format!("{list}[{i}]"), "there is no such application/deployment group")?;
            }
        }
        Ok(())
    }

    fn check_selection(&self, at: &str, application: &ApplicationSetting) -> Result<(), SettingError> {
        let Selection { tags, ec2_tag_filters, ec2_tag_set, auto_scaling_groups } = &application.selection;
        let ways = [!tags.is_empty(), !ec2_tag_filters.is_empty(), !ec2_tag_set.is_empty()];
        let by_tags = ways.into_iter().filter(|is_given| *is_given).count();
        require(by_tags <= 1, at, "selection", "must have at most one of tags, ec2TagFilters and ec2TagSet")?;
        let selects = by_tags == 1 || !auto_scaling_groups.is_empty();
        require(selects, at, "selection", "must have one of tags, ec2TagFilters, ec2TagSet and autoScalingGroups")?;
        let by = match ways {
            [true, ..] => "tags",
            [_, true, _] => "ec2TagFilters",
            _ => "ec2TagSet",
        };
        let tag_groups = application.selection.tag_groups();
        require(tag_groups.len() <= TAG_GROUPS, at, &format!("selection.{by}"), "must be at most 3 tag groups")?;
        for filters in &tag_groups {
            let fits = (1..=TAG_FILTERS).contains(&filters.len());
            require(fits, at, &format!("selection.{by}"), "must be 1 to 10 filters in each tag group")?;
            for filter in filters {
                let has_key = (filter.filter_type == FilterType::ValueOnly) == filter.key.is_empty();
                let has_value = filter.filter_type != FilterType::KeyOnly || filter.value.is_empty();
                let problem = "must have a Key unless its Type is VALUE_ONLY, and no Value if it is KEY_ONLY";
                require(has_key && has_value, at, &format!("selection.{by}"), problem)?;
            }
        }
        for (i, name) in auto_scaling_groups.iter().enumerate() {
            let known = self.auto_scaling_groups.iter().any(|group| group.name == *name);
            require(known, at, &format!("selection.autoScalingGroups[{i}]"), "there is no such Auto Scaling group")?;
        }
        if auto_scaling_groups.is_empty() {
            let managed = application.managed_hooks == Some(true);
            let problem = "CodeDeploy's hooks need a selection by Auto Scaling group";
            require(!managed, at, "managedHooks", problem)?;
            require(!application.termination_hook_enabled, at, "terminationHookEnabled", problem)?;
        }
        Ok(())
    }

    fn check_application(&self, at: &str, application: &ApplicationSetting) -> Result<(), SettingError> {
        require(!application.application_name.is_empty(), at, "applicationName", "must not be empty")?;
        require(!application.deployment_group_name.is_empty(), at, "deploymentGroupName", "must not be empty")?;
        for (i, name) in application.on_premises_instances.iter().enumerate() {
            let is_name = !name.is_empty() && name.len() <= 100 && !name.starts_with("i-");
            let field = format!("onPremisesInstances[{i}]");
            require(is_name, at, &field, "must be a name of 1 to 100 characters, and no instance id")?;
        }
        self.check_selection(at, application)?;
        require((0.0..=1.0).contains(&application.jitter), at, "jitter", "must be 0 to 1")?;
        for event in LifecycleEventSeconds::EVENTS {
            let seconds = application.lifecycle_event_seconds.of(event);
            let possible = (0.0..=MAX_EVENT_SECONDS).contains(&seconds);
            require(possible, at, &format!("lifecycleEventSeconds.{event}"), "must be 0 to 3600")?;
        }
        require(is_duration(application.bake_seconds), at, "bakeSeconds", "must be 0 or more")?;
        if let Some(seconds) = application.previous_deployment_seconds {
            require(is_duration(seconds), at, "previousDeploymentSeconds", "must be 0 or more")?;
            let revision = application.revision.is_some();
            require(revision, at, "revision", "a group with a previous deployment has a revision")?;
        }
        if let Some(failure) = &application.failure {
            let known = LifecycleEventSeconds::EVENTS.contains(&failure.event.as_str());
            require(known, at, "failure.event", "there is no such lifecycle event")?;
            let known = ERROR_CODES.contains(&failure.error_code.as_str());
            require(known, at, "failure.errorCode", &format!("must be one of {}", ERROR_CODES.join(", ")))?;
            let named = failure.only_revision.as_ref().is_none_or(|revision| !revision.is_empty());
            require(named, at, "failure.onlyRevision", "must not be empty")?;
        }
        Ok(())
    }
}

impl ApplicationSetting {
    /// `application/deployment group`.
    pub fn short_form(&self) -> String {
        format!("{}/{}", self.application_name, self.deployment_group_name)
    }

    pub(crate) fn has_managed_hooks(&self) -> bool {
        self.managed_hooks.unwrap_or(!self.selection.auto_scaling_groups.is_empty())
    }
}

impl LifecycleEventSeconds {
    /// The lifecycle events of an in-place deployment without a load balancer, in order (CodeDeploy user guide, "AppSpec
    /// 'hooks' section").
    pub(crate) const EVENTS: [&str; 7] = [
        "ApplicationStop",
        "DownloadBundle",
        "BeforeInstall",
        "Install",
        "AfterInstall",
        "ApplicationStart",
        "ValidateService",
    ];

    pub(crate) fn of(&self, event: &str) -> f64 {
        match event {
            "ApplicationStop" => self.application_stop,
            "DownloadBundle" => self.download_bundle,
            "BeforeInstall" => self.before_install,
            "Install" => self.install,
            "AfterInstall" => self.after_install,
            "ApplicationStart" => self.application_start,
            "ValidateService" => self.validate_service,
            other => unreachable!("{other} is no lifecycle event"),
        }
    }
}

fn check_rate(at: &str, rate: Option<CallRate>) -> Result<(), SettingError> {
    let Some(CallRate { calls_per_second, burst }) = rate else { return Ok(()) };
    let possible = calls_per_second.is_finite() && calls_per_second > 0.0;
    require(possible, at, "callsPerSecond", "must be more than 0")?;
    let possible = burst.is_none_or(|burst| burst.is_finite() && burst >= 1.0);
    require(possible, at, "burst", "must be at least 1")
}

fn is_duration(seconds: f64) -> bool {
    seconds.is_finite() && seconds >= 0.0
}

fn require(holds: bool, at: &str, field: &str, problem: &str) -> Result<(), SettingError> {
    if holds {
        return Ok(());
    }
    Err(SettingError { field: format!("{at}.{field}"), problem: problem.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn good() -> Value {
        json!({
            "autoScalingGroups": [{
                "name": "web", "desiredCapacity": 1, "hooks": [{"name": "launch"}], "tags": {"role": "web"},
                "requiredApplications": ["A/Staging"],
            }],
            "applications": [{
                "applicationName": "A", "deploymentGroupName": "Staging", "selection": {"tags": {"role": "web"}},
                "revision": {"revisionType": "S3", "s3Location": {"bucket": "bundles", "key": "a.zip"}},
                "previousDeploymentSeconds": 60, "failure": {"event": "Install"},
            }],
            "deploymentConfigs": [{
                "deploymentConfigName": "mine", "minimumHealthyHosts": {"type": "FLEET_PERCENT", "value": 50},
            }],
            "throttling": {"codedeploy": {"callsPerSecond": 2}, "autoscaling": {"callsPerSecond": 0.5, "burst": 10},
                "tagging": {"callsPerSecond": 1}},
            "openFacts": {"nothingOutdated": "exception"},
        })
    }

    #[test]
    fn a_good_setting_passes_and_keeps_its_defaults() {
        let setting: Setting = serde_json::from_value(good()).unwrap();
        assert_eq!(setting.check(), Ok(()));
        assert_eq!(setting.auto_scaling_groups[0].hooks[0].heartbeat_timeout, 3600);
        assert_eq!(setting.auto_scaling_groups[0].agent_seconds, Some(20.0));
        assert!(!setting.applications[0].has_managed_hooks());
        let empty: Setting = serde_json::from_value(json!({})).unwrap();
        assert_eq!(empty, Setting::default());
    }

    #[test]
    fn every_wrong_field_is_named() {
        let table = [
            ("/autoScalingGroups/0/name", json!(""), "autoScalingGroups[0].name"),
            ("/autoScalingGroups/0/desiredCapacity", json!(301), "autoScalingGroups[0].desiredCapacity"),
            ("/autoScalingGroups/0/warmPool", json!({"size": 300}), "autoScalingGroups[0].warmPool.size"),
            ("/autoScalingGroups/0/bootSeconds", json!(-1), "autoScalingGroups[0].bootSeconds"),
            ("/autoScalingGroups/0/agentSeconds", json!(-1), "autoScalingGroups[0].agentSeconds"),
            ("/autoScalingGroups/0/hooks/0/name", json!(""), "autoScalingGroups[0].hooks[0].name"),
            (
                "/autoScalingGroups/0/hooks/0/heartbeatTimeout",
                json!(29),
                "autoScalingGroups[0].hooks[0].heartbeatTimeout",
            ),
            (
                "/autoScalingGroups/0/hooks/0/notificationMetadata",
                json!("x".repeat(4001)),
                "autoScalingGroups[0].hooks[0].notificationMetadata",
            ),
            (
                "/autoScalingGroups/0/requiredApplications/0",
                json!("B/Staging"),
                "autoScalingGroups[0].requiredApplications[0]",
            ),
            ("/applications/0/applicationName", json!(""), "autoScalingGroups[0].requiredApplications[0]"),
            ("/applications/0/selection", json!({"tags": {}}), "applications[0].selection"),
            (
                "/applications/0/selection",
                json!({"tags": {"a": "b"}, "ec2TagFilters": [{"Key": "a", "Type": "KEY_ONLY"}]}),
                "applications[0].selection",
            ),
            (
                "/applications/0/selection",
                json!({"tags": {"a": "1", "b": "1", "c": "1", "d": "1"}}),
                "applications[0].selection.tags",
            ),
            ("/applications/0/selection", json!({"ec2TagSet": [[]]}), "applications[0].selection.ec2TagSet"),
            (
                "/applications/0/selection",
                json!({"ec2TagFilters": [{"Key": "a", "Value": "b", "Type": "KEY_ONLY"}]}),
                "applications[0].selection.ec2TagFilters",
            ),
            (
                "/applications/0/selection",
                json!({"ec2TagFilters": [{"Value": "b", "Type": "KEY_AND_VALUE"}]}),
                "applications[0].selection.ec2TagFilters",
            ),
            ("/applications/0/managedHooks", json!(true), "applications[0].managedHooks"),
            (
                "/applications/0/selection",
                json!({"autoScalingGroups": ["web", "other"]}),
                "applications[0].selection.autoScalingGroups[1]",
            ),
            ("/applications/0/deploymentConfigName", json!("none"), "applications[0].deploymentConfigName"),
            ("/applications/0/jitter", json!(1.5), "applications[0].jitter"),
            ("/applications/0/revision", json!(null), "applications[0].revision"),
            (
                "/applications/0/lifecycleEventSeconds",
                json!({"Install": 3601}),
                "applications[0].lifecycleEventSeconds.Install",
            ),
            ("/applications/0/failure/event", json!("Uninstall"), "applications[0].failure.event"),
            ("/applications/0/failure/errorCode", json!("Bad"), "applications[0].failure.errorCode"),
            ("/applications/0/failure/onlyRevision", json!(""), "applications[0].failure.onlyRevision"),
            ("/openFacts/nothingOutdatedException", json!({"code": ""}), "openFacts.nothingOutdatedException.code"),
            (
                "/autoScalingGroups/0/hooks/0/opensSecondsAfterEvent",
                json!(3600),
                "autoScalingGroups[0].hooks[0].opensSecondsAfterEvent",
            ),
            (
                "/deploymentConfigs/0/deploymentConfigName",
                json!("CodeDeployDefault.AllAtOnce"),
                "deploymentConfigs[0].deploymentConfigName",
            ),
            ("/applications/0/onPremisesInstances", json!(["rack", "i-1"]), "applications[0].onPremisesInstances[1]"),
            ("/applications/0/bakeSeconds", json!(-1), "applications[0].bakeSeconds"),
            ("/maxConcurrentDeployments", json!(0), "maxConcurrentDeployments"),
            ("/readLagSeconds", json!(-1), "readLagSeconds"),
            ("/tagReadLagSeconds", json!(-1), "tagReadLagSeconds"),
            ("/gateKey", json!(""), "gateKey"),
            ("/openFacts/tagsSeenAfterSeconds", json!(-1), "openFacts.tagsSeenAfterSeconds"),
            ("/throttling/tagging/callsPerSecond", json!(0), "throttling.tagging.callsPerSecond"),
            ("/autoScalingGroups/0/applicationOrder", json!(["B/Staging"]), "autoScalingGroups[0].applicationOrder[0]"),
            ("/throttling/codedeploy/callsPerSecond", json!(0), "throttling.codedeploy.callsPerSecond"),
            ("/throttling/autoscaling/callsPerSecond", json!(-1), "throttling.autoscaling.callsPerSecond"),
            ("/throttling/autoscaling/burst", json!(0.5), "throttling.autoscaling.burst"),
            (
                "/deploymentConfigs/0/minimumHealthyHosts/value",
                json!(101),
                "deploymentConfigs[0].minimumHealthyHosts.value",
            ),
        ];
        for (pointer, value, field) in table {
            let mut setting = good();
            let (parent, key) = pointer.rsplit_once('/').unwrap();
            let parent = setting.pointer_mut(parent).unwrap();
            match parent {
                Value::Array(list) => list[key.parse::<usize>().unwrap()] = value,
                object => object[key] = value,
            }
            let setting: Setting = serde_json::from_value(setting).unwrap();
            let error = setting.check().expect_err(pointer);
            assert_eq!(error.field, field, "{pointer}");
        }
    }

    #[test]
    fn unknown_fields_are_refused() {
        let error = serde_json::from_value::<Setting>(json!({"sede": 1})).unwrap_err();
        assert!(error.to_string().contains("sede"), "{error}");
    }
}
