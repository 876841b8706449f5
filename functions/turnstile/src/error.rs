//! Everything that can end a call, each with the stable name that the state machine matches. (A deployment that failed ends
//! no call, it is an answer: its names are those of [`crate::reason::Failure`].)
//!
//! AWS errors are classified here and nowhere else. Outcomes that are normal (no such target, a hook already over, a
//! group that is busy) are not errors: the calls in [`crate::codedeploy`] and [`crate::autoscaling`] return them as
//! values.

use aws_sdk_codedeploy::config::http::HttpResponse;
use aws_sdk_codedeploy::error::{ProvideErrorMetadata, SdkError};
use lambda_runtime::Diagnostic;

/// Why a call of a function ended without an answer. `Display` is what the operator reads.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// The input, the hook's NotificationMetadata or a parameter of the stack is wrong. The message names the field.
    #[error("{0}")]
    InvalidInput(String),
    /// A deployment group cannot serve a rollout: blue/green, not EC2, or without a revision.
    #[error("{0}")]
    UnsuitableDeploymentGroup(String),
    /// The instance has been terminated, or its hook is over: timed out, or completed by somebody else.
    #[error("{0}")]
    InstanceGone(String),
    /// The instance waits, but its hook has no action yet. Auto Scaling's answers may trail the launch by a moment.
    #[error("{0}")]
    HookNotOpen(String),
    /// Auto Scaling does not know the instance (yet).
    #[error("{0}")]
    InstanceNotFound(String),
    /// Round after round, somebody deployed an application again before the instance could be let in.
    #[error("{0}")]
    RevisionsKeepChanging(String),
    /// The execution does not hold the turn any more: it was redriven after its end, or somebody deleted its claims.
    #[error("{0}")]
    TurnLost(String),
    /// Other deployments occupied the group for as long as the application may take.
    #[error("{0}")]
    GroupBusy(String),
    /// The hook is about to be over, whatever its heartbeats, and the instance is not done.
    #[error("{0}")]
    OutOfTime(String),
    /// CodeDeploy refused to create the deployment, for a reason that a retry does not mend.
    #[error("CodeDeploy refused the deployment of {application}: {code}: {message}")]
    DeploymentRejected { application: String, code: String, message: String },
    /// An AWS API throttled the call, also after the SDK's own retries.
    #[error("{call} was throttled: {message}")]
    Throttled { call: &'static str, message: String },
    /// An AWS API could not be reached, gave no answer in time, or failed on its side. Whether the call had an effect is unknown.
    #[error("{call} gave no answer: {message}")]
    Unavailable { call: &'static str, message: String },
    /// The function's role lacks a permission.
    #[error("{call} was not allowed: {message}")]
    AccessDenied { call: &'static str, message: String },
    /// Any other answer of an AWS API.
    #[error("{call} failed: {code}: {message}")]
    Unexpected { call: &'static str, code: String, message: String },
}

impl Error {
    /// The name that the state machine's `ErrorEquals` and the execution's `error` show. Never changes once released.
    pub fn name(&self) -> &'static str {
        match self {
            Self::InvalidInput(_) => "Turnstile.InvalidInput",
            Self::UnsuitableDeploymentGroup(_) => "Turnstile.UnsuitableDeploymentGroup",
            Self::InstanceGone(_) => "Turnstile.InstanceGone",
            Self::HookNotOpen(_) => "Turnstile.HookNotOpen",
            Self::InstanceNotFound(_) => "Turnstile.InstanceNotFound",
            Self::RevisionsKeepChanging(_) => "Turnstile.RevisionsKeepChanging",
            Self::TurnLost(_) => "Turnstile.TurnLost",
            Self::GroupBusy(_) => "Turnstile.GroupBusy",
            Self::OutOfTime(_) => "Turnstile.OutOfTime",
            Self::DeploymentRejected { .. } => "Turnstile.DeploymentRejected",
            Self::Throttled { .. } => "Turnstile.Throttled",
            Self::Unavailable { .. } => "Turnstile.Unavailable",
            Self::AccessDenied { .. } => "Turnstile.AccessDenied",
            Self::Unexpected { .. } => "Turnstile.Unexpected",
        }
    }

    /// Classifies a failed AWS call. `call` is `Service.Operation`, as the operator knows it.
    pub fn of_call<E>(call: &'static str, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let Some(answer) = error.as_service_error() else {
            return Self::Unavailable { call, message: root_cause(error) };
        };
        let status = error.raw_response().map(|response| response.status().as_u16());
        Self::of_code(call, answer.code().unwrap_or("without a code"), answer.message().unwrap_or_default(), status)
    }

    /// Classifies an AWS error by its code, and one that is not known by its HTTP status.
    pub(crate) fn of_code(call: &'static str, code: &str, message: &str, status: Option<u16>) -> Self {
        let (code, message) = (code.to_owned(), message.to_owned());
        match Kind::of(&code).or_of_status(status) {
            Kind::Throttled => Self::Throttled { call, message },
            Kind::Unavailable => Self::Unavailable { call, message: format!("{code}: {message}") },
            Kind::AccessDenied => Self::AccessDenied { call, message },
            Kind::Other => Self::Unexpected { call, code, message },
        }
    }
}

enum Kind {
    Throttled,
    Unavailable,
    AccessDenied,
    Other,
}

impl Kind {
    /// The common errors of the AWS APIs (CodeDeploy and Auto Scaling API references, "Common Errors"), the Auto Scaling
    /// faults that its reference says to retry, and those that DynamoDB's developer guide says to ("Error handling with
    /// DynamoDB"), with what the SDK itself retries, as errors of a call and as reasons of a cancelled transaction.
    fn of(code: &str) -> Self {
        match code {
            "Throttling"
            | "ThrottlingException"
            | "ThrottledException"
            | "RequestLimitExceeded"
            | "TooManyRequestsException"
            | "RequestThrottled"
            | "RequestThrottledException"
            | "ThrottlingError"
            | "SlowDown"
            | "BandwidthLimitExceeded"
            | "EC2ThrottledException"
            | "PriorRequestNotComplete"
            | "ProvisionedThroughputExceeded"
            | "ProvisionedThroughputExceededException"
            | "TransactionInProgressException" => Self::Throttled,
            "InternalFailure"
            | "InternalError"
            | "InternalServerError"
            | "InternalServiceError"
            | "ServiceUnavailable"
            | "ServiceUnavailableException"
            | "RequestTimeout"
            | "RequestTimeoutException"
            | "ResourceContention"
            | "ResourceContentionFault"
            | "TransactionConflictException" => Self::Unavailable,
            "AccessDenied"
            | "AccessDeniedException"
            | "UnauthorizedOperation"
            | "NotAuthorized"
            | "OptInRequired"
            | "ExpiredTokenException"
            | "ExpiredToken"
            | "UnrecognizedClientException"
            | "InvalidClientTokenId"
            | "MissingAuthenticationToken" => Self::AccessDenied,
            _ => Self::Other,
        }
    }

    /// What a load balancer or a proxy answers in the service's place has no code that a client could know.
    fn or_of_status(self, status: Option<u16>) -> Self {
        match (self, status) {
            (Self::Other, Some(429)) => Self::Throttled,
            (Self::Other, Some(500..)) => Self::Unavailable,
            (known, _) => known,
        }
    }
}

/// The innermost message: the SDK's outer ones only say "dispatch failure".
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

impl From<Error> for Diagnostic {
    fn from(error: Error) -> Self {
        Diagnostic { error_type: error.name().to_owned(), error_message: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_codedeploy::error::ErrorMetadata;
    use aws_sdk_codedeploy::operation::get_deployment::GetDeploymentError;
    use aws_smithy_types::body::SdkBody;

    fn answered(status: u16, code: Option<&str>) -> Error {
        let mut meta = ErrorMetadata::builder().message("m");
        if let Some(code) = code {
            meta = meta.code(code);
        }
        let response = HttpResponse::new(status.try_into().unwrap(), SdkBody::empty());
        let error = SdkError::service_error(GetDeploymentError::generic(meta.build()), response);
        Error::of_call("CodeDeploy.GetDeployment", &error)
    }

    #[test]
    fn answers_are_classified_by_code() {
        for (code, name) in [
            ("ThrottlingException", "Turnstile.Throttled"),
            ("Throttling", "Turnstile.Throttled"),
            ("ResourceContention", "Turnstile.Unavailable"),
            ("InternalFailure", "Turnstile.Unavailable"),
            ("AccessDeniedException", "Turnstile.AccessDenied"),
            ("AccessDenied", "Turnstile.AccessDenied"),
            ("DeploymentDoesNotExistException", "Turnstile.Unexpected"),
        ] {
            assert_eq!(answered(400, Some(code)).name(), name, "{code}");
        }
    }

    #[test]
    fn what_has_no_known_code_is_classified_by_its_status() {
        for (status, code, name) in [
            (503, None, "Turnstile.Unavailable"),
            (502, Some("BadGateway"), "Turnstile.Unavailable"),
            (429, None, "Turnstile.Throttled"),
            (400, None, "Turnstile.Unexpected"),
            (503, Some("SlowDown"), "Turnstile.Throttled"),
            (500, Some("AccessDenied"), "Turnstile.AccessDenied"),
        ] {
            assert_eq!(answered(status, code).name(), name, "{status} {code:?}");
        }
    }

    #[test]
    fn a_call_without_an_answer_is_unavailable_and_says_why() {
        let error: SdkError<GetDeploymentError, HttpResponse> = SdkError::timeout_error("no answer in 5 s");
        let error = Error::of_call("CodeDeploy.GetDeployment", &error);
        assert_eq!(error.to_string(), "CodeDeploy.GetDeployment gave no answer: no answer in 5 s");
    }

    #[test]
    fn every_name_is_documented() {
        let documented = include_str!("../../../docs/operating.md");
        let sources = [include_str!("error.rs"), include_str!("reason.rs")];
        let names = sources.iter().flat_map(|source| source.split('"')).filter(|text| {
            text.strip_prefix("Turnstile.")
                .is_some_and(|name| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphabetic()))
        });
        let names: std::collections::BTreeSet<_> = names.collect();
        assert!(names.len() > 12, "{names:?}");
        for name in names {
            assert!(documented.contains(&format!("`{name}`")), "{name} is missing in docs/operating.md");
        }
    }

    #[test]
    fn the_diagnostic_carries_the_stable_name() {
        let diagnostic = Diagnostic::from(Error::InvalidInput("instanceId: expected …".into()));
        assert_eq!(diagnostic.error_type, "Turnstile.InvalidInput");
        assert_eq!(diagnostic.error_message, "instanceId: expected …");
    }
}
