//! Auto Scaling's operations besides those of a hook's completion.

use serde_json::json;

use crate::stage::{Stage, refused, setting, with};

#[tokio::test]
async fn a_group_shows_its_instances_and_tags() {
    let stage = Stage::new(with(setting(), "/autoScalingGroups/0/desiredCapacity", json!(2))).await;
    let waiting = stage.launch_and_boot();
    let call = stage.autoscaling.describe_auto_scaling_groups().auto_scaling_group_names("web");
    let answer = call.auto_scaling_group_names("none").send().await.unwrap();
    let [group] = answer.auto_scaling_groups() else { panic!("one group: {answer:?}") };
    assert_eq!(group.auto_scaling_group_name(), Some("web"));
    assert_eq!((group.min_size(), group.max_size(), group.desired_capacity()), (Some(0), Some(300), Some(3)));
    assert!(group.auto_scaling_group_arn().unwrap().ends_with("autoScalingGroupName/web"));
    assert!(group.created_time().is_some());
    let states: Vec<&str> = group.instances().iter().map(|i| i.lifecycle_state().unwrap().as_str()).collect();
    assert_eq!(states, ["InService", "InService", "Pending:Wait"]);
    assert_eq!(group.instances()[2].instance_id(), Some(waiting.as_str()));
    assert_eq!((group.tags()[0].key(), group.tags()[0].value()), (Some("role"), Some("web")));
}

#[tokio::test]
async fn instances_are_listed_in_pages_or_by_id() {
    let stage = Stage::new(with(setting(), "/autoScalingGroups/0/desiredCapacity", json!(60))).await;
    let first = stage.autoscaling.describe_auto_scaling_instances().send().await.unwrap();
    assert_eq!(first.auto_scaling_instances().len(), 50);
    let rest = stage.autoscaling.describe_auto_scaling_instances().next_token(first.next_token().unwrap()).send();
    let rest = rest.await.unwrap();
    assert_eq!((rest.auto_scaling_instances().len(), rest.next_token()), (10, None));

    let ids: Vec<String> = stage.world.report().instances.into_iter().map(|instance| instance.instance_id).collect();
    let named =
        stage.autoscaling.describe_auto_scaling_instances().instance_ids(&ids[59]).instance_ids("i-none").send();
    let named = named.await.unwrap();
    let [instance] = named.auto_scaling_instances() else { panic!("one instance: {named:?}") };
    assert_eq!(instance.instance_id(), Some(ids[59].as_str()));
    assert_eq!((instance.auto_scaling_group_name(), instance.lifecycle_state()), (Some("web"), Some("InService")));

    let call = stage.autoscaling.describe_auto_scaling_instances().set_instance_ids(Some(ids[..51].to_vec()));
    assert_eq!(refused(call.send().await).code, "ValidationError");
    let call = stage.autoscaling.describe_auto_scaling_instances().next_token("elsewhere");
    assert_eq!(refused(call.send().await).code, "InvalidNextToken");
    let call = stage.autoscaling.describe_auto_scaling_instances().max_records(51);
    assert_eq!(refused(call.send().await).code, "ValidationError");
}

#[tokio::test]
async fn launches_that_are_under_way_are_the_first_activities() {
    let stage = Stage::new(with(setting(), "/autoScalingGroups/0/desiredCapacity", json!(1))).await;
    let waiting = stage.launch_and_boot();
    let call = stage.autoscaling.describe_scaling_activities().auto_scaling_group_name("web");
    let answer = call.send().await.unwrap();
    let [launching, launched] = answer.activities() else { panic!("two launches: {answer:?}") };
    assert_eq!(launching.description(), Some(format!("Launching a new EC2 instance: {waiting}").as_str()));
    assert_eq!(launching.status_code().map(|code| code.as_str()), Some("MidLifecycleAction"));
    assert_eq!((launching.end_time(), launched.end_time().is_some()), (None, true));
    assert!(launching.start_time() >= launched.end_time(), "{answer:?}");
    stage.complete(&waiting, "CONTINUE").await.unwrap();
    stage.world.advance(1.0);
    let answer = stage.autoscaling.describe_scaling_activities().auto_scaling_group_name("web").send().await.unwrap();
    assert!(answer.activities().iter().all(|activity| activity.end_time().is_some()), "{answer:?}");
}

#[tokio::test]
async fn groups_are_listed_in_pages() {
    let groups: Vec<_> = (0..3).map(|n| json!({"name": format!("web-{n}")})).collect();
    let stage = Stage::new(json!({"autoScalingGroups": groups})).await;
    let first = stage.autoscaling.describe_auto_scaling_groups().max_records(2).send().await.unwrap();
    assert_eq!(first.auto_scaling_groups().len(), 2);
    let call = stage.autoscaling.describe_auto_scaling_groups().max_records(2);
    let rest = call.next_token(first.next_token().unwrap()).send().await.unwrap();
    assert_eq!(rest.auto_scaling_groups()[0].auto_scaling_group_name(), Some("web-2"));
    assert_eq!(rest.next_token(), None);
}

#[tokio::test]
async fn hooks_can_be_made_changed_and_read() {
    let stage = Stage::new(setting()).await;
    let put = || stage.autoscaling.put_lifecycle_hook().auto_scaling_group_name("web").lifecycle_hook_name("mine");
    let made = put().lifecycle_transition("autoscaling:EC2_INSTANCE_LAUNCHING").heartbeat_timeout(60).send();
    made.await.unwrap();
    put().default_result("CONTINUE").notification_metadata("text").send().await.unwrap();

    let hooks = || stage.autoscaling.describe_lifecycle_hooks().auto_scaling_group_name("web");
    assert_eq!(hooks().send().await.unwrap().lifecycle_hooks().len(), 2);
    let mine = hooks().lifecycle_hook_names("mine").send().await.unwrap();
    let [hook] = mine.lifecycle_hooks() else { panic!("one hook: {mine:?}") };
    assert_eq!((hook.heartbeat_timeout(), hook.global_timeout()), (Some(60), Some(6000)));
    assert_eq!((hook.default_result(), hook.notification_metadata()), (Some("CONTINUE"), Some("text")));
    assert_eq!(hook.lifecycle_transition(), Some("autoscaling:EC2_INSTANCE_LAUNCHING"));

    let launch = hooks().lifecycle_hook_names("launch").send().await.unwrap();
    assert_eq!(launch.lifecycle_hooks()[0].global_timeout(), Some(48 * 3600));
    assert_eq!(refused(hooks().lifecycle_hook_names("none").send().await).code, "ValidationError");
    assert_eq!(refused(put().heartbeat_timeout(29).send().await).code, "ValidationError");
    assert_eq!(refused(put().default_result("PERHAPS").send().await).code, "ValidationError");
    let other = stage.autoscaling.put_lifecycle_hook().auto_scaling_group_name("web").lifecycle_hook_name("other");
    let refusal = refused(other.send().await);
    assert!(refusal.message.contains("'lifecycleTransition'"), "{}", refusal.message);
}

#[tokio::test]
async fn the_desired_capacity_is_met_up_and_down() {
    let stage = Stage::new(with(setting(), "/autoScalingGroups/0/desiredCapacity", json!(1))).await;
    let set = |capacity: i32| {
        let call = stage.autoscaling.set_desired_capacity().auto_scaling_group_name("web");
        call.desired_capacity(capacity).send()
    };
    set(3).await.unwrap();
    let states = || stage.world.report().instances.iter().map(|i| i.lifecycle_state).collect::<Vec<_>>();
    assert_eq!(states(), ["InService", "Pending", "Pending"]);
    set(2).await.unwrap();
    stage.world.advance(100.0);
    assert_eq!(states(), ["Terminated", "Pending:Wait", "Pending:Wait"]);
    let refusal = refused(set(301).await);
    assert!(refusal.message.starts_with("New SetDesiredCapacity value 301 is above max value 300"), "{refusal:?}");
}

#[tokio::test]
async fn a_terminated_instance_is_replaced_unless_the_capacity_goes_down_with_it() {
    for (decrement, expected) in [(true, 1), (false, 2)] {
        let stage = Stage::new(with(setting(), "/autoScalingGroups/0/desiredCapacity", json!(1))).await;
        let instance = stage.world.report().instances[0].instance_id.clone();
        let terminate = || {
            let call = stage.autoscaling.terminate_instance_in_auto_scaling_group().instance_id(&instance);
            call.should_decrement_desired_capacity(decrement).send()
        };
        let answer = terminate().await.unwrap();
        let activity = answer.activity().unwrap();
        assert_eq!(activity.description(), Some(format!("Terminating EC2 instance: {instance}").as_str()));
        assert_eq!(refused(terminate().await).code, "ValidationError");
        stage.world.advance(100.0);
        assert_eq!(stage.world.report().instances.len(), expected);
        let described = stage.autoscaling.describe_auto_scaling_instances().instance_ids(&instance).send().await;
        assert!(described.unwrap().auto_scaling_instances().is_empty(), "a terminated instance is gone from the group");
    }
}

#[tokio::test]
async fn what_does_not_exist_is_a_validation_error() {
    let stage = Stage::new(setting()).await;
    let missing = refused(stage.autoscaling.describe_lifecycle_hooks().auto_scaling_group_name("none").send().await);
    assert_eq!(missing.code, "ValidationError");
    assert!(missing.message.starts_with("AutoScalingGroup name not found"), "{}", missing.message);
    let complete = |hook: &str, result: &str| {
        let call = stage.autoscaling.complete_lifecycle_action().auto_scaling_group_name("web");
        call.lifecycle_hook_name(hook).lifecycle_action_result(result).send()
    };
    assert_eq!(refused(complete("none", "CONTINUE").await).message, "No Lifecycle Hook found with name 'none'");
    assert_eq!(refused(complete("launch", "PERHAPS").await).code, "ValidationError");
    assert_eq!(refused(complete("launch", "CONTINUE").await).code, "ValidationError");
    let unknown = refused(stage.autoscaling.describe_account_limits().send().await);
    assert_eq!(unknown.code, "InvalidAction");
}

#[tokio::test]
async fn every_call_is_in_the_report() {
    let stage = Stage::new(setting()).await;
    stage.world.advance(5.0);
    stage.complete("i-none", "CONTINUE").await.unwrap_err();
    let calls = stage.world.report().calls;
    assert_eq!(
        (calls[0].at, calls[0].service, calls[0].operation.as_str()),
        (5.0, "autoscaling", "CompleteLifecycleAction")
    );
    assert_eq!((calls[0].outcome.as_str(), calls[0].caller.as_str()), ("ValidationError", "id"));
    assert_eq!(calls[0].parameters["InstanceId"], "i-none");
    assert_eq!(calls.len(), 1);
    let without = world::Report { calls: Vec::new(), ..stage.world.report() };
    assert_eq!(stage.world.report_without_calls(), without);
}
