//! Whether every end has a reason that the scenario contains.

mod disturbances;
mod failures;
mod gone;

use world::{HookResult, InstanceReport};

use super::Unmet;
use crate::format::{LaunchNumber, Outcome, Scenario, Step};
use crate::instance;
use crate::observed::{Ended, Observed, Rollout};

/// The ends that nothing in the scenario explains.
pub fn unmet(scenario: &Scenario, observed: &Observed) -> Vec<Unmet> {
    let unexplained = |problem: String| Unmet::new("anyEndWithAReason", format!("nothing explains {problem}"));
    let executions = observed.rollouts.iter().filter(|rollout| !execution_is_explained(rollout, scenario, observed));
    let executions = executions.map(|rollout| unexplained(format!("the end of {}", rollout.summary())));
    let instances =
        observed.launches().filter(|(launch, instance)| !instance_is_explained(*launch, instance, scenario, observed));
    let instances = instances.map(|(launch, instance)| {
        unexplained(format!("that launch {launch} ({}) is {}", instance.instance_id, instance.lifecycle_state))
    });
    executions.chain(instances).collect()
}

/// Whether an instance is in service, or has a reason not to be. That an instance in service has every application is the world's own rule.
fn instance_is_explained(
    launch: LaunchNumber,
    instance: &InstanceReport,
    scenario: &Scenario,
    observed: &Observed,
) -> bool {
    let a_person_ended_it = || scenario.steps.iter().any(|step| launch_ended_by(step) == Some(launch));
    let gave_it_up = |rollout: &Rollout| match rollout.outcome() {
        Outcome::Failed => true,
        // The call that was under way when a person aborted it, or when the run was cut, completes the hook.
        Outcome::Aborted | Outcome::Running => rollout.states.contains_key("CompleteAfterFailure"),
        _ => false,
    };
    let its_rollout_failed = || {
        let mut own = observed.rollouts.iter().filter(|rollout| rollout.launch == Some(launch) && gave_it_up(rollout));
        own.any(|rollout| execution_is_explained(rollout, scenario, observed))
    };
    match instance.lifecycle_state {
        "InService" | "Warmed:Stopped" => true,
        _ if instance::is_ending(instance) => a_person_ended_it() || its_rollout_failed(),
        _ => observed.ended == Ended::Cut,
    }
}

/// The launch that a person ends in a step.
fn launch_ended_by(step: &Step) -> Option<LaunchNumber> {
    let abandoned = step.complete_hook.as_ref().filter(|completion| completion.result == HookResult::Abandon);
    step.terminate.or(abandoned.map(|completion| completion.launch))
}

/// Whether an execution's end has a reason.
fn execution_is_explained(rollout: &Rollout, scenario: &Scenario, observed: &Observed) -> bool {
    match rollout.outcome() {
        Outcome::Succeeded => true,
        Outcome::Running => scenario.until.is_some(),
        Outcome::Aborted => scenario.steps.iter().any(|step| step.abort.is_some() && step.abort == rollout.launch),
        Outcome::InstanceGone => gone::was_gone(rollout, observed),
        Outcome::TimedOut => false,
        Outcome::Failed => failures::is_explained(rollout, scenario, observed),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::format::{Condition, Failure};
    use crate::judge::sample;

    /// The ends of the sample that nothing explains, after a change. The first application of its scenario fails or does not.
    fn unexplained(fails: bool, change: impl Fn(&mut Scenario, &mut Observed)) -> Vec<String> {
        let mut scenario = sample::scenario(json!({"anyEndWithAReason": true}));
        let mut observed = sample::observed();
        scenario.world.applications[0].failure = fails.then(Failure::default);
        change(&mut scenario, &mut observed);
        unmet(&scenario, &observed).into_iter().map(|unmet| unmet.problem).collect()
    }

    fn step(step: serde_json::Value) -> Step {
        serde_json::from_value(step).unwrap()
    }

    #[test]
    fn a_terminated_instance_needs_a_failure_of_its_own() {
        assert_eq!(unexplained(true, |_, _| ()), [] as [&str; 0]);
        let without = unexplained(false, |_, _| ());
        let [execution, instance] = without.as_slice() else { panic!("{without:#?}") };
        assert!(execution.starts_with("nothing explains the end of rollout-2"), "{execution}");
        assert!(instance.starts_with("nothing explains that launch 2"), "{instance}");

        let of_another = unexplained(true, |_, observed| observed.rollouts[1].launch = Some(1));
        assert!(matches!(of_another.as_slice(), [one] if one.starts_with("nothing explains that launch 2")));
    }

    #[test]
    fn a_person_may_end_a_launch() {
        for (end, unexplained_ends) in [
            (json!({"terminate": 2}), 0),
            (json!({"completeHook": {"launch": 2, "result": "ABANDON"}}), 0),
            (json!({"terminate": 1}), 1),
            (json!({"completeHook": {"launch": 2, "result": "CONTINUE"}}), 1),
        ] {
            let ended = |scenario: &mut Scenario, observed: &mut Observed| {
                scenario.steps.push(step(end.clone()));
                observed.rollouts.pop();
            };
            assert_eq!(unexplained(false, ended).len(), unexplained_ends, "{end}");
        }
    }

    #[test]
    fn an_aborted_rollout_may_have_given_its_launch_up() {
        for (state, unexplained_ends) in [("CompleteAfterFailure", 0), ("BackOff", 1)] {
            let abort = |scenario: &mut Scenario, observed: &mut Observed| {
                scenario.steps.push(step(json!({"abort": 2})));
                observed.rollouts[1] = sample::rollout(&observed.launched, 2, "ABORTED");
                observed.rollouts[1].states = [(state.to_owned(), 1)].into();
            };
            assert_eq!(unexplained(true, abort).len(), unexplained_ends, "{state}");
        }
    }

    #[test]
    fn a_run_may_be_cut_while_a_launch_is_given_up() {
        for (state, unexplained_ends) in [("CompleteAfterFailure", 0), ("BackOff", 1)] {
            let cut = |scenario: &mut Scenario, observed: &mut Observed| {
                scenario.until = Some(Condition::default());
                observed.rollouts[1] = sample::rollout(&observed.launched, 2, "RUNNING");
                observed.rollouts[1].states = [(state.to_owned(), 1)].into();
            };
            assert_eq!(unexplained(true, cut).len(), unexplained_ends, "{state}");
        }
    }

    #[test]
    fn a_person_may_abort_an_execution() {
        for (launch, unexplained_ends) in [(1, 0), (2, 1)] {
            let abort = |scenario: &mut Scenario, observed: &mut Observed| {
                scenario.steps.push(step(json!({"abort": launch})));
                observed.rollouts[0] = sample::rollout(&observed.launched, 1, "ABORTED");
            };
            assert_eq!(unexplained(true, abort).len(), unexplained_ends, "{launch}");
        }
    }
}
