//! JSON as it passes between states: its value, and its text, whose length is limited.

use std::rc::Rc;

use jsonata_core::value::JValue;
use serde_json::Value;

use super::error::Failure;
use super::limits::{DATA_LIMIT_EXCEEDED, PAYLOAD_BYTES};

/// A value and its JSON text.
#[derive(Debug, Clone)]
pub(crate) struct Payload {
    pub(crate) value: JValue,
    pub(crate) text: Rc<str>,
}

impl Payload {
    /// A value of any size.
    pub(crate) fn unchecked(value: JValue) -> Self {
        let text = value.to_json_string().expect("a plain value has a JSON text");
        Self { value, text: text.into() }
    }

    /// The payload, if `whose` state or task may take or give it.
    ///
    /// # Errors
    /// States.DataLimitExceeded when it is larger than the service allows.
    pub(crate) fn within_limit(self, whose: &str) -> Result<Self, Failure> {
        if self.text.len() <= PAYLOAD_BYTES {
            return Ok(self);
        }
        let limit = "returned a result with a size exceeding the maximum number of bytes service limit.";
        Err(Failure::new(DATA_LIMIT_EXCEEDED, format!("The state/task '{whose}' {limit}")))
    }

    /// The value for those outside the interpreter; a number without a fraction is an integer.
    pub(crate) fn json(&self) -> Value {
        serde_json::to_value(&self.value).expect("a plain value is JSON")
    }
}

/// A value as JSON passes it on: a copy of `value` without what the evaluator marks arrays with, or what in it JSON cannot express.
///
/// Arrays that an expression made are marked as sequences, which a later expression would unwrap or flatten; in the service each
/// expression gets JSON.
pub(crate) fn plain(value: JValue) -> Result<JValue, &'static str> {
    if is_plain(&value) {
        return Ok(value);
    }
    match value {
        JValue::Number(_) => Err("a number that is not finite"),
        JValue::Array(array) => Ok(JValue::array(array.into_vec().into_iter().map(plain).collect::<Result<_, _>>()?)),
        JValue::Object(object) => {
            let fields =
                object.iter().map(|(name, value)| Ok::<_, &'static str>((name.clone(), plain(value.clone())?)));
            Ok(JValue::object(fields.collect::<Result<_, _>>()?))
        }
        JValue::Undefined => Err("nothing (undefined)"),
        JValue::Lambda(_) | JValue::Builtin { .. } => Err("a function"),
        JValue::Regex { .. } => Err("a regular expression"),
        JValue::Null | JValue::Bool(_) | JValue::String(_) => Ok(value),
    }
}

fn is_plain(value: &JValue) -> bool {
    match value {
        JValue::Null | JValue::Bool(_) | JValue::String(_) => true,
        JValue::Number(number) => number.is_finite(),
        JValue::Array(array) => {
            let marked =
                array.sequence || array.cons || array.keep_singleton || array.outer_wrapper || array.sorted_tuples;
            !marked && array.iter().all(is_plain)
        }
        JValue::Object(object) => object.values().all(is_plain),
        _ => false,
    }
}
