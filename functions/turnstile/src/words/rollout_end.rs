//! How a rollout ended, as it is told to whoever wants to know: the `detail` of an EventBridge event. docs/operating.md has its schema.

use serde::Serialize;
use serde_json::Value;

use crate::words::execution::EndId;
use crate::words::time::Timestamp;

/// The event's `source`.
pub const SOURCE: &str = "turnstile";
/// The event's `detail-type`.
pub const DETAIL_TYPE: &str = "Turnstile Rollout Ended";

/// The outcome of a rollout that brought its instance, or its group, up to date.
pub const SUCCEEDED: &str = "SUCCEEDED";
/// The outcome of a rollout that failed.
pub const FAILED: &str = "FAILED";
/// The outcome of a rollout that took longer than the state machine allows.
pub const TIMED_OUT: &str = "TIMED_OUT";
/// The outcome of a rollout that a person aborted.
pub const ABORTED: &str = "ABORTED";
/// The outcome of a dry run: its output says what a rollout would do.
pub const DRY_RUN: &str = "DRY_RUN";
/// The outcome of a dry run that found something wrong. Nobody has to be woken up by it.
pub const DRY_RUN_FAILED: &str = "DRY_RUN_FAILED";

/// The end of a rollout. A field that is not known, or does not apply, is left out.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RolloutEnd {
    /// `SUCCEEDED`, `FAILED`, `TIMED_OUT`, `ABORTED`; the outcome of a rollout that ended without a result, such as `INSTANCE_GONE`; of a dry run
    /// `DRY_RUN` or `DRY_RUN_FAILED`.
    pub outcome: String,
    #[serde(flatten)]
    pub id: EndId,
    /// The execution in the Step Functions console.
    pub execution_url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_scaling_group_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<String>,
    pub started_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// The execution's error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The execution's cause, as far as it is an object; a cause that is plain text is its `summary`. Null unless it failed.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub cause: Value,
    /// What the execution answered. Null unless it succeeded.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub output: Value,
}

impl RolloutEnd {
    /// Whether somebody should look at it.
    pub fn is_failure(&self) -> bool {
        matches!(self.outcome.as_str(), FAILED | TIMED_OUT | ABORTED)
    }

    /// A text of its cause.
    pub fn of_cause(&self, field: &str) -> Option<&str> {
        self.cause[field].as_str().filter(|text| !text.is_empty())
    }
}
