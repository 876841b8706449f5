//! The rules over a whole run: those that need to know more than the world does.
//!
//! The world checks most rules as things happen, and [`Report::violations`] has what it found. The others are about executions, about who
//! made a call, and about the table of turns. They are pure functions over a finished [`Run`], and [`violations`] has both together.
//!
//! What a run does not know cannot be checked. Each row is a fact, who provides it, and what is not checked without it:
//!
//! | fact | provided by | without it |
//! |---|---|---|
//! | [`Call::invocation`](crate::Call::invocation) | whoever runs the functions puts an [`Invocation`](crate::Invocation) into the extensions of each request to [`World::router`](crate::World::router), and into the calls that it records | who owns a launch, heartbeats, results of hooks, second deployments of one state, what a dry run does; a completion is judged by what there was two minutes before |
//! | calls of DynamoDB and Step Functions in their place among the world's | [`World::record`](crate::World::record), right when the call has its effect | a call that comes before the heartbeat passes unseen |
//! | [`Effect::ClaimsChanged`](crate::Effect::ClaimsChanged) of the calls to the table of turns, a person's too | the same | deployments, stops and moves of gates without the turn |
//! | [`Run::executions`] | Step Functions | anything about an execution |
//! | [`Execution::failed_at`] | the execution's history: the first entry of a state that follows on a failure | a rollout that backs off passes for one at work |
//! | [`Run::claims`] | the table of turns, at the end | lost turns |

mod dry_runs;
mod failures;
mod gates;
mod heartbeat;
mod known;
mod owner;
mod results;
mod tasks;
mod turns;

use std::collections::HashMap;

use serde::Serialize;
use serde_json::Value;

use self::owner::Ownership;
use crate::report::{Call, Claim, DeploymentReport, HookActionReport, Report};
use crate::violation::{ActionId, DeploymentId, Violation};

pub use known::{KnownViolations, UnreadableList};

/// A finished run, and what is known of it.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// With all calls. Those of services that the world does not play are in their place among the others.
    pub report: &'a Report,
    /// Every execution of the state machine.
    pub executions: &'a [Execution],
    /// The claims in the table of turns at the end.
    pub claims: &'a [Claim],
}

/// An execution of the state machine. Times are in world seconds since the start.
#[derive(Debug, Clone, PartialEq)]
pub struct Execution {
    /// Its ARN.
    pub arn: String,
    /// How it ended, or that it has not.
    pub status: ExecutionStatus,
    /// What it was started with.
    pub input: Value,
    /// Its error's name, when it failed.
    pub error: Option<String>,
    /// Its error's cause, when it failed.
    pub cause: Option<String>,
    /// When it ran: once, and once more each time it was redriven.
    pub runs: Vec<Running>,
    /// When its rollout had failed: from then on it backs off, and completes its hook as `onFailure` says. `None` when it has not, or when
    /// that is not known.
    pub failed_at: Option<f64>,
}

/// A time in which an execution ran.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Running {
    /// Its start.
    pub from: f64,
    /// Its end; `None` while it runs.
    pub to: Option<f64>,
}

/// Where an execution stands, as DescribeExecution tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs, reason = "the names are Step Functions'")]
pub enum ExecutionStatus {
    Running,
    Succeeded,
    Failed,
    TimedOut,
    Aborted,
}

impl ExecutionStatus {
    /// As Step Functions writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            ExecutionStatus::Running => "RUNNING",
            ExecutionStatus::Succeeded => "SUCCEEDED",
            ExecutionStatus::Failed => "FAILED",
            ExecutionStatus::TimedOut => "TIMED_OUT",
            ExecutionStatus::Aborted => "ABORTED",
        }
    }
}

/// Everything that a run did and must not, in the order of time: what the world has found, and what follows from the rest.
pub fn violations(run: &Run) -> Vec<Violation> {
    let first = FirstCalls::of(run);
    let ownership = Ownership::of(run, &first);
    let mut violations = run.report.violations.clone();
    violations.extend(results::violations(run));
    violations.extend(turns::violations(run, &first));
    violations.extend(gates::violations(run, &first));
    violations.extend(failures::violations(run));
    violations.extend(tasks::violations(run));
    violations.extend(dry_runs::violations(run));
    violations.extend(ownership.violations(run));
    violations.extend(heartbeat::violations(run, &ownership));
    violations.sort_by(|a, b| a.at.total_cmp(&b.at));
    violations
}

/// The indexes of the first calls of executions and of invocations.
struct FirstCalls<'a> {
    /// By ARN.
    of_execution: HashMap<&'a str, usize>,
    /// By request id.
    of_invocation: HashMap<&'a str, usize>,
}

impl<'a> FirstCalls<'a> {
    fn of(run: &Run<'a>) -> Self {
        let mut first = FirstCalls { of_execution: HashMap::new(), of_invocation: HashMap::new() };
        for (index, call) in run.report.calls.iter().enumerate() {
            if let Some(invocation) = &call.invocation {
                first.of_invocation.entry(&invocation.request_id).or_insert(index);
            }
            if let Some(execution) = execution_of(call) {
                first.of_execution.entry(execution).or_insert(index);
            }
        }
        first
    }

    /// When the invocation began in which a call was made: the index of its first call. What the call does follows from what could be known
    /// then.
    fn of_invocation(&self, call: &Call) -> Option<usize> {
        self.of_invocation.get(call.invocation.as_ref()?.request_id.as_str()).copied()
    }

    fn of_execution(&self, arn: &str) -> Option<usize> {
        self.of_execution.get(arn).copied()
    }
}

impl Run<'_> {
    fn execution(&self, arn: &str) -> Option<&Execution> {
        self.executions.iter().find(|execution| execution.arn == arn)
    }

    fn last_call_at(&self) -> f64 {
        self.report.calls.last().map_or(0.0, |call| call.at)
    }

    fn deployment(&self, id: &str) -> Option<&DeploymentReport> {
        self.report.deployments.iter().find(|deployment| deployment.deployment_id == id)
    }
}

impl Execution {
    /// Whether it runs at a time. It has ended at the moment of its end.
    fn runs_at(&self, at: f64) -> bool {
        self.runs.iter().any(|run| run.from <= at && run.to.is_none_or(|to| at < to))
    }

    /// Whether its rollout has failed by then.
    fn has_failed_by(&self, at: f64) -> bool {
        self.failed_at.is_some_and(|failed_at| failed_at <= at)
    }

    /// When it ended for good, else the latest time known of it.
    fn last_seen_at(&self) -> f64 {
        self.runs.last().map_or(0.0, |run| run.to.unwrap_or(run.from))
    }
}

/// The execution in one of whose invocations a call was made.
fn execution_of(call: &Call) -> Option<&str> {
    call.invocation.as_ref()?.execution.as_deref()
}

impl From<&HookActionReport> for ActionId {
    fn from(action: &HookActionReport) -> Self {
        ActionId {
            instance_id: action.instance_id.clone(),
            lifecycle_hook_name: action.hook.clone(),
            destination: action.destination,
        }
    }
}

impl From<&DeploymentReport> for DeploymentId {
    fn from(deployment: &DeploymentReport) -> Self {
        DeploymentId {
            application_name: deployment.application_name.clone(),
            deployment_group_name: deployment.deployment_group_name.clone(),
            deployment_id: deployment.deployment_id.clone(),
        }
    }
}
