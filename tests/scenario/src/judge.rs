//! Whether a run met what is expected of it.

mod alarms;
mod always;
mod attempts;
mod executions;
mod explained;
pub(crate) mod found;
mod hooks;
mod instances;
mod reached;
#[cfg(test)]
pub(crate) mod sample;
mod told;

use std::fmt;

use serde::{Serialize, Serializer};
use world::{Call, DeploymentReport};

use crate::bed::Place;
use crate::format::{Application, CountOrList, Expect, ExpectedCall, Outcome, Scenario};
use crate::observed::Observed;
use crate::run;
use crate::variant::Variant;

/// An expectation that a run did not meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmet {
    /// The field of `expect`, such as `executions[0]`, or the rule that holds in every run, such as `turn`.
    pub expectation: String,
    /// What was expected and what was observed.
    pub problem: String,
}

impl Unmet {
    fn new(expectation: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { expectation: expectation.into(), problem: problem.into() }
    }
}

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}: {}", self.expectation, self.problem)
    }
}

impl Serialize for Unmet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Runs a scenario and judges the run.
///
/// # Errors
/// When the scenario could not be run.
///
/// # Panics
/// Inside a Tokio runtime: a run has one of its own.
pub fn run_and_judge(
    scenario: &Scenario,
    variant: Variant,
    place: Place,
) -> Result<(Observed, Vec<Unmet>), run::Error> {
    let observed = run::run(scenario, variant, place)?;
    let unmet = unmet(scenario, &observed);
    Ok((observed, unmet))
}

/// The expectations that a run did not meet.
pub fn unmet(scenario: &Scenario, observed: &Observed) -> Vec<Unmet> {
    let expect = &scenario.expect;
    let mut unmet = always::unmet(observed, expect.any_end_with_a_reason && observed.trace_hash.is_some());
    unmet.extend(told::unmet(observed));
    unmet.extend(alarms::unmet(&expect.alarms, observed));
    unmet.extend(attempts::unmet(scenario, observed));
    unmet.extend(hooks::unmet(&expect.hooks, scenario, observed));
    unmet.extend(instances::unmet(expect, observed));
    unmet.extend(reached::unmet(expect, observed));
    if expect.any_end_with_a_reason {
        unmet.extend(explained::unmet(scenario, observed));
    } else {
        unmet.extend(executions::unmet(expect.executions.as_deref(), observed));
        unmet.extend(idle_faults(observed));
    }
    unmet.extend(deployments(expect, &observed.report.deployments));
    unmet.extend(expect.warnings.iter().filter_map(|warning| missing_warning(warning, observed)));
    unmet.extend(expect.calls.iter().filter_map(|expected| calls(expected, &observed.report.calls)));
    unmet
}

/// The faults that have hit no call: a scenario that is about a fault then shows nothing.
fn idle_faults(observed: &Observed) -> impl Iterator<Item = Unmet> {
    let idle = observed.fault_hits.iter().enumerate().filter(|(_, hits)| **hits == 0);
    idle.map(|(i, _)| Unmet::new(format!("faults[{i}]"), "it has hit no call"))
}

fn deployments(expect: &Expect, deployments: &[DeploymentReport]) -> Vec<Unmet> {
    let order: Vec<String> = deployments
        .iter()
        .map(|deployment| format!("{}/{}", deployment.application_name, deployment.deployment_group_name))
        .collect();
    let of = |expected: &CountOrList<String>| match expected {
        CountOrList::Count(count) if !count.allows(order.len()) => {
            Some(format!("expected {count}, got {}: {}", order.len(), order.join(", ")))
        }
        CountOrList::List(names) => {
            let expected: Vec<String> = names.iter().map(|name| Application::named(name).short_form()).collect();
            (expected != order).then(|| format!("expected {}, got {}", expected.join(", "), order.join(", ")))
        }
        CountOrList::Count(_) => None,
    };
    let number = expect.deployments.as_ref().and_then(of).map(|problem| Unmet::new("deployments", problem));
    let side_by_side =
        deployments.windows(2).filter(|pair| pair[0].ended_at.is_none_or(|end| end > pair[1].created_at));
    let side_by_side = side_by_side.filter(|_| expect.one_at_a_time).map(|pair| {
        let [before, after] = [&pair[0], &pair[1]]
            .map(|deployment| format!("{} of {}", deployment.deployment_id, deployment.application_name));
        Unmet::new("oneAtATime", format!("{after} was created before {before} was over"))
    });
    number.into_iter().chain(side_by_side).collect()
}

fn missing_warning(warning: &str, observed: &Observed) -> Option<Unmet> {
    let succeeded = observed.rollouts.iter().filter(|rollout| rollout.outcome() == Outcome::Succeeded);
    let mut warnings = succeeded.flat_map(|rollout| rollout.output()["warnings"].as_array().into_iter().flatten());
    let is_given = warnings.any(|given| given.as_str().is_some_and(|given| given.contains(warning)));
    (!is_given).then(|| Unmet::new("warnings", format!("no execution that succeeded warns of {warning:?}")))
}

fn calls(expected: &ExpectedCall, calls: &[Call]) -> Option<Unmet> {
    let ExpectedCall { operation, caller, outcome, parameters, count } = expected;
    let is = |call: &&Call| {
        call.operation == *operation
            && caller.as_ref().is_none_or(|caller| call.caller == *caller)
            && outcome.as_ref().is_none_or(|outcome| call.outcome == *outcome)
            && found::are_found(parameters, &call.parameters)
    };
    let number = calls.iter().filter(is).count();
    let of =
        [caller.as_deref().map(|caller| format!(" of {caller}")), outcome.as_deref().map(|o| format!(" with {o:?}"))];
    let of: String = of.into_iter().flatten().collect();
    (!count.allows(number)).then(|| Unmet::new("calls", format!("{operation}{of}: expected {count}, got {number}")))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use world::{Breach, ClosedBy, Collision, Violation};

    use super::sample::{observed, rollout, scenario};
    use super::*;
    use crate::observed::Ended;

    /// What the sample run meets.
    fn met() -> Value {
        json!({
            "inService": [1], "terminated": {"min": 1, "max": 2}, "launches": 2,
            "executions": [
                {"launch": 1, "outcome": "SUCCEEDED"},
                {
                    "outcome": "FAILED", "error": "Turnstile.DeploymentFailed", "cause": {"lifecycleEvent": "Inst"},
                    "states": {"BackOff": {"min": 2}, "WaitForTurn": 0},
                },
            ],
            "deployments": ["Orders", "Search", "Orders"],
            "oneAtATime": true,
            "hooks": {"CONTINUE": 1, "ABANDON": 1},
            "warnings": ["the hook"],
            "calls": [{"operation": "CreateDeployment", "caller": "start-deployment", "outcome": "lost answer", "count": 1}],
        })
    }

    /// The sample scenario, which expects something else at one place.
    fn changed(pointer: &str, value: Value) -> Scenario {
        let mut expect = met();
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        expect.pointer_mut(parent).unwrap()[field] = value;
        scenario(expect)
    }

    /// The expectations that were not met, as sentences.
    fn sentences(scenario: &Scenario, observed: &Observed) -> Vec<String> {
        unmet(scenario, observed).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_run_that_meets_every_expectation_is_good() {
        assert_eq!(unmet(&scenario(met()), &observed()), []);
    }

    #[test]
    fn each_expectation_is_compared_with_what_was_observed() {
        for (pointer, value, sentence) in [
            ("/inService", json!([2]), "inService: expected [2] of the launches, got [1]"),
            ("/inService", json!(2), "inService: expected 2 of the launches, got [1]"),
            ("/terminated", json!(0), "terminated: expected 0 of the launches, got [2]"),
            ("/launches", json!({"min": 3}), "launches: expected at least 3, got 2"),
            ("/executions/0/launch", json!(2), "executions[0]: expected 1, got 0"),
            ("/executions/0/count", json!(2), "executions[0]: expected 2, got 1"),
            ("/executions/1/error", json!("Turnstile.TurnLost"), "executions[1]: expected 1, got 0"),
            ("/executions/1/cause", json!({"lifecycleEvent": "After"}), "executions[1]: expected 1, got 0"),
            ("/executions/1/states", json!({"BackOff": 1}), "executions[1]: expected 1, got 0"),
            ("/executions", json!(null), "executions: rollout-2 of launch 2: Failed Turnstile.DeploymentFailed"),
            ("/executions", json!([{"outcome": "FAILED"}]), "executions: unexpected: rollout-1 of launch 1: Succeeded"),
            ("/deployments", json!(["Orders"]), "deployments: expected Orders/Production, got"),
            ("/deployments", json!({"max": 2}), "deployments: expected at most 2, got 3"),
            ("/hooks/CONTINUE", json!(2), "hooks.CONTINUE: expected 2, got 1"),
            ("/hooks", json!({"timedOut": 1}), "hooks.timedOut: expected 1, got 0"),
            ("/warnings", json!(["something else"]), "warnings: no execution that succeeded warns of"),
            (
                "/calls/0/count",
                json!(2),
                "calls: CreateDeployment of start-deployment with \"lost answer\": expected 2, got 1",
            ),
        ] {
            let sentences = sentences(&changed(pointer, value), &observed());
            assert!(sentences.first().is_some_and(|first| first.starts_with(sentence)), "{sentence}: {sentences:#?}");
        }
    }

    #[test]
    fn an_instance_that_is_being_terminated_counts_as_terminated() {
        let mut observed = observed();
        observed.report.instances[1].lifecycle_state = "Terminating:Wait";
        assert_eq!(unmet(&scenario(met()), &observed), []);
    }

    #[test]
    fn what_must_always_hold_need_not_be_expected() {
        type Change = fn(&mut Observed);
        let cases: [(Change, &str); 6] = [
            (
                |observed| {
                    let Collision { at, overlap } = sample::collision();
                    observed.report.violations.push(Violation { at, breach: Breach::TwoAtWork { overlap } });
                },
                "violation: at 60.0 s: deployment d-1 of Orders/Production began its work on i-9",
            ),
            (|observed| observed.ended = Ended::GivenUp("it waits".to_owned()), "end: the run was given up: it waits"),
            (
                |observed| observed.turns[0].holder = Some("arn:2".to_owned()),
                "turn: autoScalingGroup:web is still held by rollout-2",
            ),
            (
                |observed| observed.turns[0].holder = Some("arn:9".to_owned()),
                "turn: autoScalingGroup:web is still held by arn:9",
            ),
            (|observed| observed.forbidden.push("not permitted".to_owned()), "permissions: not permitted"),
            (
                |observed| observed.report.hook_actions[1].closed_by = Some(ClosedBy::Timeout),
                "hooks.timedOut: expected 0, got 1",
            ),
        ];
        for (change, sentence) in cases {
            let mut observed = observed();
            change(&mut observed);
            let sentences = sentences(&scenario(json!({"executions": met()["executions"]})), &observed);
            assert!(sentences.first().is_some_and(|first| first.starts_with(sentence)), "{sentence}: {sentences:#?}");
        }

        let mut observed = observed();
        observed.rollouts[1] = rollout(&observed.launched, 2, "ABORTED");
        observed.turns[0].holder = Some("arn:2".to_owned());
        let expect = json!({"executions": [{"outcome": "SUCCEEDED"}, {"outcome": "ABORTED"}]});
        assert_eq!(unmet(&scenario(expect), &observed), [], "nobody has asked for the turn since");
    }

    #[test]
    fn a_fault_that_hits_no_call_is_reported() {
        for (hits, any_end, expected) in [
            (vec![], false, None),
            (vec![1, 2], false, None),
            (vec![1, 0], false, Some("faults[1]: it has hit no call")),
            (vec![1, 0], true, None),
        ] {
            let mut scenario = scenario(met());
            scenario.expect.any_end_with_a_reason = any_end;
            let observed = Observed { fault_hits: hits.clone(), ..observed() };
            let sentences = sentences(&scenario, &observed);
            let found = sentences.iter().find(|sentence| sentence.starts_with("faults"));
            assert_eq!(found.map(String::as_str), expected, "{hits:?}");
        }
    }

    #[test]
    fn deployments_side_by_side_are_reported() {
        let mut observed = observed();
        observed.report.deployments[1].created_at = 45.0;
        let unmet = unmet(&scenario(met()), &observed);
        assert!(matches!(unmet.as_slice(), [one] if one.expectation == "oneAtATime"), "{unmet:#?}");
    }
}
