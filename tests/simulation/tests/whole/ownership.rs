//! One rollout owns a launch, a turn is fenced by its round, and a hook is never without heartbeats for long.

use std::time::Duration;

use account::Execution;
use serde_json::{Value, json};
use simulation::{Options, Simulation, block_on};
use tokio::time::sleep;
use world::rules::KnownViolations;
use world::{ClosedBy, HookResult, Report, Setting};

use crate::stage::until_quiet;

pub const WEB: &str = "web";
const HOOK: &str = "turnstile";

/// The group `web` with a launch hook of this heartbeat time-out, and these applications on its instances.
pub fn web(heartbeat_timeout: u32, applications: &[&str]) -> Value {
    let names: Vec<String> = applications.iter().map(|name| format!("{name}/Production")).collect();
    let application = |name: &&str| {
        json!({
            "applicationName": name, "deploymentGroupName": "Production", "selection": {"tags": {"Role": "web"}},
            "outdatedInstancesStrategy": "IGNORE", "previousDeploymentSeconds": 30,
            "revision": {"revisionType": "S3", "s3Location": {"bucket": "builds", "key": format!("{name}-1.zip"), "bundleType": "zip"}},
        })
    };
    json!({
        "autoScalingGroups": [{
            "name": WEB, "tags": {"Role": "web"}, "requiredApplications": names,
            "hooks": [{"name": HOOK, "heartbeatTimeout": heartbeat_timeout, "notificationMetadata": names.join(",")}],
        }],
        "applications": applications.iter().map(application).collect::<Vec<_>>(),
    })
}

pub fn options(setting: Value) -> Options {
    Options::new(serde_json::from_value::<Setting>(setting).expect("a setting"))
}

fn start(setting: Value) -> Simulation {
    Simulation::start(options(setting)).expect("it starts")
}

fn by_hand(simulation: &Simulation, instance: &str) -> String {
    let input = json!({"autoScalingGroupName": WEB, "instanceId": instance});
    simulation.start_execution(Some("by-hand"), &input).expect("it starts")
}

/// Waits until the only execution, or else the one by hand, is in a state.
async fn until_in(simulation: &Simulation, arn: &str, state: &str) {
    for _ in 0..24 * 3_600 {
        if simulation.current_state(arn).as_deref() == Some(state) {
            return;
        }
        sleep(Duration::from_secs(1)).await;
    }
    panic!("{arn} never came to {state}: {:#?}", simulation.executions());
}

async fn first_execution(simulation: &Simulation) -> String {
    loop {
        if let Some(first) = simulation.executions().first() {
            return first.arn.clone();
        }
        sleep(Duration::from_secs(1)).await;
    }
}

fn outcome(execution: &Execution) -> Value {
    execution.output.as_ref().map_or(Value::Null, |output| output["outcome"].clone())
}

fn report(simulation: &Simulation) -> Report {
    let report = simulation.world().report_at_end();
    let violations = simulation.run_violations(&report);
    let unknown: Vec<String> = KnownViolations::listed().unknown(&violations).iter().map(ToString::to_string).collect();
    assert_eq!(unknown, [] as [&str; 0]);
    report
}

/// How each hook was completed, in order.
fn completions(report: &Report) -> Vec<Option<HookResult>> {
    let actions = report.hook_actions.iter();
    actions.map(|action| action.result.filter(|_| action.closed_by == Some(ClosedBy::Completion))).collect()
}

/// An application that fails on every instance for so many times.
fn failing(mut setting: Value, times: u32) -> Value {
    setting["applications"][0]["failure"] = json!({"event": "AfterInstall", "scriptName": "x.sh", "times": times});
    setting
}

#[test]
fn a_rollout_that_backs_off_is_taken_over_from() {
    block_on(async || {
        let simulation = start(failing(web(600, &["Orders", "Search"]), 2));
        let instance = simulation.world().launch(WEB).expect("it launches");
        let first = first_execution(&simulation).await;
        until_in(&simulation, &first, "WaitBeforeAbandon").await;
        let second = by_hand(&simulation, &instance);
        until_quiet(&simulation).await;
        let first = simulation.describe(&first).expect("it exists");
        assert_eq!((first.status.as_str(), outcome(&first)), ("SUCCEEDED", json!("LAUNCH_TAKEN_OVER")), "{first:#?}");
        let second = simulation.describe(&second).expect("it exists");
        assert_eq!((second.status.as_str(), outcome(&second)), ("SUCCEEDED", json!("SUCCEEDED")), "{second:#?}");
        assert_eq!(completions(&report(&simulation)), [Some(HookResult::Continue)]);
    });
}

#[test]
fn a_second_rollout_waits_for_the_owner() {
    block_on(async || {
        let simulation = start(web(600, &["Orders", "Search"]));
        let instance = simulation.world().launch(WEB).expect("it launches");
        let first = first_execution(&simulation).await;
        until_in(&simulation, &first, "WaitForDeployment").await;
        let second = by_hand(&simulation, &instance);
        until_in(&simulation, &second, "WaitForOwner").await;
        until_quiet(&simulation).await;
        for arn in [first, second] {
            let execution = simulation.describe(&arn).expect("it exists");
            assert_eq!(outcome(&execution), "SUCCEEDED", "{execution:#?}");
        }
        let report = report(&simulation);
        assert_eq!((completions(&report), report.deployments.len()), (vec![Some(HookResult::Continue)], 2));
    });
}

/// Whatever it was doing: the owner is aborted, and the hook of the shortest time-out that the stack can have outlasts it.
#[test]
fn an_owner_that_has_ended_is_replaced_in_time() {
    for (state, function) in [
        ("StartDeployment", "start-deployment"),
        ("WaitForDeployment", "check-status"),
        ("CheckStatus", "check-status"),
        ("CompleteLifecycleHook", "complete-lifecycle-hook"),
    ] {
        block_on(async || {
            let mut options = options(web(120, &["Orders"]));
            // So that the state lasts: the call has had its effect meanwhile.
            let slow = json!([{"service": "lambda", "operation": function, "kind": "slow", "seconds": 5, "times": 1}]);
            options.faults = serde_json::from_value(slow).expect("faults");
            let simulation = Simulation::start(options).expect("it starts");
            let instance = simulation.world().launch(WEB).expect("it launches");
            let first = first_execution(&simulation).await;
            while simulation.current_state(&first).as_deref() != Some(state) {
                assert!(simulation.describe(&first).expect("it exists").is_running(), "it has not been in {state}");
                sleep(Duration::from_millis(100)).await;
            }
            sleep(Duration::from_secs(2)).await;
            simulation.stop_execution(&first).expect("it runs");
            let second = by_hand(&simulation, &instance);
            until_quiet(&simulation).await;
            let second = simulation.describe(&second).expect("it exists");
            assert_eq!(outcome(&second), "SUCCEEDED", "{state}: {second:#?}");
            assert_eq!(completions(&report(&simulation)), [Some(HookResult::Continue)], "{state}");
        });
    }
}

/// The rollout of the launch into the pool has failed and backs off. Meanwhile somebody lets the instance into the pool, and it leaves the pool.
#[test]
fn the_second_launch_of_a_pooled_instance_is_not_the_first_one_s() {
    block_on(async || {
        let mut setting = failing(web(600, &["Orders"]), 2);
        setting["autoScalingGroups"][0]["warmPool"] = json!({"size": 0});
        let mut options = options(setting);
        // Long enough for both launches.
        options.schedule_seconds = None;
        let simulation = Simulation::start(options).expect("it starts");
        let pooled = simulation.world().warm(WEB, 1).expect("a pool").remove(0);
        let first = first_execution(&simulation).await;
        until_in(&simulation, &first, "WaitBeforeAbandon").await;
        simulation.world().complete_hook(&pooled, HOOK, HookResult::Continue).expect("it is open");
        sleep(Duration::from_secs(20)).await;
        let launched = simulation.world().launch(WEB).expect("it launches");
        assert_eq!(launched, pooled, "out of the pool");
        until_quiet(&simulation).await;
        let report = simulation.world().report_at_end();
        let into_service = report.hook_actions.iter().find(|action| action.destination == "AutoScalingGroup");
        let into_service = into_service.expect("its second launch");
        assert_eq!(into_service.result, Some(HookResult::Continue), "{:#?}", simulation.executions());
        let first = simulation.describe(&first).expect("it exists");
        assert_ne!(outcome(&first), "SUCCEEDED", "{first:#?}");
    });
}

/// A function that Lambda throttles, or fails to run under a name that nobody has listed, is called again.
#[test]
fn a_function_that_cannot_run_for_a_while_costs_no_launch() {
    for (function, code, times) in [
        ("plan-rollout", "TooManyRequestsException", 9),
        ("start-deployment", "TooManyRequestsException", 9),
        ("check-status", "TooManyRequestsException", 9),
        ("complete-lifecycle-hook", "TooManyRequestsException", 9),
        ("start-deployment", "ServiceException", 9),
        ("check-status", "EFSMountTimeoutException", 3),
    ] {
        block_on(async || {
            let mut options = options(web(120, &["Orders"]));
            options.faults = serde_json::from_value(json!([{
                "service": "lambda", "operation": function, "kind": "error", "code": code, "status": 429, "times": times,
            }]))
            .expect("faults");
            let simulation = Simulation::start(options).expect("it starts");
            simulation.world().launch(WEB).expect("it launches");
            until_quiet(&simulation).await;
            assert_eq!(completions(&report(&simulation)), [Some(HookResult::Continue)], "{function} {code}");
            assert_eq!(simulation.fault_hits(), [times], "{function} {code}");
        });
    }
}
