//! Calls that go wrong, as the functions' SDK and the state machine see it.

use std::time::{Duration, Instant};

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_codedeploy::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_codedeploy::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_codedeploy::operation::create_deployment::{CreateDeploymentError, CreateDeploymentOutput};
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use stack::{Options, Stack};
use world::Call;

use crate::engine::{catch, one, run};
use crate::fixture::{Folder, LOOP, calls_in, end_of, function, options};

/// A stack whose world has a group `web` with an instance in service, an application and these faults.
async fn start(folder: &Folder, faults: Value) -> Stack {
    let setting = json!({
        "autoScalingGroups": [{"name": "web", "desiredCapacity": 1, "tags": {"role": "web"}}],
        "applications": [{
            "applicationName": "A", "deploymentGroupName": "Staging", "selection": {"tags": {"role": "web"}},
            "revision": {"revisionType": "S3", "s3Location": {"bucket": "bundles", "key": "a.zip"}},
        }],
    });
    let options = Options {
        setting: serde_json::from_value(setting).unwrap(),
        faults: serde_json::from_value(faults).unwrap(),
        ..options(folder, LOOP, vec![function("fixture")])
    };
    Stack::start(options).await.unwrap()
}

/// The SDK's settings for calls of the function `fixture`.
fn sdk(stack: &Stack, retries: RetryConfig, timeout: Duration) -> SdkConfig {
    of_caller("fixture", stack, retries, timeout)
}

/// The same for calls signed with another access key id.
fn of_caller(caller: &str, stack: &Stack, retries: RetryConfig, timeout: Duration) -> SdkConfig {
    let credentials = Credentials::new(caller, "secret", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(stack::REGION))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(stack.endpoint())
        .retry_config(retries)
        .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(timeout).build())
        .build()
}

/// Longer than any call takes without a fault.
const LONG: Duration = Duration::from_secs(30);

type Created = Result<CreateDeploymentOutput, SdkError<CreateDeploymentError>>;

async fn create_deployment(config: &SdkConfig) -> Created {
    let codedeploy = aws_sdk_codedeploy::Client::new(config);
    codedeploy.create_deployment().application_name("A").deployment_group_name("Staging").send().await
}

/// Whether the connection was reset.
fn was_reset<T, E>(result: &Result<T, SdkError<E>>) -> bool {
    matches!(result, Err(SdkError::DispatchFailure(failure)) if failure.is_io())
}

/// Code and HTTP status of an error that a service answered.
fn answered<T, E: ProvideErrorMetadata>(result: &Result<T, SdkError<E>>) -> Option<(Option<&str>, u16)> {
    let error = result.as_ref().err()?;
    Some((error.code(), error.raw_response()?.status().as_u16()))
}

/// Service, operation and outcome of each call on record.
fn on_record(calls: &[Call]) -> Vec<(&str, &str, &str)> {
    calls.iter().map(|call| (call.service, call.operation.as_str(), call.outcome.as_str())).collect()
}

#[tokio::test]
async fn a_call_that_never_arrives_or_fails_has_no_effect() {
    let folder = Folder::new();
    let faults = json!([
        {"service": "codedeploy", "operation": "CreateDeployment", "kind": "reset", "times": 1},
        {"service": "codedeploy", "operation": "CreateDeployment", "kind": "error", "times": 1},
        {"service": "codedeploy", "kind": "error", "code": "ThrottlingException", "status": 429, "times": 1},
    ]);
    let stack = start(&folder, faults).await;
    let config = sdk(&stack, RetryConfig::disabled(), LONG);
    let reset = create_deployment(&config).await;
    assert!(was_reset(&reset), "{reset:?}");
    assert_eq!(answered(&create_deployment(&config).await), Some((Some("InternalFailure"), 500)));
    assert_eq!(answered(&create_deployment(&config).await), Some((Some("ThrottlingException"), 429)));
    assert_eq!(stack.world().report().deployments, []);
    create_deployment(&config).await.unwrap();

    let report = stack.world().report();
    assert_eq!(report.deployments.len(), 1);
    let outcomes = ["reset", "InternalFailure", "ThrottlingException", "ok"];
    assert_eq!(on_record(&report.calls), outcomes.map(|outcome| ("codedeploy", "CreateDeployment", outcome)));
    assert!(report.calls.iter().all(|call| call.caller == "fixture" && call.parameters["applicationName"] == "A"));
    assert_eq!(stack.fault_hits(), [1, 1, 1]);
    stack.stop().await;
}

#[tokio::test]
async fn a_call_whose_answer_is_lost_has_its_effect() {
    let folder = Folder::new();
    let faults = json!([
        {"service": "codedeploy", "kind": "lostAnswer", "times": 1},
        {"service": "dynamodb", "operation": "PutItem", "kind": "lostAnswer"},
    ]);
    let stack = start(&folder, faults).await;
    let config = sdk(&stack, RetryConfig::disabled(), LONG);
    let lost = create_deployment(&config).await;
    assert!(was_reset(&lost), "{lost:?}");
    let report = stack.world().report();
    assert_eq!(
        (report.deployments.len(), on_record(&report.calls)),
        (1, vec![("codedeploy", "CreateDeployment", "lost answer")])
    );

    let table = aws_sdk_dynamodb::Client::new(&config);
    let item = AttributeValue::S("a".to_owned());
    let put = table.put_item().table_name("turnstile-turns").item("claim", item).send().await;
    assert!(was_reset(&put), "{put:?}");
    assert_eq!(stack.turns().await.unwrap().len(), 1);
    assert_eq!(on_record(&stack.calls()), [("dynamodb", "PutItem", "lost answer")]);
    stack.stop().await;
}

#[tokio::test]
async fn an_sdk_that_retries_gets_through() {
    let folder = Folder::new();
    let faults = json!([
        {"service": "dynamodb", "kind": "reset", "times": 1},
        {"service": "dynamodb", "kind": "error", "times": 1},
    ]);
    let stack = start(&folder, faults).await;
    let retries = RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(10));
    let table = aws_sdk_dynamodb::Client::new(&sdk(&stack, retries, LONG));
    table.scan().table_name("turnstile-turns").send().await.unwrap();
    let outcomes = ["reset", "InternalFailure", "ok"];
    assert_eq!(on_record(&stack.calls()), outcomes.map(|outcome| ("dynamodb", "Scan", outcome)));
    stack.stop().await;
}

#[tokio::test]
async fn auto_scaling_reports_an_error_in_xml() {
    let folder = Folder::new();
    let faults = json!([
        {"service": "autoscaling", "operation": "DescribeLifecycleHooks", "kind": "error", "times": 1},
        {"service": "autoscaling", "operation": "DescribeLifecycleHooks", "kind": "error", "code": "Throttling", "times": 1},
    ]);
    let stack = start(&folder, faults).await;
    let autoscaling = aws_sdk_autoscaling::Client::new(&sdk(&stack, RetryConfig::disabled(), LONG));
    autoscaling.describe_auto_scaling_groups().send().await.unwrap();
    let describe = || autoscaling.describe_lifecycle_hooks().auto_scaling_group_name("web").send();
    assert_eq!(answered(&describe().await), Some((Some("InternalFailure"), 500)));
    assert_eq!(answered(&describe().await), Some((Some("Throttling"), 400)));
    describe().await.unwrap();
    stack.stop().await;
}

#[tokio::test]
async fn a_slow_call_has_its_effect_at_once_and_its_answer_late() {
    let folder = Folder::new();
    let faults = json!([
        {"service": "codedeploy", "operation": "CreateDeployment", "kind": "slow", "seconds": 1, "times": 1},
        {"service": "codedeploy", "operation": "GetApplication", "kind": "slow", "seconds": 60},
    ]);
    let stack = start(&folder, faults).await;
    let asked = Instant::now();
    let created = create_deployment(&sdk(&stack, RetryConfig::disabled(), LONG)).await.unwrap();
    assert!(asked.elapsed() >= Duration::from_secs(1), "{:?}", asked.elapsed());
    let report = stack.world().report();
    assert_eq!(created.deployment_id(), Some(report.deployments[0].deployment_id.as_str()));

    let impatient = sdk(&stack, RetryConfig::disabled(), Duration::from_millis(200));
    let codedeploy = aws_sdk_codedeploy::Client::new(&impatient);
    let late = codedeploy.get_application().application_name("A").send().await;
    assert!(matches!(late, Err(SdkError::TimeoutError(_))), "{late:?}");
    let calls = stack.world().report().calls;
    let expected = [("codedeploy", "CreateDeployment", "ok"), ("codedeploy", "GetApplication", "ok")];
    assert_eq!(on_record(&calls), expected);
    stack.stop().await;
}

#[tokio::test]
async fn faults_do_not_hit_the_calls_of_others() {
    let folder = Folder::new();
    let all = ["codedeploy", "autoscaling", "dynamodb", "states", "lambda"];
    let faults = all.map(|service| json!({"service": service, "kind": "reset"}));
    let stack = start(&folder, json!(faults)).await;
    create_deployment(&of_caller("key", &stack, RetryConfig::disabled(), LONG)).await.unwrap();
    stack.turns().await.unwrap();
    stack.invoke("fixture", &json!({})).await.unwrap();
    stack.start_execution(None, &json!({})).await.unwrap();
    let invoke = format!("{}/2015-03-31/functions/fixture/invocations", stack.endpoint());
    crate::fixture::client().post(invoke).body("{}").send().await.unwrap().error_for_status().unwrap();
    let own = stack.calls();
    assert!(own.iter().all(|call| call.caller == "engine"), "{own:?}");
    assert_eq!(stack.fault_hits()[..4], [0; 4]);
    stack.stop().await;
}

#[tokio::test]
async fn a_state_machine_sees_faults_of_its_calls_of_functions() {
    let folder = Folder::new();
    let faults = json!([
        {"service": "lambda", "operation": "fixture", "kind": "error", "times": 1},
        {"service": "lambda", "kind": "error", "code": "TooManyRequestsException", "status": 429, "times": 1},
        {"service": "lambda", "kind": "reset", "times": 1},
        {"service": "lambda", "kind": "lostAnswer", "times": 1},
        {"service": "lambda", "kind": "slow", "seconds": 0.1, "times": 1},
    ]);
    let stack = start(&folder, faults).await;
    let input = json!({"count": folder.path("calls")});
    let invocations = || calls_in(&folder.path("calls"));
    for (error, runs, outcome) in [
        (Some("Lambda.ServiceException"), 0, "ServiceException"),
        (Some("Lambda.TooManyRequestsException"), 0, "TooManyRequestsException"),
        (Some("Lambda.SdkClientException"), 0, "reset"),
        (Some("Lambda.SdkClientException"), 1, "lost answer"),
        (None, 2, "ok"),
    ] {
        let arn = stack.start_execution(None, &input).await.unwrap();
        let ended = end_of(&stack, &arn).await;
        assert_eq!((ended.error.as_deref(), invocations()), (error, runs), "{outcome}: {ended:?}");
        let calls = stack.calls();
        assert_eq!(on_record(&calls).last(), Some(&("lambda", "fixture", outcome)));
        assert_eq!(calls.last().unwrap().parameters, input);
    }
    assert_eq!(stack.fault_hits(), [1; 5]);
    stack.stop().await;
}

#[tokio::test]
async fn faults_hit_a_state_machine_s_own_calls_of_services() {
    let folder = Folder::new();
    let faults = json!([{"service": "codedeploy", "kind": "error", "code": "ThrottlingException"}]);
    let stack = start(&folder, faults).await;
    let state = json!({
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:codedeploy:getDeployment",
        "Arguments": {"DeploymentId": "d-ABCDEFGH1"},
        "Catch": catch("CodeDeploy.ThrottlingException"),
        "End": true,
    });
    let ended = run(&stack, &one(state)).await;
    assert_eq!(ended["output"]["Error"], "CodeDeploy.ThrottlingException", "{ended}");
    stack.stop().await;
}
