//! Rule 2: an instance is let in only with every application at its current revision.

use serde_json::json;
use world::{Breach, HookResult, Revision, Rule};

use super::{action, breaches, deployment, stage};
use crate::function::Function;
use crate::stage::{Stage, setting, with};

fn without(instance: &str, applications: &[&str]) -> Breach {
    let applications = applications.iter().map(|name| (*name).to_owned()).collect();
    Breach::LetInWithoutApplications { action: action(instance), applications }
}

#[tokio::test]
async fn an_instance_let_in_without_an_application() {
    let stage = stage().await;
    let instance = stage.launch_and_boot();
    stage.update("A").await;
    stage.world.advance(70.0);
    stage.complete(&instance, "CONTINUE").await.unwrap();
    let report = stage.world.report();
    assert_eq!(breaches(&report), [without(&instance, &["B/Staging"])]);
    assert_eq!(report.violations[0].rule(), Rule::UpToDateInService);
    let sentence = format!(
        "at 85.0 s: hook launch let {instance} into service although these have not succeeded on it at their current revision: \
         B/Staging"
    );
    assert_eq!(report.violations[0].to_string(), sentence);
}

#[tokio::test]
async fn an_instance_let_in_without_an_application_that_was_never_deployed() {
    let mut setting = setting();
    setting["autoScalingGroups"][0]["requiredApplications"] = json!(["A/Staging"]);
    (setting["applications"][0]["revision"], setting["applications"][0]["previousDeploymentSeconds"]) =
        (json!(null), json!(null));
    let stage = Stage::new(setting).await;
    let instance = stage.launch_and_boot();
    stage.complete(&instance, "CONTINUE").await.unwrap();
    assert_eq!(breaches(&stage.world.report()), [without(&instance, &["A/Staging"])]);
}

/// A release succeeds elsewhere at 162 s. Whether the instance may still go in with the build before it depends on when the rollout looked.
#[tokio::test]
async fn an_instance_let_in_with_a_revision_of_yesterday() {
    for (invoked_at, completed_at, read_lag, breaks) in [
        (None, 170.0, 0.0, false),
        (None, 280.0, 0.0, false),
        (None, 290.0, 0.0, true),
        (None, 290.0, 10.0, false),
        (Some(150.0), 170.0, 0.0, false),
        (Some(165.0), 170.0, 0.0, true),
        (Some(165.0), 175.0, 5.0, false),
    ] {
        let setting = with(setting(), "/autoScalingGroups/0/requiredApplications", json!(["A/Staging"]));
        let setting = with(setting, "/applications/0/failure", json!({"event": "ApplicationStop"}));
        let all_at_once = json!("CodeDeployDefault.AllAtOnce");
        let setting = with(setting, "/applications/0/deploymentConfigName", all_at_once);
        let stage = Stage::new(with(setting, "/readLagSeconds", json!(read_lag))).await;
        let advance_to = |time: f64| stage.world.advance(time - stage.world.now());
        let instance = stage.launch_and_boot();
        stage.update("A").await;
        stage.world.advance(70.0);
        // The newer revision succeeds on a fresh instance only, which is enough for the deployment.
        stage.launch_and_boot();
        let newer = stage.world.deploy("A", "Staging", Some(Revision::s3("bundles", "a-2.zip"))).unwrap();
        let function = Function::of("arn:1", "complete-lifecycle-hook", "r-1", 1, &stage.world);
        if let Some(at) = invoked_at {
            advance_to(at);
            assert_eq!(function.heartbeat(&instance).await, 200);
        }
        advance_to(completed_at);
        assert_eq!(stage.reported(&newer).ended_at, Some(162.0));
        assert_eq!(stage.target_status(&newer, &instance).await, "Failed");
        match invoked_at {
            Some(_) => assert_eq!(function.complete(&instance, "CONTINUE").await, 200),
            None => stage.complete(&instance, "CONTINUE").await.unwrap(),
        }
        let found = breaches(&stage.world.report());
        // The one that failed here began at 102 s, and could be seen from then on.
        let failed_there = matches!(found.as_slice(), [Breach::LetInAfterFailure { .. }]);
        let missing = found == [without(&instance, &["A/Staging"])];
        let looked_at = invoked_at.unwrap_or(completed_at - 120.0) - read_lag;
        assert_eq!((missing, failed_there), (breaks, !breaks && looked_at > 102.0), "{looked_at}: {found:?}");
    }
}

#[tokio::test]
async fn an_instance_let_in_although_the_last_deployment_failed_there() {
    let failure = json!({"event": "ApplicationStop"});
    for (required, breaks) in [(json!(["A/Staging"]), true), (json!(["B/Staging"]), false), (json!([]), false)] {
        let setting = with(setting(), "/autoScalingGroups/0/requiredApplications", required.clone());
        let stage = Stage::new(with(setting, "/applications/0/failure", failure.clone())).await;
        let instance = stage.launch_and_boot();
        for application in ["A", "B"] {
            stage.update(application).await;
            stage.world.advance(70.0);
        }
        let again = stage.world.deploy("A", "Staging", None).unwrap();
        stage.world.advance(150.0);
        assert_eq!(stage.target_status(&again, &instance).await, "Failed");
        stage.complete(&instance, "CONTINUE").await.unwrap();
        let breach = Breach::LetInAfterFailure { action: action(&instance), deployment: deployment("A", &again) };
        let expected = if breaks { vec![breach] } else { vec![] };
        let report = stage.world.report();
        assert_eq!(breaches(&report), expected, "{required}");
        let sentence = format!(
            "hook launch let {instance} into service although deployment {again} of A/Staging, the last that changed it, failed there"
        );
        assert!(report.violations.iter().all(|violation| violation.breach.to_string() == sentence));
    }
}

/// C is not required. A person's deployment that has just begun could not be seen.
#[tokio::test]
async fn an_instance_let_in_while_a_deployment_is_at_work_there() {
    for (by_call, since, breaks) in [(true, 10.0, true), (false, 10.0, false), (false, 150.0, true)] {
        let mut setting = with(setting(), "/autoScalingGroups/0/requiredApplications", json!(["A/Staging"]));
        let mut application = crate::stage::application("C");
        application["lifecycleEventSeconds"]["Install"] = json!(1000);
        setting["applications"].as_array_mut().unwrap().push(application);
        let stage = Stage::new(setting).await;
        let instance = stage.launch_and_boot();
        stage.update("A").await;
        stage.world.advance(70.0);
        let id = match by_call {
            true => stage.update("C").await,
            false => stage.world.deploy("C", "Staging", None).unwrap(),
        };
        stage.world.advance(2.0 + since);
        assert_eq!(stage.target_status(&id, &instance).await, "InProgress");
        stage.complete(&instance, "CONTINUE").await.unwrap();
        let breach = Breach::LetInDuringDeployment { action: action(&instance), deployment: deployment("C", &id) };
        let expected = if breaks { vec![breach] } else { vec![] };
        let report = stage.world.report();
        assert_eq!(breaches(&report), expected, "by a call: {by_call}, since {since} s");
        let sentence =
            format!("hook launch let {instance} into service while deployment {id} of C/Staging was at work there");
        assert!(report.violations.iter().all(|violation| violation.breach.to_string() == sentence));
    }
}

/// The command of a deployment that met another one is never begun: five minutes later its target has failed, and nothing has changed.
#[tokio::test]
async fn what_failed_before_it_began_has_changed_nothing() {
    for fails_before in [false, true] {
        let mut setting = with(setting(), "/autoScalingGroups/0/requiredApplications", json!(["A/Staging"]));
        setting["applications"][0]["failure"] = json!({"event": "Install", "onlyRevision": "A-2"});
        setting["applications"][1]["lifecycleEventSeconds"]["Install"] = json!(100);
        let stage = Stage::new(setting).await;
        let instance = stage.launch_and_boot();
        stage.update("A").await;
        stage.world.advance(70.0);
        let mut expected = Vec::new();
        if fails_before {
            let failed = stage.world.deploy("A", "Staging", Some(Revision::s3("bundles", "A-2"))).unwrap();
            stage.world.advance(70.0);
            expected =
                vec![Breach::LetInAfterFailure { action: action(&instance), deployment: deployment("A", &failed) }];
        }
        stage.update("B").await;
        stage.world.advance(20.0);
        let again = stage.world.deploy("A", "Staging", None).unwrap();
        stage.world.advance(310.0);
        assert_eq!(stage.target_status(&again, &instance).await, "Failed");
        stage.complete(&instance, "CONTINUE").await.unwrap();
        assert_eq!(breaches(&stage.world.report()), expected);
    }
}

#[tokio::test]
async fn a_person_lets_in_whom_they_choose() {
    let stage = stage().await;
    let instance = stage.launch_and_boot();
    stage.world.complete_hook(&instance, "launch", HookResult::Continue).unwrap();
    assert_eq!(
        stage.world.complete_hook(&instance, "launch", HookResult::Continue).unwrap_err().code,
        "ValidationError"
    );
    stage.world.advance(20.0);
    assert_eq!((stage.state(&instance), breaches(&stage.world.report_at_end())), ("InService", vec![]));
}
