//! The stack as a whole: its one endpoint, executions, and what its start refuses.

use serde_json::{Value, json};
use stack::Error;
use stack::history::transitions;

use crate::fixture::{Folder, LOOP, client, end_of, function, start, try_start};

#[tokio::test]
async fn an_execution_runs_the_function_and_counts_its_transitions() {
    let folder = Folder::new();
    let stack = start(&folder, LOOP, vec![function("fixture")]).await;

    let arn = stack.start_execution(Some("first"), &json!({"text": "a \"quoted\" line\n"})).await.unwrap();
    let execution = end_of(&stack, &arn).await;
    assert_eq!((execution.status.as_str(), execution.name.as_str()), ("SUCCEEDED", "first"));
    assert_eq!(execution.output, Some(json!({"text": "a \"quoted\" line\n"})));
    assert_eq!(transitions(&stack.history(&arn).await.unwrap()), 1);

    let arn = stack.start_execution(None, &json!({"error": "Unlucky"})).await.unwrap();
    let execution = end_of(&stack, &arn).await;
    assert_eq!((execution.status.as_str(), execution.error.as_deref()), ("FAILED", Some("Unlucky")));
    let cause: Value = serde_json::from_str(execution.cause.as_deref().unwrap()).unwrap();
    assert_eq!(cause["errorMessage"], "as asked \"for\"");
    assert_eq!(transitions(&stack.history(&arn).await.unwrap()), 3);

    let started: Vec<Value> = stack.executions().await.unwrap().into_iter().map(|execution| execution.input).collect();
    assert_eq!(started, [json!({"text": "a \"quoted\" line\n"}), json!({"error": "Unlucky"})]);
    stack.stop().await;
}

#[tokio::test]
async fn the_same_start_at_the_same_moment_is_one_execution() {
    let folder = Folder::new();
    let stack = start(&folder, LOOP, vec![function("fixture")]).await;
    let slow = json!({"sleep": 1000});
    let start = || stack.start_execution(Some("same"), &slow);
    let (a, b, c, d) = tokio::join!(start(), start(), start(), start());
    let arn = a.unwrap();
    assert_eq!([b.unwrap(), c.unwrap(), d.unwrap()], [arn.as_str(); 3]);
    let running = stack.executions().await.unwrap();
    assert_eq!(running.iter().map(|execution| execution.status.as_str()).collect::<Vec<_>>(), ["RUNNING"]);
    let ended = end_of(&stack, &arn).await;
    assert_eq!(stack.executions().await.unwrap(), [ended]);

    let other = stack.start_execution(Some("same"), &json!({})).await.unwrap_err();
    assert!(matches!(&other, Error::Service { code, .. } if code == "ExecutionAlreadyExists"), "{other}");
    stack.stop().await;
}

#[tokio::test]
async fn every_service_is_behind_the_one_endpoint() {
    let folder = Folder::new();
    let stack = start(&folder, LOOP, vec![function("fixture")]).await;
    let client = client();
    let call = async |service: &str, target: &str, body: Value| {
        let request = client
            .post(stack.endpoint())
            .header(
                "authorization",
                format!("AWS4-HMAC-SHA256 Credential=key/20260131/us-east-1/{service}/aws4_request"),
            )
            .header("x-amz-target", target)
            .header("content-type", "application/x-amz-json-1.0");
        let answer = request.body(body.to_string()).send().await.unwrap();
        assert!(answer.headers().contains_key("x-amzn-requestid"));
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap_or_default())
    };

    let (status, tables) = call("dynamodb", "DynamoDB_20120810.ListTables", json!({})).await;
    assert_eq!((status, tables), (200, json!({"TableNames": ["turnstile-turns"]})));

    let (status, error) =
        call("codedeploy", "CodeDeploy_20141006.GetDeployment", json!({"deploymentId": "d-ABCDEFGH1"})).await;
    assert_eq!((status, &error["__type"]), (400, &json!("DeploymentDoesNotExistException")));

    let resources = call("tagging", "ResourceGroupsTaggingAPI_20170126.GetResources", json!({})).await;
    assert_eq!(resources, (200, json!({"PaginationToken": "", "ResourceTagMappingList": []})));

    let machines = call("states", "AWSStepFunctions.ListStateMachines", json!({})).await.1;
    assert_eq!(machines["stateMachines"][0]["stateMachineArn"], stack.state_machine_arn());

    let invoke = format!("{}/2015-03-31/functions/{}/invocations", stack.endpoint(), "fixture");
    let answer = client.post(&invoke).body(r#"{"error": "AsAsked"}"#).send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["x-amz-function-error"]),
        (200, &"Unhandled".parse().unwrap())
    );
    let event = client.post(&invoke).header("x-amz-invocation-type", "Event").body("{}").send().await.unwrap();
    assert_eq!(event.status().as_u16(), 202);
    stack.stop().await;
}

#[tokio::test]
async fn what_is_missing_is_said_before_anything_starts() {
    let folder = Folder::new();
    let definition = LOOP.replace("arn:aws:lambda:us-east-1:123456789012:function:fixture", "${FixtureFunction}");
    let error = try_start(&folder, &definition, vec![function("fixture")]).await.err().unwrap();
    assert!(error.to_string().ends_with("nothing is known to put in place of ${FixtureFunction}"), "{error}");

    let mut unbuilt = function("fixture");
    unbuilt.bootstrap = folder.path("bootstrap");
    let error = try_start(&folder, LOOP, vec![unbuilt]).await.err().unwrap();
    assert!(error.to_string().ends_with("run `make build`"), "{error}");

    let options = stack::Options {
        python: folder.path("python"),
        ..crate::fixture::options(&folder, LOOP, vec![function("fixture")])
    };
    let error = stack::Stack::start(options).await.err().unwrap();
    assert!(error.to_string().ends_with("run `make .venv`"), "{error}");

    let faults =
        serde_json::from_value(json!([{"service": "lambda", "operation": "nobody", "kind": "reset"}])).unwrap();
    let options = stack::Options { faults, ..crate::fixture::options(&folder, LOOP, vec![function("fixture")]) };
    let error = stack::Stack::start(options).await.err().unwrap();
    assert_eq!(error.to_string(), "faults[0].operation: there is no such function");
}
