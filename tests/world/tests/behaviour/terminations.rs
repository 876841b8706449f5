//! How instances leave service: CodeDeploy's termination hooks, retained and detached instances.

use serde_json::{Value, json};

use crate::stage::{Stage, refused, setting, with};

/// One instance in service. A selects by Auto Scaling group, and stops itself on instances that leave service.
fn stopping() -> Value {
    let mut setting = with(setting(), "/autoScalingGroups/0/desiredCapacity", json!(1));
    setting["applications"][0]["selection"] = json!({"autoScalingGroups": ["web"]});
    setting["applications"][0]["managedHooks"] = json!(false);
    setting["applications"][0]["terminationHookEnabled"] = json!(true);
    setting
}

fn in_service(stage: &Stage) -> Vec<String> {
    let instances = stage.world.report().instances.into_iter();
    instances.filter(|instance| instance.lifecycle_state == "InService").map(|instance| instance.instance_id).collect()
}

#[tokio::test]
async fn an_instance_that_leaves_service_gets_a_deployment_that_stops_the_application() {
    let stage = Stage::new(stopping()).await;
    let instance = in_service(&stage).remove(0);
    stage.world.terminate(&instance).unwrap();
    assert_eq!(stage.state(&instance), "Terminating:Wait");
    stage.world.advance(5.0);
    let stops = stage.world.report().deployments[0].clone();
    assert_eq!(
        (stops.creator, stops.instance_ids.as_slice()),
        ("autoscalingTermination", [instance.clone()].as_slice())
    );
    let events: Vec<_> = stops.targets[0].lifecycle_events.iter().map(|event| (event.name, event.status)).collect();
    assert_eq!(events, [("ApplicationStop", "InProgress")]);
    let shown = stage.deployment(&stops.deployment_id).await;
    assert_eq!(shown.creator.unwrap().as_str(), "autoscalingTermination");
    // It takes the group's one place.
    let call = stage.codedeploy.create_deployment().application_name("A").deployment_group_name("Staging");
    assert_eq!(refused(call.send().await).code, "DeploymentLimitExceededException");
    stage.world.advance(10.0);
    assert_eq!(stage.state(&instance), "Terminating");
    stage.world.advance(30.0);
    assert_eq!(stage.state(&instance), "Terminated");
    assert_eq!(stage.status(&stops.deployment_id).await, "Succeeded");
    assert_eq!(stage.world.report().instances.len(), 2, "it is replaced");
}

#[tokio::test]
async fn a_termination_waits_until_its_group_is_free() {
    let stage = Stage::new(with(stopping(), "/autoScalingGroups/0/desiredCapacity", json!(2))).await;
    let instance = in_service(&stage).remove(0);
    let release = stage.world.deploy("A", "Staging", None).unwrap();
    stage.world.advance(5.0);
    stage.world.terminate(&instance).unwrap();
    stage.world.advance(100.0);
    assert_eq!(stage.state(&instance), "Terminating:Wait");
    stage.world.advance(60.0);
    let report = stage.world.report();
    let [first, second] = report.deployments.as_slice() else { panic!("{:?}", report.deployments) };
    assert_eq!((first.deployment_id.as_str(), second.creator), (release.as_str(), "autoscalingTermination"));
    assert_eq!(second.created_at, first.ended_at.unwrap());
    assert_eq!(stage.state(&instance), "Terminating");
}

/// Whatever comes of it: the instance goes.
#[tokio::test]
async fn a_stop_that_fails_holds_no_instance_up() {
    let stage = Stage::new(with(stopping(), "/applications/0/failure", json!({"event": "ApplicationStop"}))).await;
    let instance = in_service(&stage).remove(0);
    stage.world.terminate(&instance).unwrap();
    stage.world.advance(20.0);
    assert_eq!((stage.world.report().deployments[0].status, stage.state(&instance)), ("Failed", "Terminating"));
}

#[tokio::test]
async fn a_launch_that_is_abandoned_stops_nothing() {
    let stage = Stage::new(with(stopping(), "/autoScalingGroups/0/desiredCapacity", json!(0))).await;
    let instance = stage.launch_and_boot();
    stage.complete(&instance, "ABANDON").await.unwrap();
    assert_eq!((stage.state(&instance), stage.world.report().deployments.len()), ("Terminating", 0));
}

#[tokio::test]
async fn the_termination_hook_is_shown_and_launches_do_not_wait_at_it() {
    let stage = Stage::new(stopping()).await;
    let hooks = stage.autoscaling.describe_lifecycle_hooks().auto_scaling_group_name("web").send().await.unwrap();
    let shown: Vec<_> = hooks.lifecycle_hooks().iter().filter_map(|hook| hook.lifecycle_transition()).collect();
    assert_eq!(shown, ["autoscaling:EC2_INSTANCE_LAUNCHING", "autoscaling:EC2_INSTANCE_TERMINATING"]);
    let call = stage.codedeploy.get_deployment_group().application_name("A").deployment_group_name("Staging");
    let group = call.send().await.unwrap().deployment_group_info.unwrap();
    assert!(group.termination_hook_enabled);
    let own = &group.auto_scaling_groups()[0];
    assert_eq!(own.hook(), None);
    assert_eq!(own.termination_hook(), hooks.lifecycle_hooks()[1].lifecycle_hook_name());
    stage.launch_and_boot();
    assert_eq!(stage.world.report().hook_actions.len(), 1);
}

#[tokio::test]
async fn an_instance_is_retained_beside_its_replacement() {
    let mut setting = with(setting(), "/autoScalingGroups/0/desiredCapacity", json!(1));
    setting["autoScalingGroups"][0]["terminateHookAbandon"] = json!("retain");
    let stage = Stage::new(setting).await;
    let instance = in_service(&stage).remove(0);
    stage.world.terminate(&instance).unwrap();
    assert_eq!(stage.state(&instance), "Terminating:Wait");
    stage.world.advance(45.0);
    assert_eq!(stage.state(&instance), "Terminating:Retained");
    let shown = stage.autoscaling.describe_auto_scaling_groups().auto_scaling_group_names("web").send().await.unwrap();
    let states: Vec<_> = shown.auto_scaling_groups()[0]
        .instances()
        .iter()
        .filter_map(|instance| instance.lifecycle_state())
        .map(|state| state.as_str())
        .collect();
    assert_eq!(states, ["Terminating:Retained", "Pending:Wait"]);
    // It runs on, and its tags are those of a deployment group.
    let id = stage.world.deploy("A", "Staging", None).unwrap();
    stage.world.advance(5.0);
    assert!(stage.reported(&id).instance_ids.contains(&instance));
    let decrement = stage.autoscaling.terminate_instance_in_auto_scaling_group().instance_id(&instance);
    assert_eq!(refused(decrement.should_decrement_desired_capacity(true).send().await).code, "ValidationError");
    stage.world.terminate(&instance).unwrap();
    stage.world.advance(31.0);
    assert_eq!((stage.state(&instance), stage.world.report().instances.len()), ("Terminated", 2));
}

#[tokio::test]
async fn an_instance_on_its_way_back_into_the_pool_is_retained() {
    let mut setting = with(setting(), "/autoScalingGroups/0/desiredCapacity", json!(1));
    setting["autoScalingGroups"][0]["warmPool"] = json!({"size": 0, "reuseOnScaleIn": true});
    setting["autoScalingGroups"][0]["terminateHookAbandon"] = json!("retain");
    let stage = Stage::new(setting).await;
    let instance = in_service(&stage).remove(0);
    stage.world.return_to_pool(&instance).unwrap();
    assert_eq!(stage.state(&instance), "Warmed:Pending:Wait");
    stage.world.advance(31.0);
    assert_eq!(stage.state(&instance), "Warmed:Pending:Retained");
    let pool = stage.autoscaling.describe_warm_pool().auto_scaling_group_name("web").send().await.unwrap();
    assert!(pool.instances().iter().any(|shown| shown.instance_id() == Some(instance.as_str())));
    assert_eq!(stage.world.report().instances.len(), 2, "the pool lacks one");
    stage.world.terminate(&instance).unwrap();
    stage.world.advance(31.0);
    assert_eq!(stage.state(&instance), "Warmed:Terminated");
}

#[tokio::test]
async fn a_detached_instance_runs_on_without_its_group() {
    let stage = Stage::new(with(setting(), "/autoScalingGroups/0/desiredCapacity", json!(1))).await;
    let instance = in_service(&stage).remove(0);
    stage.world.detach(&instance).unwrap();
    assert_eq!(stage.state(&instance), "Detaching");
    assert_eq!(stage.world.report().instances.len(), 2, "the group launches another");
    stage.world.advance(10.0);
    assert_eq!(stage.state(&instance), "Detached");
    let shown = stage.autoscaling.describe_auto_scaling_instances().instance_ids(&instance).send().await.unwrap();
    assert!(shown.auto_scaling_instances().is_empty());
    let id = stage.world.deploy("A", "Staging", None).unwrap();
    stage.world.advance(5.0);
    assert!(stage.reported(&id).instance_ids.contains(&instance), "its tags are still those of a deployment group");
    assert_eq!(stage.world.detach(&instance).unwrap_err().code, "ValidationError");
    assert_eq!(stage.world.terminate(&instance).unwrap_err().code, "ValidationError");
}
