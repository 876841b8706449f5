//! A group of instances with six applications.

use serde_json::Value;
use simulation::{Options, Simulation};
use world::Setting;

/// The Auto Scaling group.
pub const GROUP: &str = "services";

/// The world that `make stack` starts, without an instance in service.
pub fn setting(seed: u64) -> Setting {
    let mut setting: Value = serde_json::from_str(include_str!("../../../stack/setting.json")).expect("JSON");
    setting["seed"] = seed.into();
    setting["autoScalingGroups"][0]["desiredCapacity"] = 0.into();
    serde_json::from_value(setting).expect("a setting")
}

pub fn options(seed: u64) -> Options {
    Options::new(setting(seed))
}

/// Everything that can go wrong does, now and then.
pub fn rough(seed: u64) -> Options {
    let mut options = options(seed);
    options.network.long_rate = 0.02;
    options.network.unreachable_rate = 0.05;
    options.lambda.crash_rate = 0.02;
    options.trailing.rate = 0.5;
    options.trailing.seconds = 5.0;
    options.events.copies = 2;
    options.events.spread_seconds = 3.0;
    options.schedule_seconds = Some(60.0);
    options.faults = serde_json::from_value(serde_json::json!([
        {"service": "codedeploy", "kind": "error", "rate": 0.03},
        {"service": "dynamodb", "kind": "lostAnswer", "rate": 0.03},
        {"service": "autoscaling", "kind": "reset", "rate": 0.03},
        {"service": "lambda", "kind": "slow", "seconds": 20, "rate": 0.02},
    ]))
    .expect("faults");
    options
}

/// Lets time pass until every execution has ended and no instance is on its way into service.
pub async fn until_quiet(simulation: &Simulation) {
    for _ in 0..24 * 60 {
        tokio::time::sleep(std::time::Duration::from_secs(60)).await;
        let report = simulation.world().report_without_calls();
        let waits = report.instances.iter().any(|instance| instance.lifecycle_state.starts_with("Pending"));
        if !waits && simulation.executions().iter().all(|execution| !execution.is_running()) {
            return;
        }
    }
    panic!("not quiet after a day: {:?}", simulation.executions());
}
