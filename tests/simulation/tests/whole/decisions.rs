//! What a rollout decides while others deploy, although every answer that it has is a little old.

use std::time::Duration;

use serde_json::{Value, json};
use simulation::{Options, Simulation, block_on};
use tokio::time::sleep;
use world::rules::KnownViolations;
use world::{Launch, Report, Revision, Setting};

use crate::stage::until_quiet;

const WEB: &str = "web";
const API: &str = "api";

/// `web`, whose launch hook is Turnstile's, and these applications on its instances, each at its first build.
fn web(applications: &[&str]) -> Value {
    let names: Vec<String> = applications.iter().map(|name| format!("{name}/Production")).collect();
    let group = json!({
        "name": WEB,
        "tags": {"Role": "web"},
        "hooks": [{"name": "turnstile", "heartbeatTimeout": 600, "notificationMetadata": names.join(",")}],
        "requiredApplications": names,
    });
    let application = |name: &&str| {
        json!({
            "applicationName": name,
            "deploymentGroupName": "Production",
            "selection": {"tags": {"Role": "web"}},
            "outdatedInstancesStrategy": "IGNORE",
            "revision": build(name, 1),
            "previousDeploymentSeconds": 30,
        })
    };
    json!({"autoScalingGroups": [group], "applications": applications.iter().map(application).collect::<Vec<_>>()})
}

fn build(application: &str, number: u32) -> Revision {
    Revision::s3("builds", &format!("{application}-{number}.zip"))
}

fn options(setting: Value) -> Options {
    Options::new(serde_json::from_value::<Setting>(setting).expect("a setting"))
}

fn add_group(setting: &mut Value, group: Value) {
    setting["autoScalingGroups"].as_array_mut().expect("a list").push(group);
}

fn slow(operation: &str, seconds: f64) -> world::Fault {
    let fault = json!({"service": "codedeploy", "operation": operation, "kind": "slow", "seconds": seconds});
    serde_json::from_value(fault).expect("a fault")
}

/// The report of a run in which no rule was broken but those that are known.
fn report(simulation: &Simulation) -> Report {
    let report = simulation.world().report_at_end();
    let unknown: Vec<String> =
        KnownViolations::listed().unknown(&report.violations).iter().map(ToString::to_string).collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
    report
}

/// The output of the only execution, which has succeeded.
fn output(simulation: &Simulation) -> Value {
    match simulation.executions().as_slice() {
        [only] if only.status == "SUCCEEDED" => only.output.clone().expect("an output"),
        executions => panic!("{executions:#?}"),
    }
}

async fn by_hand(simulation: &Simulation, input: Value) -> account::Execution {
    let arn = simulation.start_execution(None, &input).expect("it starts");
    simulation.wait_for(&arn).await.expect("it exists")
}

/// A release to two instances in service takes a minute. It ends at every moment of start-deployment's calls, which take theirs.
#[test]
fn a_release_that_ends_meanwhile_is_not_undone() {
    for lag in [0.0, 5.0] {
        for seconds_before_the_launch in (0..60).step_by(2) {
            let mut setting = web(&["Orders"]);
            setting["autoScalingGroups"][0]["desiredCapacity"] = 2.into();
            setting["readLagSeconds"] = lag.into();
            let faults = ["GetDeployment", "BatchGetDeployments", "GetDeploymentTarget"].map(|read| slow(read, 4.0));
            let options = Options { faults: faults.into(), ..options(setting) };
            let what = format!("{seconds_before_the_launch} s before the launch, {lag} s of lag");
            block_on(async || {
                let simulation = Simulation::start(options).expect("it starts");
                let world = simulation.world();
                world.deploy("Orders", "Production", Some(build("Orders", 2))).expect("the group is free");
                sleep(Duration::from_secs(seconds_before_the_launch)).await;
                world.launch_with(WEB, &Launch { boot_seconds: Some(5.0), ..Launch::default() }).expect("it launches");
                until_quiet(&simulation).await;
                let report = report(&simulation);
                let output = output(&simulation);
                assert_eq!(output["applications"][0]["revision"]["s3"]["key"], "Orders-2.zip", "{what}: {output}");
                assert!(report.instances.iter().all(|instance| instance.in_service_at.is_some()), "{what}");
            });
        }
    }
}

/// A release to the instance in service takes a few seconds. It begins and ends at every moment of start-deployment's calls, which take theirs.
#[test]
fn a_release_that_begins_and_ends_meanwhile_is_not_undone() {
    for lag in [0.0, 5.0] {
        for seconds_of_calls in 0..24 {
            let mut setting = web(&["Orders"]);
            setting["autoScalingGroups"][0]["desiredCapacity"] = 1.into();
            let events =
                ["ApplicationStop", "DownloadBundle", "BeforeInstall", "Install", "AfterInstall", "ApplicationStart"];
            for event in events.into_iter().chain(["ValidateService"]) {
                setting["applications"][0]["lifecycleEventSeconds"][event] = 0.2.into();
            }
            setting["readLagSeconds"] = lag.into();
            let slow_calls = ["GetDeployment", "BatchGetDeployments", "GetDeploymentTarget", "CreateDeployment"]
                .map(|call| slow(call, 4.0));
            let options = Options { faults: slow_calls.into(), ..options(setting) };
            let what = format!("{seconds_of_calls} s after the beginning, {lag} s of lag");
            block_on(async || {
                let simulation = Simulation::start(options).expect("it starts");
                let world = simulation.world();
                let agent_answers_at_once = Launch { agent_seconds: Some(Some(0.1)), ..Launch::default() };
                world.launch_with(WEB, &agent_answers_at_once).expect("it launches");
                let is_in_start_deployment = || {
                    let executions = simulation.executions();
                    executions.first().and_then(|only| simulation.current_state(&only.arn)).as_deref()
                        == Some("StartDeployment")
                };
                while !is_in_start_deployment() {
                    sleep(Duration::from_millis(50)).await;
                }
                sleep(Duration::from_millis(seconds_of_calls * 1_000)).await;
                // Or the rollout's own deployment is at work.
                let released = world.deploy("Orders", "Production", Some(build("Orders", 2))).is_ok();
                until_quiet(&simulation).await;
                let report = report(&simulation);
                let output = output(&simulation);
                let expected = if released { "Orders-2.zip" } else { "Orders-1.zip" };
                assert_eq!(output["applications"][0]["revision"]["s3"]["key"], expected, "{what}: {output}");
                assert!(report.instances.iter().all(|instance| instance.in_service_at.is_some()), "{what}");
            });
        }
    }
}

/// A pipeline is run again: the build that an instance has got already is deployed while it gets its second application.
#[test]
fn the_same_build_again_during_a_launch_leaves_it_up_to_date() {
    for outdated_by_last_success in [true, false] {
        for nothing_outdated in ["exception", "failedNoInstances", "succeededWithoutTargets", "targetsSkipped"] {
            let mut setting = web(&["Orders", "Search"]);
            setting["autoScalingGroups"][0]["desiredCapacity"] = 1.into();
            setting["applications"][0]["deploymentConfigName"] = "CodeDeployDefault.AllAtOnce".into();
            setting["applications"][1]["lifecycleEventSeconds"] = json!({"ApplicationStart": 600});
            setting["openFacts"] =
                json!({"nothingOutdated": nothing_outdated, "outdatedByLastSuccess": outdated_by_last_success});
            block_on(async || {
                let simulation = Simulation::start(options(setting)).expect("it starts");
                simulation.world().launch(WEB).expect("it launches");
                while simulation.world().report_without_calls().deployments.len() < 2 {
                    sleep(Duration::from_secs(5)).await;
                }
                sleep(Duration::from_secs(20)).await;
                simulation.world().deploy("Orders", "Production", Some(build("Orders", 1))).expect("the group is free");
                until_quiet(&simulation).await;
                let report = report(&simulation);
                assert!(report.instances.iter().all(|instance| instance.in_service_at.is_some()), "{nothing_outdated}");
                output(&simulation);
            });
        }
    }
}

/// The deployment group's tags match no instance of the Auto Scaling group.
#[test]
fn a_rollout_of_a_group_that_deploys_to_nobody_fails() {
    for nothing_outdated in ["exception", "failedNoInstances", "succeededWithoutTargets", "targetsSkipped"] {
        for somebody_else in [false, true] {
            let mut setting = web(&["Search", "Orders"]);
            setting["autoScalingGroups"][0]["desiredCapacity"] = 2.into();
            setting["applications"][1]["selection"] = json!({"tags": {"Role": "api"}});
            add_group(
                &mut setting,
                json!({"name": API, "tags": {"Role": "api"}, "desiredCapacity": u32::from(somebody_else)}),
            );
            setting["openFacts"] = json!({"nothingOutdated": nothing_outdated});
            block_on(async || {
                let simulation = Simulation::start(options(setting)).expect("it starts");
                let ended =
                    by_hand(&simulation, json!({"autoScalingGroupName": WEB, "applications": ["Search/Production"]}))
                        .await;
                assert_eq!(ended.status, "SUCCEEDED", "every instance is up to date: {ended:#?}");
                let ended =
                    by_hand(&simulation, json!({"autoScalingGroupName": WEB, "applications": ["Orders/Production"]}))
                        .await;
                assert_eq!(ended.status, "FAILED", "{nothing_outdated}, {somebody_else}: {ended:#?}");
                assert!(ended.cause.as_ref().is_some_and(|cause| cause.contains("Orders/Production")), "{ended:#?}");
                report(&simulation);
            });
        }
    }
}

/// A release has failed after the first of three instances in service had got it.
#[test]
fn a_half_way_release_is_warned_of_and_who_is_brought_back_is_named() {
    let mut setting = web(&["Orders"]);
    setting["autoScalingGroups"][0]["desiredCapacity"] = 3.into();
    block_on(async || {
        let simulation = Simulation::start(options(setting)).expect("it starts");
        let id =
            simulation.world().deploy("Orders", "Production", Some(build("Orders", 2))).expect("the group is free");
        let released = || {
            let deployments = simulation.world().report_without_calls().deployments;
            let targets = &deployments[0].targets;
            targets.iter().find(|target| target.status == "Succeeded").map(|target| target.instance_id.clone())
        };
        let released = loop {
            sleep(Duration::from_secs(1)).await;
            if let Some(released) = released() {
                break released;
            }
        };
        let others: Vec<String> =
            simulation.world().report_without_calls().instances.iter().map(|i| i.instance_id.clone()).collect();
        for other in others.iter().filter(|other| **other != released) {
            simulation.world().silence_agent(other).expect("it is there");
        }
        while simulation.world().report_without_calls().deployments[0].ended_at.is_none() {
            sleep(Duration::from_secs(60)).await;
        }
        let launched = simulation.world().launch(WEB).expect("it launches");
        until_quiet(&simulation).await;
        let executions = simulation.executions();
        let of_launch = executions.iter().find(|execution| execution.name.contains(&launched)).expect("its rollout");
        let output = of_launch.output.as_ref().unwrap_or_else(|| panic!("{of_launch:#?}"));
        let warning =
            format!("Orders/Production: {id} ended Failed after it had brought s3://builds/Orders-2.zip to 1 of the");
        assert!(output["warnings"].to_string().contains(&warning), "{output:#}");
        assert_eq!(output["applications"][0]["alsoDeployedTo"], json!([released]), "{output:#}");
        report(&simulation);
    });
}

/// A release has come to the on-premises instance alone: no other agent answered.
#[test]
fn an_on_premises_instance_is_brought_back_and_named() {
    let till = "till-1-of-the-shop-in-the-station";
    let mut setting = web(&["Orders"]);
    setting["autoScalingGroups"][0]["desiredCapacity"] = 3.into();
    setting["deploymentConfigs"] =
        json!([{"deploymentConfigName": "Two", "minimumHealthyHosts": {"type": "HOST_COUNT", "value": 2}}]);
    setting["applications"][0]["deploymentConfigName"] = "Two".into();
    setting["applications"][0]["onPremisesInstances"] = json!([till]);
    // CodeDeploy begins with two of the four, in no order that is documented: here the till is one of them.
    setting["seed"] = 1.into();
    block_on(async || {
        let simulation = Simulation::start(options(setting)).expect("it starts");
        for instance in simulation.world().report_without_calls().instances {
            simulation.world().silence_agent(&instance.instance_id).expect("it is there");
        }
        simulation.world().deploy("Orders", "Production", Some(build("Orders", 2))).expect("the group is free");
        sleep(Duration::from_secs(2 * 3_600)).await;
        let release = simulation.world().report_without_calls().deployments.remove(0);
        assert_eq!(release.status, "Failed");
        assert!(release.targets.iter().any(|target| target.instance_id == till && target.status == "Succeeded"));
        simulation.world().launch(WEB).expect("it launches");
        until_quiet(&simulation).await;
        let output = output(&simulation);
        assert_eq!(output["applications"][0]["alsoDeployedTo"], json!([till]), "{output:#}");
        assert!(output["warnings"].to_string().contains("ended Failed after it had brought"), "{output:#}");
        report(&simulation);
    });
}

/// An instance waits in the warm pool while sixty deployments bring its build to others.
#[test]
fn a_success_of_long_ago_is_found() {
    for nothing_outdated in ["exception", "failedNoInstances", "succeededWithoutTargets", "targetsSkipped"] {
        let mut setting = web(&["Orders"]);
        setting["autoScalingGroups"][0]["warmPool"] = json!({"size": 1});
        let hooks = setting["autoScalingGroups"][0]["hooks"].clone();
        add_group(&mut setting, json!({"name": API, "tags": {"Role": "web"}, "hooks": hooks}));
        setting["openFacts"] = json!({"nothingOutdated": nothing_outdated});
        block_on(async || {
            let simulation = Simulation::start(options(setting)).expect("it starts");
            sleep(Duration::from_secs(600)).await;
            for _ in 0..60 {
                simulation.world().launch(API).expect("it launches");
                sleep(Duration::from_secs(180)).await;
            }
            let pooled = simulation.world().launch(WEB).expect("it launches");
            until_quiet(&simulation).await;
            let report = report(&simulation);
            let in_service = report.instances.iter().filter(|i| i.lifecycle_state == "InService");
            assert!(in_service.clone().any(|instance| instance.instance_id == pooled), "{nothing_outdated}");
            assert_eq!(in_service.count(), 61, "{nothing_outdated}");
        });
    }
}

/// Each of forty applications has been deployed to six other instances since.
#[test]
fn the_last_gate_goes_on_over_several_calls() {
    let names: Vec<String> = (0..40).map(|i| format!("Service-{i}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut setting = web(&names);
    for application in setting["applications"].as_array_mut().expect("a list") {
        application["lifecycleEventSeconds"] = json!({"DownloadBundle": 0, "Install": 0, "ApplicationStart": 1});
    }
    block_on(async || {
        let simulation = Simulation::start(options(setting)).expect("it starts");
        let instance = simulation.world().launch(WEB).expect("it launches");
        until_quiet(&simulation).await;
        let mut deployed = output(&simulation)["applications"].clone();
        for _ in 0..6 {
            simulation.world().launch(WEB).expect("it launches");
            until_quiet(&simulation).await;
        }
        let before = report(&simulation).calls.len();
        let applications: Vec<String> = names.iter().map(|name| format!("{name}/Production")).collect();
        let mut calls = Vec::new();
        loop {
            let request = json!({
                "execution": "arn:aws:states:us-east-1:123456789012:execution:turnstile:by-hand",
                "deployed": deployed,
                "plan": {
                    "autoScalingGroupName": WEB, "instanceId": instance, "applications": applications,
                    "onFailure": "ABANDON", "warnings": [],
                },
            });
            let made: usize = calls.iter().sum();
            let answer = simulation.invoke("complete-lifecycle-hook", &request).await.expect("it is there").payload;
            calls.push(simulation.world().report().calls.len() - before - made);
            match answer["outcome"].as_str() {
                Some("STILL_LOOKING") => deployed = answer["applications"].clone(),
                outcome => {
                    assert_eq!(outcome, Some("NO_HOOK"), "{answer}");
                    assert_eq!(answer["applications"].as_array().map(Vec::len), Some(40));
                    assert!(!answer.to_string().contains("lookedAt"), "{answer}");
                    break;
                }
            }
        }
        assert!((2..=4).contains(&calls.len()), "{calls:?}");
        assert!(calls.iter().all(|calls| *calls < 300), "{calls:?}");
    });
}
