use std::time::Duration;

use account::{execution_arn, state_machine_arn};
use serde_json::json;
use tokio::time::sleep;
use world::rules::{ExecutionStatus, Running};

use super::*;
use crate::machine::{Details, Failure};
use crate::seed::Seed;

/// A definition whose executions wait until they are stopped.
fn waits() -> Rc<Definition> {
    let definition = json!({
        "QueryLanguage": "JSONata", "StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 1000000, "End": true}},
    });
    Rc::new(Definition::parse(&definition.to_string(), &Default::default()).expect("a definition"))
}

/// Step Functions without an engine: an execution ends when the test says so.
fn service(trailing: Trailing) -> StepFunctions {
    StepFunctions::new(Clock::start(), Seed(1).of("test"), trailing, waits()).0
}

fn start(service: &StepFunctions, name: &str, input: &str) -> (u16, Value) {
    let request = json!({"stateMachineArn": state_machine_arn(), "name": name, "input": input});
    service.answer("StartExecution", &request)
}

fn end(service: &StepFunctions, name: &str, end: End) {
    let record = service.find(&execution_arn(name)).expect("an execution");
    record.ended(record.latest_run(), service.clock.unix_seconds(), end);
}

fn code((status, body): &(u16, Value)) -> &str {
    if *status == 200 { "ok" } else { body["__type"].as_str().expect("a code") }
}

fn describe(service: &StepFunctions, name: &str) -> (u16, Value) {
    service.answer("DescribeExecution", &json!({"executionArn": execution_arn(name)}))
}

fn listed(service: &StepFunctions, more: Value) -> Vec<String> {
    let mut request = json!({"stateMachineArn": state_machine_arn()});
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let (_, answer) = service.answer("ListExecutions", &request);
    let executions = answer["executions"].as_array().expect("a list").iter();
    executions.map(|execution| execution["name"].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_start_that_is_repeated_is_the_same_execution_while_it_runs() {
    let service = service(Trailing::default());
    let first = start(&service, "a", r#"{"b": 1, "c": 2}"#);
    sleep(Duration::from_secs(5)).await;
    assert_eq!(start(&service, "a", r#"{"c": 2, "b": 1}"#), first, "the same input, written otherwise");
    assert_eq!(code(&start(&service, "a", r#"{"b": 2}"#)), "ExecutionAlreadyExists");
    end(&service, "a", End::Succeeded(json!(null)));
    assert_eq!(code(&start(&service, "a", r#"{"b": 1, "c": 2}"#)), "ExecutionAlreadyExists");
    sleep(Duration::from_secs(91 * 24 * 3600)).await;
    assert_eq!(code(&start(&service, "a", "{}")), "ok", "the name is free again");
    assert_eq!(service.executions().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_start_needs_a_name_and_an_input_that_can_be() {
    let service = service(Trailing::default());
    assert_eq!(code(&start(&service, "a/b", "{}")), "InvalidName");
    assert_eq!(code(&start(&service, "a", "{")), "InvalidExecutionInput");
    let request = json!({"stateMachineArn": "arn:other"});
    assert_eq!(code(&service.answer("StartExecution", &request)), "StateMachineDoesNotExist");
    assert_eq!(code(&service.answer("StartExecution", &json!({}))), "ValidationException");
    assert_eq!(code(&service.answer("Guess", &json!({}))), "UnknownOperationException");
    let unnamed = service.answer("StartExecution", &json!({"stateMachineArn": state_machine_arn()}));
    assert_eq!((code(&unnamed), service.executions()[0].name.len()), ("ok", 36), "a UUID");
}

#[tokio::test(start_paused = true)]
async fn an_execution_is_described_as_it_ended() {
    let service = service(Trailing::default());
    for name in ["succeeded", "failed", "timed-out", "stopped"] {
        start(&service, name, r#"{"a":1}"#);
        assert_eq!(describe(&service, name).1["status"], "RUNNING");
    }
    sleep(Duration::from_millis(2500)).await;
    end(&service, "succeeded", End::Succeeded(json!({"b": 2})));
    end(&service, "failed", End::Failed(Failure { error: "Turnstile.Busy".into(), cause: "no".into() }));
    end(&service, "timed-out", End::TimedOut);
    let stop = json!({"executionArn": execution_arn("stopped"), "error": "E", "cause": "C"});
    assert_eq!(service.answer("StopExecution", &stop).1["stopDate"], 1769850002.5);
    for (name, status, output, error, cause) in [
        ("succeeded", "SUCCEEDED", json!(r#"{"b":2}"#), Value::Null, Value::Null),
        ("failed", "FAILED", Value::Null, json!("Turnstile.Busy"), json!("no")),
        ("timed-out", "TIMED_OUT", Value::Null, json!("States.Timeout"), Value::Null),
        ("stopped", "ABORTED", Value::Null, json!("E"), json!("C")),
    ] {
        let (_, answer) = describe(&service, name);
        assert_eq!(answer["status"], status);
        assert_eq!([&answer["output"], &answer["error"], &answer["cause"]], [&output, &error, &cause], "{name}");
        assert_eq!([&answer["startDate"], &answer["stopDate"]], [1769850000.0, 1769850002.5]);
        assert_eq!(answer["input"], r#"{"a":1}"#);
    }
    let again = service.answer("StopExecution", &json!({"executionArn": execution_arn("failed")}));
    assert_eq!((code(&again), service.executions()[1].status.as_str()), ("ok", "FAILED"), "it stays as it is");
    assert_eq!(code(&describe(&service, "nobody")), "ExecutionDoesNotExist");
}

#[tokio::test(start_paused = true)]
async fn executions_are_listed_the_newest_first_in_pages() {
    let service = service(Trailing::default());
    for name in ["a", "b", "c"] {
        start(&service, name, "{}");
    }
    end(&service, "b", End::Succeeded(json!(null)));
    assert_eq!(listed(&service, json!({})), ["c", "b", "a"]);
    assert_eq!(listed(&service, json!({"statusFilter": "RUNNING"})), ["c", "a"]);
    let request = json!({"stateMachineArn": state_machine_arn(), "maxResults": 2});
    let (_, page) = service.answer("ListExecutions", &request);
    let token = page["nextToken"].as_str().expect("there is more");
    assert_eq!(listed(&service, json!({"maxResults": 2, "nextToken": token})), ["a"]);
    let too_many = json!({"stateMachineArn": state_machine_arn(), "maxResults": 1001});
    assert_eq!(code(&service.answer("ListExecutions", &too_many)), "ValidationException");
    let no_token = json!({"stateMachineArn": state_machine_arn(), "nextToken": "x"});
    assert_eq!(code(&service.answer("ListExecutions", &no_token)), "InvalidToken");
}

#[tokio::test(start_paused = true)]
async fn reads_trail_starts_and_ends() {
    let service = service(Trailing { rate: 1.0, seconds: 3.0 });
    start(&service, "a", "{}");
    assert_eq!(code(&describe(&service, "a")), "ExecutionDoesNotExist");
    assert_eq!(listed(&service, json!({})), [] as [&str; 0]);
    sleep(Duration::from_secs(3)).await;
    assert_eq!((code(&describe(&service, "a")), listed(&service, json!({})).len()), ("ok", 1));
    end(&service, "a", End::Succeeded(json!(null)));
    assert_eq!(describe(&service, "a").1["status"], "RUNNING");
    assert_eq!(listed(&service, json!({"statusFilter": "RUNNING"})), ["a"]);
    sleep(Duration::from_secs(3)).await;
    assert_eq!(describe(&service, "a").1["status"], "SUCCEEDED");
    assert_eq!(listed(&service, json!({"statusFilter": "RUNNING"})), [] as [&str; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_execution_that_is_redriven_runs_once_more() {
    let service = service(Trailing { rate: 1.0, seconds: 3.0 });
    let arn = execution_arn("a");
    let refused = || service.redrive(&arn).unwrap_err().0;
    start(&service, "a", "{}");
    assert_eq!(refused(), "ExecutionNotRedrivable", "it runs");
    sleep(Duration::from_secs(10)).await;
    end(&service, "a", End::Aborted(Stop::default()));
    sleep(Duration::from_secs(10)).await;
    service.redrive(&arn).expect("it was aborted");
    let told = || {
        let answer = describe(&service, "a").1;
        let listed = service.answer("ListExecutions", &json!({"stateMachineArn": state_machine_arn()})).1;
        let fields = ["status", "redriveCount", "redriveDate", "stopDate"].map(|field| answer[field].clone());
        assert_eq!(
            fields,
            ["status", "redriveCount", "redriveDate", "stopDate"].map(|field| listed["executions"][0][field].clone())
        );
        json!(fields)
    };
    assert_eq!(told(), json!(["ABORTED", 0, null, 1_769_850_010.0]), "the reads trail");
    sleep(Duration::from_secs(3)).await;
    assert_eq!(told(), json!(["RUNNING", 1, 1_769_850_020.0, null]));
    end(&service, "a", End::Succeeded(json!(null)));
    sleep(Duration::from_secs(3)).await;
    assert_eq!(told(), json!(["SUCCEEDED", 1, 1_769_850_020.0, 1_769_850_023.0]));
    assert_eq!(refused(), "ExecutionNotRedrivable", "it has succeeded");
    let runs = service.for_rules().pop().expect("an execution").runs;
    let run = |from, to| Running { from, to: Some(to) };
    assert_eq!((runs, service.executions()[0].redrive_count), (vec![run(0.0, 10.0), run(20.0, 23.0)], 1));
}

#[tokio::test(start_paused = true)]
async fn the_rules_see_when_an_execution_ran_and_when_it_had_failed() {
    let states = json!({
        "Try": {"Type": "Choice", "Choices": [{"Condition": "{% true %}", "Next": "BackOff"}], "Default": "Done"},
        "Done": {"Type": "Succeed"},
        "BackOff": {"Type": "Wait", "Seconds": 1, "Next": "Failed"},
        "Failed": {"Type": "Fail", "Error": "Turnstile.Gone", "Cause": "It is gone."},
    });
    let definition = json!({"QueryLanguage": "JSONata", "StartAt": "Try", "States": states});
    let definition = Definition::parse(&definition.to_string(), &Default::default()).expect("a definition");
    let service = StepFunctions::new(Clock::start(), Seed(1).of("test"), Trailing::default(), Rc::new(definition)).0;
    sleep(Duration::from_millis(1_501)).await;
    start(&service, "a", r#"{"b": 1}"#);
    let seen = || service.for_rules().pop().expect("an execution");
    let enter = |name: &str| {
        let entered = Details::StateEntered { kind: "Wait", name: name.to_owned(), input: "{}".into() };
        let record = service.find(&execution_arn("a")).expect("an execution");
        record.history.record(service.clock.timestamp(), entered).expect("there is room");
    };
    enter("Try");
    let expected = rules::Execution {
        arn: execution_arn("a"),
        status: ExecutionStatus::Running,
        input: json!({"b": 1}),
        error: None,
        cause: None,
        runs: vec![Running { from: 1.501, to: None }],
        failed_at: None,
    };
    assert_eq!(seen(), expected);
    for state in ["BackOff", "Failed"] {
        sleep(Duration::from_millis(1_002)).await;
        enter(state);
    }
    let failure = Failure { error: "Turnstile.Gone".to_owned(), cause: "It is gone.".to_owned() };
    end(&service, "a", End::Failed(failure));
    let expected = rules::Execution {
        status: ExecutionStatus::Failed,
        error: Some("Turnstile.Gone".to_owned()),
        cause: Some("It is gone.".to_owned()),
        runs: vec![Running { from: 1.501, to: Some(3.505) }],
        failed_at: Some(2.503),
        ..expected
    };
    assert_eq!(seen(), expected);
    for (status, other) in [
        (ExecutionStatus::Succeeded, End::Succeeded(json!(1))),
        (ExecutionStatus::TimedOut, End::TimedOut),
        (ExecutionStatus::Aborted, End::Aborted(Stop::default())),
    ] {
        start(&service, status.as_str(), "{}");
        end(&service, status.as_str(), other);
        assert_eq!((seen().status, seen().failed_at), (status, None));
    }
}

#[test]
fn a_wrong_field_of_trailing_is_named() {
    for (rate, seconds, message) in
        [(1.5, 0.0, "trailing.rate: must be 0 to 1"), (0.0, -1.0, "trailing.seconds: must be 0 or more")]
    {
        assert_eq!(Trailing { rate, seconds }.check().unwrap_err().to_string(), message);
    }
    Trailing { rate: 1.0, seconds: 5.0 }.check().unwrap();
}
