//! What each kind of state does.

use std::cell::OnceCell;
use std::time::Duration;

use fastrand::Rng;
use jiff::Timestamp;
use jsonata_core::value::JValue;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::definition::Definition;
use super::error::{Failure, QueryError};
use super::execution::{Execution, Invocation, Redriven};
use super::expression::{Expression, States};
use super::history::{Details, History};
use super::limits::{
    CAUSE_CHARACTERS, DATA_LIMIT_EXCEEDED, ERROR_CHARACTERS, QUERY_EVALUATION_ERROR, RUNTIME, TIMEOUT, WAIT_SECONDS,
};
use super::payload::Payload;
use super::state::{Exit, Next, Rule, State, Task};
use super::template::Template;
use super::variables::{Assignment, Variables};

/// An execution at work.
pub(crate) struct Interpreter<'a, I> {
    definition: &'a Definition,
    execution: &'a Execution,
    history: &'a History,
    random: Rng,
    invoke: I,
    variables: Variables,
    /// The same moment twice: its execution's start, or redrive.
    began: (Timestamp, Instant),
}

/// A state that has been entered.
struct Entry<'s> {
    name: &'s str,
    /// The number of the event that tells of it.
    event: u64,
    at: Timestamp,
    input: Payload,
    retries: u64,
    context: OnceCell<JValue>,
}

/// What an expression sees in `$states` besides the input and the context.
#[derive(Clone, Copy, Default)]
struct Seen<'v> {
    result: Option<&'v JValue>,
    error_output: Option<&'v JValue>,
}

/// What a state that is done leaves behind.
struct Left<'a> {
    output: Payload,
    assignment: Assignment,
    next: &'a Next,
}

impl<'a, I: AsyncFn(Invocation) -> Result<Value, Failure>> Interpreter<'a, I> {
    /// An execution that starts now, or is redriven now.
    pub(crate) fn new(
        definition: &'a Definition,
        execution: &'a Execution,
        history: &'a History,
        random: Rng,
        invoke: I,
    ) -> Self {
        let began_at = execution.redriven.map_or(execution.started_at, |redriven| redriven.at);
        let (variables, began) = (Variables::default(), (began_at, Instant::now()));
        Self { definition, execution, history, random, invoke, variables, began }
    }

    pub(crate) fn now(&self) -> Timestamp {
        let (at, instant) = self.began;
        at + instant.elapsed()
    }

    /// Carries out one state after the other, and gives the last one's output.
    pub(crate) async fn run(&mut self) -> Result<Payload, Failure> {
        let mut entry = match self.execution.redriven {
            None => self.begin()?,
            Some(redriven) => self.resume(redriven)?,
        };
        loop {
            let (name, state) = (entry.name, &self.definition.states[entry.name]);
            let left = self.carry_out(entry, state).await?;
            self.variables.assign(&left.assignment, name)?;
            let assigned = left.assignment.iter().map(|(name, value)| (name.clone(), value.text.clone())).collect();
            let output = left.output.text.clone();
            self.record(Details::StateExited { kind: state.kind(), name: name.to_owned(), output, assigned })?;
            match left.next {
                Next::State(next) => entry = self.enter(next, left.output)?,
                Next::End => return Ok(left.output),
            }
        }
    }

    /// Enters the first state.
    fn begin(&self) -> Result<Entry<'a>, Failure> {
        let execution = self.execution;
        let input = Payload::unchecked(JValue::from(execution.input.clone()));
        let (text, role_arn) = (input.text.clone(), execution.role_arn.clone());
        self.record(Details::ExecutionStarted { input: text, role_arn })?;
        let input = input.within_limit(last_part(&execution.arn))?;
        self.enter(&self.definition.start_at, input)
    }

    fn enter(&self, name: &'a str, input: Payload) -> Result<Entry<'a>, Failure> {
        let (kind, text) = (self.definition.states[name].kind(), input.text.clone());
        let event = self.record(Details::StateEntered { kind, name: name.to_owned(), input: text })?;
        Ok(Entry { name, event, at: self.now(), input, retries: 0, context: OnceCell::new() })
    }

    /// Goes on in the state that was entered last, where all retries may be used again. Not documented is that the state is not entered anew, so
    /// that whoever is called is called again for the same entry; nor that a Wait state waits as long as at first.
    ///
    /// Source: Step Functions developer guide, "Restarting state machine executions with redrive in Step Functions".
    fn resume(&mut self, redriven: Redriven) -> Result<Entry<'a>, Failure> {
        self.record(Details::ExecutionRedriven { count: redriven.count })?;
        let history = self.history.clone();
        let mut last = None;
        for event in history.events().iter() {
            match &event.details {
                Details::StateExited { name, assigned, .. } => {
                    let assigned = assigned.iter().map(|(name, text)| (name.clone(), written(text)));
                    self.variables.assign(&assigned.collect(), name)?;
                }
                Details::StateEntered { name, input, .. } => {
                    last = Some((event.id, event.timestamp, name.clone(), input.clone()))
                }
                _ => {}
            }
        }
        let Some((event, at, name, input)) = last else { return self.begin() };
        let (name, _) = self.definition.states.get_key_value(&name).expect("an execution keeps its definition");
        Ok(Entry { name, event, at, input: written(&input), retries: 0, context: OnceCell::new() })
    }

    async fn carry_out(&mut self, entry: Entry<'a>, state: &'a State) -> Result<Left<'a>, Failure> {
        match state {
            State::Task(task) => self.task(entry, task).await,
            State::Choice { rules, default } => self.choice(&entry, rules, default.as_ref()),
            State::Wait { seconds, exit } => {
                let seconds = self.evaluate(&entry, Seen::default(), |states, variables| {
                    let value = seconds.evaluate(states, variables)?;
                    checked(seconds, whole_seconds(&value), || {
                        format!("returned {}, which is no whole number from 0 to 99999999.", shown(&value))
                    })
                })?;
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                self.leave(&entry, exit, Seen::default(), &entry.input)
            }
            State::Pass(exit) | State::Succeed(exit) => self.leave(&entry, exit, Seen::default(), &entry.input),
            State::Fail { error, cause } => {
                let error = self.text(&entry, error, ERROR_CHARACTERS)?;
                let cause = self.text(&entry, cause, CAUSE_CHARACTERS)?;
                Err(Failure { error, cause })
            }
        }
    }

    /// Attempts until one succeeds, or its error is to be retried no more.
    async fn task(&mut self, mut entry: Entry<'_>, task: &'a Task) -> Result<Left<'a>, Failure> {
        let mut used = vec![0; task.retry.len()];
        let failure = loop {
            let failure = match self.attempt(&entry, task).await {
                Ok(left) => return Ok(left),
                Err(failure) => failure,
            };
            let Some(retrier) = task.retry.iter().position(|retrier| retrier.matches(&failure.error)) else {
                break failure;
            };
            let Some(pause) = task.retry[retrier].pause(used[retrier], &mut self.random) else { break failure };
            tokio::time::sleep(pause).await;
            used[retrier] += 1;
            entry.retries += 1;
            entry.context = OnceCell::new();
        };
        let Some(catcher) = task.catch.iter().find(|catcher| catcher.errors.matches(&failure.error)) else {
            return Err(failure);
        };
        let output = Payload::unchecked(JValue::from(json!({"Error": failure.error, "Cause": failure.cause})));
        self.leave(&entry, &catcher.exit, Seen { error_output: Some(&output.value), result: None }, &output)
    }

    async fn attempt(&self, entry: &Entry<'_>, task: &'a Task) -> Result<Left<'a>, Failure> {
        let arguments = match &task.arguments {
            None => entry.input.clone(),
            Some(arguments) => {
                let value =
                    self.evaluate(entry, Seen::default(), |states, variables| arguments.evaluate(states, variables))?;
                Payload::unchecked(value).within_limit(entry.name)?
            }
        };
        self.record(Details::LambdaFunctionScheduled {
            resource: task.resource.clone(),
            input: arguments.text.clone(),
            timeout_in_seconds: task.timeout.as_secs(),
        })?;
        self.record(Details::LambdaFunctionStarted)?;
        let (state, resource) = (entry.name.to_owned(), task.resource.clone());
        let invocation = Invocation { state, state_entry: entry.event, resource, arguments: arguments.json() };
        let Ok(answer) = tokio::time::timeout(task.timeout, (self.invoke)(invocation)).await else {
            self.record(Details::LambdaFunctionTimedOut)?;
            return Err(Failure::new(TIMEOUT, ""));
        };
        let result = match answer {
            Ok(value) => Payload::unchecked(JValue::from(value)).within_limit(&task.resource),
            Err(failure) if failure.cause.chars().count() > CAUSE_CHARACTERS => {
                // What the service makes of it is not documented; whoever relies on the cause has to know.
                let cause = format!("The cause of {} is longer than {CAUSE_CHARACTERS} characters.", failure.error);
                Err(Failure::new(DATA_LIMIT_EXCEEDED, cause))
            }
            Err(failure) => Err(failure),
        };
        match result {
            Ok(result) => {
                self.record(Details::LambdaFunctionSucceeded { output: result.text.clone() })?;
                self.leave(entry, &task.exit, Seen { result: Some(&result.value), error_output: None }, &result)
            }
            Err(failure) => {
                self.record(Details::LambdaFunctionFailed(failure.clone()))?;
                Err(failure)
            }
        }
    }

    fn choice(&self, entry: &Entry, rules: &'a [Rule], default: Option<&'a Exit>) -> Result<Left<'a>, Failure> {
        let holds = |condition: &Expression| {
            self.evaluate(entry, Seen::default(), |states, variables| {
                let value = condition.evaluate(states, variables)?;
                value
                    .as_bool()
                    .ok_or_else(|| condition.error(format!("returned {}, which is no boolean.", shown(&value))))
            })
        };
        for rule in rules {
            if holds(&rule.condition)? {
                return self.leave(entry, &rule.exit, Seen::default(), &entry.input);
            }
        }
        match default {
            Some(exit) => self.leave(entry, exit, Seen::default(), &entry.input),
            None => Err(Failure::new(
                RUNTIME,
                entry.sentence("Failed to transition out of the state. The state does not point to a next state."),
            )),
        }
    }

    /// What a state leaves behind that is left by `exit`, with `output` for its output unless the exit has its own. Both of the
    /// exit's fields see the variables as they were when the state was entered.
    fn leave(&self, entry: &Entry, exit: &'a Exit, seen: Seen, output: &Payload) -> Result<Left<'a>, Failure> {
        let evaluate = |template: &Template| {
            self.evaluate(entry, seen, |states, variables| template.evaluate(states, variables)).map(Payload::unchecked)
        };
        let assign = exit.assign.iter().map(|(name, template)| Ok((name.as_str().into(), evaluate(template)?)));
        let assignment = assign.collect::<Result<_, Failure>>()?;
        let output = match &exit.output {
            None => output.clone(),
            Some(template) => evaluate(template)?.within_limit(entry.name)?,
        };
        Ok(Left { output, assignment, next: &exit.next })
    }

    /// The text of a Fail state's field.
    fn text(&self, entry: &Entry, template: &Template, most: usize) -> Result<String, Failure> {
        self.evaluate(entry, Seen::default(), |states, variables| {
            let value = template.evaluate(states, variables)?;
            let text = value.as_str().filter(|text| text.chars().count() <= most).map(str::to_owned);
            checked(template, text, || format!("returned no text of at most {most} characters."))
        })
    }

    /// Evaluates something of a state; a failure is recorded.
    fn evaluate<T>(
        &self,
        entry: &Entry,
        seen: Seen,
        evaluate: impl FnOnce(&States, &Variables) -> Result<T, QueryError>,
    ) -> Result<T, Failure> {
        let states = States {
            input: &entry.input.value,
            result: seen.result,
            error_output: seen.error_output,
            context: &entry.context,
            make_context: &|| self.context(entry),
            now: &|| JValue::from(json!(time(self.now()))),
        };
        evaluate(&states, &self.variables).or_else(|error| {
            let failure = Failure::new(QUERY_EVALUATION_ERROR, entry.sentence(&error.sentence()));
            let (state, location) = (entry.name.to_owned(), error.field);
            self.record(Details::EvaluationFailed { state, location, failure: failure.clone() })?;
            Err(failure)
        })
    }

    fn context(&self, entry: &Entry) -> JValue {
        let execution = self.execution;
        JValue::from(json!({
            "Execution": {
                "Id": execution.arn,
                "Input": execution.input,
                "Name": last_part(&execution.arn),
                "RoleArn": execution.role_arn,
                "StartTime": time(execution.started_at),
                "RedriveCount": execution.redriven.map_or(0, |redriven| redriven.count),
            },
            "State": {"EnteredTime": time(entry.at), "Name": entry.name, "RetryCount": entry.retries},
            "StateMachine": {
                "Id": execution.state_machine_arn,
                "Name": last_part(&execution.state_machine_arn),
            },
        }))
    }

    fn record(&self, details: Details) -> Result<u64, Failure> {
        self.history.record(self.now(), details)
    }
}

impl Entry<'_> {
    /// The cause of an error of the state itself, as the service words it.
    fn sentence(&self, what: &str) -> String {
        format!(
            "An error occurred while executing the state '{}' (entered at the event id #{}). {what}",
            self.name, self.event
        )
    }
}

/// What was written into the history.
fn written(text: &str) -> Payload {
    let value: Value = serde_json::from_str(text).expect("the history has JSON");
    Payload::unchecked(JValue::from(value))
}

/// A value of a field, or, if the field does not take it, what its expression did. A literal has been checked before.
fn checked<T>(template: &Template, value: Option<T>, did: impl FnOnce() -> String) -> Result<T, QueryError> {
    match template {
        Template::Expression(expression) => value.ok_or_else(|| expression.error(did())),
        _ => Ok(value.expect("a literal that the definition's check has let through")),
    }
}

fn whole_seconds(value: &JValue) -> Option<u64> {
    let seconds = value.as_f64().filter(|seconds| seconds.fract() == 0.0 && *seconds >= 0.0)? as u64;
    WAIT_SECONDS.contains(&seconds).then_some(seconds)
}

/// The beginning of a value, for a message.
fn shown(value: &JValue) -> String {
    value.to_json_string().unwrap_or_default().chars().take(100).collect()
}

/// The name that an ARN ends in.
fn last_part(arn: &str) -> &str {
    arn.rsplit(':').next().unwrap_or(arn)
}

/// A time as the context object has it: to the millisecond, without zeros at the end.
///
/// Source: Step Functions developer guide, "Accessing execution data from the Context object in Step Functions".
fn time(time: Timestamp) -> String {
    Timestamp::from_millisecond(time.as_millisecond()).map_or_else(|_| time.to_string(), |time| time.to_string())
}
