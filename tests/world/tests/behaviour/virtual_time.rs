//! A world on Tokio's paused clock: what happens is the seed's, to the byte.

use std::time::Duration;

use serde_json::json;
use world::{Clock, World};

use crate::stage::{setting, with};

/// Everything that can be seen of an hour with three launches and a deployment: the report, then the events in their order.
fn an_hour(seed: u64) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(async {
        let setting = serde_json::from_value(with(setting(), "/seed", json!(seed))).expect("a setting");
        let world = World::new(setting, Clock::Virtual).expect("a good setting");
        let mut events = world.events();
        let _running = world.run();
        let instances = world.launch_over("web", 3, 10.0).expect("the group exists");
        tokio::time::sleep(Duration::from_millis(40_250)).await;
        world.deploy("A", "Staging", None).expect("the deployment group exists");
        world.terminate(&instances[0]).expect("the instance exists");
        tokio::time::sleep(Duration::from_secs(3600)).await;
        let mut seen = vec![serde_json::to_string(&world.report_at_end()).expect("a report is JSON")];
        while let Ok(event) = events.try_recv() {
            seen.push(event.to_string());
        }
        seen
    })
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let first = an_hour(7);
    let launches = first.iter().filter(|event| event.contains("EC2 Instance-launch Lifecycle Action"));
    assert_eq!(launches.count(), 4, "three launches, and one in place of the instance that was terminated");
    assert!(first.iter().any(|event| event.contains("2026-01-31T09:00:4")), "time 0 is {}", Clock::VIRTUAL_EPOCH);
    std::thread::sleep(Duration::from_millis(5));
    assert_eq!(an_hour(7), first);
    assert_ne!(an_hour(8), first);
}
