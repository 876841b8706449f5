//! A group whose launches fail launches again, for ever: the rollouts back off, longer each time.

use end_to_end::*;
use serde_json::json;
use world::Report;

fn failing() -> world::Setting {
    let mut setting = six_applications();
    setting.applications[0].failure =
        Some(read(json!({"event": "BeforeInstall", "errorCode": "ScriptMissing", "scriptName": "check.sh"})));
    setting
}

#[tokio::test]
async fn failed_launches_follow_each_other_more_and_more_slowly() {
    let stack = start(failing(), 1).await;
    stack.world().launch(GROUP).unwrap();
    let report = until(&stack, |report| report.instances.len() == 5).await;
    let launched: Vec<f64> = report.instances.iter().map(|instance| instance.launched_at).collect();
    let gaps: Vec<f64> = launched.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (gap, minutes) in gaps.iter().zip([1.0, 2.0, 4.0, 8.0]) {
        assert!(*gap >= minutes * 60.0, "{gaps:?}");
    }
    assert!(gaps.windows(2).all(|pair| pair[1] > pair[0]), "{gaps:?}");
    let first = &report.hook_actions[0];
    assert!(first.heartbeats > 2, "the hook is kept open meanwhile: {first:#?}");

    // An operator sees the state's name and the count.
    let waiting = until_execution(&stack, &report.instances[4].instance_id).await;
    until_in(&stack, &waiting.arn, "WaitBeforeAbandon").await;
    let history = stack.history(&waiting.arn).await.unwrap();
    let entered =
        history.iter().rev().find(|event| event["stateEnteredEventDetails"]["name"] == "WaitBeforeAbandon").unwrap();
    let input = entered["stateEnteredEventDetails"]["input"].as_str().unwrap();
    let input: serde_json::Value = serde_json::from_str(input).unwrap();
    assert_eq!(input["failure"]["error"], "Turnstile.DeploymentFailed", "{input:#}");
    assert!(input["failure"]["cause"].as_str().is_some_and(|cause| cause.contains("check.sh")), "{input:#}");
    assert_eq!((&input["failuresInARow"], &input["backOffSeconds"]), (&json!(5), &json!(960)), "{input:#}");
    assert_eq!(stack.world().report().violations, []);
    stack.stop().await;
}

#[tokio::test]
async fn a_success_clears_the_count() {
    let mut setting = failing();
    setting.applications[0].failure.as_mut().unwrap().times = Some(2);
    let stack = start(setting, 1).await;
    stack.world().launch(GROUP).unwrap();
    let in_service = |report: &Report| report.instances.iter().filter(|i| i.in_service_at.is_some()).count();
    let report = until(&stack, |report| in_service(report) == 1).await;
    assert_eq!(report.instances.len(), 3, "two failed");
    stack.world().deploy("Storefront", DEPLOYMENT_GROUP, Some(revision("Storefront", 2))).unwrap();
    until(&stack, |report| report.deployments.last().is_some_and(|last| last.ended_at.is_some())).await;
    for execution in all_ended(&stack).await {
        let Some(cause) = execution.cause else { continue };
        assert!(cause.contains("check.sh"), "{cause}");
    }
    finish(stack, &[]).await;
}

/// An invalid list of applications fails every launch in the same way.
#[tokio::test]
async fn a_list_that_cannot_be_read_backs_off_too() {
    let mut setting = six_applications();
    setting.auto_scaling_groups[0].hooks[0].notification_metadata = Some("Search".into());
    let stack = start(setting, 1).await;
    stack.world().launch(GROUP).unwrap();
    let report = until(&stack, |report| report.instances.len() == 3).await;
    let launched: Vec<f64> = report.instances.iter().map(|instance| instance.launched_at).collect();
    assert!(launched[1] - launched[0] >= 60.0 && launched[2] - launched[1] >= 120.0, "{launched:?}");
    assert_eq!(report.violations, []);
    stack.stop().await;
}
