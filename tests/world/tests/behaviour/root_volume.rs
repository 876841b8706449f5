//! Instances whose root volume is replaced.

use serde_json::json;
use world::{Breach, Kind};

use crate::stage::{Stage, setting, with};

/// One instance in service, which needs A, in a world whose launch hooks hold such an instance up or do not.
async fn stage(hook: &str) -> (Stage, String) {
    let mut setting = with(setting(), "/autoScalingGroups/0/desiredCapacity", json!(1));
    setting["autoScalingGroups"][0]["requiredApplications"] = json!(["A/Staging"]);
    setting["openFacts"] = json!({"rootVolumeHook": hook});
    let stage = Stage::new(setting).await;
    let instance = stage.world.report().instances[0].instance_id.clone();
    (stage, instance)
}

/// Whether CodeDeploy finds the instance outdated, as one on whose disk nothing is.
async fn is_empty(stage: &Stage) -> bool {
    let id = stage.update("A").await;
    stage.world.advance(3.0);
    let is_empty = stage.error_code(&id).await.is_none();
    stage.codedeploy.stop_deployment().deployment_id(&id).send().await.ok();
    is_empty
}

#[tokio::test]
async fn an_instance_keeps_its_id_and_loses_its_disk() {
    let (stage, instance) = stage("none").await;
    stage.world.replace_root_volume(&instance).unwrap();
    let mut states = Vec::new();
    for _ in 0..4 {
        states.push(stage.state(&instance));
        stage.world.advance(10.0);
    }
    let expected = ["ReplacingRootVolume", "ReplacingRootVolume:Proceed", "RootVolumeReplaced", "InService"];
    assert_eq!(states, expected);
    let report = stage.world.report();
    assert_eq!(
        (report.instances.len(), report.hook_actions.len()),
        (1, 0),
        "it counts all the while, and no hook fires"
    );
    assert!(is_empty(&stage).await);
    assert_eq!(stage.world.replace_root_volume("i-none").unwrap_err().code, "ValidationError");
}

#[tokio::test]
async fn a_launch_hook_holds_it_up_before_or_after_or_not_at_all() {
    for (hook, is_emptied) in [("before", false), ("after", true)] {
        let (stage, instance) = stage(hook).await;
        let mut events = stage.world.events();
        stage.world.replace_root_volume(&instance).unwrap();
        stage.world.advance(20.0);
        assert_eq!(stage.state(&instance), "ReplacingRootVolume:Wait");
        let event = events.try_recv().unwrap();
        assert_eq!(event["detail"]["EC2InstanceId"], instance.as_str());
        assert_eq!(
            (&event["detail"]["Origin"], &event["detail"]["Destination"]),
            (&json!("AutoScalingGroup"), &json!("AutoScalingGroup"))
        );
        assert_eq!(is_empty(&stage).await, is_emptied, "{hook}");
        stage.world.advance(60.0);
        stage.complete(&instance, "CONTINUE").await.unwrap();
        // What is on its old disk is of no use to anybody who lets it in with an empty one.
        let found = stage.world.report().violations;
        let kinds: Vec<Kind> = found.iter().map(|violation| violation.kind()).collect();
        assert_eq!(kinds, if is_emptied { vec![Kind::LetInWithoutApplications] } else { vec![] });
        stage.world.advance(30.0);
        assert_eq!(stage.state(&instance), "InService");
        assert!(is_empty(&stage).await, "{hook}");
    }
}

#[tokio::test]
async fn a_hook_that_is_abandoned_terminates_it() {
    let (stage, instance) = stage("after").await;
    stage.world.replace_root_volume(&instance).unwrap();
    stage.world.advance(20.0);
    stage.complete(&instance, "ABANDON").await.unwrap();
    assert_eq!(stage.state(&instance), "Terminating");
    assert!(!stage.world.report().violations.iter().any(|one| matches!(one.breach, Breach::HookTimedOut { .. })));
}

/// The agent knows nothing of the deployment that it was at work on, and the service gives that up after an hour.
#[tokio::test]
async fn what_is_at_work_meanwhile_is_forgotten() {
    let (stage, instance) = stage("none").await;
    let id = stage.world.deploy("A", "Staging", None).unwrap();
    stage.world.advance(20.0);
    stage.world.replace_root_volume(&instance).unwrap();
    stage.world.advance(3000.0);
    assert_eq!(
        (stage.state(&instance), stage.target_status(&id, &instance).await.as_str()),
        ("InService", "InProgress")
    );
    stage.world.advance(700.0);
    assert_eq!(stage.target_status(&id, &instance).await, "Failed");
}

/// What has succeeded before the disk was replaced proves nothing.
#[tokio::test]
async fn a_success_before_is_none_after() {
    let (stage, instance) = stage("after").await;
    let before = stage.world.deploy("A", "Staging", None).unwrap();
    stage.world.advance(80.0);
    assert_eq!(stage.target_status(&before, &instance).await, "Succeeded");
    stage.world.replace_root_volume(&instance).unwrap();
    stage.world.advance(30.0);
    let after = stage.update("A").await;
    stage.world.advance(70.0);
    assert_eq!(stage.target_status(&after, &instance).await, "Succeeded");
    stage.complete(&instance, "CONTINUE").await.unwrap();
    assert_eq!(stage.world.report().violations, []);
}
