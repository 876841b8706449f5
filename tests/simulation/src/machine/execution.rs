//! One execution, from its start to its end.

use serde_json::Value;

use fastrand::Rng;
use jiff::Timestamp;

use super::definition::Definition;
use super::error::Failure;
use super::history::{Details, History};
use super::interpreter::Interpreter;

/// What an execution is started with, and by whom.
#[derive(Debug, Clone, PartialEq)]
pub struct Execution {
    /// Its ARN, which ends in its name.
    pub arn: String,
    /// The ARN of the state machine, which ends in its name.
    pub state_machine_arn: String,
    /// The ARN of the role that the state machine has.
    pub role_arn: String,
    /// Its input.
    pub input: Value,
    /// When it starts: the time at which [`Definition::run`] is first polled, unless it is redriven.
    pub started_at: Timestamp,
    /// That it is redriven, and does not start now.
    pub redriven: Option<Redriven>,
}

/// That an execution goes on which has ended without success: in the state that it was in then, with its input and the variables of that time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Redriven {
    /// How many times it was, with this one.
    pub count: usize,
    /// When: the time at which [`Definition::run`] is polled for the first time since.
    pub at: Timestamp,
}

/// A call of a Lambda function that a Task state asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Invocation {
    /// The state's name.
    pub state: String,
    /// The id of the history's event by which the state was entered: the same for each attempt.
    pub state_entry: u64,
    /// The function's ARN.
    pub resource: String,
    /// The event that the function gets.
    pub arguments: Value,
}

/// What StopExecution gives as the reason.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stop {
    /// An error's name, if any.
    pub error: Option<String>,
    /// A reason, if any.
    pub cause: Option<String>,
}

/// How an execution ended.
#[derive(Debug, Clone, PartialEq)]
pub enum End {
    /// With an output.
    Succeeded(Value),
    /// In a Fail state, or with an error that no state caught.
    Failed(Failure),
    /// The state machine's own `TimeoutSeconds` were over.
    TimedOut,
    /// Somebody stopped it.
    Aborted(Stop),
}

impl End {
    /// The status that DescribeExecution gives.
    pub fn status(&self) -> &'static str {
        match self {
            Self::Succeeded(_) => "SUCCEEDED",
            Self::Failed(_) => "FAILED",
            Self::TimedOut => "TIMED_OUT",
            Self::Aborted(_) => "ABORTED",
        }
    }
}

impl Definition {
    /// Carries out one execution, and records its history while it goes on. That of an execution that is redriven has been begun before.
    ///
    /// - `random` decides the pauses before retries, where a retrier has jitter.
    /// - `invoke` calls a function, and gives what it answers or the error that Step Functions makes of its failure, such as
    ///   `Lambda.TooManyRequestsException`. Its future is dropped when the task's time-out is over or the execution is stopped. In
    ///   AWS the function works on then: whoever wants that gives a future that only waits for the work.
    /// - `stop` stops the execution when it is ready, as StopExecution does; [`std::future::pending`] never is.
    ///
    /// The future is not `Send`: it runs in a [`tokio::task::LocalSet`] or in `block_on`.
    pub async fn run(
        &self,
        execution: &Execution,
        history: &History,
        random: Rng,
        invoke: impl AsyncFn(Invocation) -> Result<Value, Failure>,
        stop: impl Future<Output = Stop>,
    ) -> End {
        let mut interpreter = Interpreter::new(self, execution, history, random, invoke);
        let end = tokio::select! {
            // The order of polling is fixed, so that a run can be repeated: at the very moment of a time-out nothing more is done.
            biased;
            stop = stop => End::Aborted(stop),
            () = over(self.timeout) => End::TimedOut,
            ended = interpreter.run() => match ended {
                Ok(output) => End::Succeeded(output.json()),
                Err(failure) => End::Failed(failure),
            },
        };
        history.close(interpreter.now(), Details::of_end(&end));
        end
    }
}

/// Ready when a time-out is over: never, if there is none.
async fn over(timeout: Option<std::time::Duration>) {
    match timeout {
        Some(timeout) => tokio::time::sleep(timeout).await,
        None => std::future::pending().await,
    }
}
