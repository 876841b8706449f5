//! The AWS side of Turnstile: the calls of CodeDeploy, Auto Scaling, Step Functions, DynamoDB, SNS, EventBridge and the tagging of instances, from and to the words of the crate
//! `turnstile`, and the start-up that all functions share.
//!
//! How AWS spells an answer is known here and nowhere else. What the answer means for a rollout is decided in `turnstile`.

pub mod autoscaling;
pub mod clients;
pub mod codedeploy;
pub mod ends;
pub mod enrolments;
mod error;
pub mod executions;
pub mod function;
pub mod gates;
pub mod history;
pub mod launches;
mod log;
pub mod metrics;
pub mod notices;
pub mod owners;
pub mod pending_hook;
pub mod served;
pub mod settings;
pub mod turns;
pub mod up_to_date;
