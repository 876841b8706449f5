//! Whether an Auto Scaling group has the stack's hook.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::words::ids::AutoScalingGroupName;

/// How a group was seen last. A group is enrolled by having a launch hook of the stack's name, whoever made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Enrolment {
    /// It has the hook.
    Enrolled,
    /// It has never had the hook, as far as is known: nothing is done to it.
    NotEnrolled,
    /// It had the hook, and has it no longer.
    Vanished,
}

/// What is known of the groups that the stack may serve.
pub type Enrolments = BTreeMap<AutoScalingGroupName, Enrolment>;
