//! The figures that are told of a rollout, of a back-off, and of the schedule's search.

use serde_json::Value;

use crate::limits::{LONGEST_HOOK, MOST_HEARTBEAT_TIMEOUTS};
use crate::words::hook::Hook;
use crate::words::ids::AutoScalingGroupName;
use crate::words::metric::Dimension::{Application, AutoScalingGroupName as Group, Error, Outcome, StateMachine};
use crate::words::metric::{Dimension, Figures, Metric};
use crate::words::rollout_end::{FAILED, RolloutEnd, SUCCEEDED, TIMED_OUT};
use crate::words::time::Timestamp;

/// Alarms go by the state machine alone: a stack serves groups that it does not know beforehand.
const OF_STACK_AND_GROUP: [&[Dimension]; 2] = [&[StateMachine], &[StateMachine, Group]];

/// Those of a rollout's end. `launched_at` is when its instance's launch began, if it had one and that is known.
pub fn of_end(end: &RolloutEnd, launched_at: Option<Timestamp>) -> Vec<Figures> {
    let state_machine = end.id.execution.state_machine_name();
    let group = dimension(end.auto_scaling_group_name.as_deref());
    let about = |figures: Figures| {
        let instance = end.instance_id.as_deref().unwrap_or_default();
        figures.of(Group, group).about("execution", end.id.execution.as_str()).about("instance", instance)
    };
    let ended = Figures::new(state_machine, vec![&[StateMachine, Group, Outcome]]);
    let mut all = vec![about(ended).of(Outcome, &end.outcome).value(Metric::Rollouts, 1.0)];
    match end.outcome.as_str() {
        FAILED | TIMED_OUT => {
            let failed = vec![&[StateMachine] as &[_], &[StateMachine, Error], &[StateMachine, Group, Error]];
            let error = dimension(end.error.as_deref());
            all.push(about(Figures::new(state_machine, failed)).of(Error, error).value(Metric::FailedRollouts, 1.0));
        }
        SUCCEEDED => {
            let mut times = about(Figures::new(state_machine, vec![&[StateMachine, Group]]));
            if let Some((launched_at, ended_at)) = launched_at.zip(end.ended_at) {
                times = times.value(Metric::LaunchToServiceSeconds, f64::from(ended_at.seconds_since(launched_at)));
            }
            if let Some(waited) = end.output["waitedSeconds"].as_f64() {
                times = times.value(Metric::WaitingForTurnsSeconds, waited);
            }
            let deployments = deployments(&end.output);
            if !deployments.is_empty() {
                times = times.value(Metric::BetweenDeploymentsSeconds, between(&deployments));
            }
            if !times.values.is_empty() {
                all.push(times);
            }
            all.extend(deployments.iter().map(|Deployed { application, seconds, .. }| {
                about(Figures::new(state_machine, vec![&[StateMachine, Group, Application]]))
                    .of(Application, application)
                    .value(Metric::DeploymentSeconds, f64::from(*seconds))
            }));
        }
        _ => {}
    }
    all
}

/// What CloudWatch takes as the value of a dimension: 1 to 1,024 ASCII characters, not all of them spaces (CloudWatch API reference, Dimension). What
/// a person has typed may be anything else.
fn dimension(value: Option<&str>) -> &str {
    let is_one = |value: &&str| {
        value.len() <= 1_024 && !value.trim().is_empty() && value.bytes().all(|b| matches!(b, b' '..=b'~'))
    };
    value.filter(is_one).unwrap_or("unknown")
}

/// That so many launches of a group have failed in a row.
pub fn of_back_off(state_machine: &str, group: &AutoScalingGroupName, failures_in_a_row: u32) -> Figures {
    let figures = Figures::new(state_machine, OF_STACK_AND_GROUP.to_vec()).of(Group, group.as_str());
    figures.value(Metric::FailuresInARow, f64::from(failures_in_a_row))
}

/// What the schedule has found in a group.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// Launches without a rollout for which one was started.
    pub started: usize,
    /// How long the oldest launch that waits at the hook has lasted, in seconds; `None`: no launch does, or that is not known.
    pub oldest_seconds: Option<u32>,
    /// The hook at which it waits, where that had to be asked.
    pub hook: Option<Hook>,
}

/// Those of the schedule's search in a group; `None` when there is nothing to tell.
pub fn of_group(state_machine: &str, group: &AutoScalingGroupName, found: &Found) -> Option<Figures> {
    let mut figures = Figures::new(state_machine, OF_STACK_AND_GROUP.to_vec()).of(Group, group.as_str());
    if found.started > 0 {
        figures = figures.value(Metric::LaunchesFound, found.started as f64);
    }
    if let Some(oldest) = found.oldest_seconds {
        figures = figures.value(Metric::OldestLaunchSeconds, f64::from(oldest));
        if let Some(hook) = &found.hook {
            let longest = hook.heartbeat_timeout_seconds.saturating_mul(MOST_HEARTBEAT_TIMEOUTS).min(LONGEST_HOOK);
            let used = 100.0 * f64::from(oldest) / f64::from(longest.max(1));
            figures = figures.value(Metric::HookTimeUsedPercent, used.min(100.0).round());
        }
    }
    (!figures.values.is_empty()).then_some(figures)
}

/// Those of the schedule's search as a whole. `hooks_vanished` is `None` when it could not look.
pub fn of_sweep(state_machine: &str, has_failed: bool, hooks_vanished: Option<usize>) -> Figures {
    let figures =
        Figures::new(state_machine, vec![&[StateMachine]]).value(Metric::SweepsFailed, f64::from(u8::from(has_failed)));
    hooks_vanished.into_iter().fold(figures, |figures, hooks| figures.value(Metric::HooksVanished, hooks as f64))
}

/// A deployment of a rollout, of which is known when it was.
#[derive(Debug, PartialEq)]
struct Deployed {
    application: String,
    created_at: Timestamp,
    seconds: u32,
}

/// The deployments in an output, in order. An application whose deployment another rollout has made is none of this one's.
fn deployments(output: &Value) -> Vec<Deployed> {
    let deployed = |entry: &Value| {
        let text = |field: &str| entry[field].as_str();
        Some(Deployed {
            application: format!("{}/{}", text("applicationName")?, text("deploymentGroupName")?),
            created_at: Timestamp::try_from(text("createdAt")?.to_owned()).ok()?,
            seconds: u32::try_from(entry["seconds"].as_u64()?).ok()?,
        })
    };
    let entries = output["applications"].as_array().into_iter().flatten();
    entries.filter(|entry| entry["attempts"].as_u64() > Some(0)).filter_map(deployed).collect()
}

/// The seconds in which none of the deployments was under way, from the first one's beginning to the last one's end.
fn between(deployments: &[Deployed]) -> f64 {
    let gap = |pair: &[Deployed]| pair[1].created_at.seconds_since(pair[0].created_at.plus_seconds(pair[0].seconds));
    deployments.windows(2).map(gap).map(f64::from).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::rollout_end::{self, tests::execution};
    use crate::words::execution::{Execution, ExecutionStatus};
    use serde_json::json;

    fn values(all: &[Figures]) -> Vec<(String, f64)> {
        all.iter().flat_map(|one| &one.values).map(|(metric, value)| (metric.to_string(), *value)).collect()
    }

    fn named(all: &[(&str, f64)]) -> Vec<(String, f64)> {
        all.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()
    }

    fn ended(output: Value) -> RolloutEnd {
        rollout_end::of(&Execution { output, ..execution(ExecutionStatus::Succeeded) }).unwrap()
    }

    #[test]
    fn a_success_tells_its_times() {
        let entry = |name: &str, created_at: i64, seconds: u32, attempts: u32| {
            let created_at = Timestamp::from_seconds(created_at);
            json!({"applicationName": name, "deploymentGroupName": "P", "createdAt": created_at, "seconds": seconds, "attempts": attempts})
        };
        let applications =
            [entry("A", 100, 60, 1), entry("B", 170, 100, 2), entry("Other", 0, 9, 0), entry("C", 300, 10, 1)];
        let end = ended(json!({"outcome": "SUCCEEDED", "waitedSeconds": 25, "applications": applications}));
        let expected = [
            ("Rollouts", 1.0),
            ("LaunchToServiceSeconds", 1_440.0),
            ("WaitingForTurnsSeconds", 25.0),
            ("BetweenDeploymentsSeconds", 40.0),
            ("DeploymentSeconds", 60.0),
            ("DeploymentSeconds", 100.0),
            ("DeploymentSeconds", 10.0),
        ];
        let figures = of_end(&end, Some(Timestamp::from_seconds(60)));
        assert_eq!(values(&figures), named(&expected));
        assert!(figures[2].of.contains(&("Application".to_owned(), "A/P".to_owned())));
    }

    #[test]
    fn what_an_output_does_not_tell_is_left_out() {
        for output in [json!({"outcome": "SUCCEEDED"}), Value::Null, json!({"applications": [{"attempts": 1}]})] {
            assert_eq!(values(&of_end(&ended(output), None)), named(&[("Rollouts", 1.0)]));
        }
        let gone = ended(json!({"outcome": "INSTANCE_GONE", "waitedSeconds": 1}));
        assert_eq!(values(&of_end(&gone, None)), named(&[("Rollouts", 1.0)]));
    }

    #[test]
    fn a_failure_is_counted_for_the_stack_by_error_and_by_group() {
        for (status, outcome, count) in [
            (ExecutionStatus::Failed, "FAILED", 2),
            (ExecutionStatus::TimedOut, "TIMED_OUT", 2),
            (ExecutionStatus::Aborted, "ABORTED", 1),
        ] {
            let error = Some("Turnstile.DeploymentFailed".to_owned());
            let end = rollout_end::of(&Execution { error, ..execution(status) }).unwrap();
            let all = of_end(&end, None);
            assert_eq!(all.len(), count, "{outcome}");
            assert!(all[0].of.contains(&("Outcome".to_owned(), outcome.to_owned())));
            if let Some(failed) = all.get(1) {
                assert_eq!(failed.dimensions.len(), 3);
                assert!(failed.of.contains(&("Error".to_owned(), "Turnstile.DeploymentFailed".to_owned())));
            }
        }
    }

    #[test]
    fn a_hook_s_time_is_100_heartbeat_time_outs_and_48_hours_at_the_most() {
        let group = AutoScalingGroupName::try_from("web").unwrap();
        let hook = |seconds| Hook {
            lifecycle_hook_name: "turnstile".to_owned().try_into().unwrap(),
            heartbeat_timeout_seconds: seconds,
            default_result: Default::default(),
            notification_metadata: None,
        };
        for (heartbeat_timeout, oldest, used) in [(120, 6_000, 50.0), (7_200, 86_400, 50.0), (120, 99_999, 100.0)] {
            let found = Found { started: 1, oldest_seconds: Some(oldest), hook: Some(hook(heartbeat_timeout)) };
            let figures = of_group("turnstile", &group, &found).unwrap();
            let expected =
                [("LaunchesFound", 1.0), ("OldestLaunchSeconds", f64::from(oldest)), ("HookTimeUsedPercent", used)];
            assert_eq!(values(&[figures]), named(&expected));
        }
        assert_eq!(of_group("turnstile", &group, &Found::default()), None);
    }

    #[test]
    fn every_dimension_has_a_value() {
        let group = AutoScalingGroupName::try_from("web").unwrap();
        let found = Found { started: 2, ..Found::default() };
        let mut all = vec![of_sweep("turnstile", true, Some(0)), of_back_off("turnstile", &group, 3)];
        all.extend(of_group("turnstile", &group, &found));
        all.extend(of_end(&ended(json!({"outcome": "SUCCEEDED", "waitedSeconds": 1})), None));
        for figures in all {
            for dimension in figures.dimensions.iter().copied().flatten() {
                assert!(
                    figures.of.iter().any(|(name, _)| *name == dimension.to_string()),
                    "{dimension} of {figures:?}"
                );
            }
        }
    }
}
