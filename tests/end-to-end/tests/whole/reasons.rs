//! Where and when an operator can read why a rollout failed: in the functions' logs, and in the state BackOff.

use std::fs;
use std::path::Path;

use end_to_end::*;
use serde_json::{Value, json};
use stack::Stack;
use world::{Report, Setting};

/// One application whose script fails once, with an error after which there is no second attempt.
fn failing(event: &str) -> Setting {
    let mut setting = applications(1);
    setting.applications[0].failure = Some(read(json!({
        "event": event, "errorCode": "ScriptMissing", "scriptName": "check.sh", "times": 1,
        "message": "Script does not exist at specified location: check.sh",
    })));
    setting
}

/// The lines of every function's log, by function.
fn lines(folder: &Path) -> Vec<(String, String)> {
    let logs = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let logs = logs.filter(|path| path.file_name().is_some_and(|name| name != "engine.log"));
    let lines = logs.flat_map(|path| {
        let function = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        text.lines().map(|line| (function.clone(), line.to_owned())).collect::<Vec<_>>()
    });
    lines.collect()
}

#[tokio::test]
async fn the_logs_name_the_rollout_and_its_reason_and_hold_no_token() {
    const SESSION_TOKEN: &str = "FwoGZXIvYXdzEXAMPLETOKEN";
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("logs-of-a-failed-rollout");
    let _ = fs::remove_dir_all(&folder);
    let mut options = options(failing("BeforeInstall"), 1, 50.0);
    options.log_dir = folder.clone();
    for function in &mut options.functions {
        function.environment.push(("AWS_SESSION_TOKEN".to_owned(), SESSION_TOKEN.to_owned()));
    }
    let stack = Stack::start(options).await.unwrap();
    let mut events = stack.world().events();
    let instance = stack.world().launch(GROUP).unwrap();
    until(&stack, |report| report.instances.iter().any(|instance| instance.in_service_at.is_some())).await;
    all_ended(&stack).await;
    let failed = until_execution(&stack, &instance).await;
    assert_eq!(failed.error.as_deref(), Some("Turnstile.DeploymentFailed"), "{failed:#?}");
    stack.stop().await;

    let lines = lines(&folder);
    let mut tokens = vec![SESSION_TOKEN.to_owned()];
    while let Ok(event) = events.try_recv() {
        tokens.extend(event["detail"]["LifecycleActionToken"].as_str().map(str::to_owned));
    }
    assert_eq!(tokens.len(), 3, "the session's, and one of each launch");
    for (function, line) in &lines {
        assert!(tokens.iter().all(|token| !line.contains(token)), "{function}: {line}");
    }

    let lines: Vec<(String, Value)> = lines
        .into_iter()
        .map(|(function, line)| (function, serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: {line}"))))
        .collect();
    let of_it: Vec<&(String, Value)> =
        lines.iter().filter(|(_, line)| line["span"]["instance"] == instance.as_str()).collect();
    for function in ["start-rollout", "plan-rollout", "start-deployment", "check-status", "back-off"] {
        let mut own = of_it.iter().filter(|(name, _)| name == function).map(|(_, line)| line).peekable();
        assert!(own.peek().is_some(), "{function} says nothing");
        for line in own {
            // start-rollout has no more than a name before the execution is there.
            let execution = line["span"]["execution"].as_str().unwrap();
            assert!(execution == failed.arn || execution == failed.name, "{function}: {line:#}");
            assert_eq!(line["span"]["group"], GROUP, "{function}: {line:#}");
            if ["start-deployment", "check-status"].contains(&function) {
                assert_eq!(line["span"]["application"], short_form("Storefront"), "{line:#}");
            }
        }
    }
    let errors: Vec<&Value> = of_it.iter().map(|(_, line)| line).filter(|line| line["level"] == "ERROR").collect();
    let backing_off = errors.iter().find(|line| line["span"]["name"] == "back-off").unwrap();
    assert_eq!(backing_off["fields"]["error"], "Turnstile.DeploymentFailed", "{backing_off:#}");
    let reason: Value = serde_json::from_str(backing_off["fields"]["cause"].as_str().unwrap()).unwrap();
    for (field, expected) in [
        ("applicationName", "Storefront"),
        ("instanceId", &instance),
        ("lifecycleEvent", "BeforeInstall"),
        ("scriptName", "check.sh"),
        ("errorCode", "ScriptMissing"),
    ] {
        assert_eq!(reason[field], expected, "{reason:#}");
    }
}

/// When the failed lifecycle event ended, in world seconds.
fn failure(report: &Report) -> Option<f64> {
    let events = report.deployments.iter().flat_map(|d| &d.targets).flat_map(|target| &target.lifecycle_events);
    events.filter(|event| event.status == "Failed").find_map(|event| event.ended_at)
}

/// A deployment of ten minutes is looked at once a minute towards its end, which is the longest time between two looks.
#[tokio::test]
async fn the_reason_is_there_to_be_read_one_look_after_the_failure() {
    const SPEED: f64 = 30.0;
    const LONGEST_POLL: f64 = 60.0;
    let mut setting = failing("ApplicationStart");
    // It fails 20 s after the look at 600 s.
    setting.applications[0].previous_deployment_seconds = Some(700.0);
    setting.applications[0].lifecycle_event_seconds.application_start = 604.0;
    setting.applications[0].jitter = 0.0;
    let stack = start_at(setting, SPEED).await;
    let instance = stack.world().launch(GROUP).unwrap();
    let execution = until_execution(&stack, &instance).await;
    until_in(&stack, &execution.arn, "WaitBeforeAbandon").await;
    let history = stack.history(&execution.arn).await.unwrap();
    let entered = |event: &Value| {
        let at = stack.world_seconds(event["timestamp"].as_f64().unwrap());
        Some((event["stateEnteredEventDetails"]["name"].as_str()?.to_owned(), at, event.clone()))
    };
    let entered: Vec<(String, f64, Value)> = history.iter().filter_map(entered).collect();
    let (_, read_at, event) = entered.iter().find(|(name, ..)| name == "WaitBeforeAbandon").unwrap();
    let input: Value = serde_json::from_str(event["stateEnteredEventDetails"]["input"].as_str().unwrap()).unwrap();
    let cause: Value = serde_json::from_str(input["failure"]["cause"].as_str().unwrap()).unwrap();
    assert_eq!(cause["scriptName"], "check.sh", "{input:#}");

    let failed_at = failure(&stack.world().report()).expect("it failed");
    let looks = entered.iter().filter(|(name, at, _)| name == "CheckStatus" && *at > failed_at).count();
    assert_eq!(looks, 1, "the first look after the failure has the reason");
    let late = (read_at - failed_at) / LONGEST_POLL;
    println!("read {late:.2} polls after the failure");
    assert!(late <= 1.5, "the reason could be read {late:.2} polls after the failure");
    stack.stop().await;
}
