//! Rule 8: nobody stops a deployment that is not theirs to stop.

use serde_json::json;
use world::{Breach, CreatedBy, Rule};

use super::{breaches, deployment, stage};
use crate::stage::{Stage, setting, with};

async fn stop(stage: &Stage, id: &str) -> Vec<Breach> {
    stage.codedeploy.stop_deployment().deployment_id(id).send().await.unwrap();
    breaches(&stage.world.report())
}

#[tokio::test]
async fn a_call_that_stops_what_a_person_has_created() {
    let of_one = stage().await;
    of_one.launch_and_boot();
    let own = of_one.update("A").await;
    of_one.world.advance(20.0);
    assert_eq!(stop(&of_one, &own).await, [], "its only target is at work");
    of_one.world.advance(20.0);
    let theirs = of_one.world.deploy("A", "Staging", None).unwrap();
    let expected =
        Breach::StoppedForeignDeployment { deployment: deployment("A", &theirs), creator: CreatedBy::Person };
    assert_eq!(stop(&of_one, &theirs).await, [expected]);
    let violation = &of_one.world.report().violations[0];
    assert_eq!(violation.rule(), Rule::OneOwner);
    let sentence = format!("at 55.0 s: a call stopped deployment {theirs} of A/Staging, which a person had created");
    assert_eq!(violation.to_string(), sentence);
}

#[tokio::test]
async fn a_call_that_stops_what_others_wait_for() {
    for (config, waited, expected) in [
        ("CodeDeployDefault.OneAtATime", 1.0, None),
        ("CodeDeployDefault.OneAtATime", 20.0, Some((1, 2))),
        ("CodeDeployDefault.AllAtOnce", 20.0, Some((2, 2))),
        ("CodeDeployDefault.OneAtATime", 80.0, None),
    ] {
        let of_two = Stage::new(with(setting(), "/applications/0/deploymentConfigName", json!(config))).await;
        of_two.world.launch_over("web", 2, 0.0).unwrap();
        of_two.world.advance(15.0);
        let id = of_two.update("A").await;
        of_two.world.advance(waited);
        let expected = expected.map(|(at_work, not_over)| Breach::StoppedForOthers {
            deployment: deployment("A", &id),
            at_work,
            not_over,
        });
        assert_eq!(stop(&of_two, &id).await, Vec::from_iter(expected), "{config} after {waited} s");
    }
}

#[tokio::test]
async fn a_call_that_stops_codedeploy_s_own_deployment() {
    let mut setting = with(setting(), "/applications/0/outdatedInstancesStrategy", json!("UPDATE"));
    setting["autoScalingGroups"][0]["desiredCapacity"] = json!(1);
    let stage = Stage::new(setting).await;
    stage.world.deploy("A", "Staging", None).unwrap();
    stage.world.advance(20.0);
    stage.launch_and_boot();
    stage.world.advance(60.0);
    let automatic = stage.world.report().deployments[1].deployment_id.clone();
    let expected =
        Breach::StoppedForeignDeployment { deployment: deployment("A", &automatic), creator: CreatedBy::CodeDeploy };
    assert_eq!(stop(&stage, &automatic).await, [expected]);
}
