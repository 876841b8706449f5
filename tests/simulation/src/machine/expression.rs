//! One JSONata expression of a definition: parsed once, evaluated with the values of a state.

use std::cell::OnceCell;

use jsonata_core::ast::AstNode;
use jsonata_core::evaluator::{Context, Evaluator};
use jsonata_core::parser;
use jsonata_core::value::JValue;

use super::error::{DefinitionError, QueryError};
use super::fields::Place;
use super::functions;
use super::payload::plain;
use super::reads::{Reads, Sight};
use super::variables::Variables;

/// An expression and where it stands.
#[derive(Debug)]
pub(crate) struct Expression {
    text: String,
    place: Place,
    tree: AstNode,
    reads: Reads,
}

/// What the reserved variable `$states` holds while a state is at work.
pub(crate) struct States<'a> {
    pub(crate) input: &'a JValue,
    pub(crate) result: Option<&'a JValue>,
    pub(crate) error_output: Option<&'a JValue>,
    /// Made when an expression reads it.
    pub(crate) context: &'a OnceCell<JValue>,
    pub(crate) make_context: &'a dyn Fn() -> JValue,
    /// What `$now()` comes to.
    pub(crate) now: &'a dyn Fn() -> JValue,
}

impl States<'_> {
    /// `$states` with those fields that an expression reads.
    fn value(&self, reads: &Reads) -> JValue {
        let field = |name: &String| {
            let value = match name.as_str() {
                "input" => Some(self.input),
                "result" => self.result,
                "errorOutput" => self.error_output,
                _ => Some(self.context.get_or_init(self.make_context)),
            };
            Some((name.clone(), value?.clone()))
        };
        JValue::object(reads.states.iter().filter_map(field).collect())
    }
}

impl Expression {
    /// The expression that a string of a definition stands for; `None` for a string that is itself meant.
    ///
    /// # Errors
    /// An expression that is not between `{%` and `%}`, that is no JSONata, or that reads what there is not.
    pub(crate) fn parse(string: &str, place: &Place, sight: Sight) -> Result<Option<Self>, DefinitionError> {
        let trimmed = string.trim();
        let (opens, closes) = (trimmed.starts_with("{%"), trimmed.ends_with("%}"));
        if !opens && !closes {
            return Ok(None);
        }
        let inner = string.strip_prefix("{%").and_then(|rest| rest.strip_suffix("%}"));
        let Some(text) = inner.map(str::trim) else {
            return Err(place.error("an expression starts with '{%' and ends with '%}', with nothing around them"));
        };
        let refused = |problem: String| place.error(format!("{problem}, in '{text}'"));
        let tree = parser::parse(&text.replace(functions::NOW_CALL, &format!("${}", functions::NOW)))
            .map_err(|error| refused(error.to_string()))?;
        let reads = Reads::of(&tree, sight).map_err(refused)?;
        Ok(Some(Self { text: text.to_owned(), place: place.clone(), tree, reads }))
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// The variables of the state machine that it reads.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &str> {
        self.reads.variables.iter().map(String::as_str)
    }

    /// # Errors
    /// An expression that fails, that comes to nothing, or that comes to what JSON cannot express.
    pub(crate) fn evaluate(&self, states: &States, variables: &Variables) -> Result<JValue, QueryError> {
        let mut context = Context::new();
        for name in &self.reads.variables {
            let value = variables.get(name).expect("the definition's check has found it assigned on every way here");
            context.bind(name.clone(), value.clone());
        }
        if self.reads.tells_time {
            context.bind(functions::NOW.to_owned(), (states.now)());
        }
        if !self.reads.states.is_empty() {
            context.bind("states".to_owned(), states.value(&self.reads));
        }
        let mut evaluator = Evaluator::with_context(context);
        if self.reads.parses {
            evaluator.register_fn(functions::PARSE, functions::parse).expect("JSONata has no $parse of its own");
        }
        let value = evaluator
            .evaluate(&self.tree, &JValue::Undefined)
            .map_err(|error| self.error(format!("threw an error during evaluation. {}", error.message())))?;
        plain(value).map_err(|what| self.error(format!("returned {what}.")))
    }

    /// What is wrong with a value that it came to, which its field does not take.
    pub(crate) fn error(&self, did: impl Into<String>) -> QueryError {
        QueryError { field: self.place.text().to_owned(), expression: self.text.clone(), did: did.into() }
    }
}
