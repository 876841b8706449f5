//! The state machine interpreter's behaviour, where it differs from the service's without the engine's repairs.

use serde_json::{Value, json};
use stack::Stack;

use crate::fixture::{Folder, LOOP, client, end_of, function, start};

/// A state machine of one state, after which `Caught` gives back its input.
pub fn one(state: Value) -> Value {
    json!({
        "QueryLanguage": "JSONata",
        "StartAt": "State",
        "States": {"State": state, "Caught": {"Type": "Pass", "End": true}},
    })
}

/// A task that invokes the function `fixture`, plus `fields`.
fn task(event: Value, fields: Value) -> Value {
    let mut state = json!({
        "Type": "Task",
        "Resource": "arn:aws:lambda:us-east-1:123456789012:function:fixture",
        "Arguments": event,
        "End": true,
    });
    state.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    state
}

/// A Catch of one error name that hands on the error.
pub fn catch(error: &str) -> Value {
    json!([{"ErrorEquals": [error], "Next": "Caught", "Output": "{% $states.errorOutput %}"}])
}

/// Runs a definition with `{"list": [1, 2, 3]}`; the execution's description, its output parsed.
pub async fn run(stack: &Stack, definition: &Value) -> Value {
    let client = client();
    let call = async |operation: &str, body: Value| -> Value {
        let request = client
            .post(stack.endpoint())
            .header("authorization", "AWS4-HMAC-SHA256 Credential=key/20260131/us-east-1/states/aws4_request")
            .header("x-amz-target", format!("AWSStepFunctions.{operation}"))
            .body(body.to_string());
        request.send().await.unwrap().json().await.unwrap()
    };
    let name = uuid::Uuid::new_v4().to_string();
    let role = "arn:aws:iam::123456789012:role/test";
    let machine =
        call("CreateStateMachine", json!({"name": name, "roleArn": role, "definition": definition.to_string()})).await;
    let input = json!({"list": [1, 2, 3]}).to_string();
    let started = call("StartExecution", json!({"stateMachineArn": machine["stateMachineArn"], "input": input})).await;
    let execution = end_of(stack, started["executionArn"].as_str().unwrap()).await;
    json!({"status": execution.status, "output": execution.output, "error": execution.error, "cause": execution.cause})
}

#[tokio::test]
async fn errors_have_the_names_that_the_service_gives_them() {
    let folder = Folder::new();
    let stack = start(&folder, LOOP, vec![function("fixture")]).await;
    let nobody = json!({"Resource": "arn:aws:lambda:us-east-1:123456789012:function:nobody"});
    let with = |fields: Value, error: &str| {
        let mut fields = fields;
        fields["Catch"] = catch(error);
        fields
    };
    let unlucky = json!({"error": "Turnstile.Unlucky"});
    let slow = json!({"sleep": 5000});
    let limit = json!({"TimeoutSeconds": 1});
    for (state, error) in [
        (task(unlucky.clone(), with(json!({}), "Turnstile.Unlucky")), "Turnstile.Unlucky"),
        (task(unlucky.clone(), with(json!({}), "States.TaskFailed")), "Turnstile.Unlucky"),
        (task(json!({"exit": 1}), with(json!({}), "Runtime.ExitError")), "Runtime.ExitError"),
        (task(json!({}), with(nobody, "Lambda.ResourceNotFoundException")), "Lambda.ResourceNotFoundException"),
        (task(slow.clone(), with(limit.clone(), "States.Timeout")), "States.Timeout"),
        (
            task(json!("{% $nothing.x %}"), with(json!({}), "States.QueryEvaluationError")),
            "States.QueryEvaluationError",
        ),
        (task(json!("{% 'a' + 1 %}"), with(json!({}), "States.QueryEvaluationError")), "States.QueryEvaluationError"),
        (
            json!({
                "Type": "Task",
                "Resource": "arn:aws:states:::aws-sdk:codedeploy:getDeployment",
                "Arguments": {"DeploymentId": "d-ABCDEFGH1"},
                "Catch": catch("CodeDeploy.DeploymentDoesNotExistException"),
                "End": true,
            }),
            "CodeDeploy.DeploymentDoesNotExistException",
        ),
    ] {
        let ended = run(&stack, &one(state.clone())).await;
        assert_eq!(
            (&ended["status"], &ended["output"]["Error"]),
            (&json!("SUCCEEDED"), &json!(error)),
            "{state}: {ended}"
        );
    }

    let uncaught = run(&stack, &one(task(slow, with(limit, "States.TaskFailed")))).await;
    assert_eq!((&uncaught["status"], &uncaught["error"]), (&json!("FAILED"), &json!("States.Timeout")));
    let failed = run(&stack, &one(task(unlucky, json!({})))).await;
    assert_eq!(failed["error"], "Turnstile.Unlucky");
    let cause: Value = serde_json::from_str(failed["cause"].as_str().unwrap()).unwrap();
    assert_eq!(cause["errorMessage"], "as asked \"for\"");
    stack.stop().await;
}

#[tokio::test]
async fn a_map_runs_in_order_and_stops_at_the_first_failure() {
    let folder = Folder::new();
    let stack = start(&folder, LOOP, vec![function("fixture")]).await;
    let map = |failing: u32| {
        json!({
            "QueryLanguage": "JSONata",
            "StartAt": "Before",
            "States": {
                "Before": {"Type": "Pass", "Assign": {"outside": {"text": "a \"quote\"\n", "nothing": null}}, "Next": "State"},
                "State": {
                    "Type": "Map",
                    "Items": "{% $states.input.list %}",
                    "MaxConcurrency": 1,
                    "ItemSelector": {"item": "{% $states.context.Map.Item.Value %}"},
                    "ItemProcessor": {
                        "StartAt": "Choose",
                        "States": {
                            "Choose": {
                                "Type": "Choice",
                                "Choices": [{"Condition": format!("{{% $states.input.item = {failing} %}}"), "Next": "Fail"}],
                                "Default": "Count"
                            },
                            "Fail": {"Type": "Fail", "Error": "Turnstile.Unlucky", "Cause": "{% 'item ' & $states.input.item & ' of ' & $outside.text %}"},
                            "Count": task(json!({"count": folder.path(&failing.to_string())}), json!({"Output": "{% $outside %}"})),
                        }
                    },
                    "Catch": catch("Turnstile.Unlucky"),
                    "End": true
                },
                "Caught": {"Type": "Fail", "Error": "{% $states.input.Error %}", "Cause": "{% $states.input.Cause %}"}
            }
        })
    };
    let outside = json!({"text": "a \"quote\"\n", "nothing": null});
    assert_eq!(run(&stack, &map(4)).await["output"], json!([outside, outside, outside]));

    let failed = run(&stack, &map(2)).await;
    assert_eq!(failed["status"], "FAILED");
    assert_eq!((&failed["error"], &failed["cause"]), (&json!("Turnstile.Unlucky"), &json!("item 2 of a \"quote\"\n")));
    assert_eq!(std::fs::read(folder.path("2")).unwrap().len(), 1);
    stack.stop().await;
}

#[tokio::test]
async fn expressions_have_the_service_s_functions_and_json_s_types() {
    let folder = Folder::new();
    let stack = start(&folder, LOOP, vec![function("fixture")]).await;
    let ended = run(
        &stack,
        &one(json!({"Type": "Pass", "End": true, "Output": {
            "partition": "{% $partition([1, 2, 3], 2) %}",
            "range": "{% $range(0, 10, 5) %}",
            "hash": "{% $hash('a', 'SHA-256') %}",
            "uuid": "{% $length($uuid()) %}",
            "random": "{% $random() < 1 and $random(7) = $random(7) %}",
            "parse": "{% $parse('{\"a\": [null, 1]}') %}",
            "null": "{% null %}",
            "absent": "{% $exists($states.errorOutput) %}",
            "emptyList": "{% [] %}",
            "integer": "{% 10 / 5 %}",
            "fraction": "{% 10 / 4 %}",
            "mapped": "{% $map($states.input.list, function($n) { $n * 2 }) %}",
            "states": "{% $exists($lookup($states, 'context')) %}",
            "statesByAnotherName": "{% ($all := $states; $all.input.list[2]) %}",
            "divided": "{% $states.input.list[0] / 2 + $states.input.list[1] / 2 %}",
            "startTime": "{% $contains($states.context.Execution.StartTime, /^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$/) %}",
        }})),
    )
    .await;
    let expected = json!({
        "partition": [[1, 2], [3]],
        "range": [0, 5, 10],
        "hash": "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
        "uuid": 36,
        "random": true,
        "parse": {"a": [null, 1]},
        "null": null,
        "absent": false,
        "emptyList": [],
        "integer": 2,
        "fraction": 2.5,
        "mapped": [2, 4, 6],
        "states": true,
        "statesByAnotherName": 3,
        "divided": 1.5,
        "startTime": true,
    });
    assert_eq!(ended["output"], expected, "{ended}");

    let text = run(&stack, &one(json!({"Type": "Pass", "Output": "plain \"text\"", "End": true}))).await;
    assert_eq!(text["output"], "plain \"text\"");
    stack.stop().await;
}

/// What the reference implementation makes of them. The simulation's interpreter is held to the same file.
#[tokio::test]
async fn expressions_come_to_what_they_come_to_in_the_reference_implementation() {
    const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../engine/expressions.json");
    let known: Value = serde_json::from_str(&std::fs::read_to_string(FILE).unwrap()).unwrap();
    let folder = Folder::new();
    let stack = start(&folder, LOOP, vec![function("fixture")]).await;
    let output = async |output: Value| {
        let states = json!({
            "Input": {"Type": "Pass", "Output": known["input"], "Next": "State"},
            "State": {"Type": "Pass", "Output": output, "End": true},
        });
        run(&stack, &json!({"QueryLanguage": "JSONata", "StartAt": "Input", "States": states})).await
    };
    let expression = |text: &str| json!(format!("{{% {text} %}}"));
    let values = known["values"].as_object().unwrap();
    let (expressions, expected): (Vec<_>, Vec<_>) =
        values.iter().map(|(text, value)| (expression(text), value)).unzip();
    let ended = output(json!(expressions)).await;
    assert_eq!(ended["status"], "SUCCEEDED", "{ended}");
    for ((expression, expected), came_to) in expressions.iter().zip(expected).zip(ended["output"].as_array().unwrap()) {
        assert_eq!(came_to, expected, "{expression}");
    }
    for text in known["failing"].as_array().unwrap() {
        let ended = output(expression(text.as_str().unwrap())).await;
        assert_eq!(ended["error"], "States.QueryEvaluationError", "{text}: {ended}");
    }
    stack.stop().await;
}

#[tokio::test]
async fn the_context_tells_the_world_s_time() {
    let folder = Folder::new();
    let stack = start(&folder, LOOP, vec![function("fixture")]).await;
    let seconds = |name: &str| format!("{{% $toMillis($states.context.{name}) / 1000 %}}");
    let wait =
        json!({"Type": "Wait", "Seconds": 600, "Next": "After", "Assign": {"entered": seconds("State.EnteredTime")}});
    let mut definition = one(wait);
    definition["States"]["After"] = json!({"Type": "Pass", "End": true, "Output": {
        "started": seconds("Execution.StartTime"),
        "entered": "{% $entered %}",
        "after": seconds("State.EnteredTime"),
    }});
    let times = run(&stack, &definition).await["output"].clone();
    let between = |from: &str, to: &str| times[to].as_f64().unwrap() - times[from].as_f64().unwrap();
    assert!(between("started", "entered") >= 0.0, "{times}");
    assert!(between("entered", "after") >= 600.0, "{times}");

    // By now the world is at least those ten minutes ahead of the wall clock, and a later execution starts later.
    let wall = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
    let later = run(&stack, &one(json!({"Type": "Pass", "End": true, "Output": seconds("Execution.StartTime")}))).await;
    let later = later["output"].as_f64().unwrap();
    assert!(later >= times["after"].as_f64().unwrap() && later > wall + 300.0, "{times} {later} {wall}");
    stack.stop().await;
}

#[tokio::test]
async fn time_limits_and_retries_run_on_the_world_s_clock() {
    let folder = Folder::new();
    let stack = start(&folder, LOOP, vec![function("fixture")]).await;
    let mut endless = one(json!({"Type": "Wait", "Seconds": 90_000_000, "End": true}));
    endless["TimeoutSeconds"] = json!(300);
    assert_eq!(run(&stack, &endless).await["status"], "TIMED_OUT");

    let event = json!({"count": folder.path("attempts"), "error": "Turnstile.Unlucky"});
    let retry = json!([{"ErrorEquals": ["Turnstile.Unlucky"], "IntervalSeconds": 60, "BackoffRate": 2, "MaxAttempts": 3,
        "MaxDelaySeconds": 120, "JitterStrategy": "FULL"}]);
    let failed = run(&stack, &one(task(event, json!({"Retry": retry})))).await;
    assert_eq!(failed["error"], "Turnstile.Unlucky");
    assert_eq!(std::fs::read(folder.path("attempts")).unwrap().len(), 4);
    stack.stop().await;
}
