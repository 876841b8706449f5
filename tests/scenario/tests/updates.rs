//! The stack is updated while a rollout is in a state, to a version whose requests have another form. Each state that calls a function or waits is
//! one of a scenario, which then comes to what it comes to without the update.

use std::collections::BTreeSet;

use scenario::bed::Place;
use scenario::format::{Condition, RolloutIn, Scenario, Step};
use scenario::judge::run_and_judge;
use scenario::variant::Variant;
use scenario::{files, format, verdict};
use serde_json::Value;

/// Each state, and a scenario in which the rollout of a launch is in it.
const STATES: [(&str, &str, usize); 18] = [
    ("PlanRollout", "one-launch", 1),
    ("WaitForOwner", "started-again-while-it-is-at-work", 1),
    ("TakeTurn", "one-launch", 1),
    ("WaitForTurn", "by-hand-during-launches", 2),
    ("WaitForLastCalls", "aborted-and-started-again-by-hand", 1),
    ("StartDeployment", "one-launch", 1),
    ("WaitForSlot", "account-limit-that-passes", 1),
    ("WaitForDeployment", "one-launch", 1),
    ("CheckStatus", "one-launch", 1),
    ("GiveWay", "never-an-agent", 1),
    ("WaitForNeighbour", "never-an-agent", 1),
    ("CompleteLifecycleHook", "one-launch", 1),
    ("WaitForNextRound", "somebody-deploys-a-new-revision", 1),
    ("ReturnTurn", "one-launch", 1),
    ("ReturnTurnOfGoneInstance", "terminated-midway", 1),
    ("ReturnTurnAfterFailure", "failing-script", 1),
    ("BackOff", "failing-script", 1),
    ("CompleteAfterFailure", "failing-script", 1),
];

fn scenario(name: &str) -> Scenario {
    let files = files::all().expect("tests/scenarios");
    let path = files.iter().find(|path| files::name(path) == name).unwrap_or_else(|| panic!("there is no {name}"));
    format::read(path).unwrap_or_else(|error| panic!("{error}"))
}

/// The update, once the rollout is in the state. Where a later state comes so soon that no look is between, the run waits for it in vain.
fn updated_in(state: &str, launch: usize) -> Step {
    let rollout = Some(RolloutIn { launch, state: state.to_owned() });
    Step { when: Some(Condition { rollout, ..Condition::default() }), update_stack: true, ..Step::default() }
}

#[test]
fn an_update_in_any_state_of_a_rollout_changes_nothing() {
    for (state, name, launch) in STATES {
        let mut scenario = scenario(name);
        scenario.steps.push(updated_in(state, launch));
        let (observed, unmet) = run_and_judge(&scenario, Variant::Default, Place::SIMULATION).expect("it runs");
        assert!(unmet.is_empty(), "in {state}: {}", verdict::text(name, &scenario, &observed, &unmet));
    }
}

#[test]
fn every_state_that_lasts_is_one_in_which_the_stack_is_updated() {
    let definition: Value =
        serde_json::from_str(include_str!("../../../statemachine/rollout.asl.json")).expect("the definition");
    let states = definition["States"].as_object().expect("states").iter();
    let lasting = states.filter(|(_, state)| matches!(state["Type"].as_str(), Some("Task" | "Wait")));
    let lasting: BTreeSet<&str> = lasting.map(|(name, _)| name.as_str()).collect();
    assert_eq!(STATES.iter().map(|(state, ..)| *state).collect::<BTreeSet<_>>(), lasting);
}
