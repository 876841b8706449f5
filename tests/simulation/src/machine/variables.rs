//! The variables of an execution.

use std::collections::BTreeMap;
use std::rc::Rc;

use jsonata_core::value::JValue;

use super::error::Failure;
use super::limits::{DATA_LIMIT_EXCEEDED, PAYLOAD_BYTES, VARIABLES_BYTES};
use super::payload::Payload;

/// Variables and the values that they have from the next state on.
pub(crate) type Assignment = Vec<(Rc<str>, Payload)>;

/// The variables that have been assigned so far.
#[derive(Debug, Default)]
pub(crate) struct Variables(BTreeMap<Rc<str>, Payload>);

impl Variables {
    pub(crate) fn get(&self, name: &str) -> Option<&JValue> {
        self.0.get(name).map(|payload| &payload.value)
    }

    /// Assigns what the state `state` assigns.
    ///
    /// # Errors
    /// States.DataLimitExceeded when this assignment, or all variables with it, take more than the service allows. A single
    /// variable may be as large as a whole assignment, so that its own limit needs no look.
    pub(crate) fn assign(&mut self, assignment: &Assignment, state: &str) -> Result<(), Failure> {
        let exceeded = |what: &str| {
            Failure::new(DATA_LIMIT_EXCEEDED, format!("The state '{state}' assigns {what} than the service allows."))
        };
        if size(assignment.iter().map(|(_, payload)| payload)) > PAYLOAD_BYTES {
            return Err(exceeded("more data"));
        }
        self.0.extend(assignment.iter().cloned());
        if size(self.0.values()) > VARIABLES_BYTES {
            return Err(exceeded("more data to all variables together"));
        }
        Ok(())
    }
}

fn size<'a>(payloads: impl Iterator<Item = &'a Payload>) -> usize {
    payloads.map(|payload| payload.text.len()).sum()
}
