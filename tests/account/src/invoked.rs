use serde_json::Value;

/// A function's answer to a synchronous invocation.
#[derive(Debug, Clone, PartialEq)]
pub struct Invoked {
    /// The handler's answer, or `{"errorType", "errorMessage", …}`.
    pub payload: Value,
    /// `Unhandled` when the function failed.
    pub function_error: Option<String>,
}
