//! What came out of a run.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use stack::{Execution, Turn};
use world::{InstanceReport, Report};

use crate::format::{LaunchNumber, Outcome};

/// What came out of a run.
pub struct Came {
    /// Everything that happened in the world, all calls included.
    pub report: Report,
    /// The ids of the launched instances: the first is launch 1.
    pub launched: Vec<String>,
    /// The executions, the oldest first.
    pub rollouts: Vec<Rollout>,
    /// The claims in the turns table.
    pub turns: Vec<Turn>,
    /// How the run ended.
    pub ended: Ended,
    /// When, in world seconds.
    pub at: f64,
    /// What template.yaml does not permit and was done, a sentence each.
    pub forbidden: Vec<String>,
    /// How many calls each of the scenario's faults has hit.
    pub fault_hits: Vec<u32>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Ended {
    /// Nothing more was going on.
    Quiet,
    /// At the moment that the scenario says; more may be going on.
    Cut,
    /// It did not come to its end, and this was going on.
    GivenUp(String),
}

/// An execution.
#[derive(Debug, Clone)]
pub struct Rollout {
    /// As DescribeExecution tells of it.
    pub execution: Execution,
    /// Of this launch's instance, if of any.
    pub launch: Option<LaunchNumber>,
    /// When it started, in world seconds.
    pub started_at: f64,
    /// When it ended, in world seconds, if it has.
    pub ended_at: Option<f64>,
    /// How often each state was entered.
    pub states: BTreeMap<String, usize>,
}

impl Came {
    /// The instance of a launch.
    pub fn instance(&self, launch: LaunchNumber) -> Option<&InstanceReport> {
        self.launches().find(|(number, _)| *number == launch).map(|(_, instance)| instance)
    }

    /// The launched instances with their numbers.
    pub fn launches(&self) -> impl Iterator<Item = (LaunchNumber, &InstanceReport)> {
        let of = |id: &String| self.report.instances.iter().find(|instance| instance.instance_id == *id);
        let numbered = self.launched.iter().map(of).enumerate();
        numbered.filter_map(|(i, instance)| Some((i + 1, instance?)))
    }
}

impl Rollout {
    /// How it ended.
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

    /// Its output, or null.
    pub fn output(&self) -> &Value {
        self.execution.output.as_ref().unwrap_or(&Value::Null)
    }

    /// Its cause, which is JSON, or a text.
    pub fn cause(&self) -> Value {
        let cause = self.execution.cause.as_deref().unwrap_or_default();
        serde_json::from_str(cause).unwrap_or_else(|_| cause.into())
    }

    /// It in a line.
    pub fn line(&self) -> String {
        let of = self.launch.map_or_else(String::new, |launch| format!(" of launch {launch}"));
        let error = self.execution.error.as_deref().map_or_else(String::new, |error| format!(" {error}"));
        let cause = match &self.execution.cause {
            Some(cause) => format!(": {cause}"),
            None => String::new(),
        };
        format!("{}{of}: {:?}{error}{cause}", self.execution.name, self.outcome())
    }
}
