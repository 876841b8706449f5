//! Step Functions, as its API answers.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use account::{Execution, role_arn};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Error;
use crate::api::Api;
use crate::clock::WorldClock;

/// The pause between two calls of DescribeExecution in `wait_for`, in real time.
const PAUSE: Duration = Duration::from_millis(50);

/// DescribeExecution's answer; `input` and `output` are JSON texts.
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
    #[serde(default)]
    redrive_count: usize,
}

impl Description {
    fn into_execution(self, clock: WorldClock) -> Execution {
        let parse = |text: String| serde_json::from_str(&text).unwrap_or(Value::String(text));
        Execution {
            arn: self.execution_arn,
            name: self.name,
            status: self.status,
            input: parse(self.input),
            output: self.output.map(parse),
            error: self.error,
            cause: self.cause,
            started_at: clock.world_seconds(self.start_date),
            ended_at: self.stop_date.map(|date| clock.world_seconds(date)),
            redrive_count: self.redrive_count,
        }
    }
}

/// The state machine in the engine.
pub(crate) struct StateMachine {
    api: Api,
    pub(crate) arn: String,
    /// The executions as last described, by their ARNs. An execution does not change while its status is the same.
    described: Mutex<HashMap<String, Execution>>,
}

impl StateMachine {
    /// Creates the state machine from its definition.
    pub(crate) async fn create(api: Api, name: &str, definition: &str) -> Result<Self, Error> {
        let machine = json!({"name": name, "definition": definition, "roleArn": role_arn()});
        let created = api.call("CreateStateMachine", machine).await?;
        Ok(Self { api, arn: text(&created["stateMachineArn"]), described: Mutex::default() })
    }

    /// Replaces the definition. An execution that runs keeps the one that it was started with.
    pub(crate) async fn update(&self, definition: &str) -> Result<(), Error> {
        let update = json!({"stateMachineArn": self.arn, "definition": definition, "roleArn": role_arn()});
        self.api.call("UpdateStateMachine", update).await.map(drop)
    }

    pub(crate) async fn start(&self, name: Option<&str>, input: &Value) -> Result<String, Error> {
        let mut request = json!({"stateMachineArn": self.arn, "input": input.to_string()});
        if let Some(name) = name {
            request["name"] = name.into();
        }
        Ok(text(&self.api.call("StartExecution", request).await?["executionArn"]))
    }

    pub(crate) async fn describe(&self, arn: &str, clock: WorldClock) -> Result<Execution, Error> {
        const DESCRIBE: &str = "DescribeExecution";
        let answer = self.api.call(DESCRIBE, json!({"executionArn": arn})).await?;
        let description: Description =
            serde_json::from_value(answer).map_err(|error| Error::unreadable(DESCRIBE, &error))?;
        Ok(description.into_execution(clock))
    }

    pub(crate) async fn stop(&self, arn: &str) -> Result<(), Error> {
        self.api.call("StopExecution", json!({"executionArn": arn})).await.map(drop)
    }

    pub(crate) async fn wait_for(&self, arn: &str, clock: WorldClock) -> Result<Execution, Error> {
        loop {
            let execution = self.describe(arn, clock).await?;
            if !execution.is_running() {
                return Ok(execution);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Every execution, the oldest first.
    pub(crate) async fn executions(&self, clock: WorldClock) -> Result<Vec<Execution>, Error> {
        let pages = self.pages("ListExecutions", "executions", json!({"stateMachineArn": self.arn})).await?;
        let mut executions = Vec::with_capacity(pages.len());
        for listed in pages.iter().rev() {
            let arn = text(&listed["executionArn"]);
            let known = self.described.lock().unwrap().get(&arn).cloned();
            executions.push(match known.filter(|known| listed["status"] == known.status) {
                Some(known) => known,
                None => {
                    let described = self.describe(&arn, clock).await?;
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
