//! Deployment groups that select by tags: by which filters, when, and what CodeDeploy sees of a tag that was just written.

use serde_json::{Value, json};

use crate::stage::{Stage, gated, refused, setting, with};

fn filter(key: &str, value: &str) -> Value {
    json!({"Key": key, "Value": value, "Type": "KEY_AND_VALUE"})
}

/// The ids of the instances that a deployment of A reaches now.
fn reached(stage: &Stage) -> Vec<String> {
    let id = stage.world.deploy("A", "Staging", None).expect("the group is free");
    stage.world.advance(10.0);
    let mut ids = stage.reported(&id).instance_ids;
    stage.world.advance(400.0);
    assert!(stage.reported(&id).ended_at.is_some(), "the group is free again");
    ids.sort_unstable();
    ids
}

/// Three instances in service: the first has the tags a and b, the second a only, the third c, whose value is that of b.
async fn three(selection: Value) -> (Stage, [String; 3]) {
    let setting = with(setting(), "/autoScalingGroups/0/desiredCapacity", json!(3));
    let stage = Stage::new(with(setting, "/applications/0/selection", selection)).await;
    let ids: Vec<String> = stage.world.report().instances.into_iter().map(|instance| instance.instance_id).collect();
    for (instance, key, value) in [(0, "a", "1"), (0, "b", "2"), (1, "a", "1"), (2, "c", "2")] {
        stage.world.set_tag(&ids[instance], key, Some(value)).unwrap();
    }
    (stage, ids.try_into().unwrap())
}

#[tokio::test]
async fn an_instance_needs_a_filter_of_each_tag_group() {
    for (selection, members) in [
        (json!({"ec2TagFilters": [filter("a", "1"), filter("c", "2")]}), vec![0, 1, 2]),
        (json!({"ec2TagFilters": [filter("b", "2"), filter("c", "1")]}), vec![0]),
        (json!({"ec2TagSet": [[filter("a", "1"), filter("c", "2")]]}), vec![0, 1, 2]),
        (json!({"ec2TagSet": [[filter("a", "1")], [filter("b", "2"), filter("c", "2")]]}), vec![0]),
        (json!({"ec2TagSet": [[filter("role", "web")], [filter("b", "2"), filter("c", "2")]]}), vec![0, 2]),
        (json!({"ec2TagSet": [[filter("a", "1")], [filter("b", "2")], [filter("c", "2")]]}), vec![]),
        (json!({"ec2TagSet": [[{"Key": "a", "Type": "KEY_ONLY"}]]}), vec![0, 1]),
        (json!({"ec2TagSet": [[{"Value": "2", "Type": "VALUE_ONLY"}]]}), vec![0, 2]),
        (json!({"tags": {"a": "1", "b": "2"}}), vec![0]),
        // Who is in a named Auto Scaling group is a member besides.
        (json!({"ec2TagSet": [[filter("b", "2")]], "autoScalingGroups": ["web"]}), vec![0, 1, 2]),
    ] {
        let (stage, ids) = three(selection.clone()).await;
        let mut expected: Vec<String> = members.into_iter().map(|member: usize| ids[member].clone()).collect();
        expected.sort_unstable();
        assert_eq!(reached(&stage), expected, "{selection}");
    }
}

/// Each form is answered as it was given; the other one is empty, or absent.
#[tokio::test]
async fn a_deployment_group_tells_how_it_selects() {
    let tag_group = json!([filter("a", "1"), {"Key": "b", "Type": "KEY_ONLY"}]);
    for (selection, filters, set) in [
        (json!({"ec2TagFilters": tag_group}), json!([["a", "1", "KEY_AND_VALUE"], ["b", null, "KEY_ONLY"]]), json!([])),
        (
            json!({"ec2TagSet": [tag_group, [{"Value": "2", "Type": "VALUE_ONLY"}]]}),
            json!([]),
            json!([[["a", "1", "KEY_AND_VALUE"], ["b", null, "KEY_ONLY"]], [[null, "2", "VALUE_ONLY"]]]),
        ),
        (json!({"tags": {"a": "1"}}), json!([]), json!([[["a", "1", "KEY_AND_VALUE"]]])),
        (json!({"autoScalingGroups": ["web"]}), json!([]), json!([])),
    ] {
        let setting = with(setting(), "/applications/0/selection", selection.clone());
        let stage = Stage::new(setting).await;
        let call = stage.codedeploy.get_deployment_group().application_name("A").deployment_group_name("Staging");
        let group = call.send().await.unwrap().deployment_group_info.unwrap();
        let told = |filter: &aws_sdk_codedeploy::types::Ec2TagFilter| {
            json!([filter.key(), filter.value(), filter.r#type().map(|one| one.as_str())])
        };
        let answered: Vec<Value> = group.ec2_tag_filters().iter().map(told).collect();
        let lists = group.ec2_tag_set().map(|set| set.ec2_tag_set_list()).unwrap_or_default();
        let lists: Vec<Vec<Value>> = lists.iter().map(|list| list.iter().map(told).collect()).collect();
        assert_eq!((json!(answered), json!(lists)), (filters, set), "{selection}");
        let names: Vec<_> = group.auto_scaling_groups().iter().map(|one| one.name().unwrap()).collect();
        assert_eq!(json!(names), selection.get("autoScalingGroups").cloned().unwrap_or(json!([])));
    }
}

#[tokio::test]
async fn a_gate_lets_its_own_group_through_and_open_lets_all() {
    let stage = Stage::new(gated()).await;
    let instance = stage.launch_and_boot();
    for (gate, is_reached) in
        [("A/Staging", true), ("B/Staging", false), ("failed", false), ("pooled", false), ("open", true)]
    {
        stage.world.set_tag(&instance, "turnstile", Some(gate)).unwrap();
        assert_eq!(reached(&stage).contains(&instance), is_reached, "{gate}");
    }
    stage.world.set_tag(&instance, "turnstile", None).unwrap();
    assert_eq!(reached(&stage), [] as [&str; 0], "an instance without a gate is nobody's");
}

/// Who is in a deployment is decided when it is created: a gate that is moved right after that changes nothing.
#[tokio::test]
async fn a_gate_counts_when_the_deployment_is_created() {
    let stage = Stage::new(gated()).await;
    let instance = stage.launch_and_boot();
    stage.gate(&instance, "A/Staging").await;
    let in_it = stage.update("A").await;
    stage.gate(&instance, "B/Staging").await;
    stage.world.advance(80.0);
    assert_eq!(stage.target_status(&in_it, &instance).await, "Succeeded");
    let not_in_it = stage.update("A").await;
    stage.gate(&instance, "A/Staging").await;
    stage.world.advance(10.0);
    let absent = stage.codedeploy.get_deployment_target().deployment_id(&not_in_it).target_id(&instance).send().await;
    assert_eq!(refused(absent).code, "DeploymentTargetDoesNotExistException");
    assert_eq!(stage.error_code(&not_in_it).await.as_deref(), Some("NO_INSTANCES"));
}

/// The gate is moved from A to B. Until CodeDeploy sees that, a deployment of B is too early to reach the instance, and one of A is early enough to.
#[tokio::test]
async fn a_moved_gate_is_seen_late_both_ways() {
    for seen_after in [0.0, 5.0, 45.0] {
        for waits in [0.0, 4.0, 5.0, 44.0, 45.0] {
            let stage = Stage::new(with(gated(), "/openFacts", json!({"tagsSeenAfterSeconds": seen_after}))).await;
            let instance = stage.launch_and_boot();
            stage.gate(&instance, "A/Staging").await;
            stage.world.advance(100.0);
            stage.gate(&instance, "B/Staging").await;
            stage.world.advance(waits);
            let [left, entered] = [stage.update("A").await, stage.update("B").await];
            stage.world.advance(3.0);
            let contains = |id: &str| stage.reported(id).instance_ids.contains(&instance);
            let sees = waits >= seen_after;
            assert_eq!((contains(&left), contains(&entered)), (!sees, sees), "{seen_after} {waits}");
        }
    }
}

/// The tags that an instance was launched with are seen from the launch on.
#[tokio::test]
async fn a_template_s_tags_are_never_late() {
    let mut setting = with(gated(), "/openFacts", json!({"tagsSeenAfterSeconds": 45}));
    setting["autoScalingGroups"][0]["launchTemplateTags"] = json!({"turnstile": "open"});
    let stage = Stage::new(setting).await;
    let instance = stage.launch_and_boot();
    assert_eq!(reached(&stage), [instance]);
}

/// A stopped instance keeps its tags, and belongs to whatever group they say.
#[tokio::test]
async fn a_warm_pool_keeps_the_tags() {
    let setting = with(gated(), "/autoScalingGroups/0/warmPool", json!({"size": 1}));
    let stage = Stage::new(with(setting, "/autoScalingGroups/0/requiredApplications", json!([]))).await;
    stage.world.advance(15.0);
    let instance = stage.world.report().instances[0].instance_id.clone();
    stage.gate(&instance, "pooled").await;
    stage.complete(&instance, "CONTINUE").await.unwrap();
    stage.world.advance(1.0);
    assert_eq!(
        (stage.state(&instance), stage.instance(&instance).tags["turnstile"].as_str()),
        ("Warmed:Stopped", "pooled")
    );
    assert_eq!(reached(&stage), [] as [&str; 0]);
    stage.gate(&instance, "open").await;
    let stopped = stage.world.deploy("A", "Staging", None).unwrap();
    stage.world.advance(10.0);
    assert_eq!(stage.target_status(&stopped, &instance).await, "Pending", "CodeDeploy attempts it");
    assert_eq!(stage.world.launch("web").unwrap(), instance);
    assert_eq!(stage.instance(&instance).tags["turnstile"], "open");
}

/// A pipeline deploys again and again to a gated group. It reaches those whose gate is open, and not the launching one.
#[tokio::test]
async fn a_pipeline_passes_by_a_launching_instance() {
    let stage = Stage::new(with(gated(), "/autoScalingGroups/0/desiredCapacity", json!(1))).await;
    let there = stage.world.report().instances[0].instance_id.clone();
    let launching = stage.launch_and_boot();
    let builds = ["a-2.zip", "a-3.zip"].map(|key| world::Revision::s3("bundles", key)).to_vec();
    stage.gate(&launching, "B/Staging").await;
    stage.world.start_pipeline("A", "Staging", builds, 10.0).unwrap();
    stage.world.advance(300.0);
    let deployments = stage.world.report().deployments;
    let reached: Vec<_> = deployments.iter().map(|deployment| (deployment.status, &deployment.instance_ids)).collect();
    assert_eq!(reached, [("Succeeded", &vec![there.clone()]), ("Succeeded", &vec![there])]);
}

/// The instances in service at the start are up to date, with a gate and without: they may be older than their gates.
#[tokio::test]
async fn who_has_no_gate_yet_is_up_to_date_all_the_same() {
    for gate in [json!({}), json!({"turnstile": "open"})] {
        let mut setting = with(gated(), "/autoScalingGroups/0/desiredCapacity", json!(1));
        setting["autoScalingGroups"][0]["tagsAtStart"] = gate.clone();
        let stage = Stage::new(setting).await;
        let instance = stage.world.report().instances[0].instance_id.clone();
        stage.world.set_tag(&instance, "turnstile", Some("open")).unwrap();
        let nothing = stage.update("A").await;
        stage.world.advance(10.0);
        assert_eq!(stage.error_code(&nothing).await.as_deref(), Some("NO_INSTANCES"), "{gate}");
        assert_eq!(stage.reported(&nothing).targets, [], "{gate}");
    }
}
