//! Rollouts that are interrupted in the states to which only some of them come: their execution is aborted there, or their turn deleted.

use end_to_end::*;
use serde_json::json;
use stack::Stack;
use world::{DeploymentReport, Setting};

/// World seconds a real second where a state of a quarter of a minute is waited for.
const SLOW: f64 = 20.0;

/// The first application fails on the first instance that it comes to, in a way that another attempt cannot mend.
fn failing_once() -> Setting {
    let mut setting = applications(2);
    setting.applications[0].failure = Some(read(
        json!({"event": "BeforeInstall", "errorCode": "ScriptMissing", "scriptName": "check.sh", "times": 1}),
    ));
    setting
}

/// A group of which an instance waits at the hook. Nobody is told of it.
async fn one_waits(setting: Setting) -> (Stack, String) {
    let stack = start(setting, 0).await;
    let instance = stack.world().launch(GROUP).unwrap();
    until_waiting(&stack, &instance).await;
    (stack, instance)
}

/// Starts the rollout of an instance of which nobody was told.
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

/// The rollout that took the turn over from one that was aborted may not start anything at once, and is interrupted in its turn.
#[tokio::test]
async fn while_the_last_calls_of_a_dead_rollout_are_waited_for() {
    for interruption in Interruption::BOTH {
        let mut setting = applications(2);
        // What the dead one has started is under way all the time.
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

/// Two instances, of which the second one's rollout deploys first, and fails on the first.
async fn failing_on_a_neighbour() -> (Stack, [String; 2]) {
    let (stack, first) = one_waits(failing_once()).await;
    let second = stack.world().launch(GROUP).unwrap();
    until_waiting(&stack, &second).await;
    (stack, [first, second])
}

#[tokio::test]
async fn while_it_gives_way_to_a_neighbour() {
    for interruption in Interruption::BOTH {
        let (stack, [first, second]) = failing_on_a_neighbour().await;
        let mut held = stack.hold("return-turn");
        let execution = start_by_hand(&stack, &second).await;
        held.arrived().await;
        until_in(&stack, &execution.arn, "GiveWay").await;
        interruption.happen(&stack, &execution.arn).await;
        held.release();
        start_by_hand(&stack, &first).await;
        interrupted(stack, &execution, &second, interruption).await;
    }
}

#[tokio::test]
async fn while_it_waits_for_the_neighbour() {
    for interruption in Interruption::BOTH {
        let (stack, [first, second]) = failing_on_a_neighbour().await;
        let execution = start_by_hand(&stack, &second).await;
        until_in(&stack, &execution.arn, "WaitForNeighbour").await;
        interruption.happen(&stack, &execution.arn).await;
        start_by_hand(&stack, &first).await;
        interrupted(stack, &execution, &second, interruption).await;
    }
}

/// Somebody deploys a new build while the call of the last gate is on its way.
#[tokio::test]
async fn while_it_waits_for_its_next_round() {
    for interruption in Interruption::BOTH {
        let mut setting = applications(1);
        setting.applications[0].lifecycle_event_seconds.application_start = 90.0;
        let stack = start_at(setting, SLOW).await;
        let mut held = stack.hold("complete-lifecycle-hook");
        let first = stack.world().launch(GROUP).unwrap();
        let execution = until_execution(&stack, &first).await;
        held.arrived().await;
        deploy_as_a_person(&stack, "Storefront", 2).await;
        let at_work = |deployment: &DeploymentReport| !deployment.targets.is_empty();
        until(&stack, |report| report.deployments.get(1).is_some_and(at_work)).await;
        held.release();
        until_in(&stack, &execution.arn, "WaitForNextRound").await;
        interruption.happen(&stack, &execution.arn).await;
        stack.world().launch(GROUP).unwrap();
        interrupted(stack, &execution, &first, interruption).await;
    }
}

/// In a state of a rollout that has failed which calls a function: the call is on its way, and arrives all the same.
async fn after_a_failure(state: &str, function: &str) {
    for interruption in Interruption::BOTH {
        let stack = start(failing_once(), 1).await;
        let mut held = stack.hold(function);
        let first = stack.world().launch(GROUP).unwrap();
        let execution = until_execution(&stack, &first).await;
        held.arrived().await;
        until_in(&stack, &execution.arn, state).await;
        interruption.happen(&stack, &execution.arn).await;
        stack.world().launch(GROUP).unwrap();
        held.release();
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
