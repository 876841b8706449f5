//! How deployment groups are set up, and what other people deploy to them.

use end_to_end::*;
use serde_json::json;
use world::{OutdatedInstancesStrategy, Selection, Setting};

/// The setting with deployment groups that select by Auto Scaling group, and without CodeDeploy's own hooks.
fn selected_by_auto_scaling_group() -> Setting {
    let mut setting = six_applications();
    setting.open_facts.auto_scaling_selection_reaches_pending_wait = false;
    for application in &mut setting.applications {
        application.selection = Selection::by_auto_scaling_groups(vec![GROUP.into()]);
        application.managed_hooks = Some(false);
    }
    setting
}

/// A deployment that does not contain the instance is no success on it, whatever CodeDeploy calls it.
#[tokio::test]
async fn a_deployment_that_does_not_reach_it_never_counts() {
    use world::NothingOutdated::*;
    for nothing_outdated in [Exception, FailedNoInstances, SucceededWithoutTargets, TargetsSkipped] {
        let mut setting = selected_by_auto_scaling_group();
        setting.open_facts.nothing_outdated = nothing_outdated;
        // An instance in service that is up to date: the deployment group is not empty, and nothing is outdated.
        setting.auto_scaling_groups[0].desired_capacity = 1;
        let stack = start(setting, 0).await;
        let instance = stack.world().launch(GROUP).unwrap();
        until_waiting(&stack, &instance).await;
        let input = json!({"autoScalingGroupName": GROUP, "instanceId": instance, "lifecycleHookName": HOOK});
        let execution = roll_out(&stack, input).await;
        assert_eq!(execution.status, "FAILED", "{nothing_outdated:?}: {execution:#?}");
        let expected = match nothing_outdated {
            Exception => "Turnstile.DeploymentRejected",
            _ => "Turnstile.InstanceNotReached",
        };
        assert_eq!(execution.error.as_deref(), Some(expected), "{nothing_outdated:?}");
        assert_eq!(cause(&execution)["hook"], "turnstile completed with ABANDON");
        let report = finish(stack, &[&instance]).await;
        assert!(report.deployments.iter().all(|d| d.application_name == SIX[0]), "{nothing_outdated:?}");
    }
}

#[tokio::test]
async fn a_plan_warns_of_what_gets_in_the_way() {
    let mut setting = six_applications();
    setting.applications.truncate(2);
    setting.auto_scaling_groups[0].required_applications.truncate(2);
    setting.applications[0].outdated_instances_strategy = OutdatedInstancesStrategy::Update;
    // No rollout deploys this application, but CodeDeploy keeps a hook on the group for it.
    let mut managed = setting.applications[1].clone();
    managed.application_name = "Legacy".into();
    managed.selection = Selection::by_auto_scaling_groups(vec![GROUP.into()]);
    managed.managed_hooks = Some(true);
    setting.applications.push(managed);
    let stack = start(setting, 0).await;
    let input = json!({"autoScalingGroupName": GROUP, "applications": ["Storefront/Production"]});
    let plan = stack.invoke("plan-rollout", &json!({"execution": "e", "input": input})).await.unwrap().payload;
    let warnings: Vec<_> = plan["warnings"].as_array().unwrap().iter().map(|w| w.as_str().unwrap()).collect();
    assert_eq!(warnings.len(), 3, "{warnings:#?}");
    assert!(warnings[0].starts_with("Storefront/Production: outdatedInstancesStrategy is UPDATE"), "{}", warnings[0]);
    let hook = "CodeDeploy's own launch hook CodeDeploy-managed-automatic-launch-deployment-hook-";
    assert!(warnings[1].starts_with(hook), "{}", warnings[1]);
    assert!(warnings[2].contains("To gate it: aws deploy update-deployment-group"), "{}", warnings[2]);
    stack.stop().await;
}

#[tokio::test]
async fn a_group_that_no_rollout_can_deploy_to_is_refused() {
    for (change, expected) in [
        (json!({"deploymentType": "BLUE_GREEN"}), "is BLUE_GREEN, expected an in-place deployment group"),
        (json!({"computePlatform": "ECS"}), "deploys to ECS, not to EC2 instances"),
        (json!({"revision": null, "previousDeploymentSeconds": null}), "has no revision"),
    ] {
        let mut setting = six_applications();
        let mut application = serde_json::to_value(&setting.applications[3]).unwrap();
        application.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        setting.applications[3] = read(application);
        setting.auto_scaling_groups[0].required_applications.clear();
        let stack = start(setting, 0).await;
        let execution = roll_out(&stack, json!({"autoScalingGroupName": GROUP})).await;
        assert_eq!(execution.error.as_deref(), Some("Turnstile.UnsuitableDeploymentGroup"), "{execution:#?}");
        let summary = cause(&execution)["summary"].as_str().unwrap().to_owned();
        assert!(summary.contains("applications[3]: Search/Production") && summary.contains(expected), "{summary}");
        assert_eq!(stack.world().report().deployments.len(), 0);
        stack.stop().await;
    }
}

/// A person deploys a new build of an application that the rollout has already deployed, while the rollout deploys the next one. On the
/// waiting instance the two collide, and the person's fails. Elsewhere it succeeds, so that the new build is the current one, which the rollout
/// then deploys in another round.
#[tokio::test]
async fn a_person_deploys_in_the_middle_of_a_rollout() {
    let mut setting = six_applications();
    setting.applications.truncate(2);
    // Both instances are tried, whichever comes first.
    setting.applications[0].deployment_config_name = "CodeDeployDefault.AllAtOnce".into();
    setting.applications[1].lifecycle_event_seconds.application_start = 600.0;
    let group = &mut setting.auto_scaling_groups[0];
    group.required_applications.truncate(2);
    let mut elsewhere = group.clone();
    elsewhere.name = "elsewhere".into();
    elsewhere.desired_capacity = 1;
    elsewhere.hooks.clear();
    setting.auto_scaling_groups.push(elsewhere);
    let stack = start(setting, 1).await;

    let instance = stack.world().launch(GROUP).unwrap();
    let orders_at_work = |d: &world::DeploymentReport| d.application_name == "Orders" && !d.targets.is_empty();
    until(&stack, |report| report.deployments.iter().any(orders_at_work)).await;
    let theirs = stack.world().deploy("Storefront", DEPLOYMENT_GROUP, Some(revision("Storefront", 2))).unwrap();

    let executions = all_ended(&stack).await;
    let [execution] = executions.as_slice() else { panic!("one execution: {executions:#?}") };
    let output = execution.output.as_ref().unwrap_or_else(|| panic!("{execution:#?}"));
    let applications = output["applications"].as_array().unwrap();
    let builds: Vec<_> = applications.iter().map(|a| a["revision"]["s3"]["key"].clone()).collect();
    assert_eq!(builds, ["Storefront-2.zip", "Orders-1.zip"], "both on their current revision");
    let in_service = |i: &world::InstanceReport| i.instance_id == instance && i.in_service_at.is_some();
    until(&stack, |report| report.instances.iter().any(in_service)).await;

    let report = finish(stack, &[&instance]).await;
    assert_eq!(order(&report), ["Storefront", "Orders", "Storefront", "Storefront"]);
    let their_status = report.deployments.iter().find(|d| d.deployment_id == theirs).map(|d| d.status);
    assert_eq!(their_status, Some("Succeeded"), "as a whole");
    let here: Vec<_> =
        report.deployments.iter().flat_map(|d| &d.targets).filter(|t| t.instance_id == instance).collect();
    assert_eq!(here.iter().map(|t| t.status).collect::<Vec<_>>(), ["Succeeded", "Succeeded", "Failed", "Succeeded"]);
    assert_eq!(report.collisions.len(), 1, "theirs: {:#?}", report.collisions);
}
