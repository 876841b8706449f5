//! What the Turnstile functions share: the words of a rollout as types, the decisions as pure functions over them, and
//! the few calls of CodeDeploy, Auto Scaling, DynamoDB and Step Functions, one file per subject.
//!
//! The library knows no Lambda event loop, and the functions know no wire format.

pub mod application;
pub mod attempt;
pub mod autoscaling;
pub mod aws;
pub mod codedeploy;
pub mod description;
pub mod error;
pub mod evidence;
pub mod executions;
pub mod input;
pub mod log;
pub mod neighbours;
pub mod owed;
pub mod plan;
pub mod reason;
pub mod revision;
pub mod served;
pub mod suitability;
pub mod turn;
pub mod verdict;
pub mod wait;

pub use error::Error;
