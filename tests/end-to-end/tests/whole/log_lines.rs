//! Every line that the functions' programs write: Lambda can read it, it says what its call is about, and it has no secret in it.

use std::path::{Path, PathBuf};

use end_to_end::*;
use serde_json::{Value, json};
use stack::{Function, Options, Stack};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The levels that Lambda knows (Lambda developer guide, "Log-level filtering").
const LEVELS: [&str; 6] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];

/// What the functions are given and no line may have, or a part of it.
const SECRETS: [(&str, &str); 2] = [("AWS_SECRET_ACCESS_KEY", "hush-key"), ("AWS_SESSION_TOKEN", "hush-token")];

/// A folder for the logs of a test, empty at its start.
fn log_dir(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("log-lines").join(name);
    // There is none before the first run.
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

fn with_secrets(mut options: Options, log_dir: &Path) -> Options {
    for function in &mut options.functions {
        function.environment.extend(SECRETS.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
    Options { log_dir: log_dir.to_owned(), ..options }
}

/// The lines of a function's log, each checked for what holds for every line.
fn lines(log_dir: &Path, function: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(log_dir.join(format!("{function}.log"))).expect("the function has logged");
    let read = |line: &str| {
        let read: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{function} wrote no JSON: {line}"));
        let timestamp = read["timestamp"].as_str().unwrap_or_else(|| panic!("{function}, without a time: {line}"));
        OffsetDateTime::parse(timestamp, &Rfc3339).unwrap_or_else(|e| panic!("{function}: {e}: {line}"));
        assert!(read["level"].as_str().is_some_and(|level| LEVELS.contains(&level)), "{function}: {line}");
        for secret in SECRETS.map(|(_, value)| value).into_iter().chain(["LifecycleActionToken", "eyJ"]) {
            assert!(!line.contains(secret), "{function} wrote {secret}: {line}");
        }
        read
    };
    text.lines().map(read).collect()
}

/// Checks that a line says what its call is about.
fn assert_names(line: &Value, names: &[(&str, &str)]) {
    for (field, value) in names {
        assert_eq!(line["span"][field], *value, "{field} of {line}");
    }
}

/// How the lines begin that have this level.
fn of_level<'a>(lines: &'a [Value], level: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["level"] == level).collect()
}

#[tokio::test]
async fn every_line_of_a_rollout_says_what_it_is_about() {
    let log_dir = log_dir("rollout");
    let stack = Stack::start(with_secrets(options(applications(1), 1, 50.0), &log_dir)).await.expect("a stack");
    let instance = stack.world().launch(GROUP).unwrap();
    let [execution] = &all_ended(&stack).await[..] else { panic!("one launch") };
    let (arn, name) = (execution.arn.clone(), execution.name.clone());

    // What plan-rollout refuses, what it cannot read, and what is no call at all.
    let named = json!({"execution": "arn:x", "input": {"autoScalingGroupName": GROUP, "instanceId": "i-00000bad"}});
    let mut unreadable = named.clone();
    unreadable["now"] = json!("yesterday");
    for (call, error) in [(named, "Turnstile.InvalidInput"), (unreadable, "Turnstile.InvalidInput")] {
        let invoked = stack.invoke("plan-rollout", &call).await.unwrap();
        assert_eq!(invoked.payload["errorType"], error, "{invoked:?}");
    }
    stack.invoke("plan-rollout", &json!("no call")).await.unwrap();
    stack.stop().await;

    for function in ["start-deployment", "check-status", "complete-lifecycle-hook"] {
        let lines = lines(&log_dir, function);
        assert!(!lines.is_empty(), "{function} has logged nothing");
        for line in &lines {
            assert_names(line, &[("execution", &arn), ("group", GROUP), ("instance", &instance), ("name", function)]);
        }
        if function != "complete-lifecycle-hook" {
            lines.iter().for_each(|line| assert_names(line, &[("application", &short_form(SIX[0]))]));
        }
    }
    for line in &lines(&log_dir, "start-rollout") {
        assert_names(line, &[("execution", &name), ("group", GROUP), ("instance", &instance)]);
    }
    let planned = lines(&log_dir, "plan-rollout");
    let (of_launch, others): (Vec<&Value>, Vec<&Value>) =
        planned.iter().partition(|line| line["span"]["execution"] == *arn);
    for line in &of_launch {
        assert_names(line, &[("group", GROUP), ("instance", &instance)]);
    }
    let (by_hand, nameless): (Vec<&Value>, Vec<&Value>) =
        others.into_iter().partition(|line| line["span"]["execution"] == "arn:x");
    for line in &by_hand {
        assert_names(line, &[("group", GROUP), ("instance", "i-00000bad")]);
    }
    // The first is refused by the function, which says so, and each is logged by the runtime.
    assert_eq!(by_hand.iter().filter(|line| line["level"] == "ERROR").count(), 2, "{by_hand:#?}");
    assert_eq!(nameless.len(), 1, "{nameless:#?}");
    assert_names(nameless[0], &[("name", "plan-rollout")]);
}

#[tokio::test]
async fn errors_and_panics_are_lines_about_their_call() {
    let log_dir = log_dir("as-asked");
    let tests = std::env::current_exe().unwrap();
    let function = Function {
        name: "plan-rollout".to_owned(),
        bootstrap: tests.ancestors().nth(2).unwrap().join("examples/as_asked"),
        environment: Vec::new(),
        timeout: std::time::Duration::from_secs(30),
        concurrency: 1,
    };
    let mut options = options(applications(1), 0, 50.0);
    options.functions.retain(|other| other.name != function.name);
    options.functions.push(function);
    let stack = Stack::start(with_secrets(options, &log_dir)).await.expect("a stack");
    let call = |end: &str| {
        json!({
            "end": end, "execution": "arn:x", "plan": {"autoScalingGroupName": GROUP, "instanceId": "i-1"},
            "application": {"applicationName": "A", "deploymentGroupName": "S"},
        })
    };
    for (end, error) in [
        ("answer", None),
        ("error", Some("Turnstile.InstanceNotFound")),
        ("panic", Some("&alloc::boxed::Box<dyn core::any::Any + core::marker::Send>")),
        ("nonsense", Some("Turnstile.InvalidInput")),
        ("answer", None),
    ] {
        let invoked = stack.invoke("plan-rollout", &call(end)).await.unwrap();
        let error_type = invoked.payload["errorType"].as_str();
        assert_eq!(error_type, error, "{end}: {invoked:?}");
    }
    stack.stop().await;

    let lines = lines(&log_dir, "plan-rollout");
    for line in &lines {
        assert_names(line, &[("execution", "arn:x"), ("group", GROUP), ("instance", "i-1"), ("application", "A/S")]);
    }
    let messages = |level| -> Vec<String> {
        let of_level = of_level(&lines, level);
        of_level.iter().map(|line| line["fields"]["message"].as_str().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(messages("INFO"), ["answered", "answered"]);
    assert_eq!(messages("WARN"), ["failed"]);
    let errors = messages("ERROR");
    assert_eq!(errors.len(), 4, "the panic's own line, and one of the runtime for each that failed: {errors:#?}");
    assert!(errors.contains(&"panicked".to_owned()), "{errors:#?}");
}
