//! Rule 6: a repeated call has no second effect.

use world::{Breach, Rule};

use super::{breaches, deployment, stage};
use crate::function::Function;

#[tokio::test]
async fn a_call_repeated_into_a_second_deployment() {
    let stage = stage().await;
    let create = async |application: &str, description: &str| {
        let call = stage.codedeploy.create_deployment().application_name(application).deployment_group_name("Staging");
        let id = call.description(description).send().await.unwrap().deployment_id.unwrap();
        stage.world.advance(10.0);
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
        "at 50.0 s: deployment {repeated} of A/Staging repeats {first}: both have the description \"turnstile one\""
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
