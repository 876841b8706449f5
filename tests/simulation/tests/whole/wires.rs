//! Calls of the functions that go wrong, as their SDK clients take it.

use serde_json::{Value, json};
use simulation::{Options, Simulation, block_on};

use crate::stage::{GROUP, options, until_quiet};

/// A launch under these faults: the outcomes of the calls of `operation`, and whether the instance is in service.
fn outcomes(faults: Value, operation: &str, change: fn(&mut Options)) -> (Vec<String>, bool) {
    block_on(async || {
        let mut options = options(5);
        options.faults = serde_json::from_value(faults).expect("faults");
        change(&mut options);
        let simulation = Simulation::start(options).expect("it starts");
        simulation.world().launch(GROUP).expect("the group exists");
        until_quiet(&simulation).await;
        let report = simulation.world().report();
        let in_service = report.instances[0].lifecycle_state == "InService";
        let outcomes = report.calls.into_iter().filter(|call| call.operation == operation).map(|call| call.outcome);
        (outcomes.collect(), in_service)
    })
}

#[test]
fn faults_hit_the_functions_calls_and_the_sdk_repeats_them() {
    for (fault, first) in [
        (json!({"kind": "error", "status": 500}), ["InternalFailure", "ok"]),
        (json!({"kind": "reset"}), ["reset", "ok"]),
        (json!({"kind": "lostAnswer"}), ["lost answer", "ok"]),
        (json!({"kind": "slow", "seconds": 30}), ["ok", "ok"]),
    ] {
        let mut fault = fault;
        fault["service"] = json!("dynamodb");
        fault["operation"] = json!("BatchGetItem");
        fault["times"] = json!(1);
        let (outcomes, in_service) = outcomes(json!([fault]), "BatchGetItem", |_| {});
        assert_eq!((&outcomes[..2], in_service), (first.map(str::to_owned).as_slice(), true), "{fault}");
    }
}

#[test]
fn a_call_whose_answer_was_lost_has_had_its_effect() {
    let fault = json!([{"service": "states", "operation": "StartExecution", "kind": "lostAnswer", "times": 1}]);
    let (outcomes, in_service) = outcomes(fault, "StartExecution", |_| {});
    assert_eq!((outcomes, in_service), (vec!["lost answer".to_owned(), "ok".to_owned()], true), "one execution");
}

#[test]
fn connections_that_are_not_made_are_tried_again() {
    let (outcomes, in_service) =
        outcomes(json!([]), "StartExecution", |options| options.network.unreachable_rate = 0.3);
    assert_eq!((outcomes.last().map(String::as_str), in_service), (Some("ok"), true));
}
