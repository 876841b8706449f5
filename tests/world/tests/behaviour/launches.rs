//! Launches with delays of their own.

use serde_json::json;
use world::Launch;

use crate::stage::{Stage, setting, with};

#[tokio::test]
async fn an_instance_boots_and_its_agent_answers_in_a_time_of_its_own() {
    let stage =
        Stage::new(with(setting(), "/applications/0/deploymentConfigName", json!("CodeDeployDefault.AllAtOnce"))).await;
    let launch =
        |boot_seconds, agent_seconds| stage.world.launch_with("web", &Launch { boot_seconds, agent_seconds }).unwrap();
    let usual = launch(None, None);
    let quick = launch(Some(2.0), Some(Some(1.0)));
    let mute = launch(None, Some(None));
    stage.world.advance(2.0);
    assert_eq!([&usual, &quick, &mute].map(|id| stage.state(id)), ["Pending", "Pending:Wait", "Pending"]);
    stage.world.advance(8.0);
    assert_eq!([&usual, &quick, &mute].map(|id| stage.state(id)), ["Pending:Wait"; 3]);

    // Of all agents only the quick one answers when the deployment starts, 2 s after its creation.
    let id = stage.update("A").await;
    stage.world.advance(2.0);
    let statuses = async || {
        let mut statuses = Vec::new();
        for instance in [&usual, &quick, &mute] {
            statuses.push(stage.target_status(&id, instance).await);
        }
        statuses
    };
    assert_eq!(statuses().await, ["Pending", "InProgress", "Pending"]);
    stage.world.advance(1000.0);
    assert_eq!(statuses().await, ["Succeeded", "Succeeded", "Pending"]);
}

#[tokio::test]
async fn a_delay_that_is_none_launches_nothing() {
    let stage = Stage::new(setting()).await;
    let launch = Launch { boot_seconds: Some(f64::NAN), ..Launch::default() };
    let refusal = stage.world.launch_with("web", &launch).unwrap_err();
    assert_eq!(refusal.to_string(), "ValidationError: bootSeconds must be 0 or more");
    let answer = stage.autoscaling.describe_auto_scaling_groups().send().await.unwrap();
    let group = &answer.auto_scaling_groups()[0];
    assert_eq!((group.desired_capacity(), group.instances().len()), (Some(0), 0));
}

#[tokio::test]
async fn the_world_says_when_something_happens_next() {
    let stage = Stage::new(setting()).await;
    assert_eq!(stage.world.next_happening_at(), None);
    stage.world.launch("web").unwrap();
    assert_eq!(stage.world.next_happening_at(), Some(10.0), "it has booted");
    stage.world.advance(10.0);
    assert_eq!(stage.world.next_happening_at(), Some(15.0), "its agent answers");
}
