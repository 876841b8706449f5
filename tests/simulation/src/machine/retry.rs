//! Which errors a retrier or a catcher is for, and when a retrier tries again.

use std::time::Duration;

use fastrand::Rng;
use serde_json::Value;

use super::error::DefinitionError;
use super::fields::{Fields, Place};
use super::limits::{
    ALL, DATA_LIMIT_EXCEEDED, INTERVAL_SECONDS, MAX_ATTEMPTS, MAX_DELAY_SECONDS, PERMISSIONS, QUERY_EVALUATION_ERROR,
    RUNTIME, TASK_FAILED, TIMEOUT,
};

/// The reserved names under which a Task state can report an error, or that stand for others. States.Runtime is not among them: it
/// always fails the execution.
const RESERVED: [&str; 6] = [ALL, DATA_LIMIT_EXCEEDED, PERMISSIONS, QUERY_EVALUATION_ERROR, TASK_FAILED, TIMEOUT];

/// The names in an `ErrorEquals`.
#[derive(Debug)]
pub(crate) struct ErrorEquals(Vec<String>);

impl ErrorEquals {
    /// Reads the field; `last` tells whether this is the last retrier or catcher of its list.
    pub(crate) fn read(fields: &mut Fields, last: bool) -> Result<Self, DefinitionError> {
        let place = fields.place("ErrorEquals");
        let mut names = Vec::new();
        for (value, place) in fields.list_if_any("ErrorEquals")? {
            let Value::String(name) = value else { return Err(place.error(format!("expected text, not {value}"))) };
            if name.starts_with("States.") && !RESERVED.contains(&name.as_str()) {
                return Err(place.error(format!("a Task state reports no error '{name}' that could be matched")));
            }
            names.push(name);
        }
        match names.as_slice() {
            [] => Err(place.error("is missing")),
            [_] if last => Ok(Self(names)),
            names if names.iter().any(|name| name == ALL) => {
                Err(place.error("States.ALL has to stand alone, in the last place of the list"))
            }
            _ => Ok(Self(names)),
        }
    }

    /// Whether an error of this name is meant.
    ///
    /// Source: Step Functions developer guide, "Handling errors in Step Functions workflows", "Error names".
    pub(crate) fn matches(&self, error: &str) -> bool {
        let matches = |name: &str| match name {
            _ if error == RUNTIME => false,
            ALL => error != DATA_LIMIT_EXCEEDED,
            TASK_FAILED => ![DATA_LIMIT_EXCEEDED, TIMEOUT].contains(&error),
            name => name == error,
        };
        self.0.iter().any(|name| matches(name))
    }
}

/// One element of a `Retry`.
#[derive(Debug)]
pub(crate) struct Retrier {
    errors: ErrorEquals,
    interval_seconds: u64,
    backoff_rate: f64,
    max_attempts: u64,
    max_delay_seconds: Option<u64>,
    full_jitter: bool,
}

impl Retrier {
    pub(crate) fn read(value: Value, place: Place, last: bool) -> Result<Self, DefinitionError> {
        Fields::read(value, place, |fields| {
            let interval_seconds = fields.whole_if_any("IntervalSeconds", INTERVAL_SECONDS)?.unwrap_or(1);
            let max_delay_seconds = fields.whole_if_any("MaxDelaySeconds", MAX_DELAY_SECONDS)?;
            if max_delay_seconds.is_some_and(|most| most <= interval_seconds) {
                return Err(fields.place("MaxDelaySeconds").error("is not greater than IntervalSeconds"));
            }
            Ok(Self {
                errors: ErrorEquals::read(fields, last)?,
                interval_seconds,
                backoff_rate: backoff_rate(fields)?,
                max_attempts: fields.whole_if_any("MaxAttempts", MAX_ATTEMPTS)?.unwrap_or(3),
                max_delay_seconds,
                full_jitter: full_jitter(fields)?,
            })
        })
    }

    pub(crate) fn matches(&self, error: &str) -> bool {
        self.errors.matches(error)
    }

    /// The pause before the next attempt, after `retries` of this retrier; `None` when it has no more.
    pub(crate) fn pause(&self, retries: u64, random: &mut Rng) -> Option<Duration> {
        if retries >= self.max_attempts {
            return None;
        }
        let backed_off = self.interval_seconds as f64 * self.backoff_rate.powf(retries as f64);
        let seconds = self.max_delay_seconds.map_or(backed_off, |most| backed_off.min(most as f64));
        let seconds = if self.full_jitter { seconds * random.f64() } else { seconds };
        // Longer than any execution lasts.
        Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
    }
}

fn backoff_rate(fields: &mut Fields) -> Result<f64, DefinitionError> {
    match fields.any("BackoffRate") {
        None => Ok(2.0),
        Some(value) => value
            .as_f64()
            .filter(|rate| *rate >= 1.0)
            .ok_or_else(|| fields.place("BackoffRate").error(format!("expected a number of at least 1, not {value}"))),
    }
}

fn full_jitter(fields: &mut Fields) -> Result<bool, DefinitionError> {
    match fields.text_if_any("JitterStrategy")?.as_deref() {
        None | Some("NONE") => Ok(false),
        Some("FULL") => Ok(true),
        Some(other) => Err(fields.place("JitterStrategy").error(format!("expected FULL or NONE, not '{other}'"))),
    }
}
