//! Lambda: runs the functions as they are exported, each invocation in an execution environment with clients of its own.

mod asynchronous;
mod code;
pub(crate) mod environment;
mod invocation;
mod options;
mod pool;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use account::calls::ENGINE;
use account::{Variables, function_arn};
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::time::sleep;
use world::{Call, Faults, InjectedFault, Service};

use crate::clock::Clock;
use crate::network::Network;
use crate::seed::{Random, Seed};
use crate::services::Services;
use crate::trace::Trace;
pub(crate) use code::Code;
pub use options::LambdaOptions;
use pool::Pool;

/// What came of an invocation that took place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    /// The handler's answer.
    Answer(Value),
    /// `{"errorType", "errorMessage"}`: the handler's error, or Lambda's word for how it ended.
    Error(Value),
}

/// Why there is no outcome.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum NotInvoked {
    /// Lambda refuses the call.
    #[error("{code}: {message}")]
    Refused { status: u16, code: String, message: String },
    /// The connection broke.
    #[error("the connection broke")]
    Unanswered,
}

impl NotInvoked {
    fn refused(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self::Refused { status, code: code.to_owned(), message: message.into() }
    }
}

/// The entry of a Task state, in which an execution invokes a function.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TaskEntry {
    /// The execution's name.
    pub(crate) execution: String,
    /// The id of the history's event by which the state was entered.
    pub(crate) state_entry: u64,
}

/// What the service needs of the rest of the simulation.
pub(crate) struct Surroundings {
    pub(crate) clock: Clock,
    pub(crate) seed: Seed,
    pub(crate) services: Rc<Services>,
    pub(crate) network: Rc<Network>,
    pub(crate) faults: Rc<Faults>,
    pub(crate) trace: Rc<Trace>,
    /// The lines that the functions have written for CloudWatch.
    pub(crate) metrics: Arc<Mutex<Vec<String>>>,
}

/// The functions and their execution environments.
pub(crate) struct Lambda {
    pub(crate) surroundings: Surroundings,
    options: LambdaOptions,
    functions: RefCell<BTreeMap<String, Rc<Pool>>>,
    random: Rc<Random>,
    /// The events whose invocations have failed for good.
    lost: RefCell<Vec<Lost>>,
    /// The invocations that were made.
    invocations: RefCell<Vec<Invoked>>,
    /// Held by each event of an end that is on its way, or at work.
    tells: Rc<()>,
}

/// An event that a function could not handle.
#[derive(Debug, Clone, PartialEq)]
pub struct Lost {
    /// When it went to the function's queue, in seconds since the start.
    pub at: f64,
    /// The function.
    pub function: String,
    /// The event.
    pub event: Value,
    /// When it was taken out of the queue, if it was.
    pub removed_at: Option<f64>,
}

/// An invocation of a function.
#[derive(Debug, Clone, PartialEq)]
pub struct Invoked {
    /// When it began, in seconds since the start.
    pub at: f64,
    /// The function.
    pub function: String,
    /// Whether it ended in an error.
    pub has_failed: bool,
}

impl Lambda {
    /// The invocations so far.
    pub(crate) fn invocations(&self) -> Vec<Invoked> {
        self.invocations.borrow().clone()
    }

    pub(crate) fn new(surroundings: Surroundings, options: LambdaOptions) -> Self {
        let random = Rc::new(surroundings.seed.of("lambda"));
        let (functions, lost, invocations, tells) = Default::default();
        Self { surroundings, options, functions, random, lost, invocations, tells }
    }

    /// Publishes a version of a function, which `$LATEST` is from now on, and gives its number. Environments of other versions are used
    /// for their own version only.
    pub(crate) fn publish(&self, function: &str, code: Code, variables: &Variables) -> usize {
        let mut functions = self.functions.borrow_mut();
        let pool = functions.entry(function.to_owned()).or_insert_with(|| {
            let settings = variables.of(function).into_iter().collect();
            Rc::new(Pool::new(function.to_owned(), settings, self.options.concurrency))
        });
        pool.publish(code)
    }

    /// Invokes a function as a task of an execution does: faults hit the call.
    ///
    /// The call goes on when nobody waits for it any more.
    pub(crate) async fn invoke_as_task(
        self: &Rc<Self>,
        task: TaskEntry,
        function: &str,
        payload: Value,
    ) -> Result<Outcome, NotInvoked> {
        let (answer, answered) = oneshot::channel();
        let (lambda, function) = (self.clone(), function.to_owned());
        tokio::task::spawn_local(async move {
            // Nobody listens when the task has timed out, or its execution was stopped.
            let _ = answer.send(lambda.carry(&task, &function, payload).await);
        });
        answered.await.unwrap_or(Err(NotInvoked::Unanswered))
    }

    async fn carry(self: &Rc<Self>, task: &TaskEntry, function: &str, payload: Value) -> Result<Outcome, NotInvoked> {
        let Surroundings { network, faults, services, trace, .. } = &self.surroundings;
        let execution = task.execution.as_str();
        let (name, _) = name_and_qualifier(function);
        trace.add(execution, format_args!("invokes {name}"), &payload);
        sleep(network.way(name, &self.random)).await;
        let fault = faults.next(Service::Lambda, name);
        let call = fault.as_ref().map(|_| Call {
            caller: ENGINE.to_owned(),
            service: Service::Lambda.as_str(),
            operation: name.to_owned(),
            parameters: payload.clone(),
            ..Call::default()
        });
        let result = match &fault {
            Some(InjectedFault::Error { status, code }) => {
                Err(NotInvoked::refused(*status, code, InjectedFault::ERROR_MESSAGE))
            }
            Some(InjectedFault::Reset) => Err(NotInvoked::Unanswered),
            Some(InjectedFault::LostAnswer | InjectedFault::Slow(_) | InjectedFault::FailedResource { .. }) | None => {
                self.invoke_in(Some(task), function, payload).await
            }
        };
        if let Some(call) = call {
            let own = match &result {
                Ok(_) => "ok",
                Err(NotInvoked::Refused { code, .. }) => code,
                Err(NotInvoked::Unanswered) => "",
            };
            services.world.record(Call { outcome: InjectedFault::outcome(fault.as_ref(), own), ..call });
        }
        let result = match fault {
            Some(InjectedFault::Slow(late)) => {
                sleep(late).await;
                result
            }
            Some(fault) if fault.breaks_connection() => Err(NotInvoked::Unanswered),
            _ => result,
        };
        sleep(network.way(name, &self.random)).await;
        match &result {
            Ok(Outcome::Answer(value) | Outcome::Error(value)) => {
                trace.add(execution, format_args!("is answered by {name}"), value);
            }
            Err(why) => trace.add(execution, format_args!("is not answered by {name}"), why),
        }
        result
    }
}

/// The name in a function's name or ARN, and its qualifier: a version, or `$LATEST`.
fn name_and_qualifier(function: &str) -> (&str, &str) {
    let prefix = function_arn("");
    let name = function.strip_prefix(&prefix).unwrap_or(function);
    name.split_once(':').unwrap_or((name, "$LATEST"))
}

#[cfg(test)]
mod tests;
