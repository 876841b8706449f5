//! The Lambda service as its callers and its functions see it.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::{Value, json};
use stack::{Error, Invoked};

use crate::fixture::{Folder, LOOP, calls_in, function, start, until};

/// A time limit that no prompt answer exceeds, even on a busy machine.
const BRIEF: Duration = Duration::from_secs(5);

fn error_type(invoked: &Invoked) -> Option<&str> {
    assert_eq!(invoked.function_error.as_deref(), Some("Unhandled"), "{invoked:?}");
    invoked.payload["errorType"].as_str()
}

#[tokio::test]
async fn a_function_gets_what_lambda_gives_it() {
    let folder = Folder::new();
    let mut given = function("fixture");
    given.environment.push(("VARIABLE".to_owned(), "value".to_owned()));
    let stack = start(&folder, LOOP, vec![given]).await;

    let before = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as u64;
    let invoked = stack.invoke("fixture", &json!({"a": [1, null]})).await.unwrap();
    assert_eq!(invoked.function_error, None);
    assert_eq!(invoked.payload["echo"], json!({"a": [1, null]}));
    assert_eq!(invoked.payload["arn"], "arn:aws:lambda:us-east-1:123456789012:function:fixture");
    assert_eq!(invoked.payload["endpoint"], stack.endpoint());
    assert_eq!(invoked.payload["accessKeyId"], "fixture");
    assert_eq!(invoked.payload["variable"], "value");
    assert!(invoked.payload["deadline"].as_u64().unwrap() >= before + 30_000, "{invoked:?}");
    stack.stop().await;
}

#[tokio::test]
async fn each_invocation_at_work_has_an_environment_that_is_reused() {
    let folder = Folder::new();
    let stack = start(&folder, LOOP, vec![function("fixture")]).await;
    let pid = async |event: Value| stack.invoke("fixture", &event).await.unwrap().payload["pid"].as_u64().unwrap();

    let first = pid(json!({})).await;
    assert_eq!(pid(json!({})).await, first);

    let slow = json!({"sleep": 500});
    let (a, b, c) = tokio::join!(pid(slow.clone()), pid(slow.clone()), pid(slow));
    assert_eq!(HashSet::from([a, b, c]).len(), 3);

    let running: HashSet<u64> = stack.environments().into_iter().map(|process| process.pid.into()).collect();
    assert_eq!(running, HashSet::from([a, b, c]));
    stack.stop().await;
}

#[tokio::test]
async fn one_invocation_too_many_is_throttled() {
    let folder = Folder::new();
    let mut narrow = function("fixture");
    narrow.concurrency = 1;
    let stack = start(&folder, LOOP, vec![narrow]).await;

    let slow = json!({"sleep": 500});
    let (first, second) = tokio::join!(stack.invoke("fixture", &slow), stack.invoke("fixture", &slow));
    assert!(first.is_ok());
    assert!(matches!(second, Err(Error::TooManyRequests(_))), "{second:?}");
    assert!(matches!(stack.invoke("nobody", &slow).await, Err(Error::UnknownFunction(name)) if name == "nobody"));
    stack.stop().await;
}

#[tokio::test]
async fn a_failed_invocation_is_followed_by_one_that_works() {
    let folder = Folder::new();
    let mut hasty = function("fixture");
    hasty.timeout = BRIEF;
    let stack = start(&folder, LOOP, vec![hasty]).await;

    let failed = stack.invoke("fixture", &json!({"error": "DeploymentFailed"})).await.unwrap();
    assert_eq!(error_type(&failed), Some("DeploymentFailed"));
    assert_eq!(failed.payload["errorMessage"], "as asked \"for\"");

    let crashed = stack.invoke("fixture", &json!({"exit": 3})).await.unwrap();
    assert_eq!(error_type(&crashed), Some("Runtime.ExitError"));
    let message = crashed.payload["errorMessage"].as_str().unwrap();
    assert!(message.ends_with("Error: Runtime exited with error: exit status 3"), "{message}");

    let late = stack.invoke("fixture", &json!({"sleep": 60_000})).await.unwrap();
    assert_eq!(error_type(&late), Some("Sandbox.Timedout"));
    let message = late.payload["errorMessage"].as_str().unwrap();
    assert!(message.ends_with("Error: Task timed out after 5.00 seconds"), "{message}");
    assert_eq!(stack.environments(), []);

    assert_eq!(stack.invoke("fixture", &json!({})).await.unwrap().function_error, None);
    stack.stop().await;
}

#[tokio::test]
async fn an_invocation_s_time_begins_after_the_start_of_its_process() {
    let folder = Folder::new();
    let mut sluggish = function("fixture");
    sluggish.environment.push(("START".to_owned(), "7000".to_owned()));
    sluggish.timeout = BRIEF;
    let stack = start(&folder, LOOP, vec![sluggish]).await;
    let first = stack.invoke("fixture", &json!({})).await.unwrap();
    assert_eq!(first.function_error, None, "{first:?}");
    let late = stack.invoke("fixture", &json!({"sleep": 60_000})).await.unwrap();
    assert_eq!(error_type(&late), Some("Sandbox.Timedout"));
    stack.stop().await;
}

#[tokio::test]
async fn a_failed_event_is_retried_twice() {
    let folder = Folder::new();
    let stack = start(&folder, LOOP, vec![function("fixture")]).await;
    let calls = |name: &str| calls_in(&folder.path(name));
    let event = |name: &str, error: Option<&str>| json!({"count": folder.path(name), "error": error});

    stack.invoke_asynchronously("fixture", &event("failing", Some("Unlucky"))).unwrap();
    stack.invoke_asynchronously("fixture", &event("working", None)).unwrap();
    until(|| calls("failing") >= 3 && calls("working") >= 1).await;
    // A fourth attempt would come after a pause no longer than the one before the third.
    tokio::time::sleep(Duration::from_secs_f64(150.0 / crate::fixture::SPEED)).await;
    assert_eq!((calls("failing"), calls("working")), (3, 1));
    stack.stop().await;
}
