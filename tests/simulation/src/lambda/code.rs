//! What a version of a function consists of.

use std::pin::Pin;
use std::rc::Rc;

use account::versions;
use aws::clients::Clients;
use aws::function::{Function, Host};
use aws::settings::Settings;
use serde_json::{Value, json};

/// The answer of a handler, or its error as the Lambda runtime reports it.
pub(super) type Handled = Pin<Box<dyn Future<Output = Result<Value, Value>>>>;

/// A function that has started.
pub(super) type Handler = Rc<dyn Fn(Value) -> Handled>;

/// Starts a function, with clients and settings of its environment. An error says why it cannot start.
type Start = dyn Fn(&Clients, &Settings) -> Result<Handler, String>;

/// What one version of a function is.
#[derive(Clone)]
pub(crate) struct Code(pub(super) Rc<Start>);

impl Code {
    /// One of Turnstile's functions.
    pub(crate) fn of<F: Function + 'static>() -> Self {
        Self(Rc::new(|clients, settings| {
            let host = Host::<F>::start(clients.clone(), settings.clone()).map_err(|missing| missing.to_string())?;
            let host = Rc::new(host);
            let handler: Handler = Rc::new(move |payload| -> Handled {
                let host = host.clone();
                Box::pin(async move {
                    let answer = host.call(payload).await;
                    answer.map_err(|error| json!({"errorType": error.error_type, "errorMessage": error.error_message}))
                })
            });
            Ok(handler)
        }))
    }

    /// The same code as a version of the stack has it, which reads the requests of that version alone.
    pub(crate) fn in_version(self, function: &'static str, version: usize) -> Self {
        Self(Rc::new(move |clients, settings| {
            let handler = (self.0)(clients, settings)?;
            let handler: Handler = Rc::new(move |payload| match versions::request(function, version, payload) {
                Ok(request) => handler(request),
                Err(error) => Box::pin(std::future::ready(Err(error))),
            });
            Ok(handler)
        }))
    }
}
