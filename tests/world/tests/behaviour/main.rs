//! The world, seen through the AWS SDK's own clients: what it does and how it says it.

mod autoscaling;
mod codedeploy;
mod course;
mod hooks;
mod managed_hooks;
mod open_facts;
mod stage;
mod violations;
