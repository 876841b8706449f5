//! What a version of a function consists of.

use std::pin::Pin;
use std::rc::Rc;

use aws::clients::Clients;
use aws::function::{Function, call};
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
            let function = Rc::new(F::new(clients, settings).map_err(|missing| missing.to_string())?);
            let handler: Handler = Rc::new(move |payload| -> Handled {
                let function = function.clone();
                Box::pin(async move {
                    let answer = call(&*function, payload).await;
                    answer.map_err(|error| json!({"errorType": error.error_type, "errorMessage": error.error_message}))
                })
            });
            Ok(handler)
        }))
    }
}
