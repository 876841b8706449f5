//! A Step Functions state machine, interpreted in virtual time from the definition that is deployed.
//!
//! [`Definition::parse`] reads a definition in the Amazon States Language with JSONata, and refuses whatever it would not carry
//! out as the service does. [`Definition::run`] carries out one execution: it waits on tokio's clock, which a test pauses, so that
//! days pass in milliseconds; it asks the caller to invoke the Lambda functions; and it records the history that
//! GetExecutionHistory gives.
//!
//! What the service does, and its limits, are taken from the Step Functions developer guide and the Amazon States Language's
//! specification. Where the two leave a case open, the interpreter takes the answer that is harder on the definition.

mod assigned;
mod definition;
mod error;
mod execution;
mod expression;
mod fields;
mod functions;
mod history;
mod interpreter;
mod keys;
mod limits;
mod payload;
mod reads;
mod retry;
mod state;
mod template;
mod variables;

pub use definition::Definition;
pub use error::{DefinitionError, Failure};
pub use execution::{End, Execution, Invocation, Redriven, Stop};
pub use history::{Details, History, HistoryEvent};

#[cfg(test)]
mod tests;
