//! Executions of the state machine, as Step Functions lists and describes them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::words::ids::ExecutionArn;
use crate::words::time::Timestamp;

/// An execution that does not run any more.
#[derive(Debug, Clone, PartialEq)]
pub struct EndedExecution {
    pub name: String,
    pub started_at: Timestamp,
    pub ended_at: Timestamp,
    pub has_succeeded: bool,
}

/// How an execution stands (Step Functions API reference, DescribeExecution).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExecutionStatus {
    /// Also one that is about to be redriven.
    Running,
    Succeeded,
    Failed,
    TimedOut,
    Aborted,
}

/// An execution as Step Functions describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Execution {
    pub arn: ExecutionArn,
    pub status: ExecutionStatus,
    /// How many times it was redriven.
    pub redrives: u32,
    /// When it was redriven last.
    pub redriven_at: Option<Timestamp>,
    pub started_at: Timestamp,
    /// Absent while it runs.
    pub ended_at: Option<Timestamp>,
    pub input: Value,
    /// Null unless it succeeded.
    pub output: Value,
    pub error: Option<String>,
    pub cause: Option<String>,
}

/// An end of an execution: one that is redriven ends once more.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EndId {
    #[serde(rename = "executionArn")]
    pub execution: ExecutionArn,
    /// How many times the execution was redriven before.
    pub redrive_count: u32,
}
