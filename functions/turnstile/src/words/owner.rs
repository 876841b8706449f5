//! Who owns a launch, as it is in the table of turns.

use serde::{Deserialize, Serialize};

use crate::words::ids::ExecutionArn;
use crate::words::time::{self, Timestamp};

/// The rollout that owns a launch: an item of the table of turns for each lifecycle action, by its group, hook and instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Owner {
    /// The execution.
    pub owned_by: ExecutionArn,
    #[serde(default)]
    pub phase: Phase,
    /// Where the launch takes the instance. Absent when somebody has deleted the item meanwhile.
    pub destination: Option<Destination>,
    /// The earliest that the hook can have opened.
    #[serde(default, with = "time::as_seconds", skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<Timestamp>,
}

/// Whether an execution runs, as far as Step Functions tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Run {
    Running,
    /// It has ended, and runs no more unless somebody redrives it.
    Ended,
    /// Nothing is known of it: it has just started, or its state machine was deleted.
    NotKnown,
}

/// What a rollout does about the launch that it owns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Phase {
    /// It deploys, or waits for its turn.
    #[default]
    AtWork,
    /// It has failed, and keeps the instance for a while before it completes the hook.
    BacksOff,
    /// Every application is deployed, and it is about to let the instance in.
    LetsIn,
    /// It has failed, and is about to complete the hook.
    GivesUp,
    /// It has completed the hook, or has found that there is nothing to complete any more.
    Over,
}

impl Phase {
    /// As the table has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AtWork => "AT_WORK",
            Self::BacksOff => "BACKS_OFF",
            Self::LetsIn => "LETS_IN",
            Self::GivesUp => "GIVES_UP",
            Self::Over => "OVER",
        }
    }
}

/// Where a launch takes its instance. The same instance and the same hook have one launch into the warm pool and another one out of it
/// (Amazon EC2 Auto Scaling user guide, "Warm pools", "Lifecycle hooks").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Destination {
    AutoScalingGroup,
    WarmPool,
}

impl Destination {
    /// As the table has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AutoScalingGroup => "AutoScalingGroup",
            Self::WarmPool => "WarmPool",
        }
    }
}

/// Another rollout that owns the launch, as it was when this one last asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OtherOwner {
    pub execution: ExecutionArn,
    /// When to ask again, in seconds.
    pub wait_seconds: u32,
    /// Since when this rollout has been waiting for the launch.
    pub waiting_since: Timestamp,
    /// Since when the owner has been seen to have ended; absent while it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_since: Option<Timestamp>,
    /// Whether this rollout keeps the hook open meanwhile, because the owner was seen to have ended twice.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keeps_open: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_table_has_what_serde_reads() {
        for phase in [Phase::AtWork, Phase::BacksOff, Phase::LetsIn, Phase::GivesUp, Phase::Over] {
            assert_eq!(json!(phase), phase.as_str());
        }
        for destination in [Destination::AutoScalingGroup, Destination::WarmPool] {
            assert_eq!(json!(destination), destination.as_str());
        }
        let recreated: Owner = serde_json::from_value(json!({"ownedBy": "arn:1"})).unwrap();
        assert_eq!(recreated.phase, Phase::AtWork);
    }
}
