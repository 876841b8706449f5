//! Which events start-rollout receives, and when.

use serde_json::{Value, json};
use stack::{Function, Options, Served, Stack};
use world::Delivery;

use crate::fixture::{Folder, LOOP, calls_in, function, options, until};

/// A function `start-rollout` that writes its events to a file, one a line.
fn start_rollout(folder: &Folder) -> Function {
    let mut function = function("start-rollout");
    let variable = |name: &str, path: &str| (name.to_owned(), folder.path(path).display().to_string());
    function.environment = vec![variable("COUNT", "calls"), variable("EVENTS", "events")];
    function
}

/// A stack with two groups. The first group's instances wait at two hooks 10 s after their launch.
fn of_two_groups(folder: &Folder) -> Options {
    let mut options = options(folder, LOOP, vec![start_rollout(folder)]);
    let first = json!({"name": "first", "bootSeconds": 10, "hooks": [{"name": "turnstile"}, {"name": "another"}]});
    options.setting = serde_json::from_value(json!({"autoScalingGroups": [first, {"name": "second"}]})).unwrap();
    options
}

fn events(folder: &Folder) -> Vec<Value> {
    let lines = std::fs::read_to_string(folder.path("events")).unwrap_or_default();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn each_copy_of_a_launch_event_reaches_start_rollout() {
    let folder = Folder::new();
    let stack = Stack::start(Options { events: Delivery::of(3), ..of_two_groups(&folder) }).await.unwrap();
    let calls = || calls_in(&folder.path("calls"));
    stack.world().launch("first").unwrap();
    until(|| calls() >= 3).await;
    // The other hook's event occurred at the same time, and no rule matches it.
    assert_eq!(calls(), 3);
    stack.stop().await;
}

#[tokio::test]
async fn a_lost_event_is_never_delivered() {
    let folder = Folder::new();
    let events_of = Delivery { lose: vec![0, 2], ..Delivery::default() };
    let stack = Stack::start(Options { events: events_of, ..of_two_groups(&folder) }).await.unwrap();
    let ids = stack.world().launch_over("first", 4, 30.0).unwrap();
    until(|| events(&folder).len() == 2).await;
    let instance = |event: Value| event["detail"]["EC2InstanceId"].as_str().unwrap().to_owned();
    let mut delivered: Vec<String> = events(&folder).into_iter().map(instance).collect();
    delivered.sort_by_key(|delivered| ids.iter().position(|id| id == delivered));
    assert_eq!(delivered, [ids[1].as_str(), &ids[3]]);
    stack.stop().await;
}

#[tokio::test]
async fn an_event_can_be_late() {
    let folder = Folder::new();
    let late = Delivery { delay_seconds: 300.0, spread_seconds: 100.0, ..Delivery::default() };
    let stack = Stack::start(Options { events: late, ..of_two_groups(&folder) }).await.unwrap();
    stack.world().launch("first").unwrap();
    until(|| !events(&folder).is_empty()).await;
    let opened_at = stack.world().report().hook_actions[0].opened_at;
    assert!(stack.world().now() >= opened_at + 300.0, "{} {opened_at}", stack.world().now());
    stack.stop().await;
}

#[tokio::test]
async fn the_schedule_invokes_start_rollout_again_and_again() {
    let folder = Folder::new();
    let stack = Stack::start(Options { schedule_seconds: Some(100.0), ..of_two_groups(&folder) }).await.unwrap();
    until(|| events(&folder).len() >= 3).await;
    assert!(stack.world().now() >= 300.0, "{}", stack.world().now());
    let mut events = events(&folder);
    events.sort_by_key(|event| event["time"].as_str().map(str::to_owned));
    let mut times: Vec<&str> = events.iter().map(|event| event["time"].as_str().unwrap()).collect();
    times.dedup();
    assert_eq!(times.len(), events.len(), "each has a time of its own: {times:?}");
    assert!(times[0].ends_with('Z') && times[0].len() == "2026-01-31T12:34:56Z".len(), "{times:?}");
    let mut event = events.remove(0);
    (event["id"], event["time"]) = (Value::Null, Value::Null);
    let expected = json!({
        "version": "0",
        "id": null,
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": null,
        "region": "us-east-1",
        "resources": ["arn:aws:events:us-east-1:123456789012:rule/turnstile-schedule"],
        "detail": {},
    });
    assert_eq!(event, expected);
    stack.stop().await;
}

#[tokio::test]
async fn start_rollout_knows_its_groups_and_hook() {
    let second = || Served { auto_scaling_group_name: "second".to_owned(), ..Served::default() };
    for (served, groups) in [(None, ["", "*"]), (Some(second()), ["second", ""])] {
        let folder = Folder::new();
        let options = Options { served, ..of_two_groups(&folder) };
        let stack = Stack::start(options).await.unwrap();
        let answer = stack.invoke("start-rollout", &json!({})).await.unwrap().payload;
        assert_eq!((&answer["groups"], &answer["hook"]), (&json!(groups), &json!("turnstile")));
        assert_eq!(answer["stateMachine"], stack.state_machine_arn());
        stack.stop().await;
    }
}
