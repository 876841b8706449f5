//! Warm pools: instances made ready beside their group.

use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;
use world::{ClosedBy, Launch};

use crate::stage::{Stage, refused, setting, with};

/// The stage with a warm pool of so many instances, whose hooks are not violated by instances without applications.
async fn stage(size: usize, reuse_on_scale_in: bool) -> Stage {
    let pool = json!({"size": size, "reuseOnScaleIn": reuse_on_scale_in});
    Stage::new(with(setting(), "/autoScalingGroups/0/warmPool", pool)).await
}

fn ids(stage: &Stage) -> Vec<String> {
    stage.world.report().instances.into_iter().map(|instance| instance.instance_id).collect()
}

fn states(stage: &Stage) -> Vec<&'static str> {
    stage.world.report().instances.iter().map(|instance| instance.lifecycle_state).collect()
}

/// Kind, instance, origin, destination and token of each event so far.
fn drain(events: &mut UnboundedReceiver<Value>) -> Vec<(String, String, String, String, String)> {
    let told = |event: Value| {
        let text = |field: &str| event["detail"][field].as_str().unwrap_or_default().to_owned();
        let kind = event["detail-type"].as_str().unwrap().to_owned();
        (kind, text("EC2InstanceId"), text("Origin"), text("Destination"), text("LifecycleActionToken"))
    };
    std::iter::from_fn(|| events.try_recv().ok()).map(told).collect()
}

/// An instance that waits in the pool, stopped.
async fn with_one_ready(reuse_on_scale_in: bool) -> (Stage, String) {
    let stage = stage(1, reuse_on_scale_in).await;
    stage.world.advance(15.0);
    let id = ids(&stage).remove(0);
    stage.complete(&id, "CONTINUE").await.unwrap();
    stage.world.advance(1.0);
    assert_eq!(stage.state(&id), "Warmed:Stopped");
    (stage, id)
}

#[tokio::test]
async fn the_hook_fires_on_the_way_into_the_pool_and_again_on_the_way_out() {
    let stage = stage(1, false).await;
    let mut events = stage.world.events();
    let [id] = ids(&stage).try_into().unwrap();
    assert_eq!(stage.state(&id), "Warmed:Pending");
    stage.world.advance(10.0);
    assert_eq!(stage.state(&id), "Warmed:Pending:Wait");
    let into = drain(&mut events);
    let [(kind, instance, origin, destination, first_token)] = into.as_slice() else { panic!("{into:?}") };
    assert_eq!((kind.as_str(), instance), ("EC2 Instance-launch Lifecycle Action", &id));
    assert_eq!((origin.as_str(), destination.as_str()), ("EC2", "WarmPool"));

    stage.complete(&id, "CONTINUE").await.unwrap();
    assert_eq!(stage.state(&id), "Warmed:Pending:Proceed");
    stage.world.advance(1.0);
    assert_eq!(stage.state(&id), "Warmed:Stopped");
    let ready = drain(&mut events);
    let [(kind, _, origin, destination, _)] = ready.as_slice() else { panic!("{ready:?}") };
    assert_eq!(
        (kind.as_str(), origin.as_str(), destination.as_str()),
        ("EC2 Instance Launch Successful", "EC2", "WarmPool")
    );

    stage.world.advance(1000.0);
    assert_eq!(stage.world.launch("web").unwrap(), id);
    assert_eq!(stage.state(&id), "Pending");
    let none = stage.complete(&id, "CONTINUE").await.unwrap_err();
    assert!(none.message.starts_with("No active Lifecycle Action found"), "{none:?}");
    stage.world.advance(10.0);
    assert_eq!(stage.state(&id), "Pending:Wait");
    let out = drain(&mut events);
    let [(_, instance, origin, destination, second_token)] = out.as_slice() else { panic!("{out:?}") };
    assert_eq!((instance, origin.as_str(), destination.as_str()), (&id, "WarmPool", "AutoScalingGroup"));
    assert_ne!(second_token, first_token);

    stage.complete(&id, "CONTINUE").await.unwrap();
    stage.world.advance(1.0);
    assert_eq!(stage.state(&id), "InService");
    let actions = stage.world.report_at_end().hook_actions;
    let told: Vec<_> = actions.iter().map(|action| (action.destination, action.closed_by)).collect();
    assert_eq!(told, [("WarmPool", Some(ClosedBy::Completion)), ("AutoScalingGroup", Some(ClosedBy::Completion))]);
}

#[tokio::test]
async fn a_launch_that_finds_nobody_ready_is_a_new_instance() {
    let stage = stage(1, false).await;
    let mut events = stage.world.events();
    let fresh = stage.world.launch("web").unwrap();
    assert_eq!(states(&stage), ["Warmed:Pending", "Pending"]);
    stage.world.advance(10.0);
    let told: Vec<_> = drain(&mut events).into_iter().map(|(_, id, origin, to, _)| (id, origin, to)).collect();
    assert!(told.contains(&(fresh.clone(), "EC2".to_owned(), "AutoScalingGroup".to_owned())), "{told:?}");
    stage.complete(&fresh, "CONTINUE").await.unwrap();
    stage.world.advance(1.0);
    assert_eq!(states(&stage), ["Warmed:Pending:Wait", "InService"]);
}

#[tokio::test]
async fn the_pool_and_the_group_are_shown_apart() {
    let (stage, warm) = with_one_ready(true).await;
    let cold = stage.world.launch_over("web", 1, 0.0).unwrap().remove(0);
    let answer = stage.autoscaling.describe_auto_scaling_groups().send().await.unwrap();
    let group = &answer.auto_scaling_groups()[0];
    let shown: Vec<_> =
        group.instances().iter().map(|i| (i.instance_id(), i.lifecycle_state().unwrap().as_str())).collect();
    assert_eq!(shown, [(Some(cold.as_str()), "Pending")]);
    assert_eq!(group.warm_pool_size(), Some(1));

    let describe = |name: &str| stage.autoscaling.describe_warm_pool().auto_scaling_group_name(name).send();
    let pool = describe("web").await.unwrap();
    let [shown] = pool.instances() else { panic!("{pool:?}") };
    assert_eq!(
        (shown.instance_id(), shown.lifecycle_state().unwrap().as_str()),
        (Some(warm.as_str()), "Warmed:Stopped")
    );
    let configuration = pool.warm_pool_configuration().unwrap();
    assert_eq!(configuration.max_group_prepared_capacity(), Some(1));
    assert_eq!(configuration.instance_reuse_policy().unwrap().reuse_on_scale_in(), Some(true));
    assert_eq!(refused(describe("none").await).code, "ValidationError");

    let all = stage.autoscaling.describe_auto_scaling_instances().send().await.unwrap();
    let states: Vec<_> = all.auto_scaling_instances().iter().map(|i| i.lifecycle_state().unwrap()).collect();
    assert_eq!(states, ["Warmed:Stopped", "Pending"]);
}

#[tokio::test]
async fn who_is_abandoned_on_the_way_into_the_pool_is_replaced_there() {
    let stage = stage(1, false).await;
    stage.world.advance(15.0);
    let id = ids(&stage).remove(0);
    stage.complete(&id, "ABANDON").await.unwrap();
    assert_eq!(states(&stage), ["Warmed:Terminating"]);
    stage.world.advance(30.0);
    assert_eq!(states(&stage), ["Warmed:Terminated", "Warmed:Pending"]);
}

#[tokio::test]
async fn a_launch_makes_the_pool_smaller_and_a_replacement_is_replaced() {
    let (stage, id) = with_one_ready(false).await;
    assert_eq!(stage.world.launch("web").unwrap(), id);
    stage.world.advance(100.0);
    assert_eq!(states(&stage), ["Pending:Wait"]);

    let another = stage.world.warm("web", 1).unwrap().remove(0);
    stage.world.advance(10.0);
    stage.complete(&another, "CONTINUE").await.unwrap();
    stage.world.advance(1.0);
    stage.world.terminate(&id).unwrap();
    stage.world.advance(30.0);
    assert_eq!(states(&stage), ["Terminated", "Pending", "Warmed:Pending"]);
    assert_eq!(stage.state(&another), "Pending");
}

#[tokio::test]
async fn a_group_without_a_pool_never_gets_one_by_itself() {
    let stage = Stage::new(with(setting(), "/autoScalingGroups/0/desiredCapacity", json!(2))).await;
    let set = stage.autoscaling.set_desired_capacity().auto_scaling_group_name("web").desired_capacity(0);
    set.send().await.unwrap();
    stage.world.advance(100.0);
    assert_eq!(states(&stage), ["Terminated", "Terminated"]);
    let pool = stage.autoscaling.describe_warm_pool().auto_scaling_group_name("web").send().await.unwrap();
    assert!(pool.warm_pool_configuration().is_none(), "{pool:?}");
}

#[tokio::test]
async fn an_instance_returned_to_the_pool_is_served_again() {
    let (stage, id) = with_one_ready(true).await;
    stage.world.launch("web").unwrap();
    stage.world.advance(10.0);
    assert_eq!(stage.world.return_to_pool(&id).unwrap_err().message, format!("The instance {id} is not in InService."));
    stage.complete(&id, "CONTINUE").await.unwrap();
    stage.world.advance(1.0);

    let mut events = stage.world.events();
    stage.world.return_to_pool(&id).unwrap();
    assert_eq!(stage.state(&id), "Warmed:Pending");
    stage.world.advance(1000.0);
    // The launch hook does not fire for it.
    assert_eq!((states(&stage), drain(&mut events)), (vec!["Warmed:Stopped"], vec![]));
    assert_eq!(stage.world.launch("web").unwrap(), id);
    stage.world.advance(10.0);
    assert_eq!(drain(&mut events).len(), 1);
    assert_eq!(stage.world.report().hook_actions.len(), 3);
}

#[tokio::test]
async fn a_scale_in_returns_instances_only_where_they_are_reused() {
    for (reuse, state) in [(true, "Warmed:Pending"), (false, "Terminating")] {
        let (stage, id) = with_one_ready(reuse).await;
        stage.world.launch("web").unwrap();
        stage.world.advance(10.0);
        stage.complete(&id, "CONTINUE").await.unwrap();
        stage.world.advance(1.0);
        let set = stage.autoscaling.set_desired_capacity().auto_scaling_group_name("web").desired_capacity(0);
        set.send().await.unwrap();
        assert_eq!(stage.state(&id), state);
        if !reuse {
            let refusal = stage.world.return_to_pool(&id).unwrap_err();
            assert_eq!(refusal.code, "ValidationError");
        }
    }
    let stage = stage(1, false).await;
    let id = ids(&stage).remove(0);
    let refusal = stage.world.return_to_pool(&id).unwrap_err();
    assert_eq!(refusal.message, "web has no warm pool that takes instances back");
}

#[tokio::test]
async fn a_stopped_instance_is_attempted_and_waits_for_its_agent() {
    let (stage, id) = with_one_ready(false).await;
    let deployment = stage.update("A").await;
    stage.world.advance(1000.0);
    assert_eq!(stage.target_status(&deployment, &id).await, "Pending");
    stage.world.launch("web").unwrap();
    stage.world.advance(15.0 + 60.0);
    assert_eq!(stage.target_status(&deployment, &id).await, "Succeeded");

    let (stage, id) = with_one_ready(false).await;
    let deployment = stage.update("A").await;
    stage.world.advance(2.0 + 3600.0);
    assert_eq!((stage.target_status(&deployment, &id).await.as_str(), stage.state(&id)), ("Failed", "Warmed:Stopped"));
    assert_eq!(stage.status(&deployment).await, "Failed");
}

#[tokio::test]
async fn a_group_that_selects_by_auto_scaling_group_attempts_stopped_instances_too() {
    let setting = with(setting(), "/autoScalingGroups/0/warmPool", json!({"size": 1}));
    let setting = with(setting, "/applications/0/selection", json!({"autoScalingGroups": ["web"]}));
    let stage = Stage::new(with(setting, "/applications/0/managedHooks", json!(false))).await;
    stage.world.advance(15.0);
    let id = ids(&stage).remove(0);
    let too_early = stage.update("A").await;
    stage.world.advance(2.0);
    assert_eq!(stage.error_code(&too_early).await.as_deref(), Some("NO_INSTANCES"));
    stage.complete(&id, "CONTINUE").await.unwrap();
    stage.world.advance(1.0);
    let deployment = stage.update("A").await;
    stage.world.advance(2.0);
    assert_eq!(stage.target_status(&deployment, &id).await, "Pending");
}

#[tokio::test]
async fn what_is_at_work_when_the_instance_is_stopped_fails_at_its_next_start() {
    let stage = stage(1, false).await;
    stage.world.advance(15.0);
    let id = ids(&stage).remove(0);
    let deployment = stage.update("A").await;
    stage.world.advance(2.0 + 15.0);
    stage.complete(&id, "CONTINUE").await.unwrap();
    stage.world.advance(500.0);
    assert_eq!(
        (stage.state(&id), stage.target_status(&deployment, &id).await.as_str()),
        ("Warmed:Stopped", "InProgress")
    );

    stage.world.launch("web").unwrap();
    stage.world.advance(10.0);
    let other = stage.update("B").await;
    stage.world.advance(5.0);
    let target = stage.target(&deployment, &id).await;
    let diagnostics = target.lifecycle_events()[2].diagnostics().unwrap();
    assert_eq!(diagnostics.message(), Some("Failed: Failing in-progress lifecycle event after an agent restart."));
    stage.world.advance(100.0);
    assert_eq!(stage.target_status(&other, &id).await, "Succeeded");
    assert_eq!(stage.world.report().violations, []);
}

#[tokio::test]
async fn an_agent_of_an_earlier_start_does_not_answer() {
    let stage = Stage::new(with(setting(), "/autoScalingGroups/0/agentSeconds", json!(100))).await;
    let id = stage.world.warm("web", 1).unwrap().remove(0);
    stage.world.advance(10.0);
    stage.complete(&id, "CONTINUE").await.unwrap();
    stage.world.advance(40.0);
    let launch = Launch { boot_seconds: Some(20.0), agent_seconds: None };
    assert_eq!(stage.world.launch_with("web", &launch).unwrap(), id);
    stage.world.advance(19.0);
    assert_eq!(stage.state(&id), "Pending");
    stage.world.advance(1.0);
    assert_eq!(stage.state(&id), "Pending:Wait");
    let deployment = stage.update("A").await;
    // The agent of the first start would have answered at 110 s; this one does at 170 s.
    stage.world.advance(99.0);
    assert_eq!((stage.world.now(), stage.target_status(&deployment, &id).await.as_str()), (169.0, "Pending"));
    stage.world.advance(1.0);
    assert_eq!(stage.target_status(&deployment, &id).await, "InProgress");
}

#[tokio::test]
async fn an_instance_let_into_the_pool_without_an_application_is_a_violation() {
    let setting = with(setting(), "/autoScalingGroups/0/warmPool", json!({"size": 1}));
    let stage = Stage::new(with(setting, "/autoScalingGroups/0/requiredApplications", json!(["A/Staging"]))).await;
    stage.world.advance(15.0);
    let id = ids(&stage).remove(0);
    stage.complete(&id, "CONTINUE").await.unwrap();
    let expected = format!(
        "at 15.0 s: hook launch let {id} into the warm pool although these have not succeeded on it at their current revision: \
         A/Staging"
    );
    let violations = stage.world.report().violations;
    assert_eq!(violations.iter().map(ToString::to_string).collect::<Vec<_>>(), [expected]);
}

#[tokio::test]
async fn a_pool_grows_no_bigger_than_its_group_may_be() {
    let stage = stage(298, false).await;
    assert_eq!(stage.world.warm("web", 3).unwrap_err().code, "ValidationError");
    assert_eq!(stage.world.warm("none", 1).unwrap_err().code, "ValidationError");
    assert_eq!(stage.world.warm("web", 2).unwrap().len(), 2);
    let first = stage.autoscaling.describe_warm_pool().auto_scaling_group_name("web").send().await.unwrap();
    assert_eq!((first.instances().len(), first.next_token().is_some()), (2, true), "a page need not be full");
}
