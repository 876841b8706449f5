//! CodeDeploy's own launch hooks, one for each deployment group that names the Auto Scaling group.

use serde_json::{Value, json};
use world::{CreatedBy, HookResult};

use crate::stage::{Stage, application};

fn six_applications() -> Value {
    let applications: Vec<Value> = (1..=6)
        .map(|n| {
            let mut application = application(&format!("Service-{n}"));
            application["selection"] = json!({"autoScalingGroups": ["web"]});
            application
        })
        .collect();
    json!({
        "autoScalingGroups": [{"name": "web", "bootSeconds": 10, "agentSeconds": 5}],
        "applications": applications,
    })
}

#[tokio::test]
async fn with_one_application_the_hook_lets_the_instance_in() {
    let mut setting = six_applications();
    setting["applications"].as_array_mut().unwrap().truncate(1);
    let stage = Stage::new(setting).await;
    let instance = stage.launch_and_boot();
    stage.world.advance(100.0);
    assert_eq!(stage.state(&instance), "InService");
    let report = stage.world.report();
    assert_eq!((report.deployments[0].creator, report.deployments[0].status), ("autoscaling", "Succeeded"));
    assert_eq!(report.hook_actions[0].result, Some(HookResult::Continue));
    assert_eq!(report.violations, []);
}

#[tokio::test]
async fn the_launch_deployment_is_to_one_instance_whatever_the_configuration() {
    let mut setting = six_applications();
    setting["applications"].as_array_mut().unwrap().truncate(1);
    // Half of one instance, rounded up, leaves none to deploy to.
    setting["applications"][0]["deploymentConfigName"] = json!("CodeDeployDefault.HalfAtATime");
    let stage = Stage::new(setting).await;
    let instance = stage.launch_and_boot();
    stage.world.advance(100.0);
    assert_eq!(stage.state(&instance), "InService");
}

#[tokio::test]
async fn with_six_all_but_one_fail_and_the_group_launches_for_ever() {
    let stage = Stage::new(six_applications()).await;
    let hooks = stage.autoscaling.describe_lifecycle_hooks().auto_scaling_group_name("web").send().await.unwrap();
    assert_eq!(hooks.lifecycle_hooks().len(), 6);
    for hook in hooks.lifecycle_hooks() {
        assert_eq!((hook.heartbeat_timeout(), hook.default_result()), (Some(600), Some("ABANDON")));
    }

    let first = stage.launch_and_boot();
    assert_eq!(stage.world.report().deployments.len(), 6, "all six start at once");
    stage.world.advance(400.0);
    let report = stage.world.report();
    let of_first: Vec<_> = report.deployments.iter().filter(|d| d.instance_ids == [first.clone()]).collect();
    let succeeded = of_first.iter().filter(|d| d.status == "Succeeded").count();
    let failed = of_first.iter().filter(|d| d.error_code == Some("HEALTH_CONSTRAINTS")).count();
    assert_eq!((succeeded, failed), (1, 5));
    assert_eq!(stage.state(&first), "Terminated");
    assert!(report.collisions.len() >= 5, "deployments were at work at once: {:?}", report.collisions);
    assert!(report.collisions.iter().all(|collision| collision.overlap.creator == CreatedBy::CodeDeploy));
    assert_eq!(report.violations, [], "nobody called CreateDeployment");

    stage.world.advance(4000.0);
    let report = stage.world.report();
    assert!(report.instances.len() > 5, "{} launches", report.instances.len());
    assert!(report.instances.iter().all(|instance| instance.in_service_at.is_none()));
}

#[tokio::test]
async fn without_the_hooks_an_instance_enters_service_empty() {
    let stage = Stage::new(six_applications()).await;
    let hooks = stage.autoscaling.describe_lifecycle_hooks().auto_scaling_group_name("web").send().await.unwrap();
    for hook in hooks.lifecycle_hooks() {
        let delete = stage.autoscaling.delete_lifecycle_hook().auto_scaling_group_name("web");
        delete.lifecycle_hook_name(hook.lifecycle_hook_name().unwrap()).send().await.unwrap();
    }
    let instance = stage.launch_and_boot();
    assert_eq!(stage.state(&instance), "InService");
    assert_eq!(stage.world.report().deployments.len(), 0);
}

#[tokio::test]
async fn a_launch_waits_for_a_busy_deployment_group() {
    let mut setting = six_applications();
    setting["applications"].as_array_mut().unwrap().truncate(1);
    setting["autoScalingGroups"][0]["desiredCapacity"] = json!(1);
    let stage = Stage::new(setting).await;
    stage.world.deploy("Service-1", "Staging", None).unwrap();
    let instance = stage.launch_and_boot();
    assert_eq!(stage.world.report().deployments.len(), 1);
    stage.world.advance(200.0);
    let deployments = stage.world.report().deployments;
    assert_eq!((deployments[1].creator, &deployments[1].instance_ids), ("autoscaling", &vec![instance.clone()]));
    assert_eq!(stage.state(&instance), "InService");
}

#[tokio::test]
async fn a_group_that_was_never_deployed_to_lets_instances_in() {
    let mut setting = six_applications();
    setting["applications"].as_array_mut().unwrap().truncate(1);
    setting["applications"][0]["revision"] = json!(null);
    setting["applications"][0]["previousDeploymentSeconds"] = json!(null);
    let stage = Stage::new(setting).await;
    let instance = stage.launch_and_boot();
    assert_eq!(stage.state(&instance), "InService");
    assert_eq!(stage.world.report().deployments.len(), 0);
}
