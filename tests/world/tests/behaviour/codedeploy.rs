//! CodeDeploy's operations: what they answer, and what they refuse.

use aws_sdk_codedeploy::primitives::DateTime;
use aws_sdk_codedeploy::types::{
    DeploymentStatus, FileExistsBehavior, RevisionLocation, RevisionLocationType, S3Location, TargetFilterName,
    TimeRange,
};
use serde_json::json;

use crate::stage::{Stage, application, refused, setting, with};

fn create(stage: &Stage) -> aws_sdk_codedeploy::operation::create_deployment::builders::CreateDeploymentFluentBuilder {
    stage.codedeploy.create_deployment().application_name("A").deployment_group_name("Staging")
}

fn bundle(key: &str) -> RevisionLocation {
    let location = S3Location::builder().bucket("bundles").key(key).build();
    RevisionLocation::builder().revision_type(RevisionLocationType::S3).s3_location(location).build()
}

#[tokio::test]
async fn a_deployment_tells_what_it_was_created_with() {
    let stage = Stage::new(with(setting(), "/autoScalingGroups/0/desiredCapacity", json!(1))).await;
    let call =
        create(&stage).revision(bundle("a-2.zip")).description("by a test").ignore_application_stop_failures(true);
    let call = call.file_exists_behavior(FileExistsBehavior::Overwrite).update_outdated_instances_only(true);
    let id = call.deployment_config_name("CodeDeployDefault.AllAtOnce").send().await.unwrap().deployment_id.unwrap();
    assert!(id.starts_with("d-") && id.len() == 11, "{id}");
    assert_eq!(stage.status(&id).await, "Created");
    stage.world.advance(100.0);
    let info = stage.deployment(&id).await;
    assert_eq!(info.status(), Some(&DeploymentStatus::Succeeded));
    assert_eq!((info.application_name(), info.deployment_group_name()), (Some("A"), Some("Staging")));
    assert_eq!(info.revision().unwrap().s3_location().unwrap().key(), Some("a-2.zip"));
    assert_eq!(info.previous_revision().unwrap().s3_location().unwrap().key(), Some("A"));
    assert_eq!((info.description(), info.creator().unwrap().as_str()), (Some("by a test"), "user"));
    assert_eq!(info.deployment_config_name(), Some("CodeDeployDefault.AllAtOnce"));
    assert_eq!(info.file_exists_behavior(), Some(&FileExistsBehavior::Overwrite));
    assert!(info.ignore_application_stop_failures() && info.update_outdated_instances_only());
    assert_eq!(info.deployment_overview().unwrap().succeeded(), 1);
    let seconds = |time: Option<&DateTime>| time.unwrap().as_secs_f64();
    let (created, started) = (seconds(info.create_time()), seconds(info.start_time()));
    let took = seconds(info.complete_time()) - started;
    assert!(created < started && (took - 70.0).abs() < 0.01, "{took}");
}

#[tokio::test]
async fn create_deployment_refuses_what_the_service_refuses() {
    let mut setting = setting();
    let mut ecs = application("Ecs");
    ecs["computePlatform"] = json!("ECS");
    let mut blue_green = application("BlueGreen");
    blue_green["deploymentType"] = json!("BLUE_GREEN");
    let mut bare = application("Bare");
    (bare["revision"], bare["previousDeploymentSeconds"]) = (json!(null), json!(null));
    setting["applications"].as_array_mut().unwrap().extend([ecs, blue_green, bare]);
    let stage = Stage::new(setting).await;
    let of = |name: &str| stage.codedeploy.create_deployment().application_name(name).deployment_group_name("Staging");
    let none = create(&stage).deployment_group_name("None");
    let bad_behavior = create(&stage).file_exists_behavior(FileExistsBehavior::from("PERHAPS"));
    let no_location =
        create(&stage).revision(RevisionLocation::builder().revision_type(RevisionLocationType::S3).build());
    let targets = create(&stage).target_instances(aws_sdk_codedeploy::types::TargetInstances::builder().build());
    let table = [
        (of(""), "ApplicationNameRequiredException"),
        (of(&"x".repeat(101)), "InvalidApplicationNameException"),
        (of("None"), "ApplicationDoesNotExistException"),
        (stage.codedeploy.create_deployment().application_name("A"), "DeploymentGroupNameRequiredException"),
        (create(&stage).deployment_group_name("x".repeat(101)), "InvalidDeploymentGroupNameException"),
        (none, "DeploymentGroupDoesNotExistException"),
        (create(&stage).description("x".repeat(257)), "DescriptionTooLongException"),
        (create(&stage).deployment_config_name("None"), "DeploymentConfigDoesNotExistException"),
        (bad_behavior, "InvalidFileExistsBehaviorException"),
        (no_location, "InvalidRevisionException"),
        (targets, "InvalidTargetInstancesException"),
        (of("Ecs"), "InvalidComputePlatformException"),
        (of("BlueGreen"), "InvalidInputException"),
        (of("Bare"), "RevisionRequiredException"),
    ];
    for (call, code) in table {
        let refusal = refused(call.send().await);
        assert_eq!(refusal.code, code, "{}", refusal.message);
    }
    assert_eq!(stage.world.report().deployments.len(), 0);
    assert!(create(&stage).description("x".repeat(256)).send().await.is_ok());
}

#[tokio::test]
async fn a_group_has_one_active_deployment_and_other_groups_their_own() {
    let stage = Stage::new(with(setting(), "/autoScalingGroups/0/desiredCapacity", json!(1))).await;
    let active = stage.world.deploy("A", "Staging", None).unwrap();
    let refusal = refused(create(&stage).send().await);
    assert_eq!(refusal.code, "DeploymentLimitExceededException");
    assert_eq!(refusal.message, format!("The Deployment Group 'Staging' already has an active Deployment '{active}'"));
    stage.world.deploy("B", "Staging", None).unwrap();
    stage.world.advance(500.0);
    assert!(create(&stage).send().await.is_ok());
}

#[tokio::test]
async fn groups_and_applications_are_read() {
    let mut by_group = application("C");
    by_group["selection"] = json!({"autoScalingGroups": ["web"]});
    let mut setting = setting();
    setting["applications"].as_array_mut().unwrap().push(by_group);
    let stage = Stage::new(setting).await;
    let get = |name: &str, group: &str| {
        stage.codedeploy.get_deployment_group().application_name(name).deployment_group_name(group).send()
    };
    let tagged = get("A", "Staging").await.unwrap().deployment_group_info.unwrap();
    assert_eq!(tagged.auto_scaling_groups(), []);
    let tags = tagged.ec2_tag_set().unwrap().ec2_tag_set_list();
    assert_eq!((tags[0][0].key(), tags[0][0].value()), (Some("role"), Some("web")));
    assert_eq!(tagged.compute_platform().unwrap().as_str(), "Server");
    assert_eq!(tagged.deployment_style().unwrap().deployment_type().unwrap().as_str(), "IN_PLACE");
    assert_eq!(tagged.outdated_instances_strategy().unwrap().as_str(), "IGNORE");
    assert_eq!(tagged.target_revision().unwrap().s3_location().unwrap().key(), Some("A"));
    let last = tagged.last_successful_deployment().unwrap();
    let took = last.end_time().unwrap().as_secs_f64() - last.create_time().unwrap().as_secs_f64();
    assert!((took - 60.0).abs() < 0.01, "{took}");
    assert_eq!(stage.status(last.deployment_id().unwrap()).await, "Succeeded");

    let named = get("C", "Staging").await.unwrap().deployment_group_info.unwrap();
    let [web] = named.auto_scaling_groups() else { panic!("one group: {named:?}") };
    assert_eq!(web.name(), Some("web"));
    assert!(web.hook().unwrap().starts_with("CodeDeploy-managed-automatic-launch-deployment-hook-Staging-"), "{web:?}");

    assert_eq!(refused(get("A", "None").await).message, "No Deployment Group found for name: None");
    assert_eq!(refused(get("None", "Staging").await).message, "No application found for name: None");
    let listed = stage.codedeploy.list_deployment_groups().application_name("A").send().await.unwrap();
    assert_eq!(listed.deployment_groups(), ["Staging"]);
    let refusal = refused(stage.codedeploy.list_deployment_groups().application_name("None").send().await);
    assert_eq!(refusal.code, "ApplicationDoesNotExistException");
    let application =
        stage.codedeploy.get_application().application_name("A").send().await.unwrap().application.unwrap();
    assert_eq!(
        (application.application_name(), application.compute_platform().unwrap().as_str()),
        (Some("A"), "Server")
    );
    let refusal = refused(stage.codedeploy.get_application().application_name("None").send().await);
    assert_eq!(refusal.code, "ApplicationDoesNotExistException");
    assert_eq!(refused(stage.codedeploy.list_applications().send().await).code, "UnknownOperationException");
}

#[tokio::test]
async fn groups_are_read_in_batches() {
    let stage = Stage::new(setting()).await;
    let batch = |names: Vec<String>| {
        let call = stage.codedeploy.batch_get_deployment_groups().application_name("A");
        call.set_deployment_group_names(Some(names)).send()
    };
    let answer = batch(vec!["Staging".to_owned(), "None".to_owned()]).await.unwrap();
    assert_eq!(answer.deployment_groups_info().len(), 1);
    assert_eq!(answer.error_message(), Some("No Deployment Group found for name: None"));
    assert_eq!(refused(batch(vec![]).await).code, "DeploymentGroupNameRequiredException");
    assert_eq!(refused(batch(vec!["Staging".to_owned(); 101]).await).code, "BatchLimitExceededException");
}

#[tokio::test]
async fn deployment_configurations_are_read() {
    let mine = json!([{"deploymentConfigName": "mine", "minimumHealthyHosts": {"type": "HOST_COUNT", "value": 3}}]);
    let mut setting = setting();
    setting["deploymentConfigs"] = mine;
    let stage = Stage::new(setting).await;
    let table = [
        ("CodeDeployDefault.OneAtATime", "MOST_CONCURRENCY", 1),
        ("CodeDeployDefault.HalfAtATime", "FLEET_PERCENT", 50),
        ("CodeDeployDefault.AllAtOnce", "HOST_COUNT", 0),
        ("mine", "HOST_COUNT", 3),
    ];
    for (name, kind, value) in table {
        let answer = stage.codedeploy.get_deployment_config().deployment_config_name(name).send().await.unwrap();
        let hosts = answer.deployment_config_info.unwrap().minimum_healthy_hosts.unwrap();
        assert_eq!((hosts.r#type().unwrap().as_str(), hosts.value()), (kind, value), "{name}");
    }
    let refusal = refused(stage.codedeploy.get_deployment_config().deployment_config_name("None").send().await);
    assert_eq!(refusal.code, "DeploymentConfigDoesNotExistException");
    let refusal = refused(stage.codedeploy.get_deployment_config().deployment_config_name("").send().await);
    assert_eq!(refusal.code, "DeploymentConfigNameRequiredException");
}

#[tokio::test]
async fn deployments_are_listed_newest_first_in_pages() {
    let mut setting = with(setting(), "/autoScalingGroups/0/desiredCapacity", json!(0));
    setting["applications"][0]["previousDeploymentSeconds"] = json!(null);
    let stage = Stage::new(setting).await;
    let mut ids: Vec<String> = Vec::new();
    for _ in 0..103 {
        ids.insert(0, stage.world.deploy("A", "Staging", None).unwrap());
        stage.world.advance(5.0);
    }
    let list = || stage.codedeploy.list_deployments().application_name("A").deployment_group_name("Staging");
    let first = list().send().await.unwrap();
    assert_eq!(first.deployments(), &ids[..100]);
    let newest = stage.world.deploy("A", "Staging", None).unwrap();
    let rest = list().next_token(first.next_token().unwrap()).send().await.unwrap();
    assert_eq!((rest.deployments(), rest.next_token()), (&ids[100..], None));

    let active = list().include_only_statuses(DeploymentStatus::Created).send().await.unwrap();
    assert_eq!(active.deployments(), [newest]);
    let stopped = list().include_only_statuses(DeploymentStatus::Stopped).send().await.unwrap();
    assert_eq!(stopped.deployments(), [] as [String; 0]);
    let third = stage.deployment(&ids[100]).await.create_time.unwrap();
    let early = list().create_time_range(TimeRange::builder().end(third).build()).send().await.unwrap();
    assert_eq!(early.deployments(), &ids[100..]);
    let everything = stage.codedeploy.list_deployments().include_only_statuses(DeploymentStatus::Succeeded).send();
    assert_eq!(everything.await.unwrap().deployments().len(), 1, "the past deployment of B");
}

#[tokio::test]
async fn list_deployments_refuses_what_the_service_refuses() {
    let stage = Stage::new(setting()).await;
    let list = || stage.codedeploy.list_deployments();
    let both = || list().application_name("A").deployment_group_name("Staging");
    let backwards = TimeRange::builder().start(DateTime::from_secs(2)).end(DateTime::from_secs(1)).build();
    let table = [
        (list().application_name("A"), "DeploymentGroupNameRequiredException"),
        (list().deployment_group_name("Staging"), "ApplicationNameRequiredException"),
        (both().deployment_group_name("None"), "DeploymentGroupDoesNotExistException"),
        (both().include_only_statuses(DeploymentStatus::from("Perhaps")), "InvalidDeploymentStatusException"),
        (both().create_time_range(backwards), "InvalidTimeRangeException"),
        (both().next_token("elsewhere"), "InvalidNextTokenException"),
    ];
    for (call, code) in table {
        assert_eq!(refused(call.send().await).code, code);
    }
}

#[tokio::test]
async fn deployments_are_read_in_batches() {
    let stage = Stage::new(setting()).await;
    let id = stage.world.deploy("A", "Staging", None).unwrap();
    let batch = |ids: Vec<String>| stage.codedeploy.batch_get_deployments().set_deployment_ids(Some(ids)).send();
    let answer = batch(vec![id.clone(), "d-000000000".to_owned()]).await.unwrap();
    assert_eq!(answer.deployments_info().len(), 1);
    assert_eq!(answer.deployments_info()[0].deployment_id(), Some(id.as_str()));
    assert_eq!(refused(batch(vec![id.clone(); 26]).await).code, "BatchLimitExceededException");
    assert_eq!(refused(batch(vec![]).await).code, "DeploymentIdRequiredException");
    assert_eq!(refused(batch(vec!["d".to_owned()]).await).code, "InvalidDeploymentIdException");
    let get = |id: &str| stage.codedeploy.get_deployment().deployment_id(id).send();
    let missing = refused(get("d-000000000").await);
    assert_eq!(missing.code, "DeploymentDoesNotExistException");
    assert_eq!(missing.message, "The deployment d-000000000 could not be found");
    assert_eq!(refused(get("").await).code, "DeploymentIdRequiredException");
}

#[tokio::test]
async fn targets_are_read_once_the_deployment_has_started() {
    let mut setting = setting();
    let group = |name: &str| json!({"name": name, "desiredCapacity": 60, "tags": {"role": "web"}});
    setting["autoScalingGroups"] = json!([group("web"), group("web-2")]);
    let stage = Stage::new(setting).await;
    let id = stage.world.deploy("A", "Staging", None).unwrap();
    let list = || stage.codedeploy.list_deployment_targets().deployment_id(&id);
    assert_eq!(refused(list().send().await).code, "DeploymentNotStartedException");
    stage.world.advance(2.0);
    let first = list().send().await.unwrap();
    assert_eq!(first.target_ids().len(), 100);
    let rest = list().next_token(first.next_token().unwrap()).send().await.unwrap();
    assert_eq!((rest.target_ids().len(), rest.next_token()), (20, None));
    assert_eq!(refused(list().next_token("elsewhere").send().await).code, "InvalidNextTokenException");
    let at_work = list().target_filters(TargetFilterName::TargetStatus, vec!["InProgress".to_owned()]).send().await;
    assert_eq!(at_work.unwrap().target_ids(), &first.target_ids()[..1]);

    let batch = |ids: Vec<String>| {
        stage.codedeploy.batch_get_deployment_targets().deployment_id(&id).set_target_ids(Some(ids)).send()
    };
    let two = batch(first.target_ids()[..2].to_vec()).await.unwrap();
    let statuses: Vec<&str> = two
        .deployment_targets()
        .iter()
        .map(|target| target.instance_target().unwrap().status().unwrap().as_str())
        .collect();
    assert_eq!(statuses, ["InProgress", "Pending"]);
    assert_eq!(refused(batch(vec![]).await).code, "DeploymentTargetIdRequiredException");
    let too_many = refused(batch(first.target_ids()[..26].to_vec()).await);
    assert_eq!(too_many.code, "DeploymentTargetListSizeExceededException");
    assert_eq!(refused(batch(vec!["i-none".to_owned()]).await).code, "DeploymentTargetDoesNotExistException");

    let get = |target: &str| stage.codedeploy.get_deployment_target().deployment_id(&id).target_id(target).send();
    assert_eq!(refused(get("i-none").await).code, "DeploymentTargetDoesNotExistException");
    assert_eq!(refused(get("").await).code, "DeploymentTargetIdRequiredException");
    let target = stage.target(&id, &first.target_ids()[0]).await;
    assert_eq!(target.target_id(), Some(first.target_ids()[0].as_str()));
    assert!(target.target_arn().unwrap().ends_with(&format!(":instance/{}", first.target_ids()[0])));
}

/// The same error code as for a second deployment of a group. CodeDeploy's own deployments count, and are not refused.
#[tokio::test]
async fn the_account_has_a_limit_of_concurrent_deployments() {
    let mut setting = with(setting(), "/maxConcurrentDeployments", json!(1));
    setting["autoScalingGroups"][0]["desiredCapacity"] = json!(1);
    setting["applications"][1]["outdatedInstancesStrategy"] = json!("UPDATE");
    let stage = Stage::new(setting).await;
    let create = async |application: &str| {
        let call = stage.codedeploy.create_deployment().application_name(application).deployment_group_name("Staging");
        call.send().await
    };
    let first = create("B").await.unwrap().deployment_id.unwrap();
    let refusal = refused(create("A").await);
    assert_eq!(
        (refusal.code.as_str(), refusal.message.as_str()),
        ("DeploymentLimitExceededException", "The number of allowed deployments was exceeded.")
    );
    assert!(refused(create("B").await).message.contains(&first), "the group's own limit comes first");
    // An instance appears, and is updated after the deployment: A is still refused then.
    stage.world.advance(3.0);
    stage.launch_and_boot();
    stage.world.advance(60.0);
    assert_eq!(stage.world.report().deployments[1].creator, "CodeDeployAutoUpdate");
    assert_eq!(refused(create("A").await).code, "DeploymentLimitExceededException");
    stage.world.advance(70.0);
    create("A").await.unwrap();
}
