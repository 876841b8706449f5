//! The words of a rollout as types, and its decisions as pure functions over them, one file per subject.
//!
//! Nothing here calls AWS, waits or reads a clock: the calls are in the crate `aws`, the story of each function in its own crate.

pub mod application;
pub mod attempt;
pub mod codedeploy;
pub mod description;
pub mod error;
pub mod evidence;
pub mod input;
pub mod instance;
pub mod neighbours;
pub mod plan;
pub mod reason;
pub mod revision;
pub mod served;
pub mod suitability;
pub mod time;
pub mod turn;
pub mod verdict;
pub mod wait;

pub use error::Error;
