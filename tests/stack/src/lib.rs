//! AWS on one machine: the [world](world) is CodeDeploy and Auto Scaling, moto interprets the state machine and keeps the table of turns,
//! and the functions are the bootstraps that Lambda would run.
//!
//! [`Stack::start`] starts all of them on free loopback ports. The functions, the state machine's tasks and the tests call one endpoint, the
//! front door, which forwards each call to whatever serves it.

mod api;
mod calls;
mod clock;
mod connection;
mod definition;
mod delayed_call;
mod engine;
mod environment;
mod error;
mod events;
mod executions;
mod front_door;
mod functions;
pub mod history;
mod launch_rule;
mod minutes;
mod options;
pub mod permissions;
mod schedule;
mod signals;
pub mod six_applications;
mod stack;
mod turns;
mod variables;

pub use delayed_call::DelayedCall;
pub use error::Error;
pub use executions::Execution;
pub use functions::{Function, Invoked, Process};
pub use minutes::minutes;
pub use options::{Options, parse_speed, workspace};
pub use signals::{Interrupted, Signals};
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
