//! The words of a rollout, as types. They know how they are written and read, and decide nothing.

pub mod about;
pub mod application;
pub mod deployment;
pub mod enrolment;
pub mod error;
pub mod execution;
pub mod failure;
pub mod fields;
pub mod gate;
pub mod group;
pub mod hook;
pub mod ids;
pub mod input;
pub mod instance;
pub mod launch;
pub mod metric;
pub mod owner;
pub mod plan;
pub mod revision;
pub mod rollout_end;
pub mod served;
pub mod text;
pub mod time;
pub mod turn;
