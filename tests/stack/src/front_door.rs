//! The one endpoint that everything takes for AWS: hands each call to the world, to the functions or to the engine.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::json;
use tower::ServiceExt;
use uuid::Uuid;

use crate::Error;
use crate::environment::Outcome;
use crate::function_arn;
use crate::functions::Functions;

/// A Lambda payload is at most 6 MB, the largest of any service here.
const LARGEST_BODY: usize = 8 << 20;

#[derive(Clone)]
pub(crate) struct FrontDoor {
    pub(crate) functions: Arc<Functions>,
    pub(crate) world: Router,
    pub(crate) client: reqwest::Client,
    /// The engine's URL.
    pub(crate) engine: String,
}

impl FrontDoor {
    pub(crate) fn router(self) -> Router {
        Router::new()
            .route("/2015-03-31/functions/{function}/invocations", post(invoke))
            .route("/.rt/{function}/{environment}/2018-06-01/runtime/invocation/next", get(next))
            .route("/.rt/{function}/{environment}/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/.rt/{function}/{environment}/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/.rt/{function}/{environment}/2018-06-01/runtime/init/error", post(init_error))
            .fallback(service)
            .layer(axum::extract::DefaultBodyLimit::max(LARGEST_BODY))
            .with_state(self)
    }
}

/// Lambda's Invoke.
async fn invoke(
    State(door): State<FrontDoor>,
    Path(function): Path<String>,
    headers: HeaderMap,
    payload: Bytes,
) -> Response {
    let payload = if payload.is_empty() { Bytes::from_static(b"{}") } else { payload };
    if headers.get("x-amz-invocation-type").is_some_and(|kind| kind == "Event") {
        return identified(match door.functions.invoke_asynchronously(&function, payload) {
            Ok(()) => StatusCode::ACCEPTED.into_response(),
            Err(error) => invoke_error(&error),
        });
    }
    identified(match door.functions.invoke(&function, payload).await {
        Ok((answer, failed)) => {
            let mut response = ([("x-amz-executed-version", "$LATEST")], answer).into_response();
            if failed {
                response.headers_mut().insert("x-amz-function-error", HeaderValue::from_static("Unhandled"));
            }
            response
        }
        Err(error) => invoke_error(&error),
    })
}

fn invoke_error(error: &Error) -> Response {
    let (status, code) = match error {
        Error::UnknownFunction(_) => (StatusCode::NOT_FOUND, "ResourceNotFoundException"),
        Error::TooManyRequests(_) => (StatusCode::TOO_MANY_REQUESTS, "TooManyRequestsException"),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "ServiceException"),
    };
    let body = json!({"Type": "User", "Message": error.to_string()}).to_string();
    (status, [("x-amzn-errortype", code)], body).into_response()
}

/// The Runtime API's next invocation: answers when there is one.
async fn next(State(door): State<FrontDoor>, Path((function, environment)): Path<(String, String)>) -> Response {
    let Some(environment) = door.functions.find(&function, &environment) else {
        return StatusCode::FORBIDDEN.into_response();
    };
    let Some(invocation) = environment.take().await else {
        return StatusCode::GONE.into_response();
    };
    let trace = Uuid::new_v4().simple().to_string();
    let headers = [
        ("lambda-runtime-aws-request-id", invocation.request_id),
        ("lambda-runtime-deadline-ms", invocation.deadline_ms.to_string()),
        ("lambda-runtime-invoked-function-arn", function_arn(&function)),
        ("lambda-runtime-trace-id", format!("Root=1-{}-{};Sampled=0", &trace[..8], &trace[8..])),
    ];
    (headers, invocation.payload).into_response()
}

async fn response(
    State(door): State<FrontDoor>,
    Path(path): Path<(String, String, String)>,
    body: Bytes,
) -> StatusCode {
    answer(&door, &path, Outcome::Response(body))
}

async fn error(State(door): State<FrontDoor>, Path(path): Path<(String, String, String)>, body: Bytes) -> StatusCode {
    answer(&door, &path, Outcome::Error(body))
}

fn answer(door: &FrontDoor, (function, environment, id): &(String, String, String), outcome: Outcome) -> StatusCode {
    match door.functions.find(function, environment) {
        Some(environment) if environment.answer(id, outcome) => StatusCode::ACCEPTED,
        _ => StatusCode::BAD_REQUEST,
    }
}

async fn init_error(
    State(door): State<FrontDoor>,
    Path((function, environment)): Path<(String, String)>,
    body: Bytes,
) -> StatusCode {
    match door.functions.find(&function, &environment) {
        Some(environment) => {
            environment.fail_start(body);
            StatusCode::ACCEPTED
        }
        None => StatusCode::FORBIDDEN,
    }
}

/// Every other call: CodeDeploy and Auto Scaling are the world's, the rest is the engine's.
async fn service(State(door): State<FrontDoor>, request: Request) -> Response {
    if matches!(service_of(request.headers()).as_deref(), Some("codedeploy" | "autoscaling")) {
        let Ok(answer) = door.world.oneshot(request).await;
        return identified(answer);
    }
    match forward(&door, request).await {
        Ok(answer) => identified(answer),
        Err(error) => (StatusCode::BAD_GATEWAY, error).into_response(),
    }
}

/// The service a call is for: the one it is signed for, else the one of its `X-Amz-Target`.
fn service_of(headers: &HeaderMap) -> Option<String> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    // Credential=<key>/<date>/<region>/<service>/aws4_request
    let signed = text("authorization")
        .and_then(|authorization| authorization.split_once("Credential="))
        .and_then(|(_, credential)| credential.split('/').nth(3));
    let target = || text("x-amz-target")?.split(['_', '.']).next();
    signed.or_else(target).map(str::to_ascii_lowercase)
}

async fn forward(door: &FrontDoor, request: Request) -> Result<Response, String> {
    let engine = &door.engine;
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let body = axum::body::to_bytes(body, LARGEST_BODY).await.map_err(|error| error.to_string())?;
    let mut headers = parts.headers;
    for own in [header::HOST, header::CONNECTION, header::CONTENT_LENGTH] {
        headers.remove(own);
    }
    let sent = door.client.request(parts.method, format!("{engine}{path}")).headers(headers).body(body).send().await;
    let mut answer = sent.map_err(|error| format!("the engine: {error}"))?;
    let status = answer.status();
    let mut headers = std::mem::take(answer.headers_mut());
    for own in [header::TRANSFER_ENCODING, header::CONNECTION, header::CONTENT_LENGTH] {
        headers.remove(own);
    }
    let body = answer.bytes().await.map_err(|error| format!("the engine: {error}"))?;
    Ok((status, headers, Body::from(body)).into_response())
}

/// Every answer of AWS carries a request id, and clients read it.
fn identified(mut answer: Response) -> Response {
    if !answer.headers().contains_key("x-amzn-requestid") {
        let id = HeaderValue::from_str(&Uuid::new_v4().to_string()).expect("a UUID is ASCII");
        answer.headers_mut().insert("x-amzn-requestid", id);
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_for_the_service_it_is_signed_for_else_for_its_target() {
        let signature = |service: &str| {
            format!(
                "AWS4-HMAC-SHA256 Credential=key/20260131/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
            )
        };
        let autoscaling = signature("autoscaling");
        let states = signature("states");
        for (headers, service) in [
            (vec![("authorization", autoscaling.as_str())], Some("autoscaling")),
            (vec![("x-amz-target", "CodeDeploy_20141006.CreateDeployment")], Some("codedeploy")),
            (vec![("x-amz-target", "AWSStepFunctions.StartExecution")], Some("awsstepfunctions")),
            (vec![("authorization", &states), ("x-amz-target", "CodeDeploy_20141006.X")], Some("states")),
            (vec![("authorization", "Bearer x")], None),
            (vec![], None),
        ] {
            let map = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
            assert_eq!(service_of(&map).as_deref(), service, "{headers:?}");
        }
    }
}
