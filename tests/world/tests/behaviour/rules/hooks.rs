//! Rule 3: a hook that is open is completed as its rollout stands, and not left to its time-out.

use serde_json::json;
use world::rules::{Execution, ExecutionStatus};
use world::{Breach, HookResult, Kind, Rule};

use super::{action, breaches, ended, found, running, stage};
use crate::function::Function;

#[tokio::test]
async fn a_hook_that_timed_out() {
    let stage = stage().await;
    let instance = stage.launch_and_boot();
    stage.world.advance(3600.0);
    let report = stage.world.report();
    assert_eq!(breaches(&report), [Breach::HookTimedOut { action: action(&instance) }]);
    assert_eq!(report.violations[0].rule(), Rule::HookCompleted);
    let sentence = format!("at 3610.0 s: hook launch of {instance} timed out instead of being completed");
    assert_eq!(report.violations[0].to_string(), sentence);
}

#[tokio::test]
async fn a_hook_left_open() {
    let stage = stage().await;
    let instance = stage.launch_and_boot();
    assert_eq!(breaches(&stage.world.report()), []);
    let report = stage.world.report_at_end();
    assert_eq!(breaches(&report), [Breach::HookLeftOpen { action: action(&instance) }]);
    assert_eq!(report.violations[0].to_string(), format!("at 15.0 s: hook launch of {instance} was left open"));
    stage.complete(&instance, "ABANDON").await.unwrap();
    stage.world.terminate(&instance).unwrap_err();
    assert_eq!(breaches(&stage.world.report_at_end()), []);
}

#[tokio::test]
async fn a_rollout_completes_its_hook_as_it_stands_with_it() {
    let succeeds = || ended("arn:1", ExecutionStatus::Succeeded, 100.0);
    let fails = || Execution { failed_at: Some(10.0), ..running("arn:1") };
    let lets_in = || Execution { input: json!({"onFailure": "CONTINUE"}), ..fails() };
    let later = || Execution { failed_at: Some(50.0), ..running("arn:1") };
    for (execution, result, breaks) in [
        (succeeds(), HookResult::Continue, false),
        (succeeds(), HookResult::Abandon, true),
        (fails(), HookResult::Abandon, false),
        (fails(), HookResult::Continue, true),
        (lets_in(), HookResult::Continue, false),
        (lets_in(), HookResult::Abandon, true),
        (later(), HookResult::Continue, false),
        (ended("arn:1", ExecutionStatus::Failed, 100.0), HookResult::Abandon, false),
    ] {
        let stage = stage().await;
        let instance = stage.launch_and_boot();
        let text = if result == HookResult::Continue { "CONTINUE" } else { "ABANDON" };
        let function = Function::of("arn:1", "complete-lifecycle-hook", "r-1", 1, &stage.world);
        assert_eq!(function.complete(&instance, text).await, 200);
        let breach = Breach::WrongResult { action: action(&instance), execution: "arn:1".to_owned(), result };
        assert_eq!(breach.kind().rule(), Rule::HookCompleted);
        let found = found(&stage, std::slice::from_ref(&execution), &[]).into_iter();
        let found: Vec<Breach> = found.filter(|breach| breach.kind() == Kind::WrongResult).collect();
        assert_eq!(found, if breaks { vec![breach] } else { vec![] }, "{execution:?} {text}");
    }
}
