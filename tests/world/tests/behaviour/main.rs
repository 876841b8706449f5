//! The world, seen through the AWS SDK's own clients: what it does and how it says it.

mod agents;
mod autoscaling;
mod baking;
mod codedeploy;
mod course;
mod function;
mod hooks;
mod launches;
mod managed_hooks;
mod membership;
mod on_premises;
mod open_facts;
mod overview;
mod pipeline;
mod reads;
mod restart;
mod rollback;
mod root_volume;
mod rules;
mod scale_out;
mod stage;
mod stopping;
mod terminations;
mod throttling;
mod virtual_time;
mod warm_pool;
