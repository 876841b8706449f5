//! Turns that are not given back: the holder's execution is aborted, or a person deletes the turn.

use end_to_end::*;
use serde_json::json;

/// A rollout is interrupted while its call of start-deployment is on its way. The call arrives all the same.
async fn a_call_of_an_interrupted_holder_arrives(interruption: Interruption) {
    let stack = start(applications(2), 1).await;
    let mut delayed = stack.delay_next_call("start-deployment");
    let instance = stack.world().launch(GROUP).unwrap();
    let (_, execution) = second_beside(&stack, &instance).await;
    delayed.arrived().await;
    interruption.happen(&stack, &execution.arn).await;
    delayed.release();
    interrupted(stack, &execution, &instance, interruption).await;
}

#[tokio::test]
async fn a_call_of_an_aborted_holder_arrives() {
    a_call_of_an_interrupted_holder_arrives(Interruption::Aborted).await;
}

#[tokio::test]
async fn a_call_of_a_holder_whose_turn_was_deleted_arrives() {
    a_call_of_an_interrupted_holder_arrives(Interruption::TurnDeleted).await;
}

async fn the_holder_is_interrupted_while_it_waits_for_a_deployment(interruption: Interruption) {
    let stack = start(applications(2), 1).await;
    let instance = stack.world().launch(GROUP).unwrap();
    let (_, execution) = second_beside(&stack, &instance).await;
    until_in(&stack, &execution.arn, "WaitForDeployment").await;
    interruption.happen(&stack, &execution.arn).await;
    interrupted(stack, &execution, &instance, interruption).await;
}

#[tokio::test]
async fn the_holder_is_aborted_while_it_waits_for_a_deployment() {
    the_holder_is_interrupted_while_it_waits_for_a_deployment(Interruption::Aborted).await;
}

#[tokio::test]
async fn the_holder_s_turn_is_deleted_while_it_waits_for_a_deployment() {
    the_holder_is_interrupted_while_it_waits_for_a_deployment(Interruption::TurnDeleted).await;
}

/// A rollout whose instance is gone does not keep other rollouts waiting.
#[tokio::test]
async fn an_instance_that_is_terminated_gives_its_turn_back() {
    let stack = start(two_of(slow(six_applications())), 1).await;
    let first = stack.world().launch(GROUP).unwrap();
    let (second, execution) = second_beside(&stack, &first).await;
    let instances = [first, second];
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
    let waited = stack::history::states_entered(&history).any(|state| state == "WaitForLastCalls");
    assert!(!waited, "the turn was given back, and need not be taken over");
    stack.stop().await;
}

/// A rollout waits for a deployment that an earlier rollout has left under way, even if its own list does not name that application.
#[tokio::test]
async fn another_list_of_applications_waits_for_what_is_under_way() {
    let stack = start(slow(six_applications()), 1).await;
    let instance = stack.world().launch(GROUP).unwrap();
    until(&stack, |report| report.deployments.len() == 1).await;
    let first = until_execution(&stack, &instance).await;
    stack.stop_execution(&first.arn).await.unwrap();
    let input = json!({
        "autoScalingGroupName": GROUP, "instanceId": instance, "lifecycleHookName": HOOK,
        "applications": [short_form("Orders")],
    });
    let arn = stack.start_execution(Some("orders-only"), &input).await.unwrap();
    until(&stack, |report| report.deployments.len() == 2).await;
    let report = stack.world().report();
    assert_eq!(order(&report), ["Storefront", "Orders"]);
    assert!(one_at_a_time(&report.deployments[..2]), "{:#?}", report.deployments);
    assert_eq!(report.violations, []);
    stack.stop_execution(&arn).await.unwrap();
    stack.stop().await;
}
