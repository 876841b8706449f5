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

/// What Step Functions says of a function that has timed out, word by word.
const TIMED_OUT: &str = "The cause could not be determined because Lambda did not return an error type. Returned payload: \
                         {\"errorMessage\":\"2026-01-31T12:00:38.651Z ab9a35df-8e8e-4c78-9363-0dd2bf9e782a Task timed out after 60.16 seconds\"}";

#[test]
fn a_dry_run_whose_function_times_out_fails_with_that() {
    let input = json!({"autoScalingGroupName": "web", "dryRun": true});
    let ran = run_until(&rollout(), input, 1, None, |_, _| {
        (Duration::from_secs(60), Err(Failure { error: "Lambda.Unknown".to_owned(), cause: TIMED_OUT.to_owned() }))
    });
    let (error, cause) = ran.failure();
    assert_eq!(error, "Lambda.Unknown");
    let cause: Value = serde_json::from_str(cause).expect("JSON");
    assert_eq!(cause["summary"], TIMED_OUT);
}

#[test]
fn a_summary_is_the_sentence_and_not_lambda_s_json() {
    let of_lambda = json!({"errorType": "Turnstile.InvalidInput", "errorMessage": "instanceId: missing"}).to_string();
    let failed = Failure { error: "Turnstile.InvalidInput".to_owned(), cause: of_lambda };
    assert_eq!(cause(Err(failed), &Value::Null)["summary"], "instanceId: missing");
    let timed_out = Failure { error: "Lambda.Unknown".to_owned(), cause: TIMED_OUT.to_owned() };
    assert_eq!(cause(Err(timed_out), &Value::Null)["summary"], TIMED_OUT);
}
