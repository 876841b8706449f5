//! The signals that end a program which runs a stack.

use std::future::Future;
use std::io;
use std::process::ExitCode;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{Error, Options, Stack};

/// Listens for SIGINT (Ctrl-C) and SIGTERM.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

/// The signal that ended a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interrupted(SignalKind);

impl From<Interrupted> for ExitCode {
    /// As a shell reports a process that a signal has ended: 128 and the signal's number.
    fn from(Interrupted(signal): Interrupted) -> Self {
        let number = u8::try_from(signal.as_raw_value()).unwrap_or_default();
        Self::from(128 + number)
    }
}

impl Signals {
    /// Listens from now on. Must be called inside a Tokio runtime.
    ///
    /// # Errors
    /// The operating system's.
    pub fn listen() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for the next signal.
    async fn next(&mut self) -> Interrupted {
        tokio::select! {
            _ = self.interrupt.recv() => Interrupted(SignalKind::interrupt()),
            _ = self.terminate.recv() => Interrupted(SignalKind::terminate()),
        }
    }

    /// Does the work, unless a signal comes first: then the work is dropped.
    pub async fn unless<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Interrupted> {
        tokio::select! {
            done = work => Ok(done),
            interrupted = self.next() => Err(interrupted),
        }
    }

    /// Starts a stack, does some work with it and stops it. A signal ends the start or the work, and the stack is stopped all the same.
    ///
    /// # Errors
    /// The stack's, if it cannot be started.
    pub async fn with_stack<T>(
        &mut self,
        options: Options,
        work: impl AsyncFnOnce(&Stack) -> T,
    ) -> Result<Result<T, Interrupted>, Error> {
        let stack = match self.unless(Stack::start(options)).await {
            Ok(stack) => stack?,
            Err(interrupted) => return Ok(Err(interrupted)),
        };
        let done = self.unless(work(&stack)).await;
        stack.stop().await;
        Ok(done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_status_names_the_signal() {
        for (signal, status) in [(SignalKind::interrupt(), 130), (SignalKind::terminate(), 143)] {
            assert_eq!(ExitCode::from(Interrupted(signal)), ExitCode::from(status));
        }
    }

    #[tokio::test]
    async fn work_that_ends_before_a_signal_is_done() {
        let mut signals = Signals::listen().unwrap();
        assert_eq!(signals.unless(async { 7 }).await, Ok(7));
    }
}
