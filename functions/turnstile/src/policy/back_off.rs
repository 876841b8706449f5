//! How long a failed rollout keeps its instance before it abandons the launch.
//!
//! A group whose launches fail launches again, for ever: each time one instance more to be paid for, and none in service. So a failed
//! launch is abandoned the later, the more launches have failed before it, and its instance stays to be looked at.

use crate::policy::waits;
use crate::words::hook::Hook;

/// How much longer than its back-off a failed instance is kept because a deployment is at work on it, in seconds. Terminated then, it
/// would hold that deployment up for an hour.
const LONGEST_AT_WORK: u32 = 1_800;

/// The longest that nothing is told of a back-off, in seconds: half the period of the alarm that rings meanwhile (GroupBackingOffAlarm in
/// template.yaml), so that each has a figure.
const LONGEST_UNTOLD: u32 = 300;

/// How long a failed rollout keeps its instance, by how many launches of the group have failed in a row: 1, 2, 4 … 30 minutes. In
/// seconds.
pub fn length(failures: u32) -> u32 {
    const MINUTE: u32 = 60;
    MINUTE.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1))).min(30 * MINUTE)
}

/// What is to be done after `backed_off` seconds of backing off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Wait so many seconds, and send a heartbeat before.
    Wait(u32),
    /// The back-off is over. Wait so many seconds if a deployment is at work on the instance, else complete the hook.
    WaitIfAtWork(u32),
    /// Complete the hook.
    Complete,
}

/// The next step of a rollout that backs off. `age` is how long ago the hook opened, in seconds.
pub fn next(failures: u32, backed_off: u32, age: u32, hook: &Hook) -> Step {
    let length = length(failures);
    let open_for = waits::until_hook_is_over(age, hook);
    match length.saturating_sub(backed_off).min(open_for) {
        0 if open_for > 0 && backed_off < length + LONGEST_AT_WORK => {
            Step::WaitIfAtWork(waits::for_other_deployment(0, age, Some(hook)))
        }
        0 => Step::Complete,
        left => Step::Wait(left.min(waits::longest_between_heartbeats(Some(hook))).min(LONGEST_UNTOLD)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::ids::HookName;

    #[test]
    fn the_length_doubles_up_to_half_an_hour() {
        let minutes: Vec<u32> = (0..9).map(|failures| length(failures) / 60).collect();
        assert_eq!(minutes, [1, 1, 2, 4, 8, 16, 30, 30, 30]);
        assert_eq!(length(u32::MAX), 1_800);
    }

    #[test]
    fn the_instance_is_kept_while_it_can_be() {
        let hook = Hook {
            lifecycle_hook_name: HookName::try_from("turnstile").unwrap(),
            heartbeat_timeout_seconds: 600,
            default_result: Default::default(),
            notification_metadata: None,
        };
        let open = 59_100;
        for (failures, backed_off, age, expected) in [
            (1, 0, 0, Step::Wait(60)),
            (5, 0, 0, Step::Wait(300)),
            (7, 100, 100, Step::Wait(300)),
            (5, 900, 900, Step::Wait(60)),
            (1, 60, 60, Step::WaitIfAtWork(15)),
            (1, 1_859, 2_000, Step::WaitIfAtWork(15)),
            (1, 1_860, 2_000, Step::Complete),
            (1, 0, open - 20, Step::Wait(20)),
            (1, 0, open, Step::Complete),
        ] {
            assert_eq!(next(failures, backed_off, age, &hook), expected, "{failures} {backed_off} {age}");
        }
    }
}
