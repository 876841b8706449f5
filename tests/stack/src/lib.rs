//! AWS on one machine: the [world](world) is CodeDeploy and Auto Scaling, moto interprets the state machine, and the functions are the
//! bootstraps that Lambda would run.
//!
//! [`Stack::start`] starts it all on free loopback ports. Every call, of the functions, of the state machine's tasks and of tests,
//! goes to one endpoint, the front door, which hands it to the one that serves it.

mod definition;
mod engine;
mod environment;
mod error;
mod events;
mod executions;
mod front_door;
mod functions;
mod options;
mod stack;

pub use error::Error;
pub use executions::Execution;
pub use functions::{Function, Invoked, Process};
pub use options::Options;
pub use stack::Stack;

/// The account and the region that the stack plays.
pub const ACCOUNT: &str = "123456789012";
/// See [`ACCOUNT`].
pub const REGION: &str = "us-east-1";

/// The state machine's name.
const STATE_MACHINE: &str = "turnstile";

/// moto takes the region from a signature; it checks none.
const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=stack/20260101/us-east-1/states/aws4_request, \
                             SignedHeaders=host, Signature=0";

fn function_arn(function: &str) -> String {
    format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}")
}

fn state_machine_arn() -> String {
    format!("arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{STATE_MACHINE}")
}
