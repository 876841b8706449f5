//! A call of a function that is kept on its way for a while, as networks and cold starts do.

use std::sync::Mutex;

use tokio::sync::oneshot;

/// A function's next call, which is kept from it. Dropped, it lets the call go on.
pub struct Hold {
    arrived: oneshot::Receiver<()>,
    release: oneshot::Sender<()>,
}

impl Hold {
    /// Waits until there is such a call.
    pub async fn arrived(&mut self) {
        // A stack that was stopped has no more calls to wait for.
        let _ = (&mut self.arrived).await;
    }

    /// Lets the call go on to the function.
    pub fn release(self) {
        // Nobody waits for it when there was no call.
        let _ = self.release.send(());
    }
}

/// Where a call stops while it is held.
struct Stop {
    function: String,
    arrived: oneshot::Sender<()>,
    release: oneshot::Receiver<()>,
}

/// The calls to be held, one for each [`Hold`].
#[derive(Default)]
pub(crate) struct Holds(Mutex<Vec<Stop>>);

impl Holds {
    /// Holds the next call of a function.
    pub(crate) fn hold(&self, function: &str) -> Hold {
        let (arriving, arrived) = oneshot::channel();
        let (release, released) = oneshot::channel();
        let stop = Stop { function: function.to_owned(), arrived: arriving, release: released };
        self.0.lock().unwrap().push(stop);
        Hold { arrived, release }
    }

    /// Returns when a call of the function may go on.
    pub(crate) async fn pass(&self, function: &str) {
        let stop = {
            let mut stops = self.0.lock().unwrap();
            let first = stops.iter().position(|stop| stop.function == function);
            first.map(|first| stops.remove(first))
        };
        if let Some(Stop { arrived, release, .. }) = stop {
            let _ = arrived.send(());
            let _ = release.await;
        }
    }
}
