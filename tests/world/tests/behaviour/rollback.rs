//! Automatic rollback and alarms.

use serde_json::{Value, json};
use world::Revision;

use crate::stage::{Stage, refused, setting, with};

/// One instance in service at build `A`; build `A-2` fails in `Install`.
fn failing(events: Value) -> Value {
    let mut setting = with(setting(), "/autoScalingGroups/0/desiredCapacity", json!(1));
    setting["applications"][0]["failure"] = json!({"event": "Install", "onlyRevision": "A-2"});
    setting["applications"][0]["autoRollbackConfiguration"] = json!({"enabled": true, "events": events});
    setting["applications"][0]["alarms"] = json!(["errors"]);
    setting
}

fn release(stage: &Stage, key: &str) -> String {
    stage.world.deploy("A", "Staging", Some(Revision::s3("bundles", key))).unwrap()
}

/// Creators and statuses of all deployments.
fn courses(stage: &Stage) -> Vec<(&'static str, &'static str)> {
    stage.world.report().deployments.iter().map(|deployment| (deployment.creator, deployment.status)).collect()
}

#[tokio::test]
async fn a_deployment_that_failed_is_undone_by_another_one() {
    let stage = Stage::new(failing(json!(["DEPLOYMENT_FAILURE"]))).await;
    let failed = release(&stage, "A-2");
    stage.world.advance(60.0);
    assert_eq!(courses(&stage), [("user", "Failed"), ("codeDeployRollback", "InProgress")]);
    let rollback = stage.world.report().deployments[1].clone();
    assert_eq!(rollback.created_at, stage.reported(&failed).ended_at.unwrap());
    assert_eq!(rollback.description, None);
    let of_failed = stage.deployment(&failed).await.rollback_info.unwrap();
    assert_eq!(of_failed.rollback_deployment_id(), Some(rollback.deployment_id.as_str()));
    let of_rollback = stage.deployment(&rollback.deployment_id).await;
    assert_eq!(of_rollback.creator.unwrap().as_str(), "codeDeployRollback");
    assert_eq!(of_rollback.revision.unwrap().s3_location.unwrap().key(), Some("A"));
    assert_eq!(of_rollback.rollback_info.unwrap().rollback_triggering_deployment_id(), Some(failed.as_str()));
    // It takes the group's one place.
    let call = stage.codedeploy.create_deployment().application_name("A").deployment_group_name("Staging");
    assert_eq!(refused(call.send().await).code, "DeploymentLimitExceededException");
    stage.world.advance(60.0);
    assert_eq!(courses(&stage)[1], ("codeDeployRollback", "Succeeded"));
}

#[tokio::test]
async fn the_configuration_says_after_which_ends() {
    for (events, enabled, fails, undone) in [
        (json!(["DEPLOYMENT_FAILURE"]), true, true, true),
        (json!(["DEPLOYMENT_FAILURE"]), false, true, false),
        (json!(["DEPLOYMENT_STOP_ON_REQUEST", "DEPLOYMENT_STOP_ON_ALARM"]), true, true, false),
        (json!(["DEPLOYMENT_STOP_ON_REQUEST"]), true, false, true),
        (json!(["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"]), true, false, false),
    ] {
        let setting =
            with(failing(events.clone()), "/applications/0/autoRollbackConfiguration/enabled", json!(enabled));
        let stage = Stage::new(setting).await;
        let id = release(&stage, "A-2");
        stage.world.advance(5.0);
        if !fails {
            stage.codedeploy.stop_deployment().deployment_id(&id).send().await.unwrap();
        }
        stage.world.advance(60.0);
        let ended = if fails { "Failed" } else { "Stopped" };
        assert_eq!(courses(&stage)[0], ("user", ended));
        assert_eq!(courses(&stage).len(), 1 + usize::from(undone), "{events} {enabled} {fails}");
    }
}

#[tokio::test]
async fn a_call_may_override_the_configuration() {
    for (own, undone) in [(None, true), (Some(false), false)] {
        let stage = Stage::new(failing(json!(["DEPLOYMENT_FAILURE"]))).await;
        let revision = aws_sdk_codedeploy::types::RevisionLocation::builder()
            .revision_type(aws_sdk_codedeploy::types::RevisionLocationType::S3)
            .s3_location(aws_sdk_codedeploy::types::S3Location::builder().bucket("bundles").key("A-2").build());
        let own =
            own.map(|enabled| aws_sdk_codedeploy::types::AutoRollbackConfiguration::builder().enabled(enabled).build());
        let call = stage.codedeploy.create_deployment().application_name("A").deployment_group_name("Staging");
        let call = call.revision(revision.build()).set_auto_rollback_configuration(own);
        let id = call.send().await.unwrap().deployment_id.unwrap();
        stage.world.advance(60.0);
        assert_eq!(courses(&stage).len(), 1 + usize::from(undone));
        let enabled = stage.deployment(&id).await.auto_rollback_configuration.unwrap().enabled;
        assert_eq!(enabled, undone);
    }
}

#[tokio::test]
async fn who_stops_a_deployment_may_say_whether_it_is_undone() {
    for (events, own, undone) in [
        (json!([]), Some(true), true),
        (json!(["DEPLOYMENT_STOP_ON_REQUEST"]), Some(false), false),
        (json!(["DEPLOYMENT_STOP_ON_REQUEST"]), None, true),
    ] {
        let stage = Stage::new(failing(events.clone())).await;
        let id = release(&stage, "A-3");
        stage.world.advance(5.0);
        let stop = stage.codedeploy.stop_deployment().deployment_id(&id).set_auto_rollback_enabled(own);
        stop.send().await.unwrap();
        stage.world.advance(20.0);
        assert_eq!(courses(&stage).len(), 1 + usize::from(undone), "{events} {own:?}");
    }
}

/// It reaches those that the failed one reached, also one that waits at its hook, and is not undone itself.
#[tokio::test]
async fn a_rollback_reaches_the_instances_of_what_it_undoes() {
    let mut setting = failing(json!(["DEPLOYMENT_FAILURE"]));
    setting["applications"][0]["failure"] = json!({"event": "Install"});
    setting["applications"][0]["deploymentConfigName"] = json!("CodeDeployDefault.AllAtOnce");
    let stage = Stage::new(setting).await;
    let waiting = stage.launch_and_boot();
    let failed = release(&stage, "A-2");
    stage.world.advance(3.0);
    let late = stage.launch_and_boot();
    stage.world.advance(120.0);
    assert_eq!(courses(&stage), [("user", "Failed"), ("codeDeployRollback", "Failed")]);
    let rollback = stage.world.report().deployments[1].instance_ids.clone();
    assert!(rollback.contains(&waiting) && !rollback.contains(&late), "{rollback:?}");
    assert_eq!(rollback.len(), stage.reported(&failed).instance_ids.len());
}

#[tokio::test]
async fn nothing_is_undone_where_there_is_nothing_to_go_back_to() {
    let mut setting = failing(json!(["DEPLOYMENT_FAILURE"]));
    (setting["applications"][0]["revision"], setting["applications"][0]["previousDeploymentSeconds"]) =
        (json!(null), json!(null));
    let stage = Stage::new(setting).await;
    release(&stage, "A-2");
    stage.world.advance(60.0);
    assert_eq!(courses(&stage), [("user", "Failed")]);
}

#[tokio::test]
async fn an_alarm_stops_the_deployment_at_work() {
    let stage = Stage::new(failing(json!([]))).await;
    let id = release(&stage, "A-3");
    stage.world.advance(5.0);
    stage.world.set_alarm("errors", true).unwrap();
    stage.world.advance(20.0);
    assert_eq!(
        (courses(&stage), stage.error_code(&id).await.as_deref()),
        (vec![("user", "Stopped")], Some("ALARM_ACTIVE"))
    );
    let b = stage.update("B").await;
    stage.world.advance(5.0);
    assert_eq!(stage.error_code(&b).await.as_deref(), Some("NO_INSTANCES"), "B has no alarm");
}

#[tokio::test]
async fn an_alarm_that_is_on_stops_every_new_deployment_until_it_is_off() {
    let stage = Stage::new(failing(json!([]))).await;
    stage.world.set_alarm("errors", true).unwrap();
    let (first, target) = (release(&stage, "A-3"), stage.world.report().instances[0].instance_id.clone());
    stage.world.advance(5.0);
    assert_eq!(stage.error_code(&first).await.as_deref(), Some("ALARM_ACTIVE"));
    assert_eq!(stage.target_status(&first, &target).await, "Skipped");
    stage.world.set_alarm("errors", false).unwrap();
    let second = release(&stage, "A-3");
    stage.world.advance(80.0);
    assert_eq!(stage.status(&second).await, "Succeeded");
    assert_eq!(stage.world.set_alarm("other", true).unwrap_err().code, "ResourceNotFound");
}

/// The alarm is still on when the deployment that it stopped is undone.
#[tokio::test]
async fn an_alarm_lets_a_rollback_through() {
    let stage = Stage::new(failing(json!(["DEPLOYMENT_STOP_ON_ALARM"]))).await;
    release(&stage, "A-3");
    stage.world.advance(5.0);
    stage.world.set_alarm("errors", true).unwrap();
    stage.world.advance(120.0);
    assert_eq!(courses(&stage), [("user", "Stopped"), ("codeDeployRollback", "Succeeded")]);
}

#[tokio::test]
async fn a_group_shows_its_rollback_and_its_alarms() {
    let stage = Stage::new(failing(json!(["DEPLOYMENT_FAILURE"]))).await;
    let group = async |application: &str| {
        let call = stage.codedeploy.get_deployment_group().application_name(application);
        call.deployment_group_name("Staging").send().await.unwrap().deployment_group_info.unwrap()
    };
    let a = group("A").await;
    let (rollback, alarms) = (a.auto_rollback_configuration.unwrap(), a.alarm_configuration.unwrap());
    assert!(rollback.enabled && alarms.enabled);
    assert_eq!(rollback.events()[0].as_str(), "DEPLOYMENT_FAILURE");
    assert_eq!(alarms.alarms()[0].name(), Some("errors"));
    let b = group("B").await;
    assert!(!b.auto_rollback_configuration.unwrap().enabled && !b.alarm_configuration.unwrap().enabled);
}

#[tokio::test]
async fn a_call_may_turn_the_alarms_off() {
    let stage = Stage::new(failing(json!([]))).await;
    stage.world.set_alarm("errors", true).unwrap();
    let off = aws_sdk_codedeploy::types::AlarmConfiguration::builder().enabled(false).build();
    let call = stage.codedeploy.create_deployment().application_name("A").deployment_group_name("Staging");
    let id = call.override_alarm_configuration(off).send().await.unwrap().deployment_id.unwrap();
    stage.world.advance(80.0);
    assert_eq!(stage.status(&id).await, "Succeeded");
}
