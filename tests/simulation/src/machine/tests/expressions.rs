//! What expressions come to.

use super::*;

/// The output of a state that puts out an expression.
fn output(expression: &str, input: Value) -> Ran {
    run_alone(&one(last(json!(format!("{{% {expression} %}}")))), input)
}

#[test]
fn values_are_json_s() {
    let input =
        json!({"one": [1], "empty": [], "nothing": null, "objects": [{"a": 1}, {"a": 2}], "text": "{\"a\":[null,1]}"});
    for (expression, expected) in [
        ("10 / 5", json!(2)),
        ("10 / 4", json!(2.5)),
        ("$states.input.one", json!([1])),
        ("$states.input.empty", json!([])),
        ("$states.input.nothing", json!(null)),
        ("$states.input.objects.a", json!([1, 2])),
        ("$states.input.objects[a = 2]", json!({"a": 2})),
        ("$states.input.objects[a = 2][]", json!([{"a": 2}])),
        ("$append([], [])", json!([])),
        ("{'absent': $states.input.absent, 'there': 1}", json!({"there": 1})),
        ("$exists($states.input.absent)", json!(false)),
        ("$exists($states.input.nothing)", json!(true)),
        ("$map([1, 2], function($n) { $n * 2 })", json!([2, 4])),
        ("$map(['a', 'b'], $uppercase)", json!(["A", "B"])),
        ("($half := 4 / 2; $half + 1)", json!(3)),
        ("($down := function($n) { $n > 0 ? $down($n - 1) : 'done' }; $down(3))", json!("done")),
        ("$states.input.objects.(a * 2)", json!([2, 4])),
        ("$merge([{'a': 1}, {'b': 2, 'a': 3}])", json!({"a": 3, "b": 2})),
        ("$toMillis('2026-01-31T09:00:00.12Z') - $toMillis('2026-01-31T10:00:00+01:00')", json!(120)),
        ("$parse($states.input.text)", json!({"a": [null, 1]})),
        ("$parse($states.input.text).a[1]", json!(1)),
    ] {
        assert_eq!(*output(expression, input.clone()).output(), expected, "{expression}");
    }
}

/// What the reference implementation, jsonata-js 2.0.6, makes of them. The stack's engine is held to the same file.
#[test]
fn expressions_come_to_what_they_come_to_in_the_reference_implementation() {
    let known: Value = serde_json::from_str(include_str!("../../../../engine/expressions.json")).unwrap();
    for (expression, expected) in known["values"].as_object().unwrap() {
        assert_eq!(output(expression, known["input"].clone()).output(), expected, "{expression}");
    }
    for expression in known["failing"].as_array().unwrap() {
        let ran = output(expression.as_str().unwrap(), known["input"].clone());
        assert_eq!(ran.failure().0, "States.QueryEvaluationError", "{expression}");
    }
}

#[test]
fn an_expression_without_a_json_value_fails_the_execution() {
    let fails = |expression: &str, did: &str| {
        let ran = output(expression, json!({"text": "no JSON"}));
        let (error, cause) = ran.failure();
        assert_eq!(error, "States.QueryEvaluationError", "{expression}");
        let start = format!(
            "An error occurred while executing the state 'State' (entered at the event id #2). \
             The JSONata expression '{expression}' specified for the field 'Output' {did}"
        );
        assert!(cause.starts_with(&start), "{cause}");
    };
    fails("$states.input.absent", "returned nothing (undefined).");
    fails("1 / 0", "returned a number that is not finite.");
    fails("[1, 1 / 0]", "returned a number that is not finite.");
    fails("{'a': {'b': -1 / 0}}", "returned a number that is not finite.");
    fails("function($x) { $x }", "returned a function.");
    fails("$uppercase", "returned a function.");
    fails("/a/", "returned a regular expression.");
    fails("'a' + 1", "threw an error during evaluation. T2001");
    fails("$error('told so')", "threw an error during evaluation.");
    fails("$parse($states.input.text)", "threw an error during evaluation. $parse");
    fails("$parse(1)", "threw an error during evaluation. $parse");
}

/// In the service a variable is JSON: what the evaluator knows of how an array came about is gone.
#[test]
fn a_variable_keeps_no_trace_of_the_expression_that_it_came_from() {
    let kept = |expression: &str, read: &str| {
        let ran = run_alone(
            &machine(json!({
                "First": {"Type": "Pass", "Assign": {"kept": format!("{{% {expression} %}}")}, "Next": "Second"},
                "Second": last(json!(format!("{{% {read} %}}"))),
            })),
            json!({"objects": [{"a": [1]}, {"a": [2]}]}),
        );
        ran.output().clone()
    };
    assert_eq!(kept("$states.input.objects[0][]", "$kept"), json!([{"a": [1]}]));
    assert_eq!(kept("$states.input.objects[0][]", "$kept[0]"), json!({"a": [1]}));
    assert_eq!(kept("$states.input.objects[0][]", "$kept.a"), json!([1]));
    assert_eq!(kept("{'list': $states.input.objects[0][]}", "$kept.list"), json!([{"a": [1]}]));
    assert_eq!(kept("[[1], [2]]", "$kept.$string($kept[0])"), kept("$parse('[[1],[2]]')", "$kept.$string($kept[0])"));
    assert_eq!(kept("[[1], [2]]", "$append($kept, [3])"), json!([[1], [2], 3]));
}

#[test]
fn an_expression_is_what_stands_between_its_marks() {
    let input = json!({"a": "x"});
    for (text, expected) in [
        ("{%$states.input.a%}", json!("x")),
        ("{%   $states.input.a   %}", json!("x")),
        ("$states.input.a", json!("$states.input.a")),
        ("in the middle {% 1 %} of it", json!("in the middle {% 1 %} of it")),
    ] {
        assert_eq!(*run_alone(&one(last(json!(text))), input.clone()).output(), expected, "{text}");
    }
}
