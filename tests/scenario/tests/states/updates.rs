//! The stack is updated to a version whose requests have another form. The scenario then comes to what it comes to without the update.

use scenario::bed::Place;
use scenario::format::Step;
use scenario::judge::run_and_judge;
use scenario::variant::Variant;
use scenario::verdict;

use crate::{STATES, scenario, when_in};

#[test]
fn an_update_in_any_state_of_a_rollout_changes_nothing() {
    for (state, name, launch) in STATES {
        let mut scenario = scenario(name);
        scenario.steps.push(Step { when: Some(when_in(state, launch)), update_stack: true, ..Step::default() });
        let (observed, unmet) = run_and_judge(&scenario, Variant::Default, Place::SIMULATION).expect("it runs");
        assert!(unmet.is_empty(), "in {state}: {}", verdict::text(name, &scenario, &observed, &unmet));
    }
}
