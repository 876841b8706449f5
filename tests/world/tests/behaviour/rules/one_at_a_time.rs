//! Rule 1: never two deployments at work on one instance at once.

use serde_json::json;
use world::{Breach, Collision, CreatedBy, Overlap, Rule};

use super::{breaches, deployment, stage};
use crate::function::Function;
use crate::stage::{Stage, setting, with};

#[tokio::test]
async fn one_after_the_other_keeps_it() {
    let stage = stage().await;
    stage.launch_and_boot();
    for application in ["A", "B"] {
        stage.update(application).await;
        stage.world.advance(70.0);
    }
    assert_eq!(breaches(&stage.world.report()), []);
}

#[tokio::test]
async fn two_deployments_at_work_on_one_instance() {
    let stage = stage().await;
    let instance = stage.launch_and_boot();
    let (a, b) = (stage.update("A").await, stage.update("B").await);
    stage.world.advance(20.0);
    let report = stage.world.report();
    let overlap = Overlap {
        instance_id: instance.clone(),
        began: deployment("B", &b),
        at_work: deployment("A", &a),
        later_deployment_id: b.clone(),
        creator: CreatedBy::Call,
    };
    assert_eq!((breaches(&report), report.collisions), (vec![Breach::TwoAtWork { overlap }], vec![]));
    let violation = &report.violations[0];
    assert_eq!(violation.rule(), Rule::OneAtATime);
    let sentence = format!(
        "at 17.0 s: deployment {b} of B/Staging began its work on {instance} while deployment {a} of A/Staging was at work there; \
         the later one, {b}, was created by a call of CreateDeployment"
    );
    assert_eq!(violation.to_string(), sentence);
}

#[tokio::test]
async fn a_person_that_comes_later_makes_a_collision_and_one_that_came_first_a_violation() {
    for person_first in [false, true] {
        let stage = stage().await;
        let instance = stage.launch_and_boot();
        let (a, b, creator) = if person_first {
            let a = stage.world.deploy("A", "Staging", None).unwrap();
            let function = Function::of("arn:1", "start-deployment", "r-1", 1, &stage.world);
            (a, function.deploy("B", "B", "one").await, CreatedBy::Call)
        } else {
            let a = stage.update("A").await;
            (a, stage.world.deploy("B", "Staging", None).unwrap(), CreatedBy::Person)
        };
        stage.world.advance(20.0);
        let overlap = Overlap {
            instance_id: instance,
            began: deployment("B", &b),
            at_work: deployment("A", &a),
            later_deployment_id: b,
            creator,
        };
        let report = stage.world.report();
        let expected = match person_first {
            true => (vec![Breach::TwoAtWork { overlap }], vec![]),
            false => (vec![], vec![Collision { at: 17.0, overlap }]),
        };
        assert_eq!((breaches(&report), report.collisions), expected, "person first: {person_first}");
    }
}

/// The later one is the one created later, also where its work begins first.
#[tokio::test]
async fn a_person_that_overtakes_a_deployment_is_the_later_one() {
    let setting = with(setting(), "/autoScalingGroups/0/desiredCapacity", json!(1));
    let all_at_once = json!("CodeDeployDefault.AllAtOnce");
    let stage = Stage::new(with(setting, "/applications/1/deploymentConfigName", all_at_once)).await;
    let fresh = stage.launch_and_boot();
    let old = stage.world.report().instances[0].instance_id.clone();
    let call = stage.codedeploy.create_deployment().application_name("A").deployment_group_name("Staging");
    let a = call.send().await.unwrap().deployment_id.unwrap();
    stage.world.advance(10.0);
    let b = stage.world.deploy("B", "Staging", None).unwrap();
    stage.world.advance(100.0);
    let (of_a, of_b) = (deployment("A", &a), deployment("B", &b));
    let collision = |at, instance_id: &str, began: &_, at_work: &_| Collision {
        at,
        overlap: Overlap {
            instance_id: instance_id.to_owned(),
            began: Clone::clone(began),
            at_work: Clone::clone(at_work),
            later_deployment_id: b.clone(),
            creator: CreatedBy::Person,
        },
    };
    let expected = vec![collision(27.0, &fresh, &of_b, &of_a), collision(77.0, &old, &of_a, &of_b)];
    let report = stage.world.report();
    assert_eq!((report.collisions, report.violations), (expected, vec![]));
}

#[test]
fn an_overlap_is_of_its_instance_and_of_both_deployments() {
    let overlap = Overlap {
        instance_id: "i-1".to_owned(),
        began: deployment("B", "d-2"),
        at_work: deployment("A", "d-1"),
        later_deployment_id: "d-2".to_owned(),
        creator: CreatedBy::Person,
    };
    for (id, involved) in [("i-1", true), ("d-1", true), ("d-2", true), ("i-2", false), ("d-", false), ("A", false)] {
        assert_eq!(overlap.involves(id), involved, "{id}");
    }
}
