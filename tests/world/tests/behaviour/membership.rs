//! Which instances a deployment contains.

use serde_json::json;

use crate::stage::{Stage, refused, setting, with};

/// The deployment is created at 9 s and starts at 11 s. In between one instance comes to its hook, and one is terminated.
#[tokio::test]
async fn who_is_in_a_deployment_is_decided_when_it_is_created() {
    let stage = Stage::new(with(setting(), "/autoScalingGroups/0/desiredCapacity", json!(2))).await;
    let ids: Vec<String> = stage.world.report().instances.into_iter().map(|instance| instance.instance_id).collect();
    let late = stage.world.launch("web").unwrap();
    stage.world.advance(9.0);
    let id = stage.world.deploy("A", "Staging", None).unwrap();
    stage.world.advance(1.5);
    assert_eq!(stage.state(&late), "Pending:Wait");
    stage.world.terminate(&ids[0]).unwrap();
    stage.world.advance(10.0);
    let mut contained = stage.reported(&id).instance_ids;
    contained.sort_unstable();
    let mut expected = ids.clone();
    expected.sort_unstable();
    assert_eq!(contained, expected);
    let absent = stage.codedeploy.get_deployment_target().deployment_id(&id).target_id(&late).send().await;
    assert_eq!(refused(absent).code, "DeploymentTargetDoesNotExistException");
}
