//! Rule 9: the heartbeat is the first call of every invocation of a rollout whose hook is open.

use serde_json::json;
use world::rules::ExecutionStatus;
use world::{Breach, Call, Invocation, Rule};

use super::{action, ended, found, running, stage};
use crate::function::Function;
use crate::stage::Stage;

fn late(instance: &str, function: &str, operation: &str) -> Breach {
    Breach::HeartbeatNotFirst {
        action: action(instance),
        execution: "arn:1".to_owned(),
        function: function.to_owned(),
        operation: operation.to_owned(),
    }
}

/// Lets a function begin with each of these.
async fn begin(stage: &Stage, instance: &str, function: &str, request: u64, first: &str) {
    let function = Function::of("arn:1", function, &format!("r-{request}"), request, &stage.world);
    match first {
        "RecordLifecycleActionHeartbeat" => drop(function.heartbeat(instance).await),
        "CompleteLifecycleAction" => drop(function.complete(instance, "ABANDON").await),
        _ => drop(function.codedeploy(first, json!({"applicationName": "A", "deploymentGroupName": "Staging"})).await),
    }
    function.heartbeat(instance).await;
}

#[tokio::test]
async fn an_invocation_that_begins_with_its_heartbeat_keeps_it() {
    let stage = stage().await;
    let instance = stage.launch_and_boot();
    for request in 1..4 {
        begin(&stage, &instance, "check-status", request, "RecordLifecycleActionHeartbeat").await;
    }
    begin(&stage, &instance, "complete-lifecycle-hook", 4, "CompleteLifecycleAction").await;
    // It is over: there is no hook to keep open any more.
    begin(&stage, &instance, "back-off", 5, "GetDeploymentGroup").await;
    assert_eq!(found(&stage, &[running("arn:1")], &[]).len(), 1, "ABANDON without a failure is none of this rule's");
}

#[tokio::test]
async fn an_invocation_that_begins_with_something_else() {
    let stage = stage().await;
    let instance = stage.launch_and_boot();
    // The first invocation of an execution, which makes its rollout known by the heartbeat that follows.
    begin(&stage, &instance, "plan-rollout", 1, "GetDeploymentGroup").await;
    begin(&stage, &instance, "plan-rollout", 2, "ListDeployments").await;
    begin(&stage, &instance, "check-status", 3, "ListDeployments").await;
    let found = found(&stage, &[running("arn:1")], &[]);
    let expected =
        [late(&instance, "plan-rollout", "GetDeploymentGroup"), late(&instance, "check-status", "ListDeployments")];
    assert_eq!(found, expected, "the first of each function");
    assert_eq!(found[0].kind().rule(), Rule::HeartbeatFirst);
    let sentence = format!(
        "plan-rollout of arn:1 began with GetDeploymentGroup instead of a heartbeat for hook launch of {instance}"
    );
    assert_eq!(found[0].to_string(), sentence);
}

#[tokio::test]
async fn a_heartbeat_that_is_refused_has_come_first_and_one_for_another_instance_has_not() {
    let stage = stage().await;
    let (instance, other) = (stage.world.launch("web").unwrap(), stage.world.launch("web").unwrap());
    stage.world.advance(15.0);
    let of = |request, entry| Function::of("arn:1", "check-status", request, entry, &stage.world);
    assert_eq!(Function::of("arn:1", "plan-rollout", "r-1", 1, &stage.world).heartbeat(&instance).await, 200);
    let refused = of("r-2", 2);
    assert_eq!(
        refused.autoscaling("RecordLifecycleActionHeartbeat", &instance, "&LifecycleActionToken=none").await,
        400
    );
    assert_eq!(found(&stage, &[running("arn:1")], &[]), []);
    let astray = of("r-3", 3);
    assert_eq!((astray.heartbeat(&other).await, astray.heartbeat(&instance).await), (200, 200));
    let breach = late(&instance, "check-status", "RecordLifecycleActionHeartbeat");
    assert_eq!(found(&stage, &[running("arn:1")], &[]), std::slice::from_ref(&breach));
    // It names the right instance, and is none.
    Function::of("arn:1", "plan-rollout", "r-4", 4, &stage.world).autoscaling("SetInstanceHealth", &instance, "").await;
    let other = late(&instance, "plan-rollout", "SetInstanceHealth");
    assert_eq!(found(&stage, &[running("arn:1")], &[]), [breach, other]);
}

/// The table of turns is asked before the heartbeat: the world is told of the call in its place.
#[tokio::test]
async fn a_call_of_another_service_comes_first() {
    let stage = stage().await;
    let instance = stage.launch_and_boot();
    let function = Function::of("arn:1", "back-off", "r-2", 2, &stage.world);
    Function::of("arn:1", "plan-rollout", "r-1", 1, &stage.world).heartbeat(&instance).await;
    let invocation = Invocation {
        request_id: "r-2".to_owned(),
        execution: Some("arn:1".to_owned()),
        state_entry: Some(2),
        sent_before: 0,
        sent_at: None,
    };
    stage.world.record(Call {
        caller: "back-off".to_owned(),
        invocation: Some(invocation),
        service: "dynamodb",
        operation: "TransactWriteItems".to_owned(),
        outcome: "ok".to_owned(),
        ..Call::default()
    });
    function.heartbeat(&instance).await;
    assert_eq!(found(&stage, &[running("arn:1")], &[]), [late(&instance, "back-off", "TransactWriteItems")]);
}

/// Who owns the launch may be asked before the heartbeat, which is the owner's. Nothing else may come between.
#[tokio::test]
async fn the_question_who_owns_the_launch_comes_first() {
    let stage = stage().await;
    let instance = stage.launch_and_boot();
    let asks = |request: &str, entry, operation: &str, claim: &str| {
        let (request_id, execution) = (request.to_owned(), Some("arn:1".to_owned()));
        stage.world.record(Call {
            caller: "check-status".to_owned(),
            invocation: Some(Invocation {
                request_id,
                execution,
                state_entry: Some(entry),
                sent_before: 0,
                sent_at: None,
            }),
            service: "dynamodb",
            operation: operation.to_owned(),
            parameters: json!({"Key": {"claim": {"S": claim}}}),
            outcome: "ok".to_owned(),
            ..Call::default()
        });
    };
    let of = |request, entry| Function::of("arn:1", "check-status", request, entry, &stage.world);
    Function::of("arn:1", "plan-rollout", "r-1", 1, &stage.world).heartbeat(&instance).await;
    asks("r-2", 2, "UpdateItem", "launch:web/launch/i-1");
    of("r-2", 2).heartbeat(&instance).await;
    assert_eq!(found(&stage, &[running("arn:1")], &[]), []);
    asks("r-3", 3, "UpdateItem", "launch:web/launch/i-1");
    of("r-3", 3).codedeploy("ListDeployments", json!({})).await;
    assert_eq!(found(&stage, &[running("arn:1")], &[]), [late(&instance, "check-status", "ListDeployments")]);
    let stage = self::stage().await;
    let instance = stage.launch_and_boot();
    Function::of("arn:1", "plan-rollout", "r-0", 0, &stage.world).heartbeat(&instance).await;
    Function::of("arn:1", "check-status", "r-1", 1, &stage.world).heartbeat(&instance).await;
    stage.world.record(Call {
        caller: "check-status".to_owned(),
        invocation: Some(Invocation {
            request_id: "r-2".to_owned(),
            execution: Some("arn:1".to_owned()),
            state_entry: Some(2),
            sent_before: 0,
            sent_at: None,
        }),
        service: "dynamodb",
        operation: "UpdateItem".to_owned(),
        parameters: json!({"Key": {"claim": {"S": "autoScalingGroup:web"}}}),
        outcome: "ok".to_owned(),
        ..Call::default()
    });
    assert_eq!(found(&stage, &[running("arn:1")], &[]), [late(&instance, "check-status", "UpdateItem")]);
}

/// A heartbeat that is under way for long is overtaken by what was sent after it, and one that cannot be sent never comes.
#[tokio::test]
async fn a_heartbeat_that_was_sent_first_may_come_later_or_never() {
    for (call_sent_before, heartbeat_sent_before, is_late) in [(0, 1, true), (1, 0, false), (1, 2, false)] {
        let stage = stage().await;
        let instance = stage.launch_and_boot();
        Function::of("arn:1", "plan-rollout", "r-0", 0, &stage.world).heartbeat(&instance).await;
        let calls = [("GetDeployment", call_sent_before), ("RecordLifecycleActionHeartbeat", heartbeat_sent_before)];
        for (operation, sent_before) in calls {
            stage.world.record(Call {
                caller: "back-off".to_owned(),
                invocation: Some(Invocation {
                    request_id: "r-1".to_owned(),
                    execution: Some("arn:1".to_owned()),
                    state_entry: Some(1),
                    sent_before,
                    sent_at: None,
                }),
                service: if operation == "GetDeployment" { "codedeploy" } else { "autoscaling" },
                operation: operation.to_owned(),
                parameters: json!({"InstanceId": instance}),
                outcome: "ok".to_owned(),
                ..Call::default()
            });
        }
        let expected = if is_late { vec![late(&instance, "back-off", "GetDeployment")] } else { Vec::new() };
        assert_eq!(found(&stage, &[running("arn:1")], &[]), expected, "{call_sent_before} {heartbeat_sent_before}");
    }
}

/// The rollout of an earlier launch may run still. Where the instance is on its way tells whose launch it is.
#[tokio::test]
async fn whose_launch_an_earlier_owner_has_is_asked_first() {
    for (begins_with, expected) in
        [(&["DescribeExecution", "DescribeAutoScalingInstances"][..], 0), (&["DescribeAutoScalingInstances"], 1)]
    {
        let stage = stage().await;
        let instance = stage.launch_and_boot();
        for operation in begins_with {
            stage.world.record(Call {
                caller: "plan-rollout".to_owned(),
                invocation: Some(Invocation {
                    request_id: "r-1".to_owned(),
                    execution: Some("arn:1".to_owned()),
                    state_entry: Some(1),
                    sent_before: 0,
                    sent_at: None,
                }),
                service: if *operation == "DescribeExecution" { "states" } else { "autoscaling" },
                operation: (*operation).to_owned(),
                outcome: "ok".to_owned(),
                ..Call::default()
            });
        }
        Function::of("arn:1", "plan-rollout", "r-1", 1, &stage.world).heartbeat(&instance).await;
        let found = found(&stage, &[running("arn:1")], &[]);
        assert_eq!(found.len(), expected, "{begins_with:?}: {found:?}");
    }
}

/// A rollout that waits for its launch has nothing to keep open.
#[tokio::test]
async fn who_is_not_the_owner_sends_no_heartbeat() {
    let stage = stage().await;
    let instance = stage.launch_and_boot();
    Function::of("arn:2", "plan-rollout", "r-0", 1, &stage.world).heartbeat(&instance).await;
    Function::of("arn:1", "plan-rollout", "r-1", 1, &stage.world).heartbeat(&instance).await;
    let waiting = Function::of("arn:1", "plan-rollout", "r-2", 2, &stage.world);
    waiting.codedeploy("ListDeployments", json!({})).await;
    assert_eq!(found(&stage, &[running("arn:1"), running("arn:2")], &[]), []);
    let ended = ended("arn:2", ExecutionStatus::Aborted, 10.0);
    assert_eq!(found(&stage, &[running("arn:1"), ended.clone()], &[]), [], "it may have learned of another owner");
    let goes_on = Function::of("arn:1", "start-deployment", "r-3", 3, &stage.world);
    goes_on.heartbeat(&instance).await;
    Function::of("arn:1", "start-deployment", "r-4", 4, &stage.world).codedeploy("ListDeployments", json!({})).await;
    let breach = late(&instance, "start-deployment", "ListDeployments");
    assert_eq!(found(&stage, &[running("arn:1"), ended], &[]), [breach]);
}

#[tokio::test]
async fn a_hook_that_times_out_under_its_owner() {
    for (ended_at, breaks) in [(None, true), (Some(3700.0), true), (Some(3000.0), false)] {
        let stage = stage().await;
        let instance = stage.launch_and_boot();
        stage.world.advance(20.0);
        Function::of("arn:1", "plan-rollout", "r-1", 1, &stage.world).heartbeat(&instance).await;
        stage.world.advance(3700.0);
        let execution = match ended_at {
            None => running("arn:1"),
            Some(at) => ended("arn:1", ExecutionStatus::Aborted, at),
        };
        let breach = Breach::OwnerLetTimeOut {
            action: action(&instance),
            execution: "arn:1".to_owned(),
            silent_seconds: 3600.0,
        };
        let expected = if breaks { vec![breach] } else { vec![] };
        assert_eq!(found(&stage, &[execution], &[]), expected, "{ended_at:?}");
    }
}
