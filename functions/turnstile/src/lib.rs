//! The words and the decisions of a rollout, as plain data and pure functions.
//!
//! A **rollout** is one execution of Turnstile's state machine: it deploys a list of CodeDeploy applications, one at a time, to one
//! launched instance or to every outdated instance of an Auto Scaling group. Each step of it is one call of a Lambda function.
//! Every question that such a call has to answer is answered here: whether a deployment succeeded on the instance
//! ([`policy::verdict`]), whether the instance is up to date ([`policy::up_to_date`]), whose turn it is ([`policy::turn`]), how
//! long to wait ([`policy::waits`]).
//!
//! Nothing here calls AWS, waits, or reads a clock. The calls are made by the crate `aws`, which translates the answers into these
//! [`words`]. The order of calls and decisions is told by each function's own crate.
//!
//! Files depend on each other in one direction: [`policy`] on [`words`], and both on [`limits`].

pub mod limits;
pub mod policy;
pub mod words;
