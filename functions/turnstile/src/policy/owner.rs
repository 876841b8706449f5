//! Who owns a launch. One rollout does, from plan-rollout on: nobody else sends heartbeats to its hook or completes it.
//!
//! A second rollout for the same launch waits. It takes the launch over when the first one has failed and only backs off, when the
//! first one has ended, or when the item is about an earlier launch of the instance. The first one notices at its next call, and ends
//! without touching anything again.
//!
//! Whether an execution has ended is known late, and one that has just started may not be known at all (`DescribeExecution` is
//! eventually consistent). So an owner of which nothing is known is replaced only when nothing is known of it a while later either. A call of it that is still under way finds
//! that it is no owner any more. Only one that was about to complete the hook may do so all the same, and is waited for.

use crate::limits::{LONGEST_CALL, LONGEST_TRAIL};
use crate::policy::waits;
use crate::words::hook::{Hook, LifecycleAction};
use crate::words::ids::{ClaimKey, ExecutionArn};
use crate::words::owner::{Destination, OtherOwner, Owner, Phase, Run};
use crate::words::time::Timestamp;

/// The key of a launch's item.
pub fn key(action: &LifecycleAction) -> ClaimKey {
    let LifecycleAction { auto_scaling_group_name: group, lifecycle_hook_name: hook, instance_id } = action;
    format!("launch:{group}/{hook}/{instance_id}").into()
}

/// What the item says to a rollout that asks for the launch.
#[derive(Debug, Clone, PartialEq)]
pub enum Ownership {
    /// Nobody owns the launch, or the owner has let go of it: the rollout may own it. `keeps_opening`: it is the same launch, and what
    /// is known of its hook's opening holds.
    Free { keeps_opening: bool },
    /// The rollout owns it.
    Mine,
    /// The rollout owned it, and has gone on since: it asks in a call that comes late.
    GoneOn,
    /// This execution owns it, if it runs.
    Owned(ExecutionArn),
}

/// What the item that was found says. `last_seen` is the owner that the rollout has waited for, in case somebody has deleted the item.
/// `destination` is that of the rollout's own launch; `None` when that is not known.
pub fn ownership(
    found: Option<&Owner>,
    last_seen: Option<&OtherOwner>,
    execution: &ExecutionArn,
    destination: Option<Destination>,
) -> Ownership {
    let Some(owner) = found else {
        return match last_seen {
            Some(last_seen) => Ownership::Owned(last_seen.execution.clone()),
            None => Ownership::Free { keeps_opening: false },
        };
    };
    let is_another_launch =
        owner.destination.zip(destination).is_some_and(|(of_owner, of_rollout)| of_owner != of_rollout);
    match owner.phase {
        Phase::AtWork if owner.owned_by == *execution => Ownership::Mine,
        _ if owner.owned_by == *execution => Ownership::GoneOn,
        Phase::Over => Ownership::Free { keeps_opening: false },
        _ if is_another_launch => Ownership::Free { keeps_opening: false },
        Phase::BacksOff => Ownership::Free { keeps_opening: true },
        Phase::AtWork | Phase::LetsIn | Phase::GivesUp => Ownership::Owned(owner.owned_by.clone()),
    }
}

/// What is to be done about an owner that is at work, or completes the hook.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Ask again later.
    Wait(OtherOwner),
    /// It has ended, and none of its calls can complete the hook any more.
    TakeOver,
}

/// What is to be done about an owner, of which was just found out whether it runs. `spread`, from 0 to 1, keeps rollouts that started together
/// from asking together. `hook` is `None` while it is not known.
pub fn next(
    (owner, phase): (&ExecutionArn, Phase),
    run: Run,
    last_seen: Option<&OtherOwner>,
    now: Timestamp,
    spread: f64,
    hook: Option<&Hook>,
) -> Step {
    let last_seen = last_seen.filter(|last_seen| last_seen.execution == *owner);
    let waiting_since = last_seen.map_or(now, |last_seen| last_seen.waiting_since);
    let wait = |wait_seconds, ended_since: Option<Timestamp>| {
        let known_for = |since| now.seconds_since(since);
        let keeps_open = ended_since.is_some_and(|since| run == Run::Ended || known_for(since) >= LONGEST_TRAIL);
        Step::Wait(OtherOwner { execution: owner.clone(), wait_seconds, waiting_since, ended_since, keeps_open })
    };
    if run == Run::Running {
        return wait(waits::for_owner(now.seconds_since(waiting_since), spread, hook), None);
    }
    let ended_since = last_seen.and_then(|last_seen| last_seen.ended_since).unwrap_or(now);
    let needed = match (phase, run) {
        (Phase::LetsIn | Phase::GivesUp, _) => LONGEST_CALL,
        (Phase::AtWork | Phase::BacksOff | Phase::Over, Run::NotKnown) => LONGEST_TRAIL,
        (Phase::AtWork | Phase::BacksOff | Phase::Over, Run::Running | Run::Ended) => 0,
    };
    match needed.saturating_sub(now.seconds_since(ended_since)) {
        0 => Step::TakeOver,
        left => wait(left.min(waits::longest_between_heartbeats(hook)), Some(ended_since)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::ids::{AutoScalingGroupName, HookName, InstanceId};
    use proptest::prelude::*;

    const ME: &str = "arn:aws:states:us-east-1:123456789012:execution:turnstile:me";
    const OTHER: &str = "arn:aws:states:us-east-1:123456789012:execution:turnstile:other";

    fn owner(owned_by: &str, phase: Phase, destination: Option<Destination>) -> Owner {
        Owner { owned_by: owned_by.into(), phase, destination, opened_at: None }
    }

    fn seen(ended_since: Option<i64>) -> OtherOwner {
        OtherOwner {
            execution: OTHER.into(),
            wait_seconds: 15,
            waiting_since: Timestamp::from_seconds(0),
            ended_since: ended_since.map(Timestamp::from_seconds),
            keeps_open: false,
        }
    }

    #[test]
    fn a_launch_is_an_instance_at_a_hook() {
        let action = LifecycleAction {
            auto_scaling_group_name: AutoScalingGroupName::try_from("web").unwrap(),
            lifecycle_hook_name: HookName::try_from("turnstile").unwrap(),
            instance_id: InstanceId::try_from("i-0123abcd").unwrap(),
        };
        assert_eq!(key(&action).as_str(), "launch:web/turnstile/i-0123abcd");
    }

    #[test]
    fn only_a_launch_that_nobody_works_for_is_free() {
        use Destination::{AutoScalingGroup, WarmPool};
        let free = |keeps_opening| Ownership::Free { keeps_opening };
        let owned = || Ownership::Owned(OTHER.into());
        let here = Some(AutoScalingGroup);
        for (found, last_seen, expected) in [
            (None, None, free(false)),
            // Somebody has deleted the item. Its owner may be at work.
            (None, Some(seen(None)), owned()),
            (Some(owner(ME, Phase::AtWork, here)), None, Ownership::Mine),
            (Some(owner(ME, Phase::BacksOff, here)), None, Ownership::GoneOn),
            (Some(owner(ME, Phase::Over, here)), None, Ownership::GoneOn),
            (Some(owner(OTHER, Phase::AtWork, here)), None, owned()),
            (Some(owner(OTHER, Phase::AtWork, None)), None, owned()),
            (Some(owner(OTHER, Phase::LetsIn, here)), None, owned()),
            (Some(owner(OTHER, Phase::GivesUp, here)), None, owned()),
            (Some(owner(OTHER, Phase::BacksOff, here)), Some(seen(None)), free(true)),
            (Some(owner(OTHER, Phase::Over, here)), Some(seen(None)), free(false)),
            // The instance has left the warm pool: the first launch is over, whatever its rollout does.
            (Some(owner(OTHER, Phase::AtWork, Some(WarmPool))), None, free(false)),
            (Some(owner(OTHER, Phase::BacksOff, Some(WarmPool))), None, free(false)),
        ] {
            assert_eq!(ownership(found.as_ref(), last_seen.as_ref(), &ME.into(), here), expected, "{found:?}");
        }
        let found = owner(OTHER, Phase::AtWork, Some(WarmPool));
        assert_eq!(ownership(Some(&found), None, &ME.into(), None), owned(), "not known where to");
    }

    #[test]
    fn an_owner_is_replaced_when_it_has_ended_for_certain() {
        let hook = Hook {
            lifecycle_hook_name: HookName::try_from("turnstile").unwrap(),
            heartbeat_timeout_seconds: 120,
            default_result: Default::default(),
            notification_metadata: None,
        };
        let step = |phase, run, last_seen: Option<OtherOwner>, now| {
            let now = Timestamp::from_seconds(now);
            next((&OTHER.into(), phase), run, last_seen.as_ref(), now, 1.0, Some(&hook))
        };
        let wait = |step| match step {
            Step::Wait(owner) => {
                Some((owner.wait_seconds, owner.ended_since.map(Timestamp::seconds), owner.keeps_open))
            }
            Step::TakeOver => None,
        };
        use Run::{Ended, NotKnown, Running};
        assert_eq!(wait(step(Phase::AtWork, Running, None, 0)), Some((15, None, false)));
        assert_eq!(wait(step(Phase::AtWork, Running, Some(seen(None)), 100)), Some((25, None, false)));
        assert_eq!(wait(step(Phase::AtWork, Running, Some(seen(None)), 9_000)), Some((30, None, false)));
        assert_eq!(wait(step(Phase::AtWork, Ended, Some(seen(None)), 100)), None);
        assert_eq!(wait(step(Phase::AtWork, NotKnown, Some(seen(None)), 100)), Some((30, Some(100), false)));
        assert_eq!(wait(step(Phase::AtWork, NotKnown, Some(seen(Some(100))), 129)), Some((1, Some(100), false)));
        assert_eq!(wait(step(Phase::AtWork, NotKnown, Some(seen(Some(100))), 130)), None);
        // It was not known to run, and does.
        assert_eq!(wait(step(Phase::AtWork, Running, Some(seen(Some(100))), 115)), Some((26, None, false)));
        // A call of it may complete the hook yet.
        assert_eq!(wait(step(Phase::GivesUp, NotKnown, Some(seen(Some(100))), 129)), Some((30, Some(100), false)));
        assert_eq!(wait(step(Phase::GivesUp, NotKnown, Some(seen(Some(100))), 130)), Some((30, Some(100), true)));
        assert_eq!(wait(step(Phase::GivesUp, Ended, Some(seen(None)), 100)), Some((30, Some(100), true)));
        assert_eq!(wait(step(Phase::GivesUp, Ended, Some(seen(Some(100))), 190)), None);
        // Another owner has come in between.
        let before = OtherOwner { execution: "arn:third".into(), ..seen(Some(100)) };
        assert_eq!(wait(step(Phase::AtWork, NotKnown, Some(before), 115)), Some((30, Some(115), false)));
    }

    proptest! {
        /// Whoever waits because the owner has ended is the one who sends the heartbeats.
        #[test]
        fn no_wait_for_an_ended_owner_outlasts_a_heartbeat(timeout in 30u32..=7_200, now in 0i64..100) {
            let hook = Hook {
                lifecycle_hook_name: HookName::try_from("turnstile").unwrap(),
                heartbeat_timeout_seconds: timeout,
                default_result: Default::default(),
                notification_metadata: None,
            };
            let cases = [(Phase::AtWork, Run::NotKnown, None), (Phase::LetsIn, Run::Ended, Some(seen(Some(0))))];
            for (phase, run, last_seen) in cases {
                let now = Timestamp::from_seconds(now);
                let step = next((&OTHER.into(), phase), run, last_seen.as_ref(), now, 1.0, Some(&hook));
                if let Step::Wait(owner) = step {
                    prop_assert!((1..=timeout / 2).contains(&owner.wait_seconds), "{owner:?}");
                }
            }
        }
    }
}
