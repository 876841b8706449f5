//! Where a deployment stands, as `GetDeployment` and `GetDeploymentGroup` tell.

use serde_json::{Value, json};

use crate::stage::{Stage, setting, with};

fn all_at_once() -> Value {
    with(setting(), "/applications/0/deploymentConfigName", json!("CodeDeployDefault.AllAtOnce"))
}

#[tokio::test]
async fn one_is_at_work_and_the_others_wait_for_their_turn() {
    let stage = Stage::new(with(setting(), "/autoScalingGroups/0/desiredCapacity", json!(3))).await;
    let id = stage.world.deploy("A", "Staging", None).unwrap();
    assert!(stage.deployment(&id).await.deployment_overview().is_none(), "it has no targets before it starts");
    let statuses = async || {
        let targets = stage.reported(&id).instance_ids;
        [stage.target_status(&id, &targets[0]).await, stage.target_status(&id, &targets[1]).await]
    };
    stage.world.advance(2.0 + 15.0);
    assert_eq!(
        (stage.overview(&id).await, statuses().await),
        ([2, 1, 0, 0, 0, 0], ["InProgress", "Pending"].map(String::from))
    );
    stage.world.advance(70.0);
    assert_eq!(
        (stage.overview(&id).await, statuses().await),
        ([1, 1, 1, 0, 0, 0], ["Succeeded", "InProgress"].map(String::from))
    );
    stage.world.advance(140.0);
    assert_eq!((stage.overview(&id).await, stage.status(&id).await.as_str()), ([0, 0, 3, 0, 0, 0], "Succeeded"));
}

#[tokio::test]
async fn it_has_an_end_time_when_it_has_ended() {
    let stage = Stage::new(with(setting(), "/autoScalingGroups/0/desiredCapacity", json!(1))).await;
    let id = stage.world.deploy("A", "Staging", None).unwrap();
    let group = async || {
        let call = stage.codedeploy.get_deployment_group().application_name("A").deployment_group_name("Staging");
        call.send().await.unwrap().deployment_group_info.unwrap()
    };
    stage.world.advance(71.0);
    assert_eq!(stage.deployment(&id).await.complete_time(), None);
    let attempted = group().await.last_attempted_deployment.unwrap();
    assert_eq!((attempted.deployment_id(), attempted.end_time()), (Some(id.as_str()), None));
    stage.world.advance(1.0);
    let deployment = stage.deployment(&id).await;
    let took = deployment.complete_time().unwrap().as_secs_f64() - deployment.create_time().unwrap().as_secs_f64();
    assert!((took - 72.0).abs() < 0.01, "{took}");
    let group = group().await;
    for last in [group.last_attempted_deployment, group.last_successful_deployment] {
        let last = last.unwrap();
        assert_eq!((last.deployment_id(), last.end_time()), (Some(id.as_str()), deployment.complete_time()));
    }
}

#[tokio::test]
async fn a_target_whose_agent_does_not_answer_is_pending_until_its_hour_is_over() {
    let stage = Stage::new(all_at_once()).await;
    let ids = stage.world.launch_over("web", 3, 0.0).unwrap();
    stage.world.silence_agent(&ids[1]).unwrap();
    stage.world.advance(15.0);
    let id = stage.update("A").await;
    stage.world.advance(2.0 + 15.0);
    assert_eq!(stage.overview(&id).await, [1, 2, 0, 0, 0, 0]);
    stage.world.advance(3584.0);
    assert_eq!(stage.target_status(&id, &ids[1]).await, "Pending");
    assert_eq!(stage.overview(&id).await, [1, 0, 2, 0, 0, 0]);
    assert_eq!((stage.status(&id).await.as_str(), stage.deployment(&id).await.complete_time()), ("InProgress", None));
    stage.world.advance(1.0);
    assert_eq!((stage.overview(&id).await, stage.status(&id).await.as_str()), ([0, 0, 2, 1, 0, 0], "Succeeded"));
}

/// Terminated before its work began, whether it waits for its turn or for its agent.
#[tokio::test]
async fn a_target_whose_instance_was_terminated_is_pending_until_its_hour_is_over() {
    for (setting, agent_seconds) in [(setting(), 5), (all_at_once(), 600)] {
        let stage = Stage::new(with(setting, "/autoScalingGroups/0/agentSeconds", json!(agent_seconds))).await;
        stage.world.launch_over("web", 2, 0.0).unwrap();
        stage.world.advance(15.0);
        let id = stage.update("A").await;
        stage.world.advance(2.0 + 15.0);
        let [first, second] = stage.reported(&id).instance_ids.try_into().unwrap();
        stage.world.terminate(&second).unwrap();
        stage.world.advance(700.0);
        assert_eq!(stage.target_status(&id, &first).await, "Succeeded", "agent after {agent_seconds} s");
        assert_eq!(stage.target_status(&id, &second).await, "Pending");
        assert_eq!((stage.overview(&id).await, stage.status(&id).await.as_str()), ([1, 0, 1, 0, 0, 0], "InProgress"));
        stage.world.advance(3600.0);
        assert_eq!(stage.overview(&id).await, [0, 0, 1, 1, 0, 0]);
    }
}
