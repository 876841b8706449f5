//! The functions, the state machine's definition and the world in one process and in virtual time, decided by a seed.
//!
//! [`block_on`] makes time virtual: Tokio's clock stands still while there is something to do, and leaps to the next timer when there is
//! not. [`Simulation::start`] puts into it the [world], Lambda with the functions as they are exported, Step Functions with an
//! interpreter of the definition that is deployed, and DynamoDB. The functions' SDK clients speak the services' wire protocols to them,
//! through a connector that opens no socket.
//!
//! Every number that is drawn comes from one seed, and everything happens in one thread, so that a run can be repeated to the byte:
//! [`Simulation::trace_hash`] is equal for equal options. Each way of each call takes a time that is drawn too, which is how calls that are
//! made side by side meet in every order.

mod clock;
mod connector;
mod dynamodb;
mod error;
mod event_bridge;
mod functions;
mod lambda;
pub mod machine;
mod network;
mod options;
mod seed;
mod services;
mod simulation;
mod step_functions;
mod trace;
mod turns;

pub use error::Error;
pub use lambda::{Invoked, LambdaOptions, Lost};
pub use network::Network;
pub use options::Options;
pub use simulation::{Simulation, block_on};
pub use step_functions::Trailing;
pub use trace::Entry;
