//! Whether every end has a reason that the scenario contains.

mod disturbances;
mod failures;
mod gone;

use world::{HookResult, InstanceReport};

use crate::format::{LaunchNumber, Outcome, Scenario, Step};
use crate::outcome::{Came, Ended, Rollout};

/// The ends that nothing in the scenario explains.
pub fn shortfalls(scenario: &Scenario, came: &Came) -> Vec<String> {
    let executions = came.rollouts.iter().filter(|rollout| !may_end_so(rollout, scenario, came));
    let executions = executions.map(|rollout| format!("nothing explains the end of {}", rollout.line()));
    let instances = came.launches().filter(|(number, instance)| !is_explained(*number, instance, scenario, came));
    let instances = instances.map(|(number, instance)| {
        format!("nothing explains that launch {number} ({}) is {}", instance.instance_id, instance.lifecycle_state)
    });
    executions.chain(instances).collect()
}

/// Whether an instance is in service, or not for a reason. That it has every application then is the world's own rule.
fn is_explained(number: LaunchNumber, instance: &InstanceReport, scenario: &Scenario, came: &Came) -> bool {
    let somebody = || scenario.steps.iter().any(|step| ends(step) == Some(number));
    let failed = || {
        let own = |rollout: &&Rollout| rollout.launch == Some(number) && rollout.outcome() == Outcome::Failed;
        came.rollouts.iter().filter(own).any(|rollout| may_end_so(rollout, scenario, came))
    };
    match instance.lifecycle_state {
        "InService" | "Warmed:Stopped" => true,
        state if state.contains("Terminat") => somebody() || failed(),
        _ => came.ended == Ended::Cut,
    }
}

/// The launch that somebody ends in a step.
fn ends(step: &Step) -> Option<LaunchNumber> {
    let abandoned = step.complete_hook.as_ref().filter(|completion| completion.result == HookResult::Abandon);
    step.terminate.or(abandoned.map(|completion| completion.launch))
}

/// Whether there is a reason for the end of an execution.
fn may_end_so(rollout: &Rollout, scenario: &Scenario, came: &Came) -> bool {
    match rollout.outcome() {
        Outcome::Succeeded => true,
        Outcome::Running => scenario.until.is_some(),
        Outcome::Aborted => scenario.steps.iter().any(|step| step.abort.is_some() && step.abort == rollout.launch),
        Outcome::InstanceGone => gone::was_gone(rollout, came),
        Outcome::TimedOut => false,
        Outcome::Failed => failures::is_explained(rollout, scenario, came),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::format::Failure;
    use crate::judge::sample;

    /// Where the sample falls short, in a scenario whose first application fails or does not.
    fn short(fails: bool, change: impl Fn(&mut Scenario, &mut Came)) -> Vec<String> {
        let mut scenario = sample::scenario(json!({"anyEndWithAReason": true}));
        let mut came = sample::came();
        scenario.world.applications[0].failure = fails.then(Failure::default);
        change(&mut scenario, &mut came);
        shortfalls(&scenario, &came)
    }

    fn step(step: serde_json::Value) -> Step {
        serde_json::from_value(step).unwrap()
    }

    #[test]
    fn a_terminated_instance_needs_a_failure_of_its_own_that_has_a_reason() {
        assert_eq!(short(true, |_, _| ()), [] as [&str; 0]);
        let without = short(false, |_, _| ());
        let [execution, instance] = without.as_slice() else { panic!("{without:#?}") };
        assert!(execution.starts_with("nothing explains the end of rollout-2"), "{execution}");
        assert!(instance.starts_with("nothing explains that launch 2"), "{instance}");

        let of_another = short(true, |_, came| came.rollouts[1].launch = Some(1));
        assert!(matches!(of_another.as_slice(), [one] if one.starts_with("nothing explains that launch 2")));
    }

    #[test]
    fn somebody_may_end_a_launch() {
        for end in [json!({"terminate": 2}), json!({"completeHook": {"launch": 2, "result": "ABANDON"}})] {
            let ended = |scenario: &mut Scenario, came: &mut Came| {
                scenario.steps.push(step(end.clone()));
                came.rollouts.pop();
            };
            assert_eq!(short(false, ended), [] as [&str; 0], "{end}");
        }
        for other in [json!({"terminate": 1}), json!({"completeHook": {"launch": 2, "result": "CONTINUE"}})] {
            let ended = |scenario: &mut Scenario, came: &mut Came| {
                scenario.steps.push(step(other.clone()));
                came.rollouts.pop();
            };
            assert_eq!(short(false, ended).len(), 1, "{other}");
        }
    }

    #[test]
    fn an_execution_was_aborted_by_somebody() {
        for (launch, shortfalls) in [(1, 0), (2, 1)] {
            let abort = |scenario: &mut Scenario, came: &mut Came| {
                scenario.steps.push(step(json!({"abort": launch})));
                came.rollouts[0] = sample::rollout(&came.launched, 1, "ABORTED");
            };
            assert_eq!(short(true, abort).len(), shortfalls, "{launch}");
        }
    }
}
