//! What was observed in a run.

use std::collections::BTreeMap;

use account::alarms::Sample;
use account::events::REPORT_OUTCOME;
use account::{Execution, Turn};
use serde::Serialize;
use serde_json::Value;
use simulation::Entry;
use world::{Call, InstanceReport, Report};

use crate::format::{LaunchNumber, Outcome};

/// World seconds by which an execution's times may be wrong: the engine dates executions in real time, whose milliseconds are seconds of the
/// world.
pub const EXECUTION_TIME_TOLERANCE: f64 = 5.0;

/// What was observed in a run. Times are in world seconds since the start.
pub struct Observed {
    /// Everything that happened in the world, with all calls.
    pub report: Report,
    /// The ids of the launched instances: the first is launch 1.
    pub launched: Vec<String>,
    /// The executions, the oldest first.
    pub rollouts: Vec<Rollout>,
    /// The claims in the table of turns.
    pub turns: Vec<Turn>,
    /// How the run ended.
    pub ended: Ended,
    /// When the run ended.
    pub at: f64,
    /// The functions' calls that template.yaml does not permit, a sentence each.
    pub forbidden: Vec<String>,
    /// The number of calls that each of the scenario's faults has hit.
    pub fault_hits: Vec<u32>,
    /// SHA-256 of everything that happened in a simulation: equal for equal runs.
    pub trace_hash: Option<String>,
    /// The events of ends that report-outcome could not handle.
    pub untold: Vec<Value>,
    /// The metrics by which alarms go, or what is wrong with them; `None` on the stack.
    pub metrics: Option<Result<Vec<Sample>, String>>,
    /// What happened, in order, if the run was to keep it.
    pub trace: Vec<Entry>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Ended {
    /// Nothing went on any more.
    Quiet,
    /// The scenario's `until` held; more may have been going on.
    Cut,
    /// The run was given up; the sentence says what was going on.
    GivenUp(String),
}

/// An execution.
#[derive(Debug, Clone)]
pub struct Rollout {
    /// The execution as DescribeExecution gives it.
    pub execution: Execution,
    /// The launch that the execution is about, if it is about one.
    pub launch: Option<LaunchNumber>,
    /// How often the execution has entered each state.
    pub states: BTreeMap<String, usize>,
}

impl Observed {
    /// The instance of a launch.
    pub fn instance(&self, launch: LaunchNumber) -> Option<&InstanceReport> {
        self.launches().find(|(number, _)| *number == launch).map(|(_, instance)| instance)
    }

    /// The launched instances with their launch numbers.
    pub fn launches(&self) -> impl Iterator<Item = (LaunchNumber, &InstanceReport)> {
        let of = |id: &String| self.report.instances.iter().find(|instance| instance.instance_id == *id);
        let numbered = self.launched.iter().map(of).enumerate();
        numbered.filter_map(|(i, instance)| Some((i + 1, instance?)))
    }

    /// Whether the function that tells of ends was kept from its work at least once: calls of it failed.
    pub fn has_gone_wrong(&self) -> bool {
        let own = self.report.calls.iter().filter(|call| call.caller == REPORT_OUTCOME);
        own.filter(|call| call.outcome != "ConditionalCheckFailedException").any(|call| call.outcome != "ok")
            || !self.untold.is_empty()
    }

    /// The calls that were made while an execution ran, by it or by others.
    pub fn calls_during(&self, rollout: &Rollout) -> impl Iterator<Item = &Call> {
        let Execution { started_at, ended_at, .. } = &rollout.execution;
        let from = started_at - EXECUTION_TIME_TOLERANCE;
        let to = ended_at.unwrap_or(f64::MAX) + EXECUTION_TIME_TOLERANCE;
        self.report.calls.iter().filter(move |call| from <= call.at && call.at <= to)
    }
}

impl Rollout {
    /// How the execution ended.
    pub fn outcome(&self) -> Outcome {
        match self.execution.status.as_str() {
            "RUNNING" => Outcome::Running,
            "SUCCEEDED" if self.output()["outcome"] == "INSTANCE_GONE" => Outcome::InstanceGone,
            "SUCCEEDED" => Outcome::Succeeded,
            "ABORTED" => Outcome::Aborted,
            "TIMED_OUT" => Outcome::TimedOut,
            _ => Outcome::Failed,
        }
    }

    /// The execution's output, or null.
    pub fn output(&self) -> &Value {
        self.execution.output.as_ref().unwrap_or(&Value::Null)
    }

    /// The name of the execution's error; empty without one.
    pub fn error(&self) -> &str {
        self.execution.error.as_deref().unwrap_or_default()
    }

    /// The execution's cause: read where it is JSON, otherwise as a text.
    pub fn cause(&self) -> Value {
        let cause = self.execution.cause.as_deref().unwrap_or_default();
        serde_json::from_str(cause).unwrap_or_else(|_| cause.into())
    }

    /// The execution with its launch, outcome, error and cause, in a line.
    pub fn summary(&self) -> String {
        let of = self.launch.map_or_else(String::new, |launch| format!(" of launch {launch}"));
        let error = self.execution.error.as_deref().map_or_else(String::new, |error| format!(" {error}"));
        let cause = self.execution.cause.as_deref().map_or_else(String::new, |cause| format!(": {cause}"));
        format!("{}{of}: {:?}{error}{cause}", self.execution.name, self.outcome())
    }
}
