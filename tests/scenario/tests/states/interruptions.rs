//! A rollout is interrupted: a person aborts its execution, or deletes every turn. Whoever aborts it starts another one, and every end then has
//! a reason.

use scenario::bed::Place;
use scenario::format::{Expect, GROUP, HOOK, Launch, Outcome, Step};
use scenario::judge::run_and_judge;
use scenario::observed::Observed;
use scenario::variant::Variant;
use scenario::verdict;
use serde_json::json;

use crate::{STATES, scenario, when_in};

/// Runs the scenario with these steps once the rollout is in the state. Another launch follows, whose rollout needs the turn.
fn interrupted(state: &str, name: &str, launch: usize, steps: impl IntoIterator<Item = Step>) -> Observed {
    let mut scenario = scenario(name);
    let first = scenario.steps.len();
    scenario.steps.extend(steps);
    scenario.steps[first].when = Some(when_in(state, launch));
    scenario.steps.push(Step { launch: Some(Launch::default()), ..Step::default() });
    scenario.expect = Expect { any_end_with_a_reason: true, ..Expect::default() };
    let (observed, unmet) = run_and_judge(&scenario, Variant::Default, Place::SIMULATION).expect("it runs");
    assert!(unmet.is_empty(), "in {state}: {}", verdict::text(name, &scenario, &observed, &unmet));
    observed
}

#[test]
fn an_execution_may_be_aborted_in_any_state() {
    for (state, name, launch) in STATES {
        let input = json!({
            "autoScalingGroupName": GROUP, "instanceId": format!("{{launch {launch}}}"), "lifecycleHookName": HOOK,
        });
        let again = serde_json::from_value(json!({"startRollout": {"input": input}})).expect("a step");
        let steps = [Step { abort: Some(launch), ..Step::default() }, again];
        let observed = interrupted(state, name, launch, steps);
        assert!(observed.rollouts.iter().any(|rollout| rollout.outcome() == Outcome::Aborted), "in {state}");
    }
}

#[test]
fn the_turns_may_be_deleted_in_any_state() {
    for (state, name, launch) in STATES {
        interrupted(state, name, launch, [Step { delete_turns: true, ..Step::default() }]);
    }
}
