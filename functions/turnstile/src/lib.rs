//! What the Turnstile functions share: the words of a rollout as types, the decisions as pure functions over them, and
//! the few CodeDeploy and Auto Scaling calls, one file per subject.
//!
//! The library knows no Lambda event loop, and the functions know no wire format.

pub mod application;
pub mod autoscaling;
pub mod aws;
pub mod codedeploy;
pub mod error;
pub mod evidence;
pub mod input;
pub mod log;
pub mod plan;
pub mod reason;
pub mod revision;
pub mod verdict;
pub mod wait;

pub use error::Error;
