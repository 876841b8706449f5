//! The states of a definition.

use std::time::Duration;

use serde_json::Value;

use super::error::DefinitionError;
use super::expression::Expression;
use super::fields::{Fields, Place};
use super::functions;
use super::limits::{CAUSE_CHARACTERS, ERROR_CHARACTERS, NAME_CHARACTERS, TIMEOUT_SECONDS, WAIT_SECONDS};
use super::reads::Sight;
use super::retry::{ErrorEquals, Retrier};
use super::template::Template;

/// What a state does.
#[derive(Debug)]
pub(crate) enum State {
    Task(Task),
    Choice { rules: Vec<Rule>, default: Option<Exit> },
    Wait { seconds: Template, exit: Exit },
    Pass(Exit),
    Succeed(Exit),
    Fail { error: Template, cause: Template },
}

/// A call of a Lambda function.
#[derive(Debug)]
pub(crate) struct Task {
    /// The function's ARN.
    pub(crate) resource: String,
    pub(crate) arguments: Option<Template>,
    pub(crate) timeout: Duration,
    pub(crate) retry: Vec<Retrier>,
    pub(crate) catch: Vec<Catcher>,
    pub(crate) exit: Exit,
}

#[derive(Debug)]
pub(crate) struct Catcher {
    pub(crate) errors: ErrorEquals,
    pub(crate) exit: Exit,
}

/// A rule of a Choice state.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) condition: Expression,
    pub(crate) exit: Exit,
}

/// A way out of a state: what it assigns, what it puts out, and where it leads to.
#[derive(Debug)]
pub(crate) struct Exit {
    pub(crate) assign: Vec<(String, Template)>,
    pub(crate) output: Option<Template>,
    pub(crate) next: Next,
}

#[derive(Debug)]
pub(crate) enum Next {
    /// The state of this name.
    State(String),
    /// The end of the execution, with success.
    End,
}

impl State {
    pub(crate) fn read(value: Value, place: Place) -> Result<Self, DefinitionError> {
        Fields::read(value, place, |fields| match fields.text("Type")?.as_str() {
            "Task" => Task::read(fields).map(Self::Task),
            "Choice" => choice(fields),
            "Wait" => {
                let exit = Exit::read(fields, Sight::Entry)?;
                Ok(Self::Wait { seconds: seconds(fields)?, exit })
            }
            "Pass" => Exit::read(fields, Sight::Entry).map(Self::Pass),
            "Succeed" => {
                Ok(Self::Succeed(Exit { assign: Vec::new(), output: output(fields, Sight::Entry)?, next: Next::End }))
            }
            "Fail" => Ok(Self::Fail {
                error: text(fields, "Error", ERROR_CHARACTERS)?,
                cause: text(fields, "Cause", CAUSE_CHARACTERS)?,
            }),
            other => Err(fields.place("Type").error(format!("the interpreter knows no states of type '{other}'"))),
        })
    }

    /// The type's name.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Task(_) => "Task",
            Self::Choice { .. } => "Choice",
            Self::Wait { .. } => "Wait",
            Self::Pass(_) => "Pass",
            Self::Succeed(_) => "Succeed",
            Self::Fail { .. } => "Fail",
        }
    }

    /// Every way out of it.
    pub(crate) fn exits(&self) -> Vec<&Exit> {
        let mut exits = self.exits_without_errors();
        if let Self::Task(task) = self {
            exits.extend(task.catch.iter().map(|catcher| &catcher.exit));
        }
        exits
    }

    /// Every way out of it but those of errors that are caught.
    pub(crate) fn exits_without_errors(&self) -> Vec<&Exit> {
        match self {
            Self::Task(task) => vec![&task.exit],
            Self::Choice { rules, default } => rules.iter().map(|rule| &rule.exit).chain(default).collect(),
            Self::Wait { exit, .. } | Self::Pass(exit) | Self::Succeed(exit) => vec![exit],
            Self::Fail { .. } => Vec::new(),
        }
    }

    /// Every expression in it.
    pub(crate) fn expressions(&self) -> Vec<&Expression> {
        let own: Vec<&Expression> = match self {
            Self::Task(task) => task.arguments.iter().flat_map(Template::expressions).collect(),
            Self::Choice { rules, .. } => rules.iter().map(|rule| &rule.condition).collect(),
            Self::Wait { seconds, .. } => seconds.expressions(),
            Self::Fail { error, cause } => [error, cause].into_iter().flat_map(Template::expressions).collect(),
            Self::Pass(_) | Self::Succeed(_) => Vec::new(),
        };
        let of_exits = self.exits().into_iter().flat_map(|exit| {
            exit.assign.iter().map(|(_, template)| template).chain(&exit.output).flat_map(Template::expressions)
        });
        own.into_iter().chain(of_exits).collect()
    }
}

impl Task {
    fn read(fields: &mut Fields) -> Result<Self, DefinitionError> {
        let resource = fields.text("Resource")?;
        let is_function = resource.starts_with("arn:") && resource.split(':').nth(2) == Some("lambda");
        if !is_function {
            let problem = format!("the interpreter invokes Lambda functions, by their ARNs, not '{resource}'");
            return Err(fields.place("Resource").error(problem));
        }
        let arguments = template(fields, "Arguments", Sight::Entry)?;
        let timeout = fields.whole_if_any("TimeoutSeconds", TIMEOUT_SECONDS)?.ok_or_else(|| {
            fields.place("TimeoutSeconds").error("is missing: the task would wait for a lost answer for three years")
        })?;
        let retry = listed(fields, "Retry", Retrier::read)?;
        let catch = listed(fields, "Catch", Catcher::read)?;
        let exit = Exit::read(fields, Sight::Result)?;
        Ok(Self { resource, arguments, timeout: Duration::from_secs(timeout), retry, catch, exit })
    }
}

impl Catcher {
    fn read(value: Value, place: Place, last: bool) -> Result<Self, DefinitionError> {
        Fields::read(value, place, |fields| {
            let errors = ErrorEquals::read(fields, last)?;
            let next = Next::State(fields.text("Next")?);
            Ok(Self { errors, exit: Exit::before(fields, Sight::ErrorOutput, next)? })
        })
    }
}

impl Exit {
    /// The exit of a state that names the next one, or is the last.
    fn read(fields: &mut Fields, sight: Sight) -> Result<Self, DefinitionError> {
        let next = match (fields.text_if_any("Next")?, fields.any("End")) {
            (Some(next), None) => Next::State(next),
            (None, Some(Value::Bool(true))) => Next::End,
            (None, None) => return Err(fields.place("Next").error("is missing, and so is End")),
            (_, Some(_)) => return Err(fields.place("End").error("expected true, and no Next beside it")),
        };
        Self::before(fields, sight, next)
    }

    fn before(fields: &mut Fields, sight: Sight, next: Next) -> Result<Self, DefinitionError> {
        Ok(Self { assign: assign(fields, sight)?, output: output(fields, sight)?, next })
    }
}

fn choice(fields: &mut Fields) -> Result<State, DefinitionError> {
    let rules = listed(fields, "Choices", |value, place, _| {
        Fields::read(value, place, |fields| {
            let place = fields.place("Condition");
            let condition = Expression::parse(&fields.text("Condition")?, &place, Sight::Entry)?
                .ok_or_else(|| place.error("is no expression between '{%' and '%}'"))?;
            let next = Next::State(fields.text("Next")?);
            Ok(Rule { condition, exit: Exit::before(fields, Sight::Entry, next)? })
        })
    })?;
    if rules.is_empty() {
        return Err(fields.place("Choices").error("is missing"));
    }
    let default = match fields.text_if_any("Default")? {
        Some(next) => Some(Exit::before(fields, Sight::Entry, Next::State(next))?),
        None => None,
    };
    Ok(State::Choice { rules, default })
}

/// Reads each element of a list; whoever reads it is told whether it is the last.
fn listed<T>(
    fields: &mut Fields,
    name: &str,
    read: impl Fn(Value, Place, bool) -> Result<T, DefinitionError>,
) -> Result<Vec<T>, DefinitionError> {
    let list = fields.list_if_any(name)?;
    let last = list.len();
    list.into_iter().zip(1..).map(|((value, place), position)| read(value, place, position == last)).collect()
}

fn template(fields: &mut Fields, name: &str, sight: Sight) -> Result<Option<Template>, DefinitionError> {
    let place = fields.place(name);
    fields.any(name).map(|value| Template::parse(value, &place, sight)).transpose()
}

fn output(fields: &mut Fields, sight: Sight) -> Result<Option<Template>, DefinitionError> {
    template(fields, "Output", sight)
}

fn assign(fields: &mut Fields, sight: Sight) -> Result<Vec<(String, Template)>, DefinitionError> {
    let place = fields.place("Assign");
    let parse = |(name, value): (String, Value)| {
        let place = place.field(&name);
        // A Unicode identifier in the service; a definition does with ASCII.
        let begins = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
        let goes_on = name.chars().all(|next| next.is_ascii_alphanumeric() || next == '_');
        if !begins || !goes_on || name.len() > NAME_CHARACTERS {
            return Err(place.error("is no name of a variable"));
        }
        if name == "states" {
            return Err(place.error("$states is reserved"));
        }
        if functions::is_function(&name) {
            return Err(place.error(format!("${name} is a function")));
        }
        let template = Template::parse(value, &place, sight)?;
        Ok((name, template))
    };
    fields.object_if_any("Assign")?.into_iter().map(parse).collect()
}

/// A whole number of seconds, or an expression that comes to one.
fn seconds(fields: &mut Fields) -> Result<Template, DefinitionError> {
    let place = fields.place("Seconds");
    let template = Template::parse(fields.required("Seconds")?, &place, Sight::Entry)?;
    match &template {
        Template::Expression(_) => Ok(template),
        Template::Literal(value) if value.as_u64().is_some_and(|seconds| WAIT_SECONDS.contains(&seconds)) => {
            Ok(template)
        }
        _ => Err(place.error("expected a whole number from 0 to 99999999, or an expression")),
    }
}

/// A text of at most `most` characters, or an expression that comes to one.
fn text(fields: &mut Fields, name: &str, most: usize) -> Result<Template, DefinitionError> {
    let place = fields.place(name);
    let template = Template::parse(fields.required(name)?, &place, Sight::Entry)?;
    match &template {
        Template::Expression(_) => Ok(template),
        Template::Literal(Value::String(text)) if text.chars().count() <= most => Ok(template),
        _ => Err(place.error(format!("expected text of at most {most} characters, or an expression"))),
    }
}
