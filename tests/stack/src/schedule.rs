//! EventBridge: the rule that invokes start-rollout on a schedule.

use std::sync::Arc;
use std::time::Duration;

use account::events::{START_ROLLOUT, scheduled};
use uuid::Uuid;
use world::{SettingError, World};

use crate::functions::Functions;

/// Checks the number of world seconds between two events.
pub(crate) fn check(seconds: Option<f64>) -> Result<(), SettingError> {
    match seconds {
        Some(seconds) if !(seconds >= 1.0 && Duration::try_from_secs_f64(seconds).is_ok()) => {
            Err(SettingError { field: "scheduleSeconds".to_owned(), problem: "must be at least 1".to_owned() })
        }
        _ => Ok(()),
    }
}

/// Sends start-rollout an event every `seconds` world seconds, the first one after `seconds`.
pub(crate) async fn run(world: World, functions: Arc<Functions>, seconds: f64, speed: f64) {
    let mut due = seconds;
    loop {
        let now = world.now();
        if now < due {
            tokio::time::sleep(Duration::from_secs_f64((due - now) / speed)).await;
            continue;
        }
        // In a stack without start-rollout nobody receives the event.
        let event = scheduled(&world.time(), &Uuid::new_v4().to_string());
        let _ = functions.invoke_asynchronously(START_ROLLOUT, event.to_string().into());
        due += seconds;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_has_at_least_a_second_between_two_events() {
        for possible in [None, Some(1.0), Some(300.0)] {
            check(possible).unwrap();
        }
        for seconds in [0.0, -1.0, 0.5, f64::NAN, f64::INFINITY] {
            let error = check(Some(seconds)).unwrap_err().to_string();
            assert_eq!(error, "scheduleSeconds: must be at least 1", "{seconds}");
        }
    }
}
