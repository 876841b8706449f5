//! A broken application: every launch fails, and the group launches another, for ever. Measured is how many launches there are an hour,
//! under Turnstile and under CodeDeploy's own hooks.

use serde::Serialize;
use stack::six_applications::GROUP;
use stack::{Error, Stack, minutes};
use world::{Clock, ClosedBy, HookActionReport, HookResult, Report, SettingError, World};

use crate::case::{Beside, Case, Launches, Mode, Place};
use crate::lag::Lag;
use crate::progress::Progress;
use crate::row::Row;
use crate::run::{PAUSE, Run, executions_at_end, measure};
use crate::setting;

/// How many launches fail in a row.
const LAUNCHES: usize = 20;
/// Two attempts for each launch, the default of `maxAttempts`.
const DEPLOYMENTS: usize = 2 * LAUNCHES;
/// World seconds after which the case is given up.
const GIVE_UP_AFTER: f64 = 16.0 * 3_600.0;
/// World seconds within which the executions end after the last launch has failed.
const EXECUTIONS_END_WITHIN: f64 = 1_800.0;

/// World seconds a real second. Most of the time is back-off, in which the stack has nothing to do.
pub const SPEED: f64 = 300.0;

/// The launches under Turnstile.
pub const CASE: Case = Case {
    name: "a broken application, 20 launches in a row",
    instances: LAUNCHES,
    mode: Mode::Shared,
    launches: Launches::OneAfterAnother,
    codedeploy: None,
    place: Place::Stack(SPEED),
    beside: Beside::Nothing,
    limit_deployments: DEPLOYMENTS,
    limit_makespan_ratio: None,
    limit_mean_ratio: None,
    limit_worst_ratio: None,
    limit_codedeploy_calls: None,
    limit_transitions: None,
};

/// Launches of which each replaces the one before.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Loop {
    /// The launches that were followed by another one.
    pub launches: usize,
    /// From the first launch to the last replacement.
    pub hours: f64,
    /// Launches by hours.
    pub launches_per_hour: f64,
    /// The longest from the end of an instance's last deployment until its hook was completed.
    pub longest_kept_seconds: f64,
}

impl Loop {
    fn of(report: &Report) -> Self {
        let launched: Vec<f64> = report.instances.iter().map(|instance| instance.launched_at).collect();
        let launches = launched.len().saturating_sub(1).min(LAUNCHES);
        let hours = launched.first().map_or(0.0, |first| (launched[launches] - first) / 3_600.0);
        let abandoned = report.hook_actions.iter().filter(|action| action.result == Some(HookResult::Abandon));
        let longest = abandoned.filter_map(|action| kept_open(action, report)).fold(0.0, f64::max);
        let launches_per_hour = if hours > 0.0 { launches as f64 / hours } else { 0.0 };
        Self { launches, hours, launches_per_hour, longest_kept_seconds: longest }
    }
}

/// World seconds from the end of the instance's last deployment before its hook's until the hook was completed.
fn kept_open(action: &HookActionReport, report: &Report) -> Option<f64> {
    let closed = action.closed_at?;
    let of_it = report.deployments.iter().filter(|deployment| deployment.instance_ids.contains(&action.instance_id));
    let last = of_it.filter_map(|deployment| deployment.ended_at).filter(|end| *end <= closed).max_by(f64::total_cmp);
    Some(closed - last?)
}

/// The most launches an hour: those that only the back-off of 1, 2, 4 … 30 minutes keeps apart.
pub fn limit_launches_per_hour() -> f64 {
    let minutes = (0..LAUNCHES as u32).map(|failures| 2_u32.saturating_pow(failures).min(30));
    LAUNCHES as f64 / (f64::from(minutes.sum::<u32>()) / 60.0)
}

/// Launches one instance and watches it and its replacements until [`LAUNCHES`] launches have failed.
///
/// # Errors
/// The engine's, if it does not answer.
pub async fn watch(stack: &Stack, speed: f64, progress: &mut Progress) -> Result<Run, Error> {
    let world = stack.world();
    world.launch(GROUP).expect("the setting has the group, and room in it");
    loop {
        let (now, launched) = (world.now(), world.report_without_calls().instances.len());
        progress.show(launched, format!("{:>7}  launches: {launched}", minutes(now)));
        if launched > LAUNCHES || now > GIVE_UP_AFTER {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    let executions = executions_at_end(stack, LAUNCHES, EXECUTIONS_END_WITHIN).await?;
    let (mut report, turns) = (world.report(), stack.turns().await?);
    let instance_ids: Vec<String> =
        report.instances.iter().take(LAUNCHES).map(|instance| instance.instance_id.clone()).collect();
    // The last replacement has begun deployments of its own, which do not count.
    report.deployments.retain(|deployment| deployment.instance_ids.iter().any(|id| instance_ids.contains(id)));
    let rollouts = measure(stack, executions, &report, speed).await?;
    Ok(Run { instance_ids, report, rollouts, turns })
}

/// The same world under CodeDeploy's own hooks, until as many launches have failed. Takes no real time.
///
/// # Errors
/// The setting's, if it is wrong.
pub fn under_own_hooks() -> Result<Loop, SettingError> {
    const STEP_SECONDS: f64 = 60.0;
    let world = World::new(setting::broken_under_own_hooks(), Clock::Manual)?;
    world.launch(GROUP).expect("the setting has the group, and room in it");
    while world.report_without_calls().instances.len() <= LAUNCHES && world.now() < GIVE_UP_AFTER {
        world.advance(STEP_SECONDS);
    }
    Ok(Loop::of(&world.report()))
}

/// What the case measured: a row of `report.json` as every case has it, and the loop beside CodeDeploy's.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BrokenRow {
    /// The row as every case has it; each launch is an instance.
    #[serde(flatten)]
    pub row: Row,
    /// The loop under Turnstile.
    #[serde(flatten)]
    pub turnstile: Loop,
    /// The most launches an hour.
    pub limit_launches_per_hour: f64,
    /// World seconds that the local stack itself took in all rollouts together.
    pub stack_seconds: f64,
    /// The loop under CodeDeploy's own hooks.
    pub under_own_hooks: Loop,
}

impl BrokenRow {
    /// What a run measured, at `speed` world seconds a real second.
    pub fn of(speed: f64, run: &Run, under_own_hooks: Loop) -> Self {
        Self {
            row: Row::of(&CASE, Place::Stack(speed), run),
            turnstile: Loop::of(&run.report),
            limit_launches_per_hour: limit_launches_per_hour(),
            stack_seconds: run
                .rollouts
                .iter()
                .filter_map(|rollout| rollout.lag)
                .map(Lag::total)
                .fold(0.0, std::ops::Add::add),
            under_own_hooks,
        }
    }

    /// What went wrong, a sentence each.
    pub fn problems(&self, run: &Run) -> Vec<String> {
        let Loop { launches, launches_per_hour, .. } = self.turnstile;
        let few = (launches < LAUNCHES).then(|| format!("only {launches} launches failed"));
        let many = (launches_per_hour > self.limit_launches_per_hour)
            .then(|| format!("{launches_per_hour:.3} launches an hour, at most {:.3}", self.limit_launches_per_hour));
        let executions = run.rollouts.iter().map(|rollout| &rollout.execution);
        let executions =
            executions.filter(|execution| execution.error.as_deref() != Some("Turnstile.DeploymentFailed"));
        let executions = executions.map(|execution| {
            format!("{} {} {}", execution.name, execution.status, execution.error.as_deref().unwrap_or_default())
        });
        let hooks = run.report.hook_actions.iter().filter(|action| run.instance_ids.contains(&action.instance_id));
        let hooks = hooks
            .filter(|action| action.closed_by != Some(ClosedBy::Completion))
            .map(|action| format!("the hook of {} was not completed: {:?}", action.instance_id, action.closed_by));
        let violations = run.report.violations.iter().map(ToString::to_string);
        self.row
            .exceeded_limits()
            .into_iter()
            .chain(few)
            .chain(many)
            .chain(violations)
            .chain(executions)
            .chain(hooks)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::tests::{two_instances, violation};
    use serde_json::{Value, json};

    #[test]
    fn under_own_hooks_launches_are_not_slowed_down() {
        let under_own_hooks = under_own_hooks().unwrap();
        assert_eq!(under_own_hooks.launches, LAUNCHES);
        assert!(under_own_hooks.launches_per_hour > 2.0 * limit_launches_per_hour(), "{under_own_hooks:?}");
    }

    #[test]
    fn the_limit_is_the_back_off_alone() {
        // 1 + 2 + 4 + 8 + 16 minutes, and fifteen times 30.
        assert_eq!(limit_launches_per_hour(), 20.0 / (481.0 / 60.0));
    }

    /// Twenty-one launches, ten minutes apart, of which the first two are the ones of [`two_instances`].
    fn failed() -> Run {
        let mut run = two_instances();
        let [first, ..] = run.report.instances.as_slice() else { panic!("two instances") };
        let launch = first.clone();
        run.report.instances = (0..=LAUNCHES)
            .map(|i| world::InstanceReport { launched_at: 100.0 + 600.0 * i as f64, ..launch.clone() })
            .collect();
        for rollout in &mut run.rollouts {
            rollout.execution.error = Some("Turnstile.DeploymentFailed".to_owned());
        }
        let end = run.report.deployments[0].created_at + 30.0;
        run.report.deployments[0].ended_at = Some(end);
        let instance_id = run.instance_ids[0].clone();
        run.report.deployments[0].instance_ids = vec![instance_id.clone()];
        for action in &mut run.report.hook_actions {
            action.closed_by = Some(ClosedBy::Completion);
            action.result = Some(HookResult::Abandon);
            action.closed_at = Some(if action.instance_id == instance_id { end + 90.0 } else { end - 500.0 });
        }
        run
    }

    #[test]
    fn a_loop_is_measured_from_launch_to_launch() {
        let run = failed();
        let measured = Loop::of(&run.report);
        let hours = 12_000.0 / 3_600.0;
        let expected = Loop { launches: 20, hours, launches_per_hour: 20.0 / hours, longest_kept_seconds: 90.0 };
        assert_eq!(measured, expected);
        let mut short = run.report;
        short.instances.truncate(1);
        assert_eq!((Loop::of(&short).launches, Loop::of(&short).launches_per_hour), (0, 0.0));
    }

    #[test]
    fn a_row_has_every_row_s_fields_and_both_loops() {
        let run = failed();
        let own = under_own_hooks().unwrap();
        let row: Value = serde_json::to_value(BrokenRow::of(300.0, &run, own)).unwrap();
        let every = serde_json::to_value(Row::of(&CASE, Place::Stack(300.0), &run)).unwrap();
        assert!(every.as_object().unwrap().iter().all(|(field, value)| row[field] == *value), "{row:#}");
        assert_eq!((&row["launches"], &row["stackSeconds"]), (&json!(20), &json!(28.0)));
        assert_eq!(row["underOwnHooks"]["launchesPerHour"], json!(own.launches_per_hour));
    }

    #[test]
    fn every_problem_is_reported() {
        let mut run = failed();
        let own = under_own_hooks().unwrap();
        let problems = BrokenRow::of(300.0, &run, own).problems(&run);
        assert_eq!(problems, ["6.000 launches an hour, at most 2.495"]);

        run.report.instances.truncate(3);
        run.report.instances[1].launched_at += 7_200.0;
        run.report.instances[2].launched_at += 7_200.0;
        run.report.violations.push(violation());
        run.rollouts[0].execution.error = None;
        run.report.hook_actions[1].closed_by = Some(ClosedBy::Timeout);
        let (name, id) = (run.rollouts[0].execution.name.clone(), run.report.hook_actions[1].instance_id.clone());
        let problems = BrokenRow::of(300.0, &run, own).problems(&run);
        assert_eq!(
            problems,
            [
                "only 2 launches failed".to_owned(),
                "at 5.0 s: hook turnstile of i-1 was left open".to_owned(),
                format!("{name} SUCCEEDED "),
                format!("the hook of {id} was not completed: Some(Timeout)"),
            ]
        );
    }
}
