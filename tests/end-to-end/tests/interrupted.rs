//! Rollouts that are interrupted in a state that only some of them enter: their execution is aborted, or their turn is deleted.

use end_to_end::*;
use serde_json::json;
use stack::Stack;
use world::{DeploymentReport, Setting};

/// World seconds a real second where a test waits for a state of a quarter of a minute.
const SLOW: f64 = 20.0;

/// The first application fails on the first instance that it is deployed to, with an error after which there is no second attempt.
fn failing_once() -> Setting {
    let mut setting = applications(2);
    setting.applications[0].failure = Some(read(
        json!({"event": "BeforeInstall", "errorCode": "ScriptMissing", "scriptName": "check.sh", "times": 1}),
    ));
    setting
}

/// A stack with an instance that waits at the hook and whose launch event is lost.
async fn one_waits(setting: Setting) -> (Stack, String) {
    let stack = start(setting, 0).await;
    let instance = stack.world().launch(GROUP).unwrap();
    until_waiting(&stack, &instance).await;
    (stack, instance)
}

/// Starts the rollout of an instance whose launch event was lost.
async fn start_by_hand(stack: &Stack, instance: &str) -> stack::Execution {
    let input = json!({"autoScalingGroupName": GROUP, "instanceId": instance, "lifecycleHookName": HOOK});
    let arn = stack.start_execution(None, &input).await.unwrap();
    stack.describe(&arn).await.unwrap()
}

#[tokio::test]
async fn while_another_deployment_occupies_a_group() {
    for interruption in Interruption::BOTH {
        let mut setting = applications(2);
        setting.applications[1].lifecycle_event_seconds.application_start = 300.0;
        let (stack, instance) = one_waits(setting).await;
        deploy_as_a_person(&stack, "Orders", 2).await;
        let execution = start_by_hand(&stack, &instance).await;
        until_in(&stack, &execution.arn, "WaitForSlot").await;
        interruption.happen(&stack, &execution.arn).await;
        let second = stack.world().launch(GROUP).unwrap();
        until_waiting(&stack, &second).await;
        start_by_hand(&stack, &second).await;
        interrupted(stack, &execution, &instance, interruption).await;
    }
}

/// A rollout that takes the turn over from one that was aborted has to wait for the other's last calls, and is interrupted meanwhile.
#[tokio::test]
async fn while_the_last_calls_of_a_dead_rollout_are_waited_for() {
    for interruption in Interruption::BOTH {
        let mut setting = applications(2);
        // The deployment of the dead rollout is under way all the time.
        setting.applications[0].lifecycle_event_seconds.application_start = 300.0;
        let stack = start(setting, 1).await;
        let first = stack.world().launch(GROUP).unwrap();
        let (second, dead) = second_beside(&stack, &first).await;
        until(&stack, |report| report.deployments.len() == 1).await;
        let execution = until_execution(&stack, &second).await;
        stack.stop_execution(&dead.arn).await.unwrap();
        until_in(&stack, &execution.arn, "WaitForLastCalls").await;
        interruption.happen(&stack, &execution.arn).await;
        start_again(&stack, &first).await;
        if interruption == Interruption::Aborted {
            start_again(&stack, &second).await;
        }
        until(&stack, |report| report.instances.iter().all(|instance| instance.in_service_at.is_some())).await;
        for ended in all_ended(&stack).await {
            let is_fine = ended.status == "SUCCEEDED" || ended.arn == dead.arn || ended.arn == execution.arn;
            assert!(is_fine, "{ended:#?}");
        }
        let report = finish(stack, &[&first, &second]).await;
        assert!(one_at_a_time(&report.deployments), "{:#?}", report.deployments);
    }
}

/// A stack with two instances that wait. The rollout of the second one deploys first, and its deployment fails on the first.
async fn failing_on_another_instance() -> (Stack, [String; 2]) {
    let (stack, first) = one_waits(failing_once()).await;
    let second = stack.world().launch(GROUP).unwrap();
    until_waiting(&stack, &second).await;
    (stack, [first, second])
}

#[tokio::test]
async fn while_it_gives_way_to_another_instance() {
    for interruption in Interruption::BOTH {
        let (stack, [first, second]) = failing_on_another_instance().await;
        let mut delayed = stack.delay_next_call("return-turn");
        let execution = start_by_hand(&stack, &second).await;
        delayed.arrived().await;
        until_in(&stack, &execution.arn, "GiveWay").await;
        interruption.happen(&stack, &execution.arn).await;
        delayed.release();
        start_by_hand(&stack, &first).await;
        interrupted(stack, &execution, &second, interruption).await;
    }
}

#[tokio::test]
async fn while_it_waits_for_another_instance() {
    for interruption in Interruption::BOTH {
        let (stack, [first, second]) = failing_on_another_instance().await;
        let execution = start_by_hand(&stack, &second).await;
        until_in(&stack, &execution.arn, "WaitForNeighbour").await;
        interruption.happen(&stack, &execution.arn).await;
        start_by_hand(&stack, &first).await;
        interrupted(stack, &execution, &second, interruption).await;
    }
}

/// A person deploys a new build while the call of complete-lifecycle-hook is on its way.
#[tokio::test]
async fn while_it_waits_for_its_next_round() {
    for interruption in Interruption::BOTH {
        let mut setting = applications(1);
        setting.applications[0].lifecycle_event_seconds.application_start = 90.0;
        let stack = start_at(setting, SLOW).await;
        let mut delayed = stack.delay_next_call("complete-lifecycle-hook");
        let first = stack.world().launch(GROUP).unwrap();
        let execution = until_execution(&stack, &first).await;
        delayed.arrived().await;
        deploy_as_a_person(&stack, "Storefront", 2).await;
        let at_work = |deployment: &DeploymentReport| !deployment.targets.is_empty();
        until(&stack, |report| report.deployments.get(1).is_some_and(at_work)).await;
        delayed.release();
        until_in(&stack, &execution.arn, "WaitForNextRound").await;
        interruption.happen(&stack, &execution.arn).await;
        stack.world().launch(GROUP).unwrap();
        interrupted(stack, &execution, &first, interruption).await;
    }
}

/// Interrupts a rollout that has failed while its call of a function is on its way. The call arrives all the same.
async fn after_a_failure(state: &str, function: &str) {
    for interruption in Interruption::BOTH {
        let stack = start(failing_once(), 1).await;
        let mut delayed = stack.delay_next_call(function);
        let first = stack.world().launch(GROUP).unwrap();
        let execution = until_execution(&stack, &first).await;
        delayed.arrived().await;
        until_in(&stack, &execution.arn, state).await;
        interruption.happen(&stack, &execution.arn).await;
        stack.world().launch(GROUP).unwrap();
        delayed.release();
        interrupted(stack, &execution, &first, interruption).await;
    }
}

#[tokio::test]
async fn while_it_returns_its_turn_after_a_failure() {
    after_a_failure("ReturnTurnAfterFailure", "return-turn").await;
}

#[tokio::test]
async fn while_it_completes_the_hook_after_a_failure() {
    after_a_failure("CompleteAfterFailure", "complete-lifecycle-hook").await;
}

#[tokio::test]
async fn while_it_backs_off() {
    for interruption in Interruption::BOTH {
        let stack = start(failing_once(), 1).await;
        let first = stack.world().launch(GROUP).unwrap();
        let execution = until_execution(&stack, &first).await;
        until_in(&stack, &execution.arn, "BackOff").await;
        interruption.happen(&stack, &execution.arn).await;
        stack.world().launch(GROUP).unwrap();
        interrupted(stack, &execution, &first, interruption).await;
    }
}
