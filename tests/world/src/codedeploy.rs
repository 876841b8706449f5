//! CodeDeploy: deployment groups, deployments and their course on the instances.

mod automatic;
mod course;
mod deployment;
mod group;
mod health;
mod inputs;
mod lifecycle;
mod operations;
mod pipeline;
mod reach;
mod reading;
mod rollback;
mod shapes;
mod targets;
mod wire;

pub(crate) use automatic::{WaitingLaunch, WaitingTermination};
pub(crate) use deployment::{Creator, Deployment};
pub(crate) use group::DeploymentGroup;
pub(crate) use pipeline::Pipeline;
pub(crate) use wire::{SERVICE, answer};
