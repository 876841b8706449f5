//! What the schedule asks of AWS each minute, however many Auto Scaling groups there are.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use simulation::{Options, Simulation, block_on};
use tokio::time::sleep;
use world::{AutoScalingGroupSetting, HookSetting, Report, Setting};

const MINUTE: Duration = Duration::from_secs(60);

/// A stack that may serve every group of the account. Each has an instance in service, without a gate, and every second group has the hook.
fn options(groups: usize) -> Options {
    let hook = || -> HookSetting { serde_json::from_value(json!({"name": "turnstile"})).expect("a hook") };
    let group = |i: usize| AutoScalingGroupSetting {
        desired_capacity: 1,
        hooks: if has_hook(i) { vec![hook()] } else { Vec::new() },
        ..AutoScalingGroupSetting::new(&name(i))
    };
    let setting = Setting { auto_scaling_groups: (0..groups).map(group).collect(), ..Setting::default() };
    Options { schedule_seconds: Some(60.0), ..Options::new(setting) }
}

fn name(i: usize) -> String {
    format!("group-{i:03}")
}

fn has_hook(i: usize) -> bool {
    i.is_multiple_of(2)
}

/// How often start-rollout made each call, by its invocations in order.
fn calls_by_invocation(report: &Report) -> Vec<BTreeMap<&str, usize>> {
    let mut invocations: Vec<(&str, BTreeMap<&str, usize>)> = Vec::new();
    for call in report.calls.iter().filter(|call| call.caller == "start-rollout") {
        let id = call.invocation.as_ref().expect("a function's call").request_id.as_str();
        if invocations.last().is_none_or(|(last, _)| *last != id) {
            invocations.push((id, BTreeMap::new()));
        }
        *invocations.last_mut().expect("it was just added").1.entry(call.operation.as_str()).or_default() += 1;
    }
    invocations.into_iter().map(|(_, calls)| calls).collect()
}

fn open_gates(report: &Report) -> Vec<&str> {
    let open = report.instances.iter().filter(|one| one.tags.get("turnstile").is_some_and(|gate| gate == "open"));
    let mut groups: Vec<&str> = open.map(|instance| instance.auto_scaling_group_name.as_str()).collect();
    groups.sort_unstable();
    groups
}

async fn hook_vanished(simulation: &Simulation) -> Value {
    let event = json!({"source": "aws.events", "detail-type": "Scheduled Event", "time": simulation.world().time()});
    simulation.invoke("start-rollout", &event).await.expect("an answer").payload["hookVanished"].clone()
}

/// Lets the stack forget a group, by the call of docs/operating.md.
fn forget(simulation: &Simulation, group: &str) {
    let update = json!({
        "TableName": account::TURNS_TABLE,
        "Key": {"claim": {"S": "hook:turnstile"}},
        "UpdateExpression": "REMOVE enrolments.#group",
        "ExpressionAttributeNames": {"#group": group},
    });
    simulation.call_dynamodb("UpdateItem", update);
}

#[test]
fn the_schedule_asks_little_of_any_number_of_groups() {
    for (groups, pages, minutes) in [(25, 1, 3), (120, 2, 12)] {
        block_on(async || {
            let simulation = Simulation::start(options(groups)).expect("it starts");
            sleep(MINUTE * minutes + MINUTE / 2).await;
            let report = simulation.world().report();
            let expected: Vec<String> = (0..groups).filter(|i| has_hook(*i)).map(name).collect();
            assert_eq!(open_gates(&report), expected, "{groups} groups are known after {minutes} minutes");
            let invocations = calls_by_invocation(&report);
            assert_eq!(invocations.len(), usize::try_from(minutes).expect("few"));
            for (minute, calls) in invocations.iter().enumerate() {
                assert_eq!(calls["DescribeAutoScalingGroups"], pages, "{minute}: {calls:?}");
                assert!(calls["DescribeLifecycleHooks"] <= 20, "{minute}: {calls:?}");
                assert_eq!((calls["GetItem"], calls["GetResources"]), (1, 1), "{minute}: {calls:?}");
                assert_eq!(calls.get("ListExecutions"), None, "{minute}: {calls:?}");
            }
            sleep(MINUTE).await;
            let report = simulation.world().report();
            let calls = calls_by_invocation(&report).pop().expect("a minute more");
            assert!(calls["DescribeLifecycleHooks"] <= 10, "{groups} groups, of which none is new: {calls:?}");
            let operations: Vec<&str> = calls.into_keys().collect();
            assert_eq!(operations, ["DescribeAutoScalingGroups", "DescribeLifecycleHooks", "GetItem", "GetResources"]);
        });
    }
}

#[test]
fn a_hook_that_vanishes_is_noticed_until_it_is_back_or_the_group_is_forgotten() {
    block_on(async || {
        let simulation = Simulation::start(options(4)).expect("it starts");
        sleep(MINUTE * 2).await;
        assert_eq!(hook_vanished(&simulation).await, json!([]), "two groups never had the hook");
        let world = simulation.world();
        for group in [name(0), name(2)] {
            world.delete_hook(&group, "turnstile").expect("it has the hook");
        }
        sleep(MINUTE * 2).await;
        assert_eq!(hook_vanished(&simulation).await, json!([name(0), name(2)]));
        let hook = serde_json::from_value(json!({"name": "turnstile"})).expect("a hook");
        world.put_hook(&name(0), &hook).expect("there is the group");
        assert_eq!(hook_vanished(&simulation).await, json!([name(2)]), "the first one's is back");
        forget(&simulation, &name(2));
        assert_eq!(hook_vanished(&simulation).await, json!([]));
        let get = json!({"TableName": account::TURNS_TABLE, "Key": {"claim": {"S": "hook:turnstile"}}});
        let item = simulation.call_dynamodb("GetItem", get);
        let seen = |i: usize| item["Item"]["enrolments"]["M"][name(i)]["S"].as_str().unwrap_or_default().to_owned();
        assert_eq!([0, 1, 2, 3].map(seen), ["ENROLLED", "NOT_ENROLLED", "NOT_ENROLLED", "NOT_ENROLLED"]);
    });
}

#[test]
fn a_group_that_is_forgotten_while_the_schedule_looks_stays_forgotten() {
    block_on(async || {
        let fault =
            json!({"service": "autoscaling", "operation": "DescribeLifecycleHooks", "kind": "slow", "seconds": 2});
        let faults = vec![serde_json::from_value(fault).expect("a fault")];
        let simulation =
            Simulation::start(Options { faults, schedule_seconds: None, ..options(1) }).expect("it starts");
        assert_eq!(hook_vanished(&simulation).await, json!([]));
        simulation.world().delete_hook(&name(0), "turnstile").expect("it has the hook");
        assert_eq!(hook_vanished(&simulation).await, json!([name(0)]));
        let meanwhile = async {
            sleep(Duration::from_secs(1)).await;
            forget(&simulation, &name(0));
        };
        let (vanished, ()) = tokio::join!(hook_vanished(&simulation), meanwhile);
        assert_eq!(vanished, json!([name(0)]), "the call has read the record before");
        assert_eq!(hook_vanished(&simulation).await, json!([]));
    });
}
