//! Turns that are not given back: the holder's execution is aborted, or somebody deletes the turn.

use std::time::Duration;

use end_to_end::*;
use serde_json::json;
use stack::{Execution, Stack};
use world::Report;

/// The states in which a rollout may be interrupted: those that last, and one that a test stops the function of.
const TASKS: [(&str, &str); 6] = [
    ("PlanRollout", "plan-rollout"),
    ("TakeTurn", "take-turn"),
    ("StartDeployment", "start-deployment"),
    ("CheckStatus", "check-status"),
    ("ReturnTurn", "return-turn"),
    ("CompleteLifecycleHook", "complete-lifecycle-hook"),
];

/// What happens to the first rollout.
#[derive(Debug, Clone, Copy)]
enum Interruption {
    Aborted,
    TurnDeleted,
}

impl Interruption {
    async fn happen(self, stack: &Stack, execution: &str) {
        match self {
            Self::Aborted => stack.stop_execution(execution).await.unwrap(),
            Self::TurnDeleted => stack.delete_turns().await.unwrap(),
        }
    }
}

/// Two instances, of which the second comes when the first one's rollout has begun to deploy.
async fn two_rollouts(stack: &Stack) -> ([String; 2], Execution) {
    let first = stack.world().launch(GROUP).unwrap();
    until_waiting(stack, &first).await;
    let execution = loop {
        if let Some(execution) = stack.executions().await.unwrap().into_iter().next() {
            break execution;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let second = stack.world().launch(GROUP).unwrap();
    ([first, second], execution)
}

/// An operator sees that the execution was aborted and starts another one for its instance. Everybody comes into service.
async fn everybody_comes_into_service(
    stack: Stack,
    instances: &[String; 2],
    interrupted: &Execution,
    interruption: Interruption,
) -> Report {
    if let Interruption::Aborted = interruption {
        let ended = stack.wait_for(&interrupted.arn).await.unwrap();
        assert_eq!(ended.status, "ABORTED", "{ended:#?}");
        let input = json!({"autoScalingGroupName": GROUP, "instanceId": instances[0], "lifecycleHookName": HOOK});
        stack.start_execution(Some("again"), &input).await.unwrap();
    }
    let in_service = |report: &Report| {
        let is = |id: &String| report.instances.iter().any(|i| i.instance_id == *id && i.in_service_at.is_some());
        instances.iter().all(is)
    };
    until(&stack, in_service).await;
    for execution in all_ended(&stack).await {
        let is_fine = execution.status == "SUCCEEDED" || execution.arn == interrupted.arn;
        assert!(is_fine, "{execution:#?}");
    }
    finish(stack, &[&instances[0], &instances[1]]).await
}

/// In a state that calls a function: the call is on its way when the rollout is interrupted, and arrives all the same.
async fn in_a_task(state: &str, function: &str, interruption: Interruption) {
    println!("{interruption:?} in {state}");
    let stack = start(six_applications(), 1).await;
    let mut held = stack.hold(function);
    let (instances, execution) = two_rollouts(&stack).await;
    held.arrived().await;
    interruption.happen(&stack, &execution.arn).await;
    held.release();
    everybody_comes_into_service(stack, &instances, &execution, interruption).await;
}

#[tokio::test]
async fn the_holder_is_aborted_in_each_state_that_calls_a_function() {
    for (state, function) in TASKS {
        in_a_task(state, function, Interruption::Aborted).await;
    }
}

#[tokio::test]
async fn the_turn_is_deleted_in_each_state_that_calls_a_function() {
    for (state, function) in TASKS {
        in_a_task(state, function, Interruption::TurnDeleted).await;
    }
}

/// In a state that waits, of which the first rollout has this one.
async fn in_a_wait(state: &str, interruption: Interruption) {
    println!("{interruption:?} in {state}");
    let stack = start(six_applications(), 1).await;
    let (instances, execution) = two_rollouts(&stack).await;
    until_in(&stack, &execution.arn, state).await;
    interruption.happen(&stack, &execution.arn).await;
    everybody_comes_into_service(stack, &instances, &execution, interruption).await;
}

#[tokio::test]
async fn the_holder_is_interrupted_while_it_waits_for_a_deployment() {
    in_a_wait("WaitForDeployment", Interruption::Aborted).await;
    in_a_wait("WaitForDeployment", Interruption::TurnDeleted).await;
}

/// The rollout that has the turn after one that was aborted may not start anything at once.
#[tokio::test]
async fn the_last_calls_of_a_dead_rollout_are_waited_for() {
    let stack = start(slow(six_applications()), 1).await;
    let (instances, execution) = two_rollouts(&stack).await;
    until(&stack, |report| report.deployments.len() == 1).await;
    stack.stop_execution(&execution.arn).await.unwrap();
    let second = until_execution(&stack, &instances[1]).await;
    until_in(&stack, &second.arn, "WaitForLastCalls").await;
    // Aborted in turn, it leaves its turn to the third.
    stack.stop_execution(&second.arn).await.unwrap();
    let again =
        |instance: &String| json!({"autoScalingGroupName": GROUP, "instanceId": instance, "lifecycleHookName": HOOK});
    for (name, instance) in [("first-again", &instances[0]), ("second-again", &instances[1])] {
        stack.start_execution(Some(name), &again(instance)).await.unwrap();
    }
    until(&stack, |report| report.instances.iter().all(|instance| instance.in_service_at.is_some())).await;
    all_ended(&stack).await;
    let report = finish(stack, &[&instances[0], &instances[1]]).await;
    assert!(one_at_a_time(&report.deployments), "{:#?}", report.deployments);
}

/// A rollout whose instance is gone does not keep the others waiting.
#[tokio::test]
async fn an_instance_that_is_terminated_gives_its_turn_back() {
    let stack = start(slow(six_applications()), 1).await;
    let (instances, execution) = two_rollouts(&stack).await;
    until_in(&stack, &execution.arn, "WaitForDeployment").await;
    stack.world().terminate(&instances[0]).unwrap();
    let ended = stack.wait_for(&execution.arn).await.unwrap();
    assert_eq!(ended.output.as_ref().unwrap()["outcome"], "INSTANCE_GONE", "{ended:#?}");
    let turns = stack.turns().await.unwrap();
    assert!(turns.iter().all(|turn| turn.holder.as_deref() != Some(&ended.arn)), "{turns:#?}");
    let second = until_execution(&stack, &instances[1]).await;
    let second = stack.wait_for(&second.arn).await.unwrap();
    assert_eq!(second.status, "SUCCEEDED", "{second:#?}");
    let history = stack.history(&second.arn).await.unwrap();
    let settled = history.iter().any(|event| event["stateEnteredEventDetails"]["name"] == "WaitForLastCalls");
    assert!(!settled, "it was given the turn, and need not take it over");
    stack.stop().await;
}

/// A rollout that does not know the application whose deployment the rollout before it has left under way waits for it all the same.
#[tokio::test]
async fn another_list_of_applications_waits_for_what_is_under_way() {
    let stack = start(slow(six_applications()), 1).await;
    let instance = stack.world().launch(GROUP).unwrap();
    until(&stack, |report| report.deployments.len() == 1).await;
    let first = until_execution(&stack, &instance).await;
    stack.stop_execution(&first.arn).await.unwrap();
    let input = json!({
        "autoScalingGroupName": GROUP, "instanceId": instance, "lifecycleHookName": HOOK,
        "applications": [short("Orders")],
    });
    let arn = stack.start_execution(Some("orders-only"), &input).await.unwrap();
    until(&stack, |report| report.deployments.len() == 2).await;
    let report = stack.world().report();
    assert_eq!(order(&report), ["Storefront", "Orders"]);
    assert!(one_at_a_time(&report.deployments[..2]), "{:#?}", report.deployments);
    assert_eq!(report.violations, [] as [&str; 0]);
    stack.stop_execution(&arn).await.unwrap();
    stack.stop().await;
}
