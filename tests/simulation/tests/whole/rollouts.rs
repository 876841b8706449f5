//! Rollouts from the launch's event to the hook's completion.

use std::time::Duration;

use serde_json::json;
use simulation::{Options, Simulation, block_on};
use world::Report;

use crate::stage::{GROUP, options, until_quiet};

fn in_service(report: &Report) -> usize {
    report.instances.iter().filter(|instance| instance.lifecycle_state == "InService").count()
}

#[test]
fn a_launch_gets_six_applications_one_at_a_time() {
    block_on(async || {
        let simulation = Simulation::start(options(1)).expect("it starts");
        simulation.world().launch(GROUP).expect("the group exists");
        until_quiet(&simulation).await;
        let report = simulation.world().report_at_end();
        assert_eq!((in_service(&report), report.deployments.len()), (1, 6));
        assert!(report.violations.is_empty(), "{:?}", report.violations);
        let executions = simulation.executions();
        assert_eq!(executions.iter().map(|e| e.status.as_str()).collect::<Vec<_>>(), ["SUCCEEDED"]);
        assert!(simulation.transitions(&executions[0].arn).expect("it exists") > 6);
        assert!(simulation.turns().iter().all(|turn| turn.holder.is_none()), "{:?}", simulation.turns());
        assert_eq!(simulation.lost_events(), [] as [serde_json::Value; 0]);
    });
}

#[test]
fn several_launches_wait_for_their_turn() {
    block_on(async || {
        let simulation = Simulation::start(options(2)).expect("it starts");
        for _ in 0..3 {
            simulation.world().launch(GROUP).expect("the group exists");
            tokio::time::sleep(Duration::from_secs(40)).await;
        }
        until_quiet(&simulation).await;
        let report = simulation.world().report_at_end();
        assert_eq!(in_service(&report), 3);
        assert!(report.violations.is_empty(), "{:?}", report.violations);
    });
}

#[test]
fn an_execution_by_hand_can_be_stopped() {
    block_on(async || {
        let simulation = Simulation::start(options(3)).expect("it starts");
        simulation.world().launch(GROUP).expect("the group exists");
        until_quiet(&simulation).await;
        let input = json!({"autoScalingGroupName": GROUP});
        let arn = simulation.start_execution(Some("by-hand"), &input).expect("it starts");
        assert_eq!(simulation.start_execution(Some("by-hand"), &input).ok(), Some(arn.clone()), "it is the same");
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(simulation.current_state(&arn).is_some());
        simulation.stop_execution(&arn).expect("it exists");
        assert_eq!(simulation.wait_for(&arn).await.expect("it exists").status, "ABORTED");
        tokio::time::sleep(Duration::from_millis(1)).await;
        let history = simulation.history(&arn).expect("it exists");
        assert_eq!(history.last().expect("events")["type"], "ExecutionAborted");
        assert_eq!(
            simulation.stop_execution("arn:none").unwrap_err().to_string(),
            "StopExecution: ExecutionDoesNotExist: Execution Does Not Exist: 'arn:none'"
        );
    });
}

#[test]
fn who_looks_at_each_change_misses_no_state() {
    block_on(async || {
        let simulation = Simulation::start(options(7)).expect("it starts");
        simulation.world().launch(GROUP).expect("the group exists");
        let (mut looks, mut states, mut life) = (0, Vec::new(), Vec::new());
        while simulation.world().now() < 1200.0 {
            simulation.next_change(1200.0).await;
            looks += 1;
            life.push(simulation.world().report_without_calls().instances[0].lifecycle_state);
            if let [execution] = simulation.executions().as_slice() {
                states.extend(simulation.current_state(&execution.arn));
            }
        }
        assert!(simulation.world().now() < 1200.1, "{}", simulation.world().now());
        assert!(looks < 3000, "{looks} looks: time goes on between two");
        life.dedup();
        assert_eq!(life, ["Pending:Wait", "Pending:Proceed", "InService"]);
        for state in ["PlanRollout", "StartDeployment", "CheckStatus", "CompleteLifecycleHook"] {
            assert!(states.iter().any(|seen| seen == state), "{state}");
        }
        simulation.next_change(0.0).await;
        assert!(simulation.world().now() < 1200.2, "a time that has passed is not waited for");
    });
}

#[test]
fn an_execution_keeps_the_definition_that_it_was_started_with() {
    block_on(async || {
        let simulation = Simulation::start(options(6)).expect("it starts");
        simulation.world().launch(GROUP).expect("the group exists");
        until_quiet(&simulation).await;
        let input = json!({"autoScalingGroupName": GROUP});
        let before = simulation.start_execution(None, &input).expect("it starts");
        let other = std::env::temp_dir().join(format!("simulation-{}.asl.json", std::process::id()));
        let fails = json!({
            "QueryLanguage": "JSONata", "StartAt": "No",
            "States": {"No": {"Type": "Fail", "Error": "Test.No", "Cause": "Because."}},
        });
        std::fs::write(&other, fails.to_string()).expect("a file");
        simulation.update_state_machine(&other).expect("it is a definition");
        std::fs::remove_file(&other).expect("it is there");
        let after = simulation.start_execution(None, &input).expect("it starts");
        assert_eq!(simulation.wait_for(&after).await.expect("it exists").error.as_deref(), Some("Test.No"));
        assert_ne!(simulation.wait_for(&before).await.expect("it exists").error.as_deref(), Some("Test.No"));
    });
}

#[test]
fn turns_can_be_deleted_and_functions_invoked() {
    block_on(async || {
        let simulation = Simulation::start(options(4)).expect("it starts");
        simulation.world().launch(GROUP).expect("the group exists");
        while simulation.turns().iter().all(|turn| turn.holder.is_none()) {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        assert_eq!(simulation.turns().len(), 8, "the group, six applications and who owns the launch");
        simulation.delete_turns();
        assert_eq!(simulation.turns(), []);
        let invoked = simulation.invoke("plan-rollout", &json!({})).await.expect("it is there");
        assert_eq!(invoked.function_error.as_deref(), Some("Unhandled"));
        assert_eq!(invoked.payload["errorType"], "Turnstile.InvalidInput");
        let nobody = simulation.invoke("nobody", &json!({})).await.unwrap_err().to_string();
        assert!(nobody.starts_with("Invoke: ResourceNotFoundException: Function not found: arn:"), "{nobody}");
    });
}

#[test]
fn wrong_options_are_named() {
    let refused = |change: fn(&mut Options)| {
        let mut options = options(1);
        change(&mut options);
        block_on(async || Simulation::start(options).err().expect("they are wrong").to_string())
    };
    assert_eq!(refused(|o| o.network.long_rate = 2.0), "network.longRate: must be 0 to 1");
    assert_eq!(refused(|o| o.trailing.rate = 2.0), "trailing.rate: must be 0 to 1");
    assert_eq!(refused(|o| o.schedule_seconds = Some(0.0)), "scheduleSeconds: must be at least 1");
    assert_eq!(refused(|o| o.dynamodb_trails_seconds = -1.0), "dynamodbTrailsSeconds: must be 0 or more");
    assert_eq!(refused(|o| o.events.lose_rate = 2.0), "events.loseRate: must be 0 to 1");
    let missing = refused(|o| o.definition = "none.json".into());
    assert!(missing.starts_with("none.json: "), "{missing}");
}
