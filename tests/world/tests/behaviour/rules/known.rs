//! The list of known violations.

use serde_json::json;
use world::rules::KnownViolations;
use world::{Breach, Violation};

use super::{action, stage};

fn violations() -> [Violation; 3] {
    let late = |function: &str| Violation {
        at: 1.0,
        breach: Breach::HeartbeatNotFirst {
            action: action("i-1"),
            execution: "arn:1".to_owned(),
            function: function.to_owned(),
            operation: "GetDeploymentGroup".to_owned(),
        },
    };
    [
        late("plan-rollout"),
        late("check-status"),
        Violation { at: 2.0, breach: Breach::HookLeftOpen { action: action("i-1") } },
    ]
}

#[test]
fn what_is_listed_is_known_and_the_rest_is_not() {
    let violations = violations();
    let entry = |only| json!([{"rule": 9, "kind": "heartbeatNotFirst", "only": only, "because": "It reads first."}]);
    for (list, expected) in [
        (json!([]), [true, true, true]),
        (entry(json!({})), [false, false, true]),
        (entry(json!({"function": "plan-rollout"})), [false, true, true]),
        (entry(json!({"function": "plan-rollout", "operation": "ListDeployments"})), [true, true, true]),
    ] {
        let known = KnownViolations::read(&list.to_string()).unwrap();
        let unknown = known.unknown(&violations);
        let expected: Vec<&Violation> =
            violations.iter().zip(expected).filter(|(_, is)| *is).map(|(one, _)| one).collect();
        assert_eq!(unknown, expected, "{list}");
    }
    let known = KnownViolations::read(&entry(json!({})).to_string()).unwrap();
    assert_eq!((known.reason(&violations[0]), known.reason(&violations[2])), (Some("It reads first."), None));
}

#[test]
fn what_is_wrong_with_a_list_is_named() {
    for (list, problem) in [
        (json!({}), "known violations: invalid type: map, expected a sequence"),
        (json!([{"rule": 9, "kind": "nothing", "because": "x"}]), "known violations: unknown variant `nothing`"),
        (
            json!([{"rule": 9, "kind": "oldBuild", "because": "x"}]),
            "known violations: [0].rule: expected 7, which OldBuild breaks, got 9",
        ),
        (
            json!([{"rule": 7, "kind": "oldBuild", "because": " "}]),
            "known violations: [0].because: expected a sentence that says what breaks the rule",
        ),
        (json!([{"rule": 7, "kind": "oldBuild", "reason": "x"}]), "known violations: unknown field `reason`"),
    ] {
        let error = KnownViolations::read(&list.to_string()).unwrap_err().to_string();
        assert!(error.starts_with(problem), "{error}");
    }
}

#[tokio::test]
async fn the_project_s_list_can_be_read() {
    let stage = stage().await;
    let instance = stage.launch_and_boot();
    stage.world.advance(20.0);
    stage.complete(&instance, "CONTINUE").await.unwrap();
    let violations = stage.world.report().violations;
    assert_eq!(
        KnownViolations::listed().unknown(&violations).len(),
        1,
        "an instance without its applications is no known fault"
    );
}
