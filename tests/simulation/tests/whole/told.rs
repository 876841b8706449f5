//! Ends of rollouts whose events are lost.

use std::time::Duration;

use serde_json::json;
use simulation::{Simulation, block_on};
use tokio::time::sleep;

use crate::ownership::{WEB, options, web};

const DAY: u64 = 24 * 3_600;

/// How many messages were published.
fn published(simulation: &Simulation) -> usize {
    simulation.world().report().calls.iter().filter(|call| call.operation == "Publish" && call.outcome == "ok").count()
}

/// Its execution starts on the first day, and ends there and on the third.
#[test]
fn an_end_is_told_however_long_ago_its_execution_has_started() {
    let mut options = options(web(600, &["Orders"]));
    options.ends.lose = vec![0, 1];
    options.schedule_seconds = Some(3_600.0);
    block_on(async || {
        let simulation = Simulation::start(options).expect("a simulation");
        let wrong = json!({"autoScalingGroupName": WEB, "applications": ["Orders"]});
        let execution = simulation.start_execution(Some("by-hand"), &wrong).expect("an execution");
        sleep(Duration::from_secs(3_600)).await;
        assert_eq!(published(&simulation), 1, "the first end");
        sleep(Duration::from_secs(2 * DAY + DAY / 2)).await;
        simulation.redrive_execution(&execution).expect("it has failed");
        sleep(Duration::from_secs(3_600)).await;
        assert_eq!(published(&simulation), 2, "the end after the redrive");
    });
}

/// A group is held until the rollout runs out of time, two days after its start.
#[test]
fn the_end_of_the_longest_rollout_is_told() {
    let mut setting = web(600, &["Orders"]);
    setting["autoScalingGroups"][0]["desiredCapacity"] = 1.into();
    let mut options = options(setting);
    options.ends.lose = vec![0];
    options.schedule_seconds = Some(3_600.0);
    block_on(async || {
        let simulation = Simulation::start(options).expect("a simulation");
        simulation.hold(WEB, true);
        let input = json!({"autoScalingGroupName": WEB});
        let execution = simulation.start_execution(Some("by-hand"), &input).expect("an execution");
        sleep(Duration::from_secs(3 * DAY)).await;
        let ended = simulation.describe(&execution).expect("an execution");
        assert!(!ended.is_running(), "{ended:?}");
        assert_eq!(published(&simulation), 1);
    });
}
