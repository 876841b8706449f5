//! The copy of the tables that an eventually consistent read is answered from.

use std::collections::VecDeque;
use std::time::Duration;

use dynoxide::{Database, DynoxideError};
use serde_json::Value;

use crate::seed::Random;

/// A copy that gets every write, some time later and in the same order.
pub(super) struct Replica {
    /// Made for the first read from it.
    database: Option<Database>,
    /// The writes that it has not got yet, each with the time at which it gets it.
    coming: VecDeque<(Duration, String, Value)>,
    trails_by: Duration,
}

impl Replica {
    pub(super) fn new(trails_by: Duration) -> Self {
        Self { database: None, coming: VecDeque::new(), trails_by }
    }

    /// Takes note of a write that has taken place.
    pub(super) fn wrote(&mut self, now: Duration, random: &Random, operation: &str, request: Value) {
        let arrives = now + random.up_to(self.trails_by.as_secs_f64());
        let after = self.coming.back().map_or(Duration::ZERO, |(before, ..)| *before);
        self.coming.push_back((arrives.max(after), operation.to_owned(), request));
    }

    pub(super) fn read(&mut self, now: Duration, operation: &str, request: Value) -> Result<Value, DynoxideError> {
        let database = self.database.get_or_insert_with(super::empty);
        while let Some((_, operation, request)) = self.coming.pop_front_if(|(arrives, ..)| *arrives <= now) {
            super::perform(database, &operation, request)?;
        }
        super::perform(database, operation, request)
    }
}
