//! Rule 5: a failure reads like an answer.

use serde_json::{Value, json};
use world::rules::{Execution, ExecutionStatus};
use world::{Breach, Rule};

use super::{ended, found, stage};
use crate::stage::{Stage, setting, with};

/// An execution that failed with this.
fn failed(error: &str, cause: &str) -> Execution {
    Execution {
        error: Some(error.to_owned()),
        cause: Some(cause.to_owned()),
        failed_at: Some(40.0),
        ..ended("arn:1", ExecutionStatus::Failed, 50.0)
    }
}

fn lacking(stage: &Stage, error: &str, cause: &str) -> Vec<String> {
    match found(stage, &[failed(error, cause)], &[]).as_slice() {
        [] => Vec::new(),
        [Breach::FailureNotExplained { lacking, .. }] => lacking.clone(),
        other => panic!("{other:?}"),
    }
}

fn without(cause: &Value, field: &str) -> String {
    let mut cause = cause.clone();
    cause.as_object_mut().unwrap().remove(field);
    cause.to_string()
}

#[tokio::test]
async fn a_failure_says_everything_that_it_has_to() {
    let stage = stage().await;
    let full = json!({
        "summary": "Orders/Production: Install failed", "hook": "turnstile completed with ABANDON",
        "applicationName": "Orders", "deploymentGroupName": "Production", "deploymentId": "d-1",
        "deploymentUrl": "https://console",
    });
    let short = json!({"summary": "s", "hook": "h"}).to_string();
    let long = json!({"summary": "x".repeat(32_768), "hook": "h"}).to_string();
    for (error, cause, expected) in [
        ("Turnstile.DeploymentFailed", full.to_string(), vec![]),
        ("Turnstile.DeploymentFailed", without(&full, "hook"), vec!["hook"]),
        ("Turnstile.InstanceNotReached", without(&full, "deploymentUrl"), vec!["deploymentUrl"]),
        ("Turnstile.DeploymentTimedOut", without(&full, "applicationName"), vec!["applicationName"]),
        (
            "Turnstile.DeploymentTimedOut",
            short.clone(),
            vec!["applicationName", "deploymentGroupName", "deploymentId", "deploymentUrl"],
        ),
        ("Turnstile.Unavailable", short.clone(), vec![]),
        ("Lambda.TooManyRequestsException", short.clone(), vec![]),
        ("States.Runtime", short.clone(), vec![]),
        ("States.Runtime", json!({"summary": " ", "hook": "h"}).to_string(), vec!["summary"]),
        ("States.Runtime", long, vec!["a cause that fits"]),
        ("Turnstile.Unavailable", "CodeDeploy is down".to_owned(), vec!["a cause that is a JSON object"]),
        ("Turnstile.Unavailable", "[1]".to_owned(), vec!["a cause that is a JSON object"]),
        ("Error", short.clone(), vec!["a known error"]),
        ("", short, vec!["a known error"]),
    ] {
        assert_eq!(lacking(&stage, error, &cause), expected, "{error} {cause}");
    }
}

/// A script has failed on the instance: the cause has to tell what the agent told.
#[tokio::test]
async fn a_failure_tells_what_happened_on_the_instance() {
    let failure = json!({
        "event": "AfterInstall", "errorCode": "ScriptFailed", "scriptName": "migrate.sh", "message": "exit code 3",
        "logTail": "LifecycleEvent - AfterInstall\n[stderr]no such table\n",
    });
    let stage = Stage::new(with(setting(), "/applications/0/failure", failure)).await;
    let instance = stage.launch_and_boot();
    let id = stage.update("A").await;
    stage.world.advance(70.0);
    let told = json!({
        "summary": "A/Staging: AfterInstall (migrate.sh) failed", "hook": "launch completed with ABANDON",
        "applicationName": "A", "deploymentGroupName": "Staging", "deploymentId": id, "deploymentUrl": "https://console",
        "instanceId": instance, "lifecycleEvent": "AfterInstall", "scriptName": "migrate.sh", "errorCode": "ScriptFailed",
        "logTail": "[stderr]no such table",
    });
    let of = |cause: &str| lacking(&stage, "Turnstile.DeploymentFailed", cause);
    assert_eq!(of(&told.to_string()), [] as [&str; 0]);
    for field in ["lifecycleEvent", "scriptName", "errorCode", "logTail"] {
        assert_eq!(of(&without(&told, field)), [field]);
    }
    let mut other = told.clone();
    other["scriptName"] = json!("start.sh");
    assert_eq!(of(&other.to_string()), ["scriptName"]);
    other["instanceId"] = json!("i-another");
    assert_eq!(of(&other.to_string()), [] as [&str; 0], "of that instance nothing is known");
}

#[tokio::test]
async fn only_failures_have_to_say_something() {
    use ExecutionStatus::{Aborted, Failed, Running, Succeeded, TimedOut};
    let stage = stage().await;
    for (status, expected) in [(Aborted, 0), (TimedOut, 0), (Running, 0), (Succeeded, 0), (Failed, 1)] {
        let found = found(&stage, &[ended("arn:1", status, 50.0)], &[]);
        assert_eq!(found.len(), expected, "{status:?}");
        assert!(found.iter().all(|breach| breach.kind().rule() == Rule::FailureExplained));
    }
    let found = found(&stage, &[failed("Turnstile.Unavailable", "{}")], &[]);
    let sentence = "arn:1 failed with \"Turnstile.Unavailable\" and lacks summary, hook";
    assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), [sentence]);
}
