//! A person starts a rollout in the Step Functions console.

use end_to_end::*;
use serde_json::json;
use world::{HookResult, NothingOutdated};

#[tokio::test]
async fn for_one_instance_that_waits_with_the_event_pasted_as_input() {
    let stack = start(six_applications(), 0).await;
    let mut events = stack.world().events();
    let instance = stack.world().launch(GROUP).unwrap();
    let event = tokio::time::timeout(std::time::Duration::from_secs(60), events.recv()).await.unwrap().unwrap();

    let execution = roll_out(&stack, event).await;
    assert_eq!(execution.status, "SUCCEEDED", "{execution:#?}");
    until(&stack, |report| report.instances[0].in_service_at.is_some()).await;
    assert_eq!(order(&finish(stack, &[&instance]).await), SIX);
}

#[tokio::test]
async fn for_a_waiting_instance_whose_hook_is_not_named() {
    let stack = start(six_applications(), 0).await;
    let instance = stack.world().launch(GROUP).unwrap();
    until_waiting(&stack, &instance).await;

    // Certain applications only: that says nothing about the others, so the hook stays open.
    let input =
        json!({"autoScalingGroupName": GROUP, "instanceId": instance, "applications": ["Storefront/Production"]});
    let execution = roll_out(&stack, input).await;
    let output = execution.output.clone().unwrap_or_else(|| panic!("{execution:#?}"));
    assert_eq!(output["hook"], "NO_HOOK");
    let warning = output["warnings"][0].as_str().unwrap();
    assert!(warning.starts_with("the instance waits at turnstile"), "{warning}");
    assert_eq!(hook_action(&stack.world().report()).closed_at, None);

    let execution = roll_out(&stack, json!({"autoScalingGroupName": GROUP, "instanceId": instance})).await;
    assert_eq!(execution.status, "SUCCEEDED", "{execution:#?}");
    until(&stack, |report| report.instances[0].in_service_at.is_some()).await;
    let report = finish(stack, &[&instance]).await;
    assert_eq!(hook_action(&report).result, Some(HookResult::Continue));
    assert_eq!(order(&report), SIX, "each once: the first was up to date");
}

#[tokio::test]
async fn for_every_outdated_instance_of_a_group() {
    let mut setting = six_applications();
    setting.auto_scaling_groups[0].hooks.clear();
    let stack = start(setting, 0).await;
    let mut instances = [stack.world().launch(GROUP).unwrap(), stack.world().launch(GROUP).unwrap()];
    instances.sort();
    until(&stack, |report| report.instances.iter().all(|instance| instance.in_service_at.is_some())).await;

    let input = json!({"autoScalingGroupName": GROUP, "applications": ["Storefront/Production", "Orders/Production"]});
    let execution = roll_out(&stack, input.clone()).await;
    assert_eq!(execution.status, "SUCCEEDED", "{execution:#?}");
    let report = finish(stack, &[]).await;
    assert_eq!(order(&report), ["Storefront", "Orders"]);
    for deployment in &report.deployments {
        let mut reached = deployment.instance_ids.clone();
        reached.sort();
        assert_eq!(reached, instances, "{deployment:#?}");
    }
}

#[tokio::test]
async fn a_group_rollout_fails_when_any_instance_does() {
    let mut setting = six_applications();
    setting.auto_scaling_groups[0].hooks.clear();
    // All at once, one success is enough for CodeDeploy to call the deployment Succeeded.
    setting.applications[0].deployment_config_name = "CodeDeployDefault.AllAtOnce".into();
    setting.applications[0].failure =
        Some(read(json!({"event": "ApplicationStart", "errorCode": "ScriptMissing", "times": 1})));
    let stack = start(setting, 0).await;
    stack.world().launch(GROUP).unwrap();
    stack.world().launch(GROUP).unwrap();
    until(&stack, |report| report.instances.iter().all(|instance| instance.in_service_at.is_some())).await;

    let execution =
        roll_out(&stack, json!({"autoScalingGroupName": GROUP, "applications": ["Storefront/Production"]})).await;
    assert_eq!(execution.error.as_deref(), Some("Turnstile.DeploymentFailed"), "{execution:#?}");
    assert_eq!(cause(&execution)["lifecycleEvent"], "ApplicationStart");
    assert_eq!(finish(stack, &[]).await.deployments[0].status, "Succeeded");
}

/// Rolls out one application with a `timeoutSeconds` of a minute to an instance that waits, beside an instance whose agent is dead and which
/// holds the deployment up.
async fn beside_a_dead_instance(mut setting: world::Setting) -> (stack::Stack, String, stack::Execution) {
    let mut dead = setting.auto_scaling_groups[0].clone();
    dead.name = "dead".into();
    dead.hooks.clear();
    dead.agent_seconds = None;
    setting.auto_scaling_groups.push(dead);
    setting.auto_scaling_groups[0].required_applications = vec![short_form("Storefront")];
    setting.applications[0].deployment_config_name = "CodeDeployDefault.AllAtOnce".into();
    let stack = start(setting, 0).await;
    stack.world().launch("dead").unwrap();
    until(&stack, |report| report.instances[0].in_service_at.is_some()).await;
    let instance = stack.world().launch(GROUP).unwrap();
    until_waiting(&stack, &instance).await;

    let application =
        json!({"applicationName": "Storefront", "deploymentGroupName": DEPLOYMENT_GROUP, "timeoutSeconds": 60});
    let input = json!({
        "autoScalingGroupName": GROUP, "instanceId": instance, "lifecycleHookName": HOOK, "applications": [application],
    });
    let execution = roll_out(&stack, input).await;
    (stack, instance, execution)
}

#[tokio::test]
async fn a_dead_instance_does_not_fail_one_that_succeeded() {
    let (stack, instance, execution) = beside_a_dead_instance(six_applications()).await;
    assert_eq!(execution.status, "SUCCEEDED", "{execution:#?}");
    let report = finish(stack, &[&instance]).await;
    assert_eq!(hook_action(&report).result, Some(HookResult::Continue));
    assert_eq!(report.deployments[0].status, "InProgress", "the dead instance still holds it up");
}

/// The script fails on the rollout's instance, and a dead instance holds the deployment up, so that the second attempt finds the group busy
/// until it gives up. The operator has to read about the script.
#[tokio::test]
async fn a_busy_group_does_not_hide_why_the_application_failed() {
    let mut setting = six_applications();
    setting.applications[0].failure = Some(read(json!({"event": "BeforeInstall", "scriptName": "check.sh"})));
    let (stack, instance, execution) = beside_a_dead_instance(setting).await;
    assert_eq!(execution.error.as_deref(), Some("Turnstile.DeploymentFailed"), "{execution:#?}");
    let cause = cause(&execution);
    assert_eq!(
        (&cause["lifecycleEvent"], &cause["scriptName"]),
        (&json!("BeforeInstall"), &json!("check.sh")),
        "{cause:#}"
    );
    assert_eq!(cause["nextAttempt"]["Error"], "Turnstile.GroupBusy", "{cause:#}");
    assert_eq!(finish(stack, &[&instance]).await.deployments.len(), 1);
}

/// An application that is up to date is not deployed again, whatever CodeDeploy answers when nothing is outdated.
#[tokio::test]
async fn an_application_that_is_up_to_date_is_not_deployed_again() {
    for nothing_outdated in [
        NothingOutdated::Exception,
        NothingOutdated::FailedNoInstances,
        NothingOutdated::SucceededWithoutTargets,
        NothingOutdated::TargetsSkipped,
    ] {
        let mut setting = six_applications();
        setting.auto_scaling_groups[0].hooks.clear();
        setting.open_facts.nothing_outdated = nothing_outdated;
        let stack = start(setting, 0).await;
        let instance = stack.world().launch(GROUP).unwrap();
        until(&stack, |report| report.instances[0].in_service_at.is_some()).await;
        let one =
            json!({"autoScalingGroupName": GROUP, "instanceId": instance, "applications": ["Storefront/Production"]});
        let two = json!({"autoScalingGroupName": GROUP, "instanceId": instance, "applications": ["Storefront/Production", "Orders/Production"]});

        assert_eq!(roll_out(&stack, one.clone()).await.status, "SUCCEEDED");
        let execution = roll_out(&stack, two).await;
        assert_eq!(execution.status, "SUCCEEDED", "{nothing_outdated:?}: {execution:#?}");
        let report = stack.world().report();
        assert_eq!(order(&report), ["Storefront", "Orders"], "{nothing_outdated:?}");

        // With another instance's deployment, the first instance's success is no longer in the group's last successful deployment.
        let other = stack.world().launch(GROUP).unwrap();
        until(&stack, |report| report.instances.iter().all(|instance| instance.in_service_at.is_some())).await;
        let other =
            json!({"autoScalingGroupName": GROUP, "instanceId": other, "applications": ["Storefront/Production"]});
        assert_eq!(roll_out(&stack, other).await.status, "SUCCEEDED");
        let execution = roll_out(&stack, one).await;
        assert_eq!(execution.status, "SUCCEEDED", "{nothing_outdated:?}: {execution:#?}");
        let report = stack.world().report();
        let touched = report.deployments.iter().flat_map(|d| &d.targets);
        let touched = touched.filter(|t| t.instance_id == instance && t.status == "Succeeded").count();
        assert_eq!(touched, 2, "{nothing_outdated:?}: once for each application: {:#?}", report.deployments);

        let everyone = json!({"autoScalingGroupName": GROUP, "applications": ["Storefront/Production"]});
        let execution = roll_out(&stack, everyone).await;
        assert_eq!(execution.status, "SUCCEEDED", "{nothing_outdated:?}: {execution:#?}");
        finish(stack, &[]).await;
    }
}
