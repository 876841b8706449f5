//! One execution.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use account::{Execution, execution_arn};
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use world::rules::{self, ExecutionStatus, Running};

use crate::machine::{Definition, End, History, Redriven, Stop};

/// An execution: what it was started with, and what has become of it.
pub(crate) struct Record {
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) input: Value,
    /// What it is carried out by.
    pub(crate) definition: Rc<Definition>,
    pub(crate) started: Timestamp,
    pub(crate) history: History,
    /// One, and one more for each time that it was redriven.
    runs: RefCell<Vec<Run>>,
    stop: RefCell<Option<oneshot::Sender<Stop>>>,
    /// Is told each time that the execution has ended.
    ends: mpsc::UnboundedSender<EndOf>,
}

/// An end of an execution.
#[derive(Debug)]
pub(crate) struct EndOf {
    /// The execution as it was then.
    pub(crate) execution: Execution,
    /// Its start and this end, in milliseconds since 1970.
    pub(crate) times: (i64, i64),
}

/// A time in which an execution runs.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) from: Timestamp,
    pub(crate) end: Option<Ended>,
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
        ends: mpsc::UnboundedSender<EndOf>,
    ) -> Self {
        let (arn, stop) = (execution_arn(&name), RefCell::new(Some(stop)));
        let (history, runs) = (History::default(), RefCell::new(vec![Run { from: started, end: None }]));
        Self { name, arn, input, definition, started, history, runs, stop, ends }
    }

    /// Lets it run once more, from `from` on.
    pub(super) fn redrive(&self, from: Timestamp, stop: oneshot::Sender<Stop>) {
        self.runs.borrow_mut().push(Run { from, end: None });
        self.stop.replace(Some(stop));
    }

    /// The place of its latest run among [`Record::runs`].
    pub(super) fn latest_run(&self) -> usize {
        self.runs.borrow().len() - 1
    }

    /// The runs so far, the oldest first: at least one.
    pub(crate) fn runs(&self) -> Vec<Run> {
        self.runs.borrow().clone()
    }

    /// How many times it was redriven, and when it was last; `None` when it never was.
    pub(crate) fn redriven(&self) -> Option<Redriven> {
        let runs = self.runs.borrow();
        let count = runs.len() - 1;
        (count > 0).then(|| Redriven { count, at: runs[count].from })
    }

    /// Seconds since 1970.
    pub(crate) fn started_at(&self) -> f64 {
        seconds(self.started)
    }

    /// The end, unless it runs.
    pub(crate) fn end(&self) -> Option<Ended> {
        self.runs.borrow().last().and_then(|run| run.end.clone())
    }

    /// Notes the end of a run, unless that has ended before.
    pub(super) fn ended(&self, run: usize, at: f64, end: End) {
        if run != self.latest_run() || self.end().is_some() {
            return;
        }
        self.runs.borrow_mut()[run].end = Some(Ended { at, end });
        self.stop.take();
        let times = (self.started.as_millisecond(), (at * 1000.0).round() as i64);
        // Nobody may want to know, as in a test of the service alone.
        let _ = self.ends.send(EndOf { execution: self.execution(), times });
    }

    /// What stops it; `None` when it is stopped or has ended.
    pub(super) fn take_stop(&self) -> Option<oneshot::Sender<Stop>> {
        self.stop.take()
    }

    pub(crate) fn status(&self) -> &'static str {
        self.end().map_or("RUNNING", |ended| ended.end.status())
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
            redrive_count: self.redriven().map_or(0, |redriven| redriven.count),
        }
    }

    /// The execution as the rules over a run see it.
    pub(super) fn for_rules(&self) -> rules::Execution {
        let Execution { arn, input, error, cause, .. } = self.execution();
        let status = match self.end().map(|ended| ended.end) {
            None => ExecutionStatus::Running,
            Some(End::Succeeded(_)) => ExecutionStatus::Succeeded,
            Some(End::Failed(_)) => ExecutionStatus::Failed,
            Some(End::TimedOut) => ExecutionStatus::TimedOut,
            Some(End::Aborted(_)) => ExecutionStatus::Aborted,
        };
        let failed = self.history.first_entry(&self.definition.states_after_failure());
        let failed_at = failed.map(|at| since_start(seconds(at)));
        let running =
            |run: Run| Running { from: since_start(seconds(run.from)), to: run.end.map(|ended| since_start(ended.at)) };
        let runs = self.runs().into_iter().map(running).collect();
        rules::Execution { arn, status, input, error, cause, runs, failed_at }
    }
}

/// Seconds since 1970.
pub(super) fn seconds(time: Timestamp) -> f64 {
    time.as_millisecond() as f64 / 1000.0
}

/// A time in seconds since 1970 as seconds since the start: the same number as the world has for the same millisecond.
fn since_start(date: f64) -> f64 {
    let milliseconds = ((date - world::Clock::VIRTUAL_EPOCH) * 1000.0).round();
    Duration::from_millis(milliseconds as u64).as_secs_f64()
}
