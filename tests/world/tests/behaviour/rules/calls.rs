//! What the rules go by: who made a call, in which order, and what it changed.

use serde_json::json;
use world::{Call, Claim, Effect, HookResult, Invocation};

use super::stage;
use crate::function::Function;

#[tokio::test]
async fn a_call_knows_its_invocation_and_its_effect() {
    let stage = stage().await;
    let instance = stage.launch_and_boot();
    let first = Function::of("arn:1", "start-deployment", "r-1", 7, &stage.world);
    let second = Function::of("arn:1", "complete-lifecycle-hook", "r-2", 9, &stage.world);
    assert_eq!(first.heartbeat(&instance).await, 200);
    let id = first.deploy("A", "A", "one").await;
    assert_eq!(first.codedeploy("GetDeployment", json!({"deploymentId": id})).await.0, 200);
    assert_eq!((first.stop(&id).await, first.stop(&id).await), (200, 400));
    assert_eq!((second.complete(&instance, "ABANDON").await, second.heartbeat(&instance).await), (200, 400));
    // Over a socket nobody says which invocation it is.
    stage.update("B").await;

    let report = stage.world.report();
    let expected = [
        (Some("r-1"), Some(Effect::Heartbeat { action: 0 })),
        (Some("r-1"), Some(Effect::DeploymentCreated { deployment_id: id.clone() })),
        (Some("r-1"), None),
        (Some("r-1"), Some(Effect::DeploymentStopped { deployment_id: id.clone() })),
        (Some("r-1"), None),
        (Some("r-2"), Some(Effect::HookCompleted { action: 0, result: HookResult::Abandon })),
        (Some("r-2"), None),
        (None, Some(Effect::DeploymentCreated { deployment_id: report.deployments[1].deployment_id.clone() })),
    ];
    let of = |call: &Call| (call.invocation.as_ref().map(|one| one.request_id.clone()), call.effect.clone());
    let found: Vec<_> = report.calls.iter().map(of).collect();
    assert_eq!(found, expected.map(|(request, effect)| (request.map(str::to_owned), effect)));
    assert_eq!(
        (report.calls[0].caller.as_str(), report.calls[5].caller.as_str()),
        ("start-deployment", "complete-lifecycle-hook",)
    );
    let invocation = Invocation {
        request_id: "r-1".to_owned(),
        execution: Some("arn:1".to_owned()),
        state_entry: Some(7),
        sent_before: 0,
        sent_at: None,
    };
    assert_eq!(report.calls[0].invocation, Some(invocation));
}

#[tokio::test]
async fn a_call_of_another_service_is_recorded_in_its_place() {
    let stage = stage().await;
    let instance = stage.launch_and_boot();
    let function = Function::of("arn:1", "start-deployment", "r-1", 1, &stage.world);
    function.heartbeat(&instance).await;
    let claims = vec![Claim { claim: "deploymentGroup:A/Staging".to_owned(), holder: Some("arn:1".to_owned()) }];
    let call = Call {
        caller: "start-deployment".to_owned(),
        service: "dynamodb",
        operation: "TransactWriteItems".to_owned(),
        outcome: "ok".to_owned(),
        effect: Some(Effect::ClaimsChanged { claims }),
        ..Call::default()
    };
    stage.world.record(call.clone());
    function.heartbeat(&instance).await;
    let calls = stage.world.report().calls;
    let operations: Vec<&str> = calls.iter().map(|call| call.operation.as_str()).collect();
    assert_eq!(operations, ["RecordLifecycleActionHeartbeat", "TransactWriteItems", "RecordLifecycleActionHeartbeat"]);
    assert_eq!(calls[1], Call { at: 15.0, ..call });
}

#[tokio::test]
async fn a_hook_tells_how_long_it_was_without_a_heartbeat() {
    let stage = stage().await;
    let instance = stage.launch_and_boot();
    let hook = |stage: &crate::stage::Stage| {
        let action = stage.world.report().hook_actions.remove(0);
        (action.opened_at, action.heartbeats, action.last_heartbeat_at, action.longest_without_heartbeat)
    };
    assert_eq!(hook(&stage), (10.0, 0, None, 5.0));
    let function = Function::of("arn:1", "check-status", "r-1", 1, &stage.world);
    for (pause, expected) in [(20.0, 25.0), (60.0, 60.0), (30.0, 60.0)] {
        stage.world.advance(pause);
        function.heartbeat(&instance).await;
        assert_eq!(hook(&stage).3, expected);
    }
    stage.world.advance(100.0);
    assert_eq!(hook(&stage), (10.0, 3, Some(125.0), 100.0));
    stage.complete(&instance, "ABANDON").await.unwrap();
    stage.world.advance(500.0);
    assert_eq!(hook(&stage), (10.0, 3, Some(125.0), 100.0), "it is over");
}
