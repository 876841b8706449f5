//! How a service says no.

use std::borrow::Cow;

/// A service's error answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refusal {
    /// The error code, such as `DeploymentLimitExceededException` or `ValidationError`.
    pub code: Cow<'static, str>,
    /// The service's text.
    pub message: String,
}

impl Refusal {
    pub(crate) fn new(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Refusal { code: code.into(), message: message.into() }
    }
}
