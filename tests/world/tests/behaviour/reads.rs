//! Answers that trail what is.

use serde_json::{Value, json};

use crate::stage::{Stage, setting, with};

fn trailing(seconds: u32) -> Value {
    let setting = with(setting(), "/readLagSeconds", json!(seconds));
    with(setting, "/autoScalingGroups/0/desiredCapacity", json!(1))
}

async fn listed(stage: &Stage) -> Vec<String> {
    let call = stage.codedeploy.list_deployments().application_name("A").deployment_group_name("Staging");
    call.send().await.unwrap().deployments.unwrap_or_default()
}

/// The ids of the group's last attempted and its last successful deployment.
async fn last(stage: &Stage) -> [Option<String>; 2] {
    let call = stage.codedeploy.get_deployment_group().application_name("A").deployment_group_name("Staging");
    let group = call.send().await.unwrap().deployment_group_info.unwrap();
    [group.last_attempted_deployment, group.last_successful_deployment]
        .map(|last| last.and_then(|last| last.deployment_id))
}

#[tokio::test]
async fn a_deployment_is_not_listed_at_once() {
    let stage = Stage::new(trailing(20)).await;
    let [before, _] = last(&stage).await;
    let id = stage.world.deploy("A", "Staging", None).unwrap();
    stage.world.advance(19.0);
    assert_eq!((listed(&stage).await.len(), last(&stage).await[0].clone()), (1, before));
    assert_eq!(stage.status(&id).await, "InProgress", "the whole is known");
    stage.world.advance(1.0);
    assert!(listed(&stage).await.contains(&id));
    assert_eq!(last(&stage).await[0].as_ref(), Some(&id));
}

#[tokio::test]
async fn a_target_is_as_it_was() {
    let stage = Stage::new(trailing(20)).await;
    let instance = stage.launch_and_boot();
    let [_, before] = last(&stage).await;
    let id = stage.update("A").await;
    // The seven lifecycle events take 60 s from 2 s on.
    for (pause, status, events, succeeded) in [
        (2.0, "Pending", ["Pending", "Pending", "Pending"], false),
        (19.0, "Pending", ["Pending", "Pending", "Pending"], false),
        (1.0, "InProgress", ["Succeeded", "InProgress", "Pending"], false),
        (10.0, "InProgress", ["Succeeded", "Succeeded", "InProgress"], false),
        (40.0, "InProgress", ["Succeeded", "Succeeded", "Succeeded"], false),
        (10.0, "Succeeded", ["Succeeded", "Succeeded", "Succeeded"], true),
    ] {
        stage.world.advance(pause);
        let now = stage.world.now();
        assert_eq!(stage.target_status(&id, &instance).await, status, "at {now} s");
        assert_eq!(stage.event_statuses(&id, &instance).await[..3], events, "at {now} s");
        let expected = if succeeded { Some(id.clone()) } else { before.clone() };
        assert_eq!(last(&stage).await[1], expected, "at {now} s");
    }
    let batch = stage.codedeploy.batch_get_deployment_targets().deployment_id(&id).target_ids(&instance).send().await;
    let targets = batch.unwrap().deployment_targets.unwrap();
    let status = targets[0].instance_target().and_then(|target| target.status()).unwrap();
    assert_eq!(status.as_str(), "Succeeded");
}

#[tokio::test]
async fn what_failed_and_what_was_skipped_after_it_show_together() {
    let setting = with(trailing(20), "/applications/0/failure", json!({"event": "DownloadBundle"}));
    let stage = Stage::new(setting).await;
    let instance = stage.launch_and_boot();
    let id = stage.update("A").await;
    stage.world.advance(2.0 + 10.0 + 19.0);
    assert_eq!(stage.event_statuses(&id, &instance).await[..3], ["Succeeded", "InProgress", "Pending"]);
    stage.world.advance(1.0);
    assert_eq!(stage.event_statuses(&id, &instance).await[..3], ["Succeeded", "Failed", "Skipped"]);
}

#[tokio::test]
async fn the_list_is_in_any_order_and_its_pages_fit() {
    let stage = Stage::new(with(trailing(20), "/autoScalingGroups/0/desiredCapacity", json!(0))).await;
    for _ in 0..150 {
        stage.world.deploy("A", "Staging", None).unwrap();
        stage.world.advance(10.0);
    }
    stage.world.advance(20.0);
    let first = stage.codedeploy.list_deployments().send().await.unwrap();
    let second = stage.codedeploy.list_deployments().next_token(first.next_token().unwrap()).send().await.unwrap();
    let all = [first.deployments(), second.deployments()].concat();
    let mut by_age: Vec<String> = stage.world.report().deployments.into_iter().map(|one| one.deployment_id).collect();
    by_age.reverse();
    assert_ne!(all[..100], by_age[..100]);
    assert!(by_age.iter().all(|id| all.contains(id)), "{} of {}", all.len(), by_age.len());
}
