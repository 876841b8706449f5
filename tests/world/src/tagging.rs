//! The Resource Groups Tagging API: writes and reads the tags of EC2 instances, the only resources that the world tags.

mod inputs;
mod reading;
mod wire;
mod writing;

pub(crate) use wire::{SERVICE, answer};
