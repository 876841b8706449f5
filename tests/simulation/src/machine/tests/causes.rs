//! What Turnstile's own definition puts into the cause of a failed execution by itself, when the function that should do so cannot run.

use super::*;

/// Turnstile's definition, with anything for its substitutions.
fn rollout() -> Value {
    let text = include_str!("../../../../../statemachine/rollout.asl.json");
    let mut parts = text.split("${");
    let mut resolved = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once('}').expect("a placeholder ends");
        resolved.push_str(if name.ends_with("Function") { FUNCTION } else { "" });
        resolved.push_str(rest);
    }
    serde_json::from_str(&resolved).expect("JSON")
}

/// The cause of a rollout whose plan or whose deployment comes to this, and whose last call is refused.
fn cause(plan: Result<Value, Failure>, looked: &Value) -> Value {
    let refused = || failure("Turnstile.AccessDenied");
    let ran = run_until(&rollout(), json!({"autoScalingGroupName": "web"}), 1, None, |_, invocation| {
        let answer = match invocation.state.as_str() {
            "PlanRollout" => plan.clone(),
            "StartDeployment" => Ok(json!({
                "outcome": "STARTED", "deploymentId": "d-1", "waitSeconds": 1, "expectedSeconds": null, "hasTurn": true,
                "observations": [],
            })),
            "CheckStatus" => Ok(looked.clone()),
            "BackOff" => Ok(json!({"waitSeconds": 0})),
            "CompleteAfterFailure" => refused(),
            state => panic!("{state}"),
        };
        (Duration::from_secs(1), answer)
    });
    let (_, cause) = ran.failure();
    assert!(cause.chars().count() <= 32_768, "{} characters", cause.chars().count());
    serde_json::from_str(cause).unwrap_or_else(|error| panic!("{error}: {cause}"))
}

/// A text that takes twice as much room inside JSON.
fn quotes(count: usize) -> String {
    "\"".repeat(count)
}

#[test]
fn a_cause_has_its_fields_and_its_length_although_the_last_function_cannot_run() {
    let plan = json!({
        "autoScalingGroupName": "w".repeat(255), "instanceId": "i-0123456789abcdef0", "onFailure": "ABANDON",
        "applications": [{"applicationName": "A", "deploymentGroupName": "S"}],
        "warnings": (0..9).map(|_| quotes(2_000)).collect::<Vec<_>>(),
    });
    // A reason has 30,000 bytes at the most (turnstile::limits::LONGEST_REASON).
    let reason = json!({
        "summary": "it failed", "applicationName": "A", "deploymentGroupName": "S", "deploymentId": "d-1",
        "logTail": quotes(14_900),
    });
    assert!(reason.to_string().len() > 29_900);
    let looked = json!({"outcome": "FAILED", "error": "Turnstile.DeploymentFailed", "reason": reason, "retry": false});
    let cause = cause(Ok(plan), &looked);
    for (field, value) in [("summary", "it failed"), ("applicationName", "A"), ("deploymentId", "d-1")] {
        assert_eq!(cause[field], value, "{cause:#}");
    }
    assert!(cause["hook"].as_str().is_some_and(|hook| hook.starts_with("may still be open: ")), "{cause:#}");
    assert_eq!(cause["warnings"].as_array().map(Vec::len), Some(3));
}

#[test]
fn a_plan_that_failed_with_a_long_cause_is_its_summary() {
    let failed = Failure { error: "Turnstile.InvalidInput".to_owned(), cause: quotes(30_000) };
    let cause = cause(Err(failed), &Value::Null);
    assert_eq!(cause["summary"], quotes(1_000));
}
