//! The metrics of a run in the simulation.

use std::collections::BTreeMap;

use account::alarms::{Sample, samples};
use account::events::{REPORT_OUTCOME, START_ROLLOUT};
use simulation::Simulation;
use world::Clock;

/// A queue tells of its messages once a minute (SQS developer guide, "Available CloudWatch metrics").
const QUEUES_TELL_EVERY: usize = 60;

/// Every value that was told until now, those of AWS as far as alarms go by them.
///
/// # Errors
/// A line that is not in the embedded metric format.
pub fn of(simulation: &Simulation) -> Result<Vec<Sample>, String> {
    let mut all = Vec::new();
    for line in simulation.metrics() {
        all.extend(samples(&line, Clock::VIRTUAL_EPOCH).map_err(|problem| format!("{line}: {problem}"))?);
    }
    for invocation in simulation.invocations() {
        let errors = f64::from(u8::from(invocation.has_failed));
        all.push(aws("AWS/Lambda", "Errors", ("FunctionName", &invocation.function), invocation.at, errors));
    }
    let (lost, now) = (simulation.lost(), simulation.world().now());
    for (queue, function) in [("LostLaunchesQueue", START_ROLLOUT), ("UntoldRolloutsQueue", REPORT_OUTCOME)] {
        for at in (0..=now as usize).step_by(QUEUES_TELL_EVERY).map(|at| at as f64) {
            let is_there = |until: Option<f64>| until.is_none_or(|until| at < until);
            let visible =
                lost.iter().filter(|one| one.function == function && one.at <= at && is_there(one.removed_at));
            let (metric, name) = ("ApproximateNumberOfMessagesVisible", format!("{queue}.QueueName"));
            all.push(aws("AWS/SQS", metric, ("QueueName", &name), at, visible.count() as f64));
        }
    }
    Ok(all)
}

fn aws(namespace: &str, metric: &str, (dimension, of): (&str, &str), at: f64, value: f64) -> Sample {
    let dimensions = BTreeMap::from([(dimension.to_owned(), of.to_owned())]);
    Sample { at, namespace: namespace.to_owned(), metric: metric.to_owned(), dimensions, value }
}
