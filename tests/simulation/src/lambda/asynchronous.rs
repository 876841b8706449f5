//! Invocations by events: nobody waits for them, and Lambda repeats those that fail.

use std::rc::Rc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::sleep;

use super::{Lambda, NotInvoked, Outcome};

/// The pauses before the first and the second retry of an invocation whose function failed.
///
/// Source: Lambda developer guide, "How Lambda handles errors and retries with asynchronous invocation".
const RETRIES: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(120)];

/// The pauses before an invocation that was throttled, or that Lambda could not make, is tried again: they double from the first to the
/// last (same source).
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LAST_PAUSE: Duration = Duration::from_secs(300);

/// How old an event may become: template.yaml's `MaximumEventAgeInSeconds`, the default of its parameter HeartbeatTimeout.
const OLDEST: Duration = Duration::from_secs(600);

impl Lambda {
    /// Invokes a function with an event. An event that cannot be handled is lost in the end: it goes to the queue of lost launches.
    pub(crate) fn invoke_asynchronously(self: &Rc<Self>, function: &str, event: Value) {
        let (lambda, function) = (self.clone(), function.to_owned());
        tokio::task::spawn_local(async move {
            if !lambda.try_repeatedly(&function, &event).await {
                lambda.surroundings.trace.add(&function, "is invoked no more with", &event);
                lambda.lost.borrow_mut().push(event);
            }
        });
    }

    /// The events that went to the queue of lost launches.
    pub(crate) fn lost(&self) -> Vec<Value> {
        self.lost.borrow().clone()
    }

    /// Whether an attempt succeeded.
    async fn try_repeatedly(self: &Rc<Self>, function: &str, event: &Value) -> bool {
        let clock = self.surroundings.clock;
        let began = clock.elapsed();
        let (mut retries, mut pause) = (RETRIES.iter(), FIRST_PAUSE);
        loop {
            let wait = match self.invoke(function, event.clone()).await {
                Ok(Outcome::Answer(_)) => return true,
                Ok(Outcome::Error(_)) => match retries.next() {
                    Some(wait) => *wait,
                    None => return false,
                },
                Err(NotInvoked::Refused { status: 404, .. }) => return false,
                Err(_) => {
                    let wait = pause;
                    pause = (pause * 2).min(LAST_PAUSE);
                    wait
                }
            };
            sleep(wait).await;
            if clock.elapsed() - began > OLDEST {
                return false;
            }
        }
    }
}
