//! The service's quotas.

use super::*;

/// JSON of so many bytes: a text and its quotes.
fn bytes(count: usize) -> Value {
    json!("x".repeat(count - 2))
}

const LARGEST: usize = 256 * 1024;

/// An expression that comes to a text of which the JSON has so many bytes.
fn expression(count: usize) -> Value {
    json!(format!("{{% $pad('', {}, 'x') %}}", count - 2))
}

#[test]
fn a_payload_of_more_than_256_kib_fails_the_execution_and_is_not_caught_by_states_all() {
    let safe = |mut fields: Value| {
        fields["Retry"] = json!([{"ErrorEquals": ["States.ALL"]}]);
        fields["Catch"] = json!([{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]);
        machine(json!({"State": task(fields), "Caught": {"Type": "Succeed"}}))
    };
    let small = Value::Null;
    for (what, definition, input, answer, calls) in [
        ("input", safe(json!({"Arguments": 1})), bytes(LARGEST + 1), small.clone(), 0),
        ("arguments", safe(json!({"Arguments": expression(LARGEST + 1)})), small.clone(), small.clone(), 0),
        ("result", safe(json!({"Output": 1})), small.clone(), bytes(LARGEST + 1), 1),
        ("output", safe(json!({"Output": expression(LARGEST + 1)})), small.clone(), small.clone(), 1),
        ("variable", safe(json!({"Assign": {"a": expression(LARGEST + 1)}})), small.clone(), small.clone(), 1),
        (
            "variables",
            safe(json!({"Assign": {"a": expression(LARGEST / 2), "b": expression(LARGEST / 2 + 1)}})),
            small.clone(),
            small.clone(),
            1,
        ),
    ] {
        let ran = run(&definition, input, |_| Ok(answer.clone()));
        assert_eq!(ran.failure().0, "States.DataLimitExceeded", "{what}");
        assert_eq!(ran.calls.len(), calls, "{what}");
    }
    for (what, definition, input, answer) in [
        ("input", safe(json!({"Arguments": 1})), bytes(LARGEST), small.clone()),
        ("arguments", safe(json!({"Arguments": expression(LARGEST)})), small.clone(), small.clone()),
        ("result and output", safe(json!({})), small.clone(), bytes(LARGEST)),
        (
            "variables",
            safe(json!({"Assign": {"a": expression(LARGEST / 2), "b": expression(LARGEST / 2)}})),
            small.clone(),
            small,
        ),
    ] {
        assert_eq!(run(&definition, input, |_| Ok(answer.clone())).end.status(), "SUCCEEDED", "{what}");
    }
}

#[test]
fn the_size_is_that_of_the_utf_8_text() {
    let pass = |count: usize| run_alone(&one(last(json!(format!("{{% $pad('', {count}, 'é') %}}")))), Value::Null);
    assert_eq!(pass((LARGEST - 2) / 2).end.status(), "SUCCEEDED");
    assert_eq!(pass(LARGEST / 2).failure().0, "States.DataLimitExceeded");
}

#[test]
fn what_is_named_may_be_caught() {
    let catch = json!([{"ErrorEquals": ["States.DataLimitExceeded"], "Output": "caught", "Next": "Caught"}]);
    let definition = machine(json!({"State": task(json!({"Catch": catch})), "Caught": {"Type": "Succeed"}}));
    assert_eq!(run(&definition, Value::Null, |_| Ok(bytes(LARGEST + 1))).output(), "caught");
}

#[test]
fn all_variables_together_take_at_most_10_mib() {
    let names: Vec<String> = (0..41).map(|index| format!("v{index}")).collect();
    let assigning = |count: usize| {
        let mut states = serde_json::Map::new();
        for (index, name) in names[..count].iter().enumerate() {
            let next = names[..count].get(index + 1);
            let mut state = json!({"Type": "Pass", "Assign": {name: expression(LARGEST)}});
            match next {
                Some(next) => state["Next"] = json!(next),
                None => state["End"] = json!(true),
            }
            states.insert(name.clone(), state);
        }
        run_alone(&machine(Value::Object(states)), Value::Null)
    };
    assert_eq!(assigning(40).end.status(), "SUCCEEDED");
    assert_eq!(assigning(41).failure().0, "States.DataLimitExceeded");
}

#[test]
fn a_variable_that_is_assigned_again_counts_once() {
    let ran = run_alone(
        &machine(json!({
            "Start": {"Type": "Pass", "Assign": {"n": 0, "large": null}, "Next": "Again"},
            "Again": {
                "Type": "Pass",
                "Assign": {"n": "{% $n + 1 %}", "large": expression(LARGEST - 10)},
                "Next": "Enough",
            },
            "Enough": {
                "Type": "Choice",
                "Choices": [{"Condition": "{% $n < 60 %}", "Next": "Again"}],
                "Default": "Done",
            },
            "Done": {"Type": "Succeed", "Output": "{% $n %}"},
        })),
        Value::Null,
    );
    assert_eq!(*ran.output(), json!(60));
}

#[test]
fn a_cause_of_a_function_that_is_too_long_is_found() {
    let failing = |characters: usize| {
        let answer = Err(Failure { error: "Unlucky".to_owned(), cause: "é".repeat(characters) });
        run(&one(task(json!({}))), Value::Null, |_| answer.clone())
    };
    assert_eq!(failing(32_768).failure().0, "Unlucky");
    assert_eq!(failing(32_769).failure().0, "States.DataLimitExceeded");
}

#[test]
fn the_history_has_room_for_25_000_events() {
    let retry = json!([{"ErrorEquals": ["States.ALL"]}]);
    let catch = json!([{"ErrorEquals": ["States.ALL"], "Next": "Call"}]);
    let mut call = task(json!({"Retry": retry, "Catch": catch, "Next": "Again"}));
    call.as_object_mut().unwrap().remove("End");
    let ran = run(
        &machine(json!({"Call": call, "Again": {"Type": "Wait", "Seconds": 60, "Next": "Call"}})),
        Value::Null,
        |_| Ok(Value::Null),
    );
    assert_eq!(
        ran.failure(),
        ("States.Runtime", "The execution reached the maximum number of history events (25000).")
    );
    let events = ran.history.events();
    assert_eq!((events.len(), events[24_999].id), (25_000, 25_000));
    assert_eq!(events[24_999].details.kind(), "ExecutionFailed");
    assert_ne!(events[24_998].details.kind(), "ExecutionFailed");
    // Five events for the task, two for the Wait state.
    assert_eq!(ran.calls.len(), 25_000 / 7);
}
