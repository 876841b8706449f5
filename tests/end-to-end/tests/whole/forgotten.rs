//! Launches whose event was lost, and rollouts that were aborted: the schedule finds their instances.

use end_to_end::*;
use serde_json::{Value, json};
use stack::Stack;

/// The schedule's event, which comes once a minute.
async fn sweep(stack: &Stack, minute: u32) -> Value {
    let event = json!({
        "version": "0", "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa", "detail-type": "Scheduled Event", "source": "aws.events",
        "account": "123456789012", "time": format!("2026-01-31T12:{minute:02}:00Z"), "region": "us-east-1",
        "resources": ["arn:aws:events:us-east-1:123456789012:rule/turnstile-sweep"], "detail": {},
    });
    let answer = stack.invoke("start-rollout", &event).await.unwrap();
    assert_eq!(answer.function_error, None, "{:#}", answer.payload);
    answer.payload
}

#[tokio::test]
async fn a_launch_whose_event_was_lost_is_found() {
    let stack = start(six_applications(), 0).await;
    assert_eq!(
        sweep(&stack, 0).await,
        json!({"outcome": "SWEPT", "started": [], "hookVanished": []}),
        "no instance waits"
    );
    let instance = stack.world().launch(GROUP).unwrap();
    until_waiting(&stack, &instance).await;
    let found = json!({"outcome": "SWEPT", "started": [instance], "hookVanished": []});
    assert_eq!(sweep(&stack, 1).await, found);
    assert_eq!(sweep(&stack, 1).await["started"], json!([]), "delivered twice");
    assert_eq!(sweep(&stack, 2).await["started"], json!([]), "it has its rollout");
    until(&stack, |report| report.instances[0].in_service_at.is_some()).await;
    let executions = all_ended(&stack).await;
    assert_eq!(executions.len(), 1);
    assert_eq!(sweep(&stack, 3).await["started"], json!([]), "it is in service");
    assert_eq!(order(&finish(stack, &[&instance]).await), SIX);
}

#[tokio::test]
async fn an_instance_whose_rollout_was_aborted_gets_another() {
    let stack = start(two_of(slow(six_applications())), 1).await;
    let instance = stack.world().launch(GROUP).unwrap();
    until(&stack, |report| report.deployments.len() == 1).await;
    let first = until_execution(&stack, &instance).await;
    stack.stop_execution(&first.arn).await.unwrap();
    assert_eq!(sweep(&stack, 1).await["started"], json!([instance]));
    until(&stack, |report| report.instances[0].in_service_at.is_some()).await;
    all_ended(&stack).await;
    assert_eq!(order(&finish(stack, &[&instance]).await), SIX[..2], "the deployment that was under way is joined");
}

/// An instance that waits at another hook of the group, and no longer at Turnstile's, does not concern Turnstile.
#[tokio::test]
async fn an_instance_that_waits_at_another_hook_gets_no_rollout() {
    let mut setting = six_applications();
    let mut other = setting.auto_scaling_groups[0].hooks[0].clone();
    other.name = "monitoring".into();
    setting.auto_scaling_groups[0].hooks.push(other);
    let stack = start(setting, 1).await;
    let instance = stack.world().launch(GROUP).unwrap();
    all_ended(&stack).await;
    let open = |report: &world::Report| report.hook_actions.iter().filter(|action| action.closed_at.is_none()).count();
    until(&stack, |report| report.hook_actions.len() == 2 && open(report) == 1).await;
    assert_eq!(stack.world().report().instances[0].lifecycle_state, "Pending:Wait");
    assert_eq!(sweep(&stack, 1).await["started"], json!([]));
    assert_eq!(stack.executions().await.unwrap().len(), 1, "{instance}");
    stack.stop().await;
}
