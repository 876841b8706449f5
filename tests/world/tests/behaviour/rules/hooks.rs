//! Rule 3: a hook that is open is completed, and not left to its time-out.

use world::{Breach, Rule};

use super::{action, breaches, stage};

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
