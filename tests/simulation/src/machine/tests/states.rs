//! What states do with their input, and with variables.

use super::*;

#[test]
fn each_type_of_state_passes_on_what_it_is_to() {
    let input = json!({"number": 1, "list": [1], "text": "é"});
    let rule = |condition: &str| json!([{"Condition": condition, "Next": "Last"}]);
    let with_last = |state: Value| machine(json!({"State": state, "Last": {"Type": "Succeed"}}));
    for (definition, expected) in [
        (one(json!({"Type": "Pass", "End": true})), input.clone()),
        (
            one(last(json!({"a": "{% $states.input.number + 1 %}", "b": ["text", null]}))),
            json!({"a": 2, "b": ["text", null]}),
        ),
        (one(last(Value::Null)), Value::Null),
        (one(json!({"Type": "Succeed"})), input.clone()),
        (one(json!({"Type": "Succeed", "Output": "{% $states.input.text %}"})), json!("é")),
        (with_last(json!({"Type": "Wait", "Seconds": 1, "Next": "Last"})), input.clone()),
        (with_last(json!({"Type": "Wait", "Seconds": 1, "Output": 7, "Next": "Last"})), json!(7)),
        (with_last(json!({"Type": "Choice", "Choices": rule("{% true %}")})), input.clone()),
        (
            with_last(json!({"Type": "Choice", "Choices": [{"Condition": "{% true %}", "Output": 7, "Next": "Last"}]})),
            json!(7),
        ),
        (
            with_last(json!({"Type": "Choice", "Choices": rule("{% false %}"), "Default": "Last", "Output": 8})),
            json!(8),
        ),
        (one(task(json!({}))), json!("answer")),
        (
            one(task(json!({"Output": "{% {'answer': $states.result, 'input': $states.input} %}"}))),
            json!({"answer": "answer", "input": input}),
        ),
    ] {
        let ran = run(&definition, input.clone(), |_| Ok(json!("answer")));
        assert_eq!(*ran.output(), expected, "{definition}");
    }
}

#[test]
fn a_function_gets_the_arguments_or_else_the_state_s_input() {
    for (fields, expected) in [
        (json!({}), json!({"n": 1})),
        (
            json!({"Arguments": {"twice": "{% $states.input.n * 2 %}", "half": "{% $states.input.n / 2 %}"}}),
            json!({"twice": 2, "half": 0.5}),
        ),
        (json!({"Arguments": "{% [$states.input.n] %}"}), json!([1])),
    ] {
        let ran = run(&one(task(fields.clone())), json!({"n": 1}), |_| Ok(Value::Null));
        let (state, resource) = ("State".to_owned(), FUNCTION.to_owned());
        let call = Invocation { state, state_entry: 2, resource, arguments: expected };
        assert_eq!(ran.calls, [call], "{fields}");
        // A handler that takes whole numbers refuses 2.0.
        assert!(!ran.calls[0].arguments.to_string().contains(".0"), "{}", ran.calls[0].arguments);
    }
}

#[test]
fn a_wait_takes_its_seconds() {
    for (seconds, expected) in [
        (json!(0), 0),
        (json!(99_999_999), 99_999_999),
        (json!("{% $states.input.seconds %}"), 90),
        (json!("{% 2.5 * 2 %}"), 5),
    ] {
        let ran = run_alone(&one(json!({"Type": "Wait", "Seconds": seconds, "End": true})), json!({"seconds": 90}));
        ran.output();
        assert_eq!(ran.took, Duration::from_secs(expected), "{seconds}");
    }
}

#[test]
fn a_wait_of_no_whole_number_of_seconds_is_an_error() {
    for seconds in ["2.5", "-1", "'1'", "100000000", "null", "[1]", "true"] {
        let wait = json!({"Type": "Wait", "Seconds": format!("{{% {seconds} %}}"), "End": true});
        let ran = run_alone(&one(wait), Value::Null);
        let (error, cause) = ran.failure();
        assert_eq!(error, "States.QueryEvaluationError", "{seconds}");
        assert!(cause.contains("for the field 'Seconds' returned"), "{cause}");
    }
}

#[test]
fn a_choice_takes_the_first_rule_that_holds() {
    let states = json!({
        "State": {
            "Type": "Choice",
            "Choices": [
                {"Condition": "{% $states.input > 2 %}", "Assign": {"way": "first"}, "Next": "Last"},
                {"Condition": "{% $states.input > 1 %}", "Assign": {"way": "second"}, "Next": "Last"},
            ],
            "Assign": {"way": "default"},
            "Default": "Last",
        },
        "Last": last(json!("{% $way %}")),
    });
    for (input, way) in [(3, "first"), (2, "second"), (1, "default")] {
        assert_eq!(run_alone(&machine(states.clone()), json!(input)).output(), way);
    }
    let undecided = |condition: &str| {
        let rules = json!([{"Condition": "{% false %}", "Next": "Last"}, {"Condition": condition, "Next": "Last"}]);
        run_alone(
            &machine(json!({"State": {"Type": "Choice", "Choices": rules}, "Last": {"Type": "Succeed"}})),
            json!(1),
        )
    };
    let ran = undecided("{% false %}");
    assert_eq!(
        ran.failure(),
        (
            "States.Runtime",
            "An error occurred while executing the state 'State' (entered at the event id #2). \
             Failed to transition out of the state. The state does not point to a next state."
        )
    );
    for condition in ["{% $states.input %}", "{% 'true' %}", "{% null %}"] {
        let ran = undecided(condition);
        assert_eq!(ran.failure().0, "States.QueryEvaluationError", "{condition}");
        assert!(ran.failure().1.contains("'Choices[1]/Condition' returned"), "{}", ran.failure().1);
    }
}

#[test]
fn variables_change_only_when_the_state_is_left() {
    let ran = run_alone(
        &machine(json!({
            "First": {"Type": "Pass", "Assign": {"x": 3, "a": 6, "list": [1, {"b": null}]}, "Next": "Second"},
            "Second": {
                "Type": "Pass",
                "Assign": {"x": "{% $a %}", "before": "{% $x %}"},
                "Output": "{% $x %}",
                "Next": "Third",
            },
            "Third": last(json!(["{% $states.input %}", "{% $x %}", "{% $before %}", "{% $list %}"])),
        })),
        Value::Null,
    );
    assert_eq!(*ran.output(), json!([3, 6, 3, [1, {"b": null}]]));
}

#[test]
fn every_way_out_of_a_task_assigns_its_own() {
    let states = json!({
        "State": task(json!({
            "Assign": {"way": "{% 'answered ' & $states.result %}"},
            "Catch": [
                {"ErrorEquals": ["Unlucky"], "Assign": {"way": "{% 'caught ' & $states.errorOutput.Error %}"}, "Next": "Last"},
                {"ErrorEquals": ["States.ALL"], "Output": 7, "Assign": {"way": "other"}, "Next": "Last"},
            ],
            "Next": "Last",
            "Output": "{% $states.result %}",
        })),
        "Last": last(json!(["{% $way %}", "{% $states.input %}"])),
    });
    let mut states = states;
    states["State"].as_object_mut().unwrap().remove("End");
    for (answer, expected) in [
        (Ok(json!("yes")), json!(["answered yes", "yes"])),
        (failure("Unlucky"), json!(["caught Unlucky", {"Error": "Unlucky", "Cause": "as asked"}])),
        (failure("Worse"), json!(["other", 7])),
    ] {
        let ran = run(&machine(states.clone()), Value::Null, |_| answer.clone());
        assert_eq!(*ran.output(), expected);
    }
}

#[test]
fn the_context_tells_of_execution_state_and_state_machine() {
    let definition = machine(json!({
        "First": {"Type": "Wait", "Seconds": 60, "Next": "Second"},
        "Second": last(json!("{% $states.context %}")),
    }));
    let ran = run_alone(&definition, json!({"a": 1}));
    assert_eq!(
        *ran.output(),
        json!({
            "Execution": {
                "Id": "arn:aws:states:us-east-1:123456789012:execution:rollout:first",
                "Input": {"a": 1},
                "Name": "first",
                "RoleArn": "arn:aws:iam::123456789012:role/rollout",
                "StartTime": START,
                "RedriveCount": 0,
            },
            "State": {"EnteredTime": "2026-01-31T09:01:00.12Z", "Name": "Second", "RetryCount": 0},
            "StateMachine": {
                "Id": "arn:aws:states:us-east-1:123456789012:stateMachine:rollout",
                "Name": "rollout",
            },
        })
    );
}

#[test]
fn the_context_counts_retries_and_keeps_the_time_of_entry() {
    let retry = json!([{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 5, "MaxAttempts": 3}]);
    let arguments = json!(["{% $states.context.State.RetryCount %}", "{% $states.context.State.EnteredTime %}"]);
    let ran = run(&one(task(json!({"Retry": retry, "Arguments": arguments}))), Value::Null, |call| match call {
        2 => Ok(Value::Null),
        _ => failure("Unlucky"),
    });
    let arguments: Vec<Value> = ran.calls.into_iter().map(|call| call.arguments).collect();
    assert_eq!(arguments, [json!([0, START]), json!([1, START]), json!([2, START])]);
}

#[test]
fn a_fail_state_ends_the_execution_with_its_error() {
    let fail = |error: &str, cause: &str| one(json!({"Type": "Fail", "Error": error, "Cause": cause}));
    let ran = run_alone(&fail("Turnstile.Gone", "{% 'at ' & $states.input %}"), json!("noon"));
    assert_eq!(ran.failure(), ("Turnstile.Gone", "at noon"));
    for (error, cause, field) in [
        ("{% 1 %}", "", "Error"),
        ("{% $pad('', 257, 'x') %}", "", "Error"),
        ("E", "{% $pad('', 32769, 'x') %}", "Cause"),
    ] {
        let ran = run_alone(&fail(error, cause), Value::Null);
        assert_eq!(ran.failure().0, "States.QueryEvaluationError", "{error} {cause}");
        assert!(ran.failure().1.contains(&format!("the field '{field}' returned no text")), "{}", ran.failure().1);
    }
    let longest = run_alone(&fail("{% $pad('', 256, 'x') %}", "{% $pad('', 32768, 'é') %}"), Value::Null);
    assert_eq!(longest.failure().1.chars().count(), 32_768);
}

#[test]
fn after_a_failure_every_way_ends_in_a_failure() {
    let definition = parse(&machine(json!({
        "Call": task_then("IsItDone", "BackOff"),
        "IsItDone": {"Type": "Choice", "Choices": [{"Condition": "{% true %}", "Next": "Call"}], "Default": "Done"},
        "Done": {"Type": "Succeed"},
        "BackOff": {"Type": "Wait", "Seconds": 5, "Next": "IsItOver"},
        "IsItOver": {"Type": "Choice", "Choices": [{"Condition": "{% true %}", "Next": "BackOff"}], "Default": "Tell"},
        "Tell": task_then("Failed", "Done"),
        "Failed": {"Type": "Fail", "Error": "Turnstile.Gone", "Cause": "It is gone."},
    })));
    let after: Vec<&str> = definition.states_after_failure().into_iter().collect();
    assert_eq!(after, ["BackOff", "Failed", "IsItOver", "Tell"]);
    assert_eq!(parse(&one(last(json!(1)))).states_after_failure().len(), 0);
}

/// A task that leads to a state, and to another one when it fails.
fn task_then(next: &str, failed: &str) -> Value {
    let mut state = task(json!({"Next": next, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": failed}]}));
    state.as_object_mut().unwrap().remove("End");
    state
}
