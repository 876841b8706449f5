//! What the demo prints about the two runs.

use comfy_table::{CellAlignment, Table};
use stack::minutes;
use stack::six_applications::APPLICATIONS;
use world::{DeploymentReport, Report};

use crate::rollout::{Release, Rollout};
use crate::{deployments, own_hooks, reason};

/// Seconds that the usual boot script sleeps after it has started a deployment.
pub const FIXED_SLEEP_SECONDS: f64 = 600.0;
/// The most state transitions an application.
const TRANSITIONS_LIMIT: usize = 16;

/// Prints the run under CodeDeploy's own hooks.
pub fn own_hooks(report: &Report) {
    println!("Under CodeDeploy's own hooks: {} deployments to the instance at once.\n", APPLICATIONS.len());
    println!("{}\n", own_hooks::table(report));
    println!("After {}: {}.", minutes(own_hooks::WATCHED_SECONDS), own_hooks_verdict(report));
    println!(
        "CodeDeploy calls it HEALTH_CONSTRAINTS: multiple deployments are attempting to run at the same time on an instance."
    );
}

/// Prints what follows.
pub fn start(speed: f64) {
    println!("\nUnder Turnstile: one hook, one rollout, time runs {speed} times as fast.\n");
}

/// Prints the run under Turnstile, which is over.
pub fn rollout(rollout: &Rollout) {
    let hook = rollout.hook();
    let deployments = deployments::of(rollout.deployments(), hook.and_then(|hook| hook.closed_at));
    println!("\n{}\n", deployments::table(&deployments));
    if rollout.is_good()
        && let Some((opened_at, completed_at)) = hook.and_then(|hook| Some((hook.opened_at, hook.closed_at?)))
    {
        let gap = deployments::worst_gap(&deployments);
        println!("{}", measures(completed_at - opened_at, gap, rollout.transitions));
    }
    if let Some(execution) = rollout.execution.as_ref().filter(|execution| execution.status != "SUCCEEDED") {
        let (error, cause) = (execution.error.as_deref(), execution.cause.as_deref());
        let reason = reason::readable(error.unwrap_or_default(), cause.unwrap_or_default());
        println!("The rollout {}: {reason}", execution.status);
    }
    if let Some(text) = rollout.release().map(|release| release_beside(rollout, release)) {
        println!("{text}");
    }
    for violation in &rollout.report.violations {
        println!("Violation: {violation}");
    }
    println!("\n{}.", verdict(rollout));
}

/// Prints what follows: the launch with gates, beside a pipeline.
pub fn start_gated(release: Release) {
    println!(
        "\nUnder Turnstile with gates, one instance in service: a pipeline releases {} while {} is deployed to the launching instance.\n",
        release.application, release.during
    );
}

/// How a pipeline's deployment and the rollout went beside each other.
fn release_beside(rollout: &Rollout, release: &DeploymentReport) -> String {
    let name = &release.application_name;
    let (from, to) =
        (release.started_at.unwrap_or(release.created_at), release.ended_at.unwrap_or(rollout.watched_until));
    let reached = match release.instance_ids.contains(&rollout.instance_id) {
        true => "It reached the launching instance, too.",
        false => {
            "It did not reach the launching instance, which got the build in its turn, and the rollout did not wait for it."
        }
    };
    format!(
        "The pipeline's {name} ({}): {} from {}, {}, on {}. {reached}",
        release.deployment_id,
        release.status,
        minutes(from),
        minutes(to - from),
        release.instance_ids.join(", "),
    )
}

/// What became of the launch under CodeDeploy's own hooks, in a few words.
pub fn own_hooks_verdict(report: &Report) -> String {
    let in_service = report.instances.iter().filter(|instance| instance.in_service_at.is_some()).count();
    let outcome = if in_service == 0 { "none".to_owned() } else { in_service.to_string() };
    format!("{} launches, {outcome} in service", report.instances.len())
}

/// What became of the launch under Turnstile, in a few words.
pub fn verdict(rollout: &Rollout) -> String {
    let instance = rollout.instance();
    match instance.in_service_at {
        Some(at) => format!("In service after {}", minutes(at - instance.launched_at)),
        None => format!("Not in service: {}", instance.lifecycle_state),
    }
}

/// The comparison with fixed sleeps, and what the rollout costs beside the limits. `seconds` are from the launch hook to its completion.
fn measures(seconds: f64, worst_gap: Option<deployments::Gap>, transitions: usize) -> Table {
    let applications = APPLICATIONS.len();
    let fixed = FIXED_SLEEP_SECONDS * applications as f64;
    let saved = format!("{:.0} % less", 100.0 * (1.0 - seconds / fixed));
    let mut table = Table::new();
    table.add_row(["from the launch hook to CONTINUE", &minutes(seconds), &saved]);
    table.add_row([&format!("the same with {applications} fixed sleeps of 600 s"), &minutes(fixed), ""]);
    if let Some(gap) = worst_gap {
        let wait = format!("{:.0} s", gap.seconds);
        table.add_row(["wait nearest to its limit", &wait, &format!("may be {:.0} s", gap.limit)]);
    }
    let each = format!("{:.1}", transitions as f64 / applications as f64);
    table.add_row(["state transitions an application", &each, &format!("may be {TRANSITIONS_LIMIT}")]);
    table.load_style(comfy_table::presets::NOTHING);
    if let Some(values) = table.column_mut(1) {
        values.set_cell_alignment(CellAlignment::Right);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deployments::tests::has_row;

    #[test]
    fn each_measure_is_beside_its_limit() {
        let gap = deployments::Gap { seconds: 31.6, limit: 49.2 };
        let text = measures(1500.0, Some(gap), 74).to_string();
        for line in [
            "from the launch hook to CONTINUE 25:00 58 % less",
            "the same with 6 fixed sleeps of 600 s 60:00",
            "wait nearest to its limit 32 s may be 49 s",
            "state transitions an application 12.3 may be 16",
        ] {
            assert!(has_row(&text, line), "{line} in\n{text}");
        }
    }

    #[test]
    fn own_hooks_are_judged_by_what_came_into_service() {
        let mut report = own_hooks::run().unwrap();
        assert_eq!(own_hooks_verdict(&report), "5 launches, none in service");
        report.instances[0].in_service_at = Some(1.0);
        assert_eq!(own_hooks_verdict(&report), "5 launches, 1 in service");
    }
}
