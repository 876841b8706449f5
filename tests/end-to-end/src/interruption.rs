//! A rollout that is interrupted: a person aborts its execution, or deletes its turn.

use serde_json::json;
use stack::{Execution, Stack};
use world::Report;

use crate::{GROUP, HOOK, all_ended, finish, until, until_execution};

/// What a person does to a rollout.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Interruption {
    /// Aborts its execution.
    Aborted,
    /// Deletes every item of the table of turns.
    TurnDeleted,
}

impl Interruption {
    /// Lets it happen.
    pub async fn happen(self, stack: &Stack, execution: &str) {
        match self {
            Self::Aborted => stack.stop_execution(execution).await.unwrap(),
            Self::TurnDeleted => stack.delete_turns().await.unwrap(),
        }
    }
}

/// Launches a second instance once the first one's rollout has begun. Gives the second one's id and the first one's execution.
pub async fn second_beside(stack: &Stack, first: &str) -> (String, Execution) {
    let execution = until_execution(stack, first).await;
    (stack.world().launch(GROUP).unwrap(), execution)
}

/// Starts a rollout by hand for an instance that waits, and gives the execution's ARN.
async fn start_again(stack: &Stack, instance: &str) -> String {
    let input = json!({"autoScalingGroupName": GROUP, "instanceId": instance, "lifecycleHookName": HOOK});
    stack.start_execution(Some(&format!("{instance}-again")), &input).await.unwrap()
}

/// Waits for the end after a rollout was interrupted. For an instance whose execution was aborted a person starts another one. In the end two
/// instances have to be in service and none on its way, and no other rollout may have failed.
pub async fn interrupted(stack: Stack, execution: &Execution, instance: &str, interruption: Interruption) -> Report {
    if interruption == Interruption::Aborted {
        let ended = stack.wait_for(&execution.arn).await.unwrap();
        assert_eq!(ended.status, "ABORTED", "{ended:#?}");
        start_again(&stack, instance).await;
    }
    let at_rest = |report: &Report| {
        let count = |state| report.instances.iter().filter(|instance| instance.lifecycle_state == state).count();
        count("InService") == 2 && count("InService") + count("Terminated") == report.instances.len()
    };
    let report = until(&stack, at_rest).await;
    for ended in all_ended(&stack).await {
        assert!(ended.status == "SUCCEEDED" || ended.arn == execution.arn, "{ended:#?}");
    }
    let launched: Vec<&str> = report.instances.iter().map(|instance| instance.instance_id.as_str()).collect();
    finish(stack, &launched).await
}
