//! The verdict on a run, for people to read.

use comfy_table::{Table, presets};
use world::{DeploymentReport, HookActionReport, HookResult};

use crate::format::Scenario;
use crate::judge::Unmet;
use crate::observed::{Observed, Rollout};

/// What was expected and what was observed.
pub fn text(name: &str, scenario: &Scenario, observed: &Observed, unmet: &[Unmet]) -> String {
    let expected = serde_json::to_string_pretty(&scenario.expect).unwrap_or_default();
    let verdict = match unmet {
        [] => format!("{name}: as expected"),
        _ => format!(
            "{name}: NOT AS EXPECTED\n{}",
            unmet.iter().map(|unmet| format!("  - {unmet}")).collect::<Vec<_>>().join("\n")
        ),
    };
    format!(
        "{name}: {}\n\nexpected {expected}\n\n{}\n{}\n{}\n{verdict}",
        scenario.about,
        instances(observed),
        deployments(observed),
        executions(observed)
    )
}

fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY).set_header(header);
    table
}

fn instances(observed: &Observed) -> Table {
    let mut table = table(["launch", "instance", "state", "launched", "in service", "terminated", "hook"]);
    for (launch, instance) in observed.launches() {
        let hooks = observed.report.hook_actions.iter().filter(|action| action.instance_id == instance.instance_id);
        table.add_row([
            launch.to_string(),
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

fn deployments(observed: &Observed) -> Table {
    let mut table = table(["deployment", "application", "created", "ended", "status", "targets"]);
    for deployment in &observed.report.deployments {
        table.add_row([
            deployment.deployment_id.clone(),
            deployment.application_name.clone(),
            seconds(Some(deployment.created_at)),
            seconds(deployment.ended_at),
            deployment.status.to_owned(),
            targets(deployment, observed),
        ]);
    }
    table
}

fn targets(deployment: &DeploymentReport, observed: &Observed) -> String {
    let name = |id: &String| match observed.launched.iter().position(|launched| launched == id) {
        Some(i) => format!("launch {}", i + 1),
        None => id.clone(),
    };
    let targets = deployment.targets.iter().map(|target| format!("{} {}", name(&target.instance_id), target.status));
    targets.collect::<Vec<_>>().join(", ")
}

fn executions(observed: &Observed) -> Table {
    let mut table = table(["execution", "launch", "outcome", "error and cause"]);
    for rollout in &observed.rollouts {
        table.add_row([
            rollout.execution.name.clone(),
            rollout.launch.map_or_else(String::new, |launch| launch.to_string()),
            format!("{:?}", rollout.outcome()),
            reason(rollout),
        ]);
    }
    table
}

/// The error with the cause's summary. The whole cause is in report.json.
fn reason(rollout: &Rollout) -> String {
    let cause = rollout.cause();
    let summary = cause["summary"].as_str().or(cause.as_str()).unwrap_or_default();
    match &rollout.execution.error {
        Some(error) => format!("{error}: {summary}"),
        None => summary.to_owned(),
    }
}

/// A time in world seconds; nothing if there is none.
fn seconds(at: Option<f64>) -> String {
    at.map_or_else(String::new, |at| format!("{at:.0} s"))
}
