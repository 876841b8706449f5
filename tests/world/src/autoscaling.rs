//! Auto Scaling: groups, launches and launch lifecycle hooks.

mod group;
mod hooks;
mod launches;
mod operations;
mod wire;

pub(crate) use group::{AutoScalingGroup, Hook};
pub(crate) use hooks::LifecycleAction;
pub(crate) use wire::answer;
