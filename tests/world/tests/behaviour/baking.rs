//! Deployments that bake after their last target.

use serde_json::json;

use crate::stage::{Stage, refused, setting, with};

/// A bakes for 300 s. Its deployment to the one instance in service, which takes 72 s, has come to an end there.
async fn baking() -> (Stage, String) {
    let mut setting = with(setting(), "/autoScalingGroups/0/desiredCapacity", json!(1));
    setting["applications"][0]["bakeSeconds"] = json!(300);
    setting["applications"][0]["alarms"] = json!(["errors"]);
    let stage = Stage::new(setting).await;
    let id = stage.world.deploy("A", "Staging", None).unwrap();
    stage.world.advance(80.0);
    (stage, id)
}

#[tokio::test]
async fn a_deployment_whose_targets_have_succeeded_bakes() {
    let (stage, id) = baking().await;
    assert_eq!((stage.status(&id).await.as_str(), stage.overview(&id).await), ("Baking", [0, 0, 1, 0, 0, 0]));
    // It holds the group's place, and is none of those that are usually asked for.
    let call = stage.codedeploy.create_deployment().application_name("A").deployment_group_name("Staging");
    assert_eq!(refused(call.send().await).code, "DeploymentLimitExceededException");
    let list = async |status: &str| {
        let call = stage.codedeploy.list_deployments().application_name("A").deployment_group_name("Staging");
        let answer = call.include_only_statuses(status.into()).send().await.unwrap();
        answer.deployments.unwrap_or_default()
    };
    for (status, listed) in [("Created", 0), ("Queued", 0), ("InProgress", 0), ("Baking", 1)] {
        assert_eq!(list(status).await.len(), listed, "{status}");
    }
    stage.world.advance(300.0);
    assert_eq!(stage.status(&id).await, "Succeeded");
    assert_eq!(stage.reported(&id).ended_at, Some(372.0));
}

#[tokio::test]
async fn what_bakes_may_be_stopped_by_somebody_or_by_an_alarm() {
    let (by_call, id) = baking().await;
    by_call.codedeploy.stop_deployment().deployment_id(&id).send().await.unwrap();
    assert_eq!(by_call.error_code(&id).await.as_deref(), Some("MANUAL_STOP"));
    let (by_alarm, id) = baking().await;
    by_alarm.world.set_alarm("errors", true).unwrap();
    assert_eq!(by_alarm.error_code(&id).await.as_deref(), Some("ALARM_ACTIVE"));
    for stage in [by_call, by_alarm] {
        stage.world.advance(400.0);
        assert_eq!(stage.world.report().deployments[0].status, "Stopped");
    }
}
