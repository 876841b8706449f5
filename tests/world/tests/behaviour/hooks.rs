//! Launches and their lifecycle hooks.

use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;
use world::{ClosedBy, HookResult};

use crate::stage::{Stage, refused, setting, with};

fn drain(events: &mut UnboundedReceiver<Value>) -> Vec<Value> {
    std::iter::from_fn(|| events.try_recv().ok()).collect()
}

#[tokio::test]
async fn an_instance_waits_at_the_hook_until_it_is_completed() {
    let stage =
        Stage::new(with(setting(), "/autoScalingGroups/0/hooks/0/notificationMetadata", json!("A/Staging"))).await;
    let mut events = stage.world.events();
    let instance = stage.world.launch("web").unwrap();
    assert_eq!(stage.state(&instance), "Pending");
    stage.world.advance(10.0);
    assert_eq!(stage.state(&instance), "Pending:Wait");

    let action = drain(&mut events).pop().expect("the lifecycle action's event");
    assert_eq!(action["detail-type"], "EC2 Instance-launch Lifecycle Action");
    assert_eq!(action["source"], "aws.autoscaling");
    assert_eq!(action["account"], "123456789012");
    assert_eq!(action["region"], "us-east-1");
    assert_eq!(action["version"], "0");
    assert!(action["time"].as_str().is_some_and(|time| time.len() == "2026-01-31T12:34:56Z".len()), "{action}");
    let arn = action["resources"][0].as_str().unwrap();
    assert!(arn.starts_with("arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:"), "{arn}");
    assert!(arn.ends_with(":autoScalingGroupName/web"), "{arn}");
    let detail = &action["detail"];
    assert_eq!(detail["AutoScalingGroupName"], "web");
    assert_eq!(detail["LifecycleHookName"], "launch");
    assert_eq!(detail["EC2InstanceId"], instance.as_str());
    assert_eq!(detail["LifecycleTransition"], "autoscaling:EC2_INSTANCE_LAUNCHING");
    assert_eq!(detail["NotificationMetadata"], "A/Staging");
    assert_eq!((&detail["Origin"], &detail["Destination"]), (&json!("EC2"), &json!("AutoScalingGroup")));

    stage.world.advance(1000.0);
    assert_eq!(stage.state(&instance), "Pending:Wait");
    stage.complete(&instance, "CONTINUE").await.unwrap();
    assert_eq!(stage.state(&instance), "Pending:Proceed");
    stage.world.advance(1.0);
    assert_eq!(stage.state(&instance), "InService");
    let success = drain(&mut events).pop().expect("the launch's event");
    assert_eq!(success["detail-type"], "EC2 Instance Launch Successful");
    assert_eq!(success["detail"]["EC2InstanceId"], instance.as_str());
    assert_eq!(stage.world.report().violations, []);
}

#[tokio::test]
async fn metadata_that_is_not_set_is_absent_from_the_event() {
    let stage = Stage::new(setting()).await;
    let mut events = stage.world.events();
    stage.launch_and_boot();
    let action = drain(&mut events).pop().unwrap();
    assert!(action["detail"].get("NotificationMetadata").is_none(), "{action}");
}

#[tokio::test]
async fn without_a_hook_an_instance_enters_service_after_its_boot() {
    let stage = Stage::new(with(setting(), "/autoScalingGroups/0/hooks", json!([]))).await;
    let mut events = stage.world.events();
    let instance = stage.world.launch("web").unwrap();
    stage.world.advance(9.0);
    assert_eq!(stage.state(&instance), "Pending");
    stage.world.advance(1.0);
    assert_eq!(stage.state(&instance), "InService");
    let kinds: Vec<Value> = drain(&mut events).into_iter().map(|event| event["detail-type"].clone()).collect();
    assert_eq!(kinds, [json!("EC2 Instance Launch Successful")]);
}

#[tokio::test]
async fn completion_too_early_or_again_finds_no_active_action() {
    let stage = Stage::new(setting()).await;
    let instance = stage.world.launch("web").unwrap();
    let none = format!("No active Lifecycle Action found with instance ID {instance}");
    let early = stage.complete(&instance, "CONTINUE").await.unwrap_err();
    assert_eq!((early.code.as_str(), &early.message), ("ValidationError", &none));
    stage.world.advance(10.0);
    stage.complete(&instance, "CONTINUE").await.unwrap();
    let again = stage.complete(&instance, "CONTINUE").await.unwrap_err();
    assert_eq!((again.code.as_str(), &again.message), ("ValidationError", &none));
}

#[tokio::test]
async fn a_hook_can_open_a_moment_after_its_event() {
    let stage = Stage::new(with(setting(), "/autoScalingGroups/0/hooks/0/opensSecondsAfterEvent", json!(2.5))).await;
    let mut events = stage.world.events();
    let instance = stage.world.launch("web").unwrap();
    let beat = || {
        let call = stage.autoscaling.record_lifecycle_action_heartbeat().auto_scaling_group_name("web");
        call.lifecycle_hook_name("launch").instance_id(&instance).send()
    };
    stage.world.advance(12.0);
    assert_eq!((drain(&mut events).len(), stage.state(&instance)), (1, "Pending:Wait"));
    let none = format!("No active Lifecycle Action found with instance ID {instance}");
    let early = [refused(beat().await), stage.complete(&instance, "CONTINUE").await.unwrap_err()];
    for refusal in early {
        assert_eq!((refusal.code.as_str(), &refusal.message), ("ValidationError", &none));
    }
    assert_eq!(stage.state(&instance), "Pending:Wait");
    stage.world.advance(0.5);
    beat().await.unwrap();
    stage.complete(&instance, "CONTINUE").await.unwrap();
    assert_eq!(stage.state(&instance), "Pending:Proceed");
    assert_eq!(stage.world.report().hook_actions[0].heartbeats, 1);
}

#[tokio::test]
async fn a_token_names_the_action_too() {
    let stage = Stage::new(setting()).await;
    let mut events = stage.world.events();
    let instance = stage.launch_and_boot();
    let token = drain(&mut events)[0]["detail"]["LifecycleActionToken"].as_str().unwrap().to_owned();
    let complete = || {
        let call = stage.autoscaling.complete_lifecycle_action().auto_scaling_group_name("web");
        call.lifecycle_hook_name("launch").lifecycle_action_token(&token).lifecycle_action_result("CONTINUE").send()
    };
    complete().await.unwrap();
    assert_eq!(stage.state(&instance), "Pending:Proceed");
    assert_eq!(refused(complete().await).message, format!("No active Lifecycle Action found with token {token}"));
}

#[tokio::test]
async fn abandon_terminates_the_instance_and_the_group_launches_another() {
    let stage = Stage::new(setting()).await;
    let first = stage.launch_and_boot();
    stage.complete(&first, "ABANDON").await.unwrap();
    assert_eq!(stage.state(&first), "Terminating");
    stage.world.advance(60.0);
    assert_eq!(stage.state(&first), "Terminated");
    let instances = stage.world.report().instances;
    assert_eq!(instances.len(), 2);
    assert_eq!(instances[1].lifecycle_state, "Pending:Wait");
    assert_eq!(stage.world.report().hook_actions[0].result, Some(HookResult::Abandon));
}

#[tokio::test]
async fn all_hooks_must_continue_and_one_abandon_ends_the_others() {
    let hooks = json!([{"name": "launch"}, {"name": "second"}]);
    let stage = Stage::new(with(setting(), "/autoScalingGroups/0/hooks", hooks)).await;
    let complete_second = |instance: &str, result: &str| {
        let call = stage.autoscaling.complete_lifecycle_action().auto_scaling_group_name("web");
        call.lifecycle_hook_name("second").instance_id(instance).lifecycle_action_result(result).send()
    };
    let instance = stage.launch_and_boot();
    stage.complete(&instance, "CONTINUE").await.unwrap();
    assert_eq!(stage.state(&instance), "Pending:Wait");
    complete_second(&instance, "CONTINUE").await.unwrap();
    assert_eq!(stage.state(&instance), "Pending:Proceed");

    let abandoned = stage.launch_and_boot();
    complete_second(&abandoned, "ABANDON").await.unwrap();
    assert_eq!(stage.state(&abandoned), "Terminating");
    let actions = stage.world.report().hook_actions;
    let cancelled = actions.iter().find(|a| a.instance_id == abandoned && a.hook == "launch").unwrap();
    assert_eq!((cancelled.closed_by, cancelled.result), (Some(ClosedBy::Termination), None));
}

#[tokio::test]
async fn heartbeats_extend_the_wait_up_to_the_global_maximum() {
    let stage = Stage::new(with(setting(), "/autoScalingGroups/0/hooks/0/heartbeatTimeout", json!(30))).await;
    let instance = stage.world.launch("web").unwrap();
    stage.world.advance(10.0);
    let beat = || {
        let call = stage.autoscaling.record_lifecycle_action_heartbeat().auto_scaling_group_name("web");
        call.lifecycle_hook_name("launch").instance_id(&instance).send()
    };
    // 100 times 30 s after its opening the hook ends, however many heartbeats come.
    for _ in 0..149 {
        stage.world.advance(20.0);
        beat().await.unwrap();
    }
    assert_eq!(stage.state(&instance), "Pending:Wait");
    stage.world.advance(20.0);
    assert_eq!(stage.state(&instance), "Terminating");
    let action = &stage.world.report().hook_actions[0];
    assert_eq!((action.closed_by, action.result), (Some(ClosedBy::GlobalTimeout), Some(HookResult::Abandon)));
    assert_eq!((action.heartbeats, action.closed_at), (149, Some(3010.0)));
    let late = refused(beat().await);
    assert_eq!(late.code, "ValidationError");
    assert!(late.message.starts_with("No active Lifecycle Action found with instance ID"), "{}", late.message);
}

#[tokio::test]
async fn a_hook_nobody_completes_ends_with_its_default_result() {
    for (default, expected) in [("ABANDON", "Terminating"), ("CONTINUE", "InService")] {
        let hook = json!([{"name": "launch", "heartbeatTimeout": 30, "defaultResult": default}]);
        let stage = Stage::new(with(setting(), "/autoScalingGroups/0/hooks", hook)).await;
        let instance = stage.world.launch("web").unwrap();
        stage.world.advance(39.0);
        assert_eq!(stage.state(&instance), "Pending:Wait");
        stage.world.advance(2.0);
        assert_eq!(stage.state(&instance), expected, "{default}");
        assert_eq!(stage.world.report().hook_actions[0].closed_by, Some(ClosedBy::Timeout));
    }
}

#[tokio::test]
async fn deleting_a_hook_abandons_who_waits_at_it() {
    let stage = Stage::new(setting()).await;
    let instance = stage.launch_and_boot();
    let delete = || {
        let call = stage.autoscaling.delete_lifecycle_hook();
        call.auto_scaling_group_name("web").lifecycle_hook_name("launch").send()
    };
    delete().await.unwrap();
    assert_eq!(stage.state(&instance), "Terminating");
    assert_eq!(refused(delete().await).message, "No Lifecycle Hook found with name 'launch'");
}
