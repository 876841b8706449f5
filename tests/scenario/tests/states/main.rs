//! What happens while a rollout is in a state, in each state that calls a function or waits.

mod interruptions;
mod pipelines;
mod updates;

use std::collections::BTreeSet;

use scenario::format::{Condition, RolloutIn, Scenario};
use scenario::{files, format};
use serde_json::Value;

/// Each state that lasts, and a scenario in which the rollout of a launch is in it.
const STATES: [(&str, &str, usize); 17] = [
    ("PlanRollout", "one-launch", 1),
    ("WaitForOwner", "started-again-while-it-is-at-work", 1),
    ("WaitForTurn", "by-hand-during-launches", 2),
    ("WaitForLastCalls", "aborted-and-started-again-by-hand", 1),
    ("StartDeployment", "one-launch", 1),
    ("WaitForSlot", "account-limit-that-passes", 1),
    ("WaitForDeployment", "one-launch", 1),
    ("CheckStatus", "one-launch", 1),
    ("WaitForNeighbour", "never-an-agent", 1),
    ("WaitForGate", "tags-are-seen-late", 1),
    ("CompleteLifecycleHook", "one-launch", 1),
    ("WaitForRelease", "release-under-way-when-the-gate-opens", 1),
    ("WaitForNextRound", "somebody-deploys-a-new-revision", 1),
    ("EndWithoutInstance", "terminated-midway", 1),
    ("BackOff", "failing-script", 1),
    ("WaitBeforeAbandon", "failing-script", 1),
    ("CompleteAfterFailure", "failing-script", 1),
];

fn scenario(name: &str) -> Scenario {
    let files = files::all().expect("tests/scenarios");
    let path = files.iter().find(|path| files::name(path) == name).unwrap_or_else(|| panic!("there is no {name}"));
    format::read(path).unwrap_or_else(|error| panic!("{error}"))
}

/// Holds once the rollout is in the state. Where a later state comes so soon that no look is between, the run waits for it in vain.
fn when_in(state: &str, launch: usize) -> Condition {
    Condition { rollout: Some(RolloutIn { launch, state: state.to_owned() }), ..Condition::default() }
}

#[test]
fn every_state_that_lasts_has_its_scenario() {
    let definition: Value =
        serde_json::from_str(include_str!("../../../../statemachine/rollout.asl.json")).expect("the definition");
    let states = definition["States"].as_object().expect("states").iter();
    let lasting = states.filter(|(_, state)| matches!(state["Type"].as_str(), Some("Task" | "Wait")));
    let lasting: BTreeSet<&str> = lasting.map(|(name, _)| name.as_str()).collect();
    assert_eq!(STATES.iter().map(|(state, ..)| *state).collect::<BTreeSet<_>>(), lasting);
}
