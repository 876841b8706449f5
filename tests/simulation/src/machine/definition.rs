//! A definition, read and checked.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use super::assigned;
use super::error::DefinitionError;
use super::fields::{Fields, Place};
use super::keys::UniqueKeys;
use super::limits::{NAME_CHARACTERS, TIMEOUT_SECONDS};
use super::state::{Next, State};

/// A state machine's definition, ready to be carried out.
#[derive(Debug)]
pub struct Definition {
    pub(crate) start_at: String,
    pub(crate) states: BTreeMap<String, State>,
    /// How long an execution may take.
    pub(crate) timeout: Option<Duration>,
}

impl Definition {
    /// Reads a definition in the Amazon States Language, with `substitutions` in place of its `${…}`, as SAM's
    /// `DefinitionSubstitutions` puts them there.
    ///
    /// # Errors
    /// The first thing in it that the interpreter would not carry out as the service does, by state and field: a field or a type of
    /// state that it does not know; a state that is missing, or that no other leads to; an expression that is no JSONata, or that
    /// reads what does not exist at its place, such as a variable that is not assigned on every way there; an error name of
    /// `States.` that a Task state cannot report.
    pub fn parse(text: &str, substitutions: &BTreeMap<String, String>) -> Result<Self, DefinitionError> {
        let no_json = |error: serde_json::Error| Place::default().error(error.to_string());
        serde_json::from_str::<UniqueKeys>(text).map_err(no_json)?;
        let value = serde_json::from_str(text).map_err(no_json)?;
        let definition = Fields::read(value, Place::default(), |fields| {
            let language = fields.text("QueryLanguage")?;
            if language != "JSONata" {
                return Err(fields
                    .place("QueryLanguage")
                    .error(format!("the interpreter knows JSONata, not '{language}'")));
            }
            let timeout = fields.whole_if_any("TimeoutSeconds", TIMEOUT_SECONDS)?.map(Duration::from_secs);
            let start_at = fields.text("StartAt")?;
            let read = |(name, value): (String, Value)| {
                let place = Place::of_state(&name);
                let state = State::read(substitute(value, substitutions, &place)?, place)?;
                Ok((name, state))
            };
            let states = fields.object_if_any("States")?.into_iter().map(read).collect::<Result<_, _>>()?;
            Ok(Self { start_at, states, timeout })
        })?;
        definition.check_names()?;
        definition.check_reachable()?;
        assigned::check(&definition)?;
        Ok(definition)
    }

    /// The names of the states from which every way ends in a failure: an execution that enters one of them has failed, whatever it still
    /// does. The ways of errors that are caught do not count: by one of those it may learn that another execution goes on in its place.
    pub fn states_after_failure(&self) -> BTreeSet<&str> {
        let mut after: BTreeSet<&str> = self.states.keys().map(String::as_str).collect();
        loop {
            let before = after.len();
            let may_succeed = |name: &str| {
                let mut exits = self.states[name].exits_without_errors().into_iter();
                exits.any(|exit| match &exit.next {
                    Next::State(next) => !after.contains(next.as_str()),
                    Next::End => true,
                })
            };
            let found: Vec<&str> = after.iter().copied().filter(|name| may_succeed(name)).collect();
            after.retain(|name| !found.contains(name));
            if after.len() == before {
                return after;
            }
        }
    }

    fn check_names(&self) -> Result<(), DefinitionError> {
        if !self.states.contains_key(&self.start_at) {
            return Err(Place::default().field("StartAt").error(format!("there is no state '{}'", self.start_at)));
        }
        for (name, state) in &self.states {
            if name.chars().count() > NAME_CHARACTERS {
                let problem = format!("a state's name has at most {NAME_CHARACTERS} characters");
                return Err(Place::of_state(name).error(problem));
            }
            if let Some(missing) = targets(state).find(|target| !self.states.contains_key(*target)) {
                return Err(Place::of_state(name).field("Next").error(format!("there is no state '{missing}'")));
            }
        }
        Ok(())
    }

    fn check_reachable(&self) -> Result<(), DefinitionError> {
        let mut reached = vec![self.start_at.as_str()];
        let mut looked_at = 0;
        while let Some(name) = reached.get(looked_at) {
            for target in targets(&self.states[*name]) {
                if !reached.contains(&target) {
                    reached.push(target);
                }
            }
            looked_at += 1;
        }
        match self.states.keys().find(|name| !reached.contains(&name.as_str())) {
            None => Ok(()),
            Some(name) => Err(Place::of_state(name).error("no state leads to it")),
        }
    }
}

/// The states that a state leads to.
fn targets(state: &State) -> impl Iterator<Item = &str> {
    state.exits().into_iter().filter_map(|exit| match &exit.next {
        Next::State(name) => Some(name.as_str()),
        Next::End => None,
    })
}

/// Puts the substitutions into every text of a state.
fn substitute(value: Value, substitutions: &BTreeMap<String, String>, place: &Place) -> Result<Value, DefinitionError> {
    Ok(match value {
        Value::String(text) => {
            let put = |text: String, (name, value): (&String, &String)| text.replace(&format!("${{{name}}}"), value);
            let text = substitutions.iter().fold(text, put);
            if let Some(start) = text.find("${") {
                return Err(place.error(format!("nothing is given for the substitution in '{}'", &text[start..])));
            }
            Value::String(text)
        }
        Value::Array(items) => {
            let put = |(index, item)| substitute(item, substitutions, &place.element(index));
            Value::Array(items.into_iter().enumerate().map(put).collect::<Result<_, _>>()?)
        }
        Value::Object(fields) => {
            let put = |(name, value): (String, Value)| {
                let value = substitute(value, substitutions, &place.field(&name))?;
                Ok((name, value))
            };
            Value::Object(fields.into_iter().map(put).collect::<Result<_, _>>()?)
        }
        other => other,
    })
}
