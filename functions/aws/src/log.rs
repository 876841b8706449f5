//! The log: a line in JSON for each thing, as Lambda reads it, which names what its call is about.

use std::panic::{self, PanicHookInfo};
use std::task;

use lambda_runtime::tower::{Layer, Service};
use lambda_runtime::tracing::subscriber;
use lambda_runtime::{Error, LambdaInvocation};
use serde_json::Value;
use tracing::instrument::Instrumented;
use tracing::level_filters::LevelFilter;
use tracing::{Instrument, Span};

/// Begins to log, to standard output.
///
/// Lambda takes a line's level for INFO when the line has no `timestamp` in RFC 3339, or no `level` that it knows, and leaves out lines below the
/// function's level (Lambda developer guide, "Log-level filtering"). The subscriber of lambda_runtime writes no time.
pub(crate) fn start() {
    let subscriber = subscriber::fmt().with_target(false).with_max_level(level());
    match is_json() {
        true => subscriber.json().init(),
        false => subscriber.init(),
    }
    panic::set_hook(Box::new(log_panic));
}

/// The format that the function is configured with (the same guide, "Setting your function's log format").
fn is_json() -> bool {
    std::env::var("AWS_LAMBDA_LOG_FORMAT").is_ok_and(|format| format.eq_ignore_ascii_case("json"))
}

/// The level that the function is configured with. Lambda has one more, FATAL.
fn level() -> LevelFilter {
    let level = std::env::var("AWS_LAMBDA_LOG_LEVEL").unwrap_or_default();
    match level.eq_ignore_ascii_case("fatal") {
        true => LevelFilter::ERROR,
        false => level.parse().unwrap_or(LevelFilter::INFO),
    }
}

/// The standard library's own message is no JSON.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let at = panic.location().map(ToString::to_string);
    tracing::error!(reason = panic.payload_as_str(), at, "panicked");
}

/// Puts a call's span around everything that is done for the call, also around what the runtime does: it logs the function's errors and panics,
/// and calls that are no JSON.
pub(crate) struct InSpan(pub(crate) fn(&Value) -> Span);

impl<S> Layer<S> for InSpan {
    type Service = ServiceInSpan<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ServiceInSpan { inner, span: self.0 }
    }
}

/// The service inside.
pub(crate) struct ServiceInSpan<S> {
    inner: S,
    span: fn(&Value) -> Span,
}

impl<S: Service<LambdaInvocation, Response = (), Error = Error>> Service<LambdaInvocation> for ServiceInSpan<S> {
    type Response = ();
    type Error = Error;
    type Future = Instrumented<S::Future>;

    fn poll_ready(&mut self, context: &mut task::Context<'_>) -> task::Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, call: LambdaInvocation) -> Self::Future {
        let span = (self.span)(&serde_json::from_slice(&call.body).unwrap_or_default());
        let answer = span.in_scope(|| self.inner.call(call));
        answer.instrument(span)
    }
}
