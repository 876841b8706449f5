//! What must never happen: for each rule a run that keeps it, and runs that break it.

mod calls;
mod current_build;
mod failures;
mod gates;
mod heartbeat;
mod hooks;
mod known;
mod one_at_a_time;
mod owner;
mod repeated_calls;
mod stops;
mod turns;
mod up_to_date;

use serde_json::json;
use world::rules::{Execution, ExecutionStatus, Run, Running, violations};
use world::{ActionId, Breach, Claim, DeploymentId, Report};

use crate::stage::{Stage, setting, with};

/// A world whose instances need A and B.
async fn stage() -> Stage {
    Stage::new(with(setting(), "/autoScalingGroups/0/requiredApplications", json!(["A/Staging", "B/Staging"]))).await
}

fn breaches(report: &Report) -> Vec<Breach> {
    report.violations.iter().map(|violation| violation.breach.clone()).collect()
}

/// What the rules over the whole run find, beside what the world has found.
fn found(stage: &Stage, executions: &[Execution], claims: &[Claim]) -> Vec<Breach> {
    let report = stage.world.report();
    let all = violations(&Run { report: &report, executions, claims });
    let of_world = breaches(&report);
    all.into_iter().map(|violation| violation.breach).filter(|breach| !of_world.contains(breach)).collect()
}

/// An execution that runs from the beginning.
fn running(arn: &str) -> Execution {
    Execution {
        arn: arn.to_owned(),
        status: ExecutionStatus::Running,
        input: json!({}),
        error: None,
        cause: None,
        runs: vec![Running { from: 0.0, to: None }],
        failed_at: None,
    }
}

/// An execution that ran from the beginning to this time.
fn ended(arn: &str, status: ExecutionStatus, at: f64) -> Execution {
    Execution { status, runs: vec![Running { from: 0.0, to: Some(at) }], ..running(arn) }
}

fn deployment(application: &str, id: &str) -> DeploymentId {
    DeploymentId {
        application_name: application.to_owned(),
        deployment_group_name: "Staging".to_owned(),
        deployment_id: id.to_owned(),
    }
}

/// The action of the hook `launch` on the way into service.
fn action(instance: &str) -> ActionId {
    ActionId {
        instance_id: instance.to_owned(),
        lifecycle_hook_name: "launch".to_owned(),
        destination: "AutoScalingGroup",
    }
}

#[tokio::test]
async fn a_rollout_as_it_should_be_breaks_no_rule() {
    let stage = stage().await;
    let instance = stage.launch_and_boot();
    for application in ["A", "B"] {
        stage.update(application).await;
        stage.world.advance(70.0);
    }
    stage.complete(&instance, "CONTINUE").await.unwrap();
    let report = stage.world.report_at_end();
    assert_eq!((report.violations, report.collisions), (vec![], vec![]));
}

/// Who reads a report finds the rule, the kind, the data and a sentence.
#[tokio::test]
async fn a_violation_is_written_as_data_and_as_a_sentence() {
    let stage = stage().await;
    let instance = stage.launch_and_boot();
    stage.world.advance(3600.0);
    let report = stage.world.report();
    let sentence = format!("at 3610.0 s: hook launch of {instance} timed out instead of being completed");
    assert_eq!(report.violations[0].to_string(), sentence);
    let expected = json!([{
        "rule": 3, "kind": "hookTimedOut", "at": 3610.0, "instanceId": instance, "lifecycleHookName": "launch",
        "destination": "AutoScalingGroup", "sentence": sentence,
    }]);
    assert_eq!(json!(report.violations), expected);
}
