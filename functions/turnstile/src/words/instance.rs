//! An instance of an Auto Scaling group.

use crate::words::ids::AutoScalingGroupName;
use crate::words::owner::Destination;

/// What Auto Scaling tells of an instance.
#[derive(Debug, Clone, PartialEq)]
pub struct Instance {
    pub auto_scaling_group_name: AutoScalingGroupName,
    /// `Pending:Wait`, `InService`, … (Amazon EC2 Auto Scaling user guide, "Amazon EC2 Auto Scaling instance lifecycle").
    pub lifecycle_state: String,
}

/// Where an instance stands on its way into service, or into its group's warm pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// On its way to a launch hook, or waiting at one.
    Launching,
    /// Past its launch hooks: in service, or in the warm pool.
    InService,
    /// Its root volume is replaced in an instance refresh: its disk is empty or about to be, and no deployment before proves anything
    /// (Amazon EC2 Auto Scaling user guide, "Replace root volumes during instance refresh").
    RootVolumeReplaced,
    /// Terminated, detached or about to be, or retained after its launch has failed.
    Gone,
}

impl Stage {
    /// Whether the instance may wait at a launch hook.
    pub fn is_before_service(self) -> bool {
        matches!(self, Self::Launching | Self::RootVolumeReplaced)
    }
}

impl Instance {
    /// Where its launch takes it.
    pub fn destination(&self) -> Destination {
        match self.lifecycle_state.starts_with("Warmed:") {
            true => Destination::WarmPool,
            false => Destination::AutoScalingGroup,
        }
    }

    /// The stage that its lifecycle state stands for.
    pub fn stage(&self) -> Stage {
        // Warm pool states are "Warmed:" and the plain state.
        let state = self.lifecycle_state.strip_prefix("Warmed:").unwrap_or(&self.lifecycle_state);
        match state {
            "Pending" | "Pending:Wait" => Stage::Launching,
            "RootVolumeReplaced" => Stage::RootVolumeReplaced,
            _ if state.starts_with("ReplacingRootVolume") => Stage::RootVolumeReplaced,
            "Detaching" | "Detached" => Stage::Gone,
            _ if state.starts_with("Terminat") || state.ends_with(":Retained") => Stage::Gone,
            _ => Stage::InService,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            ("Terminating:Proceed", Stage::Gone),
            ("Terminating:Retained", Stage::Gone),
            ("Warmed:Pending:Retained", Stage::Gone),
            ("Detaching", Stage::Gone),
            ("Detached", Stage::Gone),
            ("EnteringStandby", Stage::InService),
            ("Warmed:Running", Stage::InService),
            ("Warmed:Hibernated", Stage::InService),
            ("ReplacingRootVolume", Stage::RootVolumeReplaced),
            ("ReplacingRootVolume:Wait", Stage::RootVolumeReplaced),
            ("ReplacingRootVolume:Proceed", Stage::RootVolumeReplaced),
            ("RootVolumeReplaced", Stage::RootVolumeReplaced),
        ] {
            let auto_scaling_group_name = AutoScalingGroupName::try_from("web").unwrap();
            let instance = Instance { auto_scaling_group_name, lifecycle_state: state.into() };
            assert_eq!(instance.stage(), stage, "{state}");
        }
    }
}
