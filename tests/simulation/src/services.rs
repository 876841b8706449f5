//! The services behind their wire protocols: finds the one that a request is for, and lets the faults have their way.

use std::rc::Rc;
use std::time::Duration;

use account::calls::{self, error_code};
use axum::Router;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use tower::ServiceExt;
use world::{Call, Effect, Faults, InjectedFault, Invocation, Service, World};

use crate::clock::Clock;
use crate::connector::Answer;
use crate::dynamodb::{self, DynamoDb};
use crate::seed::Random;
use crate::step_functions::StepFunctions;
use crate::trace::{Trace, in_order};
use crate::turns::Turns;

/// The connection broke before the answer was through.
#[derive(Debug, PartialEq)]
pub(crate) struct Unanswered;

/// How far the time that a request is signed with may be from the service's own.
///
/// Source: IAM user guide, "AWS Signature Version 4 for API requests": "within five minutes of the timestamp in the request".
const SIGNATURE_HOLDS: Duration = Duration::from_secs(300);

/// The services that functions call.
pub(crate) struct Services {
    pub(crate) clock: Clock,
    pub(crate) world: World,
    /// The world's own services.
    pub(crate) worlds: Router,
    pub(crate) dynamodb: Rc<DynamoDb>,
    pub(crate) step_functions: Rc<StepFunctions>,
    pub(crate) faults: Rc<Faults>,
    pub(crate) turns: Rc<Turns>,
    pub(crate) trace: Rc<Trace>,
    pub(crate) request_ids: Random,
}

impl Services {
    /// Answers a request of the environment `environment`.
    pub(crate) async fn answer(&self, environment: &str, request: Request<Vec<u8>>) -> Result<Answer, Unanswered> {
        let (headers, body) = (request.headers(), request.body());
        let service = calls::service_of(headers).and_then(|name| Service::named(&name));
        let operation = calls::operation_of(headers, body);
        let name = format!("{}.{operation}", service.map_or("unknown", Service::as_str));
        self.trace.add(environment, format_args!("calls {name}"), readable(body));
        let fault = service.and_then(|service| self.faults.next(service, &operation));
        let fault = fault.as_ref();
        let mut answer = match service {
            _ if !self.is_signed_now(headers) => {
                json_answer(403, &json!({"__type": "InvalidSignatureException", "message": "Signature not current"}))
            }
            Some(Service::CodeDeploy | Service::AutoScaling | Service::Tagging | Service::Sns | Service::Events) => {
                self.of_world(request, fault).await
            }
            Some(Service::DynamoDb) => {
                let answer = async |request| {
                    let answered = self.dynamodb.answer(&operation, request).await;
                    let effect = if dynamodb::is_read(&operation) { None } else { self.turns.changed() };
                    (answered, effect)
                };
                self.own(&request, fault, answer).await
            }
            Some(Service::States) => {
                let answer = async |request| (self.step_functions.answer(&operation, &request), None);
                self.own(&request, fault, answer).await
            }
            Some(Service::Lambda) | None => {
                let text = format!("there is no such service here: {name}");
                json_answer(404, &json!({"__type": "UnknownOperationException", "message": text}))
            }
        };
        let is_lost = fault.is_some_and(InjectedFault::breaks_connection);
        let outcome = InjectedFault::outcome(fault, answer.status().as_str());
        self.trace.add(environment, format_args!("is answered by {name}: {outcome}"), readable(answer.body()));
        if let Some(InjectedFault::Slow(late)) = fault {
            tokio::time::sleep(*late).await;
        }
        if is_lost {
            return Err(Unanswered);
        }
        let id = HeaderValue::from_str(&self.request_ids.uuid()).expect("a UUID is ASCII");
        answer.headers_mut().entry("x-amzn-requestid").or_insert(id);
        Ok(answer)
    }

    /// Whether a request is signed with the present time.
    fn is_signed_now(&self, headers: &HeaderMap) -> bool {
        let date = headers.get("x-amz-date").and_then(|date| date.to_str().ok());
        let signed =
            date.and_then(|date| DateTime::strptime("%Y%m%dT%H%M%SZ", date).ok()?.to_zoned(TimeZone::UTC).ok());
        signed.is_some_and(|signed| {
            signed.timestamp().duration_until(self.clock.timestamp()).unsigned_abs() <= SIGNATURE_HOLDS
        })
    }

    async fn of_world(&self, mut request: Request<Vec<u8>>, fault: Option<&InjectedFault>) -> Answer {
        if let Some(fault) = fault {
            request.extensions_mut().insert(fault.clone());
        }
        let Ok(answer) = self.worlds.clone().oneshot(request.map(axum::body::Body::from)).await;
        let (parts, body) = answer.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.expect("the world's answers are in memory");
        Response::from_parts(parts, body.into())
    }

    /// The answer of a service of the simulation's own. Its call is recorded with the effect, at the time of that.
    async fn own(
        &self,
        request: &Request<Vec<u8>>,
        fault: Option<&InjectedFault>,
        answer: impl AsyncFnOnce(Value) -> ((u16, Value), Option<Effect>),
    ) -> Answer {
        let call = calls::read(self.world.now(), request.headers(), request.body());
        let ((status, body), effect) = match fault {
            Some(InjectedFault::Error { status, code }) => {
                ((*status, json!({"__type": code, "message": InjectedFault::ERROR_MESSAGE})), None)
            }
            Some(InjectedFault::Reset) => ((502, Value::Null), None),
            Some(InjectedFault::LostAnswer | InjectedFault::Slow(_) | InjectedFault::FailedResource { .. }) | None => {
                answer(call.parameters.clone()).await
            }
        };
        let own = if status < 300 { "ok" } else { error_code(&body).unwrap_or_default() };
        let outcome = InjectedFault::outcome(fault, own);
        let invocation = request.extensions().get::<Invocation>().cloned();
        self.world.record(Call { invocation, outcome, effect, ..call });
        json_answer(status, &body)
    }
}

fn json_answer(status: u16, body: &Value) -> Answer {
    let mut answer = Response::new(body.to_string().into_bytes());
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer.headers_mut().insert("content-type", HeaderValue::from_static("application/x-amz-json-1.0"));
    answer
}

/// A request's or an answer's body for the trace.
fn readable(body: &[u8]) -> String {
    match serde_json::from_slice::<Value>(body) {
        Ok(value) => in_order(value).to_string(),
        Err(_) if body.starts_with(b"Action=") => form_in_order(body),
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    }
}

/// A form with the entries of its maps in order. Each entry has a number, and a name and a value that begin with the same number.
fn form_in_order(body: &[u8]) -> String {
    let fields: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
    let name_of =
        |entry: &str| fields.iter().find(|(field, _)| *field == format!("{entry}.Name")).map(|(_, name)| name);
    let named = fields.iter().map(|(field, value)| {
        let of_entry = field.match_indices('.').map(|(at, _)| (&field[..at], &field[at..]));
        let entry =
            of_entry.filter_map(|(entry, rest)| Some((entry.rsplit_once('.')?.0, name_of(entry)?, rest))).next();
        (entry.map_or_else(|| field.clone(), |(map, name, rest)| format!("{map}.{name}{rest}")), value)
    });
    let mut named: Vec<_> = named.collect();
    named.sort();
    form_urlencoded::Serializer::new(String::new()).extend_pairs(named).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_reads_the_same_in_whichever_order_a_map_was_written() {
        let one = "Action=Publish&M.entry.1.Name=a&M.entry.1.Value.StringValue=1&M.entry.2.Name=b&M.entry.2.Value.StringValue=2&T=x";
        let other = "Action=Publish&M.entry.1.Name=b&M.entry.1.Value.StringValue=2&M.entry.2.Name=a&M.entry.2.Value.StringValue=1&T=x";
        assert_eq!(readable(one.as_bytes()), readable(other.as_bytes()));
        assert!(readable(one.as_bytes()).contains("M.entry.a.Value.StringValue=1"), "{}", readable(one.as_bytes()));
        let changed = one.replace("StringValue=2", "StringValue=3");
        assert_ne!(readable(one.as_bytes()), readable(changed.as_bytes()));
    }
}
