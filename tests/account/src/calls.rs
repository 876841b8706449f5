//! Calls of services, read from their requests and answers.

use std::sync::Mutex;

use axum::http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::Value;
use world::{Call, Service};

/// Who signs the state machine's calls.
pub const ENGINE: &str = "engine";

/// Who signs a person's calls.
pub const PERSON: &str = "person";

/// The calls, in the order of their answers.
#[derive(Default)]
pub struct Calls(Mutex<Vec<Call>>);

impl Calls {
    /// Adds a call that has been answered.
    pub fn add(&self, call: Call) {
        self.0.lock().unwrap().push(call);
    }

    /// Every call.
    pub fn all(&self) -> Vec<Call> {
        self.0.lock().unwrap().clone()
    }
}

/// The call that a request makes at the time `at`, its outcome still to come.
pub fn read(at: f64, headers: &HeaderMap, body: &[u8]) -> Call {
    let service = service_of(headers).and_then(|name| Service::named(&name));
    Call {
        at,
        caller: caller_of(headers).unwrap_or_default().to_owned(),
        service: service.map_or("another service", Service::as_str),
        operation: operation_of(headers, body),
        parameters: serde_json::from_slice(body).unwrap_or_default(),
        ..Call::default()
    }
}

/// A call's outcome by its answer: `ok` or the error code.
pub fn outcome(status: StatusCode, body: &[u8]) -> String {
    if status.is_success() {
        return "ok".to_owned();
    }
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    error_code(&body).map_or_else(|| status.to_string(), str::to_owned)
}

/// The error code in the body of a failed call: `<namespace>#<code>`, or the code alone.
pub fn error_code(body: &Value) -> Option<&str> {
    body["__type"].as_str()?.rsplit('#').next()
}

/// Who makes a call: the access key id it is signed with, which is a function's name.
pub fn caller_of(headers: &HeaderMap) -> Option<&str> {
    credential(headers)?.next()
}

/// Whether the state machine makes a call.
pub fn is_by_state_machine(headers: &HeaderMap) -> bool {
    caller_of(headers) == Some(ENGINE)
}

/// The operation of a call: the last part of its `X-Amz-Target` or, in the protocol that has none, the form field `Action`.
pub fn operation_of(headers: &HeaderMap, body: &[u8]) -> String {
    let target = text(headers, "x-amz-target").and_then(|target| target.rsplit('.').next());
    let action = || form_urlencoded::parse(body).find(|(name, _)| name == "Action").map(|(_, action)| action.into());
    target.map(str::to_owned).or_else(action).unwrap_or_default()
}

/// The service a call is for: the one it is signed for, else the one of its `X-Amz-Target`.
pub fn service_of(headers: &HeaderMap) -> Option<String> {
    let signed = credential(headers).and_then(|mut parts| parts.nth(3));
    let target = || text(headers, "x-amz-target")?.split(['_', '.']).next();
    signed.or_else(target).map(str::to_ascii_lowercase)
}

/// The parts of a signature's `Credential=<key>/<date>/<region>/<service>/aws4_request`.
fn credential(headers: &HeaderMap) -> Option<std::str::Split<'_, char>> {
    let (_, credential) = text(headers, "authorization")?.split_once("Credential=")?;
    Some(credential.split(',').next()?.split('/'))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn headers(given: &[(&str, &str)]) -> HeaderMap {
        // The types of both sides are the map's.
        given.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn signature(service: &str) -> String {
        format!(
            "AWS4-HMAC-SHA256 Credential=start-deployment/20260131/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
        )
    }

    #[test]
    fn a_call_s_service_is_in_its_signature_else_in_its_target() {
        let (autoscaling, states) = (signature("autoscaling"), signature("states"));
        for (given, service) in [
            (vec![("authorization", autoscaling.as_str())], Some("autoscaling")),
            (vec![("x-amz-target", "CodeDeploy_20141006.CreateDeployment")], Some("codedeploy")),
            (vec![("x-amz-target", "AWSStepFunctions.StartExecution")], Some("awsstepfunctions")),
            (vec![("authorization", &states), ("x-amz-target", "CodeDeploy_20141006.X")], Some("states")),
            (vec![("authorization", "Bearer x")], None),
            (vec![], None),
        ] {
            assert_eq!(service_of(&headers(&given)).as_deref(), service, "{given:?}");
        }
    }

    #[test]
    fn a_call_is_read_from_its_request() {
        let signature = signature("dynamodb");
        let given = headers(&[("authorization", &signature), ("x-amz-target", "DynamoDB_20120810.UpdateItem")]);
        let call = Call {
            at: 7.5,
            caller: "start-deployment".to_owned(),
            service: "dynamodb",
            operation: "UpdateItem".to_owned(),
            parameters: json!({"TableName": "turns"}),
            ..Call::default()
        };
        assert_eq!(read(7.5, &given, br#"{"TableName": "turns"}"#), call);
    }

    #[test]
    fn an_operation_is_named_by_the_target_or_in_the_form() {
        let target = headers(&[("x-amz-target", "AWSStepFunctions.StartExecution")]);
        let form = b"Version=2011-01-01&Action=CompleteLifecycleAction".as_slice();
        for (given, body, operation) in [
            (&target, b"{}".as_slice(), "StartExecution"),
            (&target, form, "StartExecution"),
            (&headers(&[]), form, "CompleteLifecycleAction"),
            (&headers(&[]), b"{}", ""),
        ] {
            assert_eq!(operation_of(given, body), operation);
        }
    }

    #[test]
    fn an_outcome_is_ok_or_the_error_s_code() {
        let refused = br#"{"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"}"#;
        for (status, body, expected) in [
            (StatusCode::OK, b"{}".as_slice(), "ok"),
            (StatusCode::BAD_REQUEST, refused, "ConditionalCheckFailedException"),
            (StatusCode::INTERNAL_SERVER_ERROR, b"<html>", "500 Internal Server Error"),
        ] {
            assert_eq!(outcome(status, body), expected);
        }
    }

    #[test]
    fn an_error_code_comes_with_and_without_its_namespace() {
        for (body, code) in [
            (json!({"__type": "com.amazonaws.dynamodb.v20120810#ValidationException"}), Some("ValidationException")),
            (json!({"__type": "ExecutionDoesNotExist"}), Some("ExecutionDoesNotExist")),
            (json!({"message": "no"}), None),
            (Value::Null, None),
        ] {
            assert_eq!(error_code(&body), code, "{body}");
        }
    }
}
