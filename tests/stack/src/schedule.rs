//! EventBridge: the rule that wakes start-rollout from time to time.

use std::sync::Arc;
use std::time::Duration;

use world::World;

use crate::Error;
use crate::events::{START_ROLLOUT, scheduled};
use crate::functions::Functions;

/// Whether there can be so many world seconds between two events.
pub(crate) fn check(seconds: Option<f64>) -> Result<(), Error> {
    match seconds {
        Some(seconds) if !(seconds >= 1.0 && Duration::try_from_secs_f64(seconds).is_ok()) => {
            Err(Error::option("scheduleSeconds", "must be at least 1"))
        }
        _ => Ok(()),
    }
}

/// Sends start-rollout an event every so many world seconds, the first one after as many.
pub(crate) async fn run(world: World, functions: Arc<Functions>, seconds: f64, speed: f64) {
    let mut due = seconds;
    loop {
        let now = world.now();
        if now < due {
            tokio::time::sleep(Duration::from_secs_f64((due - now) / speed)).await;
            continue;
        }
        // A stack without start-rollout has nobody to wake.
        let _ = functions.invoke_asynchronously(START_ROLLOUT, scheduled(&world.time()).to_string().into());
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
