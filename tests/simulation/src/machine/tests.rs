//! Small definitions, each for one rule, and what an execution of them comes to.

mod causes;
mod errors;
mod expressions;
mod history;
mod limits;
mod redriven;
mod refused;
mod states;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Definition, End, Execution, Failure, History, Invocation, Stop};

const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:fixture";
const START: &str = "2026-01-31T09:00:00.12Z";

/// An execution that is over.
struct Ran {
    end: End,
    history: History,
    /// The calls that it made, in their order.
    calls: Vec<Invocation>,
    /// How long it took in virtual time.
    took: Duration,
}

impl Ran {
    /// The output; fails the test if there is none.
    fn output(&self) -> &Value {
        match &self.end {
            End::Succeeded(output) => output,
            end => panic!("{end:?}"),
        }
    }

    /// The error and the cause; fails the test if it did not fail.
    fn failure(&self) -> (&str, &str) {
        match &self.end {
            End::Failed(Failure { error, cause }) => (error, cause),
            end => panic!("{end:?}"),
        }
    }

    /// The types of the events.
    fn kinds(&self) -> Vec<String> {
        self.history.events().iter().map(|event| event.details.kind()).collect()
    }
}

fn execution(input: Value) -> Execution {
    Execution {
        arn: "arn:aws:states:us-east-1:123456789012:execution:rollout:first".to_owned(),
        state_machine_arn: "arn:aws:states:us-east-1:123456789012:stateMachine:rollout".to_owned(),
        role_arn: "arn:aws:iam::123456789012:role/rollout".to_owned(),
        input,
        started_at: START.parse::<Timestamp>().unwrap(),
        redriven: None,
    }
}

fn parse(definition: &Value) -> Definition {
    Definition::parse(&definition.to_string(), &BTreeMap::new()).unwrap_or_else(|error| panic!("{error}: {definition}"))
}

/// Runs a definition until it ends or `stop` is over; `answer` gets the number of the call, from 0 on, and says how long the function
/// takes and what it answers.
fn run_until(
    definition: &Value,
    input: Value,
    seed: u64,
    stop: Option<Duration>,
    answer: impl Fn(usize, &Invocation) -> (Duration, Result<Value, Failure>),
) -> Ran {
    let definition = parse(definition);
    let history = History::default();
    let calls = RefCell::new(Vec::new());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let (end, took) = runtime.block_on(async {
        let began = tokio::time::Instant::now();
        let invoke = async |invocation: Invocation| {
            let (takes, answer) = answer(calls.borrow().len(), &invocation);
            calls.borrow_mut().push(invocation);
            tokio::time::sleep(takes).await;
            answer
        };
        let stop = async {
            match stop {
                Some(after) => tokio::time::sleep(after).await,
                None => std::future::pending().await,
            }
            Stop { error: None, cause: Some("stopped".to_owned()) }
        };
        let end = definition.run(&execution(input), &history, Rng::with_seed(seed), invoke, stop).await;
        (end, began.elapsed())
    });
    Ran { end, history, calls: calls.into_inner(), took }
}

/// Runs a definition whose functions answer at once.
fn run(definition: &Value, input: Value, answer: impl Fn(usize) -> Result<Value, Failure>) -> Ran {
    run_until(definition, input, 1, None, |call, _| (Duration::ZERO, answer(call)))
}

/// Runs a definition without functions.
fn run_alone(definition: &Value, input: Value) -> Ran {
    run(definition, input, |_| unreachable!("it calls no function"))
}

fn failure(error: &str) -> Result<Value, Failure> {
    Err(Failure { error: error.to_owned(), cause: "as asked".to_owned() })
}

/// A state machine of these states, which starts at the first.
fn machine(states: Value) -> Value {
    let start = states.as_object().unwrap().keys().next().unwrap();
    json!({"QueryLanguage": "JSONata", "StartAt": start, "States": states})
}

/// A state machine of one state.
fn one(state: Value) -> Value {
    machine(json!({"State": state}))
}

/// A task that invokes the function, plus `fields`.
fn task(fields: Value) -> Value {
    let mut state = json!({"Type": "Task", "Resource": FUNCTION, "TimeoutSeconds": 60, "End": true});
    state.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    state
}

/// A Pass state that puts `output` out, and is the last.
fn last(output: Value) -> Value {
    json!({"Type": "Pass", "Output": output, "End": true})
}
