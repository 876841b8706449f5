//! The AWS side of Turnstile: the calls of CodeDeploy, Auto Scaling, Step Functions and DynamoDB, from and to the words of the
//! crate `turnstile`, and the start-up that all functions share.
//!
//! What an answer of AWS means is decided in `turnstile`; how AWS spells it is known here and nowhere else.

pub mod autoscaling;
pub mod clients;
pub mod codedeploy;
pub mod error;
pub mod evidence;
pub mod executions;
pub mod function;
pub mod owed;
pub mod settings;
pub mod turns;
