//! `StopDeployment`.

use aws_sdk_codedeploy::types::{DeploymentStatus, StopStatus};
use serde_json::json;

use crate::stage::{Stage, refused, setting, with};

#[tokio::test]
async fn stopping_skips_what_waits_and_lets_the_present_event_end() {
    let stage = Stage::new(with(setting(), "/autoScalingGroups/0/desiredCapacity", json!(2))).await;
    let id = stage.world.deploy("A", "Staging", None).unwrap();
    stage.world.advance(2.0 + 15.0);
    let stop = || stage.codedeploy.stop_deployment().deployment_id(&id).send();
    assert_eq!(stop().await.unwrap().status(), Some(&StopStatus::Pending));
    let instances = stage.reported(&id).instance_ids;
    assert_eq!(stage.target_status(&id, &instances[0]).await, "InProgress");
    assert_eq!(stage.target_status(&id, &instances[1]).await, "Skipped");
    stage.world.advance(5.0);
    let statuses = stage.event_statuses(&id, &instances[0]).await;
    assert_eq!(statuses[..3], ["Succeeded", "Succeeded", "Skipped"]);
    assert_eq!(stage.target_status(&id, &instances[0]).await, "Failed");
    assert_eq!(stage.status(&id).await, "Stopped");
    assert_eq!(refused(stop().await).code, "DeploymentAlreadyCompletedException");

    let unstarted = stage.world.deploy("A", "Staging", None).unwrap();
    let answer = stage.codedeploy.stop_deployment().deployment_id(&unstarted).send().await.unwrap();
    assert_eq!(answer.status(), Some(&StopStatus::Succeeded));
    stage.world.advance(10.0);
    assert_eq!(stage.status(&unstarted).await, "Stopped");
}

/// One target has succeeded; of the others one's agent is dead, one's instance was terminated, and one's agent answers after the stop.
#[tokio::test]
async fn stopping_ends_at_once_when_nothing_that_is_left_has_begun() {
    let setting = with(setting(), "/applications/0/deploymentConfigName", json!("CodeDeployDefault.AllAtOnce"));
    let setting = with(setting, "/autoScalingGroups/0/agentSeconds", json!(600));
    let stage = Stage::new(with(setting, "/autoScalingGroups/0/desiredCapacity", json!(1))).await;
    let done = stage.world.report().instances[0].instance_id.clone();
    let [dead, gone, late] = stage.world.launch_over("web", 3, 0.0).unwrap().try_into().unwrap();
    stage.world.silence_agent(&dead).unwrap();
    stage.world.advance(10.0);
    let id = stage.world.deploy("A", "Staging", None).unwrap();
    stage.world.advance(10.0);
    stage.world.terminate(&gone).unwrap();
    stage.world.advance(70.0);
    assert_eq!(stage.overview(&id).await, [3, 0, 1, 0, 0, 0]);

    let stop = stage.codedeploy.stop_deployment().deployment_id(&id).auto_rollback_enabled(false);
    assert_eq!(stop.send().await.unwrap().status(), Some(&StopStatus::Succeeded));
    let stopped = stage.deployment(&id).await;
    assert_eq!(
        (stopped.status(), stage.error_code(&id).await.as_deref()),
        (Some(&DeploymentStatus::Stopped), Some("MANUAL_STOP"))
    );
    let took = stopped.complete_time().unwrap().as_secs_f64() - stopped.create_time().unwrap().as_secs_f64();
    assert!((took - 80.0).abs() < 0.01, "{took}");
    for instance in [&dead, &gone, &late] {
        assert_eq!(stage.target_status(&id, instance).await, "Skipped");
        assert_eq!(stage.event_statuses(&id, instance).await, ["Skipped"; 7]);
    }
    assert_eq!(stage.target_status(&id, &done).await, "Succeeded");
    let call = stage.world.report().calls.into_iter().find(|call| call.operation == "StopDeployment").unwrap();
    assert_eq!(call.parameters["autoRollbackEnabled"], json!(false));

    // The group is free, and the time-outs of what was skipped mean nothing any more.
    let next = stage.world.deploy("A", "Staging", None).unwrap();
    stage.codedeploy.stop_deployment().deployment_id(next).send().await.unwrap();
    stage.world.advance(4000.0);
    assert_eq!(stage.overview(&id).await, [0, 0, 1, 0, 3, 0]);
    assert_eq!(stage.status(&id).await, "Stopped");
}

#[tokio::test]
async fn stopping_ends_at_once_what_is_between_two_lifecycle_events() {
    let stage = Stage::new(setting()).await;
    let instance = stage.launch_and_boot();
    let id = stage.update("A").await;
    stage.world.advance(2.0 + 15.0);
    stage.world.silence_agent(&instance).unwrap();
    stage.world.advance(10.0);
    let answer = stage.codedeploy.stop_deployment().deployment_id(&id).send().await.unwrap();
    assert_eq!((answer.status(), stage.status(&id).await.as_str()), (Some(&StopStatus::Succeeded), "Stopped"));
    assert_eq!(stage.overview(&id).await, [0, 0, 0, 1, 0, 0]);
    assert_eq!(stage.event_statuses(&id, &instance).await[2..4], ["Succeeded", "Skipped"]);
}

/// The service does not hear of the termination: it waits for the end of the lifecycle event.
#[tokio::test]
async fn stopping_waits_for_what_was_at_work_on_a_terminated_instance() {
    let stage = Stage::new(setting()).await;
    let instance = stage.launch_and_boot();
    let id = stage.update("A").await;
    stage.world.advance(2.0 + 15.0);
    stage.world.terminate(&instance).unwrap();
    let answer = stage.codedeploy.stop_deployment().deployment_id(&id).send().await.unwrap();
    assert_eq!(answer.status(), Some(&StopStatus::Pending));
    stage.world.advance(3599.0);
    assert_eq!((stage.status(&id).await.as_str(), stage.overview(&id).await), ("InProgress", [0, 1, 0, 0, 0, 0]));
    stage.world.advance(1.0);
    assert_eq!((stage.status(&id).await.as_str(), stage.overview(&id).await), ("Stopped", [0, 0, 0, 1, 0, 0]));
}

/// Nobody has called StopDeployment, so no rule asks whose the deployment was.
#[tokio::test]
async fn a_person_stops_a_deployment() {
    let stage = Stage::new(with(setting(), "/autoScalingGroups/0/desiredCapacity", json!(1))).await;
    let id = stage.world.deploy("A", "Staging", None).unwrap();
    stage.world.stop_deployment(&id).unwrap();
    assert_eq!(
        (stage.status(&id).await.as_str(), stage.error_code(&id).await.as_deref()),
        ("Stopped", Some("MANUAL_STOP"))
    );
    assert_eq!(stage.world.report().violations, []);
    assert_eq!(stage.world.stop_deployment(&id).unwrap_err().code, "DeploymentAlreadyCompletedException");
    assert_eq!(stage.world.stop_deployment("d-NOBODY000").unwrap_err().code, "DeploymentDoesNotExistException");
}
