//! JSON of a definition with expressions in it.

use jsonata_core::value::JValue;
use serde_json::Value;

use super::error::{DefinitionError, QueryError};
use super::expression::{Expression, States};
use super::fields::Place;
use super::reads::Sight;
use super::variables::Variables;

#[derive(Debug)]
pub(crate) enum Template {
    Literal(Value),
    Expression(Expression),
    List(Vec<Template>),
    Object(Vec<(String, Template)>),
}

impl Template {
    /// # Errors
    /// An expression that is refused, by its place.
    pub(crate) fn parse(value: Value, place: &Place, sight: Sight) -> Result<Self, DefinitionError> {
        Ok(match value {
            Value::String(text) => match Expression::parse(&text, place, sight)? {
                Some(expression) => Self::Expression(expression),
                None => Self::Literal(Value::String(text)),
            },
            Value::Array(items) => {
                let parse = |(index, item)| Self::parse(item, &place.element(index), sight);
                Self::List(items.into_iter().enumerate().map(parse).collect::<Result<_, _>>()?)
            }
            Value::Object(fields) => {
                let parse = |(name, value): (String, Value)| {
                    let template = Self::parse(value, &place.field(&name), sight)?;
                    Ok((name, template))
                };
                Self::Object(fields.into_iter().map(parse).collect::<Result<_, _>>()?)
            }
            literal => Self::Literal(literal),
        })
    }

    /// The expressions in it.
    pub(crate) fn expressions(&self) -> Vec<&Expression> {
        match self {
            Self::Literal(_) => Vec::new(),
            Self::Expression(expression) => vec![expression],
            Self::List(items) => items.iter().flat_map(Self::expressions).collect(),
            Self::Object(fields) => fields.iter().flat_map(|(_, value)| value.expressions()).collect(),
        }
    }

    pub(crate) fn evaluate(&self, states: &States, variables: &Variables) -> Result<JValue, QueryError> {
        match self {
            Self::Literal(value) => Ok(JValue::from(value.clone())),
            Self::Expression(expression) => expression.evaluate(states, variables),
            Self::List(items) => {
                let values = items.iter().map(|item| item.evaluate(states, variables));
                Ok(JValue::array(values.collect::<Result<_, _>>()?))
            }
            Self::Object(fields) => {
                let values = fields.iter().map(|(name, value)| Ok((name.clone(), value.evaluate(states, variables)?)));
                Ok(JValue::object(values.collect::<Result<_, _>>()?))
            }
        }
    }
}
