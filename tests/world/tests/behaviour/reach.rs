//! Applications that are deleted, or not permitted any more.

use serde_json::json;
use world::Revision;

use crate::stage::{Stage, refused, setting, with};

async fn stage() -> Stage {
    Stage::new(with(setting(), "/autoScalingGroups/0/desiredCapacity", json!(1))).await
}

#[tokio::test]
async fn a_deleted_application_is_not_known_any_more() {
    let stage = stage().await;
    stage.world.delete_application("A").unwrap();
    let group = stage.codedeploy.get_deployment_group().application_name("A").deployment_group_name("Staging");
    assert_eq!(refused(group.send().await).code, "ApplicationDoesNotExistException");
    let other = stage.codedeploy.get_deployment_group().application_name("B").deployment_group_name("Staging");
    other.send().await.expect("B is there");
    assert_eq!(stage.world.delete_application("A").unwrap_err().code, "ApplicationDoesNotExistException");
}

#[tokio::test]
async fn what_is_not_permitted_is_denied_by_application_and_by_deployment() {
    let stage = stage().await;
    let id = stage.world.deploy("A", "Staging", Some(Revision::s3("bundles", "A-2"))).unwrap();
    stage.world.advance(10.0);
    stage.world.forbid_application("A").unwrap();
    let denied = "AccessDeniedException";
    let group = stage.codedeploy.get_deployment_group().application_name("A").deployment_group_name("Staging");
    assert_eq!(refused(group.send().await).code, denied);
    assert_eq!(refused(stage.codedeploy.get_deployment().deployment_id(&id).send().await).code, denied);
    assert_eq!(refused(stage.codedeploy.batch_get_deployments().deployment_ids(&id).send().await).code, denied);
    let other = stage.codedeploy.get_deployment_group().application_name("B").deployment_group_name("Staging");
    other.send().await.expect("B is permitted");
    stage.codedeploy.list_deployment_targets().deployment_id(&id).send().await.expect("targets know no resource");
    stage.world.deploy("A", "Staging", None).expect_err("busy, and a person is permitted everything");
    assert_eq!(stage.world.forbid_application("C").unwrap_err().code, "ApplicationDoesNotExistException");
}
