//! What the interpreter does not take.

use super::*;

fn refusal(definition: &Value) -> String {
    match Definition::parse(&definition.to_string(), &BTreeMap::new()) {
        Ok(_) => panic!("it is taken: {definition}"),
        Err(error) => error.to_string(),
    }
}

/// The definition with another value in a place.
fn with(definition: &Value, pointer: &str, value: Value) -> Value {
    let mut definition = definition.clone();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    definition.pointer_mut(parent).unwrap()[name] = value;
    definition
}

fn without(definition: &Value, pointer: &str) -> Value {
    let mut definition = definition.clone();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    definition.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
    definition
}

/// A definition with a state of each type.
fn whole() -> Value {
    json!({
        "Comment": "All there is.",
        "QueryLanguage": "JSONata",
        "TimeoutSeconds": 600,
        "StartAt": "Call",
        "States": {
            "Call": {
                "Type": "Task",
                "Comment": "Calls.",
                "Resource": FUNCTION,
                "Arguments": {"a": ["{% $states.input %}"]},
                "TimeoutSeconds": 90,
                "Retry": [
                    {"Comment": "Once more.", "ErrorEquals": ["A"], "IntervalSeconds": 2, "BackoffRate": 2, "MaxAttempts": 1,
                     "MaxDelaySeconds": 60, "JitterStrategy": "FULL"},
                    {"ErrorEquals": ["States.ALL"]},
                ],
                "Catch": [
                    {"ErrorEquals": ["B"], "Assign": {"n": 1}, "Output": "{% $states.errorOutput %}", "Next": "Wait"},
                    {"ErrorEquals": ["States.ALL"], "Next": "Fail"},
                ],
                "Assign": {"n": "{% $states.result %}"},
                "Output": "{% $states.result %}",
                "Next": "Wait",
            },
            "Wait": {"Type": "Wait", "Seconds": "{% $n %}", "Assign": {"m": 1}, "Output": 1, "Next": "Pass"},
            "Pass": {"Type": "Pass", "Assign": {"m": 2}, "Output": 2, "Next": "Choose"},
            "Choose": {
                "Type": "Choice",
                "Choices": [{"Condition": "{% $m = 2 %}", "Assign": {"m": 3}, "Output": 3, "Next": "Succeed"}],
                "Assign": {"m": 4},
                "Output": 4,
                "Default": "Call",
            },
            "Succeed": {"Type": "Succeed", "Output": "{% $m %}"},
            "Fail": {"Type": "Fail", "Error": "E", "Cause": "{% $states.context.State.Name %}"},
        },
    })
}

#[test]
fn a_definition_with_everything_is_taken() {
    parse(&whole());
}

#[test]
fn a_field_that_nobody_knows_is_refused_wherever_it_is() {
    for (pointer, named) in [
        ("/Version", "Version"),
        ("/States/Call/InputPath", "state 'Call', InputPath"),
        ("/States/Call/HeartbeatSeconds", "state 'Call', HeartbeatSeconds"),
        ("/States/Call/QueryLanguage", "state 'Call', QueryLanguage"),
        ("/States/Call/Retry/0/ErrorEqual", "state 'Call', Retry[0]/ErrorEqual"),
        ("/States/Call/Catch/1/ResultPath", "state 'Call', Catch[1]/ResultPath"),
        ("/States/Wait/Timestamp", "state 'Wait', Timestamp"),
        ("/States/Pass/Result", "state 'Pass', Result"),
        ("/States/Choose/Next", "state 'Choose', Next"),
        ("/States/Choose/Choices/0/Variable", "state 'Choose', Choices[0]/Variable"),
        ("/States/Succeed/Assign", "state 'Succeed', Assign"),
        ("/States/Fail/Output", "state 'Fail', Output"),
    ] {
        let refusal = refusal(&with(&whole(), pointer, json!("x")));
        assert_eq!(refusal, format!("{named}: the interpreter knows no such field here"));
    }
}

#[test]
fn a_field_that_has_to_be_there_is_missed() {
    for (pointer, named) in [
        ("/QueryLanguage", "QueryLanguage: is missing"),
        ("/StartAt", "StartAt: is missing"),
        ("/States/Call/Type", "state 'Call', Type: is missing"),
        ("/States/Call/Resource", "state 'Call', Resource: is missing"),
        ("/States/Call/TimeoutSeconds", "state 'Call', TimeoutSeconds: is missing"),
        ("/States/Call/Next", "state 'Call', Next: is missing, and so is End"),
        ("/States/Call/Retry/0/ErrorEquals", "state 'Call', Retry[0]/ErrorEquals: is missing"),
        ("/States/Call/Catch/0/Next", "state 'Call', Catch[0]/Next: is missing"),
        ("/States/Wait/Seconds", "state 'Wait', Seconds: is missing"),
        ("/States/Choose/Choices", "state 'Choose', Choices: is missing"),
        ("/States/Choose/Choices/0/Condition", "state 'Choose', Choices[0]/Condition: is missing"),
        ("/States/Fail/Error", "state 'Fail', Error: is missing"),
    ] {
        let refusal = refusal(&without(&whole(), pointer));
        assert!(refusal.starts_with(named), "{pointer}: {refusal}");
    }
}

#[test]
fn a_value_that_its_field_does_not_take_is_refused() {
    for (pointer, value, named) in [
        ("/QueryLanguage", json!("JSONPath"), "QueryLanguage: the interpreter knows JSONata"),
        ("/TimeoutSeconds", json!(0), "TimeoutSeconds: expected a whole number"),
        ("/States/Call/Type", json!("Map"), "state 'Call', Type: the interpreter knows no states of type 'Map'"),
        (
            "/States/Call/Resource",
            json!("arn:aws:states:::lambda:invoke"),
            "state 'Call', Resource: the interpreter invokes Lambda",
        ),
        ("/States/Call/Resource", json!(1), "state 'Call', Resource: expected text"),
        ("/States/Call/TimeoutSeconds", json!("{% 90 %}"), "state 'Call', TimeoutSeconds: expected a whole number"),
        ("/States/Call/TimeoutSeconds", json!(100_000_000), "state 'Call', TimeoutSeconds: expected a whole number"),
        ("/States/Call/Retry", json!([]), "state 'Call', Retry: is empty"),
        (
            "/States/Call/Retry/0/IntervalSeconds",
            json!(0),
            "state 'Call', Retry[0]/IntervalSeconds: expected a whole number",
        ),
        (
            "/States/Call/Retry/0/IntervalSeconds",
            json!(1.5),
            "state 'Call', Retry[0]/IntervalSeconds: expected a whole number",
        ),
        ("/States/Call/Retry/0/MaxDelaySeconds", json!(2), "state 'Call', Retry[0]/MaxDelaySeconds: is not greater"),
        (
            "/States/Call/Retry/0/BackoffRate",
            json!(0.5),
            "state 'Call', Retry[0]/BackoffRate: expected a number of at least 1",
        ),
        (
            "/States/Call/Retry/0/JitterStrategy",
            json!("HALF"),
            "state 'Call', Retry[0]/JitterStrategy: expected FULL or NONE",
        ),
        (
            "/States/Call/Retry/0/ErrorEquals",
            json!(["States.ALL"]),
            "state 'Call', Retry[0]/ErrorEquals: States.ALL has to stand alone",
        ),
        (
            "/States/Call/Retry/1/ErrorEquals",
            json!(["States.ALL", "A"]),
            "state 'Call', Retry[1]/ErrorEquals: States.ALL has to stand alone",
        ),
        (
            "/States/Call/Catch/0/ErrorEquals",
            json!(["States.ALL"]),
            "state 'Call', Catch[0]/ErrorEquals: States.ALL has to stand alone",
        ),
        (
            "/States/Call/Catch/0/ErrorEquals",
            json!(["States.Timedout"]),
            "state 'Call', Catch[0]/ErrorEquals[0]: a Task state reports no error",
        ),
        (
            "/States/Call/Catch/0/ErrorEquals",
            json!(["A", "States.Runtime"]),
            "state 'Call', Catch[0]/ErrorEquals[1]: a Task state reports no error",
        ),
        ("/States/Call/Catch/0/ErrorEquals", json!([1]), "state 'Call', Catch[0]/ErrorEquals[0]: expected text"),
        ("/States/Call/End", json!(true), "state 'Call', End: expected true, and no Next beside it"),
        ("/States/Call/Assign", json!("{% {'a': 1} %}"), "state 'Call', Assign: expected an object"),
        ("/States/Wait/Seconds", json!(1.5), "state 'Wait', Seconds: expected a whole number"),
        ("/States/Wait/Seconds", json!("60"), "state 'Wait', Seconds: expected a whole number"),
        ("/States/Wait/Seconds", json!(-1), "state 'Wait', Seconds: expected a whole number"),
        ("/States/Choose/Choices/0/Condition", json!("true"), "state 'Choose', Choices[0]/Condition: is no expression"),
        ("/States/Fail/Cause", json!({"a": 1}), "state 'Fail', Cause: expected text"),
        ("/States/Fail/Cause", json!("x".repeat(32_769)), "state 'Fail', Cause: expected text of at most 32768"),
        ("/States/Pass", json!([]), "state 'Pass', the state itself: expected an object"),
    ] {
        let refusal = refusal(&with(&whole(), pointer, value.clone()));
        assert!(refusal.starts_with(named), "{pointer} {value}: {refusal}");
    }
}

#[test]
fn every_state_leads_to_one_that_exists_and_is_led_to() {
    for (pointer, state) in [
        ("/StartAt", "StartAt"),
        ("/States/Wait/Next", "state 'Wait', Next"),
        ("/States/Call/Catch/0/Next", "state 'Call', Next"),
        ("/States/Choose/Default", "state 'Choose', Next"),
        ("/States/Choose/Choices/0/Next", "state 'Choose', Next"),
    ] {
        let refusal = refusal(&with(&whole(), pointer, json!("Nowhere")));
        assert_eq!(refusal, format!("{state}: there is no state 'Nowhere'"));
    }
    let alone = with(&whole(), "/States/Alone", json!({"Type": "Succeed"}));
    assert_eq!(refusal(&alone), "state 'Alone', the state itself: no state leads to it");
    let circle = with(&whole(), "/States/Circle", json!({"Type": "Pass", "Next": "Circle"}));
    assert_eq!(refusal(&circle), "state 'Circle', the state itself: no state leads to it");
    let long = with(&whole(), &format!("/States/{}", "x".repeat(81)), json!({"Type": "Succeed"}));
    assert!(refusal(&long).ends_with("a state's name has at most 80 characters"));
}

#[test]
fn an_expression_that_cannot_work_is_refused() {
    for (expression, problem) in [
        ("{% $states.input. %}", "in '$states.input.'"),
        ("{% %}", "in ''"),
        (" {% 1 %}", "an expression starts with '{%'"),
        ("{% 1 %} ", "an expression starts with '{%'"),
        ("{% 1", "an expression starts with '{%'"),
        ("1 %}", "an expression starts with '{%'"),
        ("{% $ %}", "$ is not available"),
        ("{% $.a %}", "$ is not available"),
        ("{% $$.a %}", "$$ is not available"),
        ("{% $map([1], function($x) { $$ }) %}", "$$ is not available"),
        ("{% a %}", "'a' is a field of nothing"),
        ("{% a.b %}", "'a' is a field of nothing"),
        ("{% {'a': b} %}", "'b' is a field of nothing"),
        ("{% *.a %}", "a wildcard over nothing"),
        ("{% $states %}", "$states is only read field by field"),
        ("{% $states.Input %}", "$states has no field 'Input'"),
        ("{% $states.errorOutput.Error %}", "$states.errorOutput does not exist here"),
        ("{% $states.result %}", "$states.result does not exist here"),
        ("{% $states.context.Executions.Id %}", "$states.context has no field 'Executions'"),
        ("{% $exists($states.context.Execution.ID) %}", "$states.context.Execution has no field 'ID'"),
        ("{% $guess(1) %}", "there is no function $guess"),
        ("{% string(1) %}", "string(…) calls nothing"),
        ("{% $eval('1') %}", "Step Functions does not support $eval"),
        ("{% $millis() %}", "the interpreter lacks $millis"),
        ("{% $uuid() %}", "the interpreter lacks $uuid"),
        ("{% $random() %}", "the interpreter lacks $random"),
        ("{% $unknown %}", "reads $unknown, which is not assigned on every way"),
        ("{% $states.input.($unknown) %}", "reads $unknown, which is not assigned on every way"),
        ("{% $states.input.$string($unknown) %}", "reads $unknown, which is not assigned on every way"),
        ("{% ($unknown := $unknown + 1; $unknown) %}", "reads $unknown, which is not assigned on every way"),
        ("{% $map([1], $unknown) %}", "reads $unknown, which is not assigned on every way"),
        ("{% 'no $unknown' & $states.input[$unknown] %}", "reads $unknown, which is not assigned on every way"),
    ] {
        let refusal = refusal(&one(last(json!({"a": [1, expression]}))));
        assert!(refusal.starts_with("state 'State', Output/a[1]: "), "{expression}: {refusal}");
        assert!(refusal.contains(problem), "{expression}: {refusal}");
    }
}

#[test]
fn a_result_and_an_error_exist_only_where_the_task_has_them() {
    let definition = |fields: Value| machine(json!({"State": task(fields), "Caught": {"Type": "Succeed"}}));
    let catch =
        |expression: &str| json!({"Catch": [{"ErrorEquals": ["A"], "Assign": {"a": expression}, "Next": "Caught"}]});
    let caught = |mut fields: Value| {
        if fields.get("Catch").is_none() {
            fields["Catch"] = json!([{"ErrorEquals": ["A"], "Next": "Caught"}]);
        }
        definition(fields)
    };
    parse(&caught(catch("{% $states.errorOutput %}")));
    parse(&caught(json!({"Assign": {"a": "{% $states.result %}"}})));
    for (fields, named) in [
        (catch("{% $states.result %}"), "Catch[0]/Assign/a: $states.result does not exist here"),
        (json!({"Output": "{% $states.errorOutput %}"}), "Output: $states.errorOutput does not exist here"),
        (json!({"Arguments": "{% $states.result %}"}), "Arguments: $states.result does not exist here"),
    ] {
        let refusal = refusal(&caught(fields));
        assert!(refusal.starts_with(&format!("state 'State', {named}")), "{refusal}");
    }
}

#[test]
fn a_variable_has_to_be_assigned_on_every_way() {
    let chosen = |assign: Value| {
        machine(json!({
            "Choose": {
                "Type": "Choice",
                "Choices": [{"Condition": "{% $states.input %}", "Assign": {"a": 1}, "Next": "Last"}],
                "Default": "Other",
            },
            "Other": {"Type": "Pass", "Assign": assign, "Next": "Last"},
            "Last": last(json!("{% $a %}")),
        }))
    };
    parse(&chosen(json!({"a": 2})));
    let refused = "state 'Last', Output: reads $a, which is not assigned on every way to this state";
    assert_eq!(refusal(&chosen(json!({"b": 2}))), refused);

    // What a state assigns is there from the next state on.
    let own = one(json!({"Type": "Pass", "Assign": {"a": 1}, "Output": "{% $a %}", "End": true}));
    assert!(refusal(&own).contains("reads $a"));
    // A loop does not help its first round.
    let round = machine(json!({
        "First": {"Type": "Pass", "Output": "{% $a %}", "Next": "Second"},
        "Second": {"Type": "Pass", "Assign": {"a": 1}, "Next": "First"},
    }));
    assert!(refusal(&round).contains("reads $a"));
    // A catcher does not assign what the task would have.
    let caught = machine(json!({
        "Call": {
            "Type": "Task", "Resource": FUNCTION, "TimeoutSeconds": 60, "Assign": {"a": 1}, "Next": "Last",
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Last"}],
        },
        "Last": last(json!("{% $a %}")),
    }));
    assert_eq!(refusal(&caught), refused);
}

#[test]
fn a_variable_has_a_name_of_its_own() {
    for name in ["states", "count", "parse", "a.b", "a[2]", "1a", "", "a b"] {
        let refusal = refusal(&one(json!({"Type": "Pass", "Assign": {name: 1}, "End": true})));
        assert!(refusal.starts_with(&format!("state 'State', Assign/{name}: ")), "{refusal}");
    }
    parse(&one(json!({"Type": "Pass", "Assign": {"a": 1, "_b2": 1, "counted": 1}, "End": true})));
}

#[test]
fn substitutions_are_put_in_and_none_is_left() {
    let text = one(json!({
        "Type": "Task", "Resource": "${Function}", "Arguments": {"role": "the ${Role}"}, "TimeoutSeconds": 60, "End": true,
    }));
    let substitutions = |names: &[(&str, &str)]| {
        names.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<BTreeMap<_, _>>()
    };
    let both = [("Function", FUNCTION), ("Role", "\"role\""), ("Unused", "x")];
    Definition::parse(&text.to_string(), &substitutions(&both)).unwrap();
    let error = Definition::parse(&text.to_string(), &substitutions(&both[..1])).unwrap_err();
    assert_eq!(error.to_string(), "state 'State', Arguments/role: nothing is given for the substitution in '${Role}'");
}

#[test]
fn a_text_that_is_no_json_or_has_a_key_twice_is_refused() {
    for (text, problem) in [
        ("{", "EOF while parsing"),
        (r#"{"QueryLanguage": "JSONata", "QueryLanguage": "JSONata"}"#, "the key 'QueryLanguage' occurs twice"),
        (r#"{"States": {"A": {"Type": "Pass"}, "B": [{"a": 1, "a": 2}]}}"#, "the key 'a' occurs twice"),
        ("[]", "the definition: expected an object"),
    ] {
        let error = Definition::parse(text, &BTreeMap::new()).unwrap_err();
        assert!(error.to_string().contains(problem), "{text}: {error}");
    }
}

/// A simulation in several threads may share one.
#[test]
fn a_definition_can_be_shared_by_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Definition>();
}
