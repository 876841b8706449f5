//! One execution.

use std::cell::RefCell;

use account::{Execution, execution_arn};
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::oneshot;

use crate::machine::{End, History, Stop};

/// An execution: what it was started with, and what has become of it.
pub(crate) struct Record {
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) input: Value,
    pub(crate) started: Timestamp,
    pub(crate) history: History,
    end: RefCell<Option<Ended>>,
    stop: RefCell<Option<oneshot::Sender<Stop>>>,
}

/// How an execution ended, and when, in seconds since 1970.
#[derive(Debug, Clone)]
pub(crate) struct Ended {
    pub(crate) at: f64,
    pub(crate) end: End,
}

impl Record {
    pub(super) fn new(name: String, input: Value, started: Timestamp, stop: oneshot::Sender<Stop>) -> Self {
        let (arn, stop) = (execution_arn(&name), RefCell::new(Some(stop)));
        Self { name, arn, input, started, history: History::default(), end: RefCell::default(), stop }
    }

    /// Seconds since 1970.
    pub(crate) fn started_at(&self) -> f64 {
        self.started.as_millisecond() as f64 / 1000.0
    }

    pub(crate) fn end(&self) -> Option<Ended> {
        self.end.borrow().clone()
    }

    /// Notes the end, unless the execution has ended before.
    pub(super) fn ended(&self, at: f64, end: End) {
        self.end.borrow_mut().get_or_insert(Ended { at, end });
        self.stop.take();
    }

    /// What stops it; `None` when it is stopped or has ended.
    pub(super) fn take_stop(&self) -> Option<oneshot::Sender<Stop>> {
        self.stop.take()
    }

    pub(crate) fn status(&self) -> &'static str {
        self.end.borrow().as_ref().map_or("RUNNING", |ended| ended.end.status())
    }

    /// The execution as tests see it.
    pub(crate) fn execution(&self) -> Execution {
        let ended = self.end();
        let (output, error, cause) = match ended.as_ref().map(|ended| &ended.end) {
            Some(End::Succeeded(output)) => (Some(output.clone()), None, None),
            Some(End::Failed(failure)) => (None, Some(failure.error.clone()), Some(failure.cause.clone())),
            Some(End::Aborted(stop)) => (None, stop.error.clone(), stop.cause.clone()),
            Some(End::TimedOut) => (None, Some("States.Timeout".to_owned()), None),
            None => (None, None, None),
        };
        let since_start = |date: f64| date - world::Clock::VIRTUAL_EPOCH;
        Execution {
            arn: self.arn.clone(),
            name: self.name.clone(),
            status: self.status().to_owned(),
            input: self.input.clone(),
            output,
            error,
            cause,
            started_at: since_start(self.started_at()),
            ended_at: ended.map(|ended| since_start(ended.at)),
        }
    }
}
