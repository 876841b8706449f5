//! Instances of an Auto Scaling group and the hooks at which they wait.

use crate::error::Error;

/// An instance of an Auto Scaling group.
#[derive(Debug, Clone, PartialEq)]
pub struct Instance {
    pub auto_scaling_group_name: String,
    /// `Pending:Wait`, `InService`, … (Amazon EC2 Auto Scaling user guide, "Amazon EC2 Auto Scaling instance lifecycle").
    pub lifecycle_state: String,
}

/// A launch lifecycle hook of a group.
#[derive(Debug, Clone, PartialEq)]
pub struct LaunchHook {
    pub lifecycle_hook_name: String,
    pub heartbeat_timeout_seconds: u32,
    pub notification_metadata: Option<String>,
}

/// Where an instance stands on its way into service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// On its way to the hook, or waiting at it.
    Launching,
    InService,
    /// Terminated, or about to be.
    Gone,
}

/// What came of completing a hook.
#[derive(Debug, Clone, PartialEq)]
pub enum Completion {
    Completed,
    /// The hook has no action to complete. Where the instance stands (`None`: in no group any more), and what that means:
    /// [`Error::InstanceGone`], or [`Error::HookNotOpen`] for an instance that still waits, at another hook or on its way to this.
    NoAction {
        stage: Option<Stage>,
        error: Error,
    },
}

impl Instance {
    pub fn stage(&self) -> Stage {
        // Warm pool states are "Warmed:" and the plain state.
        let state = self.lifecycle_state.strip_prefix("Warmed:").unwrap_or(&self.lifecycle_state);
        match state {
            "Pending" | "Pending:Wait" => Stage::Launching,
            _ if state.starts_with("Terminat") || state == "Detached" => Stage::Gone,
            _ => Stage::InService,
        }
    }
}

/// What is said of an instance that Auto Scaling does not know.
pub fn in_no_group(instance_id: &str) -> String {
    format!("{instance_id} is in no Auto Scaling group any more")
}

/// What it means that the instance has no active lifecycle action: the answer may trail the launch, or the hook is over.
pub fn without_action(instance_id: &str, instance: Option<&Instance>, message: &str) -> Error {
    match instance {
        None => Error::InstanceGone(in_no_group(instance_id)),
        Some(instance) if instance.stage() == Stage::Launching => {
            Error::HookNotOpen(format!("{instance_id} is {}, but: {message}", instance.lifecycle_state))
        }
        Some(instance) => Error::InstanceGone(format!(
            "{instance_id} is {} already: its hook timed out, or was completed by somebody else or by an earlier call",
            instance.lifecycle_state
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(lifecycle_state: &str) -> Instance {
        Instance { auto_scaling_group_name: "web".into(), lifecycle_state: lifecycle_state.into() }
    }

    #[test]
    fn every_lifecycle_state_has_a_stage() {
        for (state, stage) in [
            ("Pending", Stage::Launching),
            ("Pending:Wait", Stage::Launching),
            ("Pending:Proceed", Stage::InService),
            ("Warmed:Pending:Wait", Stage::Launching),
            ("Warmed:Stopped", Stage::InService),
            ("InService", Stage::InService),
            ("Standby", Stage::InService),
            ("Terminating", Stage::Gone),
            ("Terminating:Wait", Stage::Gone),
            ("Terminated", Stage::Gone),
            ("Warmed:Terminated", Stage::Gone),
            ("Detached", Stage::Gone),
        ] {
            assert_eq!(instance(state).stage(), stage, "{state}");
        }
    }

    #[test]
    fn no_active_action_is_too_early_only_for_an_instance_that_is_launching() {
        for (instance, name) in [
            (Some(instance("Pending")), "Turnstile.HookNotOpen"),
            (Some(instance("Pending:Wait")), "Turnstile.HookNotOpen"),
            (Some(instance("InService")), "Turnstile.InstanceGone"),
            (Some(instance("Terminating")), "Turnstile.InstanceGone"),
            (None, "Turnstile.InstanceGone"),
        ] {
            assert_eq!(without_action("i-1", instance.as_ref(), "No active …").name(), name, "{instance:?}");
        }
    }
}
