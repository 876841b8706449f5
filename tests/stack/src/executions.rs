//! Step Functions, as its API answers.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::Error;
use crate::api::Api;

/// How often `wait_for` asks, in real time.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// An execution of the state machine, as DescribeExecution tells of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Execution {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED.
    pub status: String,
    /// What it was started with.
    pub input: Value,
    /// What it ended with, when it succeeded.
    pub output: Option<Value>,
    /// The error's name, when it failed.
    pub error: Option<String>,
    /// The error's reason, when it failed.
    pub cause: Option<String>,
    /// Real time of the start, in seconds since 1970.
    pub start_date: f64,
    /// Real time of the end, in seconds since 1970, when it has ended.
    pub stop_date: Option<f64>,
}

impl Execution {
    /// Whether it has not ended yet.
    pub fn is_running(&self) -> bool {
        self.status == "RUNNING"
    }
}

/// DescribeExecution's answer on the wire; `input` and `output` are JSON inside text.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Description {
    execution_arn: String,
    name: String,
    status: String,
    input: String,
    output: Option<String>,
    error: Option<String>,
    cause: Option<String>,
    start_date: f64,
    stop_date: Option<f64>,
}

impl From<Description> for Execution {
    fn from(description: Description) -> Self {
        let parse = |text: String| serde_json::from_str(&text).unwrap_or(Value::String(text));
        Self {
            arn: description.execution_arn,
            name: description.name,
            status: description.status,
            input: parse(description.input),
            output: description.output.map(parse),
            error: description.error,
            cause: description.cause,
            start_date: description.start_date,
            stop_date: description.stop_date,
        }
    }
}

/// The state machine in the engine.
pub(crate) struct StateMachine {
    api: Api,
    pub(crate) arn: String,
    /// The executions as they were last described, by their ARNs. One whose status is still the same has not changed.
    described: Mutex<HashMap<String, Execution>>,
}

impl StateMachine {
    /// Creates the state machine from its definition.
    pub(crate) async fn create(api: Api, name: &str, definition: &str) -> Result<Self, Error> {
        let role = format!("arn:aws:iam::{}:role/{name}", crate::ACCOUNT);
        let machine = json!({"name": name, "definition": definition, "roleArn": role});
        let created = api.call("CreateStateMachine", machine).await?;
        Ok(Self { api, arn: text(&created["stateMachineArn"]), described: Mutex::default() })
    }

    pub(crate) async fn start(&self, name: Option<&str>, input: &Value) -> Result<String, Error> {
        let mut request = json!({"stateMachineArn": self.arn, "input": input.to_string()});
        if let Some(name) = name {
            request["name"] = name.into();
        }
        Ok(text(&self.api.call("StartExecution", request).await?["executionArn"]))
    }

    pub(crate) async fn describe(&self, arn: &str) -> Result<Execution, Error> {
        const DESCRIBE: &str = "DescribeExecution";
        let answer = self.api.call(DESCRIBE, json!({"executionArn": arn})).await?;
        let description: Description =
            serde_json::from_value(answer).map_err(|error| Error::unreadable(DESCRIBE, &error))?;
        Ok(description.into())
    }

    pub(crate) async fn stop(&self, arn: &str) -> Result<(), Error> {
        self.api.call("StopExecution", json!({"executionArn": arn})).await.map(drop)
    }

    pub(crate) async fn wait_for(&self, arn: &str) -> Result<Execution, Error> {
        loop {
            let execution = self.describe(arn).await?;
            if !execution.is_running() {
                return Ok(execution);
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    }

    /// Every execution, the oldest first.
    pub(crate) async fn executions(&self) -> Result<Vec<Execution>, Error> {
        let pages = self.pages("ListExecutions", "executions", json!({"stateMachineArn": self.arn})).await?;
        let mut executions = Vec::with_capacity(pages.len());
        for listed in pages.iter().rev() {
            let arn = text(&listed["executionArn"]);
            let known = self.described.lock().unwrap().get(&arn).cloned();
            executions.push(match known.filter(|known| listed["status"] == known.status) {
                Some(known) => known,
                None => {
                    let described = self.describe(&arn).await?;
                    self.described.lock().unwrap().insert(arn, described.clone());
                    described
                }
            });
        }
        Ok(executions)
    }

    pub(crate) async fn history(&self, arn: &str) -> Result<Vec<Value>, Error> {
        self.pages("GetExecutionHistory", "events", json!({"executionArn": arn})).await
    }

    async fn pages(&self, operation: &'static str, field: &str, mut request: Value) -> Result<Vec<Value>, Error> {
        let mut items = Vec::new();
        loop {
            let mut answer = self.api.call(operation, request.clone()).await?;
            if let Value::Array(page) = answer[field].take() {
                items.extend(page);
            }
            match answer["nextToken"].take() {
                Value::String(token) => request["nextToken"] = token.into(),
                _ => return Ok(items),
            }
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The state transitions that a Standard workflow is billed for: every state entered, and every retry of a task.
///
/// Source: "AWS Step Functions pricing": "Step Functions counts a state transition each time a step of your workflow is executed.
/// You are charged for the total number of state transitions across all your state machines, including retries."
pub(crate) fn transitions(history: &[Value]) -> usize {
    let kind = |event: &Value| text(&event["type"]);
    let entered = history.iter().filter(|event| kind(event).ends_with("StateEntered")).count();
    let retried = history
        .iter()
        .filter(|event| matches!(kind(event).as_str(), "TaskScheduled" | "LambdaFunctionScheduled"))
        .filter(|event| {
            // A first attempt follows its state's entry, another one the failure of the one before it.
            !history.iter().any(|before| before["id"] == event["previousEventId"] && kind(before) == "TaskStateEntered")
        })
        .count();
    entered + retried
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transitions_are_states_entered_and_retries() {
        let history: Vec<Value> = [
            (1, 0, "ExecutionStarted"),
            (2, 0, "TaskStateEntered"),
            (3, 2, "TaskScheduled"),
            (4, 3, "TaskStarted"),
            (5, 4, "TaskFailed"),
            (6, 5, "TaskScheduled"),
            (7, 6, "TaskStarted"),
            (8, 7, "TaskTimedOut"),
            (9, 8, "TaskScheduled"),
            (10, 9, "TaskSucceeded"),
            (11, 10, "TaskStateExited"),
            (12, 11, "MapStateEntered"),
            (13, 12, "MapStateStarted"),
            (14, 13, "MapIterationStarted"),
            (15, 14, "ChoiceStateEntered"),
            (16, 15, "ChoiceStateExited"),
            (17, 16, "FailStateEntered"),
            (18, 17, "ExecutionFailed"),
        ]
        .map(|(id, previous, kind)| json!({"id": id, "previousEventId": previous, "type": kind}))
        .into();
        assert_eq!(transitions(&history), 6);
        assert_eq!(transitions(&[]), 0);
    }
}
