//! The plan: what plan-rollout makes of the input, and every other function works from.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::application::Application;
use crate::input::HookResult;
use crate::wait;

/// How many times a rollout goes through its applications again because of somebody else: one got a new revision meanwhile, or a
/// neighbour's failure kept its instance out of a deployment. Nothing unusual once, but not for ever.
pub const MOST_REPEATS: u32 = 9;

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
    /// Makes sure that the hook can be kept open for longer, `elapsed` seconds after the rollout began. Left to its time-out, the
    /// launch would end without a word.
    ///
    /// # Errors
    /// [`Error::OutOfTime`].
    pub fn check_time(&self, elapsed: u32) -> Result<(), Error> {
        let Some(hook) = &self.hook else { return Ok(()) };
        match wait::until_hook_is_over(elapsed, hook) {
            0 => Err(Error::OutOfTime(format!(
                "not done after {elapsed} s, and {} cannot be kept open for longer: 100 times its heartbeat time-out ({} s), \
                 48 hours at most",
                hook.lifecycle_hook_name, hook.heartbeat_timeout_seconds
            ))),
            _ => Ok(()),
        }
    }

    /// The instance and the hook at which it waits, when there is one to keep open and to complete.
    pub fn waiting_instance(&self) -> Option<(&str, &Hook)> {
        Some((self.instance_id.as_deref()?, self.hook.as_ref()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rollout_ends_before_its_hook_is_over() {
        let hook = Hook { lifecycle_hook_name: "turnstile".into(), heartbeat_timeout_seconds: 600 };
        let mut plan = Plan {
            auto_scaling_group_name: "web".into(),
            instance_id: Some("i-1".into()),
            hook: Some(hook),
            applications: Vec::new(),
            on_failure: HookResult::Abandon,
            warnings: Vec::new(),
        };
        assert_eq!(plan.check_time(59_099), Ok(()));
        assert_eq!(plan.check_time(59_100).map_err(|error| error.name()), Err("Turnstile.OutOfTime"));
        plan.hook = None;
        assert_eq!(plan.check_time(u32::MAX), Ok(()));
    }
}
