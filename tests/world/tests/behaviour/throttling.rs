//! Calls that come too fast.

use serde_json::{Value, json};

use crate::stage::{Refused, Stage, refused, setting};

async fn stage(throttling: Value) -> Stage {
    let mut setting = setting();
    setting["throttling"] = throttling;
    Stage::new(setting).await
}

fn is_throttled(code: &str) -> Refused {
    Refused { code: code.to_owned(), message: "Rate exceeded".to_owned() }
}

#[tokio::test]
async fn each_service_has_a_rate_of_its_own() {
    let stage = stage(json!({"codedeploy": {"callsPerSecond": 2, "burst": 4}})).await;
    let codedeploy = || stage.codedeploy.get_application().application_name("A").send();
    let autoscaling = || stage.autoscaling.describe_auto_scaling_groups().send();
    for (pause, through) in [(0.0, 4), (0.25, 0), (0.25, 1), (60.0, 4)] {
        stage.world.advance(pause);
        for _ in 0..through {
            codedeploy().await.unwrap();
        }
        assert_eq!(refused(codedeploy().await), is_throttled("ThrottlingException"), "after {pause} s");
    }
    for _ in 0..20 {
        autoscaling().await.unwrap();
    }
}

#[tokio::test]
async fn every_caller_and_every_operation_draws_on_the_same_rate() {
    let stage = stage(json!({"autoscaling": {"callsPerSecond": 2}})).await;
    stage.autoscaling.describe_auto_scaling_groups().send().await.unwrap();
    // A call that is refused for another reason counts too.
    refused(stage.autoscaling.describe_lifecycle_hooks().auto_scaling_group_name("none").send().await);
    let throttled = stage.autoscaling.describe_auto_scaling_instances().send().await;
    assert_eq!(refused(throttled), is_throttled("Throttling"));
    stage.codedeploy.get_application().application_name("A").send().await.unwrap();
}

#[tokio::test]
async fn a_throttled_call_to_codedeploy_changes_nothing_and_is_reported() {
    let stage = stage(json!({"codedeploy": {"callsPerSecond": 0.5}})).await;
    let instance = stage.launch_and_boot();
    let id = stage.update("A").await;
    let create = || stage.codedeploy.create_deployment().application_name("B").deployment_group_name("Staging").send();
    assert_eq!(refused(create().await), is_throttled("ThrottlingException"));
    assert_eq!(refused(stage.codedeploy.stop_deployment().deployment_id(&id).send().await).code, "ThrottlingException");
    stage.world.advance(70.0);
    let report = stage.world.report();
    assert_eq!(report.deployments.len(), 1);
    assert_eq!((report.deployments[0].status, &report.deployments[0].instance_ids), ("Succeeded", &vec![instance]));
    let calls: Vec<(&str, &str)> =
        report.calls.iter().map(|call| (call.operation.as_str(), call.outcome.as_str())).collect();
    assert_eq!(
        calls,
        [
            ("CreateDeployment", "ok"),
            ("CreateDeployment", "ThrottlingException"),
            ("StopDeployment", "ThrottlingException"),
        ]
    );
    assert_eq!(report.calls[1].parameters["applicationName"], "B");
}

#[tokio::test]
async fn a_throttled_call_to_auto_scaling_changes_nothing_and_is_reported() {
    let stage = stage(json!({"autoscaling": {"callsPerSecond": 0.1}})).await;
    let instance = stage.launch_and_boot();
    let beat = || {
        let call = stage.autoscaling.record_lifecycle_action_heartbeat().auto_scaling_group_name("web");
        call.lifecycle_hook_name("launch").instance_id(&instance).send()
    };
    beat().await.unwrap();
    assert_eq!(refused(beat().await), is_throttled("Throttling"));
    assert_eq!(stage.complete(&instance, "CONTINUE").await, Err(is_throttled("Throttling")));
    assert_eq!(stage.state(&instance), "Pending:Wait");
    let report = stage.world.report();
    assert_eq!(report.hook_actions[0].heartbeats, 1);
    let outcomes: Vec<&str> = report.calls.iter().map(|call| call.outcome.as_str()).collect();
    assert_eq!(outcomes, ["ok", "Throttling", "Throttling"]);
    stage.world.advance(10.0);
    stage.complete(&instance, "CONTINUE").await.unwrap();
}

#[tokio::test]
async fn throttling_is_the_callers_error() {
    let rate = json!({"callsPerSecond": 0.1});
    let stage = stage(json!({"codedeploy": rate, "autoscaling": rate})).await;
    let codedeploy = || stage.codedeploy.get_application().application_name("A").send();
    let autoscaling = || stage.autoscaling.describe_auto_scaling_groups().send();
    codedeploy().await.unwrap();
    autoscaling().await.unwrap();
    let refused = (codedeploy().await.unwrap_err(), autoscaling().await.unwrap_err());
    let answers = (refused.0.raw_response().unwrap(), refused.1.raw_response().unwrap());
    assert_eq!((answers.0.status().as_u16(), answers.1.status().as_u16()), (400, 400));
}

/// What a person does at the console, and CodeDeploy does of itself, is no call.
#[tokio::test]
async fn only_calls_are_throttled() {
    let rate = json!({"callsPerSecond": 0.001});
    let stage = stage(json!({"codedeploy": rate, "autoscaling": rate})).await;
    for _ in 0..3 {
        stage.launch_and_boot();
        stage.world.deploy("A", "Staging", None).unwrap();
        stage.world.advance(500.0);
    }
    let statuses: Vec<&str> = stage.world.report().deployments.iter().map(|deployment| deployment.status).collect();
    assert_eq!(statuses, ["Succeeded"; 3]);
}
