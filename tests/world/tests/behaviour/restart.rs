//! Deployments of mode `RESTART`.

use serde_json::json;
use world::Revision;

use crate::stage::{Stage, refused, setting, with};

#[tokio::test]
async fn a_restart_runs_three_lifecycle_events_and_brings_nothing() {
    for names_revision in [true, false] {
        let mut setting = with(setting(), "/autoScalingGroups/0/desiredCapacity", json!(1));
        setting["openFacts"] = json!({"restartNamesRevision": names_revision});
        let stage = Stage::new(setting).await;
        let fresh = stage.launch_and_boot();
        let id = stage.world.restart("A", "Staging").unwrap();
        stage.world.advance(70.0);
        assert_eq!(stage.status(&id).await, "Succeeded");
        let events = stage.target(&id, &fresh).await.lifecycle_events.unwrap();
        let names: Vec<_> = events.iter().filter_map(|event| event.lifecycle_event_name()).collect();
        assert_eq!(names, ["ApplicationStop", "ApplicationStart", "ValidateService"]);
        let information = stage.deployment(&id).await;
        assert_eq!(information.deployment_mode.unwrap().as_str(), "RESTART");
        assert_eq!(information.revision.is_some(), names_revision);
        let group = stage.codedeploy.get_deployment_group().application_name("A").deployment_group_name("Staging");
        let group = group.send().await.unwrap().deployment_group_info.unwrap();
        assert_eq!(group.last_successful_deployment.unwrap().deployment_id(), Some(id.as_str()));
        // It succeeded on an instance that has nothing: that is outdated as before.
        let update = stage.update("A").await;
        stage.world.advance(5.0);
        assert_eq!(stage.reported(&update).instance_ids, [fresh.as_str()]);
    }
}

/// The instance stays at its build, and the group's current one stays current.
#[tokio::test]
async fn a_restart_that_fails_changes_no_build_either() {
    for outdated_by_last_success in [true, false] {
        let mut setting = with(setting(), "/autoScalingGroups/0/desiredCapacity", json!(1));
        setting["applications"][0]["failure"] = json!({"event": "ApplicationStart", "times": 1});
        setting["openFacts"] = json!({"outdatedByLastSuccess": outdated_by_last_success});
        let stage = Stage::new(setting).await;
        let id = stage.world.restart("A", "Staging").unwrap();
        stage.world.advance(70.0);
        assert_eq!(stage.status(&id).await, "Failed");
        let update = stage.update("A").await;
        stage.world.advance(5.0);
        assert_eq!(stage.error_code(&update).await.as_deref(), Some("NO_INSTANCES"), "nothing is outdated");
    }
}

/// An instance is let in after a restart has failed there: its application is at its current revision all the same.
#[tokio::test]
async fn a_failed_restart_keeps_nobody_out() {
    let mut setting = with(setting(), "/autoScalingGroups/0/requiredApplications", json!(["A/Staging"]));
    setting["applications"][0]["failure"] = json!({"event": "ApplicationStop"});
    let stage = Stage::new(setting).await;
    let instance = stage.launch_and_boot();
    stage.update("A").await;
    stage.world.advance(70.0);
    let id = stage.world.restart("A", "Staging").unwrap();
    stage.world.advance(200.0);
    assert_eq!(stage.target_status(&id, &instance).await, "Failed");
    stage.complete(&instance, "CONTINUE").await.unwrap();
    assert_eq!(stage.world.report().violations, []);
}

#[tokio::test]
async fn a_restart_takes_no_revision() {
    let stage = Stage::new(setting()).await;
    let call = || {
        let call = stage.codedeploy.create_deployment().application_name("A").deployment_group_name("Staging");
        call.deployment_mode(aws_sdk_codedeploy::types::DeploymentMode::Restart)
    };
    let location = aws_sdk_codedeploy::types::RevisionLocation::builder().build();
    assert_eq!(refused(call().revision(location).send().await).code, "InvalidInputException");
    assert_eq!(refused(call().update_outdated_instances_only(true).send().await).code, "InvalidInputException");
    call().send().await.unwrap();

    let mut never = setting();
    (never["applications"][0]["revision"], never["applications"][0]["previousDeploymentSeconds"]) =
        (json!(null), json!(null));
    let never = Stage::new(never).await;
    assert_eq!(never.world.restart("A", "Staging").unwrap_err().code, "RevisionRequiredException");
    never.world.deploy("A", "Staging", Some(Revision::s3("bundles", "A"))).unwrap();
}
