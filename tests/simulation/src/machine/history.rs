//! The history of an execution, as GetExecutionHistory gives it.

use std::cell::{Ref, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::error::Failure;
use super::execution::{End, Stop};
use super::limits::{HISTORY_EVENTS, RUNTIME, TIMEOUT};

/// Something that happened in an execution.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryEvent {
    /// Its number, from 1 on.
    pub id: u64,
    /// The number of the event that led to it; 0 for the first two.
    pub previous_event_id: u64,
    /// When.
    pub timestamp: Timestamp,
    /// What.
    pub details: Details,
}

/// What happened: a type of event of the API reference, "HistoryEvent". Inputs, outputs and values of variables are JSON texts.
#[derive(Debug, Clone, PartialEq)]
pub enum Details {
    ExecutionStarted {
        input: Rc<str>,
        role_arn: String,
    },
    /// `kind` is the state's type, such as `Task`.
    StateEntered {
        kind: &'static str,
        name: String,
        input: Rc<str>,
    },
    /// Also tells which variables it has assigned.
    StateExited {
        kind: &'static str,
        name: String,
        output: Rc<str>,
        assigned: Vec<(Rc<str>, Rc<str>)>,
    },
    LambdaFunctionScheduled {
        resource: String,
        input: Rc<str>,
        timeout_in_seconds: u64,
    },
    LambdaFunctionStarted,
    LambdaFunctionSucceeded {
        output: Rc<str>,
    },
    LambdaFunctionFailed(Failure),
    LambdaFunctionTimedOut,
    /// `location` is the field of the state `state` that the expression stands in.
    EvaluationFailed {
        state: String,
        location: String,
        failure: Failure,
    },
    /// The execution goes on after its end; `count` says how many times it has by now.
    ExecutionRedriven {
        count: usize,
    },
    ExecutionSucceeded {
        output: Rc<str>,
    },
    ExecutionFailed(Failure),
    ExecutionTimedOut,
    ExecutionAborted(Stop),
}

/// A history that is being written. Clones are the same history.
#[derive(Debug, Clone, Default)]
pub struct History(Rc<RefCell<Vec<HistoryEvent>>>);

impl History {
    /// The events so far, the oldest first.
    pub fn events(&self) -> Ref<'_, [HistoryEvent]> {
        Ref::map(self.0.borrow(), Vec::as_slice)
    }

    /// How often each state was entered.
    pub fn state_counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for event in self.events().iter() {
            if let Details::StateEntered { name, .. } = &event.details {
                *counts.entry(name.clone()).or_default() += 1;
            }
        }
        counts
    }

    /// The name of the state that was entered last.
    pub fn current_state(&self) -> Option<String> {
        self.events().iter().rev().find_map(|event| match &event.details {
            Details::StateEntered { name, .. } => Some(name.clone()),
            _ => None,
        })
    }

    /// When one of these states was entered first; `None` when none was.
    pub fn first_entry(&self, states: &BTreeSet<&str>) -> Option<Timestamp> {
        self.events().iter().find_map(|event| match &event.details {
            Details::StateEntered { name, .. } if states.contains(name.as_str()) => Some(event.timestamp),
            _ => None,
        })
    }

    /// The state transitions that a Standard workflow is billed for: every state entered, and every retry of a task.
    ///
    /// Source: "AWS Step Functions pricing".
    pub fn transitions(&self) -> usize {
        let events = self.events();
        let is_transition = |pair: &&[HistoryEvent]| match (&pair[0].details, &pair[1].details) {
            (_, Details::StateEntered { .. }) => true,
            // A first attempt follows its state's entry, another one the failure of the one before it.
            (before, Details::LambdaFunctionScheduled { .. }) => !matches!(before, Details::StateEntered { .. }),
            _ => false,
        };
        events.windows(2).filter(is_transition).count()
    }

    /// Adds an event of the running execution, and gives its number.
    ///
    /// # Errors
    /// States.Runtime when the history has room for nothing but the execution's end.
    pub(crate) fn record(&self, timestamp: Timestamp, details: Details) -> Result<u64, Failure> {
        if self.0.borrow().len() as u64 >= HISTORY_EVENTS - 1 {
            let cause = format!("The execution reached the maximum number of history events ({HISTORY_EVENTS}).");
            return Err(Failure::new(RUNTIME, cause));
        }
        Ok(self.close(timestamp, details))
    }

    /// Adds the last event, for which there always is room.
    pub(crate) fn close(&self, timestamp: Timestamp, details: Details) -> u64 {
        let mut events = self.0.borrow_mut();
        let id = events.len() as u64 + 1;
        // The first state is entered, and an execution is stopped, without an event of the execution that led to it.
        let follows = id > 2 && !matches!(details, Details::ExecutionAborted(_));
        events.push(HistoryEvent { id, previous_event_id: if follows { id - 1 } else { 0 }, timestamp, details });
        id
    }
}

impl Details {
    pub(crate) fn of_end(end: &End) -> Self {
        match end {
            End::Succeeded(output) => Self::ExecutionSucceeded { output: output.to_string().into() },
            End::Failed(failure) => Self::ExecutionFailed(failure.clone()),
            End::TimedOut => Self::ExecutionTimedOut,
            End::Aborted(stop) => Self::ExecutionAborted(stop.clone()),
        }
    }

    /// The event's `type`.
    pub fn kind(&self) -> String {
        match self {
            Self::ExecutionStarted { .. } => "ExecutionStarted".to_owned(),
            Self::StateEntered { kind, .. } => format!("{kind}StateEntered"),
            Self::StateExited { kind, .. } => format!("{kind}StateExited"),
            Self::LambdaFunctionScheduled { .. } => "LambdaFunctionScheduled".to_owned(),
            Self::LambdaFunctionStarted => "LambdaFunctionStarted".to_owned(),
            Self::LambdaFunctionSucceeded { .. } => "LambdaFunctionSucceeded".to_owned(),
            Self::LambdaFunctionFailed(_) => "LambdaFunctionFailed".to_owned(),
            Self::LambdaFunctionTimedOut => "LambdaFunctionTimedOut".to_owned(),
            Self::EvaluationFailed { .. } => "EvaluationFailed".to_owned(),
            Self::ExecutionRedriven { .. } => "ExecutionRedriven".to_owned(),
            Self::ExecutionSucceeded { .. } => "ExecutionSucceeded".to_owned(),
            Self::ExecutionFailed(_) => "ExecutionFailed".to_owned(),
            Self::ExecutionTimedOut => "ExecutionTimedOut".to_owned(),
            Self::ExecutionAborted(_) => "ExecutionAborted".to_owned(),
        }
    }

    /// The name of the event's details on the wire, and the details; `None` where the service gives none.
    fn wire(&self) -> Option<(&'static str, Value)> {
        let failure = |Failure { error, cause }: &Failure| json!({"error": error, "cause": cause});
        Some(match self {
            Self::ExecutionStarted { input, role_arn } => {
                ("executionStartedEventDetails", json!({"input": &**input, "roleArn": role_arn}))
            }
            Self::StateEntered { name, input, .. } => {
                ("stateEnteredEventDetails", json!({"name": name, "input": &**input}))
            }
            Self::StateExited { name, output, assigned, .. } => {
                let mut details = json!({"name": name, "output": &**output});
                if !assigned.is_empty() {
                    let assigned = assigned.iter().map(|(name, value)| (name.to_string(), json!(&**value)));
                    details["assignedVariables"] = assigned.collect::<Map<_, _>>().into();
                }
                ("stateExitedEventDetails", details)
            }
            Self::LambdaFunctionScheduled { resource, input, timeout_in_seconds } => (
                "lambdaFunctionScheduledEventDetails",
                json!({"resource": resource, "input": &**input, "timeoutInSeconds": timeout_in_seconds}),
            ),
            Self::LambdaFunctionSucceeded { output } => {
                ("lambdaFunctionSucceededEventDetails", json!({"output": &**output}))
            }
            Self::LambdaFunctionFailed(failed) => ("lambdaFunctionFailedEventDetails", failure(failed)),
            Self::LambdaFunctionTimedOut => ("lambdaFunctionTimedOutEventDetails", json!({"error": TIMEOUT})),
            Self::EvaluationFailed { state, location, failure: failed } => {
                let mut details = failure(failed);
                details["state"] = json!(state);
                details["location"] = json!(location);
                ("evaluationFailedEventDetails", details)
            }
            Self::ExecutionRedriven { count } => ("executionRedrivenEventDetails", json!({"redriveCount": count})),
            Self::ExecutionSucceeded { output } => ("executionSucceededEventDetails", json!({"output": &**output})),
            Self::ExecutionFailed(failed) => ("executionFailedEventDetails", failure(failed)),
            Self::ExecutionAborted(Stop { error, cause }) => {
                let given = [("error", error), ("cause", cause)];
                let given = given.into_iter().filter_map(|(name, text)| Some((name.to_owned(), json!(text.as_ref()?))));
                ("executionAbortedEventDetails", given.collect::<Map<_, _>>().into())
            }
            Self::LambdaFunctionStarted | Self::ExecutionTimedOut => return None,
        })
    }
}

impl From<&HistoryEvent> for Value {
    /// The event as it is on the wire, its time in seconds since 1970.
    fn from(event: &HistoryEvent) -> Self {
        let mut wire = json!({
            "id": event.id,
            "previousEventId": event.previous_event_id,
            "timestamp": event.timestamp.as_millisecond() as f64 / 1000.0,
            "type": event.details.kind(),
        });
        if let Some((name, details)) = event.details.wire() {
            wire[name] = details;
        }
        wire
    }
}
