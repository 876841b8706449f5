//! The operations of Step Functions' API, from and to their JSON.
//!
//! Shapes from the Step Functions API reference.

use account::{STATE_MACHINE, state_machine_arn};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::record::{Run, seconds};
use super::{Record, Refusal, StepFunctions};
use crate::machine::{End, Stop};

/// Results on a page unless the call says how many, and at most.
const PAGE: usize = 100;
const LARGEST_PAGE: usize = 1000;
/// How many executions a page has in fact. AWS promises no full pages, and whoever reads the first one alone is found out.
const SHORT_PAGE: usize = 3;
/// The field of ListExecutions' answer.
const EXECUTIONS: &str = "executions";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StartExecution {
    state_machine_arn: String,
    name: Option<String>,
    #[serde(default = "empty_input")]
    input: String,
}

fn empty_input() -> String {
    "{}".to_owned()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfExecution {
    execution_arn: String,
    error: Option<String>,
    cause: Option<String>,
    #[serde(default)]
    reverse_order: bool,
    #[serde(flatten)]
    page: Page,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListExecutions {
    state_machine_arn: String,
    status_filter: Option<String>,
    redrive_filter: Option<String>,
    #[serde(flatten)]
    page: Page,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    max_results: Option<usize>,
    next_token: Option<String>,
}

pub(super) fn operate(service: &StepFunctions, operation: &str, request: &Value) -> Result<Value, Refusal> {
    match operation {
        "StartExecution" => {
            let StartExecution { state_machine_arn, name, input } = parse(request)?;
            is_there(&state_machine_arn)?;
            let record = service.start(name, input)?;
            Ok(json!({"executionArn": record.arn, "startDate": record.started_at()}))
        }
        "ListExecutions" => list(service, parse(request)?),
        "DescribeExecution" => describe(service, &parse::<OfExecution>(request)?.execution_arn),
        "StopExecution" => {
            let OfExecution { execution_arn, error, cause, .. } = parse(request)?;
            let record = service.stop(&execution_arn, Stop { error, cause })?;
            Ok(json!({"stopDate": record.end().map(|ended| ended.at)}))
        }
        "GetExecutionHistory" => {
            let OfExecution { execution_arn, reverse_order, page, .. } = parse(request)?;
            let record = service.find(&execution_arn)?;
            let mut events: Vec<Value> = record.history.events().iter().map(Value::from).collect();
            if reverse_order {
                events.reverse();
            }
            page.of(events, "events")
        }
        _ => Err(Refusal("UnknownOperationException", format!("the simulation has no Step Functions {operation}"))),
    }
}

fn parse<T: DeserializeOwned>(request: &Value) -> Result<T, Refusal> {
    T::deserialize(request).map_err(|error| Refusal("ValidationException", error.to_string()))
}

fn is_there(arn: &str) -> Result<(), Refusal> {
    if arn == state_machine_arn() {
        return Ok(());
    }
    Err(Refusal("StateMachineDoesNotExist", format!("State Machine Does Not Exist: '{arn}'")))
}

fn list(service: &StepFunctions, request: ListExecutions) -> Result<Value, Refusal> {
    is_there(&request.state_machine_arn)?;
    let records = service.executions.borrow();
    let listed = records.iter().rev().filter_map(|record| {
        let listed = summary(record, &service.shown(record)?);
        let is_wanted = request.status_filter.as_deref().is_none_or(|wanted| listed["status"] == wanted);
        let redriven = if listed["redriveCount"] == 0 { "NOT_REDRIVEN" } else { "REDRIVEN" };
        let is_wanted = is_wanted && request.redrive_filter.as_deref().is_none_or(|wanted| wanted == redriven);
        is_wanted.then_some(listed)
    });
    request.page.of(listed.collect(), EXECUTIONS)
}

fn describe(service: &StepFunctions, arn: &str) -> Result<Value, Refusal> {
    let unknown = || Refusal("ExecutionDoesNotExist", format!("Execution Does Not Exist: '{arn}'"));
    let record = service.find(arn)?;
    let runs = service.shown(&record).ok_or_else(unknown)?;
    Ok(description(&record, &runs))
}

/// What ListExecutions gives of an execution, of which these runs are shown.
fn summary(record: &Record, runs: &[Run]) -> Value {
    let mut summary = json!({
        "executionArn": record.arn, "stateMachineArn": state_machine_arn(), "name": record.name, "status": "RUNNING",
        "startDate": record.started_at(), "redriveCount": runs.len() - 1,
    });
    if let [_, .., redriven] = runs {
        summary["redriveDate"] = json!(seconds(redriven.from));
    }
    if let Some(ended) = runs.last().and_then(|run| run.end.as_ref()) {
        summary["status"] = json!(ended.end.status());
        summary["stopDate"] = json!(ended.at);
    }
    summary
}

fn description(record: &Record, runs: &[Run]) -> Value {
    let mut description = summary(record, runs);
    description["input"] = json!(record.input.to_string());
    description["inputDetails"] = json!({"included": true});
    let Some(ended) = runs.last().and_then(|run| run.end.clone()) else { return description };
    let (error, cause) = match ended.end {
        End::Succeeded(output) => {
            description["output"] = json!(output.to_string());
            description["outputDetails"] = json!({"included": true});
            (None, None)
        }
        End::Failed(failure) => (Some(failure.error), Some(failure.cause)),
        End::Aborted(stop) => (stop.error, stop.cause),
        End::TimedOut => (Some("States.Timeout".to_owned()), None),
    };
    for (field, text) in [("error", error), ("cause", cause)] {
        if let Some(text) = text {
            description[field] = json!(text);
        }
    }
    description
}

impl Page {
    /// The page of `all` that the call asks for, as the answer's field `name`.
    fn of(self, all: Vec<Value>, name: &str) -> Result<Value, Refusal> {
        let unreadable = |_| Refusal("InvalidToken", format!("Invalid Token: '{STATE_MACHINE}'"));
        let start: usize = self.next_token.map(|token| token.parse().map_err(unreadable)).transpose()?.unwrap_or(0);
        let size = match self.max_results.unwrap_or(0) {
            0 => PAGE,
            results if results <= LARGEST_PAGE => results,
            results => {
                let problem = format!(
                    "1 validation error detected: Value '{results}' at 'maxResults' failed to satisfy constraint: Member must have \
                     value less than or equal to 1000"
                );
                return Err(Refusal("ValidationException", problem));
            }
        };
        let size = if name == EXECUTIONS { size.min(SHORT_PAGE) } else { size };
        let (length, end) = (all.len(), start + size);
        let mut answer = json!({name: all.into_iter().skip(start).take(size).collect::<Vec<_>>()});
        if end < length {
            answer["nextToken"] = json!(end.to_string());
        }
        Ok(answer)
    }
}
