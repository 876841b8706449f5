//! How long to wait before asking again. Short waits cost state transitions and are throttled, long ones cost time.
//!
//! All in seconds. Nothing here reads a clock: elapsed time is the sum of the waits so far, carried by the execution.

use crate::plan::Hook;

/// CodeDeploy throttles callers that ask for a deployment every 5 s; 10 s keeps clear of that.
const SHORTEST: u32 = 10;
/// An operator who watches should not wait longer than this for a deployment that is already over.
const LONGEST_POLL: u32 = 60;
/// However long the last deployment took: it may have been held up by an instance that was dead, and the next one not.
const LONGEST_BY_HISTORY: u32 = 600;
/// Which part of a wait of hours a single poll may be, as they add up: two days of them have to fit into the 25,000 events of an execution (Step
/// Functions developer guide, "Quotas").
const OF_A_LONG_WAIT: u32 = 120;
/// Where nothing is known: what the AWS CLI's waiter takes.
const WITHOUT_HISTORY: u32 = 15;

/// The longest that a Lambda call goes on after its execution has ended: the functions' Timeout in template.yaml, the 10 s that an
/// environment may take to start (Lambda developer guide, "Lambda execution environment lifecycle"), and some for the way.
pub const LONGEST_CALL: u32 = 90;
/// How long a deployment may have nothing at work and make no progress before those left count as dead. Each lifecycle event has
/// to start within five minutes of the one before (CodeDeploy user guide, "CodeDeploy quotas").
pub const GRACE: u32 = 300;
/// A lifecycle event cannot be at work for longer: it starts within five minutes of the one before, and a script is ended after an
/// hour (CodeDeploy user guide, "CodeDeploy quotas").
pub const LONGEST_EVENT: u32 = 3_900;
/// CodeDeploy ends every deployment after 8 to 12 hours (CodeDeploy user guide, "CodeDeploy quotas").
pub const LONGEST_DEPLOYMENT: u32 = 43_200;

/// The wait between starting a deployment and the first look at it: until 90 % of the expected duration are over, so
/// that a deployment of usual length is met by the first looks after that, a tenth of the time so far apart.
pub fn before_first_look(expected: Option<u32>, hook: Option<&Hook>) -> u32 {
    let wait = expected.map_or(WITHOUT_HISTORY, |expected| nearly_over(expected).max(SHORTEST));
    wait.min(longest_between_heartbeats(hook))
}

/// The wait before looking again after `elapsed`: to just before the expected end, if that is still to come, otherwise a
/// tenth of what has passed, so that the time lost at the end stays in proportion to the deployment.
pub fn before_next_look(elapsed: u32, expected: Option<u32>, hook: Option<&Hook>) -> u32 {
    let left = expected.map_or(0, |expected| nearly_over(expected).saturating_sub(elapsed));
    let wait = match left {
        SHORTEST.. => left,
        _ => elapsed.div_ceil(10).clamp(SHORTEST, longest_poll(elapsed)),
    };
    wait.min(longest_between_heartbeats(hook))
}

fn nearly_over(expected: u32) -> u32 {
    (expected.saturating_mul(9) / 10).min(LONGEST_BY_HISTORY)
}

/// The longest wait between two looks: a minute, and after two hours more.
fn longest_poll(elapsed: u32) -> u32 {
    LONGEST_POLL.max(elapsed / OF_A_LONG_WAIT).min(LONGEST_BY_HISTORY)
}

/// The wait before asking again whether a busy group has become free.
pub fn for_slot(elapsed: u32, hook: Option<&Hook>) -> u32 {
    (WITHOUT_HISTORY + elapsed / 10).min(longest_poll(elapsed)).min(longest_between_heartbeats(hook))
}

/// How long to wait, in all, for other deployments to end. They say nothing about the instance, which would be replaced by one that
/// waits for the same: CodeDeploy itself ends them. After a failed attempt of its own it waits for `timeout`, the application's.
pub fn longest_for_slot(attempt: u32, timeout: u32) -> u32 {
    match attempt {
        1 => LONGEST_DEPLOYMENT,
        _ => timeout,
    }
}

/// The wait before asking for the turn again. `spread`, 0 to 1, keeps rollouts that started together from asking together.
pub fn for_turn(elapsed: u32, spread: f64, hook: Option<&Hook>) -> u32 {
    let longest = f64::from(for_slot(elapsed, hook));
    // Between three quarters and the whole; the result is smaller than the u32 it is made from.
    (longest * (0.75 + 0.25 * spread.clamp(0.0, 1.0))).ceil() as u32
}

/// The wait until a turn that was taken over may be used, or until the next heartbeat; `elapsed` since it was. `None`: it may.
pub fn for_last_calls(elapsed: u32, hook: Option<&Hook>) -> Option<u32> {
    let left = LONGEST_CALL.saturating_sub(elapsed);
    (left > 0).then(|| left.min(longest_between_heartbeats(hook)))
}

/// The wait before asking for the turn again after giving it up to a neighbour: long enough for every other rollout to ask once.
pub fn to_give_way(hook: Option<&Hook>) -> u32 {
    LONGEST_POLL.min(longest_between_heartbeats(hook))
}

/// How long a failed rollout leaves its instance before it is abandoned, by how many launches of the group have failed in a row:
/// 1, 2, 4 … 30 minutes.
pub fn to_back_off(failures: u32) -> u32 {
    const MINUTE: u32 = 60;
    MINUTE.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1))).min(30 * MINUTE)
}

/// How long a hook can still be kept open, `elapsed` after the rollout began: 100 times its heartbeat time-out, at most 48 hours
/// (Auto Scaling API reference, PutLifecycleHook), less what the launch's event, the last wait and the last calls may take.
pub fn until_hook_is_over(elapsed: u32, hook: &Hook) -> u32 {
    const MOST: u32 = 48 * 3_600;
    const CALLS: u32 = 600;
    let open = hook.heartbeat_timeout_seconds.saturating_mul(100).min(MOST);
    let last_wait = longest_between_heartbeats(Some(hook)).min(LONGEST_BY_HISTORY);
    open.saturating_sub(CALLS).saturating_sub(last_wait).saturating_sub(elapsed)
}

/// Every look sends a heartbeat. Half the heartbeat time-out leaves room for one that is lost.
pub fn longest_between_heartbeats(hook: Option<&Hook>) -> u32 {
    hook.map_or(u32::MAX, |hook| (hook.heartbeat_timeout_seconds / 2).max(1))
}

/// How long the next deployment to one instance should take, judged by the group's last successful one.
///
/// `duration` is that deployment's from creation to end, in seconds; `instances` how many it deployed to. All at once
/// they take as long as one; otherwise one after the other (or, for HalfAtATime, in two halves). An estimate that is too
/// short costs a few looks, one that is too long costs the time itself, so an unknown configuration counts as one after
/// the other.
pub fn expected_duration(duration: u32, instances: u32, deployment_config_name: &str) -> u32 {
    let waves = match deployment_config_name {
        "CodeDeployDefault.AllAtOnce" => 1,
        "CodeDeployDefault.HalfAtATime" => instances.clamp(1, 2),
        _ => instances.max(1),
    };
    duration / waves
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hook(heartbeat_timeout_seconds: u32) -> Hook {
        Hook { lifecycle_hook_name: "turnstile".into(), heartbeat_timeout_seconds }
    }

    #[test]
    fn the_first_wait_comes_from_history() {
        for (expected, heartbeat_timeout, wait) in [
            (None, None, 15),
            (Some(240), None, 216),
            (Some(5), None, 10),
            (Some(0), None, 10),
            (Some(3_600), None, 600),
            (Some(3_600), Some(600), 300),
            (Some(240), Some(30), 15),
        ] {
            assert_eq!(before_first_look(expected, heartbeat_timeout.map(hook).as_ref()), wait, "{expected:?}");
        }
    }

    #[test]
    fn later_waits_grow_with_the_time_that_has_passed() {
        for (elapsed, expected, heartbeat_timeout, wait) in [
            (15, None, None, 10),
            (216, Some(240), None, 22),
            (15, Some(240), None, 201),
            (210, Some(240), None, 21),
            (5_000, Some(240), None, 60),
            (400, None, None, 40),
            (300, Some(3_600), Some(600), 300),
            (600, Some(3_600), None, 60),
        ] {
            let hook = heartbeat_timeout.map(hook);
            assert_eq!(before_next_look(elapsed, expected, hook.as_ref()), wait, "{elapsed} of {expected:?}");
        }
    }

    #[test]
    fn the_last_deployment_is_shared_out_over_its_instances() {
        for (duration, instances, config, expected) in [
            (240, 1, "CodeDeployDefault.OneAtATime", 240),
            (1_200, 5, "CodeDeployDefault.OneAtATime", 240),
            (240, 5, "CodeDeployDefault.AllAtOnce", 240),
            (480, 5, "CodeDeployDefault.HalfAtATime", 240),
            (240, 1, "CodeDeployDefault.HalfAtATime", 240),
            (240, 0, "Custom", 240),
        ] {
            assert_eq!(expected_duration(duration, instances, config), expected, "{config} × {instances}");
        }
    }

    #[test]
    fn others_are_no_reason_to_fail_as_long_as_codedeploy_may_let_them_go_on() {
        assert_eq!((longest_for_slot(1, 60), longest_for_slot(2, 60)), (12 * 3_600, 60));
    }

    #[test]
    fn backing_off_doubles_up_to_half_an_hour() {
        let minutes: Vec<u32> = (0..9).map(|failures| to_back_off(failures) / 60).collect();
        assert_eq!(minutes, [1, 1, 2, 4, 8, 16, 30, 30, 30]);
        assert_eq!(to_back_off(u32::MAX), 1_800);
    }

    #[test]
    fn a_hook_ends_after_a_hundred_of_its_time_outs_or_two_days() {
        for (timeout, elapsed, left) in
            [(600, 0, 59_100), (600, 59_000, 100), (600, 70_000, 0), (7_200, 0, 171_600), (30, 0, 2_385)]
        {
            assert_eq!(until_hook_is_over(elapsed, &hook(timeout)), left, "{timeout} after {elapsed}");
        }
    }

    #[test]
    fn no_call_lasts_longer_than_is_waited_for() {
        let template = include_str!("../../../template.yaml");
        let timeout = template.lines().find_map(|line| line.strip_prefix("    Timeout: ")).expect("Globals' Timeout");
        let timeout: u32 = timeout.parse().expect("a number of seconds");
        assert!(timeout + 20 < LONGEST_CALL, "{timeout} s, and the start of an environment");
    }

    /// Looks at a deployment of `duration` as the state machine does; returns how many looks it took and how much later
    /// than the end the last one was.
    fn follow(duration: u32, expected: Option<u32>, hook: Option<&Hook>) -> (u32, u32) {
        let (mut elapsed, mut looks) = (before_first_look(expected, hook), 1);
        while elapsed < duration {
            elapsed += before_next_look(elapsed, expected, hook);
            looks += 1;
        }
        (looks, elapsed - duration)
    }

    /// An execution has 25,000 events, and a poll is nine of them: the task's five, the choice's two and the wait's two.
    #[test]
    fn two_days_of_waiting_for_the_turn_fit_into_an_execution() {
        let (mut elapsed, mut polls) = (0, 0);
        while elapsed < 48 * 3_600 {
            elapsed += for_turn(elapsed, 0.0, None);
            polls += 1;
        }
        assert!(polls * 9 < 10_000, "{polls}");
    }

    proptest! {
        #[test]
        fn a_deployment_as_long_as_the_last_is_met_by_three_looks(expected in 120u32..600, percent in 92u32..=108) {
            let (looks, late) = follow(expected * percent / 100, Some(expected), None);
            prop_assert!(looks <= 3, "{looks} looks");
            prop_assert!(late <= (expected / 10).max(SHORTEST), "{late} s late");
        }

        #[test]
        fn without_history_no_more_than_a_tenth_is_lost(duration in 20u32..7_200) {
            let (_, late) = follow(duration, None, None);
            prop_assert!(late <= (duration / 10).max(WITHOUT_HISTORY), "{late} s late");
        }

        #[test]
        fn no_wait_outlasts_a_heartbeat(timeout in 30u32..=7_200, elapsed in 0u32..200_000, expected in proptest::option::of(0u32..50_000)) {
            let hook = hook(timeout);
            for wait in [
                before_first_look(expected, Some(&hook)), before_next_look(elapsed, expected, Some(&hook)), for_slot(elapsed, Some(&hook)),
                for_turn(elapsed, 1.0, Some(&hook)), for_last_calls(0, Some(&hook)).unwrap(), to_give_way(Some(&hook)),
            ] {
                prop_assert!((1..timeout).contains(&wait), "{wait}");
            }
        }

        #[test]
        fn the_last_calls_of_a_dead_rollout_are_waited_for_in_full(timeout in 30u32..=7_200) {
            let hook = hook(timeout);
            let mut elapsed = 0;
            while let Some(wait) = for_last_calls(elapsed, Some(&hook)) {
                elapsed += wait;
            }
            prop_assert_eq!(elapsed, LONGEST_CALL);
        }

        #[test]
        fn no_poll_is_shorter_than_ten_seconds_or_in_the_first_two_hours_longer_than_a_minute(elapsed in 0u32..200_000) {
            let longest = if elapsed < 2 * 3_600 { LONGEST_POLL } else { LONGEST_BY_HISTORY };
            for wait in [before_next_look(elapsed, None, None), for_slot(elapsed, None), for_turn(elapsed, 0.0, None)] {
                prop_assert!((SHORTEST..=longest).contains(&wait), "{wait}");
            }
        }
    }
}
