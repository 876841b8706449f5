//! Many launches at once, or one after another.

use serde_json::json;

use crate::stage::{Stage, refused, setting, with};

async fn stage(desired_capacity: usize) -> Stage {
    Stage::new(with(setting(), "/autoScalingGroups/0/desiredCapacity", json!(desired_capacity))).await
}

/// The ids and the moments of the launches so far, without those of the first `before` instances.
fn launches(stage: &Stage, before: usize) -> Vec<(String, f64)> {
    let instances = stage.world.report().instances.into_iter().skip(before);
    instances.map(|instance| (instance.instance_id, instance.launched_at)).collect()
}

async fn desired_capacity(stage: &Stage) -> i32 {
    let answer = stage.autoscaling.describe_auto_scaling_groups().send().await.unwrap();
    answer.auto_scaling_groups()[0].desired_capacity().unwrap()
}

#[tokio::test]
async fn launches_are_spread_evenly() {
    let stage = stage(1).await;
    stage.world.advance(5.0);
    let ids = stage.world.launch_over("web", 4, 30.0).unwrap();
    let mut expected: Vec<(String, f64)> = ids.into_iter().zip([5.0, 15.0, 25.0, 35.0]).collect();
    assert_eq!(launches(&stage, 1), expected[..1]);
    stage.world.advance(29.0);
    assert_eq!((launches(&stage, 1).as_slice(), desired_capacity(&stage).await), (&expected[..3], 4));
    stage.world.advance(1.0);
    assert_eq!((launches(&stage, 1).as_slice(), desired_capacity(&stage).await), (&expected[..], 5));

    // One has no last to wait for, and none is none.
    let one = stage.world.launch_over("web", 1, 60.0).unwrap();
    expected.push((one[0].clone(), 35.0));
    assert_eq!(stage.world.launch_over("web", 0, 60.0).unwrap(), [] as [String; 0]);
    stage.world.advance(100.0);
    assert_eq!(launches(&stage, 1), expected);
}

#[tokio::test]
async fn a_hundred_join_a_group_at_the_same_moment() {
    let stage = stage(100).await;
    let mut events = stage.world.events();
    let ids = stage.world.launch_over("web", 100, 0.0).unwrap();
    let expected: Vec<(String, f64)> = ids.iter().map(|id| (id.clone(), 0.0)).collect();
    assert_eq!(launches(&stage, 100), expected);
    stage.world.advance(10.0);
    let told: Vec<String> = std::iter::from_fn(|| events.try_recv().ok())
        .map(|event| event["detail"]["EC2InstanceId"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(told, ids);
    assert!(ids.iter().all(|id| stage.state(id) == "Pending:Wait"));
}

#[tokio::test]
async fn an_instance_is_unknown_before_its_moment() {
    let stage = stage(0).await;
    let ids = stage.world.launch_over("web", 2, 60.0).unwrap();
    stage.world.advance(59.0);
    let describe = || stage.autoscaling.describe_auto_scaling_instances().instance_ids(&ids[1]).send();
    assert_eq!(describe().await.unwrap().auto_scaling_instances().len(), 0);
    assert_eq!(stage.world.terminate(&ids[1]).unwrap_err().code, "ValidationError");
    assert_eq!(stage.world.silence_agent(&ids[1]).unwrap_err().code, "ValidationError");
    stage.world.advance(1.0);
    assert_eq!(describe().await.unwrap().auto_scaling_instances().len(), 1);
    stage.world.terminate(&ids[1]).unwrap();
}

#[tokio::test]
async fn who_is_terminated_meanwhile_is_replaced_besides() {
    let stage = stage(0).await;
    let ids = stage.world.launch_over("web", 2, 60.0).unwrap();
    stage.world.advance(15.0);
    stage.world.terminate(&ids[0]).unwrap();
    stage.world.advance(100.0);
    let states: Vec<&str> = stage.world.report().instances.iter().map(|instance| instance.lifecycle_state).collect();
    assert_eq!(states, ["Terminated", "Pending:Wait", "Pending:Wait"]);
    assert_eq!((launches(&stage, 2), desired_capacity(&stage).await), (vec![(ids[1].clone(), 60.0)], 2));
}

#[tokio::test]
async fn the_launches_to_come_count_towards_the_greatest_size() {
    let stage = stage(50).await;
    let refusal = stage.world.launch_over("web", 251, 0.0).unwrap_err();
    assert!(refusal.message.starts_with("New SetDesiredCapacity value 301 is above max value 300"), "{refusal}");
    stage.world.launch_over("web", 249, 60.0).unwrap();
    stage.world.launch_over("web", 1, 0.0).unwrap();
    assert_eq!(stage.world.launch_over("web", 1, 0.0).unwrap_err().code, "ValidationError");
    assert_eq!(stage.world.launch("web").unwrap_err().code, "ValidationError");
    let set = stage.autoscaling.set_desired_capacity().auto_scaling_group_name("web").desired_capacity(300);
    assert_eq!(refused(set.send().await).code, "ValidationError");
    stage.world.advance(60.0);
    assert_eq!((stage.world.report().instances.len(), desired_capacity(&stage).await), (300, 300));
}

#[tokio::test]
async fn the_spread_is_a_time() {
    let stage = stage(0).await;
    for seconds in [-1.0, f64::NAN, f64::INFINITY] {
        let refusal = stage.world.launch_over("web", 2, seconds).unwrap_err();
        assert_eq!(refusal.to_string(), "ValidationError: seconds must be 0 or more");
    }
    assert_eq!(stage.world.report().instances.len(), 0);
}
