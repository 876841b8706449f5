//! Each switch, both ways.

use serde_json::{Value, json};
use world::{Breach, Revision};

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

/// The agent is in its second lifecycle event when its deployment is stopped; another deployment comes to the instance meanwhile.
#[tokio::test]
async fn a_deployment_that_is_stopped_while_an_agent_is_at_work() {
    for (immediate, stopped) in [(true, "Stopped"), (false, "InProgress")] {
        let stage = Stage::new(switched("stopIsImmediate", json!(immediate))).await;
        let instance = stage.launch_and_boot();
        let id = stage.update("A").await;
        stage.world.advance(2.0 + 5.0);
        let stop = stage.codedeploy.stop_deployment().deployment_id(&id).send().await.unwrap();
        let answered = if immediate { "Succeeded" } else { "Pending" };
        assert_eq!((stop.status().unwrap().as_str(), stage.status(&id).await.as_str()), (answered, stopped));
        assert_eq!(stage.overview(&id).await, [0, 1, 0, 0, 0, 0], "{immediate}");
        let next = stage.update("B").await;
        stage.world.advance(3.0);
        let violations = stage.world.report().violations;
        let is_next = |breach: &Breach| matches!(breach, Breach::TwoAtWork { overlap } if overlap.involves(&next));
        assert!(matches!(violations.as_slice(), [one] if is_next(&one.breach)), "{immediate}: {violations:?}");
        stage.world.advance(3.0);
        assert_eq!(
            (stage.target_status(&id, &instance).await.as_str(), stage.status(&id).await.as_str()),
            ("Failed", "Stopped")
        );
        let statuses = stage.event_statuses(&id, &instance).await;
        assert_eq!(statuses[..3], ["Succeeded", "Succeeded", "Skipped"], "{immediate}");
    }
}

#[tokio::test]
async fn a_deployment_that_is_stopped_at_once_frees_its_group() {
    let stage = Stage::new(switched("stopIsImmediate", json!(true))).await;
    stage.launch_and_boot();
    let id = stage.update("A").await;
    stage.world.advance(2.0 + 5.0);
    stage.codedeploy.stop_deployment().deployment_id(&id).send().await.unwrap();
    let ended_at = stage.reported(&id).ended_at;
    stage.update("A").await;
    stage.world.advance(100.0);
    assert_eq!((stage.status(&id).await.as_str(), stage.reported(&id).ended_at), ("Stopped", ended_at));
}

/// The service hears nothing of the agent any more; it gives the target up after an hour.
#[tokio::test]
async fn a_deployment_that_is_stopped_at_once_while_its_instance_is_gone() {
    let stage = Stage::new(switched("stopIsImmediate", json!(true))).await;
    let instance = stage.launch_and_boot();
    let id = stage.update("A").await;
    stage.world.advance(2.0 + 5.0);
    stage.world.terminate(&instance).unwrap();
    stage.codedeploy.stop_deployment().deployment_id(&id).send().await.unwrap();
    stage.world.advance(3599.0);
    assert_eq!(
        (stage.status(&id).await.as_str(), stage.target_status(&id, &instance).await.as_str()),
        ("Stopped", "InProgress")
    );
    stage.world.advance(1.0);
    assert_eq!(stage.target_status(&id, &instance).await, "Failed");
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

/// A deployment of the same revision meets another one on the instance, and its command is never begun. Whether the instance is outdated
/// then is CodeDeploy's own notion.
#[tokio::test]
async fn an_instance_whose_last_deployment_failed_is_outdated_or_not() {
    for (by_last_success, chosen) in [(true, vec![]), (false, vec!["Succeeded"])] {
        let mut setting = switched("outdatedByLastSuccess", json!(by_last_success));
        setting["applications"][1]["lifecycleEventSeconds"]["Install"] = json!(400);
        let stage = Stage::new(setting).await;
        stage.world.deploy("B", "Staging", None).unwrap();
        stage.world.advance(20.0);
        let same = stage.world.deploy("A", "Staging", None).unwrap();
        stage.world.advance(500.0);
        assert_eq!(stage.status(&same).await, "Failed");
        let next = stage.update("A").await;
        stage.world.advance(100.0);
        let targets: Vec<_> = stage.reported(&next).targets.iter().map(|target| target.status).collect();
        assert_eq!(targets, chosen, "{by_last_success}");
    }
}
