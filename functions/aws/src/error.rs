//! What a failed call of AWS means: its errors are classified here and nowhere else.

use aws_sdk_codedeploy::config::http::HttpResponse;
use aws_sdk_codedeploy::error::{ProvideErrorMetadata, SdkError};
use turnstile::words::error::Error;

/// Classifies a failed call. `call` is `Service.Operation`, as the operator knows it.
pub(crate) fn of_call<E>(call: &'static str, error: &SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let Some(answer) = error.as_service_error() else {
        return Error::Unavailable { call, message: root_cause(error) };
    };
    let status = error.raw_response().map(|response| response.status().as_u16());
    of_code(call, answer.code().unwrap_or(WITHOUT_A_CODE), answer.message().unwrap_or_default(), status)
}

/// Classifies an error by its code, and one that is not known by its HTTP status.
pub(crate) fn of_code(call: &'static str, code: &str, message: &str, status: Option<u16>) -> Error {
    // The code is a part of what AWS says: of several that mean the same here, it tells which.
    let said = format!("{code}: {message}");
    match Kind::of(code).or_of_status(status) {
        Kind::Throttled => Error::Throttled { call, message: said },
        Kind::Unavailable => Error::Unavailable { call, message: said },
        Kind::AccessDenied => Error::AccessDenied { call, message: said },
        Kind::Other => Error::Unexpected { call, code: code.to_owned(), message: message.to_owned() },
    }
}

/// Whether a service says with this code that it has refused a call for the rate of calls.
pub(crate) fn is_throttled(code: &str) -> bool {
    matches!(Kind::of(code), Kind::Throttled)
}

/// An answer that is no error, but cannot be read.
pub(crate) fn unexpected(call: &'static str, message: impl Into<String>) -> Error {
    Error::Unexpected { call, code: WITHOUT_A_CODE.into(), message: message.into() }
}

const WITHOUT_A_CODE: &str = "without a code";

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
        of_call("CodeDeploy.GetDeployment", &error)
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
    fn aws_s_own_words_are_kept() {
        for code in ["ThrottlingException", "ExpiredTokenException", "InternalFailure", "SomethingNew"] {
            let error = answered(400, Some(code)).to_string();
            assert!(error.ends_with(&format!("{code}: m")), "{error}");
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
        let error = of_call("CodeDeploy.GetDeployment", &error);
        assert_eq!(error.to_string(), "CodeDeploy.GetDeployment gave no answer: no answer in 5 s");
    }
}
