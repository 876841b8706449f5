//! A moment of a scenario, said by what the world has come to.

use serde::{Deserialize, Serialize};

use super::{LaunchNumber, is_default};

/// A moment: everything given here is so.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Condition {
    /// So many world seconds have passed.
    #[serde(skip_serializing_if = "is_default")]
    pub seconds: Option<f64>,
    /// At least so many instances have been launched.
    #[serde(skip_serializing_if = "is_default")]
    pub launched: Option<usize>,
    /// At least so many of them are or were in service.
    #[serde(skip_serializing_if = "is_default")]
    pub in_service: Option<usize>,
    /// At least so many of them are ready in the warm pool.
    #[serde(skip_serializing_if = "is_default")]
    pub warmed: Option<usize>,
    /// At least so many of them are terminated.
    #[serde(skip_serializing_if = "is_default")]
    pub terminated: Option<usize>,
    /// The instance of this launch waits at a hook.
    #[serde(skip_serializing_if = "is_default")]
    pub waiting: Option<LaunchNumber>,
    /// At least so many executions have been started.
    #[serde(skip_serializing_if = "is_default")]
    pub started: Option<usize>,
    /// At least so many executions have ended.
    #[serde(skip_serializing_if = "is_default")]
    pub ended: Option<usize>,
    /// At least so many deployments have been created.
    #[serde(skip_serializing_if = "is_default")]
    pub deployments: Option<usize>,
    /// A deployment has come so far.
    #[serde(skip_serializing_if = "is_default")]
    pub deployment: Option<DeploymentIs>,
    /// The rollout of a launch is in a state.
    #[serde(skip_serializing_if = "is_default")]
    pub rollout: Option<RolloutIn>,
}

/// How far a deployment has come, at least.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeploymentIs {
    /// Of this application.
    pub application: String,
    /// Its first, second … deployment. Default 1.
    #[serde(default = "first", skip_serializing_if = "is_first")]
    pub number: usize,
    /// How far.
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

/// A rollout in a state.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RolloutIn {
    /// The rollout of this launch's instance.
    pub launch: LaunchNumber,
    /// The state of the state machine's that it is in; one that lasts.
    pub state: String,
}

fn first() -> usize {
    1
}

fn is_first(given: &usize) -> bool {
    *given == first()
}
