//! AWS on one machine: the [world](world) is CodeDeploy and Auto Scaling, moto interprets the state machine and keeps the table of turns,
//! and the functions are the bootstraps that Lambda would run.
//!
//! [`Stack::start`] starts it all on free loopback ports. Every call, of the functions, of the state machine's tasks and of tests,
//! goes to one endpoint, the front door, which hands it to the one that serves it.

mod api;
mod calls;
mod definition;
mod delivery;
mod engine;
mod environment;
mod error;
mod events;
mod executions;
mod fault;
mod faults;
mod front_door;
mod functions;
mod hold;
mod line;
mod minutes;
mod options;
pub mod permissions;
mod schedule;
mod stack;
mod turns;
mod variables;

pub use delivery::Delivery;
pub use error::Error;
pub use executions::Execution;
pub use fault::{Fault, FaultKind, FaultService};
pub use functions::{Function, Invoked, Process};
pub use hold::Hold;
pub use minutes::minutes;
pub use options::Options;
pub use stack::Stack;
pub use turns::Turn;

/// The account and the region that the stack plays.
pub const ACCOUNT: &str = "123456789012";
/// See [`ACCOUNT`].
pub const REGION: &str = "us-east-1";

/// The state machine's name.
const STATE_MACHINE: &str = "turnstile";

fn function_arn(function: &str) -> String {
    format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}")
}

fn state_machine_arn() -> String {
    format!("arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{STATE_MACHINE}")
}
