//! The quotas that a definition can run into, and the names of the errors that tell of it.
//!
//! Sources: Step Functions developer guide, "Service quotas", "Passing data between states with variables" ("Limits"), and
//! "Handling errors in Step Functions workflows"; Step Functions API reference, the lengths of `error` and `cause`.

use std::ops::RangeInclusive;

/// Of a state's or an execution's input or output, of a task's arguments or result, and of what one `Assign` assigns: 256 KiB of
/// JSON text in UTF-8.
pub(crate) const PAYLOAD_BYTES: usize = 256 * 1024;
/// Of all variables of an execution together.
pub(crate) const VARIABLES_BYTES: usize = 10 * 1024 * 1024;
/// Events in the history of one execution. The last of them is the ExecutionFailed that tells of it.
pub(crate) const HISTORY_EVENTS: u64 = 25_000;
/// Characters in an error's name.
pub(crate) const ERROR_CHARACTERS: usize = 256;
/// Characters in an error's cause.
pub(crate) const CAUSE_CHARACTERS: usize = 32_768;
/// Characters in the name of a state or of a variable.
pub(crate) const NAME_CHARACTERS: usize = 80;

/// Seconds of a Wait state.
pub(crate) const WAIT_SECONDS: RangeInclusive<u64> = 0..=99_999_999;
/// Seconds of a time-out.
pub(crate) const TIMEOUT_SECONDS: RangeInclusive<u64> = 1..=99_999_999;
/// Seconds before the first retry.
pub(crate) const INTERVAL_SECONDS: RangeInclusive<u64> = 1..=99_999_999;
/// Seconds before any retry.
pub(crate) const MAX_DELAY_SECONDS: RangeInclusive<u64> = 1..=31_622_399;
/// Retries of one retrier.
pub(crate) const MAX_ATTEMPTS: RangeInclusive<u64> = 0..=99_999_999;

pub(crate) const ALL: &str = "States.ALL";
pub(crate) const DATA_LIMIT_EXCEEDED: &str = "States.DataLimitExceeded";
pub(crate) const PERMISSIONS: &str = "States.Permissions";
pub(crate) const QUERY_EVALUATION_ERROR: &str = "States.QueryEvaluationError";
pub(crate) const RUNTIME: &str = "States.Runtime";
pub(crate) const TASK_FAILED: &str = "States.TaskFailed";
pub(crate) const TIMEOUT: &str = "States.Timeout";
