//! Auto Scaling: groups, launches and launch lifecycle hooks.

mod group;
mod hooks;
mod launches;
mod operations;
mod root_volume;
mod scale_out;
mod terminations;
mod warm_pool;
mod wire;

pub(crate) use group::{AutoScalingGroup, Hook, Transition};
pub(crate) use hooks::LifecycleAction;
pub(crate) use scale_out::PlannedLaunch;
pub(crate) use wire::answer;
