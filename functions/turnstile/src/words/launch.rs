//! How AWS tells of the launch of an instance that waits at a hook.

use serde::Deserialize;
use serde_json::Value;

use crate::words::ids::{AutoScalingGroupName, HookName, InstanceId};

/// The source of Auto Scaling's events.
pub const SOURCE: &str = "aws.autoscaling";
/// The event of a launch lifecycle action.
pub const LIFECYCLE_ACTION: &str = "EC2 Instance-launch Lifecycle Action";
/// The transition of a launch.
pub const LAUNCHING: &str = "autoscaling:EC2_INSTANCE_LAUNCHING";
/// The `Event` of the message that Auto Scaling sends when a hook is made, to try out where it sends its notifications.
pub const TEST_NOTIFICATION: &str = "autoscaling:TEST_NOTIFICATION";

/// A launch lifecycle action: the `detail` of its EventBridge event (Amazon EC2 Auto Scaling user guide, "Instance-launch lifecycle
/// action"), or the hook's own message to a Lambda function, to SNS or to SQS (same guide, "Prepare to add a lifecycle hook").
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LaunchAction {
    pub auto_scaling_group_name: AutoScalingGroupName,
    #[serde(rename = "EC2InstanceId")]
    pub instance_id: InstanceId,
    pub lifecycle_hook_name: HookName,
    pub lifecycle_transition: Option<String>,
    /// What tells this action from others of the same instance and hook. Whoever has it can complete the action, so it must not
    /// reach a log.
    pub lifecycle_action_token: Option<String>,
    pub notification_metadata: Option<String>,
}

/// The EventBridge event of a launch lifecycle action, as far as a rollout needs it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct LaunchEvent {
    pub source: Option<String>,
    pub detail_type: Option<String>,
    pub detail: LaunchAction,
}

/// What is inside a message of Lambda's about an asynchronous invocation that failed, as it is in the queue of lost launches (Lambda developer
/// guide, "Adding a destination"); `None` when a value is no such message.
pub fn in_record(value: &Value) -> Option<&Value> {
    value.get("requestContext").and(value.get("requestPayload"))
}

/// Whether a value is an event of EventBridge, by the fields that only those have.
pub fn is_event(value: &Value) -> bool {
    value.get("detail-type").is_some() || value.get("detail").is_some()
}

/// Whether a value is the message of a lifecycle hook, without an event around it.
pub fn is_message(value: &Value) -> bool {
    value.get("EC2InstanceId").is_some() || value.get("Event").is_some()
}

/// In which form AWS tells of a launch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A message of Lambda's about an invocation that failed.
    Record,
    /// An event of EventBridge.
    Event,
    /// The message of a lifecycle hook.
    Message,
}

impl Form {
    /// The form of a value; `None` when it is not from AWS.
    pub fn of(value: &Value) -> Option<Self> {
        if in_record(value).is_some() {
            Some(Self::Record)
        } else if is_event(value) {
            Some(Self::Event)
        } else {
            is_message(value).then_some(Self::Message)
        }
    }

    /// Whether a field may be AWS's, also one that AWS adds some day: Lambda's are those of version 1.0, EventBridge writes its own in small letters
    /// with hyphens, and Auto Scaling's begin with a capital letter.
    pub fn may_have(self, field: &str) -> bool {
        match self {
            Self::Record => {
                let of_lambda =
                    ["version", "timestamp", "requestContext", "requestPayload", "responseContext", "responsePayload"];
                of_lambda.contains(&field)
            }
            Self::Event => field.chars().all(|c| c.is_ascii_lowercase() || c == '-'),
            Self::Message => field.starts_with(|c: char| c.is_ascii_uppercase()),
        }
    }
}
