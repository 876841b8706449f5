//! Executions of the state machine, as Step Functions lists them.

use crate::words::time::Timestamp;

/// An execution that does not run any more.
#[derive(Debug, Clone, PartialEq)]
pub struct EndedExecution {
    pub name: String,
    pub started_at: Timestamp,
    pub ended_at: Timestamp,
    pub has_succeeded: bool,
}
