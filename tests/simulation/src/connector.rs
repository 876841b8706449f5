//! The SDK's way to the services: its HTTP connector hands each request to them in this process, and no socket is opened.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use http::{Request, Response};
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;
use world::Invocation;

use crate::network::Network;
use crate::seed::Random;
use crate::services::{Services, Unanswered};

/// The HTTP client of one execution environment. Clones share its connections.
#[derive(Clone)]
pub(crate) struct Connector {
    /// To the task that carries the environment's requests: the SDK wants what it is given to be `Send`, and the services are not.
    requests: mpsc::UnboundedSender<Outgoing>,
    /// The invocation that the environment is at work on, or was last.
    invocation: Arc<Mutex<Option<Invocation>>>,
    connect_timeout: Option<Duration>,
}

/// A request on its way out.
struct Outgoing {
    request: HttpRequest,
    invocation: Option<Invocation>,
    connect_timeout: Option<Duration>,
    answer: oneshot::Sender<Result<HttpResponse, ConnectorError>>,
}

impl Connector {
    /// The client of the environment `environment`. It makes its connections through `network` to `services`.
    pub(crate) fn open(environment: String, services: Rc<Services>, network: Rc<Network>, random: Rc<Random>) -> Self {
        let (requests, mut outgoing) = mpsc::unbounded_channel();
        let connections = Rc::new(Connections { environment, services, network, random, open: RefCell::default() });
        tokio::task::spawn_local(async move {
            while let Some(outgoing) = outgoing.recv().await {
                tokio::task::spawn_local(connections.clone().carry(outgoing));
            }
        });
        Self { requests, invocation: Arc::default(), connect_timeout: None }
    }

    /// The calls from now on are made in this invocation: an environment works on one after the other.
    pub(crate) fn makes_calls_of(&self, invocation: Invocation) {
        *self.invocation.lock().expect("no panic with the lock held") = Some(invocation);
    }

    /// The invocation that the next request is of.
    fn next_of_invocation(&self) -> Option<Invocation> {
        let mut invocation = self.invocation.lock().expect("no panic with the lock held");
        let of_request = invocation.clone();
        if let Some(invocation) = invocation.as_mut() {
            invocation.sent_before += 1;
        }
        of_request
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}

impl HttpClient for Connector {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Self { connect_timeout: settings.connect_timeout(), ..self.clone() })
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (answer, answered) = oneshot::channel();
        let invocation = self.next_of_invocation();
        let sent = self.requests.send(Outgoing { request, invocation, connect_timeout: self.connect_timeout, answer });
        HttpConnectorFuture::new(async move {
            sent.map_err(|_| broken("the simulation is over"))?;
            answered.await.map_err(|_| broken("the simulation is over"))?
        })
    }
}

/// The connections of one environment.
struct Connections {
    environment: String,
    services: Rc<Services>,
    network: Rc<Network>,
    random: Rc<Random>,
    /// The hosts that there is a connection to.
    open: RefCell<BTreeSet<String>>,
}

impl Connections {
    /// Carries a request to its service and the answer back. A request that is under way arrives, also when nobody waits for its answer
    /// any more: that is how a call has its effect after its function was ended.
    async fn carry(self: Rc<Self>, outgoing: Outgoing) {
        let Outgoing { request, invocation, connect_timeout, answer } = outgoing;
        let sent_at = Some(Duration::from_secs_f64(self.services.world.now()));
        let host = request.uri().to_owned();
        // Nobody listens to the answer when the client has given up.
        if !self.connect(&host, connect_timeout).await {
            let _ = answer.send(Err(ConnectorError::timeout("the connection was not made in time".into())));
            return;
        }
        let mut request = match sent(request).await {
            Ok(request) => request,
            Err(error) => {
                let _ = answer.send(Err(error));
                return;
            }
        };
        invocation.map(|invocation| request.extensions_mut().insert(Invocation { sent_at, ..invocation }));
        let operation = operation(&request);
        sleep(self.network.way(&operation, &self.random)).await;
        let answered = self.services.answer(&self.environment, request).await;
        sleep(self.network.way(&operation, &self.random)).await;
        let _ = answer.send(match answered {
            Ok(response) => response.map(SdkBody::from).try_into().map_err(|error| broken(&format!("{error}"))),
            Err(Unanswered) => {
                self.open.borrow_mut().remove(&host);
                Err(broken("connection reset by peer"))
            }
        });
    }

    /// Makes sure that there is a connection. False when it could not be made within the time-out.
    async fn connect(&self, host: &str, timeout: Option<Duration>) -> bool {
        if self.open.borrow().contains(host) {
            return true;
        }
        if self.random.happens(self.network.unreachable_rate)
            && let Some(timeout) = timeout
        {
            sleep(timeout).await;
            return false;
        }
        self.open.borrow_mut().insert(host.to_owned());
        true
    }
}

/// The request with its whole body. The SDK's protection against stalled streams watches how the body is read: a request that has been sent
/// is read to its end, however long the answer takes.
async fn sent(request: HttpRequest) -> Result<Request<Vec<u8>>, ConnectorError> {
    let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
    let (parts, body) = request.into_parts();
    let body = ByteStream::new(body).collect().await.map_err(|error| ConnectorError::user(error.into()))?;
    Ok(Request::from_parts(parts, body.to_vec()))
}

/// The operation that a request asks for, by its `X-Amz-Target` or by its `Action`; empty where neither is.
fn operation(request: &Request<Vec<u8>>) -> String {
    let target = request.headers().get("x-amz-target").and_then(|target| target.to_str().ok());
    let of_target = target.and_then(|target| target.rsplit('.').next()).map(str::to_owned);
    let of_body = || {
        let mut fields = form_urlencoded::parse(request.body());
        fields.find(|(name, _)| name == "Action").map(|(_, action)| action.into_owned())
    };
    of_target.or_else(of_body).unwrap_or_default()
}

fn broken(what: &str) -> ConnectorError {
    ConnectorError::io(what.into())
}

/// A service's answer, complete.
pub(crate) type Answer = Response<Vec<u8>>;

#[cfg(test)]
mod tests;
