//! The verdict on a run, for people.

use comfy_table::{Table, presets};
use world::{DeploymentReport, HookActionReport, HookResult};

use crate::format::Scenario;
use crate::outcome::{Came, Rollout};

/// What was expected and what came out.
pub fn text(name: &str, scenario: &Scenario, came: &Came, shortfalls: &[String]) -> String {
    let expected = serde_json::to_string_pretty(&scenario.expect).unwrap_or_default();
    let verdict = match shortfalls {
        [] => format!("{name}: as expected"),
        _ => format!(
            "{name}: FALLS SHORT\n{}",
            shortfalls.iter().map(|one| format!("  - {one}")).collect::<Vec<_>>().join("\n")
        ),
    };
    format!(
        "{name}: {}\n\nexpected {expected}\n\n{}\n{}\n{}\n{verdict}",
        scenario.about,
        instances(came),
        deployments(came),
        executions(came)
    )
}

fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY).set_header(header);
    table
}

fn instances(came: &Came) -> Table {
    let mut table = table(["launch", "instance", "state", "launched", "in service", "terminated", "hook"]);
    for (number, instance) in came.launches() {
        let hooks = came.report.hook_actions.iter().filter(|action| action.instance_id == instance.instance_id);
        table.add_row([
            number.to_string(),
            instance.instance_id.clone(),
            instance.lifecycle_state.to_owned(),
            seconds(Some(instance.launched_at)),
            seconds(instance.in_service_at),
            seconds(instance.terminated_at),
            hooks.map(hook).collect::<Vec<_>>().join(", "),
        ]);
    }
    table
}

fn hook(action: &HookActionReport) -> String {
    let result = match action.result {
        Some(HookResult::Continue) => "CONTINUE",
        Some(HookResult::Abandon) => "ABANDON",
        None => "open",
    };
    let by = action.closed_by.map_or_else(String::new, |by| format!(" by {by:?}"));
    format!("{} {result}{by}", action.hook)
}

fn deployments(came: &Came) -> Table {
    let mut table = table(["deployment", "application", "created", "ended", "status", "targets"]);
    for deployment in &came.report.deployments {
        table.add_row([
            deployment.deployment_id.clone(),
            deployment.application_name.clone(),
            seconds(Some(deployment.created_at)),
            seconds(deployment.ended_at),
            deployment.status.to_owned(),
            targets(deployment, came),
        ]);
    }
    table
}

fn targets(deployment: &DeploymentReport, came: &Came) -> String {
    let named = |id: &String| match came.launched.iter().position(|launched| launched == id) {
        Some(i) => format!("launch {}", i + 1),
        None => id.clone(),
    };
    let targets = deployment.targets.iter().map(|target| format!("{} {}", named(&target.instance_id), target.status));
    targets.collect::<Vec<_>>().join(", ")
}

fn executions(came: &Came) -> Table {
    let mut table = table(["execution", "launch", "outcome", "error and cause"]);
    for rollout in &came.rollouts {
        table.add_row([
            rollout.execution.name.clone(),
            rollout.launch.map_or_else(String::new, |launch| launch.to_string()),
            format!("{:?}", rollout.outcome()),
            reason(rollout),
        ]);
    }
    table
}

/// The error with the cause's sentence; the whole cause is in report.json.
fn reason(rollout: &Rollout) -> String {
    let cause = rollout.cause();
    let summary = cause["summary"].as_str().or(cause.as_str()).unwrap_or_default();
    match &rollout.execution.error {
        Some(error) => format!("{error}: {summary}"),
        None => summary.to_owned(),
    }
}

/// World seconds, or nothing.
fn seconds(at: Option<f64>) -> String {
    at.map_or_else(String::new, |at| format!("{at:.0} s"))
}
