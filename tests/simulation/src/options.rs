//! What a simulation is started with.

use std::path::{Path, PathBuf};

use account::{FUNCTIONS, Served, Variables};
use world::{Delivery, Fault, Setting, SettingError};

use crate::event_bridge::check_schedule;
use crate::lambda::LambdaOptions;
use crate::network::Network;
use crate::step_functions::Trailing;

/// What a simulation is started with. Its random numbers are all drawn from the seed of the world's setting.
#[derive(Debug, Clone)]
pub struct Options {
    /// The world's Auto Scaling groups, deployment groups and instances, and the seed.
    pub setting: Setting,
    /// The applications where the input and the hook name none: plan-rollout's `APPLICATIONS`.
    pub applications: Option<String>,
    /// The launch hook whose events start rollouts and which they complete.
    pub lifecycle_hook_name: String,
    /// The Auto Scaling groups that the stack may serve. `None`: all of the setting.
    pub served: Option<Served>,
    /// How the hook's events are delivered to start-rollout.
    pub events: Delivery,
    /// How the events of executions' ends are delivered to report-outcome.
    pub ends: Delivery,
    /// Seconds between two events of start-rollout's schedule, at least 1. `None`: there is no schedule.
    pub schedule_seconds: Option<f64>,
    /// What goes wrong with the calls of functions and of the state machine. The seconds of a `slow` call are virtual ones.
    pub faults: Vec<Fault>,
    /// The state machine's definition.
    pub definition: PathBuf,
    /// How long calls are under way.
    pub network: Network,
    /// How Lambda treats the functions.
    pub lambda: LambdaOptions,
    /// How far Step Functions' reads trail.
    pub trailing: Trailing,
    /// At most so many seconds by which those reads of DynamoDB trail that do not ask for consistency.
    pub dynamodb_trails_seconds: f64,
    /// Whether the trace can be read afterwards: [`Simulation::trace`](crate::Simulation::trace). Its hash can be had in any case.
    pub keeps_trace: bool,
}

impl Options {
    /// Turnstile's own definition, and services at their best: nothing is slow, fails or trails.
    pub fn new(setting: Setting) -> Self {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("this crate is in tests/");
        Self {
            setting,
            applications: None,
            lifecycle_hook_name: "turnstile".to_owned(),
            served: None,
            events: Delivery::default(),
            ends: Delivery::default(),
            schedule_seconds: None,
            faults: Vec::new(),
            definition: workspace.join("statemachine/rollout.asl.json"),
            network: Network::default(),
            lambda: LambdaOptions::default(),
            trailing: Trailing::default(),
            dynamodb_trails_seconds: 1.0,
            keeps_trace: false,
        }
    }

    /// The Auto Scaling groups that the stack may serve.
    pub(crate) fn served(&self) -> Served {
        self.served.clone().unwrap_or_else(|| Served::all(&self.setting.auto_scaling_groups))
    }

    /// What the functions' environment variables say.
    pub(crate) fn variables(&self) -> Variables {
        Variables {
            applications: self.applications.clone(),
            served: self.served(),
            gate_tag_key: self.setting.gate_key.clone(),
            lifecycle_hook_name: self.lifecycle_hook_name.clone(),
            script_output: "QUOTE".to_owned(),
        }
    }

    /// The first thing wrong with what a caller may have read from a file, if there is something.
    pub(crate) fn check(&self) -> Result<(), SettingError> {
        self.events.check()?;
        check_schedule(self.schedule_seconds)?;
        self.network.check()?;
        self.lambda.check()?;
        self.trailing.check()?;
        if !(self.dynamodb_trails_seconds >= 0.0 && self.dynamodb_trails_seconds.is_finite()) {
            let (field, problem) = ("dynamodbTrailsSeconds".to_owned(), "must be 0 or more".to_owned());
            return Err(SettingError { field, problem });
        }
        let mut faults = self.faults.iter().enumerate();
        faults.try_for_each(|(index, fault)| fault.check(index, &FUNCTIONS))
    }
}
