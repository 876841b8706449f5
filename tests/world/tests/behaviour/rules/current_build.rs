//! Rule 7: no deployment of a rollout brings a build that was not current when the deployment was created.

use serde_json::json;
use world::{Breach, Revision, Rule};

use super::{breaches, deployment};
use crate::function::Function;
use crate::stage::{Stage, setting, with};

/// One instance in service at build `A`, to which a person has brought `A-2` since: that ended at 74 s. It is 80 s now.
async fn released(read_lag: f64) -> (Stage, String) {
    let setting = with(setting(), "/autoScalingGroups/0/desiredCapacity", json!(1));
    let stage = Stage::new(with(setting, "/readLagSeconds", json!(read_lag))).await;
    let instance = stage.world.report().instances[0].instance_id.clone();
    stage.world.deploy("A", "Staging", Some(Revision::s3("bundles", "A-2"))).unwrap();
    stage.world.advance(80.0);
    (stage, instance)
}

fn old_build(id: &str, instance: &str, in_service: bool) -> Breach {
    Breach::OldBuild {
        deployment: deployment("A", id),
        instance_id: instance.to_owned(),
        in_service,
        revision: "A".to_owned(),
        current: "A-2".to_owned(),
    }
}

#[tokio::test]
async fn the_newest_build_that_has_succeeded_keeps_it() {
    let (stage, _) = released(0.0).await;
    let launched = stage.launch_and_boot();
    let id = Function::of("arn:1", "start-deployment", "r-1", 1, &stage.world).deploy("A", "A-2", "one").await;
    stage.world.advance(70.0);
    assert_eq!(stage.target_status(&id, &launched).await, "Succeeded");
    assert_eq!(breaches(&stage.world.report()), []);
}

#[tokio::test]
async fn an_older_build_is_brought_to_a_launch_and_to_an_instance_in_service() {
    let (stage, in_service) = released(0.0).await;
    let launched = stage.launch_and_boot();
    let id = Function::of("arn:1", "start-deployment", "r-1", 1, &stage.world).deploy("A", "A", "one").await;
    stage.world.advance(2.0);
    // The unhealthy one comes first: it never had a deployment.
    let report = stage.world.report();
    assert_eq!(breaches(&report), [old_build(&id, &launched, false)]);
    assert_eq!(report.violations[0].rule(), Rule::CurrentBuild);
    let sentence = format!(
        "at 97.0 s: deployment {id} of A/Staging began to bring A to {launched}, which is not in service, although A-2 was current when \
         it was created"
    );
    assert_eq!(report.violations[0].to_string(), sentence);
    stage.world.advance(70.0);
    let expected = [old_build(&id, &launched, false), old_build(&id, &in_service, true)];
    assert_eq!(breaches(&stage.world.report()), expected);
}

/// Whoever creates a deployment can look once more, and stop what is outdated before it begins.
#[tokio::test]
async fn what_is_stopped_before_it_begins_brings_nothing() {
    let (stage, instance) = released(0.0).await;
    let function = Function::of("arn:1", "start-deployment", "r-1", 1, &stage.world);
    let id = function.deploy("A", "A", "one").await;
    stage.world.advance(1.0);
    assert_eq!(function.stop(&id).await, 200);
    stage.world.advance(10.0);
    let id = function.deploy("A", "A", "two").await;
    assert_eq!(breaches(&stage.world.report()), []);
    stage.world.advance(2.0);
    assert_eq!(breaches(&stage.world.report()), [old_build(&id, &instance, true)]);
}

/// Where answers trail by 10 s, nobody could know at 80 s of what has succeeded at 74 s.
#[tokio::test]
async fn a_build_is_current_for_as_long_as_answers_say_so() {
    for (read_lag, breaks) in [(10.0, false), (5.0, true)] {
        let (stage, instance) = released(read_lag).await;
        let id = Function::of("arn:1", "start-deployment", "r-1", 1, &stage.world).deploy("A", "A", "one").await;
        stage.world.advance(20.0);
        let expected = if breaks { vec![old_build(&id, &instance, true)] } else { vec![] };
        assert_eq!(breaches(&stage.world.report()), expected, "{read_lag} s");
    }
}

/// The newest deployment that has succeeded decides: a person may go back to an older build, and one that failed is never current.
#[tokio::test]
async fn a_person_may_go_back_and_what_failed_is_not_current() {
    let (stage, _) = released(0.0).await;
    stage.world.deploy("A", "Staging", Some(Revision::s3("bundles", "A"))).unwrap();
    stage.world.advance(100.0);
    stage.launch_and_boot();
    Function::of("arn:1", "start-deployment", "r-1", 1, &stage.world).deploy("A", "A", "one").await;
    stage.world.advance(100.0);
    assert_eq!(breaches(&stage.world.report()), []);

    let failure = json!({"event": "Install", "onlyRevision": "A-2"});
    let stage = Stage::new(with(setting(), "/applications/0/failure", failure)).await;
    stage.launch_and_boot();
    stage.world.deploy("A", "Staging", Some(Revision::s3("bundles", "A-2"))).unwrap();
    stage.world.advance(100.0);
    Function::of("arn:1", "start-deployment", "r-1", 1, &stage.world).deploy("A", "A", "one").await;
    stage.world.advance(100.0);
    assert_eq!(breaches(&stage.world.report()), []);
}

/// What a person brings is theirs to decide, and a group that has never succeeded has no current build.
#[tokio::test]
async fn a_person_brings_what_they_like() {
    let (stage, _) = released(0.0).await;
    stage.world.deploy("A", "Staging", Some(Revision::s3("bundles", "A"))).unwrap();
    stage.world.advance(100.0);
    assert_eq!(breaches(&stage.world.report()), []);

    let mut setting = setting();
    (setting["applications"][0]["revision"], setting["applications"][0]["previousDeploymentSeconds"]) =
        (json!(null), json!(null));
    let stage = Stage::new(setting).await;
    stage.launch_and_boot();
    Function::of("arn:1", "start-deployment", "r-1", 1, &stage.world).deploy("A", "A", "one").await;
    stage.world.advance(100.0);
    assert_eq!(breaches(&stage.world.report()), []);
}
