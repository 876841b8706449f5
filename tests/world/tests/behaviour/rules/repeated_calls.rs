//! Rule 6: a repeated call has no second effect.

use serde_json::json;
use world::{Breach, Rule};

use super::{breaches, deployment, found, running, stage};
use crate::function::Function;
use crate::stage::{Stage, setting, with};

#[tokio::test]
async fn a_call_repeated_into_a_second_deployment() {
    // Each deployment has begun somewhere: one that has not may be repeated.
    let stage = stage().await;
    stage.launch_and_boot();
    let create = async |application: &str, description: &str| {
        let call = stage.codedeploy.create_deployment().application_name(application).deployment_group_name("Staging");
        let id = call.description(description).send().await.unwrap().deployment_id.unwrap();
        stage.world.advance(100.0);
        id
    };
    let first = create("A", "turnstile one").await;
    create("A", "turnstile two").await;
    create("B", "turnstile one").await;
    create("A", "").await;
    create("A", "").await;
    assert_eq!(breaches(&stage.world.report()), []);
    let repeated = create("A", "turnstile one").await;
    let expected = Breach::DeploymentRepeated {
        deployment: deployment("A", &repeated),
        earlier_deployment_id: first.clone(),
        description: "turnstile one".to_owned(),
    };
    let report = stage.world.report();
    assert_eq!(breaches(&report), [expected]);
    assert_eq!(report.violations[0].rule(), Rule::RepeatedCallHarmless);
    let sentence = format!(
        "at 515.0 s: deployment {repeated} of A/Staging repeats {first}: both have the description \"turnstile one\""
    );
    assert_eq!(report.violations[0].to_string(), sentence);
}

#[tokio::test]
async fn what_was_stopped_before_it_began_may_be_repeated() {
    for (begins, breaks) in [(false, false), (true, true)] {
        let stage = stage().await;
        stage.launch_and_boot();
        let function = Function::of("arn:1", "start-deployment", "r-1", 1, &stage.world);
        let first = function.deploy("A", "A", "one").await;
        stage.world.advance(if begins { 5.0 } else { 1.0 });
        assert_eq!(function.stop(&first).await, 200);
        stage.world.advance(20.0);
        function.deploy("A", "A", "one").await;
        assert_eq!(breaches(&stage.world.report()).len(), usize::from(breaks), "{begins}");
    }
}

/// The same entry of a state is tried again, and does not find what the first try has made.
#[tokio::test]
async fn a_task_that_is_tried_again_deploys_once() {
    for (entries, stopped_after, breaks) in
        [([1, 2], None, false), ([1, 1], None, true), ([1, 1], Some(1.0), false), ([1, 1], Some(5.0), true)]
    {
        let stage = stage().await;
        stage.launch_and_boot();
        let of = |request, entry| Function::of("arn:1", "start-deployment", request, entry, &stage.world);
        let first = of("r-1", entries[0]).deploy("A", "A", "one").await;
        if let Some(seconds) = stopped_after {
            stage.world.advance(seconds);
            assert_eq!(of("r-1", entries[0]).stop(&first).await, 200);
        }
        stage.world.advance(80.0);
        let second = of("r-2", entries[1]).deploy("A", "A", "two").await;
        let breach = Breach::TaskDeployedTwice {
            deployment: deployment("A", &second),
            earlier_deployment_id: first,
            execution: "arn:1".to_owned(),
        };
        assert_eq!(breach.kind().rule(), Rule::RepeatedCallHarmless);
        let expected = if breaks { vec![breach] } else { vec![] };
        assert_eq!(found(&stage, &[running("arn:1")], &[]), expected, "{entries:?} {stopped_after:?}");
    }
}

/// Whatever becomes of a second deployment, it is one more after one that has begun. After one that reached nobody it is none.
#[tokio::test]
async fn a_second_deployment_that_reaches_nobody_is_one_too() {
    for (is_launched, ends, breaks) in [(true, [None, Some("NO_INSTANCES")], 1), (false, [Some("NO_INSTANCES"); 2], 0)]
    {
        let stage = Stage::new(with(setting(), "/autoScalingGroups/0/desiredCapacity", json!(1))).await;
        if is_launched {
            stage.launch_and_boot();
        }
        for ((request, description), end) in [("r-1", "one"), ("r-2", "two")].into_iter().zip(ends) {
            let function = Function::of("arn:1", "start-deployment", request, 1, &stage.world);
            let id = function.deploy("A", "A", description).await;
            stage.world.advance(100.0);
            assert_eq!(stage.error_code(&id).await.as_deref(), end);
        }
        assert_eq!(found(&stage, &[running("arn:1")], &[]).len(), breaks, "{is_launched}");
    }
}

/// The world has found it by its description: it is said once.
#[tokio::test]
async fn a_repetition_is_said_once() {
    let stage = stage().await;
    stage.launch_and_boot();
    for request in ["r-1", "r-2"] {
        Function::of("arn:1", "start-deployment", request, 1, &stage.world).deploy("A", "A", "one").await;
        stage.world.advance(80.0);
    }
    assert_eq!(breaches(&stage.world.report()).len(), 1);
    assert_eq!(found(&stage, &[running("arn:1")], &[]), []);
}
