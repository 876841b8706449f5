//! The AWS endpoint: hands each call to the world, to the functions or to the engine.

use std::sync::Arc;

use account::calls::{self, Calls};
use account::function_arn;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::json;
use tower::ServiceExt;
use uuid::Uuid;
use world::{Call, Faults, InjectedFault, Service, World};

use crate::Error;
use crate::connection::Connection;
use crate::environment::Outcome;
use crate::functions::{Functions, name_of};

/// The largest request body. A Lambda payload of at most 6 MB is the largest of the services here.
const LARGEST_BODY: usize = 8 << 20;

#[derive(Clone)]
pub(crate) struct FrontDoor {
    functions: Arc<Functions>,
    world: World,
    worlds_services: Router,
    /// The record of the functions' calls of the engine's services.
    calls: Arc<Calls>,
    faults: Arc<Faults>,
    client: reqwest::Client,
    /// The engine's URL.
    engine: String,
}

impl FrontDoor {
    pub(crate) fn new(
        functions: Arc<Functions>,
        world: &World,
        calls: Arc<Calls>,
        faults: Arc<Faults>,
        client: reqwest::Client,
        engine: String,
    ) -> Self {
        Self { functions, world: world.clone(), worlds_services: world.router(), calls, faults, client, engine }
    }

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

    /// What goes wrong with a call, if a fault hits it. Faults hit no calls of tests and of people.
    fn fault(&self, headers: &HeaderMap, service: Service, operation: &str) -> Option<InjectedFault> {
        let is_ours = calls::is_by_state_machine(headers) || self.is_by_function(headers);
        if is_ours { self.faults.next(service, operation) } else { None }
    }

    fn is_by_function(&self, headers: &HeaderMap) -> bool {
        calls::caller_of(headers).is_some_and(|caller| self.functions.has(caller))
    }
}

/// Sends an answer, late or not at all where a fault wants it so.
async fn send(answer: Response, fault: Option<InjectedFault>, connection: &Connection) -> Response {
    match fault {
        Some(InjectedFault::Slow(delay)) => tokio::time::sleep(delay).await,
        Some(fault) if fault.breaks_connection() => connection.reset(),
        _ => {}
    }
    identified(answer)
}

/// Lambda's Invoke.
async fn invoke(
    State(door): State<FrontDoor>,
    Path(function): Path<String>,
    ConnectInfo(connection): ConnectInfo<Connection>,
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
    let name = name_of(&function);
    let fault = door.fault(&headers, Service::Lambda, name);
    let Some(fault) = fault else { return identified(invoked(&door, &function, payload).await) };
    let call = Call {
        at: door.world.now(),
        caller: calls::caller_of(&headers).unwrap_or_default().to_owned(),
        service: Service::Lambda.as_str(),
        operation: name.to_owned(),
        parameters: serde_json::from_slice(&payload).unwrap_or_default(),
        ..Call::default()
    };
    let answer = match &fault {
        InjectedFault::Error { status, code } => lambda_error(*status, code, InjectedFault::ERROR_MESSAGE),
        InjectedFault::Reset => StatusCode::BAD_GATEWAY.into_response(),
        InjectedFault::LostAnswer | InjectedFault::Slow(_) | InjectedFault::FailedResource { .. } => {
            invoked(&door, &function, payload).await
        }
    };
    let own = calls::outcome(answer.status(), &[]);
    door.calls.add(Call { outcome: InjectedFault::outcome(Some(&fault), &own), ..call });
    send(answer, Some(fault), &connection).await
}

/// Lambda's answer when the function has run, or cannot.
async fn invoked(door: &FrontDoor, function: &str, payload: Bytes) -> Response {
    match door.functions.invoke(function, payload).await {
        Ok((answer, failed)) => {
            let mut response = ([("x-amz-executed-version", "$LATEST")], answer).into_response();
            if failed {
                response.headers_mut().insert("x-amz-function-error", HeaderValue::from_static("Unhandled"));
            }
            response
        }
        Err(error) => invoke_error(&error),
    }
}

fn invoke_error(error: &Error) -> Response {
    let (status, code) = match error {
        Error::UnknownFunction(_) => (404, "ResourceNotFoundException"),
        Error::TooManyRequests(_) => (429, "TooManyRequestsException"),
        _ => (500, "ServiceException"),
    };
    lambda_error(status, code, &error.to_string())
}

fn lambda_error(status: u16, code: &str, message: &str) -> Response {
    let kind = if status < 500 { "User" } else { "Service" };
    let body = json!({"Type": kind, "Message": message}).to_string();
    (status_of(status), [("x-amzn-errortype", code)], body).into_response()
}

fn status_of(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// The Runtime API's next invocation: answers when there is one.
async fn next(State(door): State<FrontDoor>, Path((function, environment)): Path<(String, String)>) -> Response {
    let Some(environment) = door.functions.find(&function, &environment) else {
        if door.functions.closed() {
            // As on Lambda, a process that will have no other invocation waits until it is killed. It would log any answer as an error.
            return std::future::pending().await;
        }
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

/// Every other call: CodeDeploy, Auto Scaling and the Resource Groups Tagging API are the world's, the rest is the engine's.
async fn service(
    State(door): State<FrontDoor>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let body = match axum::body::to_bytes(body, LARGEST_BODY).await {
        Ok(body) => body,
        Err(error) => return (StatusCode::PAYLOAD_TOO_LARGE, error.to_string()).into_response(),
    };
    let service = calls::service_of(&parts.headers).and_then(|name| Service::named(&name));
    let fault =
        service.and_then(|service| door.fault(&parts.headers, service, &calls::operation_of(&parts.headers, &body)));
    let answer = match service {
        Some(Service::CodeDeploy | Service::AutoScaling | Service::Tagging | Service::Sns | Service::Events) => {
            of_world(&door, parts, body, fault.as_ref()).await
        }
        _ => of_engine(&door, parts, body, fault.as_ref()).await,
    };
    send(answer, fault, &connection).await
}

async fn of_world(door: &FrontDoor, mut parts: Parts, body: Bytes, fault: Option<&InjectedFault>) -> Response {
    if let Some(fault) = fault {
        parts.extensions.insert(fault.clone());
    }
    let Ok(answer) = door.worlds_services.clone().oneshot(Request::from_parts(parts, Body::from(body))).await;
    answer
}

async fn of_engine(door: &FrontDoor, parts: Parts, body: Bytes, fault: Option<&InjectedFault>) -> Response {
    // A call that a fault hits is on record whoever makes it.
    let is_recorded = fault.is_some() || door.is_by_function(&parts.headers);
    let call = is_recorded.then(|| calls::read(door.world.now(), &parts.headers, &body));
    let answer = match fault {
        Some(InjectedFault::Error { status, code }) => {
            let body = json!({"__type": code, "message": InjectedFault::ERROR_MESSAGE}).to_string();
            Ok((status_of(*status), HeaderMap::new(), body.into()))
        }
        Some(InjectedFault::Reset) => Ok((StatusCode::BAD_GATEWAY, HeaderMap::new(), Bytes::new())),
        Some(InjectedFault::LostAnswer | InjectedFault::Slow(_) | InjectedFault::FailedResource { .. }) | None => {
            forward(door, parts, body).await
        }
    };
    match answer {
        Ok((status, headers, body)) => {
            if let Some(call) = call {
                let outcome = InjectedFault::outcome(fault, &calls::outcome(status, &body));
                door.calls.add(Call { outcome, ..call });
            }
            (status, headers, body).into_response()
        }
        Err(error) => (StatusCode::BAD_GATEWAY, format!("the engine: {error}")).into_response(),
    }
}

/// The engine's answer.
async fn forward(
    door: &FrontDoor,
    parts: Parts,
    body: Bytes,
) -> Result<(StatusCode, HeaderMap, Bytes), reqwest::Error> {
    let engine = &door.engine;
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let mut headers = parts.headers;
    for own in [header::HOST, header::CONNECTION, header::CONTENT_LENGTH] {
        headers.remove(own);
    }
    let request = door.client.request(parts.method, format!("{engine}{path}")).headers(headers).body(body);
    let mut answer = request.send().await?;
    let mut headers = std::mem::take(answer.headers_mut());
    for own in [header::TRANSFER_ENCODING, header::CONNECTION, header::CONTENT_LENGTH] {
        headers.remove(own);
    }
    Ok((answer.status(), headers, answer.bytes().await?))
}

/// Every answer of AWS carries a request id, and clients read it.
fn identified(mut answer: Response) -> Response {
    if !answer.headers().contains_key("x-amzn-requestid") {
        let id = HeaderValue::from_str(&Uuid::new_v4().to_string()).expect("a UUID is ASCII");
        answer.headers_mut().insert("x-amzn-requestid", id);
    }
    answer
}
