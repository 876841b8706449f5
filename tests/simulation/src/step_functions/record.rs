//! One execution.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use account::{Execution, execution_arn};
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use world::rules::{self, ExecutionStatus, Running};

use crate::machine::{Definition, End, History, Stop};

/// An execution: what it was started with, and what has become of it.
pub(crate) struct Record {
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) input: Value,
    /// What it is carried out by.
    pub(crate) definition: Rc<Definition>,
    pub(crate) started: Timestamp,
    pub(crate) history: History,
    end: RefCell<Option<Ended>>,
    stop: RefCell<Option<oneshot::Sender<Stop>>>,
    /// Is told the ARN when the execution has ended.
    ends: mpsc::UnboundedSender<String>,
}

/// How an execution ended, and when, in seconds since 1970.
#[derive(Debug, Clone)]
pub(crate) struct Ended {
    pub(crate) at: f64,
    pub(crate) end: End,
}

impl Record {
    pub(super) fn new(
        name: String,
        input: Value,
        definition: Rc<Definition>,
        started: Timestamp,
        stop: oneshot::Sender<Stop>,
        ends: mpsc::UnboundedSender<String>,
    ) -> Self {
        let (arn, stop) = (execution_arn(&name), RefCell::new(Some(stop)));
        let (history, end) = (History::default(), RefCell::default());
        Self { name, arn, input, definition, started, history, end, stop, ends }
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
        if self.end.borrow().is_none() {
            self.end.replace(Some(Ended { at, end }));
            // Nobody may want to know, as in a test of the service alone.
            let _ = self.ends.send(self.arn.clone());
        }
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

    /// The execution as the rules over a run see it.
    pub(super) fn for_rules(&self) -> rules::Execution {
        let Execution { arn, input, error, cause, started_at, ended_at, .. } = self.execution();
        let status = match self.end().map(|ended| ended.end) {
            None => ExecutionStatus::Running,
            Some(End::Succeeded(_)) => ExecutionStatus::Succeeded,
            Some(End::Failed(_)) => ExecutionStatus::Failed,
            Some(End::TimedOut) => ExecutionStatus::TimedOut,
            Some(End::Aborted(_)) => ExecutionStatus::Aborted,
        };
        let failed = self.history.first_entry(&self.definition.states_after_failure());
        let failed_at = failed.map(|at| since_start(at.as_millisecond() as f64 / 1000.0));
        let runs = vec![Running { from: started_at, to: ended_at }];
        rules::Execution { arn, status, input, error, cause, runs, failed_at }
    }
}

/// A time in seconds since 1970 as seconds since the start: the same number as the world has for the same millisecond.
fn since_start(date: f64) -> f64 {
    let milliseconds = ((date - world::Clock::VIRTUAL_EPOCH) * 1000.0).round();
    Duration::from_millis(milliseconds as u64).as_secs_f64()
}
