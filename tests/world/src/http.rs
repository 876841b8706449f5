//! The services' HTTP front: which service a call is for, and a server for tests to point SDK clients at.

use std::net::{Ipv4Addr, SocketAddr};

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Router};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::fault::InjectedFault;
use crate::protocol::{self, Request};
use crate::report::Invocation;
use crate::world::{Running, World};
use crate::{autoscaling, codedeploy, notices, tagging};

impl World {
    /// `POST /` for all services, told apart by the service name in the signature's credential scope, else by `X-Amz-Target`.
    /// An [`InjectedFault`] in the extensions of a request happens to its call, and an [`Invocation`] there says in which invocation it is
    /// made.
    pub fn router(&self) -> Router {
        let world = self.clone();
        let answer = async move |fault: Option<Extension<InjectedFault>>,
                                 invocation: Option<Extension<Invocation>>,
                                 headers: HeaderMap,
                                 body: Bytes| {
            world.answer(&headers, &body, invocation.as_deref(), fault.as_deref())
        };
        Router::new().route("/", post(answer))
    }

    fn answer(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        invocation: Option<&Invocation>,
        fault: Option<&InjectedFault>,
    ) -> Response {
        let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let answer = match service(headers, target) {
            Some("codedeploy") => codedeploy::answer,
            Some("tagging") => tagging::answer,
            Some("autoscaling") => autoscaling::answer,
            Some("sns") => notices::answer_sns,
            Some("events") => notices::answer_events,
            other => {
                let name = other.unwrap_or("a service that the call does not name");
                return (StatusCode::NOT_FOUND, format!("This world has no {name}.\n")).into_response();
            }
        };
        let request = Request { caller: caller(headers), target, body, fault };
        let protocol::Response { status, content_type, body } = self.enter(|simulation| {
            simulation.call_comes(invocation);
            answer(simulation, &request)
        });
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, [(header::CONTENT_TYPE, content_type)], body).into_response()
    }
}

/// The parts of the signature's `Credential=<key>/<date>/<region>/<service>/aws4_request`.
fn credential(headers: &HeaderMap) -> Option<std::str::Split<'_, char>> {
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok())?;
    let (_, credential) = authorization.split_once("Credential=")?;
    Some(credential.split(',').next()?.split('/'))
}

/// The access key id of the signature; empty for an unsigned call.
fn caller(headers: &HeaderMap) -> &str {
    credential(headers).and_then(|mut parts| parts.next()).unwrap_or_default()
}

/// The service the signature is for, else the one the target belongs to.
fn service<'a>(headers: &'a HeaderMap, target: &str) -> Option<&'a str> {
    let signed_for = credential(headers).and_then(|mut parts| parts.nth(3));
    let by_target = [codedeploy::SERVICE, tagging::SERVICE, notices::EVENTS];
    signed_for.or_else(|| {
        by_target.into_iter().find(|service| target.starts_with(service.target)).map(|service| service.name)
    })
}

/// A world served on a free loopback port; dropped, it stops.
#[must_use = "the server stops when this is dropped"]
pub struct Server {
    /// `http://127.0.0.1:<port>`
    pub endpoint: String,
    task: JoinHandle<()>,
    _running: Running,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves a world and lets its time run.
///
/// # Errors
/// When no loopback port can be had.
pub async fn serve(world: &World) -> std::io::Result<Server> {
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
    let endpoint = format!("http://{}", listener.local_addr()?);
    let router = world.router();
    let task = tokio::spawn(async move {
        // Ends with the task; an error to accept a connection is retried inside.
        let _ = axum::serve(listener, router).await;
    });
    Ok(Server { endpoint, task, _running: world.run() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caller_is_read_from_the_signature() {
        let table = [
            (
                Some(
                    "AWS4-HMAC-SHA256 Credential=AKID/20260131/us-east-1/autoscaling/aws4_request, SignedHeaders=host",
                ),
                "AKID",
            ),
            (Some("AWS4-HMAC-SHA256 Credential=AKID, SignedHeaders=host"), "AKID"),
            (Some("Bearer x"), ""),
            (None, ""),
        ];
        for (authorization, expected) in table {
            let mut headers = HeaderMap::new();
            if let Some(text) = authorization {
                headers.insert(header::AUTHORIZATION, text.parse().unwrap());
            }
            assert_eq!(caller(&headers), expected, "{authorization:?}");
        }
    }

    #[test]
    fn the_service_is_read_from_the_signature_or_the_target() {
        let signed = "AWS4-HMAC-SHA256 Credential=AKID/20260131/us-east-1/autoscaling/aws4_request, SignedHeaders=host";
        let table = [
            (Some(signed), "", Some("autoscaling")),
            (Some(signed), "CodeDeploy_20141006.GetDeployment", Some("autoscaling")),
            (None, "CodeDeploy_20141006.GetDeployment", Some("codedeploy")),
            (None, "ResourceGroupsTaggingAPI_20170126.GetResources", Some("tagging")),
            (Some("Bearer x"), "", None),
            (Some("AWS4-HMAC-SHA256 Credential=AKID"), "", None),
            (None, "", None),
        ];
        for (authorization, target, expected) in table {
            let mut headers = HeaderMap::new();
            if let Some(text) = authorization {
                headers.insert(header::AUTHORIZATION, text.parse().unwrap());
            }
            assert_eq!(service(&headers, target), expected, "{authorization:?} {target}");
        }
    }
}
