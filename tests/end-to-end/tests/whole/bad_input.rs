//! Invalid input: the error names the field, nothing is deployed, and the hook is completed all the same.

use end_to_end::*;
use serde_json::{Value, json};
use stack::Stack;
use world::{ClosedBy, HookResult};

/// Rolls out an invalid input for an instance that waits at the hook. `input` is given the instance's id.
async fn refused(stack: &Stack, field: &str, input: impl Fn(&str) -> Value) -> stack::Execution {
    let instance = stack.world().launch(GROUP).unwrap();
    until_waiting(stack, &instance).await;
    let execution = roll_out(stack, input(&instance)).await;
    let report = stack.world().report();

    assert_eq!(execution.status, "FAILED", "{field}: {execution:#?}");
    let summary = cause(&execution)["summary"].as_str().unwrap().to_owned();
    assert!(summary.contains(field), "{field}: {summary}");
    assert_eq!(report.deployments.len(), 0, "{field}");
    let action = report.hook_actions.iter().find(|action| action.instance_id == instance).unwrap();
    assert_eq!(action.closed_by, Some(ClosedBy::Completion), "{field}: {action:#?}");
    execution
}

#[tokio::test]
async fn every_field_is_checked_before_anything_is_deployed() {
    let stack = start(six_applications(), 0).await;
    let application = |field: &'static str, value: Value| {
        move |instance: &str| {
            let mut application = json!({"applicationName": "Search", "deploymentGroupName": DEPLOYMENT_GROUP});
            application[field] = value.clone();
            json!({"autoScalingGroupName": GROUP, "instanceId": instance, "lifecycleHookName": HOOK, "applications": [application]})
        }
    };
    let top = |field: &'static str, value: Value| {
        move |instance: &str| {
            let mut input = json!({"autoScalingGroupName": GROUP, "instanceId": instance, "lifecycleHookName": HOOK});
            input[field] = value.clone();
            input
        }
    };
    type Input = Box<dyn Fn(&str) -> Value>;
    let cases: Vec<(&str, Input)> = vec![
        ("autoScalingGroupName", Box::new(top("autoScalingGroupName", json!(7)))),
        ("autoScalingGroupName", Box::new(top("autoScalingGroupName", json!("api")))),
        ("autoScalingGroupName", Box::new(|instance: &str| json!({"instanceId": instance, "lifecycleHookName": HOOK}))),
        ("lifecycleHookName", Box::new(top("lifecycleHookName", json!(["turnstile"])))),
        ("lifecycleHookName", Box::new(top("lifecycleHookName", json!("turnstlie")))),
        ("applications", Box::new(top("applications", json!("Search/Production")))),
        ("applications", Box::new(top("applications", json!([])))),
        ("applications[1]", Box::new(top("applications", json!(["Search/Production", "Search"])))),
        ("applications[1]", Box::new(top("applications", json!(["Search/Production", "Search/Production"])))),
        ("applications[0]", Box::new(top("applications", json!(["Search/Staging"])))),
        ("onFailure", Box::new(top("onFailure", json!("RETRY")))),
        ("onfailure", Box::new(top("onfailure", json!("CONTINUE")))),
        ("applications[0].applicationName", Box::new(application("applicationName", json!("")))),
        ("applications[0].deploymentGroupName", Box::new(application("deploymentGroupName", json!(null)))),
        ("applications[0].deploymentConfigName", Box::new(application("deploymentConfigName", json!(1)))),
        ("applications[0].fileExistsBehavior", Box::new(application("fileExistsBehavior", json!("KEEP")))),
        (
            "applications[0].ignoreApplicationStopFailures",
            Box::new(application("ignoreApplicationStopFailures", json!("yes"))),
        ),
        ("applications[0].maxAttempts", Box::new(application("maxAttempts", json!(0)))),
        ("applications[0].timeoutSeconds", Box::new(application("timeoutSeconds", json!("1h")))),
        ("applications[0].retries", Box::new(application("retries", json!(1)))),
    ];
    for (field, input) in cases {
        let execution = refused(&stack, field, input).await;
        assert_eq!(execution.error.as_deref(), Some("Turnstile.InvalidInput"), "{field}");
        assert_eq!(cause(&execution)["hook"], "turnstile completed with ABANDON", "{field}");
        // This clears the group's failures in a row. Otherwise each case would back off for longer than the one before.
        stack.delete_turns().await.unwrap();
    }
    stack.stop().await;
}

/// The hook may be another rollout's: the schedule starts one at the latest.
#[tokio::test]
async fn bad_input_that_names_no_hook_completes_none() {
    let mut setting = six_applications();
    // With a second group the stack serves groups of every name, also of one that does not exist.
    let other = setting.auto_scaling_groups[0].clone();
    setting.auto_scaling_groups.push(world::AutoScalingGroupSetting { name: "api".into(), ..other });
    let stack = start(setting, 0).await;
    let instance = stack.world().launch(GROUP).unwrap();
    until_waiting(&stack, &instance).await;
    let input = json!({"autoScalingGroupName": "wbe", "instanceId": instance});
    let execution = roll_out(&stack, input).await;
    assert_eq!(execution.error.as_deref(), Some("Turnstile.InvalidInput"), "{execution:#?}");
    assert_eq!(cause(&execution)["hook"], "none to complete");
    let report = stack.world().report();
    assert_eq!(report.hook_actions[0].closed_at, None, "{:#?}", report.hook_actions);

    let input = json!({"autoScalingGroupName": GROUP, "instanceId": instance, "lifecycleHookName": HOOK});
    let execution = roll_out(&stack, input).await;
    assert_eq!(execution.status, "SUCCEEDED", "{execution:#?}");
    finish(stack, &[&instance]).await;
}

#[tokio::test]
async fn an_instance_of_another_group_or_of_none_is_refused() {
    let mut setting = six_applications();
    let mut other = setting.auto_scaling_groups[0].clone();
    other.name = "api".into();
    other.hooks.clear();
    setting.auto_scaling_groups.push(other);
    let stack = start(setting, 0).await;
    let elsewhere = stack.world().launch("api").unwrap();
    until(&stack, |report| report.instances[0].in_service_at.is_some()).await;
    let unknown = "i-0123456789abcdef0";
    for (instance, hook, error) in [
        (elsewhere.as_str(), None, "Turnstile.InvalidInput"),
        (unknown, None, "Turnstile.InvalidInput"),
        (unknown, Some(HOOK), "Turnstile.InstanceNotFound"),
    ] {
        let mut input = json!({"autoScalingGroupName": GROUP, "instanceId": instance});
        if let Some(hook) = hook {
            input["lifecycleHookName"] = json!(hook);
        }
        let execution = roll_out(&stack, input).await;
        assert_eq!(execution.error.as_deref(), Some(error), "{execution:#?}");
        let summary = cause(&execution)["summary"].as_str().unwrap().to_owned();
        assert!(summary.starts_with(&format!("instanceId: {instance}")), "{summary}");
    }
    let execution = roll_out(&stack, json!({"autoScalingGroupName": "nowhere"})).await;
    assert_eq!(execution.error.as_deref(), Some("Turnstile.InvalidInput"), "{execution:#?}");
    assert_eq!(stack.world().report().deployments.len(), 0);
    stack.stop().await;
}

#[tokio::test]
async fn on_failure_continue_lets_the_instance_in() {
    let mut setting = six_applications();
    // Let in by its own choice, with nothing on it.
    setting.auto_scaling_groups[0].required_applications.clear();
    let stack = start(setting, 0).await;
    let execution = refused(&stack, "applications", |instance| {
        json!({
            "autoScalingGroupName": GROUP, "instanceId": instance, "lifecycleHookName": HOOK, "onFailure": "CONTINUE",
            "applications": 1,
        })
    })
    .await;
    assert_eq!(cause(&execution)["hook"], "turnstile completed with CONTINUE");
    until(&stack, |report| report.instances[0].in_service_at.is_some()).await;
    assert_eq!(finish(stack, &[]).await.hook_actions[0].result, Some(HookResult::Continue));
}

#[tokio::test]
async fn a_function_names_the_field_too() {
    let stack = start(six_applications(), 0).await;
    let request = json!({"execution": "e", "input": {"autoScalingGroupName": GROUP, "instanceId": "web-1"}});
    let answer = stack.invoke("plan-rollout", &request).await.unwrap();
    assert_eq!(answer.function_error.as_deref(), Some("Unhandled"));
    assert_eq!(answer.payload["errorType"], "Turnstile.InvalidInput");
    assert_eq!(
        answer.payload["errorMessage"],
        "instanceId: expected an instance id like i-0123456789abcdef0, got \"web-1\""
    );
    stack.stop().await;
}
