//! Each switch, both ways.

use serde_json::{Value, json};
use world::Revision;

use crate::stage::{Stage, refused, setting, with};

fn switched(fact: &str, value: Value) -> Value {
    let mut setting = with(setting(), "/autoScalingGroups/0/desiredCapacity", json!(1));
    setting["openFacts"] = json!({fact: value});
    setting
}

#[tokio::test]
async fn nothing_outdated() {
    let table: [(&str, &str, Option<&str>, &[&str]); 3] = [
        ("failedNoInstances", "Failed", Some("NO_INSTANCES"), &[]),
        ("succeededWithoutTargets", "Succeeded", None, &[]),
        ("targetsSkipped", "Succeeded", None, &["Skipped"]),
    ];
    for (switch, status, error_code, targets) in table {
        let stage = Stage::new(switched("nothingOutdated", json!(switch))).await;
        let id = stage.update("A").await;
        stage.world.advance(10.0);
        let report = stage.reported(&id);
        assert_eq!((report.status, report.error_code), (status, error_code), "{switch}");
        assert_eq!(report.targets.iter().map(|target| target.status).collect::<Vec<_>>(), targets, "{switch}");
    }
}

#[tokio::test]
async fn nothing_outdated_as_an_exception() {
    let stage = Stage::new(switched("nothingOutdated", json!("exception"))).await;
    let create = || {
        let call = stage.codedeploy.create_deployment().application_name("A").deployment_group_name("Staging");
        call.update_outdated_instances_only(true).send()
    };
    let refusal = refused(create().await);
    assert_eq!(
        (refusal.code.as_str(), refusal.message.as_str()),
        ("InvalidInputException", "No instances to deploy to")
    );
    stage.launch_and_boot();
    assert!(create().await.is_ok(), "an instance is outdated now");
}

#[tokio::test]
async fn nothing_outdated_as_another_exception() {
    let mut setting = switched("nothingOutdated", json!("exception"));
    setting["openFacts"]["nothingOutdatedException"] =
        json!({"code": "NothingToDoException", "message": "all is well"});
    let stage = Stage::new(setting).await;
    let call = stage.codedeploy.create_deployment().application_name("A").deployment_group_name("Staging");
    let refusal = refused(call.update_outdated_instances_only(true).send().await);
    assert_eq!((refusal.code.as_str(), refusal.message.as_str()), ("NothingToDoException", "all is well"));
    assert_eq!(stage.world.report().calls[0].outcome, "NothingToDoException");
}

#[tokio::test]
async fn the_target_revision_after_a_failure() {
    for (moves, expected) in [(true, "a-2.zip"), (false, "A")] {
        let setting = switched("targetRevisionMovesOnFailure", json!(moves));
        let stage = Stage::new(with(setting, "/applications/0/failure", json!({"event": "Install"}))).await;
        let id = stage.world.deploy("A", "Staging", Some(Revision::s3("bundles", "a-2.zip"))).unwrap();
        stage.world.advance(100.0);
        assert_eq!(stage.status(&id).await, "Failed");
        let call = stage.codedeploy.get_deployment_group().application_name("A").deployment_group_name("Staging");
        let group = call.send().await.unwrap().deployment_group_info.unwrap();
        assert_eq!(group.target_revision().unwrap().s3_location().unwrap().key(), Some(expected));
        assert_eq!(group.last_attempted_deployment().unwrap().deployment_id(), Some(id.as_str()));
        assert_ne!(group.last_successful_deployment().unwrap().deployment_id(), Some(id.as_str()));
    }
}

#[tokio::test]
async fn an_instance_in_pending_wait_and_a_selection_by_auto_scaling_group() {
    for (reaches, expected) in [(true, 1), (false, 0)] {
        let mut setting = switched("autoScalingSelectionReachesPendingWait", json!(reaches));
        setting["applications"][0]["selection"] = json!({"autoScalingGroups": ["web"]});
        setting["applications"][0]["managedHooks"] = json!(false);
        let stage = Stage::new(setting).await;
        let waiting = stage.launch_and_boot();
        let id = stage.update("A").await;
        stage.world.advance(100.0);
        let reached = stage.reported(&id).instance_ids;
        assert_eq!(reached.iter().filter(|id| **id == waiting).count(), expected);
    }
}

#[tokio::test]
async fn the_limit_message_and_the_active_deployment() {
    for names in [true, false] {
        let stage = Stage::new(switched("limitMessageNamesDeployment", json!(names))).await;
        let active = stage.world.deploy("A", "Staging", None).unwrap();
        let call = stage.codedeploy.create_deployment().application_name("A").deployment_group_name("Staging");
        let refusal = refused(call.send().await);
        assert_eq!(refusal.code, "DeploymentLimitExceededException");
        assert_eq!(refusal.message.contains(&active), names, "{}", refusal.message);
    }
}
