//! The turn: the right to start deployments. One rollout has it at a time.
//!
//! A turn is a set of claims, on the Auto Scaling group and on every deployment group of the rollout. Claims are taken all or none, in
//! one transaction, because deployment groups can span Auto Scaling groups. Rollouts that share no claim do not wait for each other's turn.
//! Where every deployment group of the rollout goes by the gate, each deployment has a turn of its own, the claim on its deployment group.
//!
//! A holder that has ended without giving its turn back is replaced. One of its Lambda calls may still be under way then, so the
//! claims of the new holder are **draining**: it starts nothing until [`LONGEST_CALL`](crate::limits::LONGEST_CALL) is over. The claims are
//! draining, too, that a holder gives back after a call whose answer was lost.
//!
//! A claim is **fenced** by the round in which it was taken. A call of an earlier round finds that the turn is not its own, and takes
//! and gives back nothing.

use std::collections::BTreeSet;

use crate::limits::{LONGEST_CALL, LONGEST_TRAIL};
use crate::words::application::DeploymentGroup;
use crate::words::ids::{AutoScalingGroupName, ClaimKey, ExecutionArn};
use crate::words::plan::Plan;
use crate::words::time::Timestamp;
use crate::words::turn::{Claim, CreationCall};

/// What a rollout has to hold before it may deploy to this group.
pub fn claims(plan: &Plan, group: &DeploymentGroup) -> Vec<ClaimKey> {
    match plan.turn_per_deployment {
        true => vec![claim_on_deployment_group(group)],
        false => all_claims(plan),
    }
}

/// Whatever a rollout may hold.
pub fn all_claims(plan: &Plan) -> Vec<ClaimKey> {
    let auto_scaling_group = claim_on(&plan.auto_scaling_group_name);
    let groups = plan.applications.iter().map(|application| claim_on_deployment_group(&application.group));
    std::iter::once(auto_scaling_group).chain(groups).collect()
}

/// The main claim of a turn to deploy to this group. Instances queue at it, and it has the record of the call of CreateDeployment.
pub fn main_claim(plan: &Plan, group: &DeploymentGroup) -> ClaimKey {
    match plan.turn_per_deployment {
        true => claim_on_deployment_group(group),
        false => claim_on(&plan.auto_scaling_group_name),
    }
}

/// Every claim on which an instance of the rollout may queue.
pub fn queues(plan: &Plan) -> Vec<ClaimKey> {
    match plan.turn_per_deployment {
        true => plan.applications.iter().map(|application| claim_on_deployment_group(&application.group)).collect(),
        false => vec![claim_on(&plan.auto_scaling_group_name)],
    }
}

/// The claim on an Auto Scaling group.
pub fn claim_on(auto_scaling_group: &AutoScalingGroupName) -> ClaimKey {
    format!("autoScalingGroup:{auto_scaling_group}").into()
}

/// The claim on a deployment group.
pub fn claim_on_deployment_group(group: &DeploymentGroup) -> ClaimKey {
    format!("deploymentGroup:{group}").into()
}

/// Where rollouts with the turn of these Auto Scaling groups have deployed last, be it this rollout or one before it.
pub fn last_deployed(found: &[Claim]) -> BTreeSet<&DeploymentGroup> {
    found.iter().filter_map(|claim| claim.deploying.as_ref()).collect()
}

/// The claims on other Auto Scaling groups whose rollouts have deployed to one of the deployment groups. What one of them was deploying when
/// it ended may still be at work on instances that this rollout deploys to.
pub fn claims_of_neighbours(found: &[Claim], own: &AutoScalingGroupName) -> Vec<ClaimKey> {
    let all: BTreeSet<&AutoScalingGroupName> = found.iter().flat_map(|claim| &claim.taken_for).collect();
    all.into_iter().filter(|name| *name != own).map(claim_on).collect()
}

/// Whether a holder has ended that is seen not to run. Step Functions' answers may trail its start: not before some time has passed since it
/// took one of these claims.
pub fn has_ended(holder: &ExecutionArn, found: &[Claim], now: Timestamp) -> bool {
    let held = found.iter().filter(|claim| claim.holder.as_ref() == Some(holder));
    held.filter_map(|claim| claim.taken_at).all(|taken_at| now.seconds_since(taken_at) >= LONGEST_TRAIL)
}

/// What is known of a call of CreateDeployment without an answer after a look at `now`. `None`: it can have no effect any more. Functions keep
/// no clock, and the `now` of the call that makes it may be old by then: the time counts from the first look with a later one.
pub fn unanswered_after_look(call: &CreationCall, now: Timestamp) -> Option<CreationCall> {
    let is_of_this_call = call.called_at == Some(now);
    let found_at = call.found_at.or((!is_of_this_call).then_some(now));
    let is_over = found_at.is_some_and(|found_at| now.seconds_since(found_at) >= LONGEST_CALL);
    (!is_over).then(|| CreationCall { found_at, ..call.clone() })
}

/// Whether the execution has given one of these claims back in this round of it, or in a later one: it does not get it again before the next.
pub fn was_given_back(found: &[Claim], execution: &ExecutionArn, round: u32) -> bool {
    let is_own = |claim: &&Claim| claim.returned_by.as_ref() == Some(execution);
    found.iter().filter(is_own).any(|claim| claim.returned_round.is_some_and(|returned_in| returned_in >= round))
}

/// How the claims that a rollout needs are held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TurnState {
    /// The rollout holds them all.
    Mine,
    /// The rollout holds them all, but calls of the holder before it may still be under way.
    Draining,
    /// No other rollout holds any. This one may hold some: those of its last round, or those that are left when somebody has deleted others.
    Free { part_mine: bool, part_draining: bool },
    /// These other executions hold some.
    Held(BTreeSet<ExecutionArn>),
}

impl TurnState {
    /// The state of the `needed` claims for an execution in this round of it. `found` are those that the table has; a claim that it has not
    /// is free.
    pub fn of(needed: &[ClaimKey], found: &[Claim], execution: &ExecutionArn, round: u32) -> Self {
        let holders = found.iter().filter_map(|claim| claim.holder.as_ref());
        let others: BTreeSet<ExecutionArn> = holders.filter(|holder| *holder != execution).cloned().collect();
        if !others.is_empty() {
            return Self::Held(others);
        }
        let find = |key: &ClaimKey| found.iter().find(|claim| claim.claim == *key);
        let mine = |key: &ClaimKey| find(key).filter(|claim| claim.holder.is_some());
        let of_round =
            |key: &ClaimKey| mine(key).is_some_and(|claim| claim.round.is_none_or(|taken_in| taken_in == round));
        let part_draining = needed.iter().filter_map(find).any(|claim| claim.draining);
        match needed.iter().all(of_round) {
            false => Self::Free { part_mine: needed.iter().any(|key| mine(key).is_some()), part_draining },
            true if part_draining => Self::Draining,
            true => Self::Mine,
        }
    }

    /// Whether the rollout holds some of the claims, and not all.
    pub fn is_part_mine(&self) -> bool {
        matches!(self, Self::Free { part_mine: true, .. })
    }
}

/// Whether a call of the rollout may still be under way when it fails with this error: its answer was lost, or the state machine gave it
/// up. Turnstile's other errors are answers.
pub fn may_leave_a_call_behind(error: &str) -> bool {
    !error.starts_with("Turnstile.") || error == "Turnstile.Unavailable"
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ME: &str = "arn:aws:states:us-east-1:123456789012:execution:turnstile:me";

    fn claim(key: &str, holder: Option<&str>, draining: bool) -> Claim {
        Claim {
            claim: key.into(),
            holder: holder.map(Into::into),
            round: Some(2),
            returned_by: None,
            returned_round: None,
            taken_at: None,
            taken_for: BTreeSet::new(),
            draining,
            finished: None,
            stop: None,
            deployment_groups: BTreeSet::new(),
            deploying: None,
            held: None,
            waiting: BTreeSet::new(),
            silent: BTreeSet::new(),
            cohort: BTreeSet::new(),
            moving_since: None,
            near_end: None,
            unanswered: None,
            made: None,
        }
    }

    fn keys(keys: &[&str]) -> Vec<ClaimKey> {
        keys.iter().map(|key| ClaimKey::from(*key)).collect()
    }

    #[test]
    fn a_turn_claims_the_group_and_every_deployment_group() {
        let plan = Plan {
            auto_scaling_group_name: AutoScalingGroupName::try_from("web").unwrap(),
            instance_id: None,
            hook: None,
            hook_opened_at: None,
            other_hooks: Vec::new(),
            applications: ["Search/Production", "Orders/Blue-Team"]
                .map(|g| g.parse::<DeploymentGroup>().unwrap().into())
                .into(),
            gate_key: Default::default(),
            has_gates: false,
            turn_per_deployment: false,
            on_failure: Default::default(),
            warnings: Vec::new(),
        };
        let expected =
            ["autoScalingGroup:web", "deploymentGroup:Search/Production", "deploymentGroup:Orders/Blue-Team"];
        let search = &plan.applications[0].group;
        assert_eq!((claims(&plan, search), all_claims(&plan)), (keys(&expected), keys(&expected)));
        assert_eq!(main_claim(&plan, search), expected[0].into());

        let gated = Plan { turn_per_deployment: true, ..plan.clone() };
        assert_eq!((claims(&gated, search), main_claim(&gated, search)), (keys(&expected[1..2]), expected[1].into()));
        assert_eq!(all_claims(&gated), keys(&expected), "whatever it holds is returned");
    }

    #[test]
    fn a_claim_that_was_given_back_is_not_had_again_in_the_same_round() {
        let returned = |by: &str, round| Claim {
            returned_by: Some(by.into()),
            returned_round: Some(round),
            ..claim("a", None, false)
        };
        for (found, expected) in [
            (vec![claim("a", None, false)], false),
            (vec![returned("x", 2)], false),
            (vec![returned(ME, 1)], false),
            (vec![returned(ME, 2)], true),
            (vec![claim("b", None, false), returned(ME, 3)], true),
        ] {
            assert_eq!(was_given_back(&found, &ME.into(), 2), expected, "{found:?}");
        }
    }

    #[test]
    fn every_way_to_hold_claims_has_its_state() {
        let held =
            |holders: &[&str]| TurnState::Held(holders.iter().map(|holder| ExecutionArn::from(*holder)).collect());
        let free = |part_mine, part_draining| TurnState::Free { part_mine, part_draining };
        for (found, expected) in [
            (vec![], free(false, false)),
            (vec![claim("a", None, false)], free(false, false)),
            (vec![claim("a", Some(ME), false)], free(true, false)),
            (vec![claim("a", Some(ME), true)], free(true, true)),
            // Given back after a call whose answer was lost.
            (vec![claim("b", None, true)], free(false, true)),
            (vec![claim("a", Some(ME), false), claim("b", Some(ME), false)], TurnState::Mine),
            (vec![claim("a", Some(ME), true), claim("b", Some(ME), true)], TurnState::Draining),
            (vec![claim("a", Some(ME), false), claim("b", Some(ME), true)], TurnState::Draining),
            (vec![claim("b", Some("x"), false)], held(&["x"])),
            (vec![claim("a", Some(ME), false), claim("b", Some("x"), false)], held(&["x"])),
            (vec![claim("a", Some("y"), true), claim("b", Some("x"), false)], held(&["x", "y"])),
        ] {
            assert_eq!(TurnState::of(&keys(&["a", "b"]), &found, &ME.into(), 2), expected, "{found:?}");
        }
    }

    #[test]
    fn a_turn_is_that_of_its_round() {
        let mut found = [claim("a", Some(ME), false), claim("b", Some(ME), false)];
        let state = |found: &[Claim], round| TurnState::of(&keys(&["a", "b"]), found, &ME.into(), round);
        let not_yet_again = TurnState::Free { part_mine: true, part_draining: false };
        for (round, expected) in [(1, not_yet_again.clone()), (2, TurnState::Mine), (3, not_yet_again)] {
            assert_eq!(state(&found, round), expected, "{round}");
        }
        for claim in &mut found {
            claim.round = None;
        }
        assert_eq!(state(&found, 3), TurnState::Mine, "taken by a version that wrote no rounds");
    }

    #[test]
    fn a_holder_has_ended_when_its_start_cannot_be_trailed_any_more() {
        let at = Timestamp::from_seconds;
        let taken = |holder, taken_at| Claim { taken_at, ..claim("a", Some(holder), false) };
        let other = "arn:other";
        for (found, now, expected) in [
            (vec![taken(other, Some(at(100)))], 129, false),
            (vec![taken(other, Some(at(100)))], 130, true),
            (vec![taken(other, Some(at(100))), taken(other, Some(at(120)))], 130, false),
            (vec![taken(ME, Some(at(130))), taken(other, Some(at(100)))], 130, true),
            // A version took it that wrote no time.
            (vec![taken(other, None)], 100, true),
        ] {
            assert_eq!(has_ended(&other.into(), &found, at(now)), expected, "{found:?} at {now}");
        }
    }

    #[test]
    fn a_call_without_an_answer_counts_from_the_first_later_look() {
        let at = Timestamp::from_seconds;
        let call = |found_at: Option<i64>| CreationCall {
            creation_id: "a".into(),
            called_at: Some(at(100)),
            found_at: found_at.map(at),
        };
        for (found_at, now, expected) in [
            // The same `now`, however late.
            (None, 100, Some(call(None))),
            // The call may have been made right before.
            (None, 900, Some(call(Some(900)))),
            (Some(900), 910, Some(call(Some(900)))),
            (Some(900), 989, Some(call(Some(900)))),
            (Some(900), 990, None),
        ] {
            assert_eq!(unanswered_after_look(&call(found_at), at(now)), expected, "{found_at:?} at {now}");
        }
    }

    #[test]
    fn groups_that_share_a_claim_are_neighbours() {
        let name = |name: &str| AutoScalingGroupName::try_from(name).unwrap();
        let taken_for = |groups: &[&str]| Claim {
            taken_for: groups.iter().map(|group| name(group)).collect(),
            ..claim("a", None, false)
        };
        let found = [taken_for(&["web", "api"]), taken_for(&["batch", "web"]), taken_for(&[])];
        assert_eq!(
            claims_of_neighbours(&found, &name("web")),
            keys(&["autoScalingGroup:api", "autoScalingGroup:batch"])
        );
        assert_eq!(claims_of_neighbours(&found[2..], &name("web")), []);
    }

    #[test]
    fn a_call_may_be_left_behind_whose_answer_was_lost() {
        for (error, expected) in [
            ("Turnstile.Unavailable", true),
            ("States.Timeout", true),
            ("Lambda.SdkClientException", true),
            ("Sandbox.Timedout", true),
            ("Turnstile.DeploymentFailed", false),
            ("Turnstile.Throttled", false),
        ] {
            assert_eq!(may_leave_a_call_behind(error), expected, "{error}");
        }
    }

    proptest! {
        /// Whatever the table has: no rollout takes itself for the holder beside another one.
        #[test]
        fn two_rollouts_never_both_have_the_turn(
            rows in prop::collection::vec((0..3usize, prop::option::of(0..2usize), any::<bool>()), 0..6)
        ) {
            let executions = ["one", "two"];
            let mut found: Vec<Claim> = Vec::new();
            for (key, holder, draining) in rows {
                let key = ["a", "b", "c"][key];
                found.retain(|claim| claim.claim != key.into());
                found.push(claim(key, holder.map(|holder| executions[holder]), draining));
            }
            let needed = keys(&["a", "b"]);
            let mine = |execution: &str| {
                let seen: Vec<Claim> = found.iter().filter(|claim| needed.contains(&claim.claim)).cloned().collect();
                matches!(TurnState::of(&needed, &seen, &execution.into(), 2), TurnState::Mine | TurnState::Draining)
            };
            prop_assert!(!(mine("one") && mine("two")));
        }
    }
}
