//! Other instances in the same deployment: waited for while they are at work, and no trouble when they are dead or fail.

use end_to_end::*;
use serde_json::json;
use world::{Report, Setting};

fn with_config(mut setting: Setting, name: &str) -> Setting {
    for application in &mut setting.applications {
        application.deployment_config_name = name.into();
    }
    setting
}

/// One of two instances has an agent that dies at once. The deployment is stopped, the good one goes into service; the other one
/// has its own turn, and fails in it.
#[tokio::test]
async fn a_dead_neighbour_holds_nobody_up() {
    let setting = with_config(six_applications(), "CodeDeployDefault.AllAtOnce");
    let stack = start(setting, 1).await;
    let instances = stack.world().launch_over(GROUP, 2, 0.0).unwrap();
    stack.world().silence_agent(&instances[1]).unwrap();
    // Their rollouts come in any order: the dead one's may be first, and fails after its application's time-out.
    let good =
        |report: &Report| report.instances.iter().any(|i| i.instance_id == instances[0] && i.in_service_at.is_some());
    let report = until(&stack, good).await;
    let stopped = report.deployments.iter().filter(|deployment| deployment.status == "Stopped").count();
    assert!(stopped > 0, "{:#?}", report.deployments);
    assert_eq!(report.violations, [] as [&str; 0]);
    stack.stop().await;
}

/// Under OneAtATime the first failure ends a deployment, and who comes later is skipped: that is not his failure.
#[tokio::test]
async fn a_neighbour_s_failure_is_not_ours() {
    let mut setting = six_applications();
    // So many targets fail: the first instance's two attempts, and whatever comes before them in others' turns.
    setting.applications[2].failure =
        Some(read(json!({"event": "AfterInstall", "scriptName": "migrate.sh", "times": 1})));
    for application in &mut setting.applications {
        application.lifecycle_event_seconds.application_start = 60.0;
    }
    let stack = start(setting, 1).await;
    let instances = stack.world().launch_over(GROUP, 3, 0.0).unwrap();
    let everybody =
        |report: &Report| report.instances.iter().filter(|i| i.in_service_at.is_some()).count() >= instances.len();
    until(&stack, everybody).await;
    for execution in all_ended(&stack).await {
        assert_eq!(execution.status, "SUCCEEDED", "{execution:#?}");
    }
    let report = finish(stack, &[]).await;
    let skipped =
        report.deployments.iter().flat_map(|d| &d.targets).filter(|target| target.status == "Skipped").count();
    assert!(skipped > 0, "nobody was skipped: {:#?}", report.deployments);
}
