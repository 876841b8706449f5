//! Auto Scaling groups that are made and deleted, and hooks that come and go by hand.

use serde_json::{Value, json};
use world::{HookResult, HookSetting};

use crate::stage::{Stage, setting, with};

/// Two groups, of which the second is made later.
fn two() -> Value {
    let mut setting = setting();
    let mut later = setting["autoScalingGroups"][0].clone();
    (later["name"], later["madeLater"], later["desiredCapacity"]) = (json!("later"), json!(true), json!(2));
    setting["autoScalingGroups"].as_array_mut().unwrap().push(later);
    setting
}

async fn shown(stage: &Stage) -> Vec<(String, Vec<String>)> {
    let answer = stage.autoscaling.describe_auto_scaling_groups().send().await.unwrap();
    let states = |group: &aws_sdk_autoscaling::types::AutoScalingGroup| {
        let states = group.instances().iter().filter_map(|instance| instance.lifecycle_state());
        states.map(|state| state.as_str().to_owned()).collect()
    };
    let groups = answer.auto_scaling_groups().iter();
    groups.map(|group| (group.auto_scaling_group_name().unwrap_or_default().to_owned(), states(group))).collect()
}

#[tokio::test]
async fn a_group_that_is_made_launches_its_capacity_past_its_hooks() {
    let stage = Stage::new(two()).await;
    assert_eq!(shown(&stage).await, [("web".to_owned(), vec![])]);
    assert_eq!(stage.world.launch("later").unwrap_err().code, "ValidationError");
    stage.world.make_group("later").unwrap();
    stage.world.advance(10.0);
    let waiting = vec!["Pending:Wait".to_owned(); 2];
    assert_eq!(shown(&stage).await, [("web".to_owned(), vec![]), ("later".to_owned(), waiting)]);
    assert_eq!(stage.world.make_group("later").unwrap_err().code, "AlreadyExists");
    assert_eq!(stage.world.make_group("none").unwrap_err().code, "AlreadyExists");
}

#[tokio::test]
async fn a_group_that_is_deleted_is_there_until_its_last_instance_is_gone() {
    let stage = Stage::new(with(two(), "/autoScalingGroups/0/desiredCapacity", json!(1))).await;
    stage.world.delete_group("web").unwrap();
    assert_eq!(shown(&stage).await, [("web".to_owned(), vec!["Terminating".to_owned()])]);
    stage.world.advance(60.0);
    assert_eq!(shown(&stage).await, []);
    assert_eq!(stage.world.launch("web").unwrap_err().code, "ValidationError");
}

#[tokio::test]
async fn a_hook_by_hand_holds_the_next_launch_until_it_is_deleted() {
    let stage = Stage::new(with(setting(), "/autoScalingGroups/0/hooks", json!([]))).await;
    let first = stage.launch_and_boot();
    assert_eq!(stage.state(&first), "InService");
    let hook: HookSetting = serde_json::from_value(json!({"name": "launch"})).unwrap();
    stage.world.put_hook("web", &hook).unwrap();
    let second = stage.launch_and_boot();
    assert_eq!(stage.state(&second), "Pending:Wait");
    stage.world.complete_hook(&second, "launch", HookResult::Continue).unwrap();
    stage.world.advance(1.0);
    let third = stage.launch_and_boot();
    stage.world.delete_hook("web", "launch").unwrap();
    assert_eq!(stage.state(&third), "Terminating", "what waits at a deleted hook is abandoned");
    assert_eq!(stage.world.delete_hook("web", "launch").unwrap_err().code, "ValidationError");
}
