//! The Step Functions calls: the executions of the state machine.

use std::collections::BTreeSet;
use std::ops::Range;

use aws_sdk_sfn::Client;
use aws_sdk_sfn::types::ExecutionRedriveFilter::{self, Redriven};
use aws_sdk_sfn::types::{ExecutionStatus, HistoryEventType};
use aws_smithy_types::DateTime;
use serde_json::Value;
use turnstile::limits::{LONGEST_EXECUTION, LONGEST_REDRIVABLE};
use turnstile::words::error::Error;
use turnstile::words::execution::{EndId, EndedExecution, Execution, ExecutionStatus as Status};
use turnstile::words::ids::ExecutionArn;
use turnstile::words::owner::Run;
use turnstile::words::time::Timestamp;

use crate::error::of_call;

/// ListExecutions answers with 1,000 executions at the most (Step Functions API reference).
const PAGE: i32 = 1_000;

/// The Step Functions API.
#[derive(Debug, Clone)]
pub struct Executions {
    client: Client,
}

/// What comes of starting an execution.
#[derive(Debug, Clone, PartialEq)]
pub enum Start {
    /// It runs, since now or since an earlier start with the same name and input.
    Running(ExecutionArn),
    /// An execution of this name has ended.
    HasEnded,
}

impl Executions {
    /// The executions that this client sees.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// Starts an execution, unless there is one of this name. `input` is JSON.
    ///
    /// # Errors
    /// [`Error::Throttled`], [`Error::Unavailable`], [`Error::AccessDenied`] or [`Error::Unexpected`]; so for every call here.
    pub async fn start(&self, state_machine: &str, name: &str, input: String) -> Result<Start, Error> {
        match self.client.start_execution().state_machine_arn(state_machine).name(name).input(input).send().await {
            Ok(started) => Ok(Start::Running(started.execution_arn.into())),
            Err(e) if e.as_service_error().is_some_and(|e| e.is_execution_already_exists()) => Ok(Start::HasEnded),
            Err(e) => Err(of_call("StepFunctions.StartExecution", &e)),
        }
    }

    /// The names of the executions that run. One that has just been started may be missing.
    ///
    /// # Errors
    /// See [`Executions::start`].
    pub async fn running(&self, state_machine: &str) -> Result<Vec<String>, Error> {
        let request = self.client.list_executions().state_machine_arn(state_machine);
        let pages = request.status_filter(ExecutionStatus::Running).into_paginator().items().send();
        let all = pages.collect::<Result<Vec<_>, _>>().await;
        let all = all.map_err(|e| of_call("StepFunctions.ListExecutions", &e))?;
        Ok(all.into_iter().map(|execution| execution.name).collect())
    }

    /// The executions that have ended, of those that started at `since` or later. One that has just ended may be missing.
    ///
    /// # Errors
    /// See [`Executions::start`].
    pub async fn ended(&self, state_machine: &str, since: Timestamp) -> Result<Vec<EndedExecution>, Error> {
        let request = self.client.list_executions().state_machine_arn(state_machine).max_results(PAGE);
        let mut pages = request.into_paginator().items().send();
        let mut ended = Vec::new();
        while let Some(execution) = pages.next().await {
            let execution = execution.map_err(|e| of_call("StepFunctions.ListExecutions", &e))?;
            let started_at = timestamp(execution.start_date());
            // The newest come first (Step Functions API reference, ListExecutions).
            if started_at < since {
                break;
            }
            ended.extend(execution.stop_date().map(|stop_date| EndedExecution {
                name: execution.name().to_owned(),
                started_at,
                ended_at: timestamp(stop_date),
                has_succeeded: *execution.status() == ExecutionStatus::Succeeded,
            }));
        }
        Ok(ended)
    }

    /// The executions' ends between two moments. One that has just been may be missing.
    ///
    /// # Errors
    /// See [`Executions::start`].
    pub async fn ends(&self, state_machine: &str, between: Range<Timestamp>) -> Result<BTreeSet<EndId>, Error> {
        let since = between.start.minus_seconds(LONGEST_EXECUTION);
        let mut ends = self.ends_of(None, state_machine, since, &between).await?;
        // It keeps its start, and may have ended several times.
        let since = since.minus_seconds(LONGEST_REDRIVABLE);
        ends.extend(self.ends_of(Some(Redriven), state_machine, since, &between).await?);
        Ok(ends)
    }

    /// The ends between two moments of those executions that started at `since` or later.
    async fn ends_of(
        &self,
        which: Option<ExecutionRedriveFilter>,
        state_machine: &str,
        since: Timestamp,
        between: &Range<Timestamp>,
    ) -> Result<BTreeSet<EndId>, Error> {
        let request = self.client.list_executions().state_machine_arn(state_machine).max_results(PAGE);
        let mut pages = request.set_redrive_filter(which).into_paginator().items().send();
        let mut ends = BTreeSet::new();
        while let Some(execution) = pages.next().await {
            let execution = execution.map_err(|e| of_call("StepFunctions.ListExecutions", &e))?;
            if timestamp(execution.start_date()) < since {
                break;
            }
            if execution.stop_date().is_some_and(|stopped| between.contains(&timestamp(stopped))) {
                ends.insert(EndId {
                    execution: execution.execution_arn.into(),
                    redrive_count: redrives(execution.redrive_count),
                });
            }
        }
        Ok(ends)
    }

    /// An execution; `None` when there is none of this ARN. The answer may trail the truth.
    ///
    /// # Errors
    /// See [`Executions::start`].
    pub async fn describe(&self, execution: &ExecutionArn) -> Result<Option<Execution>, Error> {
        let answer = match self.client.describe_execution().execution_arn(execution.as_str()).send().await {
            Ok(answer) => answer,
            Err(e) if e.as_service_error().is_some_and(|e| e.is_execution_does_not_exist()) => return Ok(None),
            Err(e) => return Err(of_call("StepFunctions.DescribeExecution", &e)),
        };
        let read = |text: Option<String>| {
            text.map_or(Value::Null, |text| serde_json::from_str(&text).unwrap_or(Value::String(text)))
        };
        Ok(Some(Execution {
            arn: execution.clone(),
            status: match answer.status() {
                ExecutionStatus::Succeeded => Status::Succeeded,
                ExecutionStatus::Failed => Status::Failed,
                ExecutionStatus::TimedOut => Status::TimedOut,
                ExecutionStatus::Aborted => Status::Aborted,
                _ => Status::Running,
            },
            redrives: redrives(answer.redrive_count),
            redriven_at: answer.redrive_date().map(timestamp),
            started_at: timestamp(answer.start_date()),
            ended_at: answer.stop_date().map(timestamp),
            input: read(answer.input),
            output: read(answer.output),
            error: answer.error,
            cause: answer.cause,
        }))
    }

    /// How many times an execution was redriven at `since` or later.
    ///
    /// # Errors
    /// See [`Executions::start`].
    pub async fn redrives_since(&self, execution: &ExecutionArn, since: Timestamp) -> Result<u32, Error> {
        let request = self.client.get_execution_history().execution_arn(execution.as_str()).reverse_order(true);
        let request = request.include_execution_data(false).max_results(PAGE);
        let mut pages = request.into_paginator().items().send();
        let mut redrives = 0;
        while let Some(event) = pages.next().await {
            let event = event.map_err(|e| of_call("StepFunctions.GetExecutionHistory", &e))?;
            if timestamp(event.timestamp()) < since {
                break;
            }
            redrives += u32::from(*event.r#type() == HistoryEventType::ExecutionRedriven);
        }
        Ok(redrives)
    }

    /// Whether an execution still runs. The answer may trail the truth (Step Functions API reference, DescribeExecution: "eventually
    /// consistent"), and an execution that has ended can be redriven. So what is done about one that does not run must do no harm
    /// should it run all the same.
    ///
    /// # Errors
    /// See [`Executions::start`].
    pub async fn run(&self, execution: &ExecutionArn) -> Result<Run, Error> {
        match self.client.describe_execution().execution_arn(execution.as_str()).send().await {
            Ok(answer) => Ok(match answer.status() {
                ExecutionStatus::Running | ExecutionStatus::PendingRedrive => Run::Running,
                _ => Run::Ended,
            }),
            Err(e) if e.as_service_error().is_some_and(|e| e.is_execution_does_not_exist()) => Ok(Run::NotKnown),
            Err(e) => Err(of_call("StepFunctions.DescribeExecution", &e)),
        }
    }
}

fn redrives(count: Option<i32>) -> u32 {
    count.and_then(|count| u32::try_from(count).ok()).unwrap_or(0)
}

fn timestamp(time: &DateTime) -> Timestamp {
    Timestamp::from_millis(time.to_millis().unwrap_or(0))
}
