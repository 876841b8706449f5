//! A condition for which a step or a run's end waits.

use serde::{Deserialize, Serialize};

use super::{LaunchNumber, is_default};

/// A condition holds when everything given here is so.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Condition {
    /// At least this many world seconds have passed.
    #[serde(skip_serializing_if = "is_default")]
    pub seconds: Option<f64>,
    /// At least this many instances have been launched.
    #[serde(skip_serializing_if = "is_default")]
    pub launched: Option<usize>,
    /// At least this many launched instances are, or were, in service.
    #[serde(skip_serializing_if = "is_default")]
    pub in_service: Option<usize>,
    /// At least this many launched instances are ready in the warm pool.
    #[serde(skip_serializing_if = "is_default")]
    pub warmed: Option<usize>,
    /// At least this many launched instances are terminated.
    #[serde(skip_serializing_if = "is_default")]
    pub terminated: Option<usize>,
    /// The instance of this launch waits at a hook.
    #[serde(skip_serializing_if = "is_default")]
    pub waiting: Option<LaunchNumber>,
    /// At least this many executions have been started.
    #[serde(skip_serializing_if = "is_default")]
    pub started: Option<usize>,
    /// At least this many executions have ended.
    #[serde(skip_serializing_if = "is_default")]
    pub ended: Option<usize>,
    /// At least this many deployments have been created.
    #[serde(skip_serializing_if = "is_default")]
    pub deployments: Option<usize>,
    /// A deployment has reached a stage.
    #[serde(skip_serializing_if = "is_default")]
    pub deployment: Option<DeploymentIs>,
    /// The running execution of a launch is in a state.
    #[serde(skip_serializing_if = "is_default")]
    pub rollout: Option<RolloutIn>,
}

/// A deployment that has reached a stage.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeploymentIs {
    /// The application.
    pub application: String,
    /// Which of the application's deployments: the first is 1. Default 1.
    #[serde(default = "first", skip_serializing_if = "is_first")]
    pub number: usize,
    /// The stage, or a later one.
    pub is: Stage,
}

/// The stages of a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Stage {
    /// It has been created.
    Created,
    /// A lifecycle event has begun on an instance.
    AtWork,
    /// It has ended.
    Over,
}

/// An execution that is in a state.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RolloutIn {
    /// The launch that the execution is about.
    pub launch: LaunchNumber,
    /// The name of the state, which has to last a while to be noticed.
    pub state: String,
}

fn first() -> usize {
    1
}

fn is_first(given: &usize) -> bool {
    *given == first()
}
