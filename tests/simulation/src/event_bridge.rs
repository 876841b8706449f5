//! EventBridge: the rules that invoke start-rollout, for the launch hook's events and on a schedule, and report-outcome, for the executions' ends
//! and on a schedule.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use account::Served;
use account::events::{self, REPORT_OUTCOME, START_ROLLOUT, is_launch, scheduled};
use serde_json::Value;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::sleep;
use world::{Delivery, SettingError, World};

use crate::lambda::Lambda;
use crate::seed::Random;
use crate::step_functions::EndOf;
use crate::trace::Trace;

const EVENT_BRIDGE: &str = "EventBridge";
/// template.yaml's schedule of report-outcome.
const TOLD_EVERY: Duration = Duration::from_secs(600);

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

/// The rule that hands the ends of executions to report-outcome.
pub(crate) struct EndRule {
    pub(crate) lambda: Rc<Lambda>,
    pub(crate) trace: Rc<Trace>,
    pub(crate) world: World,
    /// None of these events is lost by chance: nothing but a schedule of minutes would find the end.
    pub(crate) delivery: Delivery,
    pub(crate) random: Random,
    pub(crate) seed: u64,
}

impl EndRule {
    /// Delivers the events of the ends that come.
    pub(crate) async fn deliver(self, mut ends: UnboundedReceiver<EndOf>) {
        let mut random = fastrand::Rng::with_seed(self.seed);
        let mut index = 0;
        while let Some(EndOf { execution, times }) = ends.recv().await {
            let event = events::ended(&execution, times, &self.world.time(), &self.random.uuid());
            for delay in self.delivery.delays(index, &mut random) {
                let (lambda, trace, event) = (self.lambda.clone(), self.trace.clone(), event.clone());
                let is_told = lambda.tells();
                tokio::task::spawn_local(async move {
                    sleep(Duration::from_secs_f64(delay)).await;
                    trace.add(EVENT_BRIDGE, format_args!("invokes {REPORT_OUTCOME}"), &event["id"]);
                    lambda.invoke_until_it_is_over(REPORT_OUTCOME, event).await;
                    drop(is_told);
                });
            }
            index += 1;
        }
    }
}

/// Sends report-outcome an event every [`TOLD_EVERY`], the first one after as long.
pub(crate) async fn look_for_untold_ends(world: World, lambda: Rc<Lambda>, trace: Rc<Trace>, ids: Random) {
    loop {
        sleep(TOLD_EVERY).await;
        let event = scheduled(&world.time(), &ids.uuid());
        trace.add(EVENT_BRIDGE, format_args!("invokes {REPORT_OUTCOME} on schedule"), &event["id"]);
        lambda.invoke_asynchronously(REPORT_OUTCOME, event);
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

/// Sends start-rollout an event every so many seconds, the first one after as many, as long as the rule is enabled.
pub(crate) async fn run_schedule(
    world: World,
    lambda: Rc<Lambda>,
    trace: Rc<Trace>,
    ids: Random,
    (seconds, is_enabled): (f64, Rc<Cell<bool>>),
) {
    loop {
        sleep(Duration::from_secs_f64(seconds)).await;
        if !is_enabled.get() {
            continue;
        }
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
