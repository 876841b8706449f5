//! Calls of functions that are delayed on their way, as by a slow network or a cold start.

use std::sync::Mutex;

use tokio::sync::oneshot;

/// The next call of a function, which is delayed until it is released. Dropping it releases it.
pub struct DelayedCall {
    arrived: oneshot::Receiver<()>,
    release: oneshot::Sender<()>,
}

impl DelayedCall {
    /// Waits until the call is made.
    pub async fn arrived(&mut self) {
        // A stack that has been stopped makes no more calls.
        let _ = (&mut self.arrived).await;
    }

    /// Lets the call go on to the function.
    pub fn release(self) {
        // The call may not have been made.
        let _ = self.release.send(());
    }
}

/// The other end of a [`DelayedCall`].
struct Delay {
    function: String,
    arrived: oneshot::Sender<()>,
    release: oneshot::Receiver<()>,
}

/// The calls to be delayed, one for each [`DelayedCall`].
#[derive(Default)]
pub(crate) struct Delays(Mutex<Vec<Delay>>);

impl Delays {
    /// Delays the next call of a function.
    pub(crate) fn delay_next(&self, function: &str) -> DelayedCall {
        let (arriving, arrived) = oneshot::channel();
        let (release, released) = oneshot::channel();
        let delay = Delay { function: function.to_owned(), arrived: arriving, release: released };
        self.0.lock().unwrap().push(delay);
        DelayedCall { arrived, release }
    }

    /// Returns when a call of the function may go on.
    pub(crate) async fn pass(&self, function: &str) {
        let delay = {
            let mut delays = self.0.lock().unwrap();
            let first = delays.iter().position(|delay| delay.function == function);
            first.map(|first| delays.remove(first))
        };
        if let Some(Delay { arrived, release, .. }) = delay {
            let _ = arrived.send(());
            let _ = release.await;
        }
    }
}
