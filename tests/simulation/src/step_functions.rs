//! Step Functions behind its wire protocol: starts, lists, describes, stops and redrives executions. The interpreter carries them out.

mod engine;
mod names;
mod record;
mod wire;

use std::cell::RefCell;
use std::rc::Rc;

use account::Execution;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use world::{SettingError, rules};

use crate::clock::Clock;
use crate::machine::{Definition, End, Stop};
use crate::seed::Random;
pub(crate) use engine::Engine;
pub(crate) use record::{EndOf, Record};
use record::{Run, seconds};

/// For how long the name of an execution that has ended is taken.
///
/// Source: Step Functions API reference, StartExecution: "unique for your AWS account, Region, and state machine for 90 days".
const NAME_IS_TAKEN_SECONDS: f64 = 90.0 * 24.0 * 3600.0;

/// How far DescribeExecution and ListExecutions trail what has happened: they are eventually consistent. Unknown fields are refused.
///
/// Source: Step Functions API reference, "The results are best effort and may not reflect very recent updates and changes".
#[derive(Debug, Clone, PartialEq, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Trailing {
    /// The part of the reads within `seconds` after a change that do not show it, 0 to 1. Default 0.
    pub rate: f64,
    /// Seconds after which every read shows a change. Default 0.
    pub seconds: f64,
}

impl Trailing {
    /// The first thing wrong, if there is something.
    pub(crate) fn check(&self) -> Result<(), SettingError> {
        let wrong = |field: &str, problem: &str| {
            Err(SettingError { field: format!("trailing.{field}"), problem: problem.to_owned() })
        };
        if !(0.0..=1.0).contains(&self.rate) {
            return wrong("rate", "must be 0 to 1");
        }
        if !(self.seconds >= 0.0 && self.seconds.is_finite()) {
            return wrong("seconds", "must be 0 or more");
        }
        Ok(())
    }
}

/// The service's refusal of a call: its code and its message.
#[derive(Debug, PartialEq)]
pub(crate) struct Refusal(pub(crate) &'static str, pub(crate) String);

/// The state machine and its executions.
pub(crate) struct StepFunctions {
    clock: Clock,
    random: Random,
    trailing: Trailing,
    /// What an execution that starts now is carried out by.
    definition: RefCell<Rc<Definition>>,
    executions: RefCell<Vec<Rc<Record>>>,
    started: mpsc::UnboundedSender<Started>,
    /// The ends of executions, as they come.
    ended: mpsc::UnboundedSender<EndOf>,
    ends: RefCell<Option<mpsc::UnboundedReceiver<EndOf>>>,
}

/// An execution that is to be carried out.
pub(crate) struct Started {
    record: Rc<Record>,
    run: usize,
    stopped: oneshot::Receiver<Stop>,
}

impl StepFunctions {
    /// The state machine with its definition, and what its [`Engine`] has to carry out.
    pub(crate) fn new(
        clock: Clock,
        random: Random,
        trailing: Trailing,
        definition: Rc<Definition>,
    ) -> (Self, mpsc::UnboundedReceiver<Started>) {
        let (started, to_carry_out) = mpsc::unbounded_channel();
        let (definition, executions) = (RefCell::new(definition), RefCell::default());
        let (ended, ends) = mpsc::unbounded_channel();
        let ends = RefCell::new(Some(ends));
        (Self { clock, random, trailing, definition, executions, started, ended, ends }, to_carry_out)
    }

    /// The ends of executions, as they come. There is one who asks.
    pub(crate) fn ends(&self) -> mpsc::UnboundedReceiver<EndOf> {
        self.ends.take().expect("nobody has asked before")
    }

    /// Replaces the definition, as UpdateStateMachine does. An execution that runs keeps the one that it was started with.
    pub(crate) fn update(&self, definition: Rc<Definition>) {
        self.definition.replace(definition);
    }

    /// Starts an execution. With the name and the input of one that runs, it is that one.
    pub(crate) fn start(&self, name: Option<String>, input: String) -> Result<Rc<Record>, Refusal> {
        let name = name.unwrap_or_else(|| self.random.uuid());
        names::check(&name)?;
        let value: Value = serde_json::from_str(&input).map_err(|error| {
            Refusal("InvalidExecutionInput", format!("Invalid State Machine Execution Input: '{error}'"))
        })?;
        let now = self.clock.unix_seconds();
        let namesake = self.executions.borrow().iter().rev().find(|record| record.name == name).cloned();
        if let Some(record) = namesake {
            match record.end() {
                None if record.input == value => return Ok(record),
                Some(end) if now - end.at > NAME_IS_TAKEN_SECONDS => {}
                _ => {
                    return Err(Refusal(
                        "ExecutionAlreadyExists",
                        format!("Execution Already Exists: '{}'", record.arn),
                    ));
                }
            }
        }
        let (stop, stopped) = oneshot::channel();
        let definition = self.definition.borrow().clone();
        let record = Rc::new(Record::new(name, value, definition, self.clock.timestamp(), stop, self.ended.clone()));
        self.executions.borrow_mut().push(record.clone());
        // Without an engine, as in a test of this alone, executions run for ever.
        let _ = self.started.send(Started { record: record.clone(), run: 0, stopped });
        Ok(record)
    }

    /// Stops an execution, from now on; one that has ended stays as it is.
    pub(crate) fn stop(&self, arn: &str, stop: Stop) -> Result<Rc<Record>, Refusal> {
        let record = self.find(arn)?;
        if let Some(signal) = record.take_stop() {
            record.ended(record.latest_run(), self.clock.unix_seconds(), End::Aborted(stop.clone()));
            // Nobody carries it out when the engine is gone.
            let _ = signal.send(stop);
        }
        Ok(record)
    }

    /// Lets an execution go on that has ended without success.
    pub(crate) fn redrive(&self, arn: &str) -> Result<(), Refusal> {
        let record = self.find(arn)?;
        if let status @ ("RUNNING" | "SUCCEEDED") = record.status() {
            let problem = format!("Execution is {status} and cannot be redriven");
            return Err(Refusal("ExecutionNotRedrivable", problem));
        }
        let (stop, stopped) = oneshot::channel();
        record.redrive(self.clock.timestamp(), stop);
        let run = record.latest_run();
        let _ = self.started.send(Started { record, run, stopped });
        Ok(())
    }

    pub(crate) fn find(&self, arn: &str) -> Result<Rc<Record>, Refusal> {
        let executions = self.executions.borrow();
        let found = executions.iter().rev().find(|record| record.arn == arn).cloned();
        found.ok_or_else(|| Refusal("ExecutionDoesNotExist", format!("Execution Does Not Exist: '{arn}'")))
    }

    /// How many executions run, and how many have ended.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let executions = self.executions.borrow();
        let running = executions.iter().filter(|record| record.status() == "RUNNING").count();
        (running, executions.len() - running)
    }

    /// Every execution as it is, the oldest first.
    pub(crate) fn executions(&self) -> Vec<Execution> {
        self.executions.borrow().iter().map(|record| record.execution()).collect()
    }

    /// Every execution as the rules over a run see it, the oldest first.
    pub(crate) fn for_rules(&self) -> Vec<rules::Execution> {
        self.executions.borrow().iter().map(|record| record.for_rules()).collect()
    }

    /// What a read shows of an execution: the runs that it shows, the last of them perhaps without its end. `None` if it shows nothing yet.
    fn shown(&self, record: &Record) -> Option<Vec<Run>> {
        let now = self.clock.unix_seconds();
        let is_shown = |at: f64| now - at >= self.trailing.seconds || !self.random.happens(self.trailing.rate);
        let mut runs = record.runs();
        let latest = runs.len();
        runs.truncate(runs.iter().take_while(|run| is_shown(seconds(run.from))).count());
        let last = runs.last_mut()?;
        let shows_end = last.end.as_ref().is_some_and(|ended| is_shown(ended.at));
        if !shows_end && runs.len() == latest {
            runs.last_mut()?.end = None;
        }
        Some(runs)
    }

    /// Answers a call: the HTTP status and the body.
    pub(crate) fn answer(&self, operation: &str, request: &Value) -> (u16, Value) {
        match wire::operate(self, operation, request) {
            Ok(answer) => (200, answer),
            Err(Refusal(code, message)) => (400, json!({"__type": code, "message": message})),
        }
    }
}

#[cfg(test)]
mod tests;
