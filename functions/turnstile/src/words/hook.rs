//! Launch lifecycle hooks: the hook of a group, the lifecycle action of one instance at it, and how that action stands.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::words::error::Error;
use crate::words::ids::{AutoScalingGroupName, HookName, InstanceId};
use crate::words::instance::Stage;

/// A launch lifecycle hook of an Auto Scaling group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hook {
    pub lifecycle_hook_name: HookName,
    /// How long Auto Scaling waits for a heartbeat, in seconds.
    pub heartbeat_timeout_seconds: u32,
    /// What becomes of the instance when the hook times out. It is no part of a plan.
    #[serde(skip)]
    pub default_result: HookResult,
    /// What the hook hands to those whom it notifies: for Turnstile, a list of applications. It is no part of a plan.
    #[serde(skip)]
    pub notification_metadata: Option<String>,
}

/// What a hook is completed with: terminate the instance, or let it into service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum HookResult {
    #[default]
    Abandon,
    Continue,
}

/// As Auto Scaling's `LifecycleActionResult` spells it.
impl fmt::Display for HookResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Abandon => "ABANDON",
            Self::Continue => "CONTINUE",
        })
    }
}

/// The lifecycle action of one instance at one hook: what is kept open by heartbeats, and completed in the end.
#[derive(Debug, Clone, PartialEq)]
pub struct LifecycleAction {
    pub auto_scaling_group_name: AutoScalingGroupName,
    pub lifecycle_hook_name: HookName,
    pub instance_id: InstanceId,
}

/// The lifecycle action that a rollout has to complete.
#[derive(Debug, Clone, PartialEq)]
pub struct PendingHook {
    pub action: LifecycleAction,
    pub hook: Hook,
    /// What a failed rollout completes it with.
    pub on_failure: HookResult,
}

/// How a lifecycle action stood when a heartbeat or a completion reached it.
#[derive(Debug, Clone, PartialEq)]
pub enum HookState {
    /// It was open: the call has had its effect.
    Open,
    /// There is none although the instance is launching. It has not begun yet, or it is over and the instance waits at another hook.
    NotYetOpen { why: String },
    /// It is over: it timed out, or was completed by somebody else or by an earlier call.
    Over {
        /// In service, or gone.
        instance: Stage,
        why: String,
    },
}

impl HookState {
    /// Nothing but an open action will do.
    ///
    /// # Errors
    /// [`Error::HookNotOpen`] or [`Error::InstanceGone`].
    pub fn require_open(self) -> Result<(), Error> {
        match self {
            Self::Open => Ok(()),
            Self::NotYetOpen { why } => Err(Error::HookNotOpen(why)),
            Self::Over { why, .. } => Err(Error::InstanceGone(why)),
        }
    }

    /// Nothing but an open action will do, and it was open before: if there is none now, it is over.
    ///
    /// # Errors
    /// [`Error::InstanceGone`].
    pub fn require_still_open(self) -> Result<(), Error> {
        match self {
            Self::Open => Ok(()),
            Self::NotYetOpen { why } | Self::Over { why, .. } => Err(Error::InstanceGone(why)),
        }
    }
}
