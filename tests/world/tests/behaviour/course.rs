//! How deployments go on the instances.

use std::time::Duration;

use serde_json::{Value, json};

use crate::stage::{Stage, revision, setting, with};

fn with_instances(count: usize) -> Value {
    with(setting(), "/autoScalingGroups/0/desiredCapacity", json!(count))
}

fn failing(event: &str, times: Option<u32>) -> Value {
    json!({
        "event": event, "errorCode": "ScriptFailed", "scriptName": "bin/start.ps1", "message": "failed with exit code 3",
        "logTail": "LifecycleEvent - ApplicationStart\n[stderr]no port", "times": times,
    })
}

#[tokio::test]
async fn an_instance_goes_through_the_lifecycle_events_in_order() {
    let stage = Stage::new(setting()).await;
    let mut events = stage.world.events();
    let instance = stage.launch_and_boot();
    let id = stage.update("A").await;
    stage.world.advance(2.0 + 25.0);
    assert_eq!(
        (stage.status(&id).await.as_str(), stage.target_status(&id, &instance).await.as_str()),
        ("InProgress", "InProgress")
    );
    let statuses = stage.event_statuses(&id, &instance).await;
    assert_eq!(statuses, ["Succeeded", "Succeeded", "Succeeded", "InProgress", "Pending", "Pending", "Pending"]);
    stage.world.advance(35.0);
    assert_eq!(
        (stage.status(&id).await.as_str(), stage.target_status(&id, &instance).await.as_str()),
        ("Succeeded", "Succeeded")
    );

    let target = stage.target(&id, &instance).await;
    let names: Vec<&str> =
        target.lifecycle_events().iter().map(|event| event.lifecycle_event_name().unwrap()).collect();
    let order = [
        "ApplicationStop",
        "DownloadBundle",
        "BeforeInstall",
        "Install",
        "AfterInstall",
        "ApplicationStart",
        "ValidateService",
    ];
    assert_eq!(names, order);
    let took = |n: usize| {
        let event = &target.lifecycle_events()[n];
        event.end_time().unwrap().as_secs_f64() - event.start_time().unwrap().as_secs_f64()
    };
    // On a fresh instance there is no previous install whose scripts ApplicationStop could run.
    assert!(took(0) < 0.01 && (took(1) - 10.0).abs() < 0.01, "{} {}", took(0), took(1));
    assert_eq!(target.lifecycle_events()[1].diagnostics().unwrap().error_code().unwrap().as_str(), "Success");
    let told: Vec<Value> =
        std::iter::from_fn(|| events.try_recv().ok()).filter(|e| e["source"] == "aws.codedeploy").collect();
    let states: Vec<_> =
        told.iter().map(|e| (e["detail-type"].as_str().unwrap(), e["detail"]["state"].as_str().unwrap())).collect();
    let (deployment, target) =
        ("CodeDeploy Deployment State-change Notification", "CodeDeploy Instance State-change Notification");
    assert_eq!(states, [(deployment, "START"), (target, "START"), (target, "SUCCESS"), (deployment, "SUCCESS")]);
    assert_eq!(told[1]["detail"]["instanceId"], instance.as_str());
    assert_eq!(told[1]["detail"]["deploymentId"], id.as_str());
    assert_eq!(
        (&told[1]["detail"]["application"], &told[1]["detail"]["deploymentGroup"]),
        (&json!("A"), &json!("Staging"))
    );
}

#[tokio::test]
async fn a_failing_script_says_why_and_works_after_its_times() {
    let setting = with(setting(), "/applications/0/failure", failing("ApplicationStart", Some(1)));
    let stage = Stage::new(setting).await;
    let instance = stage.launch_and_boot();
    let id = stage.update("A").await;
    stage.world.advance(100.0);
    let statuses = stage.event_statuses(&id, &instance).await;
    assert_eq!(statuses, ["Succeeded", "Succeeded", "Succeeded", "Succeeded", "Succeeded", "Failed", "Skipped"]);
    let target = stage.target(&id, &instance).await;
    let diagnostics = target.lifecycle_events()[5].diagnostics().unwrap();
    assert_eq!(diagnostics.error_code().unwrap().as_str(), "ScriptFailed");
    assert_eq!(
        (diagnostics.script_name(), diagnostics.message()),
        (Some("bin/start.ps1"), Some("failed with exit code 3"))
    );
    assert!(diagnostics.log_tail().unwrap().contains("[stderr]no port"));
    assert_eq!(stage.status(&id).await, "Failed");
    assert_eq!(stage.error_code(&id).await.as_deref(), Some("HEALTH_CONSTRAINTS"));

    let again = stage.update("A").await;
    stage.world.advance(100.0);
    assert_eq!(stage.target_status(&again, &instance).await, "Succeeded");
}

#[tokio::test]
async fn one_revision_fails_and_the_others_do_not() {
    let commit = json!({"revisionType": "GitHub", "gitHubLocation": {"repository": "me/a", "commitId": "c0ffee"}});
    for (broken, broken_revision) in [("a-2.zip", revision("a-2.zip")), ("c0ffee", commit)] {
        let mut failure = failing("Install", Some(1));
        failure["onlyRevision"] = json!(broken);
        let stage = Stage::new(with(with_instances(1), "/applications/0/failure", failure)).await;
        let deploy = async |revision: Value| {
            let revision = serde_json::from_value(revision).unwrap();
            let id = stage.world.deploy("A", "Staging", Some(revision)).unwrap();
            stage.world.advance(100.0);
            stage.status(&id).await
        };
        // The other revision does not use up the failure's times.
        assert_eq!(deploy(revision("a-3.zip")).await, "Succeeded", "{broken}");
        assert_eq!(deploy(broken_revision.clone()).await, "Failed", "{broken}");
        assert_eq!(deploy(broken_revision).await, "Succeeded", "{broken}");
    }
}

#[tokio::test]
async fn application_stop_fails_only_where_something_is_installed_and_can_be_ignored() {
    for (ignore, expected) in [(false, "Failed"), (true, "Succeeded")] {
        let stage =
            Stage::new(with(with_instances(1), "/applications/0/failure", failing("ApplicationStop", None))).await;
        let fresh = stage.launch_and_boot();
        let call = stage.codedeploy.create_deployment().application_name("A").deployment_group_name("Staging");
        let call = call.deployment_config_name("CodeDeployDefault.AllAtOnce").ignore_application_stop_failures(ignore);
        let id = call.send().await.unwrap().deployment_id.unwrap();
        stage.world.advance(100.0);
        let old = stage.world.report().instances[0].instance_id.clone();
        assert_eq!(stage.target_status(&id, &old).await, expected);
        assert_eq!(stage.event_statuses(&id, &old).await[0], "Failed");
        assert_eq!(stage.target_status(&id, &fresh).await, "Succeeded");
    }
}

#[tokio::test]
async fn outdated_only_leaves_out_who_has_the_revision() {
    let stage = Stage::new(with_instances(2)).await;
    let fresh = stage.launch_and_boot();
    let id = stage.update("A").await;
    stage.world.advance(100.0);
    assert_eq!(stage.reported(&id).instance_ids, [fresh]);
    let all = stage.world.deploy("A", "Staging", None).unwrap();
    stage.world.advance(500.0);
    assert_eq!(stage.reported(&all).instance_ids.len(), 3);
    let newer = world::Revision::s3("bundles", "a-2.zip");
    let newer = stage.world.deploy("A", "Staging", Some(newer)).unwrap();
    stage.world.advance(500.0);
    assert_eq!(stage.status(&newer).await, "Succeeded");
    let group = stage.codedeploy.get_deployment_group().application_name("A").deployment_group_name("Staging").send();
    let group = group.await.unwrap().deployment_group_info.unwrap();
    assert_eq!(group.last_successful_deployment().unwrap().deployment_id(), Some(newer.as_str()));
    assert_eq!(group.target_revision().unwrap().s3_location().unwrap().key(), Some("a-2.zip"));
}

/// How the targets of a deployment of `config` to `instances` end when the first `failures` fail, and how the whole does.
async fn outcome(config: &str, instances: usize, failures: u32) -> (Vec<&'static str>, &'static str) {
    let setting = with(with_instances(instances), "/applications/0/failure", failing("Install", Some(failures)));
    let stage = Stage::new(with(setting, "/applications/0/deploymentConfigName", json!(config))).await;
    let id = stage.world.deploy("A", "Staging", None).unwrap();
    stage.world.advance(5000.0);
    let report = stage.reported(&id);
    (report.targets.iter().map(|target| target.status).collect(), report.status)
}

#[tokio::test]
async fn overall_status_and_targets_follow_the_minimum_healthy_hosts() {
    let table = [
        ("CodeDeployDefault.OneAtATime", 3, 0, vec!["Succeeded", "Succeeded", "Succeeded"], "Succeeded"),
        ("CodeDeployDefault.OneAtATime", 3, 1, vec!["Failed", "Skipped", "Skipped"], "Failed"),
        ("CodeDeployDefault.OneAtATime", 1, 1, vec!["Failed"], "Failed"),
        ("CodeDeployDefault.HalfAtATime", 4, 1, vec!["Failed", "Succeeded", "Succeeded", "Succeeded"], "Succeeded"),
        ("CodeDeployDefault.HalfAtATime", 4, 2, vec!["Failed", "Failed", "Skipped", "Skipped"], "Failed"),
        ("CodeDeployDefault.AllAtOnce", 3, 2, vec!["Failed", "Failed", "Succeeded"], "Succeeded"),
        ("CodeDeployDefault.AllAtOnce", 3, 3, vec!["Failed", "Failed", "Failed"], "Failed"),
        // A minimum that is not less than the number of instances.
        ("CodeDeployDefault.HalfAtATime", 1, 0, vec!["Skipped"], "Failed"),
    ];
    for (config, instances, failures, targets, status) in table {
        assert_eq!(outcome(config, instances, failures).await, (targets, status), "{config} {instances} {failures}");
    }
}

#[tokio::test]
async fn one_at_a_time_forgives_the_last_instance() {
    let setting = with(with_instances(1), "/applications/0/failure", failing("Install", None));
    let stage = Stage::new(setting).await;
    let fresh = stage.launch_and_boot();
    let id = stage.update("A").await;
    stage.world.advance(100.0);
    assert_eq!(
        (stage.target_status(&id, &fresh).await.as_str(), stage.status(&id).await.as_str()),
        ("Failed", "Succeeded")
    );
}

#[tokio::test]
async fn who_failed_or_is_new_comes_first_then_the_old_then_the_current() {
    let stage = Stage::new(with_instances(3)).await;
    // Stopped at the second instance: the first has a revision that is not the group's, the third was not attempted.
    let stopped = stage.world.deploy("A", "Staging", Some(world::Revision::s3("bundles", "a-2.zip"))).unwrap();
    stage.world.advance(80.0);
    stage.codedeploy.stop_deployment().deployment_id(&stopped).send().await.unwrap();
    stage.world.advance(20.0);
    let targets = stage.reported(&stopped).targets;
    let statuses: Vec<&str> = targets.iter().map(|target| target.status).collect();
    assert_eq!(statuses, ["Succeeded", "Failed", "Skipped"]);
    let [old, failed, current] = [0, 1, 2].map(|place| targets[place].instance_id.as_str());

    let fresh = stage.launch_and_boot();
    let revision = serde_json::from_value(revision("A")).unwrap();
    let id = stage.world.deploy("A", "Staging", Some(revision)).unwrap();
    stage.world.advance(10.0);
    let order = stage.reported(&id).instance_ids;
    let (unhealthy, rest) = order.split_at(2);
    assert!(unhealthy.contains(&failed.to_owned()) && unhealthy.contains(&fresh), "{order:?}");
    assert_eq!(rest, [old, current]);
    assert_eq!(stage.target_status(&id, &order[0]).await, "InProgress");
    stage.world.advance(500.0);
    assert_eq!(stage.status(&id).await, "Succeeded");
}

#[tokio::test]
async fn the_order_among_equals_is_the_seed_s() {
    let order = async |seed: u32| {
        let stage = Stage::new(with(with_instances(5), "/seed", json!(seed))).await;
        let launched: Vec<String> = stage.world.report().instances.into_iter().map(|i| i.instance_id).collect();
        let id = stage.world.deploy("A", "Staging", None).unwrap();
        stage.world.advance(10.0);
        let order = stage.reported(&id).instance_ids;
        let place = |id: &String| launched.iter().position(|launched| launched == id).unwrap();
        order.iter().map(place).collect::<Vec<_>>()
    };
    let orders = [order(1).await, order(2).await, order(3).await];
    assert_eq!(order(1).await, orders[0]);
    assert!(orders.iter().any(|order| *order != [0, 1, 2, 3, 4]), "{orders:?}");
    assert!(orders[0] != orders[1] || orders[1] != orders[2], "{orders:?}");
}

#[tokio::test]
async fn a_new_instance_that_fails_takes_the_deployment_with_it() {
    let setting = with(with_instances(2), "/applications/0/failure", failing("Install", Some(1)));
    let stage = Stage::new(setting).await;
    let fresh = stage.launch_and_boot();
    let id = stage.world.deploy("A", "Staging", None).unwrap();
    stage.world.advance(500.0);
    let report = stage.reported(&id);
    let statuses: Vec<&str> = report.targets.iter().map(|target| target.status).collect();
    assert_eq!((report.instance_ids[0].as_str(), report.status), (fresh.as_str(), "Failed"));
    assert_eq!(statuses, ["Failed", "Skipped", "Skipped"]);
}

#[tokio::test]
async fn a_target_waits_for_its_agent_but_not_for_ever() {
    let table = [(json!(600), "Succeeded"), (json!(null), "Failed")];
    for (agent_seconds, expected) in table {
        let stage = Stage::new(with(setting(), "/autoScalingGroups/0/agentSeconds", agent_seconds)).await;
        let instance = stage.launch_and_boot();
        let id = stage.update("A").await;
        stage.world.advance(500.0);
        assert_eq!(stage.target_status(&id, &instance).await, "Pending");
        stage.world.advance(3200.0);
        assert_eq!(stage.target_status(&id, &instance).await, expected);
        if expected == "Failed" {
            let target = stage.target(&id, &instance).await;
            let diagnostics = target.lifecycle_events()[0].diagnostics().unwrap();
            assert!(diagnostics.message().unwrap().starts_with("CodeDeploy agent was not able to receive"));
        }
    }
}

#[tokio::test]
async fn a_terminated_instance_holds_the_deployment_up_for_an_hour() {
    let stage = Stage::new(setting()).await;
    let instance = stage.launch_and_boot();
    let id = stage.update("A").await;
    stage.world.advance(20.0);
    stage.world.terminate(&instance).unwrap();
    stage.world.advance(3500.0);
    assert_eq!(
        (stage.target_status(&id, &instance).await.as_str(), stage.status(&id).await.as_str()),
        ("InProgress", "InProgress")
    );
    stage.world.advance(200.0);
    assert_eq!(
        (stage.target_status(&id, &instance).await.as_str(), stage.status(&id).await.as_str()),
        ("Failed", "Failed")
    );
}

#[tokio::test]
async fn of_two_deployments_on_one_instance_the_later_fails_and_the_first_goes_on() {
    let setting = with(setting(), "/applications/0/lifecycleEventSeconds/Install", json!(1000));
    let stage = Stage::new(setting).await;
    let instance = stage.launch_and_boot();
    let first = stage.update("A").await;
    stage.world.advance(30.0);
    let later = stage.update("B").await;
    stage.world.advance(100.0);
    assert_eq!(stage.target_status(&later, &instance).await, "InProgress");
    stage.world.advance(300.0);
    assert_eq!(stage.status(&later).await, "Failed");
    assert_eq!(stage.error_code(&later).await.as_deref(), Some("HEALTH_CONSTRAINTS"));
    let target = stage.target(&later, &instance).await;
    let message = target.lifecycle_events()[0].diagnostics().unwrap().message().unwrap();
    assert!(
        message.contains("Multiple deployments are attempting to run at the same time on an instance"),
        "{message}"
    );
    stage.world.advance(700.0);
    assert_eq!(stage.target_status(&first, &instance).await, "Succeeded");
}

#[tokio::test]
async fn the_later_of_two_fails_after_five_minutes_although_the_first_has_ended() {
    let stage = Stage::new(setting()).await;
    let instance = stage.launch_and_boot();
    let first = stage.update("A").await;
    stage.world.advance(30.0);
    let later = stage.update("B").await;
    stage.world.advance(300.0);
    assert_eq!(stage.status(&first).await, "Succeeded");
    assert_eq!(stage.event_statuses(&later, &instance).await, ["Pending"; 7]);
    stage.world.advance(5.0);
    assert_eq!(
        (stage.status(&later).await.as_str(), stage.error_code(&later).await),
        ("Failed", Some("HEALTH_CONSTRAINTS".to_owned()))
    );
}

#[tokio::test]
async fn without_instances_a_deployment_fails() {
    let stage = Stage::new(setting()).await;
    let id = stage.world.deploy("A", "Staging", None).unwrap();
    stage.world.advance(5.0);
    assert_eq!(stage.error_code(&id).await.as_deref(), Some("NO_INSTANCES"));
}

#[tokio::test]
async fn codedeploy_updates_what_appeared_during_a_deployment_if_the_group_says_so() {
    for (strategy, expected) in [("UPDATE", 2), ("IGNORE", 1)] {
        let stage =
            Stage::new(with(with_instances(1), "/applications/0/outdatedInstancesStrategy", json!(strategy))).await;
        stage.world.deploy("A", "Staging", None).unwrap();
        stage.world.advance(20.0);
        let appeared = stage.launch_and_boot();
        stage.world.advance(500.0);
        let deployments = stage.world.report().deployments;
        assert_eq!(deployments.len(), expected, "{strategy}");
        if let Some(update) = deployments.get(1) {
            assert_eq!((update.creator, &update.instance_ids), ("CodeDeployAutoUpdate", &vec![appeared]));
        }
    }
}

#[tokio::test]
async fn the_same_setting_gives_the_same_run() {
    let run = async || {
        let mut setting = with(with_instances(2), "/seed", json!(7));
        setting["applications"][0]["jitter"] = json!(0.5);
        let stage = Stage::new(setting).await;
        stage.launch_and_boot();
        stage.world.deploy("A", "Staging", None).unwrap();
        stage.world.advance(500.0);
        stage.world.report()
    };
    let (first, second) = (run().await, run().await);
    assert_eq!(first.deployments, second.deployments);
    assert_eq!(first.instances, second.instances);
    // Not the first target, which is new: its ApplicationStop has nothing to run.
    let events = &first.deployments[0].targets[1].lifecycle_events;
    let took: Vec<f64> = events.iter().map(|event| event.ended_at.unwrap() - event.started_at.unwrap()).collect();
    assert!(took.iter().all(|seconds| (5.0..=15.0).contains(seconds)) && took[1] != took[2], "{took:?}");
}

#[tokio::test]
async fn on_a_scaled_clock_things_happen_without_calls() {
    let stage = Stage::on(setting(), world::Clock::Scaled(1000.0)).await;
    let mut events = stage.world.events();
    let instance = stage.world.launch("web").unwrap();
    let event = tokio::time::timeout(Duration::from_secs(5), events.recv()).await;
    let event = event.expect("the world's time runs on its own").expect("the world is there");
    assert_eq!(event["detail"]["EC2InstanceId"], instance.as_str());
}
