//! What is wrong with a definition, and what goes wrong in an execution.

/// A definition that the interpreter does not take, and why.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{}{}: {problem}", state.as_ref().map(|state| format!("state '{state}', ")).unwrap_or_default(), field)]
pub struct DefinitionError {
    /// The state that it is about; `None` for what stands outside the states.
    pub state: Option<String>,
    /// The field, with a `/` before each inner field and the index of each element, such as `Retry[1]/ErrorEquals`.
    pub field: String,
    /// What is wrong there.
    pub problem: String,
}

/// An error as Step Functions knows it: by which Retry and Catch match it, and with which a failed execution ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// The error's name, such as `States.Timeout`.
    pub error: String,
    /// The reason, at most 32,768 characters.
    pub cause: String,
}

impl Failure {
    pub(crate) fn new(error: &str, cause: impl Into<String>) -> Self {
        Self { error: error.to_owned(), cause: cause.into() }
    }
}

/// An expression that has no value, or one that its field does not take.
#[derive(Debug)]
pub(crate) struct QueryError {
    /// The field, as in [`DefinitionError::field`].
    pub(crate) field: String,
    /// The text of the expression.
    pub(crate) expression: String,
    /// What it did instead, such as "returned nothing (undefined)."
    pub(crate) did: String,
}

impl QueryError {
    /// The sentence that the service puts into the cause.
    pub(crate) fn sentence(&self) -> String {
        format!("The JSONata expression '{}' specified for the field '{}' {}", self.expression, self.field, self.did)
    }
}
