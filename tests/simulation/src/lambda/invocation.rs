//! One invocation, from its arrival at Lambda to its outcome.

use std::rc::Rc;
use std::time::Duration;

use account::execution_arn;
use serde_json::{Value, json};
use tokio::task::{JoinError, JoinHandle};
use tokio::time::sleep;
use world::Invocation;

use super::environment::Environment;
use super::{Invoked, Lambda, NotInvoked, Outcome, TaskEntry, name_and_qualifier};

/// When in an invocation an environment dies that does, in milliseconds.
const CRASHES_WITHIN: std::ops::RangeInclusive<u64> = 0..=2000;

/// A handler at work; dropped, its future is too.
struct AtWork(JoinHandle<Result<Value, Value>>);

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Lambda {
    /// Invokes a function, given by its name or ARN, with or without a version, as an event or a person does.
    pub(crate) async fn invoke(self: &Rc<Self>, function: &str, payload: Value) -> Result<Outcome, NotInvoked> {
        self.invoke_in(None, function, payload).await
    }

    /// Invokes a function; `task` is what invokes it, when that is an execution.
    pub(super) async fn invoke_in(
        self: &Rc<Self>,
        task: Option<&TaskEntry>,
        function: &str,
        payload: Value,
    ) -> Result<Outcome, NotInvoked> {
        let (name, qualifier) = name_and_qualifier(function);
        let pool = self.functions.borrow().get(name).cloned();
        let Some((pool, version)) = pool.and_then(|pool| Some((pool.clone(), pool.version(qualifier)?))) else {
            let message = format!("Function not found: {}", account::function_arn(name));
            return Err(NotInvoked::refused(404, "ResourceNotFoundException", message));
        };
        let _place = pool.enter()?;
        let request_id = self.random.uuid();
        let clock = &self.surroundings.clock;
        let since = clock.elapsed().saturating_sub(Duration::from_secs_f64(self.options.idle_seconds));
        let environment = match pool.take_idle(version.0, since) {
            Some(environment) => environment,
            None => {
                let name = pool.next_environment();
                sleep(self.random.up_to(self.options.cold_start_seconds)).await;
                let random = Rc::new(self.surroundings.seed.of(&name));
                let (settings, surroundings) = (&pool.settings, &self.surroundings);
                Rc::new(Environment::start(name, &pool.name, version, settings, surroundings, random))
            }
        };
        environment.connector.makes_calls_of(Invocation {
            request_id: request_id.clone(),
            execution: task.map(|task| execution_arn(&task.execution)),
            state_entry: task.map(|task| task.state_entry),
            sent_before: 0,
            sent_at: None,
        });
        let trace = &self.surroundings.trace;
        trace.add(&environment.name, "is invoked with", &payload);
        let at = clock.seconds();
        let (outcome, survives) = self.run(&environment, &request_id, payload).await;
        let has_failed = matches!(outcome, Outcome::Error(_));
        self.invocations.borrow_mut().push(Invoked { at, function: name.to_owned(), has_failed });
        match &outcome {
            Outcome::Answer(answer) => trace.add(&environment.name, "answers", answer),
            Outcome::Error(error) => trace.add(&environment.name, "fails", error),
        }
        if survives {
            pool.give_back(clock.elapsed(), environment);
        }
        Ok(outcome)
    }

    /// The outcome, and whether the environment is there for another invocation.
    async fn run(&self, environment: &Environment, request_id: &str, payload: Value) -> (Outcome, bool) {
        let handler = match &environment.handler {
            Ok(handler) => handler,
            Err(_) => return (Outcome::Error(exited(request_id)), false),
        };
        let crashes = self.random.happens(self.options.crash_rate);
        let crash = self.random.duration(CRASHES_WITHIN);
        let crash = async || match crashes {
            true => sleep(crash).await,
            false => std::future::pending().await,
        };
        let timeout = Duration::from_secs_f64(self.options.timeout_seconds);
        let mut at_work = AtWork(tokio::task::spawn_local(handler(payload)));
        tokio::select! {
            biased;
            answered = &mut at_work.0 => match answered {
                Ok(Ok(answer)) => (Outcome::Answer(answer), true),
                Ok(Err(error)) => (Outcome::Error(error), true),
                Err(panic) => (Outcome::Error(panicked(panic)), true),
            },
            () = crash() => (Outcome::Error(exited(request_id)), false),
            () = sleep(timeout) => (Outcome::Error(timed_out(request_id, timeout)), false),
        }
    }
}

/// Lambda's answer for an environment that ended.
fn exited(request_id: &str) -> Value {
    let message = format!("RequestId: {request_id} Error: Runtime exited with error: exit status 1");
    json!({"errorType": "Runtime.ExitError", "errorMessage": message})
}

/// Lambda's answer for a function that took too long.
fn timed_out(request_id: &str, timeout: Duration) -> Value {
    let seconds = timeout.as_secs_f64();
    let message = format!("RequestId: {request_id} Error: Task timed out after {seconds:.2} seconds");
    json!({"errorType": "Sandbox.Timedout", "errorMessage": message})
}

/// The answer of the crate lambda_runtime for a handler that panicked.
fn panicked(error: JoinError) -> Value {
    let panic = error.into_panic();
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    let message = text.map_or("Lambda panicked".to_owned(), |text| format!("Lambda panicked: {text}"));
    json!({"errorType": std::any::type_name_of_val(&panic), "errorMessage": message})
}
