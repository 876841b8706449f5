//! The world, seen through the AWS SDK's own clients: what it does and how it says it.

mod agents;
mod autoscaling;
mod codedeploy;
mod course;
mod hooks;
mod launches;
mod managed_hooks;
mod open_facts;
mod overview;
mod reads;
mod rules;
mod scale_out;
mod stage;
mod stopping;
mod throttling;
mod virtual_time;
mod warm_pool;
