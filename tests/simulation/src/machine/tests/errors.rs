//! Retry, Catch and the time-outs.

use super::*;

const UNLUCKY: &str = "Turnstile.Unlucky";

/// A task that tries again as `retrier` says, each attempt of which fails with `error`.
fn retried(retrier: Value, seed: u64, error: &str) -> Ran {
    let mut retrier = retrier;
    if retrier.get("ErrorEquals").is_none() {
        retrier["ErrorEquals"] = json!([UNLUCKY]);
    }
    run_until(&one(task(json!({"Retry": [retrier]}))), Value::Null, seed, None, |_, _| (Duration::ZERO, failure(error)))
}

#[test]
fn a_retrier_waits_longer_and_longer_as_often_as_it_may() {
    for (retrier, calls, seconds) in [
        (json!({}), 4, 1 + 2 + 4),
        (json!({"MaxAttempts": 0}), 1, 0),
        (json!({"IntervalSeconds": 5, "MaxAttempts": 2}), 3, 5 + 10),
        (json!({"IntervalSeconds": 5, "BackoffRate": 1, "MaxAttempts": 4}), 5, 4 * 5),
        (json!({"IntervalSeconds": 2, "BackoffRate": 2, "MaxAttempts": 5, "MaxDelaySeconds": 9}), 6, 2 + 4 + 8 + 9 + 9),
        (json!({"BackoffRate": 1.5, "IntervalSeconds": 4, "MaxAttempts": 3, "JitterStrategy": "NONE"}), 4, 4 + 6 + 9),
    ] {
        let ran = retried(retrier.clone(), 1, UNLUCKY);
        assert_eq!(ran.failure().0, UNLUCKY);
        assert_eq!((ran.calls.len(), ran.took.as_secs()), (calls, seconds), "{retrier}");
    }
}

#[test]
fn full_jitter_draws_each_pause_from_the_seed() {
    let retrier = json!({"IntervalSeconds": 100, "BackoffRate": 1, "MaxAttempts": 50, "JitterStrategy": "FULL"});
    let took = |seed| retried(retrier.clone(), seed, UNLUCKY).took;
    assert_eq!(took(7), took(7));
    assert_ne!(took(7), took(8));
    let pauses = took(7).as_secs_f64() / 100.0;
    // The mean of fifty draws from 0 to 100 s.
    assert!((15.0..35.0).contains(&pauses), "{pauses}");
}

#[test]
fn error_names_match_what_they_stand_for() {
    for (names, error, caught) in [
        (json!([UNLUCKY]), UNLUCKY, true),
        (json!(["Other", UNLUCKY]), UNLUCKY, true),
        (json!(["Turnstile.unlucky"]), UNLUCKY, false),
        (json!(["States.TaskFailed"]), UNLUCKY, true),
        (json!(["States.TaskFailed"]), "States.Timeout", false),
        (json!(["States.TaskFailed"]), "States.QueryEvaluationError", true),
        (json!(["States.TaskFailed"]), "States.DataLimitExceeded", false),
        (json!(["States.Timeout"]), "States.Timeout", true),
        (json!(["States.ALL"]), UNLUCKY, true),
        (json!(["States.ALL"]), "States.Timeout", true),
        (json!(["States.ALL"]), "States.Runtime", false),
        (json!(["States.ALL"]), "States.DataLimitExceeded", false),
        (json!(["States.DataLimitExceeded"]), "States.DataLimitExceeded", true),
    ] {
        let retry = json!([{"ErrorEquals": names, "MaxAttempts": 1}]);
        let ran = run(&one(task(json!({"Retry": retry}))), Value::Null, |_| failure(error));
        assert_eq!(ran.calls.len() == 2, caught, "Retry {names} of {error}");

        let catch = json!([{"ErrorEquals": names, "Next": "Caught"}]);
        let definition = machine(json!({"State": task(json!({"Catch": catch})), "Caught": {"Type": "Succeed"}}));
        let ran = run(&definition, Value::Null, |_| failure(error));
        assert_eq!(ran.end.status() == "SUCCEEDED", caught, "Catch {names} of {error}");
    }
}

/// Two retriers have a budget each, and only the first that matches counts.
#[test]
fn the_first_retrier_that_matches_decides() {
    let retry = json!([
        {"ErrorEquals": ["A"], "IntervalSeconds": 1, "BackoffRate": 1, "MaxAttempts": 2},
        {"ErrorEquals": ["B"], "IntervalSeconds": 10, "BackoffRate": 1, "MaxAttempts": 2},
        {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 100, "BackoffRate": 1, "MaxAttempts": 9},
    ]);
    let errors = ["A", "B", "A", "B", "A"];
    let ran = run(&one(task(json!({"Retry": retry}))), Value::Null, |call| failure(errors[call]));
    assert_eq!((ran.failure().0, ran.calls.len(), ran.took.as_secs()), ("A", 5, 1 + 10 + 1 + 10));
}

#[test]
fn what_is_retried_in_vain_is_caught() {
    let retry = json!([{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1}]);
    let catch = json!([
        {"ErrorEquals": ["Other"], "Next": "Wrong"},
        {"ErrorEquals": [UNLUCKY], "Next": "Right"},
        {"ErrorEquals": ["States.ALL"], "Next": "Wrong"},
    ]);
    let definition = machine(json!({
        "State": task(json!({"Retry": retry, "Catch": catch})),
        "Right": {"Type": "Succeed"},
        "Wrong": {"Type": "Fail", "Error": "Wrong", "Cause": ""},
    }));
    let ran = run(&definition, Value::Null, |_| failure(UNLUCKY));
    assert_eq!(*ran.output(), json!({"Error": UNLUCKY, "Cause": "as asked"}));
    assert_eq!(ran.calls.len(), 2);
}

#[test]
fn a_task_that_takes_too_long_times_out() {
    let answers_after = |milliseconds: u64| {
        let catch = json!([{"ErrorEquals": ["States.Timeout"], "Next": "Caught"}]);
        let state = task(json!({"TimeoutSeconds": 90, "Catch": catch}));
        let definition = machine(json!({"State": state, "Caught": {"Type": "Succeed"}}));
        run_until(&definition, Value::Null, 1, None, |_, _| (Duration::from_millis(milliseconds), Ok(json!("answer"))))
    };
    assert_eq!(answers_after(89_999).output(), "answer");
    let late = answers_after(90_001);
    assert_eq!(*late.output(), json!({"Error": "States.Timeout", "Cause": ""}));
    assert_eq!(late.took, Duration::from_secs(90));
}

#[test]
fn an_expression_that_fails_in_a_task_is_retried_and_caught() {
    for (field, expression) in
        [("Arguments", "{% $states.input.nothing %}"), ("Output", "{% $states.result.nothing %}")]
    {
        let state = task(json!({
            field: {"a": expression},
            "Retry": [{"ErrorEquals": ["States.QueryEvaluationError"], "MaxAttempts": 2}],
            "Catch": [{"ErrorEquals": ["States.QueryEvaluationError"], "Output": "{% $states.errorOutput %}", "Next": "Caught"}],
        }));
        let ran = run(&machine(json!({"State": state, "Caught": {"Type": "Succeed"}})), json!({}), |_| Ok(json!({})));
        assert_eq!(ran.output()["Error"], "States.QueryEvaluationError");
        let expression = &expression[3..expression.len() - 3];
        assert_eq!(
            ran.output()["Cause"],
            format!(
                "An error occurred while executing the state 'State' (entered at the event id #2). \
                 The JSONata expression '{expression}' specified for the field '{field}/a' returned nothing (undefined)."
            )
        );
        assert_eq!(ran.calls.len(), if field == "Output" { 3 } else { 0 });
        assert_eq!(ran.took.as_secs(), 1 + 2, "it was tried three times");
    }
}

#[test]
fn an_expression_that_fails_in_a_catcher_fails_the_execution() {
    let catch = json!([
        {"ErrorEquals": [UNLUCKY], "Output": {"a": "{% $states.errorOutput.nothing %}"}, "Next": "Caught"},
        {"ErrorEquals": ["States.ALL"], "Next": "Caught"},
    ]);
    let definition = machine(json!({"State": task(json!({"Catch": catch})), "Caught": {"Type": "Succeed"}}));
    let ran = run(&definition, Value::Null, |_| failure(UNLUCKY));
    assert_eq!(ran.failure().0, "States.QueryEvaluationError");
    assert!(ran.failure().1.contains("'Catch[0]/Output/a' returned nothing"), "{}", ran.failure().1);
}

#[test]
fn the_state_machine_s_own_time_out_ends_the_execution() {
    let mut definition = machine(json!({
        "Wait": {"Type": "Wait", "Seconds": 40, "Next": "Call"},
        "Call": task(json!({
            "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "BackoffRate": 1, "MaxAttempts": 1000}],
        })),
    }));
    definition["TimeoutSeconds"] = json!(300);
    let ran = run(&definition, Value::Null, |_| failure(UNLUCKY));
    assert_eq!((&ran.end, ran.took), (&End::TimedOut, Duration::from_secs(300)));
    assert_eq!(ran.calls.len(), 260);
    assert_eq!(ran.kinds().last().unwrap(), "ExecutionTimedOut");

    definition["TimeoutSeconds"] = json!(41);
    assert_eq!(run(&definition, Value::Null, |_| Ok(Value::Null)).output(), &Value::Null);
}

#[test]
fn an_execution_is_stopped_wherever_it_is() {
    let definition = machine(json!({"Wait": {"Type": "Wait", "Seconds": 40, "Next": "Call"}, "Call": task(json!({}))}));
    for (after, last, calls) in [(20, "WaitStateEntered", 0), (50, "LambdaFunctionStarted", 1)] {
        let stopped = Some(Duration::from_secs(after));
        let ran = run_until(&definition, Value::Null, 1, stopped, |_, _| (Duration::from_secs(30), Ok(Value::Null)));
        assert_eq!(ran.end, End::Aborted(Stop { error: None, cause: Some("stopped".to_owned()) }));
        assert_eq!((ran.end.status(), ran.took.as_secs(), ran.calls.len()), ("ABORTED", after, calls));
        let kinds = ran.kinds();
        assert_eq!(kinds[kinds.len() - 2..], [last, "ExecutionAborted"]);
    }
}
