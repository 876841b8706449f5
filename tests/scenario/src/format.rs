//! The format of a scenario file. `tests/scenarios/README.md` tells it to people.

mod application;
mod check;
mod condition;
mod count;
mod expect;
mod group;
mod open_facts;
mod read;
mod short;
mod states;
mod step;
mod world;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stack::{Delivery, Fault};

pub use application::{Application, Failure, SelectedBy};
pub use condition::{Condition, DeploymentIs, RolloutIn, Stage};
pub use count::{Count, Which};
pub use expect::{Expect, ExpectedCall, ExpectedDeployments, ExpectedExecution, ExpectedHooks, Outcome};
pub use group::{Group, Hook};
pub use open_facts::OpenFacts;
#[cfg(test)]
pub(crate) use read::parse;
pub use read::{Unreadable, read};
pub use step::{Action, Completion, Deploy, Launch, LaunchNumber, SetAlarm, Start, Step};
pub use world::World;

/// The launch hook that starts rollouts, where a file names no other.
pub const HOOK: &str = "turnstile";
/// The Auto Scaling group, where a file names no other.
pub const GROUP: &str = "web";
/// The deployment group of an application that is given by its name alone.
pub const DEPLOYMENT_GROUP: &str = "Production";

/// A scenario: a world, what happens in it, and what must come out.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scenario {
    /// What it shows, in one sentence.
    pub about: String,
    /// What is there at the start. Default: one Auto Scaling group, `web`, without applications.
    #[serde(default, skip_serializing_if = "is_default")]
    pub world: World,
    /// The stack's parameters.
    #[serde(default, skip_serializing_if = "is_default")]
    pub parameters: Parameters,
    /// How the hook's events are delivered. Default: each once and at once.
    #[serde(default, skip_serializing_if = "is_default")]
    pub events: Delivery,
    /// World seconds between two scheduled events of start-rollout. `null` (the default): there are none.
    #[serde(default, skip_serializing_if = "is_default")]
    pub schedule_seconds: Option<f64>,
    /// What AWS does wrong. Default nothing.
    #[serde(default, skip_serializing_if = "is_default")]
    pub faults: Vec<Fault>,
    /// What happens, in order.
    pub steps: Vec<Step>,
    /// World seconds a real second, at least 1. Default 50.
    #[serde(default = "speed", skip_serializing_if = "is_usual_speed")]
    pub speed: f64,
    /// When the run ends. `null` (the default): when all steps have been taken and nothing more is going on.
    #[serde(default, skip_serializing_if = "is_default")]
    pub until: Option<Condition>,
    /// World seconds after which a run that does not come to its end is given up. Default 21,600.
    #[serde(default = "give_up_seconds", skip_serializing_if = "is_usual_patience")]
    pub give_up_seconds: f64,
    /// What must come out.
    #[serde(default, skip_serializing_if = "is_default")]
    pub expect: Expect,
}

/// Parameters of template.yaml.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Parameters {
    /// `Applications`, as given to CloudFormation. Default: the world's applications, in order.
    #[serde(default, skip_serializing_if = "is_default")]
    pub applications: Option<String>,
    /// `LifecycleHookName`. Default `turnstile`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub lifecycle_hook_name: Option<String>,
}

/// A JSON object.
pub type Object = BTreeMap<String, serde_json::Value>;

fn speed() -> f64 {
    50.0
}

fn is_usual_speed(given: &f64) -> bool {
    *given == speed()
}

fn give_up_seconds() -> f64 {
    21_600.0
}

fn is_usual_patience(given: &f64) -> bool {
    *given == give_up_seconds()
}

/// A default is not written: a file says what is special about its scenario.
fn is_default<T: Default + PartialEq>(given: &T) -> bool {
    *given == T::default()
}
