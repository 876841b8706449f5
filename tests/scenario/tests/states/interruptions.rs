//! A rollout is interrupted: a person aborts its execution, or deletes every turn. The schedule gives an instance that still waits another
//! rollout, and every end then has a reason.

use scenario::bed::Place;
use scenario::format::{Expect, Launch, Outcome, Step};
use scenario::judge::run_and_judge;
use scenario::observed::Observed;
use scenario::variant::Variant;
use scenario::verdict;

use crate::{STATES, scenario, when_in};

/// The scenario, with what a person does once the rollout is in the state.
fn interrupted(state: &str, name: &str, launch: usize, step: Step) -> Observed {
    let mut scenario = scenario(name);
    scenario.steps.push(Step { when: Some(when_in(state, launch)), ..step });
    // Another instance, whose rollout needs the turn.
    scenario.steps.push(Step { launch: Some(Launch::default()), ..Step::default() });
    scenario.schedule_seconds = Some(60.0);
    scenario.expect = Expect { any_end_with_a_reason: true, ..Expect::default() };
    let (observed, unmet) = run_and_judge(&scenario, Variant::Default, Place::SIMULATION).expect("it runs");
    assert!(unmet.is_empty(), "in {state}: {}", verdict::text(name, &scenario, &observed, &unmet));
    observed
}

#[test]
fn an_execution_may_be_aborted_in_any_state() {
    for (state, name, launch) in STATES {
        let observed = interrupted(state, name, launch, Step { abort: Some(launch), ..Step::default() });
        assert!(observed.rollouts.iter().any(|rollout| rollout.outcome() == Outcome::Aborted), "in {state}");
    }
}

#[test]
fn the_turns_may_be_deleted_in_any_state() {
    for (state, name, launch) in STATES {
        interrupted(state, name, launch, Step { delete_turns: true, ..Step::default() });
    }
}
