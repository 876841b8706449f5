//! Agents that answer late, never, or no more.

use serde_json::json;

use crate::stage::{Stage, setting, with};

/// Of two new instances the second one's agent falls silent before it has ever answered.
async fn with_a_dead_neighbour() -> (Stage, [String; 2]) {
    let all_at_once = json!("CodeDeployDefault.AllAtOnce");
    let stage = Stage::new(with(setting(), "/applications/0/deploymentConfigName", all_at_once)).await;
    let ids = stage.world.launch_over("web", 2, 0.0).unwrap();
    stage.world.silence_agent(&ids[1]).unwrap();
    stage.world.advance(15.0);
    (stage, ids.try_into().unwrap())
}

#[tokio::test]
async fn an_agent_silenced_early_never_answers() {
    let (stage, [alive, dead]) = with_a_dead_neighbour().await;
    let id = stage.update("A").await;
    stage.world.advance(2.0 + 3599.0);
    assert_eq!(stage.target_status(&id, &alive).await, "Succeeded");
    assert_eq!(stage.target_status(&id, &dead).await, "Pending");
    assert_eq!(stage.status(&id).await, "InProgress");
    stage.world.advance(1.0);
    assert_eq!(stage.target_status(&id, &dead).await, "Failed");
    let target = stage.target(&id, &dead).await;
    let message = target.lifecycle_events()[0].diagnostics().unwrap().message().unwrap();
    assert!(message.starts_with("CodeDeploy agent was not able to receive the lifecycle event"), "{message}");
}

#[tokio::test]
async fn an_agent_in_service_can_fall_silent() {
    let stage = Stage::new(with(setting(), "/autoScalingGroups/0/desiredCapacity", json!(1))).await;
    let instance = stage.world.report().instances[0].instance_id.clone();
    stage.world.silence_agent(&instance).unwrap();
    let id = stage.world.deploy("A", "Staging", None).unwrap();
    stage.world.advance(3000.0);
    assert_eq!((stage.state(&instance), stage.target_status(&id, &instance).await.as_str()), ("InService", "Pending"));
    stage.world.advance(1000.0);
    assert_eq!(stage.status(&id).await, "Failed");
}

#[tokio::test]
async fn an_agent_silenced_at_work_ends_its_lifecycle_event_and_begins_no_other() {
    let stage = Stage::new(setting()).await;
    let instance = stage.launch_and_boot();
    let id = stage.update("A").await;
    stage.world.advance(2.0 + 15.0);
    stage.world.silence_agent(&instance).unwrap();
    stage.world.advance(5.0 + 299.0);
    let statuses = stage.event_statuses(&id, &instance).await;
    assert_eq!(statuses[..4], ["Succeeded", "Succeeded", "Succeeded", "Pending"]);
    assert_eq!(stage.target_status(&id, &instance).await, "InProgress");
    stage.world.advance(1.0);
    let statuses = stage.event_statuses(&id, &instance).await;
    assert_eq!(statuses[..5], ["Succeeded", "Succeeded", "Succeeded", "Failed", "Skipped"]);
    assert_eq!(stage.target_status(&id, &instance).await, "Failed");
    let target = stage.target(&id, &instance).await;
    let message = target.lifecycle_events()[3].diagnostics().unwrap().message().unwrap();
    assert!(message.contains("The AWS CodeDeploy agent has stopped"), "{message}");
}

/// What began before the agent fell silent is done when its last lifecycle event was under way.
#[tokio::test]
async fn an_agent_silenced_in_the_last_lifecycle_event_has_succeeded() {
    let stage = Stage::new(setting()).await;
    let instance = stage.launch_and_boot();
    let id = stage.update("A").await;
    stage.world.advance(2.0 + 55.0);
    stage.world.silence_agent(&instance).unwrap();
    stage.world.advance(5.0);
    assert_eq!(stage.target_status(&id, &instance).await, "Succeeded");
}

#[tokio::test]
async fn only_instances_there_are_have_agents() {
    let stage = Stage::new(setting()).await;
    let instance = stage.launch_and_boot();
    stage.world.terminate(&instance).unwrap();
    assert_eq!(stage.world.silence_agent(&instance).unwrap_err().code, "ValidationError");
}
