//! The fields of one JSON object of a definition, taken one by one, so that a field nobody asked for is found.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::error::DefinitionError;

/// A place in a definition: a state and a field in it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Place {
    state: Option<String>,
    field: String,
}

impl Place {
    pub(crate) fn of_state(name: &str) -> Self {
        Self { state: Some(name.to_owned()), field: String::new() }
    }

    /// The field `name` of the object here.
    pub(crate) fn field(&self, name: &str) -> Self {
        let separator = if self.field.is_empty() { "" } else { "/" };
        Self { state: self.state.clone(), field: format!("{}{separator}{name}", self.field) }
    }

    /// The element `index` of the list here.
    pub(crate) fn element(&self, index: usize) -> Self {
        Self { state: self.state.clone(), field: format!("{}[{index}]", self.field) }
    }

    /// As the service names a field in the cause of a failed evaluation: `Retry[1]/ErrorEquals`.
    pub(crate) fn text(&self) -> &str {
        &self.field
    }

    pub(crate) fn error(&self, problem: impl Into<String>) -> DefinitionError {
        let (state, field) = (self.state.clone(), self.field.clone());
        let field = match state {
            _ if !field.is_empty() => field,
            Some(_) => "the state itself".to_owned(),
            None => "the definition".to_owned(),
        };
        DefinitionError { state, field, problem: problem.into() }
    }
}

/// The fields of an object that have not been taken yet.
pub(crate) struct Fields {
    place: Place,
    left: Map<String, Value>,
}

impl Fields {
    /// Reads an object with `read`, which has to take every field of it.
    pub(crate) fn read<T>(
        value: Value,
        place: Place,
        read: impl FnOnce(&mut Self) -> Result<T, DefinitionError>,
    ) -> Result<T, DefinitionError> {
        let Value::Object(left) = value else { return Err(place.error(format!("expected an object, not {value}"))) };
        let mut fields = Self { place, left };
        // A comment is for people.
        fields.text_if_any("Comment")?;
        let read = read(&mut fields)?;
        match fields.left.keys().next() {
            None => Ok(read),
            Some(name) => Err(fields.place.field(name).error("the interpreter knows no such field here")),
        }
    }

    pub(crate) fn place(&self, name: &str) -> Place {
        self.place.field(name)
    }

    pub(crate) fn any(&mut self, name: &str) -> Option<Value> {
        self.left.remove(name)
    }

    pub(crate) fn required(&mut self, name: &str) -> Result<Value, DefinitionError> {
        self.any(name).ok_or_else(|| self.place(name).error("is missing"))
    }

    pub(crate) fn text(&mut self, name: &str) -> Result<String, DefinitionError> {
        self.text_if_any(name)?.ok_or_else(|| self.place(name).error("is missing"))
    }

    pub(crate) fn text_if_any(&mut self, name: &str) -> Result<Option<String>, DefinitionError> {
        match self.any(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(value) => Err(self.place(name).error(format!("expected text, not {value}"))),
        }
    }

    pub(crate) fn whole_if_any(
        &mut self,
        name: &str,
        range: RangeInclusive<u64>,
    ) -> Result<Option<u64>, DefinitionError> {
        let Some(value) = self.any(name) else { return Ok(None) };
        match value.as_u64().filter(|number| range.contains(number)) {
            Some(number) => Ok(Some(number)),
            None => {
                let problem = format!("expected a whole number from {} to {}, not {value}", range.start(), range.end());
                Err(self.place(name).error(problem))
            }
        }
    }

    pub(crate) fn object_if_any(&mut self, name: &str) -> Result<Map<String, Value>, DefinitionError> {
        match self.any(name) {
            None => Ok(Map::new()),
            Some(Value::Object(object)) => Ok(object),
            Some(value) => Err(self.place(name).error(format!("expected an object, not {value}"))),
        }
    }

    /// The elements of a list and their places; none when the field is absent.
    pub(crate) fn list_if_any(&mut self, name: &str) -> Result<Vec<(Value, Place)>, DefinitionError> {
        let place = self.place(name);
        match self.any(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(list)) if list.is_empty() => Err(place.error("is empty")),
            Some(Value::Array(list)) => {
                Ok(list.into_iter().enumerate().map(|(index, value)| (value, place.element(index))).collect())
            }
            Some(value) => Err(place.error(format!("expected a list, not {value}"))),
        }
    }
}
