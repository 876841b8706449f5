//! Invocations by events: nobody waits for them, and Lambda repeats those that fail.

use std::rc::Rc;
use std::time::Duration;

use account::events::REPORT_OUTCOME;
use serde_json::Value;
use tokio::time::sleep;

use super::{Lambda, Lost, NotInvoked, Outcome};

/// The pauses before the first and the second retry of an invocation whose function failed.
///
/// Source: Lambda developer guide, "How Lambda handles errors and retries with asynchronous invocation".
const RETRIES: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(120)];

/// The pauses before an invocation that was throttled, or that Lambda could not make, is tried again: they double from the first to the
/// last (same source).
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LAST_PAUSE: Duration = Duration::from_secs(300);

/// How old a launch's event may become: template.yaml's `MaximumEventAgeInSeconds`, the default of its parameter HeartbeatTimeout.
const OLDEST_LAUNCH: Duration = Duration::from_secs(600);
/// How old the event of a rollout's end may become, in the same.
const OLDEST_END: Duration = Duration::from_secs(21_600);

impl Lambda {
    /// Invokes a function with an event. An event that cannot be handled is lost in the end: it goes to the queue of lost launches.
    pub(crate) fn invoke_asynchronously(self: &Rc<Self>, function: &str, event: Value) {
        let (lambda, function) = (self.clone(), function.to_owned());
        tokio::task::spawn_local(async move { lambda.invoke_until_it_is_over(&function, event).await });
    }

    /// The same, and waits until the event was handled or is lost.
    pub(crate) async fn invoke_until_it_is_over(self: &Rc<Self>, function: &str, event: Value) {
        if !self.try_repeatedly(function, &event).await {
            self.surroundings.trace.add(function, "is invoked no more with", &event);
            let at = self.surroundings.clock.seconds();
            self.lost.borrow_mut().push(Lost { at, function: function.to_owned(), event, removed_at: None });
        }
    }

    /// The events that went to a queue because a function could not handle them.
    pub(crate) fn lost(&self) -> Vec<Lost> {
        self.lost.borrow().clone()
    }

    /// Takes every event out of its queue.
    pub(crate) fn empty_queues(&self) {
        let now = self.surroundings.clock.seconds();
        self.lost.borrow_mut().iter_mut().for_each(|lost| _ = lost.removed_at.get_or_insert(now));
    }

    /// Counts as one that tells of an end, until it is dropped.
    pub(crate) fn tells(&self) -> Rc<()> {
        self.tells.clone()
    }

    /// How many events of ends are on their way, or at work.
    pub(crate) fn ends_untold(&self) -> usize {
        Rc::strong_count(&self.tells) - 1
    }

    /// Whether an attempt succeeded.
    async fn try_repeatedly(self: &Rc<Self>, function: &str, event: &Value) -> bool {
        let clock = self.surroundings.clock;
        let began = clock.elapsed();
        let oldest = if function == REPORT_OUTCOME { OLDEST_END } else { OLDEST_LAUNCH };
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
            if clock.elapsed() - began > oldest {
                return false;
            }
        }
    }
}
