//! A pipeline that deploys again and again.

use serde_json::json;
use world::Revision;

use crate::stage::{Stage, setting, with};

fn builds(keys: &[&str]) -> Vec<Revision> {
    keys.iter().map(|key| Revision::s3("bundles", key)).collect()
}

/// When each deployment was created, and by whom.
fn created(stage: &Stage) -> Vec<(f64, &'static str)> {
    stage.world.report().deployments.iter().map(|deployment| (deployment.created_at, deployment.creator)).collect()
}

#[tokio::test]
async fn its_deployments_follow_one_another() {
    let stage = Stage::new(with(setting(), "/autoScalingGroups/0/desiredCapacity", json!(1))).await;
    let instance = stage.world.report().instances[0].instance_id.clone();
    stage.world.start_pipeline("A", "Staging", builds(&["A-2", "A-3", "A-3"]), 100.0).unwrap();
    stage.world.advance(1000.0);
    assert_eq!(created(&stage), [(0.0, "user"), (100.0, "user"), (200.0, "user")]);
    let mut keys = Vec::new();
    for deployment in stage.world.report().deployments {
        assert_eq!(stage.target_status(&deployment.deployment_id, &instance).await, "Succeeded");
        let revision = stage.deployment(&deployment.deployment_id).await.revision.unwrap();
        keys.push(revision.s3_location.unwrap().key.unwrap());
    }
    assert_eq!(keys, ["A-2", "A-3", "A-3"], "the same build again is deployed again");
}

/// A deployment takes 72 s. The next one comes when it is over, and the one after that is counted from there.
#[tokio::test]
async fn it_waits_until_the_group_is_free() {
    let stage = Stage::new(with(setting(), "/autoScalingGroups/0/desiredCapacity", json!(1))).await;
    stage.world.start_pipeline("A", "Staging", builds(&["A-2", "A-3", "A-4"]), 30.0).unwrap();
    stage.world.advance(1000.0);
    assert_eq!(created(&stage).iter().map(|(at, _)| *at).collect::<Vec<_>>(), [0.0, 75.0, 150.0]);
}

#[tokio::test]
async fn it_needs_a_group_and_a_time() {
    let stage = Stage::new(setting()).await;
    for (group, every, code) in
        [("None", 1.0, "DeploymentGroupDoesNotExistException"), ("Staging", -1.0, "ValidationError")]
    {
        let refusal = stage.world.start_pipeline("A", group, builds(&["A-2"]), every).unwrap_err();
        assert_eq!(refusal.code, code);
    }
    assert_eq!(created(&stage), []);
}
