//! A scenario's world, and what its bed is started with.

use std::collections::BTreeMap;

use account::Served;
use serde_json::{Value, json};
use world::{
    ApplicationSetting, AutoRollbackConfiguration, AutoScalingGroupSetting, HookSetting, OpenFacts, Revision,
    Selection, Setting,
};

use crate::bed::Options;
use crate::format::{Application, Failure, Group, HOOK, Hook, Parameters, Scenario, SelectedBy};

/// What a scenario's bed is started with.
pub fn options(scenario: &Scenario, open_facts: OpenFacts) -> Options {
    let parameters = &scenario.parameters;
    Options {
        setting: setting(scenario, open_facts),
        speed: scenario.speed,
        applications: parameters.applications.clone().unwrap_or_else(|| list(&scenario.world.applications)),
        lifecycle_hook_name: lifecycle_hook_name(scenario),
        served: served(scenario),
        events: scenario.events.clone(),
        schedule_seconds: scenario.schedule_seconds,
        faults: scenario.faults.clone(),
        services: scenario.services.clone(),
        waits_for_states: scenario.waits_for_states(),
    }
}

/// The stack's parameter `LifecycleHookName`.
pub fn lifecycle_hook_name(scenario: &Scenario) -> String {
    scenario.parameters.lifecycle_hook_name.clone().unwrap_or_else(|| HOOK.to_owned())
}

/// The Auto Scaling groups that the stack may serve.
pub fn served(scenario: &Scenario) -> Served {
    let Parameters { auto_scaling_group_name: name, served_auto_scaling_groups: pattern, .. } = &scenario.parameters;
    match (name, pattern) {
        (None, None) => {
            let groups: Vec<_> =
                scenario.world.groups.iter().map(|group| AutoScalingGroupSetting::new(&group.name)).collect();
            Served::all(&groups)
        }
        (name, pattern) => Served {
            auto_scaling_group_name: name.clone().unwrap_or_default(),
            served_auto_scaling_groups: pattern.clone().unwrap_or_default(),
        },
    }
}

/// Turnstile's launch hook on a group.
pub fn hook(hook: &Hook, group: &Group, scenario: &Scenario) -> HookSetting {
    let own = || scenario.world.applications.iter().filter(|one| has(group, one)).cloned().collect::<Vec<_>>();
    HookSetting {
        name: hook.name.clone(),
        heartbeat_timeout: hook.heartbeat_timeout,
        default_result: hook.default_result,
        notification_metadata: hook
            .notification_metadata
            .clone()
            .or_else(|| group.applications.as_ref().map(|_| list(&own()))),
        opens_seconds_after_event: hook.opens_seconds_after_event,
    }
}

/// The build of an application, such as `Orders-1.zip`.
pub fn revision(key: &str) -> Revision {
    Revision::s3("builds", key)
}

fn setting(scenario: &Scenario, open_facts: OpenFacts) -> Setting {
    let world = &scenario.world;
    Setting {
        seed: world.seed,
        gate_key: scenario.parameters.gate_key(),
        auto_scaling_groups: world.groups.iter().map(|group| auto_scaling_group(group, scenario)).collect(),
        applications: world.applications.iter().map(|application| self::application(application, scenario)).collect(),
        deployment_configs: world.deployment_configs.clone(),
        throttling: world.throttling.clone(),
        max_concurrent_deployments: world.max_concurrent_deployments,
        read_lag_seconds: world.read_lag_seconds,
        tag_read_lag_seconds: world.tag_read_lag_seconds,
        open_facts,
        ..Setting::default()
    }
}

fn auto_scaling_group(group: &Group, scenario: &Scenario) -> AutoScalingGroupSetting {
    let world = &scenario.world;
    let applications: Vec<&Application> = world.applications.iter().filter(|one| has(group, one)).collect();
    let short_forms = || applications.iter().map(|application| application.short_form());
    let hook = group.hook.iter().map(|hook| self::hook(hook, group, scenario));
    AutoScalingGroupSetting {
        name: group.name.clone(),
        made_later: group.made_later,
        desired_capacity: group.desired_capacity,
        hooks: hook.chain(group.other_hooks.iter().cloned()).collect(),
        boot_seconds: group.boot_seconds,
        agent_seconds: group.agent_seconds,
        tags: short_forms().map(|short_form| (short_form, "yes".to_owned())).collect(),
        launch_template_tags: group.launch_template_tags.clone(),
        tags_at_start: match group.gates_open && applications.iter().any(|one| one.selected_by == SelectedBy::Gate) {
            true => BTreeMap::from([(scenario.parameters.gate_key(), Selection::OPEN.to_owned())]),
            false => BTreeMap::new(),
        },
        application_order: if is_listed_otherwise(group, scenario) { Vec::new() } else { short_forms().collect() },
        warm_pool: group.warm_pool.clone(),
        terminate_hook_abandon: group.terminate_hook_abandon,
        required_applications: match &group.required_applications {
            Some(names) => {
                let required = world.applications.iter().filter(|application| names.contains(&application.name));
                required.map(Application::short_form).collect()
            }
            None => short_forms().collect(),
        },
    }
}

/// Whether the list that rollouts of a group go by is none that the world's applications tell: one of the hook's, or of the stack's parameter.
fn is_listed_otherwise(group: &Group, scenario: &Scenario) -> bool {
    let by_hook = group.hook.as_ref().is_some_and(|hook| hook.notification_metadata.is_some());
    by_hook || (group.applications.is_none() && scenario.parameters.applications.is_some())
}

/// Whether an application belongs on the instances of a group.
fn has(group: &Group, application: &Application) -> bool {
    group.applications.as_ref().is_none_or(|names| names.contains(&application.name))
}

fn application(application: &Application, scenario: &Scenario) -> ApplicationSetting {
    let world = &scenario.world;
    let (name, group) = application.names();
    let tags = || BTreeMap::from([(application.short_form(), "yes".to_owned())]);
    let groups = || world.groups.iter().filter(|group| has(group, application)).map(|group| group.name.clone());
    let usual = ApplicationSetting {
        application_name: name.to_owned(),
        deployment_group_name: group.to_owned(),
        selection: match application.selected_by {
            SelectedBy::Tag => Selection::by_tags(tags()),
            SelectedBy::AutoScalingGroup => Selection::by_auto_scaling_groups(groups().collect()),
            SelectedBy::Gate => Selection::gated(tags(), &scenario.parameters.gate_key(), &application.short_form()),
        },
        on_premises_instances: application.on_premises_instances.clone(),
        managed_hooks: Some(application.managed_hooks),
        deployment_config_name: "CodeDeployDefault.OneAtATime".to_owned(),
        outdated_instances_strategy: application.outdated_instances_strategy,
        auto_rollback_configuration: AutoRollbackConfiguration {
            enabled: !application.auto_rollback.is_empty(),
            events: application.auto_rollback.clone(),
        },
        alarms: application.alarms.clone(),
        bake_seconds: application.bake_seconds,
        termination_hook_enabled: application.termination_hook_enabled,
        compute_platform: application.compute_platform,
        deployment_type: application.deployment_type,
        revision: (!application.never_deployed).then(|| revision(&format!("{name}-1.zip"))),
        previous_deployment_seconds: application.previous_deployment_seconds.filter(|_| !application.never_deployed),
        lifecycle_event_seconds: application.seconds,
        jitter: application.jitter,
        failure: application.failure.as_ref().map(failure),
    };
    match &application.deployment_config_name {
        Some(config) => ApplicationSetting { deployment_config_name: config.clone(), ..usual },
        None => usual,
    }
}

/// The failure with the diagnostics that the agent would give.
fn failure(failure: &Failure) -> world::Failure {
    let script = failure.script.clone().unwrap_or_default();
    let usual_code = if failure.script.is_some() { "ScriptFailed" } else { "UnknownError" };
    let message = match (&failure.message, &failure.script, failure.exit_code) {
        (Some(message), _, _) => message.clone(),
        (None, Some(script), Some(code)) => {
            format!("Script at specified location: {script} failed with exit code {code}")
        }
        (None, Some(script), None) => format!("Script at specified location: {script} failed"),
        (None, None, _) => String::new(),
    };
    let mut log_tail = String::new();
    if !failure.log.is_empty() {
        log_tail = format!("LifecycleEvent - {}\nScript - {script}\n", failure.event);
        failure.log.iter().for_each(|line| log_tail.extend([line, "\n"]));
    }
    world::Failure {
        event: failure.event.clone(),
        error_code: failure.error_code.clone().unwrap_or_else(|| usual_code.to_owned()),
        script_name: script,
        message,
        log_tail,
        times: failure.times,
        only_revision: failure.only_revision.clone(),
    }
}

/// The applications as the parameter `Applications`, or as a hook's metadata: short forms, or a JSON array if any of them has options.
fn list(applications: &[Application]) -> String {
    if applications.iter().all(|application| application.options.is_empty()) {
        return applications.iter().map(Application::short_form).collect::<Vec<_>>().join(", ");
    }
    let full = |application: &Application| {
        let (name, group) = application.names();
        let mut object = json!({"applicationName": name, "deploymentGroupName": group});
        for (option, value) in &application.options {
            object[option] = value.clone();
        }
        object
    };
    Value::Array(applications.iter().map(full).collect()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario(text: &str) -> Scenario {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn every_application_is_on_a_group_that_names_none() {
        let scenario = scenario(
            r#"{"about": "x", "steps": [], "world": {
                "applications": ["Orders", "Search/Blue", {"name": "Mail", "options": {"maxAttempts": 3}}],
                "groups": [{}, {"name": "api", "applications": ["Search/Blue"]}]
            }}"#,
        );
        let options = options(&scenario, OpenFacts::default());
        let [web, api] = options.setting.auto_scaling_groups.as_slice() else { panic!("two groups") };
        assert_eq!(web.required_applications, ["Orders/Production", "Search/Blue", "Mail/Production"]);
        assert_eq!((web.tags.len(), web.hooks[0].notification_metadata.as_deref()), (3, None));
        assert_eq!(api.required_applications, ["Search/Blue"]);
        assert_eq!((api.tags.len(), api.hooks[0].notification_metadata.as_deref()), (1, Some("Search/Blue")));
        let list: Value = serde_json::from_str(&options.applications).unwrap();
        let mail = json!({"applicationName": "Mail", "deploymentGroupName": "Production", "maxAttempts": 3});
        assert_eq!((&list[2], list.as_array().map(Vec::len)), (&mail, Some(3)));
    }

    #[test]
    fn a_failure_has_the_agent_s_diagnostics() {
        let of = |text: &str| failure(&serde_json::from_str(text).unwrap());
        let script = of(r#"{"event": "AfterInstall", "script": "migrate.sh", "exitCode": 3, "log": ["[stderr]no"]}"#);
        assert_eq!(script.error_code, "ScriptFailed");
        assert_eq!(script.message, "Script at specified location: migrate.sh failed with exit code 3");
        assert_eq!(script.log_tail, "LifecycleEvent - AfterInstall\nScript - migrate.sh\n[stderr]no\n");
        let agent = of(r#"{"event": "Install", "message": "no space left on device"}"#);
        assert_eq!((agent.error_code.as_str(), agent.log_tail.as_str()), ("UnknownError", ""));
    }
}
