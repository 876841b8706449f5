//! The test bed: everything that a run asks of what plays AWS, Turnstile's functions and its state machine.
//!
//! Times are in world seconds since the start.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use stack::{Execution, Invoked, Stack, Turn, history};
use world::{Call, Delivery, Fault, Setting, World};

/// The pause between two looks at the stack, in real time.
const PAUSE: Duration = Duration::from_millis(50);
/// The pause between two looks of a run that waits for a state of an execution: at 50 world seconds a second, a state of ten seconds
/// lasts 200 ms.
const BRIEF_PAUSE: Duration = Duration::from_millis(25);
/// The real time that the stack may take from an event until start-rollout has started an execution.
const SETTLES_WITHIN: Duration = Duration::from_millis(300);

/// What a bed is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// The world.
    pub setting: Setting,
    /// World seconds a real second, for a bed that runs in real time.
    pub speed: f64,
    /// The stack's parameter `Applications`.
    pub applications: String,
    /// The stack's parameter `LifecycleHookName`.
    pub lifecycle_hook_name: String,
    /// How the launch hook's events are delivered.
    pub events: Delivery,
    /// World seconds between two scheduled events of start-rollout. `None`: there is no schedule.
    pub schedule_seconds: Option<f64>,
    /// What goes wrong with calls.
    pub faults: Vec<Fault>,
    /// Whether the run waits for a state of an execution, which may last a fraction of a real second.
    pub waits_for_states: bool,
}

/// Where a scenario runs.
pub enum Bed {
    /// The local stack: real processes and wires, in real time that is scaled.
    Stack {
        /// The stack.
        stack: Box<Stack>,
        /// World seconds a real second.
        speed: f64,
        /// The pause between two looks, in real time.
        pause: Duration,
    },
}

/// Why a bed could not be started, or did not answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The stack's error.
    #[error(transparent)]
    Stack(#[from] stack::Error),
}

impl Bed {
    /// Starts the local stack.
    ///
    /// # Errors
    /// What is missing to start it, or the field of the options that is wrong.
    pub async fn stack(options: Options) -> Result<Self, Error> {
        let Options {
            setting,
            speed,
            applications,
            lifecycle_hook_name,
            events,
            schedule_seconds,
            faults,
            waits_for_states,
        } = options;
        let options = stack::Options {
            speed,
            applications: Some(applications),
            lifecycle_hook_name,
            events,
            schedule_seconds,
            faults,
            ..stack::Options::new(setting)
        };
        let stack = Box::new(Stack::start(options).await?);
        Ok(Self::Stack { stack, speed, pause: if waits_for_states { BRIEF_PAUSE } else { PAUSE } })
    }

    /// Stops the bed and waits until nothing of it runs.
    pub async fn stop(self) {
        match self {
            Self::Stack { stack, .. } => stack.stop().await,
        }
    }

    /// CodeDeploy, Auto Scaling and the instances.
    pub fn world(&self) -> &World {
        match self {
            Self::Stack { stack, .. } => stack.world(),
        }
    }

    /// The world's time.
    pub fn now(&self) -> f64 {
        self.world().now()
    }

    /// Waits until the world's time is `at`. Returns at once if that has passed.
    pub async fn until(&self, at: f64) {
        match self {
            Self::Stack { speed, .. } => {
                let world_seconds = (at - self.now()).max(0.0);
                tokio::time::sleep(Duration::from_secs_f64(world_seconds / speed)).await;
            }
        }
    }

    /// Waits until something may have changed since the last look, at most until the world's time `latest`.
    ///
    /// The stack does not announce what happens in it, so this returns after a pause. For a bed in virtual time it has to return after each
    /// event, because the next one may be far away.
    pub async fn next_change(&self, latest: f64) {
        match self {
            Self::Stack { speed, pause, .. } => {
                let left = Duration::from_secs_f64((latest - self.now()).max(0.0) / speed);
                tokio::time::sleep(left.min(*pause)).await;
            }
        }
    }

    /// World seconds for which nothing may go on before a run counts as over: an event may be on its way to start-rollout.
    pub fn settling_seconds(&self) -> f64 {
        match self {
            Self::Stack { speed, .. } => SETTLES_WITHIN.as_secs_f64() * speed,
        }
    }

    /// Every execution of the state machine, the oldest first.
    ///
    /// # Errors
    /// When the bed does not answer.
    pub async fn executions(&self) -> Result<Vec<Execution>, Error> {
        match self {
            Self::Stack { stack, .. } => Ok(stack.executions().await?),
        }
    }

    /// The state that an execution has entered last; `None` before the first one.
    ///
    /// # Errors
    /// When the bed does not answer.
    pub async fn current_state(&self, execution_arn: &str) -> Result<Option<String>, Error> {
        let history = self.history(execution_arn).await?;
        Ok(history::states_entered(&history).next_back().map(str::to_owned))
    }

    /// How often an execution has entered each state.
    ///
    /// # Errors
    /// When the bed does not answer.
    pub async fn state_counts(&self, execution_arn: &str) -> Result<BTreeMap<String, usize>, Error> {
        Ok(history::state_counts(&self.history(execution_arn).await?))
    }

    /// GetExecutionHistory's events, the oldest first.
    async fn history(&self, execution_arn: &str) -> Result<Vec<Value>, Error> {
        match self {
            Self::Stack { stack, .. } => Ok(stack.history(execution_arn).await?),
        }
    }

    /// Starts an execution, as a person does in the console. Without a name, one is made up.
    ///
    /// # Errors
    /// When the start is refused, or the bed does not answer.
    pub async fn start_execution(&self, name: Option<&str>, input: &Value) -> Result<(), Error> {
        match self {
            Self::Stack { stack, .. } => Ok(stack.start_execution(name, input).await.map(drop)?),
        }
    }

    /// Aborts an execution, as a person does in the console.
    ///
    /// # Errors
    /// When the bed does not answer.
    pub async fn stop_execution(&self, execution_arn: &str) -> Result<(), Error> {
        match self {
            Self::Stack { stack, .. } => Ok(stack.stop_execution(execution_arn).await?),
        }
    }

    /// Every claim in the table of turns.
    ///
    /// # Errors
    /// When the bed does not answer.
    pub async fn turns(&self) -> Result<Vec<Turn>, Error> {
        match self {
            Self::Stack { stack, .. } => Ok(stack.turns().await?),
        }
    }

    /// Deletes every item of the table of turns, as a person does in the console.
    ///
    /// # Errors
    /// When the bed does not answer.
    pub async fn delete_turns(&self) -> Result<(), Error> {
        match self {
            Self::Stack { stack, .. } => Ok(stack.delete_turns().await?),
        }
    }

    /// Invokes a function and waits for its answer.
    ///
    /// # Errors
    /// When there is no such function, or the bed does not answer.
    pub async fn invoke(&self, function: &str, payload: &Value) -> Result<Invoked, Error> {
        match self {
            Self::Stack { stack, .. } => Ok(stack.invoke(function, payload).await?),
        }
    }

    /// The functions' calls that are not in the world's report: those of Step Functions and DynamoDB, and the state machine's calls of
    /// functions that a fault has hit.
    pub fn calls(&self) -> Vec<Call> {
        match self {
            Self::Stack { stack, .. } => stack.calls(),
        }
    }

    /// The number of calls that each of [`Options::faults`] has hit.
    pub fn fault_hits(&self) -> Vec<u32> {
        match self {
            Self::Stack { stack, .. } => stack.fault_hits(),
        }
    }
}
