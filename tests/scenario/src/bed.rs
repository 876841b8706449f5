//! The test bed: everything that a run asks of what plays AWS, Turnstile's functions and its state machine.
//!
//! Times are in world seconds since the start.

use std::collections::BTreeMap;
use std::time::Duration;

use account::alarms::Sample;
use account::events::REPORT_OUTCOME;
use account::{Execution, Invoked, Served, Turn, history};
use serde_json::Value;
use simulation::{Entry, Simulation};
use stack::Stack;
use world::{Call, Delivery, Fault, Report, Setting, Violation, World};

use crate::format::Services;
use crate::metrics;

/// The pause between two looks at the stack, in real time.
const PAUSE: Duration = Duration::from_millis(50);
/// The pause between two looks of a run that waits for a state of an execution: at 50 world seconds a second, a state of ten seconds
/// lasts 200 ms.
const BRIEF_PAUSE: Duration = Duration::from_millis(25);
/// The real time that the stack may take from an event until start-rollout has started an execution.
const SETTLES_WITHIN: Duration = Duration::from_millis(300);

/// The real time that the stack may take to tell of an execution's end.
const TOLD_WITHIN: Duration = Duration::from_secs(5);
/// The virtual time that Lambda takes to try an invocation three times, and as much again.
const RETRIED_WITHIN: Duration = Duration::from_secs(900);

/// World seconds that the simulation takes at most from an event until start-rollout has started an execution, when nothing goes wrong.
const STARTS_WITHIN: f64 = 15.0;

/// Where scenarios run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In this process and in virtual time. With `keeps_trace` a run's story can be read afterwards.
    Simulation {
        /// Whether the run's trace is kept.
        keeps_trace: bool,
    },
    /// On the local stack.
    Stack,
}

impl Place {
    /// The simulation, without a story.
    pub const SIMULATION: Self = Self::Simulation { keeps_trace: false };
}

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
    /// The Auto Scaling groups that the stack may serve.
    pub served: Served,
    /// How the launch hook's events are delivered.
    pub events: Delivery,
    /// World seconds between two scheduled events of start-rollout. `None`: there is no schedule.
    pub schedule_seconds: Option<f64>,
    /// What goes wrong with calls.
    pub faults: Vec<Fault>,
    /// How the simulation's services treat calls. The stack's are as the machine makes them.
    pub services: Services,
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
    /// Everything in this thread, in virtual time.
    Simulation {
        /// The simulation.
        simulation: Box<Simulation>,
        /// World seconds that the last copy of an event may be under way.
        events_take: f64,
    },
}

/// Why a bed could not be started, or did not answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The stack's error.
    #[error(transparent)]
    Stack(#[from] stack::Error),
    /// The simulation's error.
    #[error(transparent)]
    Simulation(#[from] simulation::Error),
    /// The stack does not have an action of a scenario.
    #[error("{0}: only the simulation has it")]
    OnlySimulated(&'static str),
    /// There are no threads, or no sockets, for the stack.
    #[error("the stack's runtime: {0}")]
    Runtime(#[from] std::io::Error),
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
            served,
            events,
            schedule_seconds,
            faults,
            services: _,
            waits_for_states,
        } = options;
        let options = stack::Options {
            speed,
            applications: Some(applications),
            lifecycle_hook_name,
            served: Some(served),
            events,
            schedule_seconds,
            faults,
            ..stack::Options::new(setting)
        };
        let stack = Box::new(Stack::start(options).await?);
        Ok(Self::Stack { stack, speed, pause: if waits_for_states { BRIEF_PAUSE } else { PAUSE } })
    }

    /// Starts the simulation. For a run inside [`simulation::block_on`].
    ///
    /// # Errors
    /// The field of the options that is wrong.
    pub fn simulation(options: Options, keeps_trace: bool) -> Result<Self, Error> {
        let Services { network, lambda, trailing, dynamodb_trails_seconds } = options.services;
        // Like the launches' events, but none is lost, nor later than a run waits for it.
        let copies = options.events.copies.max(1);
        let delay_seconds = options.events.delay_seconds.min(60.0);
        let ends = Delivery { copies, delay_seconds, lose: Vec::new(), lose_rate: 0.0, ..options.events.clone() };
        let events_take = options.events.delay_seconds + options.events.spread_seconds;
        let options = simulation::Options {
            applications: Some(options.applications),
            lifecycle_hook_name: options.lifecycle_hook_name,
            served: Some(options.served),
            events: options.events,
            ends,
            schedule_seconds: options.schedule_seconds,
            faults: options.faults,
            network,
            lambda,
            trailing,
            dynamodb_trails_seconds,
            keeps_trace,
            ..simulation::Options::new(options.setting)
        };
        Ok(Self::Simulation { simulation: Box::new(Simulation::start(options)?), events_take })
    }

    /// Stops the bed and waits until nothing of it runs.
    pub async fn stop(self) {
        match self {
            Self::Stack { stack, .. } => stack.stop().await,
            Self::Simulation { .. } => {}
        }
    }

    /// CodeDeploy, Auto Scaling and the instances.
    pub fn world(&self) -> &World {
        match self {
            Self::Stack { stack, .. } => stack.world(),
            Self::Simulation { simulation, .. } => simulation.world(),
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
            Self::Simulation { .. } => tokio::time::sleep(Duration::from_secs_f64((at - self.now()).max(0.0))).await,
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
            Self::Simulation { simulation, .. } => simulation.next_change(latest).await,
        }
    }

    /// World seconds for which nothing may go on before a run counts as over: an event may be on its way to start-rollout.
    pub fn settling_seconds(&self) -> f64 {
        match self {
            Self::Stack { speed, .. } => SETTLES_WITHIN.as_secs_f64() * speed,
            Self::Simulation { events_take, .. } => events_take + STARTS_WITHIN,
        }
    }

    /// Every execution of the state machine, the oldest first.
    ///
    /// # Errors
    /// When the bed does not answer.
    pub async fn executions(&self) -> Result<Vec<Execution>, Error> {
        match self {
            Self::Stack { stack, .. } => Ok(stack.executions().await?),
            Self::Simulation { simulation, .. } => Ok(simulation.executions()),
        }
    }

    /// How many executions run and how many have ended, where that can be told without reading all of them.
    pub fn execution_counts(&self) -> Option<(usize, usize)> {
        match self {
            Self::Stack { .. } => None,
            Self::Simulation { simulation, .. } => Some(simulation.execution_counts()),
        }
    }

    /// The state that an execution has entered last; `None` before the first one.
    ///
    /// # Errors
    /// When the bed does not answer.
    pub async fn current_state(&self, execution_arn: &str) -> Result<Option<String>, Error> {
        match self {
            Self::Stack { stack, .. } => {
                let history = stack.history(execution_arn).await?;
                Ok(history::states_entered(&history).next_back().map(str::to_owned))
            }
            Self::Simulation { simulation, .. } => Ok(simulation.current_state(execution_arn)),
        }
    }

    /// How often an execution has entered each state.
    ///
    /// # Errors
    /// When the bed does not answer.
    pub async fn state_counts(&self, execution_arn: &str) -> Result<BTreeMap<String, usize>, Error> {
        match self {
            Self::Stack { stack, .. } => Ok(history::state_counts(&stack.history(execution_arn).await?)),
            Self::Simulation { simulation, .. } => Ok(simulation.state_counts(execution_arn)),
        }
    }

    /// Starts an execution, as a person does in the console. Without a name, one is made up.
    ///
    /// # Errors
    /// When the start is refused, or the bed does not answer.
    pub async fn start_execution(&self, name: Option<&str>, input: &Value) -> Result<(), Error> {
        match self {
            Self::Stack { stack, .. } => Ok(stack.start_execution(name, input).await.map(drop)?),
            Self::Simulation { simulation, .. } => Ok(simulation.start_execution(name, input).map(drop)?),
        }
    }

    /// Aborts an execution, as a person does in the console.
    ///
    /// # Errors
    /// When the bed does not answer.
    pub async fn stop_execution(&self, execution_arn: &str) -> Result<(), Error> {
        match self {
            Self::Stack { stack, .. } => Ok(stack.stop_execution(execution_arn).await?),
            Self::Simulation { simulation, .. } => Ok(simulation.stop_execution(execution_arn)?),
        }
    }

    /// Redrives an execution, as a person does in the console.
    ///
    /// # Errors
    /// When that is refused. The stack's engine cannot do it.
    pub fn redrive_execution(&self, execution_arn: &str) -> Result<(), Error> {
        match self {
            Self::Stack { .. } => Err(Error::OnlySimulated("redrive")),
            Self::Simulation { simulation, .. } => Ok(simulation.redrive_execution(execution_arn)?),
        }
    }

    /// Waits until every end of an execution was told, but not for ever.
    pub async fn ends_are_told(&self, ended: usize) {
        match self {
            Self::Stack { .. } => {
                let told = || self.world().report().calls.iter().filter(|call| call.operation == "PutEvents").count();
                let began = tokio::time::Instant::now();
                while told() < ended && began.elapsed() < TOLD_WITHIN {
                    tokio::time::sleep(PAUSE).await;
                }
            }
            Self::Simulation { simulation, .. } => simulation.ends_are_told(RETRIED_WITHIN).await,
        }
    }

    /// Every claim in the table of turns.
    ///
    /// # Errors
    /// When the bed does not answer.
    pub async fn turns(&self) -> Result<Vec<Turn>, Error> {
        match self {
            Self::Stack { stack, .. } => Ok(stack.turns().await?),
            Self::Simulation { simulation, .. } => Ok(simulation.turns()),
        }
    }

    /// Deletes every item of the table of turns, as a person does in the console.
    ///
    /// # Errors
    /// When the bed does not answer.
    pub async fn delete_turns(&self) -> Result<(), Error> {
        match self {
            Self::Stack { stack, .. } => Ok(stack.delete_turns().await?),
            Self::Simulation { simulation, .. } => {
                simulation.delete_turns();
                Ok(())
            }
        }
    }

    /// Holds an Auto Scaling group or releases it, as a person does with the AWS CLI.
    ///
    /// # Errors
    /// When the bed does not answer.
    pub async fn hold(&self, group: &str, held: bool) -> Result<(), Error> {
        match self {
            Self::Stack { stack, .. } => Ok(stack.hold(group, held).await?),
            Self::Simulation { simulation, .. } => {
                simulation.hold(group, held);
                Ok(())
            }
        }
    }

    /// Updates the stack to a version whose requests have another form, as a person does with SAM.
    ///
    /// # Errors
    /// When the bed does not answer.
    pub async fn update_stack(&self) -> Result<(), Error> {
        match self {
            Self::Stack { stack, .. } => Ok(stack.update_stack().await?),
            Self::Simulation { simulation, .. } => Ok(simulation.update_stack()?),
        }
    }

    /// Disables start-rollout's schedule, or enables it, as a person does in the console. The stack's cannot be disabled.
    pub fn enable_schedule(&self, enabled: bool) {
        if let Self::Simulation { simulation, .. } = self {
            simulation.enable_schedule(enabled);
        }
    }

    /// Empties the queues of events that no function could handle, as a person does in the console. The stack has none.
    pub fn empty_queues(&self) {
        if let Self::Simulation { simulation, .. } = self {
            simulation.empty_queues();
        }
    }

    /// The metrics by which alarms go: those that the functions have told, and AWS's own of Lambda and of the queues. `None` on the stack.
    ///
    /// # Errors
    /// A line that is not in the embedded metric format.
    pub fn metrics(&self) -> Option<Result<Vec<Sample>, String>> {
        match self {
            Self::Stack { .. } => None,
            Self::Simulation { simulation, .. } => Some(metrics::of(simulation)),
        }
    }

    /// Invokes a function and waits for its answer.
    ///
    /// # Errors
    /// When there is no such function, or the bed does not answer.
    pub async fn invoke(&self, function: &str, payload: &Value) -> Result<Invoked, Error> {
        match self {
            Self::Stack { stack, .. } => Ok(stack.invoke(function, payload).await?),
            Self::Simulation { simulation, .. } => Ok(simulation.invoke(function, payload).await?),
        }
    }

    /// The functions' calls that are not in the world's report: those of Step Functions and DynamoDB, and the state machine's calls of
    /// functions that a fault has hit.
    pub fn calls(&self) -> Vec<Call> {
        match self {
            Self::Stack { stack, .. } => stack.calls(),
            // The world's report has them all.
            Self::Simulation { .. } => Vec::new(),
        }
    }

    /// The number of calls that each of [`Options::faults`] has hit.
    pub fn fault_hits(&self) -> Vec<u32> {
        match self {
            Self::Stack { stack, .. } => stack.fault_hits(),
            Self::Simulation { simulation, .. } => simulation.fault_hits(),
        }
    }

    /// What a run did and must not. The stack knows what the world has found; the simulation has the facts for the rules over a whole run, too.
    ///
    /// `report` is this bed's, with its calls.
    pub fn violations(&self, report: &Report) -> Vec<Violation> {
        match self {
            Self::Stack { .. } => report.violations.clone(),
            Self::Simulation { simulation, .. } => simulation.run_violations(report),
        }
    }

    /// The events of executions' ends that report-outcome could not handle. The stack has no queue for them.
    pub fn untold(&self) -> Vec<Value> {
        match self {
            Self::Stack { .. } => Vec::new(),
            Self::Simulation { simulation, .. } => {
                let untold = simulation.lost().into_iter().filter(|lost| lost.function == REPORT_OUTCOME);
                untold.map(|lost| lost.event).collect()
            }
        }
    }

    /// SHA-256 of everything that happened; `None` on the stack, where no run is like another.
    pub fn trace_hash(&self) -> Option<String> {
        match self {
            Self::Stack { .. } => None,
            Self::Simulation { simulation, .. } => Some(simulation.trace_hash()),
        }
    }

    /// What happened, in order; empty unless the bed keeps it.
    pub fn trace(&self) -> Vec<Entry> {
        match self {
            Self::Stack { .. } => Vec::new(),
            Self::Simulation { simulation, .. } => simulation.trace(),
        }
    }
}
