//! Whether an instance was gone for its rollout.

use world::{HookActionReport, InstanceReport};

use crate::instance;
use crate::observed::{EXECUTION_TIME_TOLERANCE, Observed, Rollout};

/// World seconds from the beginning of an instance's termination to its end.
const TERMINATING_SECONDS: f64 = 30.0;

/// Whether, when the rollout ended, its instance was being terminated or its hook was over.
pub fn was_gone(rollout: &Rollout, observed: &Observed) -> bool {
    let Some(instance) = rollout.launch.and_then(|launch| observed.instance(launch)) else { return false };
    let ended_at = rollout.execution.ended_at.unwrap_or(f64::MAX) + EXECUTION_TIME_TOLERANCE;
    was_ending(instance, ended_at) || hook_was_over(rollout, &instance.instance_id, ended_at, observed)
}

fn was_ending(instance: &InstanceReport, by: f64) -> bool {
    match instance.terminated_at {
        Some(at) => at - TERMINATING_SECONDS <= by,
        None => instance::is_ending(instance),
    }
}

/// Whether a hook of the instance was over. An instance that comes out of a warm pool waits a second time. It was not gone if it waited like
/// this when the rollout began.
fn hook_was_over(rollout: &Rollout, instance_id: &str, by: f64, observed: &Observed) -> bool {
    let actions = || observed.report.hook_actions.iter().filter(|action| action.instance_id == instance_id);
    let was_closed = |action: &HookActionReport| action.closed_at.is_some_and(|at| at <= by);
    let waits_all_along =
        actions().any(|action| action.opened_at <= rollout.execution.started_at && !was_closed(action));
    actions().any(was_closed) && !waits_all_along
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::sample;

    /// Whether the first instance was gone for a rollout from 45 to 190 s.
    fn gone(change: impl Fn(&mut Observed)) -> bool {
        let mut observed = sample::observed();
        for action in &mut observed.report.hook_actions {
            (action.opened_at, action.closed_at) = (40.0, None);
        }
        change(&mut observed);
        was_gone(&observed.rollouts[0], &observed)
    }

    #[test]
    fn an_instance_is_gone_when_it_ends_or_its_hook_is_over() {
        assert!(!gone(|_| ()), "it waits");
        for (at, expected) in [(100.0, true), (190.0, true), (200.0, false)] {
            let closed = |observed: &mut Observed| observed.report.hook_actions[0].closed_at = Some(at);
            assert_eq!(gone(closed), expected, "hook over at {at}");
            let terminated =
                |observed: &mut Observed| observed.report.instances[0].terminated_at = Some(at + TERMINATING_SECONDS);
            assert_eq!(gone(terminated), expected, "terminated from {at} on");
        }
        assert!(gone(|observed| observed.report.instances[0].lifecycle_state = "Terminating"));
        assert!(!gone(|observed| observed.report.hook_actions[1].closed_at = Some(100.0)), "another one's");
        assert!(!gone(|observed| observed.rollouts[0].launch = None), "a rollout of a whole group");
    }

    #[test]
    fn an_instance_that_waits_a_second_time_is_not_gone() {
        for (second_opened_at, expected) in [(44.0, false), (100.0, true)] {
            let again = |observed: &mut Observed| {
                observed.report.hook_actions[0].closed_at = Some(43.0);
                let second = HookActionReport {
                    opened_at: second_opened_at,
                    closed_at: None,
                    ..observed.report.hook_actions[0].clone()
                };
                observed.report.hook_actions.push(second);
            };
            assert_eq!(gone(again), expected, "{second_opened_at}");
        }
    }
}
