//! How long to wait before asking again. Short waits cost state transitions and are throttled, long ones cost time.
//!
//! Everything is in seconds. Nothing here reads a clock: the callers tell for how long something has been waited for.

use crate::limits::{
    LONGEST_CALL, LONGEST_DEPLOYMENT, LONGEST_HOOK, LONGEST_PAUSE, LONGEST_ROLLOUT, LONGEST_TASK,
    MOST_HEARTBEAT_TIMEOUTS,
};
use crate::words::error::Error;
use crate::words::hook::Hook;
use crate::words::plan::Plan;
use crate::words::time::Timestamp;

/// The shortest wait. CodeDeploy throttles callers that ask for a deployment every 5 s; 10 s keeps clear of that.
const SHORTEST: u32 = 10;
/// The shortest wait before the table of turns alone is asked again.
const SHORTEST_OF_THE_TABLE: u32 = 5;
/// The longest wait for something that may happen at any time: an operator who watches should not wait longer for what is over already.
const LONGEST_POLL: u32 = 60;
/// The longest wait that follows from the duration of the last deployment. That one may have been held up by a dead instance, and the
/// next one not.
const LONGEST_BY_HISTORY: u32 = 600;
/// How much of the expected duration passes before the first look, in percent. Deployments vary by a few percent: this is early enough
/// to miss the end of few by much, and late enough for one or two more looks to meet it.
const FIRST_LOOK_PERCENT: u32 = 96;
/// Near the expected end, a look every fortieth of the expected duration loses a hundredth of it on average.
const LOOKS_IN_A_DURATION: u32 = 40;
/// The first wait for other deployments and other rollouts, of which nothing is known: what the AWS CLI's waiter takes.
const WITHOUT_HISTORY: u32 = 15;
/// Which part of a wait of hours a single poll may be. An execution has 25,000 events (Step Functions developer guide, "Quotas"), and
/// two days of polls have to fit into them.
const POLLS_OF_A_LONG_WAIT: u32 = 120;
/// Which part of a rollout's age any poll may be, for the same reason: each application of a long list is waited for anew.
const POLLS_OF_A_LONG_ROLLOUT: u32 = 300;

/// Which part of an agent's silence the wait after a yield may be, for the same reason.
const YIELDS_OF_A_LONG_SILENCE: u32 = 100;

/// The wait before a search for evidence goes on in the next call.
pub const TO_SEARCH_ON: u32 = 1;

/// The wait before a deployment is asked for again because CodeDeploy has not seen a gate that was moved.
pub const TO_SEE_A_GATE: u32 = 7;

/// Within so many seconds CodeDeploy tells as a rule to which instances a deployment goes that has just been made. Until then it is in everybody's way.
pub const SOON: u32 = 30;

/// The wait before a deployment is asked for again because another rollout's call of CreateDeployment is under way. `spread`, from 0 to 1, keeps
/// two that are in each other's way from asking together again.
pub fn to_let_a_call_end(spread: f64) -> u32 {
    match spread.clamp(0.0, 1.0) {
        spread if spread < 0.25 => 3,
        spread if spread < 0.5 => 5,
        spread if spread < 0.75 => 7,
        _ => 9,
    }
}

/// The wait before the first or the next look at a deployment.
///
/// `elapsed`: for how long the deployment has been waited for. `expected`: how long it should take; `None` when that is unknown.
/// `age`: the execution's.
///
/// The first look comes shortly before the expected end, then looks follow each other quickly. When the deployment is long overdue,
/// or nothing is expected, the waits grow with the time that has passed, so that the time lost at the end stays in proportion.
pub fn before_look(elapsed: u32, expected: Option<u32>, age: u32, hook: Option<&Hook>) -> u32 {
    let expected = expected.unwrap_or(0);
    let first_look = first_look(expected);
    let overdue = elapsed.saturating_sub(expected);
    let wait = match first_look.saturating_sub(elapsed) {
        left @ SHORTEST.. => left.min(longest_by_history(elapsed)),
        _ if overdue <= expected / 10 => near_the_end(elapsed.saturating_sub(first_look), expected),
        _ => when_overdue(overdue, elapsed, expected, age),
    };
    wait.min(longest_between_heartbeats(hook))
}

/// When the end of a deployment of this expected duration is near, in seconds after its creation.
pub fn first_look(expected: u32) -> u32 {
    (u64::from(expected) * u64::from(FIRST_LOOK_PERCENT) / 100) as u32
}

/// The longest wait for an end that should be far away. After the first one, a tenth of what has passed.
fn longest_by_history(elapsed: u32) -> u32 {
    LONGEST_BY_HISTORY.saturating_sub(elapsed).max(LONGEST_POLL).max(elapsed / 10)
}

/// How far apart looks are near the end of a deployment of this expected duration.
fn step(expected: u32) -> u32 {
    (expected / LOOKS_IN_A_DURATION).clamp(SHORTEST, LONGEST_POLL)
}

/// The wait for the next step after the first look, which was so many seconds ago: what the calls in between have taken is no wait.
fn near_the_end(since_first_look: u32, expected: u32) -> u32 {
    let step = step(expected);
    match step - since_first_look % step {
        short if short < SHORTEST / 2 => short + step,
        rest => rest,
    }
}

fn when_overdue(overdue: u32, elapsed: u32, expected: u32, age: u32) -> u32 {
    let longest = longest_poll(elapsed).max(in_a_long_rollout(age));
    step(expected).max(overdue.div_ceil(10)).max(in_a_long_rollout(age)).min(longest)
}

/// The shortest poll of a rollout of this age, whatever it waits for.
fn in_a_long_rollout(age: u32) -> u32 {
    (age / POLLS_OF_A_LONG_ROLLOUT).min(LONGEST_BY_HISTORY)
}

/// The longest wait between two polls: a minute, and after two hours more.
fn longest_poll(elapsed: u32) -> u32 {
    LONGEST_POLL.max(elapsed / POLLS_OF_A_LONG_WAIT).min(LONGEST_BY_HISTORY)
}

/// The wait before asking again whether the deployments of others have ended, `waited` after the first time, in a rollout of this `age`.
pub fn for_other_deployment(waited: u32, age: u32, hook: Option<&Hook>) -> u32 {
    let wait = (WITHOUT_HISTORY + waited / 10).min(longest_poll(waited)).max(in_a_long_rollout(age));
    wait.min(longest_between_heartbeats(hook))
}

/// How long to wait, in all, for the deployments of others to end. They say nothing about the instance, and its replacement would
/// wait for the same: CodeDeploy itself ends them. After a failed attempt of its own a rollout waits for the application's `timeout`.
pub fn longest_for_other_deployments(attempt: u32, timeout: u32) -> u32 {
    match attempt {
        1 => LONGEST_DEPLOYMENT,
        _ => timeout,
    }
}

/// The wait before asking for the turn again, `waited` after the first time, in a rollout of this `age`. `spread`, from 0 to 1, keeps
/// rollouts that started together from asking together.
pub fn for_turn(waited: u32, age: u32, spread: f64, hook: Option<&Hook>) -> u32 {
    let longest = f64::from(for_other_deployment(waited, age, hook));
    // Between three quarters and the whole; the result is smaller than the u32 it is made from.
    (longest * (0.75 + 0.25 * spread.clamp(0.0, 1.0))).ceil() as u32
}

/// The wait before asking for the turn of one deployment again, `waited` after the first time, in a rollout of this `age`. `left` is how long it
/// is until the end of the holder's deployment is near; `None` when that is not known.
///
/// Whoever waits is as a rule served by that deployment. It asks the table of turns alone, which nobody throttles, so short waits near the
/// expected end are cheap, and keep those together who have been served together.
pub fn for_turn_of_one(left: Option<u32>, waited: u32, age: u32, spread: f64, hook: Option<&Hook>) -> u32 {
    match left {
        Some(left @ SHORTEST..) => left.min(LONGEST_BY_HISTORY).min(longest_between_heartbeats(hook)),
        _ => {
            let short = SHORTEST_OF_THE_TABLE.max(waited / POLLS_OF_A_LONG_WAIT).max(in_a_long_rollout(age));
            for_turn(waited, age, spread, hook).min(short)
        }
    }
}

/// The wait until a turn may be used that was taken over `drained` seconds ago, or until the next heartbeat. `None`: it may be used.
pub fn to_drain(drained: u32, hook: Option<&Hook>) -> Option<u32> {
    let left = LONGEST_CALL.saturating_sub(drained);
    (left > 0).then(|| left.min(longest_between_heartbeats(hook)))
}

/// The wait before asking again who owns the launch, after waiting for `waited` seconds. It is short: when the owner is aborted, nobody sends
/// heartbeats before the rollout that waits. After an hour and a half it grows, so that the longest hook fits into an execution's events.
pub fn for_owner(waited: u32, spread: f64, hook: Option<&Hook>) -> u32 {
    const LONGEST: u32 = 45;
    // The owner's own wait and this one come after the last heartbeat.
    let in_a_long_wait = (waited / POLLS_OF_A_LONG_WAIT).min(longest_between_heartbeats(hook) / 2);
    for_turn(waited, waited, spread, hook).min(LONGEST.max(in_a_long_wait))
}

/// The wait before asking for the turn again after yielding it: long enough for every other rollout to ask once. For an agent that has been
/// silent for `silent` seconds it grows with them, so that a time-out of hours fits into an execution's events.
pub fn to_yield(silent: u32, hook: Option<&Hook>) -> u32 {
    let in_a_long_silence = (silent / YIELDS_OF_A_LONG_SILENCE).min(LONGEST_BY_HISTORY);
    LONGEST_POLL.max(in_a_long_silence).min(longest_between_heartbeats(hook))
}

/// For how long heartbeats can still keep a hook open that opened `age` ago. The last wait and the last calls of the rollout take part of
/// what Auto Scaling grants.
pub fn until_hook_is_over(age: u32, hook: &Hook) -> u32 {
    const CALLS: u32 = 600;
    let open = hook.heartbeat_timeout_seconds.saturating_mul(MOST_HEARTBEAT_TIMEOUTS).min(LONGEST_HOOK);
    let last_wait = longest_between_heartbeats(Some(hook)).min(LONGEST_BY_HISTORY);
    open.saturating_sub(CALLS).saturating_sub(last_wait).saturating_sub(age)
}

/// How long ago the plan's hook opened, in seconds, at the earliest: heartbeats keep it open from then on, whichever rollout sends them.
/// `started_at` is the execution's start, in case the plan does not tell.
pub fn hook_age(plan: &Plan, started_at: Timestamp, now: Timestamp) -> u32 {
    now.seconds_since(plan.hook_opened_at.unwrap_or(started_at))
}

/// Makes sure that the rollout has time left. With a hook: that heartbeats can keep it open for longer; left to its time-out, the launch
/// would end without a word. Without a hook, too, a rollout ends before its execution is ended for it.
///
/// # Errors
/// [`Error::OutOfTime`].
pub fn check_time(plan: &Plan, started_at: Timestamp, now: Timestamp) -> Result<(), Error> {
    let Some(hook) = &plan.hook else {
        let age = now.seconds_since(started_at);
        return match age >= LONGEST_ROLLOUT {
            true => Err(Error::OutOfTime(format!("not done after {age} s: a rollout ends after 48 hours"))),
            false => Ok(()),
        };
    };
    let age = hook_age(plan, started_at, now);
    match until_hook_is_over(age, hook) {
        0 => Err(Error::OutOfTime(format!(
            "not done, and {} is near its end: it opened {age} s ago at the most, and can be kept open for {MOST_HEARTBEAT_TIMEOUTS} times its \
             heartbeat time-out ({} s), 48 hours at most",
            hook.lifecycle_hook_name, hook.heartbeat_timeout_seconds
        ))),
        _ => Ok(()),
    }
}

/// The longest wait between two calls that send a heartbeat: half the heartbeat time-out, and less where the time-out is so short that
/// one call that is lost on its way, and the pause after it, would not fit into the other half. A quarter at the least.
pub fn longest_between_heartbeats(hook: Option<&Hook>) -> u32 {
    const LOST_CALL: u32 = LONGEST_TASK + LONGEST_PAUSE + 5;
    hook.map_or(u32::MAX, |Hook { heartbeat_timeout_seconds: timeout, .. }| {
        timeout.saturating_sub(LOST_CALL).clamp(timeout / 4, timeout / 2).max(1)
    })
}

/// How long the next deployment to one instance should take, judged by the group's last successful one.
///
/// `duration` is that deployment's from creation to end; `instances` is how many it deployed to. All at once they take as long as one;
/// otherwise they come one after the other (or, for HalfAtATime, in two halves). An expectation that is too short costs a few looks, one
/// that is too long costs the time itself, so an unknown configuration counts as one after the other.
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
    use crate::limits::{GRACE, LONGEST_EXECUTION, MOST_APPLICATIONS, SHORTEST_OWN_HEARTBEAT_TIMEOUT};
    use crate::words::hook::HookResult;
    use crate::words::ids::{AutoScalingGroupName, HookName};
    use proptest::prelude::*;

    /// An execution has 25,000 events. A look is nine of them: the task's five, the choice's two and the wait's two.
    const MOST_EVENTS: u32 = 25_000;
    const EVENTS_OF_A_LOOK: u32 = 9;
    /// What else an application costs: NextApplication, StartDeployment and HasItStarted.
    const OTHER_EVENTS_OF_AN_APPLICATION: u32 = 9;
    /// What a yield costs: WaitForNeighbour, and the application's own states again.
    const EVENTS_OF_A_YIELD: u32 = 2 + OTHER_EVENTS_OF_AN_APPLICATION;
    const TWO_DAYS: u32 = 48 * 3_600;

    fn hook(heartbeat_timeout_seconds: u32) -> Hook {
        let lifecycle_hook_name = HookName::try_from("turnstile").unwrap();
        Hook {
            lifecycle_hook_name,
            heartbeat_timeout_seconds,
            default_result: Default::default(),
            notification_metadata: None,
        }
    }

    /// Looks at a deployment of `duration` that begins at this age of the rollout. Returns how many looks it took and how much later
    /// than the end the last one was.
    fn follow(duration: u32, expected: Option<u32>, age: u32) -> (u32, u32) {
        let (mut elapsed, mut looks) = (0, 0);
        while looks == 0 || elapsed < duration {
            elapsed += before_look(elapsed, expected, age + elapsed, None);
            looks += 1;
        }
        (looks, elapsed - duration)
    }

    #[test]
    fn looks_gather_around_the_expected_end() {
        for (elapsed, expected, heartbeat_timeout, wait) in [
            (0, Some(240), None, 230),
            (230, Some(240), None, 10),
            (250, Some(240), None, 10),
            (260, Some(240), None, 10),
            // What a call takes is no wait.
            (233, Some(240), None, 7),
            (237, Some(240), None, 13),
            // Long overdue: a tenth of what is over.
            (400, Some(240), None, 16),
            (5_000, Some(240), None, 60),
            // A long deployment is looked at more seldom, as its end varies by more.
            (1_152, Some(1_200), None, 30),
            // The last one may have been held up.
            (0, Some(3_600), None, 600),
            (600, Some(3_600), None, 60),
            (1_800, Some(3_600), None, 180),
            // Nothing is known.
            (0, None, None, 10),
            (15, None, None, 10),
            (400, None, None, 40),
            (0, Some(5), None, 10),
            (0, Some(0), None, 10),
            // The hook needs a heartbeat.
            (0, Some(3_600), Some(600), 300),
            (0, Some(240), Some(30), 7),
            (300, Some(3_600), Some(600), 300),
        ] {
            let hook = heartbeat_timeout.map(hook);
            assert_eq!(before_look(elapsed, expected, elapsed, hook.as_ref()), wait, "{elapsed} of {expected:?}");
        }
    }

    /// Applications of four minutes, of which each deployment takes up to 5 % more or less: what they cost on average.
    #[test]
    fn an_application_costs_little_time_and_few_transitions() {
        let (mut applications, mut looks, mut late) = (0, 0, 0);
        for expected in 228..=252 {
            for duration in 228..=252 {
                let (more_looks, later) = follow(duration, Some(expected), 600);
                (applications, looks, late) = (applications + 1, looks + more_looks, late + later);
            }
        }
        let (looks, late) = (f64::from(looks) / f64::from(applications), f64::from(late) / f64::from(applications));
        // NextApplication, StartDeployment and HasItStarted, and three for each look: one more where CodeDeploy may not have seen the gate.
        let transitions = 3.0 + 3.0 * (looks + 1.0);
        assert!(transitions <= 14.0, "{transitions} transitions");
        assert!(late / 240.0 <= 0.025, "{late} s");
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
    fn others_are_waited_for_as_long_as_codedeploy_lets_them_go_on() {
        assert_eq!((longest_for_other_deployments(1, 60), longest_for_other_deployments(2, 60)), (12 * 3_600, 60));
    }

    #[test]
    fn a_lost_call_fits_between_two_heartbeats() {
        for (timeout, longest) in [(30, 7), (60, 15), (120, 30), (150, 60), (180, 90), (600, 300), (7_200, 3_600)] {
            assert_eq!(longest_between_heartbeats(Some(&hook(timeout))), longest, "{timeout}");
        }
        assert_eq!(longest_between_heartbeats(None), u32::MAX);
    }

    #[test]
    fn a_hook_ends_after_a_hundred_of_its_time_outs_or_two_days() {
        for (timeout, age, left) in
            [(600, 0, 59_100), (600, 59_000, 100), (600, 70_000, 0), (7_200, 0, 171_600), (30, 0, 2_393)]
        {
            assert_eq!(until_hook_is_over(age, &hook(timeout)), left, "{timeout} after {age}");
        }
    }

    #[test]
    fn a_rollout_ends_before_its_hook_is_over() {
        let mut plan = Plan {
            auto_scaling_group_name: AutoScalingGroupName::try_from("web").unwrap(),
            instance_id: None,
            hook: Some(hook(600)),
            hook_opened_at: None,
            other_hooks: Vec::new(),
            applications: Vec::new(),
            gate_key: Default::default(),
            has_gates: false,
            turn_per_deployment: false,
            on_failure: HookResult::Abandon,
            warnings: Vec::new(),
        };
        let check = |plan: &Plan, now| check_time(plan, Timestamp::from_seconds(1_000), Timestamp::from_seconds(now));
        assert_eq!(check(&plan, 60_099), Ok(()));
        let error = check(&plan, 60_100).unwrap_err();
        assert_eq!(error.name(), "Turnstile.OutOfTime");
        assert!(error.to_string().contains("100 times its heartbeat time-out (600 s), 48 hours at most"), "{error}");
        // The hook had been open for a while when this execution started, as after one that was aborted.
        plan.hook_opened_at = Some(Timestamp::from_seconds(0));
        assert_eq!(check(&plan, 59_099), Ok(()));
        assert_eq!(check(&plan, 59_100).unwrap_err().name(), "Turnstile.OutOfTime");
    }

    #[test]
    fn a_rollout_without_a_hook_ends_with_a_reason() {
        let plan = Plan {
            auto_scaling_group_name: AutoScalingGroupName::try_from("web").unwrap(),
            instance_id: None,
            hook: None,
            hook_opened_at: None,
            other_hooks: Vec::new(),
            applications: Vec::new(),
            gate_key: Default::default(),
            has_gates: false,
            turn_per_deployment: false,
            on_failure: HookResult::Abandon,
            warnings: Vec::new(),
        };
        let check = |now| check_time(&plan, Timestamp::from_seconds(1_000), Timestamp::from_seconds(now));
        assert_eq!(check(1_000 + 48 * 3_600 - 1), Ok(()));
        let error = check(1_000 + 48 * 3_600).unwrap_err();
        assert_eq!(error.to_string(), "not done after 172800 s: a rollout ends after 48 hours");
        let definition = include_str!("../../../../statemachine/rollout.asl.json");
        let timeout = definition.lines().find_map(|line| line.strip_prefix("  \"TimeoutSeconds\": ")).expect("its own");
        let timeout: u32 = timeout.trim_end_matches(',').parse().expect("a number of seconds");
        assert!(LONGEST_ROLLOUT + 3_600 < timeout, "what follows on the failure takes time, too");
        assert_eq!(timeout, LONGEST_EXECUTION);
    }

    #[test]
    fn no_call_lasts_longer_than_is_waited_for() {
        let template = include_str!("../../../../template.yaml");
        let timeout = template.lines().find_map(|line| line.strip_prefix("    Timeout: ")).expect("Globals' Timeout");
        let timeout: u32 = timeout.parse().expect("a number of seconds");
        assert!(timeout + 20 < LONGEST_CALL, "{timeout} s, and the start of an environment");
    }

    #[test]
    fn two_days_of_waiting_for_the_turn_fit_into_an_execution() {
        let (mut waited, mut polls) = (0, 0);
        while waited < TWO_DAYS {
            waited += for_turn(waited, waited, 0.0, None);
            polls += 1;
        }
        assert!(polls * EVENTS_OF_A_LOOK < MOST_EVENTS / 2, "{polls}");
    }

    #[test]
    fn two_days_of_waiting_for_the_owner_fit_into_an_execution() {
        let (mut waited, mut polls) = (0, 0);
        while waited < TWO_DAYS {
            waited += for_owner(waited, 0.0, None);
            polls += 1;
        }
        assert!(polls * EVENTS_OF_A_LOOK < MOST_EVENTS / 2, "{polls}");
        assert_eq!(for_owner(TWO_DAYS, 1.0, Some(&hook(SHORTEST_OWN_HEARTBEAT_TIMEOUT))), 30);
    }

    /// Each application's agent is silent for just less than the longest time-out, and then deploys it after all.
    #[test]
    fn two_days_of_silent_agents_fit_into_an_execution() {
        for expected in [None, Some(60), Some(240), Some(LONGEST_DEPLOYMENT)] {
            let (mut age, mut events) = (0, 0);
            while age < TWO_DAYS {
                let mut silent = 0;
                while silent < LONGEST_DEPLOYMENT && age < TWO_DAYS {
                    let (looks, late) = follow(GRACE, expected, age);
                    silent += GRACE + late;
                    age += GRACE + late + to_yield(silent, None);
                    events += looks * EVENTS_OF_A_LOOK + EVENTS_OF_A_YIELD;
                }
            }
            assert!(events < MOST_EVENTS * 9 / 10, "{events} events, {expected:?} expected");
        }
    }

    proptest! {
        /// Where ten minutes do not come before the first look.
        #[test]
        fn a_deployment_as_long_as_the_last_is_met_in_time(expected in 120u32..=625, percent in 96u32..=108) {
            let duration = expected * percent / 100;
            let (looks, late) = follow(duration, Some(expected), 0);
            prop_assert!(looks <= 9, "{looks} looks");
            prop_assert!(late <= (expected / 40).max(SHORTEST), "{late} s late");
        }

        #[test]
        fn without_history_no_more_than_a_tenth_is_lost(duration in 20u32..7_200) {
            let (_, late) = follow(duration, None, 0);
            prop_assert!(late <= (duration / 10).max(SHORTEST), "{late} s late");
        }

        #[test]
        fn the_wrong_history_costs_no_more_than_a_tenth(duration in 660u32..43_200, expected in 0u32..43_200) {
            let (_, late) = follow(duration, Some(expected), 0);
            prop_assert!(late <= duration / 10 + 1, "{late} s late");
        }

        /// Whatever the list, and whatever is known of it: a rollout that deploys for two days ends before its history is full.
        #[test]
        fn two_days_of_deployments_fit_into_an_execution(
            longest in 60u32..LONGEST_DEPLOYMENT,
            list in prop::collection::vec((10u32..=100, prop::option::of(10u32..200)), MOST_APPLICATIONS),
        ) {
            let (mut age, mut events) = (0, 0);
            for (percent, known) in list {
                let duration = longest * percent / 100;
                let (looks, late) = follow(duration, known.map(|percent| duration * percent / 100), age);
                age += duration + late;
                events += looks * EVENTS_OF_A_LOOK + OTHER_EVENTS_OF_AN_APPLICATION;
                if age >= TWO_DAYS {
                    break;
                }
            }
            prop_assert!(events < MOST_EVENTS, "{events} events in {age} s");
        }

        /// Each application is waited for three times, and each time anew: for the turn, whose holder is overdue; for other deployments; and for its
        /// own, of which nothing is known.
        #[test]
        fn two_days_of_waiting_for_others_fit_into_an_execution(
            longest in 60u32..LONGEST_DEPLOYMENT,
            list in prop::collection::vec((0u32..=100, 0u32..=100, 0u32..=100), MOST_APPLICATIONS),
            each_has_its_turn in prop::bool::ANY,
        ) {
            let (mut age, mut events) = (0, 0);
            for (for_others, for_slot, own) in list {
                let [for_others, for_slot, own] = [for_others, for_slot, own].map(|percent| longest * percent / 100);
                for (duration, is_of_the_turn) in [(for_others, true), (for_slot, false)] {
                    let mut waited = 0;
                    while waited < duration && age < TWO_DAYS {
                        let wait = match (is_of_the_turn, each_has_its_turn) {
                            (true, true) => for_turn_of_one(None, waited, age, 0.0, None),
                            (true, false) => for_turn(waited, age, 0.0, None),
                            (false, _) => for_other_deployment(waited, age, None),
                        };
                        (waited, age, events) = (waited + wait, age + wait, events + EVENTS_OF_A_LOOK);
                    }
                }
                let (looks, late) = follow(own, None, age);
                (age, events) = (age + own + late, events + looks * EVENTS_OF_A_LOOK + OTHER_EVENTS_OF_AN_APPLICATION);
                if age >= TWO_DAYS {
                    break;
                }
            }
            prop_assert!(events < MOST_EVENTS, "{events} events in {age} s");
        }

        #[test]
        fn no_wait_outlasts_a_heartbeat(
            timeout in 30u32..=7_200,
            elapsed in 0u32..200_000,
            expected in proptest::option::of(0u32..50_000),
        ) {
            let hook = hook(timeout);
            for wait in [
                before_look(elapsed, expected, elapsed, Some(&hook)),
                for_other_deployment(elapsed, elapsed, Some(&hook)),
                for_turn(elapsed, elapsed, 1.0, Some(&hook)),
                for_turn_of_one(None, elapsed, elapsed, 1.0, Some(&hook)),
                to_drain(0, Some(&hook)).unwrap(),
                to_yield(elapsed, Some(&hook)),
            ] {
                prop_assert!(wait >= 1 && wait <= timeout / 2, "{wait}");
            }
        }

        #[test]
        fn the_last_calls_of_a_dead_rollout_are_waited_for_in_full(timeout in 30u32..=7_200) {
            let hook = hook(timeout);
            let mut drained = 0;
            while let Some(wait) = to_drain(drained, Some(&hook)) {
                drained += wait;
            }
            prop_assert_eq!(drained, LONGEST_CALL);
        }

        #[test]
        fn no_poll_is_too_short_or_in_the_first_hours_too_long(elapsed in 0u32..200_000) {
            let longest = if elapsed < 2 * 3_600 { LONGEST_POLL } else { LONGEST_BY_HISTORY };
            for wait in [
                before_look(elapsed, None, elapsed, None),
                for_other_deployment(elapsed, elapsed, None),
                for_turn(elapsed, elapsed, 0.0, None),
            ] {
                prop_assert!((SHORTEST..=longest).contains(&wait), "{wait}");
            }
        }
    }
}
