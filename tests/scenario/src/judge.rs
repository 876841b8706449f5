//! Whether what came out is what had to.

mod always;
mod executions;
mod explained;
mod found;
mod hooks;
mod instances;
#[cfg(test)]
mod sample;

use world::{Call, DeploymentReport};

use crate::format::{Application, Expect, ExpectedCall, ExpectedDeployments, Outcome, Scenario};
use crate::outcome::Came;

/// Where a run fell short, a sentence each.
pub fn shortfalls(scenario: &Scenario, came: &Came) -> Vec<String> {
    let expect = &scenario.expect;
    let mut sentences = always::shortfalls(came);
    sentences.extend(hooks::shortfalls(&expect.hooks, scenario, came));
    sentences.extend(instances::shortfalls(expect, came));
    if expect.any_end_with_a_reason {
        sentences.extend(explained::shortfalls(scenario, came));
    } else {
        sentences.extend(executions::shortfalls(expect.executions.as_deref(), came));
    }
    if !expect.any_end_with_a_reason {
        sentences.extend(idle_faults(came));
    }
    sentences.extend(deployments(expect, &came.report.deployments));
    sentences.extend(expect.warnings.iter().filter_map(|warning| lacking_warning(warning, came)));
    sentences.extend(expect.calls.iter().filter_map(|expected| calls(expected, &came.report.calls)));
    sentences
}

/// A scenario that is about a fault shows nothing when that hits nothing.
fn idle_faults(came: &Came) -> impl Iterator<Item = String> {
    let idle = came.fault_hits.iter().enumerate().filter(|(_, hits)| **hits == 0);
    idle.map(|(i, _)| format!("faults[{i}]: it has hit no call"))
}

fn deployments(expect: &Expect, deployments: &[DeploymentReport]) -> Vec<String> {
    let order: Vec<String> = deployments
        .iter()
        .map(|deployment| format!("{}/{}", deployment.application_name, deployment.deployment_group_name))
        .collect();
    let of = |expected: &ExpectedDeployments| match expected {
        ExpectedDeployments::Count(count) if !count.allows(order.len()) => {
            Some(format!("deployments: expected {count}, got {}: {}", order.len(), order.join(", ")))
        }
        ExpectedDeployments::Order(names) => {
            let expected: Vec<String> = names.iter().map(|name| Application::named(name).short_form()).collect();
            (expected != order)
                .then(|| format!("deployments: expected {}, got {}", expected.join(", "), order.join(", ")))
        }
        ExpectedDeployments::Count(_) => None,
    };
    let number = expect.deployments.as_ref().and_then(of);
    let side_by_side =
        deployments.windows(2).filter(|pair| pair[0].ended_at.is_none_or(|end| end > pair[1].created_at));
    let side_by_side = side_by_side.filter(|_| expect.one_at_a_time).map(|pair| {
        let [before, after] = [&pair[0], &pair[1]]
            .map(|deployment| format!("{} of {}", deployment.deployment_id, deployment.application_name));
        format!("oneAtATime: {after} was created before {before} was over")
    });
    number.into_iter().chain(side_by_side).collect()
}

fn lacking_warning(warning: &str, came: &Came) -> Option<String> {
    let succeeded = came.rollouts.iter().filter(|rollout| rollout.outcome() == Outcome::Succeeded);
    let mut said = succeeded.flat_map(|rollout| rollout.output()["warnings"].as_array().into_iter().flatten());
    let is_said = said.any(|said| said.as_str().is_some_and(|said| said.contains(warning)));
    (!is_said).then(|| format!("warnings: no execution that succeeded warns of {warning:?}"))
}

fn calls(expected: &ExpectedCall, calls: &[Call]) -> Option<String> {
    let ExpectedCall { operation, caller, outcome, count } = expected;
    let is = |call: &&Call| {
        call.operation == *operation
            && caller.as_ref().is_none_or(|caller| call.caller == *caller)
            && outcome.as_ref().is_none_or(|outcome| call.outcome == *outcome)
    };
    let number = calls.iter().filter(is).count();
    let of =
        [caller.as_deref().map(|caller| format!(" of {caller}")), outcome.as_deref().map(|o| format!(" with {o:?}"))];
    let of: String = of.into_iter().flatten().collect();
    (!count.allows(number)).then(|| format!("calls: {operation}{of}: expected {count}, got {number}"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use world::{Breach, ClosedBy, Collision, Violation};

    use super::sample::{self, came, rollout, scenario};
    use super::*;
    use crate::outcome::Ended;

    /// As it came out.
    fn right() -> Value {
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

    fn changed(pointer: &str, value: Value) -> Scenario {
        let mut expect = right();
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        expect.pointer_mut(parent).unwrap()[field] = value;
        scenario(expect)
    }

    #[test]
    fn what_came_out_as_expected_does_not_fall_short() {
        assert_eq!(shortfalls(&scenario(right()), &came()), [] as [&str; 0]);
    }

    #[test]
    fn each_expectation_is_held_against_what_came_out() {
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
            ("/hooks/CONTINUE", json!(2), "hooks: CONTINUE: expected 2, got 1"),
            ("/hooks", json!({"timedOut": 1}), "hooks: timedOut: expected 1, got 0"),
            ("/warnings", json!(["something else"]), "warnings: no execution that succeeded warns of"),
            (
                "/calls/0/count",
                json!(2),
                "calls: CreateDeployment of start-deployment with \"lost answer\": expected 2, got 1",
            ),
        ] {
            let short = shortfalls(&changed(pointer, value), &came());
            assert!(short.first().is_some_and(|first| first.starts_with(sentence)), "{sentence}: {short:#?}");
        }
    }

    #[test]
    fn what_must_always_hold_is_not_asked_for() {
        type Change = fn(&mut Came);
        let cases: [(Change, &str); 6] = [
            (
                |came| {
                    let Collision { at, overlap } = sample::collision();
                    came.report.violations.push(Violation { at, breach: Breach::TwoAtWork { overlap } });
                },
                "violation: at 60.0 s: deployment d-1 of Orders/Production began its work on i-9",
            ),
            (|came| came.ended = Ended::GivenUp("it waits".to_owned()), "it did not come to its end: it waits"),
            (
                |came| came.turns[0].holder = Some("arn:2".to_owned()),
                "turn: autoScalingGroup:web is still held by rollout-2",
            ),
            (
                |came| came.turns[0].holder = Some("arn:9".to_owned()),
                "turn: autoScalingGroup:web is still held by arn:9",
            ),
            (|came| came.forbidden.push("not permitted".to_owned()), "permissions: not permitted"),
            (
                |came| came.report.hook_actions[1].closed_by = Some(ClosedBy::Timeout),
                "hooks: timedOut: expected 0, got 1",
            ),
        ];
        for (change, sentence) in cases {
            let mut came = came();
            change(&mut came);
            let short = shortfalls(&scenario(json!({"executions": right()["executions"]})), &came);
            assert!(short.first().is_some_and(|first| first.starts_with(sentence)), "{sentence}: {short:#?}");
        }

        let mut came = came();
        came.rollouts[1] = rollout(&came.launched, 2, "ABORTED");
        came.turns[0].holder = Some("arn:2".to_owned());
        let expect = json!({"executions": [{"outcome": "SUCCEEDED"}, {"outcome": "ABORTED"}]});
        assert_eq!(shortfalls(&scenario(expect), &came), [] as [&str; 0], "nobody has asked for the turn since");
    }

    #[test]
    fn a_fault_that_hits_nothing_is_seen() {
        for (hits, any_end, expected) in [
            (vec![], false, None),
            (vec![1, 2], false, None),
            (vec![1, 0], false, Some("faults[1]: it has hit no call")),
            (vec![1, 0], true, None),
        ] {
            let mut scenario = scenario(right());
            scenario.expect.any_end_with_a_reason = any_end;
            let came = Came { fault_hits: hits.clone(), ..came() };
            let short = shortfalls(&scenario, &came);
            let found = short.iter().find(|sentence| sentence.starts_with("faults"));
            assert_eq!(found.map(String::as_str), expected, "{hits:?}");
        }
    }

    #[test]
    fn deployments_side_by_side_are_seen() {
        let mut came = came();
        came.report.deployments[1].created_at = 45.0;
        let short = shortfalls(&scenario(right()), &came);
        assert!(matches!(short.as_slice(), [one] if one.starts_with("oneAtATime: ")), "{short:#?}");
    }
}
