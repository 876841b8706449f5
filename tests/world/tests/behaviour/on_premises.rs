//! On-premises instances in deployment groups.

use serde_json::{Value, json};
use world::Revision;

use crate::stage::{Stage, setting, with};

/// `rack-1` belongs to A and to B, `rack-2` to A.
fn racks() -> Value {
    let mut setting = with(setting(), "/autoScalingGroups/0/desiredCapacity", json!(1));
    setting["applications"][0]["onPremisesInstances"] = json!(["rack-1", "rack-2"]);
    setting["applications"][1]["onPremisesInstances"] = json!(["rack-1"]);
    setting
}

#[tokio::test]
async fn they_are_targets_by_their_names() {
    let stage = Stage::new(racks()).await;
    let instance = stage.world.report().instances[0].instance_id.clone();
    let id = stage.world.deploy("A", "Staging", Some(Revision::s3("bundles", "A-2"))).unwrap();
    stage.world.advance(5.0);
    let mut contained = stage.reported(&id).instance_ids;
    contained.sort_unstable();
    assert_eq!(contained, [instance.as_str(), "rack-1", "rack-2"]);
    let target = stage.target(&id, "rack-1").await;
    let arn = "arn:aws:codedeploy:us-east-1:123456789012:instance/rack-1";
    assert_eq!((target.target_id(), target.target_arn()), (Some("rack-1"), Some(arn)));
    assert_eq!(stage.target(&id, arn).await.target_id(), Some("rack-1"), "and by their ARNs");
    stage.world.advance(300.0);
    assert_eq!(stage.overview(&id).await, [0, 0, 3, 0, 0, 0]);
    // B has been deployed to two of them before.
    let call = stage.codedeploy.list_deployments().application_name("B").deployment_group_name("Staging");
    let before = call.send().await.unwrap().deployments.unwrap().remove(0);
    assert_eq!(stage.overview(&before).await, [0, 0, 2, 0, 0, 0]);
}

#[tokio::test]
async fn auto_scaling_does_not_know_them() {
    let stage = Stage::new(racks()).await;
    assert_eq!(stage.world.report().instances.len(), 1);
    let all = stage.autoscaling.describe_auto_scaling_instances().send().await.unwrap();
    assert_eq!(all.auto_scaling_instances().len(), 1);
    let named = stage.autoscaling.describe_auto_scaling_instances().instance_ids("rack-1").send().await.unwrap();
    assert!(named.auto_scaling_instances().is_empty());
    assert_eq!(stage.world.terminate("rack-1").unwrap_err().code, "ValidationError");
}

/// Two deployments at work on one of them, and one whose agent is dead.
#[tokio::test]
async fn what_holds_for_instances_holds_for_them() {
    let mut setting = with(racks(), "/autoScalingGroups/0/desiredCapacity", json!(0));
    setting["applications"][0]["deploymentConfigName"] = json!("CodeDeployDefault.AllAtOnce");
    let stage = Stage::new(setting).await;
    stage.world.silence_agent("rack-2").unwrap();
    let a = stage.world.deploy("A", "Staging", Some(Revision::s3("bundles", "A-2"))).unwrap();
    stage.world.deploy("B", "Staging", Some(Revision::s3("bundles", "B-2"))).unwrap();
    stage.world.advance(4000.0);
    let collisions = stage.world.report().collisions;
    assert_eq!(collisions.iter().map(|one| one.overlap.instance_id.as_str()).collect::<Vec<_>>(), ["rack-1"]);
    assert_eq!(stage.target_status(&a, "rack-2").await, "Failed");
}
