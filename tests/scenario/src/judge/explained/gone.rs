//! Whether an instance was gone for its rollout.

use world::InstanceReport;

use crate::outcome::{Came, Rollout};

/// An execution's end is known in real time, to some milliseconds, which are seconds of the world.
const TOLERANCE_SECONDS: f64 = 5.0;
/// From the beginning of an instance's end until it is terminated.
const TERMINATING_SECONDS: f64 = 30.0;

/// Whether the instance of a rollout was being terminated, or its hook was over, by the rollout's end.
pub fn was_gone(rollout: &Rollout, came: &Came) -> bool {
    let Some(instance) = rollout.launch.and_then(|launch| came.instance(launch)) else { return false };
    let ended_at = rollout.ended_at.unwrap_or(f64::MAX) + TOLERANCE_SECONDS;
    is_ending(instance, ended_at) || hook_was_over(rollout, &instance.instance_id, ended_at, came)
}

fn is_ending(instance: &InstanceReport, by: f64) -> bool {
    match instance.terminated_at {
        Some(at) => at - TERMINATING_SECONDS <= by,
        None => instance.lifecycle_state.contains("Terminating"),
    }
}

/// An instance that comes out of a warm pool waits again: it is not gone as long as it did so when the rollout began.
fn hook_was_over(rollout: &Rollout, instance_id: &str, by: f64, came: &Came) -> bool {
    let of_it = || came.report.hook_actions.iter().filter(|action| action.instance_id == instance_id);
    let closed_by = |action: &world::HookActionReport, by: f64| action.closed_at.is_some_and(|at| at <= by);
    let waits_all_along = of_it().any(|action| action.opened_at <= rollout.started_at && !closed_by(action, by));
    of_it().any(|action| closed_by(action, by)) && !waits_all_along
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::sample;

    /// Whether the first instance was gone for a rollout from 45 to 190 s.
    fn gone(change: impl Fn(&mut Came)) -> bool {
        let mut came = sample::came();
        for action in &mut came.report.hook_actions {
            (action.opened_at, action.closed_at) = (40.0, None);
        }
        change(&mut came);
        was_gone(&came.rollouts[0], &came)
    }

    #[test]
    fn an_instance_is_gone_when_it_ends_or_its_hook_is_over() {
        assert!(!gone(|_| ()), "it waits");
        for (at, expected) in [(100.0, true), (190.0, true), (200.0, false)] {
            assert_eq!(gone(|came| came.report.hook_actions[0].closed_at = Some(at)), expected, "hook over at {at}");
            let terminated = |came: &mut Came| came.report.instances[0].terminated_at = Some(at + TERMINATING_SECONDS);
            assert_eq!(gone(terminated), expected, "terminated from {at} on");
        }
        assert!(gone(|came| came.report.instances[0].lifecycle_state = "Terminating"));
        assert!(!gone(|came| came.report.hook_actions[1].closed_at = Some(100.0)), "another one's");
        assert!(!gone(|came| came.rollouts[0].launch = None), "a rollout of a whole group");
    }

    #[test]
    fn an_instance_that_waits_a_second_time_is_not_gone() {
        for (second_opened_at, expected) in [(44.0, false), (100.0, true)] {
            let again = |came: &mut Came| {
                came.report.hook_actions[0].closed_at = Some(43.0);
                let second = world::HookActionReport {
                    opened_at: second_opened_at,
                    closed_at: None,
                    ..came.report.hook_actions[0].clone()
                };
                came.report.hook_actions.push(second);
            };
            assert_eq!(gone(again), expected, "{second_opened_at}");
        }
    }
}
