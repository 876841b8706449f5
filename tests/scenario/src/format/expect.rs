//! What must come out of a scenario.

use serde::{Deserialize, Deserializer, Serialize};

use super::short::{self, Short};
use super::{Count, LaunchNumber, Object, Which, is_default};

/// What must come out. What is not given is not asked for, but for `executions`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Expect {
    /// The launched instances that are in service at the end.
    #[serde(skip_serializing_if = "is_default")]
    pub in_service: Option<Which>,
    /// The launched instances that are terminated at the end.
    #[serde(skip_serializing_if = "is_default")]
    pub terminated: Option<Which>,
    /// The instances that were launched, replacements too.
    #[serde(skip_serializing_if = "is_default")]
    pub launches: Option<Count>,
    /// Each of these has its executions, and each execution is one of these. `null` (the default): all have succeeded.
    #[serde(skip_serializing_if = "is_default")]
    pub executions: Option<Vec<ExpectedExecution>>,
    /// The deployments.
    #[serde(skip_serializing_if = "is_default")]
    pub deployments: Option<ExpectedDeployments>,
    /// Whether each deployment began after the one before it was over. Default false.
    #[serde(skip_serializing_if = "is_default")]
    pub one_at_a_time: bool,
    /// How the actions of the launch hook that starts rollouts ended.
    #[serde(skip_serializing_if = "is_default")]
    pub hooks: ExpectedHooks,
    /// Each is found in a warning of an execution that succeeded.
    #[serde(skip_serializing_if = "is_default")]
    pub warnings: Vec<String>,
    /// API calls that have been made.
    #[serde(skip_serializing_if = "is_default")]
    pub calls: Vec<ExpectedCall>,
    /// Whether any end is right that the scenario has a reason for: an instance in service with everything or terminated for a failure that it
    /// contains, an execution that failed for one. Default false.
    #[serde(skip_serializing_if = "is_default")]
    pub any_end_with_a_reason: bool,
}

/// Executions of the state machine. What is not given is not asked for, but for `count`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExpectedExecution {
    /// Of this launch's instance.
    #[serde(default, skip_serializing_if = "is_default")]
    pub launch: Option<LaunchNumber>,
    /// How it ended.
    pub outcome: Outcome,
    /// Its error's name.
    #[serde(default, skip_serializing_if = "is_default")]
    pub error: Option<String>,
    /// Found in its cause.
    #[serde(default, skip_serializing_if = "is_default")]
    pub cause: Object,
    /// Found in its output.
    #[serde(default, skip_serializing_if = "is_default")]
    pub output: Object,
    /// How often it entered these states.
    #[serde(default, skip_serializing_if = "is_default")]
    pub states: std::collections::BTreeMap<String, Count>,
    /// How many such executions there are. Default 1.
    #[serde(default = "once", skip_serializing_if = "is_once")]
    pub count: Count,
}

/// How an execution ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    /// Its instance, or its group, is up to date.
    Succeeded,
    /// It ended quietly: its instance was gone.
    InstanceGone,
    /// It failed.
    Failed,
    /// Somebody aborted it.
    Aborted,
    /// It took longer than the state machine allows.
    TimedOut,
    /// It has not ended.
    Running,
}

/// How many deployments, or of which applications in which order.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ExpectedDeployments {
    /// So many.
    Count(Count),
    /// Of these applications, in this order.
    Order(Vec<String>),
}

/// How many actions of the hook ended in which way.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ExpectedHooks {
    /// Completed with CONTINUE.
    #[serde(rename = "CONTINUE", skip_serializing_if = "is_default")]
    pub continued: Option<Count>,
    /// Completed with ABANDON.
    #[serde(rename = "ABANDON", skip_serializing_if = "is_default")]
    pub abandoned: Option<Count>,
    /// Left to a time-out. `null` (the default): none.
    #[serde(skip_serializing_if = "is_default")]
    pub timed_out: Option<Count>,
}

/// API calls of functions.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExpectedCall {
    /// Such as `CreateDeployment`.
    pub operation: String,
    /// The function that calls. Default any.
    #[serde(default, skip_serializing_if = "is_default")]
    pub caller: Option<String>,
    /// `ok`, an error code, or what a fault makes of it. Default any.
    #[serde(default, skip_serializing_if = "is_default")]
    pub outcome: Option<String>,
    /// How many. Default at least 1.
    #[serde(default = "at_least_once", skip_serializing_if = "is_at_least_once")]
    pub count: Count,
}

impl Short for ExpectedDeployments {
    const EXPECTED: &str = "a number, {\"min\", \"max\"} or a list of applications";

    fn of_number(number: u64) -> Option<Self> {
        Count::of_number(number).map(Self::Count)
    }

    fn of_list<'de, D: Deserializer<'de>>(list: D) -> Result<Self, D::Error> {
        Vec::deserialize(list).map(Self::Order)
    }

    fn of_object<'de, D: Deserializer<'de>>(object: D) -> Result<Self, D::Error> {
        Count::of_object(object).map(Self::Count)
    }
}

impl<'de> Deserialize<'de> for ExpectedDeployments {
    fn deserialize<D: Deserializer<'de>>(given: D) -> Result<Self, D::Error> {
        short::read(given)
    }
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
