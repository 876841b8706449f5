//! An instance is launched, and its hook starts a rollout.

use end_to_end::*;
use serde_json::{Value, json};
use world::{ClosedBy, HookResult};

#[tokio::test]
async fn six_applications_pass_one_at_a_time() {
    let stack = start(six_applications(), 1).await;
    let instance = stack.world().launch(GROUP).unwrap();
    let executions = all_ended(&stack).await;
    let report = until(&stack, |report| report.instances[0].in_service_at.is_some()).await;

    assert_eq!(order(&report), SIX);
    assert!(one_at_a_time(&report.deployments), "{:#?}", report.deployments);
    assert!(report.deployments.iter().all(|d| d.status == "Succeeded" && d.instance_ids == [instance.as_str()]));
    let action = hook_action(&report);
    assert_eq!((action.result, action.closed_by), (Some(HookResult::Continue), Some(ClosedBy::Completion)));
    assert!(action.heartbeats >= 12, "one when a deployment starts and one at every look: {}", action.heartbeats);

    let [execution] = executions.as_slice() else { panic!("one execution: {executions:#?}") };
    assert_eq!(execution.status, "SUCCEEDED");
    assert!(execution.name.starts_with(&format!("{GROUP}-{instance}-")), "{}", execution.name);
    let output = execution.output.as_ref().unwrap();
    assert_eq!(output["outcome"], "SUCCEEDED");
    assert_eq!(output["hook"], "COMPLETED");
    let warnings: Vec<&str> = output["warnings"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(warnings.len(), SIX.len(), "that a group is not gated, and nothing else: {warnings:#?}");
    assert!(warnings.iter().all(|warning| warning.contains("To gate it: ")), "{warnings:#?}");
    let deployed: Vec<_> =
        output["applications"].as_array().unwrap().iter().map(|a| a["deploymentId"].clone()).collect();
    assert_eq!(deployed, report.deployments.iter().map(|d| json!(d.deployment_id)).collect::<Vec<_>>());

    let transitions = stack::history::transitions(&stack.history(&execution.arn).await.unwrap());
    assert!(transitions <= SIX.len() * 16, "{transitions} state transitions");
    finish(stack, &[&instance]).await;
}

#[tokio::test]
async fn the_hook_s_metadata_names_the_applications() {
    let mut setting = six_applications();
    setting.auto_scaling_groups[0].hooks[0].notification_metadata = Some(r#"["Search/Production"]"#.into());
    setting.auto_scaling_groups[0].required_applications = vec![short_form("Search")];
    let stack = start(setting, 1).await;
    let instance = stack.world().launch(GROUP).unwrap();
    until(&stack, |report| report.instances[0].in_service_at.is_some()).await;

    // Also of a rollout by hand, with nobody at the hook.
    let execution = roll_out(&stack, json!({"autoScalingGroupName": GROUP, "instanceId": instance})).await;
    let output = execution.output.unwrap_or_default();
    assert_eq!(output["applications"].as_array().map(Vec::len), Some(1), "{output:#}");
    assert_eq!(order(&finish(stack, &[&instance]).await), ["Search"]);
}

/// Auto Scaling's event may come a moment before its hook can be kept open or completed.
#[tokio::test]
async fn a_rollout_that_fails_at_once_waits_for_its_hook_to_open() {
    let mut setting = six_applications();
    setting.auto_scaling_groups[0].hooks[0].opens_seconds_after_event = 40.0;
    setting.auto_scaling_groups[0].hooks[0].notification_metadata = Some("Search".into());
    let stack = start_at(setting, 20.0).await;
    let instance = stack.world().launch(GROUP).unwrap();
    until(&stack, |report| report.instances[0].terminated_at.is_some()).await;
    let report = finish(stack, &[&instance]).await;
    assert_eq!(report.hook_actions[0].result, Some(HookResult::Abandon));
    let completions = report.calls.iter().filter(|call| call.operation == "CompleteLifecycleAction");
    let too_early = completions.filter(|call| call.outcome == "ValidationError").count();
    assert!(too_early > 0, "no completion came too early");
}

#[tokio::test]
async fn a_failing_script_keeps_the_instance_out_and_says_why() {
    let mut setting = six_applications();
    // With a second instance in the group, the deployment as a whole counts as Succeeded under OneAtATime.
    setting.auto_scaling_groups[0].desired_capacity = 1;
    setting.applications[2].failure = Some(read(json!({
        "event": "AfterInstall", "scriptName": "scripts/migrate.ps1",
        "message": "Script at specified location: scripts/migrate.ps1 failed with exit code 3",
        "logTail": "LifecycleEvent - AfterInstall\nScript - scripts/migrate.ps1\n[stderr]\u{1b}[31mno such table: invoices\n",
    })));
    let stack = start(setting, 1).await;
    let instance = stack.world().launch(GROUP).unwrap();
    let terminated = |i: &world::InstanceReport| i.instance_id == instance && i.terminated_at.is_some();
    let report = until(&stack, |report| report.instances.iter().any(terminated)).await;
    let first = stack.executions().await.unwrap().remove(0);
    let execution = stack.wait_for(&first.arn).await.unwrap();

    // The Auto Scaling group launches a replacement at once; what counts here is the first instance.
    let deployments: Vec<_> = report.deployments.iter().filter(|d| d.instance_ids.contains(&instance)).collect();
    let applications: Vec<_> = deployments.iter().map(|d| d.application_name.as_str()).collect();
    assert_eq!(applications, ["Storefront", "Orders", "Invoicing", "Invoicing"], "two attempts, and none after them");
    assert_eq!(deployments[3].status, "Succeeded", "which proves nothing");
    let action = report.hook_actions.iter().find(|action| action.instance_id == instance).unwrap();
    assert_eq!((action.result, action.closed_by), (Some(HookResult::Abandon), Some(ClosedBy::Completion)));

    assert_eq!(execution.status, "FAILED");
    assert_eq!(execution.error.as_deref(), Some("Turnstile.DeploymentFailed"));
    let cause = cause(&execution);
    for (field, expected) in [
        ("applicationName", json!("Invoicing")),
        ("deploymentGroupName", json!(DEPLOYMENT_GROUP)),
        ("deploymentId", json!(deployments[3].deployment_id)),
        ("instanceId", json!(instance)),
        ("lifecycleEvent", json!("AfterInstall")),
        ("scriptName", json!("scripts/migrate.ps1")),
        ("errorCode", json!("ScriptFailed")),
        ("attempts", json!(2)),
        ("hook", json!("turnstile completed with ABANDON")),
    ] {
        assert_eq!(cause[field], expected, "{field} of {cause:#}");
    }
    let tail = cause["logTail"].as_str().unwrap();
    assert!(tail.ends_with("[stderr]no such table: invoices"), "{tail:?}");
    finish(stack, &[&instance]).await;
}
