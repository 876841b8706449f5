//! The rules over whole runs, and the facts that they go by.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use simulation::{Options, Simulation, block_on};
use world::rules::{ExecutionStatus, KnownViolations};
use world::{Breach, Claim, Effect, Violation};

use crate::stage::{GROUP, options, rough, until_quiet};

fn violations(simulation: &Simulation) -> Vec<Violation> {
    simulation.run_violations(&simulation.world().report_at_end())
}

#[test]
fn rollouts_that_keep_every_rule_break_none_but_known_ones() {
    block_on(async || {
        let simulation = Simulation::start(options(21)).expect("it starts");
        simulation.world().launch_over(GROUP, 3, 60.0).expect("the group exists");
        until_quiet(&simulation).await;
        let violations = violations(&simulation);
        assert_eq!(KnownViolations::listed().unknown(&violations), [] as [&Violation; 0]);
    });
}

#[test]
fn a_second_execution_for_a_launch_breaks_no_rule() {
    block_on(async || {
        let simulation = Simulation::start(options(22)).expect("it starts");
        simulation.world().launch(GROUP).expect("the group exists");
        let owner = loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            if let [owner] = simulation.executions().as_slice()
                && simulation.current_state(&owner.arn).as_deref() == Some("WaitForDeployment")
            {
                break owner.arn.clone();
            }
        };
        let instance = simulation.world().report_without_calls().instances[0].instance_id.clone();
        let input = json!({"autoScalingGroupName": GROUP, "instanceId": instance});
        let second = simulation.start_execution(Some("by-hand"), &input).expect("it starts");
        until_quiet(&simulation).await;
        let violations = violations(&simulation);
        for arn in [owner, second] {
            assert_eq!(simulation.describe(&arn).expect("it exists").status, "SUCCEEDED");
        }
        assert_eq!(KnownViolations::listed().unknown(&violations), [] as [&Violation; 0]);
    });
}

/// The definition with a last call that names a round in which nothing was taken.
fn keeps_the_turn() -> PathBuf {
    let text = std::fs::read_to_string(options(1).definition).expect("Turnstile's definition");
    let mut definition: Value = serde_json::from_str(&text).expect("JSON");
    let states = definition["States"].as_object_mut().expect("states");
    states["CompleteLifecycleHook"]["Arguments"]["round"] = 0.into();
    let path = std::env::temp_dir().join(format!("keeps-the-turn-{}.asl.json", std::process::id()));
    std::fs::write(&path, definition.to_string()).expect("a file");
    path
}

#[test]
fn a_turn_that_is_not_returned_is_found() {
    block_on(async || {
        let definition = keeps_the_turn();
        let simulation = Simulation::start(Options { definition: definition.clone(), ..options(23) });
        std::fs::remove_file(definition).expect("it is there");
        let simulation = simulation.expect("it starts");
        simulation.world().launch(GROUP).expect("the group exists");
        until_quiet(&simulation).await;
        let [execution] = &simulation.executions()[..] else { panic!("one launch") };
        let lost = violations(&simulation).into_iter().filter_map(|violation| match violation.breach {
            Breach::TurnLost { claim, execution, status } => Some((violation.at, claim, execution, status)),
            _ => None,
        });
        let held = simulation.turns().into_iter().filter(|turn| turn.holder.is_some()).map(|turn| {
            let ended_at = execution.ended_at.expect("it has ended");
            (ended_at, turn.claim, execution.arn.clone(), Some(ExecutionStatus::Succeeded))
        });
        let held: Vec<_> = held.collect();
        assert_eq!(held.len(), 7, "the group and six applications");
        assert_eq!(lost.collect::<Vec<_>>(), held);
    });
}

#[test]
fn the_calls_tell_who_holds_each_claim() {
    block_on(async || {
        let simulation = Simulation::start(rough(24)).expect("it starts");
        simulation.world().launch_over(GROUP, 3, 100.0).expect("the group exists");
        let mut told = BTreeMap::new();
        let mut seen = 0;
        for step in 0..60 {
            tokio::time::sleep(Duration::from_secs(20)).await;
            if step == 30 {
                simulation.delete_turns();
                assert_eq!(simulation.turns(), []);
            }
            let calls = simulation.world().report().calls;
            for call in &calls[seen..] {
                let Some(Effect::ClaimsChanged { claims }) = &call.effect else { continue };
                for Claim { claim, holder } in claims {
                    let before = told.insert(claim.clone(), holder.clone()).flatten();
                    assert_ne!(before, *holder, "{claim} at {}", call.at);
                }
            }
            seen = calls.len();
            let told: BTreeMap<&String, &String> =
                told.iter().filter_map(|(claim, holder)| Some((claim, holder.as_ref()?))).collect();
            let turns = simulation.turns();
            let turns = turns.iter().filter_map(|turn| Some((&turn.claim, turn.holder.as_ref()?))).collect();
            assert_eq!(told, turns, "step {step}");
        }
        let calls = simulation.world().report().calls;
        let by_hand: Vec<_> = calls.iter().filter(|call| call.caller == "person").collect();
        assert!(by_hand.iter().all(|call| call.operation == "DeleteItem"), "{by_hand:?}");
        assert!(by_hand.iter().any(|call| call.effect.is_some()), "somebody held a claim: {by_hand:?}");
    });
}

#[test]
fn each_call_names_its_invocation_and_the_state_that_asked_for_it() {
    block_on(async || {
        let mut options = rough(25);
        options.lambda.crash_rate = 0.1;
        let simulation = Simulation::start(options).expect("it starts");
        simulation.world().launch_over(GROUP, 3, 100.0).expect("the group exists");
        until_quiet(&simulation).await;
        let histories: BTreeMap<String, Vec<Value>> = simulation
            .executions()
            .into_iter()
            .map(|execution| (execution.arn.clone(), simulation.history(&execution.arn).expect("it exists")))
            .collect();
        let mut attempts: BTreeMap<(&str, u64), BTreeSet<&str>> = BTreeMap::new();
        let report = simulation.world().report();
        for call in report.calls.iter().filter(|call| call.caller != "engine") {
            let invocation = call.invocation.as_ref().unwrap_or_else(|| panic!("no invocation: {call:?}"));
            let by_execution = !["start-rollout", "report-outcome"].contains(&call.caller.as_str());
            assert_eq!(
                (invocation.execution.is_some(), invocation.state_entry.is_some()),
                (by_execution, by_execution)
            );
            if let (Some(execution), Some(entry)) = (&invocation.execution, invocation.state_entry) {
                let [entered, scheduled] = [entry, entry + 1].map(|id| &histories[execution][id as usize - 1]);
                assert_eq!(entered["type"], "TaskStateEntered");
                let resource = scheduled["lambdaFunctionScheduledEventDetails"]["resource"].as_str().expect("an ARN");
                assert_eq!(resource, format!("{}:1", account::function_arn(&call.caller)), "{call:?}");
                attempts.entry((execution, entry)).or_default().insert(&invocation.request_id);
            }
        }
        assert!(attempts.values().any(|attempts| attempts.len() > 1), "no state was tried again");
        for service in ["codedeploy", "autoscaling", "dynamodb", "states"] {
            assert!(report.calls.iter().any(|call| call.service == service), "{service}");
        }
        assert!(report.calls.is_sorted_by(|a, b| a.at <= b.at), "in order");
    });
}
