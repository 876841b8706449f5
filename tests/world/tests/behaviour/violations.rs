//! Each thing that must never happen, made to happen.

use serde_json::json;
use world::{HookResult, Revision};

use crate::stage::{Stage, setting, with};

async fn stage() -> Stage {
    Stage::new(with(setting(), "/autoScalingGroups/0/requiredApplications", json!(["A/Staging", "B/Staging"]))).await
}

fn only(stage: &Stage) -> String {
    let violations = stage.world.report_at_end().violations;
    assert_eq!(violations.len(), 1, "{violations:?}");
    violations[0].clone()
}

#[tokio::test]
async fn a_rollout_as_it_should_be_violates_nothing() {
    let stage = stage().await;
    let instance = stage.launch_and_boot();
    for application in ["A", "B"] {
        stage.update(application).await;
        stage.world.advance(70.0);
    }
    stage.complete(&instance, "CONTINUE").await.unwrap();
    assert_eq!(stage.world.report_at_end().violations, Vec::<String>::new());
}

#[tokio::test]
async fn two_deployments_at_work_on_one_instance() {
    let stage = stage().await;
    let instance = stage.launch_and_boot();
    let (a, b) = (stage.update("A").await, stage.update("B").await);
    stage.world.advance(20.0);
    let violations = stage.world.report().violations;
    let expected = format!(
        "at 17.0 s: deployment {b} of B/Staging began its work on {instance} while deployment {a} of A/Staging was at work there; \
         the later one, {b}, was created by a call of CreateDeployment"
    );
    assert_eq!(violations, [expected]);
    assert_eq!(stage.world.report().collisions, Vec::<String>::new());
}

#[tokio::test]
async fn a_person_that_comes_later_makes_a_collision_and_one_that_came_first_a_violation() {
    for person_first in [false, true] {
        let stage = stage().await;
        let instance = stage.launch_and_boot();
        let (a, b, creator) = if person_first {
            let a = stage.world.deploy("A", "Staging", None).unwrap();
            (a, stage.update("B").await, "a call of CreateDeployment")
        } else {
            let a = stage.update("A").await;
            (a, stage.world.deploy("B", "Staging", None).unwrap(), "a person")
        };
        stage.world.advance(20.0);
        let sentence = format!(
            "at 17.0 s: deployment {b} of B/Staging began its work on {instance} while deployment {a} of A/Staging was at work \
             there; the later one, {b}, was created by {creator}"
        );
        let report = stage.world.report();
        let (found, other) =
            if person_first { (report.violations, report.collisions) } else { (report.collisions, report.violations) };
        assert_eq!((found, other), (vec![sentence], vec![]), "person first: {person_first}");
    }
}

/// The later one is the one created later, also where its work begins first.
#[tokio::test]
async fn a_person_that_overtakes_a_deployment_is_the_later_one() {
    let setting = with(setting(), "/autoScalingGroups/0/desiredCapacity", json!(1));
    let all_at_once = json!("CodeDeployDefault.AllAtOnce");
    let stage = Stage::new(with(setting, "/applications/1/deploymentConfigName", all_at_once)).await;
    let fresh = stage.launch_and_boot();
    let old = stage.world.report().instances[0].instance_id.clone();
    let call = stage.codedeploy.create_deployment().application_name("A").deployment_group_name("Staging");
    let a = call.send().await.unwrap().deployment_id.unwrap();
    stage.world.advance(10.0);
    let b = stage.world.deploy("B", "Staging", None).unwrap();
    stage.world.advance(100.0);
    let sentence = |at: &str, began: &str, instance: &str, was_there: &str| {
        format!(
            "at {at} s: deployment {began} began its work on {instance} while deployment {was_there} was at work there; \
             the later one, {b}, was created by a person"
        )
    };
    let (of_a, of_b) = (format!("{a} of A/Staging"), format!("{b} of B/Staging"));
    let expected = [sentence("27.0", &of_b, &fresh, &of_a), sentence("77.0", &of_a, &old, &of_b)];
    let report = stage.world.report();
    assert_eq!((report.collisions.as_slice(), report.violations.len()), (expected.as_slice(), 0));
}

#[tokio::test]
async fn an_instance_let_in_without_an_application() {
    let stage = stage().await;
    let instance = stage.launch_and_boot();
    stage.update("A").await;
    stage.world.advance(70.0);
    stage.complete(&instance, "CONTINUE").await.unwrap();
    let expected = format!(
        "at 85.0 s: hook launch let {instance} into service although these have not succeeded on it at their current revision: \
         B/Staging"
    );
    assert_eq!(only(&stage), expected);
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
    let expected = format!(
        "at 15.0 s: hook launch let {instance} into service although these have not succeeded on it at their current revision: \
         A/Staging"
    );
    assert_eq!(only(&stage), expected);
}

#[tokio::test]
async fn an_instance_let_in_with_a_revision_of_yesterday() {
    let setting = with(setting(), "/autoScalingGroups/0/requiredApplications", json!(["A/Staging"]));
    let setting = with(setting, "/applications/0/failure", json!({"event": "ApplicationStop"}));
    let stage =
        Stage::new(with(setting, "/applications/0/deploymentConfigName", json!("CodeDeployDefault.AllAtOnce"))).await;
    let instance = stage.launch_and_boot();
    let older = stage.update("A").await;
    stage.world.advance(70.0);
    assert_eq!(stage.target_status(&older, &instance).await, "Succeeded");
    // The newer revision succeeds on a fresh instance only, which is enough for the deployment.
    stage.launch_and_boot();
    let newer = stage.world.deploy("A", "Staging", Some(Revision::s3("bundles", "a-2.zip"))).unwrap();
    stage.world.advance(70.0);
    assert_eq!(stage.status(&newer).await, "Succeeded");
    assert_eq!(stage.target_status(&newer, &instance).await, "Failed");
    stage.complete(&instance, "CONTINUE").await.unwrap();
    let violations = stage.world.report().violations;
    let expected = format!(
        "at 170.0 s: hook launch let {instance} into service although these have not succeeded on it at their current revision: \
         A/Staging"
    );
    assert_eq!(violations, [expected]);
}

#[tokio::test]
async fn an_instance_let_in_although_the_last_deployment_failed_there() {
    let failure = json!({"event": "ApplicationStop"});
    for (required, violations) in [(json!(["A/Staging"]), 1), (json!(["B/Staging"]), 0), (json!([]), 0)] {
        let setting = with(setting(), "/autoScalingGroups/0/requiredApplications", required.clone());
        let stage = Stage::new(with(setting, "/applications/0/failure", failure.clone())).await;
        let instance = stage.launch_and_boot();
        for application in ["A", "B"] {
            stage.update(application).await;
            stage.world.advance(70.0);
        }
        let again = stage.world.deploy("A", "Staging", None).unwrap();
        stage.world.advance(70.0);
        assert_eq!(stage.target_status(&again, &instance).await, "Failed");
        stage.complete(&instance, "CONTINUE").await.unwrap();
        let found = stage.world.report().violations;
        assert_eq!(found.len(), violations, "{required}: {found:?}");
        let sentence = format!(
            "hook launch let {instance} into service although deployment {again} of A/Staging, the last that came to it, failed there"
        );
        assert!(found.iter().all(|violation| violation.ends_with(&sentence)), "{found:?}");
    }
}

/// C is not required. A person's deployment that has just begun could not be seen.
#[tokio::test]
async fn an_instance_let_in_while_a_deployment_is_at_work_there() {
    for (by_call, since, violations) in [(true, 10.0, 1), (false, 10.0, 0), (false, 150.0, 1)] {
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
        let found = stage.world.report().violations;
        assert_eq!(found.len(), violations, "by a call: {by_call}, since {since} s: {found:?}");
        let sentence =
            format!("hook launch let {instance} into service while deployment {id} of C/Staging was at work there");
        assert!(found.iter().all(|violation| violation.ends_with(&sentence)), "{found:?}");
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
    assert_eq!((stage.state(&instance), stage.world.report_at_end().violations), ("InService", vec![]));
}

#[tokio::test]
async fn a_call_that_stops_what_it_may_not() {
    let stop = async |stage: &Stage, id: &str| {
        stage.codedeploy.stop_deployment().deployment_id(id).send().await.unwrap();
        stage.world.report().violations
    };
    let of_one = stage().await;
    of_one.launch_and_boot();
    let own = of_one.update("A").await;
    of_one.world.advance(20.0);
    assert_eq!(stop(&of_one, &own).await, Vec::<String>::new(), "its only target is at work");
    of_one.world.advance(20.0);
    let person_s = of_one.world.deploy("A", "Staging", None).unwrap();
    let expected = format!("at 55.0 s: a call stopped deployment {person_s} of A/Staging, which a person had created");
    assert_eq!(stop(&of_one, &person_s).await, [expected]);

    for (config, waited, expected) in [
        ("CodeDeployDefault.OneAtATime", 1.0, None),
        ("CodeDeployDefault.OneAtATime", 20.0, Some("2 of whose targets were not over, and 1 at work")),
        ("CodeDeployDefault.AllAtOnce", 20.0, Some("2 of whose targets were not over, and 2 at work")),
        ("CodeDeployDefault.OneAtATime", 80.0, None),
    ] {
        let of_two = Stage::new(with(setting(), "/applications/0/deploymentConfigName", json!(config))).await;
        of_two.world.launch_over("web", 2, 0.0).unwrap();
        of_two.world.advance(15.0);
        let id = of_two.update("A").await;
        of_two.world.advance(waited);
        let found = stop(&of_two, &id).await;
        assert_eq!(found.len(), usize::from(expected.is_some()), "{config} after {waited} s: {found:?}");
        assert!(found.iter().all(|violation| violation.ends_with(expected.unwrap_or_default())), "{found:?}");
    }
}

#[tokio::test]
async fn a_call_that_stops_codedeploy_s_own_deployment() {
    let mut setting = with(setting(), "/applications/0/outdatedInstancesStrategy", json!("UPDATE"));
    setting["autoScalingGroups"][0]["desiredCapacity"] = json!(1);
    let stage = Stage::new(setting).await;
    stage.world.deploy("A", "Staging", None).unwrap();
    stage.world.advance(20.0);
    stage.launch_and_boot();
    stage.world.advance(60.0);
    let automatic = stage.world.report().deployments[1].deployment_id.clone();
    stage.codedeploy.stop_deployment().deployment_id(&automatic).send().await.unwrap();
    let found = stage.world.report().violations;
    assert!(matches!(found.as_slice(), [one] if one.ends_with("which CodeDeploy itself had created")), "{found:?}");
}

#[tokio::test]
async fn a_hook_that_timed_out() {
    let stage = stage().await;
    let instance = stage.launch_and_boot();
    stage.world.advance(3600.0);
    let violations = stage.world.report().violations;
    assert_eq!(violations, [format!("at 3610.0 s: hook launch of {instance} timed out instead of being completed")]);
}

#[tokio::test]
async fn a_hook_left_open() {
    let stage = stage().await;
    let instance = stage.launch_and_boot();
    assert_eq!(stage.world.report().violations, Vec::<String>::new());
    assert_eq!(only(&stage), format!("at 15.0 s: hook launch of {instance} was left open"));
    stage.complete(&instance, "ABANDON").await.unwrap();
    stage.world.terminate(&instance).unwrap_err();
    assert_eq!(stage.world.report_at_end().violations, Vec::<String>::new());
}

#[tokio::test]
async fn a_call_repeated_into_a_second_deployment() {
    let stage = stage().await;
    let create = async |application: &str, description: &str| {
        let call = stage.codedeploy.create_deployment().application_name(application).deployment_group_name("Staging");
        let id = call.description(description).send().await.unwrap().deployment_id.unwrap();
        stage.world.advance(10.0);
        id
    };
    let first = create("A", "turnstile one").await;
    create("A", "turnstile two").await;
    create("B", "turnstile one").await;
    create("A", "").await;
    create("A", "").await;
    assert_eq!(stage.world.report().violations, Vec::<String>::new());
    let repeated = create("A", "turnstile one").await;
    let expected = format!(
        "at 50.0 s: deployment {repeated} of A/Staging repeats deployment {first} of A/Staging: both have the description \
         \"turnstile one\""
    );
    assert_eq!(only(&stage), expected);
}
