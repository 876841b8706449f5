//! AWS on one machine: the [world](world) is CodeDeploy, Auto Scaling and the instances' tags, moto interprets the state machine and keeps the table of turns,
//! and the functions are the bootstraps that Lambda would run.
//!
//! [`Stack::start`] starts all of them on free loopback ports. The functions, the state machine's tasks and the tests call one endpoint, the
//! front door, which forwards each call to whatever serves it.

mod api;
mod clock;
mod connection;
mod definition;
mod delayed_call;
mod end_rule;
mod engine;
mod environment;
mod error;
mod executions;
mod front_door;
mod functions;
mod launch_rule;
mod minutes;
mod options;
mod schedule;
mod signals;
pub mod six_applications;
mod stack;
mod turns;

pub use account::{ACCOUNT, Execution, Invoked, REGION, Served, Turn, history, permissions};
pub use delayed_call::DelayedCall;
pub use error::Error;
pub use functions::{Function, Process};
pub use minutes::minutes;
pub use options::{Options, parse_speed, workspace};
pub use signals::{Interrupted, Signals};
pub use stack::Stack;
