//! What the schedule does about an instance that waits at the launch hook without a rollout.
//!
//! As a rule it starts one. But rollouts may fail without completing the hook, and starting one may fail, for as long as something is
//! denied. So the schedule helps a launch only so many times, waits longer from time to time, and leaves the launch to the hook's
//! time-out in the end.

use crate::limits::{LONGEST_WITHOUT_ROLLOUT, MOST_ROLLOUTS};
use crate::policy::back_off;
use crate::words::execution::EndedExecution;
use crate::words::time::Timestamp;

/// What is to be done about the launch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Keep the hook open and, if it was open, start a rollout.
    Start,
    /// Keep the hook open. A rollout has ended too short a time ago.
    KeepOpen,
    /// Do nothing: the hook's time-out ends the launch.
    GiveUp,
    /// Do nothing: a rollout has served the launch, and the instance waits at another hook.
    Leave,
}

/// The next step for a launch without a running rollout. `since` is when it began, if that is known; `ended` are the executions of its
/// instance that have ended, also those of an earlier launch.
pub fn next(since: Option<Timestamp>, ended: &[EndedExecution], now: Timestamp) -> Step {
    let of_launch = || ended.iter().filter(|execution| since.is_none_or(|since| execution.started_at >= since));
    let last = of_launch().max_by_key(|execution| execution.ended_at);
    let rollouts = u32::try_from(of_launch().count()).unwrap_or(u32::MAX);
    let without = since.max(last.map(|last| last.ended_at)).map_or(0, |moment| now.seconds_since(moment));
    if rollouts >= MOST_ROLLOUTS || without > LONGEST_WITHOUT_ROLLOUT {
        return if last.is_some_and(|last| last.has_succeeded) { Step::Leave } else { Step::GiveUp };
    }
    if without < pause(rollouts) { Step::KeepOpen } else { Step::Start }
}

/// How long after the last of so many rollouts the next one is started, in seconds. One that ends may have been aborted: the second
/// follows at once, and each later one after 1, 2, 4 … 30 minutes.
fn pause(rollouts: u32) -> u32 {
    match rollouts {
        0 | 1 => 0,
        more => back_off::length(more - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_seconds(minute * MINUTE)
    }

    /// Executions that ran from one minute to another.
    fn ended(runs: &[(i64, i64)], has_succeeded: bool) -> Vec<EndedExecution> {
        let execution = |&(started, ended): &(i64, i64)| EndedExecution {
            name: String::new(),
            started_at: at(started),
            ended_at: at(ended),
            has_succeeded,
        };
        runs.iter().map(execution).collect()
    }

    #[test]
    fn a_launch_without_a_rollout_gets_one_and_a_second_one_at_once() {
        assert_eq!(next(Some(at(0)), &[], at(1)), Step::Start);
        assert_eq!(next(None, &[], at(1)), Step::Start);
        assert_eq!(next(Some(at(0)), &ended(&[(1, 9)], false), at(9)), Step::Start);
        assert_eq!(
            next(Some(at(100)), &ended(&[(1, 9), (10, 11), (12, 13)], false), at(101)),
            Step::Start,
            "warm pool"
        );
    }

    #[test]
    fn the_pauses_grow_until_the_launch_is_given_up() {
        let mut runs = Vec::new();
        let (mut minute, mut pauses) = (1, Vec::new());
        loop {
            let pause =
                (0..).find(|pause| next(Some(at(0)), &ended(&runs, false), at(minute + pause)) != Step::KeepOpen);
            let pause = pause.expect("a pause ends");
            if next(Some(at(0)), &ended(&runs, false), at(minute + pause)) == Step::GiveUp {
                break;
            }
            pauses.push(pause);
            runs.push((minute + pause, minute + pause + 5));
            minute += pause + 5;
        }
        assert_eq!(pauses, [0, 0, 1, 2, 4, 8, 16, 30]);
    }

    #[test]
    fn a_launch_that_gets_no_rollout_is_given_up_after_hours() {
        let longest = i64::from(LONGEST_WITHOUT_ROLLOUT) / MINUTE;
        assert_eq!(next(Some(at(0)), &[], at(longest)), Step::Start);
        assert_eq!(next(Some(at(0)), &[], at(longest + 1)), Step::GiveUp);
        assert_eq!(next(Some(at(0)), &ended(&[(1, 9)], false), at(longest + 9)), Step::Start, "from the last one on");
        assert_eq!(next(Some(at(0)), &ended(&[(1, 9)], false), at(longest + 10)), Step::GiveUp);
    }

    #[test]
    fn a_launch_that_was_served_is_no_reason_to_complain() {
        let longest = i64::from(LONGEST_WITHOUT_ROLLOUT) / MINUTE;
        assert_eq!(next(Some(at(0)), &ended(&[(1, 9)], true), at(longest + 10)), Step::Leave);
    }
}
