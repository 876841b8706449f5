//! What is expected of a scenario's run.

use std::collections::BTreeMap;

use account::alarms::Course;
use serde::{Deserialize, Serialize};

use super::{Count, CountOrList, LaunchNumber, Object, is_default};

/// What is expected. A field that is not given expects nothing, except `executions`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Expect {
    /// The launched instances that are in service at the end: how many, or which.
    #[serde(skip_serializing_if = "is_default")]
    pub in_service: Option<CountOrList<LaunchNumber>>,
    /// The launched instances that are terminated at the end: how many, or which.
    #[serde(skip_serializing_if = "is_default")]
    pub terminated: Option<CountOrList<LaunchNumber>>,
    /// The instances that were launched, replacements too.
    #[serde(skip_serializing_if = "is_default")]
    pub launches: Option<Count>,
    /// Each pattern matches as many executions as it expects, and each execution matches a pattern. `null` (the default): all have succeeded.
    #[serde(skip_serializing_if = "is_default")]
    pub executions: Option<Vec<ExpectedExecution>>,
    /// The deployments: how many, or of which applications in which order.
    #[serde(skip_serializing_if = "is_default")]
    pub deployments: Option<CountOrList<String>>,
    /// By launch: the applications whose deployments have begun on its instance, in the order in which they did.
    #[serde(skip_serializing_if = "is_default")]
    pub reached: BTreeMap<LaunchNumber, Vec<String>>,
    /// Whether each deployment was created after the one before it was over. Default false.
    #[serde(skip_serializing_if = "is_default")]
    pub one_at_a_time: bool,
    /// How the actions of Turnstile's launch hook ended.
    #[serde(skip_serializing_if = "is_default")]
    pub hooks: ExpectedHooks,
    /// Texts, each of which is in a warning of an execution that succeeded.
    #[serde(skip_serializing_if = "is_default")]
    pub warnings: Vec<String>,
    /// API calls that were made.
    #[serde(skip_serializing_if = "is_default")]
    pub calls: Vec<ExpectedCall>,
    /// How alarms of template.yaml go, by their logical ids. Judged in the simulation.
    #[serde(skip_serializing_if = "is_default")]
    pub alarms: BTreeMap<String, Course>,
    /// Whether every end is right for which the scenario contains a reason: an instance is in service or was terminated for such a reason, and
    /// an execution succeeded or failed for one. Default false.
    #[serde(skip_serializing_if = "is_default")]
    pub any_end_with_a_reason: bool,
}

/// A pattern of executions. A field that is not given matches any, except `count`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExpectedExecution {
    /// The launch that they are about.
    #[serde(default, skip_serializing_if = "is_default")]
    pub launch: Option<LaunchNumber>,
    /// How they ended.
    pub outcome: Outcome,
    /// The error's name.
    #[serde(default, skip_serializing_if = "is_default")]
    pub error: Option<String>,
    /// Fields of the cause.
    #[serde(default, skip_serializing_if = "is_default")]
    pub cause: Object,
    /// Fields of the output.
    #[serde(default, skip_serializing_if = "is_default")]
    pub output: Object,
    /// How often they entered states.
    #[serde(default, skip_serializing_if = "is_default")]
    pub states: BTreeMap<String, Count>,
    /// How many executions match. Default 1.
    #[serde(default = "once", skip_serializing_if = "is_once")]
    pub count: Count,
}

/// How an execution ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    /// Its instance, or its group, is up to date.
    Succeeded,
    /// It ended without a failure because its instance was gone.
    InstanceGone,
    /// It failed.
    Failed,
    /// A person aborted it.
    Aborted,
    /// It took longer than the state machine allows.
    TimedOut,
    /// It has not ended.
    Running,
}

/// How many of the hook's actions ended in which way.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ExpectedHooks {
    /// Completed with CONTINUE.
    #[serde(rename = "CONTINUE", skip_serializing_if = "is_default")]
    pub continued: Option<Count>,
    /// Completed with ABANDON.
    #[serde(rename = "ABANDON", skip_serializing_if = "is_default")]
    pub abandoned: Option<Count>,
    /// Ended by a time-out. `null` (the default): none.
    #[serde(skip_serializing_if = "is_default")]
    pub timed_out: Option<Count>,
}

/// API calls of functions.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExpectedCall {
    /// Such as `CreateDeployment`.
    pub operation: String,
    /// The calling function. Default any.
    #[serde(default, skip_serializing_if = "is_default")]
    pub caller: Option<String>,
    /// `ok`, an error code, `reset` or `lost answer`. Default any.
    #[serde(default, skip_serializing_if = "is_default")]
    pub outcome: Option<String>,
    /// Fields of its input. Default any.
    #[serde(default, skip_serializing_if = "is_default")]
    pub parameters: Object,
    /// How many calls. Default at least 1.
    #[serde(default = "at_least_once", skip_serializing_if = "is_at_least_once")]
    pub count: Count,
}

fn once() -> Count {
    Count::exactly(1)
}

fn is_once(given: &Count) -> bool {
    *given == once()
}

fn at_least_once() -> Count {
    Count { min: 1, max: None }
}

fn is_at_least_once(given: &Count) -> bool {
    *given == at_least_once()
}
