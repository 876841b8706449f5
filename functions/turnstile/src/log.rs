//! The one line that every call of a function ends with.

use serde::Serialize;
use tracing::{info, warn};

use crate::Error;

/// Logs what a call came to: the answer as the state machine gets it, or the error by its name. Execution, group, instance and
/// application are fields of the span that the function opened.
pub fn outcome<T: Serialize>(outcome: &Result<T, Error>) {
    match outcome {
        Ok(answer) => info!(answer = serde_json::to_string(answer).unwrap_or_default(), "answered"),
        Err(error) => warn!(error = error.name(), reason = %error, "failed"),
    }
}
