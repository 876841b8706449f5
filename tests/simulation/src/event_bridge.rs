//! EventBridge: the rules that invoke start-rollout, for the launch hook's events and on a schedule.

use std::rc::Rc;
use std::time::Duration;

use account::Served;
use account::events::{START_ROLLOUT, is_launch, scheduled};
use serde_json::Value;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::sleep;
use world::{Delivery, SettingError, World};

use crate::lambda::Lambda;
use crate::seed::Random;
use crate::trace::Trace;

const EVENT_BRIDGE: &str = "EventBridge";

/// The rule that hands the launch hook's events to start-rollout.
pub(crate) struct LaunchRule {
    pub(crate) lambda: Rc<Lambda>,
    pub(crate) trace: Rc<Trace>,
    pub(crate) lifecycle_hook_name: String,
    pub(crate) served: Served,
    pub(crate) delivery: Delivery,
    pub(crate) seed: u64,
}

impl LaunchRule {
    /// Delivers the hook's events among `all`, as long as there are any.
    pub(crate) async fn deliver(self, mut all: UnboundedReceiver<Value>) {
        let mut random = fastrand::Rng::with_seed(self.seed);
        let mut index = 0;
        while let Some(event) = all.recv().await {
            let kind = event["detail-type"].as_str().unwrap_or_default();
            self.trace.add(EVENT_BRIDGE, format_args!("gets {kind}"), &event);
            if !is_launch(&event, &self.lifecycle_hook_name, &self.served) {
                continue;
            }
            for delay in self.delivery.delays(index, &mut random) {
                let (lambda, trace, event) = (self.lambda.clone(), self.trace.clone(), event.clone());
                tokio::task::spawn_local(async move {
                    sleep(Duration::from_secs_f64(delay)).await;
                    trace.add(EVENT_BRIDGE, format_args!("invokes {START_ROLLOUT}"), &event["id"]);
                    lambda.invoke_asynchronously(START_ROLLOUT, event);
                });
            }
            index += 1;
        }
    }
}

/// Checks the number of seconds between two events of the schedule.
pub(crate) fn check_schedule(seconds: Option<f64>) -> Result<(), SettingError> {
    match seconds {
        Some(seconds) if !(seconds >= 1.0 && Duration::try_from_secs_f64(seconds).is_ok()) => {
            Err(SettingError { field: "scheduleSeconds".to_owned(), problem: "must be at least 1".to_owned() })
        }
        _ => Ok(()),
    }
}

/// Sends start-rollout an event every so many seconds, the first one after as many.
pub(crate) async fn run_schedule(world: World, lambda: Rc<Lambda>, trace: Rc<Trace>, ids: Random, seconds: f64) {
    loop {
        sleep(Duration::from_secs_f64(seconds)).await;
        let event = scheduled(&world.time(), &ids.uuid());
        trace.add(EVENT_BRIDGE, format_args!("invokes {START_ROLLOUT} on schedule"), &event["id"]);
        lambda.invoke_asynchronously(START_ROLLOUT, event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_has_at_least_a_second_between_two_events() {
        for possible in [None, Some(1.0), Some(300.0)] {
            check_schedule(possible).unwrap();
        }
        for seconds in [0.0, -1.0, 0.5, f64::NAN, f64::INFINITY] {
            let error = check_schedule(Some(seconds)).unwrap_err().to_string();
            assert_eq!(error, "scheduleSeconds: must be at least 1", "{seconds}");
        }
    }
}
