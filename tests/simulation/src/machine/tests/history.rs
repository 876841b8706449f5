//! The history, as GetExecutionHistory gives it.

use super::*;

#[test]
fn a_task_that_is_retried_once() {
    let definition = machine(json!({
        "Call": {
            "Type": "Task",
            "Resource": FUNCTION,
            "Arguments": {"n": "{% $states.input.n %}"},
            "TimeoutSeconds": 90,
            "Retry": [{"ErrorEquals": ["Unlucky"], "IntervalSeconds": 5}],
            "Assign": {"answer": "{% $states.result %}"},
            "Output": {},
            "Next": "Fail",
        },
        "Fail": {"Type": "Fail", "Error": "Turnstile.Gone", "Cause": "{% $answer %}"},
    }));
    let ran = run_until(&definition, json!({"n": 1}), 1, None, |call, _| {
        (Duration::from_millis(250), if call == 0 { failure("Unlucky") } else { Ok(json!("fine")) })
    });
    let wire: Vec<Value> = ran.history.events().iter().map(Value::from).collect();
    let start = START.parse::<Timestamp>().unwrap().as_millisecond() as f64 / 1000.0;
    let event = |id: u64, previous: u64, after: f64, kind: &str| json!({"id": id, "previousEventId": previous, "timestamp": start + after, "type": kind});
    let with = |mut event: Value, name: &str, details: Value| {
        event[name] = details;
        event
    };
    let scheduled = json!({"resource": FUNCTION, "input": r#"{"n":1}"#, "timeoutInSeconds": 90});
    let expected = [
        with(
            event(1, 0, 0.0, "ExecutionStarted"),
            "executionStartedEventDetails",
            json!({"input": r#"{"n":1}"#, "roleArn": "arn:aws:iam::123456789012:role/rollout"}),
        ),
        with(
            event(2, 0, 0.0, "TaskStateEntered"),
            "stateEnteredEventDetails",
            json!({"name": "Call", "input": r#"{"n":1}"#}),
        ),
        with(event(3, 2, 0.0, "LambdaFunctionScheduled"), "lambdaFunctionScheduledEventDetails", scheduled.clone()),
        event(4, 3, 0.0, "LambdaFunctionStarted"),
        with(
            event(5, 4, 0.25, "LambdaFunctionFailed"),
            "lambdaFunctionFailedEventDetails",
            json!({"error": "Unlucky", "cause": "as asked"}),
        ),
        with(event(6, 5, 5.25, "LambdaFunctionScheduled"), "lambdaFunctionScheduledEventDetails", scheduled),
        event(7, 6, 5.25, "LambdaFunctionStarted"),
        with(
            event(8, 7, 5.5, "LambdaFunctionSucceeded"),
            "lambdaFunctionSucceededEventDetails",
            json!({"output": r#""fine""#}),
        ),
        with(
            event(9, 8, 5.5, "TaskStateExited"),
            "stateExitedEventDetails",
            json!({"name": "Call", "output": "{}", "assignedVariables": {"answer": r#""fine""#}}),
        ),
        with(event(10, 9, 5.5, "FailStateEntered"), "stateEnteredEventDetails", json!({"name": "Fail", "input": "{}"})),
        with(
            event(11, 10, 5.5, "ExecutionFailed"),
            "executionFailedEventDetails",
            json!({"error": "Turnstile.Gone", "cause": "fine"}),
        ),
    ];
    for (event, expected) in wire.iter().zip(&expected) {
        assert_eq!(event, expected);
    }
    assert_eq!(wire.len(), expected.len());
    assert_eq!(ran.history.transitions(), 3, "two states and a retry");
    assert_eq!(ran.history.current_state().as_deref(), Some("Fail"));
}

#[test]
fn how_each_end_is_told() {
    let call = one(task(json!({"Arguments": "{% $states.input.n %}"})));
    let fixed =
        |answer: Result<Value, Failure>| move |_: usize, _: &Invocation| (Duration::from_secs(70), answer.clone());
    let mut short = call.clone();
    short["TimeoutSeconds"] = json!(10);
    let patient = one(task(json!({"TimeoutSeconds": 71})));
    let input = json!({"n": 1});
    for (ran, expected) in [
        (
            run_until(&patient, input.clone(), 1, None, fixed(Ok(json!(1)))),
            &["LambdaFunctionSucceeded", "TaskStateExited", "ExecutionSucceeded"] as &[&str],
        ),
        (run_until(&call, input.clone(), 1, None, fixed(Ok(json!(1)))), &["LambdaFunctionTimedOut", "ExecutionFailed"]),
        (
            run_until(&call, json!({}), 1, None, fixed(Ok(json!(1)))),
            &["TaskStateEntered", "EvaluationFailed", "ExecutionFailed"],
        ),
        (
            run_until(&short, input.clone(), 1, None, fixed(Ok(json!(1)))),
            &["LambdaFunctionStarted", "ExecutionTimedOut"],
        ),
        (
            run_until(&call, input, 1, Some(Duration::from_secs(9)), fixed(Ok(json!(1)))),
            &["LambdaFunctionStarted", "ExecutionAborted"],
        ),
    ] {
        let kinds = ran.kinds();
        assert_eq!(kinds[kinds.len() - expected.len()..], *expected);
    }
}

#[test]
fn the_same_seed_writes_the_same_history() {
    let retry =
        json!([{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 10, "MaxAttempts": 9, "JitterStrategy": "FULL"}]);
    let definition = one(task(json!({"Retry": retry})));
    let history = |seed| {
        let ran =
            run_until(&definition, Value::Null, seed, None, |_, _| (Duration::from_millis(3), failure("Unlucky")));
        ran.history.events().iter().map(Value::from).collect::<Vec<_>>()
    };
    assert_eq!(history(7), history(7));
    assert_ne!(history(7), history(8));
}
