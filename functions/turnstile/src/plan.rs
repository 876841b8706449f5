//! The plan: what plan-rollout makes of the input, and every other function works from.

use serde::{Deserialize, Serialize};

use crate::application::Application;
use crate::input::HookResult;

/// How many times a rollout goes through its applications. It goes again when one got a new revision meanwhile, when a
/// neighbour's failure kept its instance out of a deployment, or when it lost its turn: nothing unusual once, but not for ever.
pub const MOST_ROUNDS: u32 = 10;

/// A rollout with nothing left open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    pub auto_scaling_group_name: String,
    /// Absent: all outdated instances of the group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<String>,
    /// Absent: no hook is waiting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hook: Option<Hook>,
    pub applications: Vec<Application>,
    pub on_failure: HookResult,
    /// What the operator should know, although the rollout goes on.
    pub warnings: Vec<String>,
}

/// The launch lifecycle hook at which the instance waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hook {
    pub lifecycle_hook_name: String,
    /// How long Auto Scaling waits for a heartbeat, in seconds.
    pub heartbeat_timeout_seconds: u32,
}

impl Plan {
    /// The instance and the hook at which it waits, when there is one to keep open and to complete.
    pub fn waiting_instance(&self) -> Option<(&str, &Hook)> {
        Some((self.instance_id.as_deref()?, self.hook.as_ref()?))
    }
}
