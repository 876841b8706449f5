//! Carries out executions: each is a task that interprets the definition and calls functions.

use std::rc::Rc;

use account::{role_arn, state_machine_arn};
use serde_json::Value;
use tokio::sync::mpsc;

use super::{Record, Started};
use crate::clock::Clock;
use crate::lambda::{Lambda, NotInvoked, Outcome, TaskEntry};
use crate::machine::{Execution, Failure, Invocation};
use crate::seed::Random;
use crate::trace::Trace;

/// What executions are carried out with.
pub(crate) struct Engine {
    pub(crate) clock: Clock,
    pub(crate) lambda: Rc<Lambda>,
    pub(crate) trace: Rc<Trace>,
    pub(crate) random: Random,
}

impl Engine {
    /// Carries out every execution that is started or redriven.
    pub(crate) async fn run(self, mut started: mpsc::UnboundedReceiver<Started>) {
        let engine = Rc::new(self);
        while let Some(execution) = started.recv().await {
            tokio::task::spawn_local(engine.clone().carry_out(execution));
        }
    }

    async fn carry_out(self: Rc<Self>, Started { record, run, stopped }: Started) {
        let execution = Execution {
            arn: record.arn.clone(),
            state_machine_arn: state_machine_arn(),
            role_arn: role_arn(),
            input: record.input.clone(),
            started_at: record.started,
            redriven: record.redriven(),
        };
        let told = record.history.events().len().into();
        let story = Story { record: record.clone(), trace: self.trace.clone(), told };
        let invoke = async |invocation: Invocation| {
            story.tell();
            let result = self.invoke(&record.name, invocation).await;
            story.tell();
            result
        };
        let stop = async {
            match stopped.await {
                Ok(stop) => stop,
                // It is dropped once the execution has ended.
                Err(_) => std::future::pending().await,
            }
        };
        let end = record.definition.run(&execution, &record.history, self.random.fork(), invoke, stop).await;
        story.tell();
        record.ended(run, self.clock.unix_seconds(), end);
    }

    /// Calls a function, and names what goes wrong as Step Functions does.
    ///
    /// Source: Step Functions developer guide, "Handle transient Lambda service exceptions".
    async fn invoke(&self, execution: &str, invocation: Invocation) -> Result<Value, Failure> {
        let Invocation { state_entry, resource, arguments, .. } = invocation;
        let task = TaskEntry { execution: execution.to_owned(), state_entry };
        let outcome = self.lambda.invoke_as_task(task, &resource, arguments).await;
        match outcome {
            Ok(Outcome::Answer(answer)) => Ok(answer),
            Ok(Outcome::Error(error)) => Err(Failure {
                error: error["errorType"].as_str().unwrap_or("Lambda.Unknown").to_owned(),
                cause: error.to_string(),
            }),
            Err(NotInvoked::Refused { code, message, .. }) => {
                Err(Failure { error: format!("Lambda.{code}"), cause: message })
            }
            Err(NotInvoked::Unanswered) => Err(Failure {
                error: "Lambda.SdkClientException".to_owned(),
                cause: "Unable to execute HTTP request: Connection reset".to_owned(),
            }),
        }
    }
}

/// Tells the trace what the interpreter has put into an execution's history.
struct Story {
    record: Rc<Record>,
    trace: Rc<Trace>,
    told: std::cell::Cell<usize>,
}

impl Story {
    fn tell(&self) {
        let events = self.record.history.events();
        for event in &events[self.told.get()..] {
            let at = event.timestamp.as_millisecond() as f64 / 1000.0 - world::Clock::VIRTUAL_EPOCH;
            let wire = Value::from(event);
            let name =
                ["stateEnteredEventDetails", "stateExitedEventDetails"].map(|details| wire[details]["name"].as_str());
            let name = name.into_iter().flatten().next().unwrap_or_default();
            self.trace.add_at(at, &self.record.name, format_args!("{} {name}", event.details.kind()), &wire);
        }
        self.told.set(events.len());
    }
}
