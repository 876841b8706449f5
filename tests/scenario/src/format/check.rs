//! Checks that the types of a scenario cannot make.

use std::collections::BTreeSet;

use super::states::STATES;
use super::{Action, Application, Condition, CountOrList, Expect, LaunchNumber, Scenario, Step};

/// Checks a scenario; an error names the first field that is wrong.
pub(super) fn check(scenario: &Scenario) -> Result<(), String> {
    if scenario.about.trim().is_empty() {
        return Err("about: expected a sentence that says what the scenario shows".to_owned());
    }
    if !(scenario.speed.is_finite() && scenario.speed >= 1.0) {
        return Err(format!("speed: expected at least 1, got {}", scenario.speed));
    }
    let names = Names::of(scenario);
    names.check_groups(scenario)?;
    for (i, step) in scenario.steps.iter().enumerate() {
        check_step(step, &names).map_err(|problem| format!("steps[{i}]{problem}"))?;
    }
    if let Some(until) = &scenario.until {
        check_condition(until, &names).map_err(|problem| format!("until{problem}"))?;
    }
    check_expect(&scenario.expect, &names).map_err(|problem| format!("expect.{problem}"))
}

/// The names that a scenario may refer to. A misspelt name would be waited for in vain.
struct Names<'a> {
    applications: BTreeSet<&'a str>,
    groups: BTreeSet<&'a str>,
    alarms: BTreeSet<&'a str>,
}

impl<'a> Names<'a> {
    fn of(scenario: &'a Scenario) -> Self {
        let world = &scenario.world;
        Self {
            applications: world.applications.iter().map(|application| application.name.as_str()).collect(),
            alarms: world.applications.iter().flat_map(|one| &one.alarms).map(String::as_str).collect(),
            groups: world.groups.iter().map(|group| group.name.as_str()).collect(),
        }
    }

    fn check_groups(&self, scenario: &Scenario) -> Result<(), String> {
        for (i, group) in scenario.world.groups.iter().enumerate() {
            for (list, names) in
                [("applications", &group.applications), ("requiredApplications", &group.required_applications)]
            {
                for (j, name) in names.iter().flatten().enumerate() {
                    known(&self.applications, &format!("world.groups[{i}].{list}[{j}]"), name)?;
                }
            }
        }
        Ok(())
    }
}

fn check_step(step: &Step, names: &Names) -> Result<(), String> {
    let action = step.action().map_err(|problem| format!(": {problem}"))?;
    if !step.answer.is_empty() && step.send_event.is_none() {
        return Err(".answer: expected none without sendEvent".to_owned());
    }
    if !(step.at.is_finite() && step.at >= 0.0) {
        return Err(format!(".at: expected 0 or more, got {}", step.at));
    }
    match action {
        Action::Launch(launch) => {
            let own = launch.boot_seconds.is_some() || launch.agent_seconds.is_some();
            if own && launch.over > 0.0 {
                return Err(".launch.over: expected none beside bootSeconds and agentSeconds".to_owned());
            }
            if let Some(group) = &launch.group {
                known(&names.groups, ".launch.group", group)?;
            }
        }
        Action::Terminate(launch) => at_least_1(".terminate", launch)?,
        Action::SilenceAgent(launch) => at_least_1(".silenceAgent", launch)?,
        Action::ReturnToPool(launch) => at_least_1(".returnToPool", launch)?,
        Action::Detach(launch) => at_least_1(".detach", launch)?,
        Action::ReplaceRootVolume(launch) => at_least_1(".replaceRootVolume", launch)?,
        Action::Abort(launch) => at_least_1(".abort", launch)?,
        Action::Redrive(launch) => at_least_1(".redrive", launch)?,
        Action::CompleteHook(completion) => at_least_1(".completeHook.launch", completion.launch)?,
        Action::Deploy(deploy) => {
            known(&names.applications, ".deploy.application", &deploy.application)?;
            if deploy.restart && (deploy.revision.is_some() || deploy.times != 1) {
                return Err(".deploy.restart: expected neither revision nor times beside it".to_owned());
            }
            if deploy.times != 1 && deploy.revision.is_none() {
                return Err(".deploy.revision: expected one beside times".to_owned());
            }
        }
        Action::Hold(group) => known(&names.groups, ".hold", group)?,
        Action::Release(group) => known(&names.groups, ".release", group)?,
        Action::SetTag(tag) => at_least_1(".setTag.launch", tag.launch)?,
        Action::StopDeployment(application) => known(&names.applications, ".stopDeployment", application)?,
        Action::DeleteApplication(name) => known(&names.applications, ".deleteApplication", name)?,
        Action::ForbidApplication(name) => known(&names.applications, ".forbidApplication", name)?,
        Action::MakeGroup(group) => known(&names.groups, ".makeGroup", group)?,
        Action::DeleteGroup(group) => known(&names.groups, ".deleteGroup", group)?,
        Action::PutHook(put) => known(&names.groups, ".putHook.group", &put.group)?,
        Action::DeleteHook(group) => known(&names.groups, ".deleteHook", group)?,
        Action::SetAlarm(alarm) => known(&names.alarms, ".setAlarm.name", &alarm.name)?,
        Action::DeleteTurns
        | Action::UpdateStack
        | Action::EnableSchedule(_)
        | Action::EmptyQueues
        | Action::StartRollout(_)
        | Action::SendEvent(..) => {}
    }
    match &step.when {
        Some(when) => check_condition(when, names).map_err(|problem| format!(".when{problem}")),
        None => Ok(()),
    }
}

fn check_condition(condition: &Condition, names: &Names) -> Result<(), String> {
    if *condition == Condition::default() {
        return Err(": expected at least one of its fields".to_owned());
    }
    if let Some(launch) = condition.waiting {
        at_least_1(".waiting", launch)?;
    }
    if let Some(deployment) = &condition.deployment {
        known(&names.applications, ".deployment.application", &deployment.application)?;
    }
    if let Some(rollout) = &condition.rollout {
        at_least_1(".rollout.launch", rollout.launch)?;
        known(&STATES, ".rollout.state", &rollout.state)?;
    }
    Ok(())
}

fn check_expect(expect: &Expect, names: &Names) -> Result<(), String> {
    for (field, expected) in [("inService", &expect.in_service), ("terminated", &expect.terminated)] {
        if let Some(CountOrList::List(launches)) = expected {
            launches.iter().try_for_each(|launch| at_least_1(field, *launch))?;
        }
    }
    for (i, execution) in expect.executions.iter().flatten().enumerate() {
        if let Some(launch) = execution.launch {
            at_least_1(&format!("executions[{i}].launch"), launch)?;
        }
        for state in execution.states.keys() {
            known(&STATES, &format!("executions[{i}].states"), state)?;
        }
    }
    let short_forms: Vec<String> =
        names.applications.iter().map(|name| Application::named(name).short_form()).collect();
    let short_forms = short_forms.iter().map(String::as_str).collect();
    let check_names = |field: &str, list: &[String]| {
        let mut list = list.iter().enumerate();
        list.try_for_each(|(i, name)| {
            known(&short_forms, &format!("{field}[{i}]"), &Application::named(name).short_form())
        })
    };
    for (launch, order) in &expect.reached {
        at_least_1("reached", *launch)?;
        check_names(&format!("reached.{launch}"), order)?;
    }
    match &expect.deployments {
        Some(CountOrList::List(order)) => check_names("deployments", order),
        _ => Ok(()),
    }
}

fn at_least_1(field: &str, launch: LaunchNumber) -> Result<(), String> {
    match launch {
        0 => Err(format!("{field}: expected a launch's number, of which the first is 1, got 0")),
        _ => Ok(()),
    }
}

fn known(names: &BTreeSet<&str>, field: &str, name: &str) -> Result<(), String> {
    if names.contains(name) {
        return Ok(());
    }
    let names: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
    Err(format!("{field}: expected one of {}, got {name:?}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(rest: &str) -> String {
        let text = format!(r#"{{"about": "x", "world": {{"applications": ["Orders", "Search/Blue"]}}, {rest}}}"#);
        let scenario = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        check(&scenario).err().unwrap_or_default()
    }

    #[test]
    fn unknown_names_are_refused() {
        for (rest, expected) in [
            (
                r#""steps": [{"deploy": {"application": "Order"}}]"#,
                r#"steps[0].deploy.application: expected one of "Orders", "#,
            ),
            (r#""steps": [{"stopDeployment": "Order"}]"#, r#"steps[0].stopDeployment: expected one of "Orders", "#),
            (
                r#""steps": [{"deploy": {"application": "Orders", "times": 3}}]"#,
                "steps[0].deploy.revision: expected one beside times",
            ),
            (
                r#""steps": [{"deploy": {"application": "Orders", "restart": true, "revision": "Orders-2.zip"}}]"#,
                "steps[0].deploy.restart: expected neither",
            ),
            (r#""steps": [{"setAlarm": {"name": "errors", "on": true}}]"#, "steps[0].setAlarm.name: expected one of"),
            (r#""steps": [{"makeGroup": "api"}]"#, r#"steps[0].makeGroup: expected one of "web", got "api""#),
            (r#""steps": [{"deleteGroup": "api"}]"#, "steps[0].deleteGroup: expected one of"),
            (r#""steps": [{"putHook": {"group": "api"}}]"#, "steps[0].putHook.group: expected one of"),
            (r#""steps": [{"deleteHook": "api"}]"#, "steps[0].deleteHook: expected one of"),
            (
                r#""steps": [{"launch": 1, "answer": {"started": []}}]"#,
                "steps[0].answer: expected none without sendEvent",
            ),
            (
                r#""steps": [{"abort": 1, "when": {"deployment": {"application": "Search", "is": "over"}}}]"#,
                r#"steps[0].when.deployment.application: expected one of "Orders", "Search/Blue", got "Search""#,
            ),
            (
                r#""steps": [], "until": {"deployment": {"application": "Mail", "is": "over"}}"#,
                "until.deployment.application: expected one of",
            ),
            (r#""steps": [], "until": {}"#, "until: expected at least one"),
            (
                r#""steps": [{"abort": 1, "when": {"rollout": {"launch": 1, "state": "Backoff"}}}]"#,
                r#"steps[0].when.rollout.state: expected one of "BackOff", "#,
            ),
            (
                r#""steps": [], "expect": {"executions": [{"outcome": "FAILED", "states": {"Backoff": 1}}]}"#,
                "expect.executions[0].states: expected one of",
            ),
            (
                r#""steps": [], "expect": {"deployments": ["Orders", "Orders/Blue"]}"#,
                r#"expect.deployments[1]: expected one of "Orders/Production", "Search/Blue", got "Orders/Blue""#,
            ),
            (
                r#""steps": [], "expect": {"reached": {"1": ["Orders", "Mail"]}}"#,
                r#"expect.reached.1[1]: expected one of "Orders/Production", "Search/Blue", got "Mail/Production""#,
            ),
            (
                r#""steps": [{"abort": 1, "when": {"rollout": {"launch": 1, "state": "WaitForDeployment"}}}],
                   "expect": {"executions": [{"outcome": "FAILED", "states": {"BackOff": 1}}], "deployments": ["Orders/Production"]}"#,
                "",
            ),
        ] {
            let problem = problem(rest);
            assert!(problem.starts_with(expected) && problem.is_empty() == expected.is_empty(), "{rest}: {problem}");
        }
    }

    #[test]
    fn the_first_launch_is_1() {
        for (rest, field) in [
            (r#""steps": [{"terminate": 0}]"#, "steps[0].terminate"),
            (r#""steps": [{"silenceAgent": 0}]"#, "steps[0].silenceAgent"),
            (r#""steps": [{"returnToPool": 0}]"#, "steps[0].returnToPool"),
            (r#""steps": [{"abort": 0}]"#, "steps[0].abort"),
            (r#""steps": [{"setTag": {"launch": 0, "value": "open"}}]"#, "steps[0].setTag.launch"),
            (r#""steps": [{"completeHook": {"launch": 0, "result": "ABANDON"}}]"#, "steps[0].completeHook.launch"),
            (r#""steps": [{"abort": 1, "when": {"waiting": 0}}]"#, "steps[0].when.waiting"),
            (r#""steps": [], "until": {"rollout": {"launch": 0, "state": "BackOff"}}"#, "until.rollout.launch"),
            (r#""steps": [], "expect": {"inService": [1, 0]}"#, "expect.inService"),
            (r#""steps": [], "expect": {"terminated": [0]}"#, "expect.terminated"),
            (r#""steps": [], "expect": {"reached": {"0": ["Orders"]}}"#, "expect.reached"),
            (
                r#""steps": [], "expect": {"executions": [{"launch": 0, "outcome": "FAILED"}]}"#,
                "expect.executions[0].launch",
            ),
        ] {
            assert_eq!(problem(rest), format!("{field}: expected a launch's number, of which the first is 1, got 0"));
        }
    }
}
