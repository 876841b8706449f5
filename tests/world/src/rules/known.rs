//! The violations that are known: `tests/known-violations.json`.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::violation::{Kind, Violation};

const LIST: &str = include_str!("../../../known-violations.json");

/// The rules that are not kept yet. Runs fail on every other violation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct KnownViolations {
    entries: Vec<Entry>,
}

/// Violations of one kind.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Entry {
    /// The rule's number.
    rule: u8,
    kind: Kind,
    /// Only those with these values in these fields, such as the function. Default: all of the kind.
    #[serde(default)]
    only: Map<String, Value>,
    /// What breaks the rule.
    because: String,
}

/// A list of known violations that cannot be.
#[derive(Debug, thiserror::Error)]
pub enum UnreadableList {
    /// It is not a list of entries.
    #[error("known violations: {0}")]
    Json(#[from] serde_json::Error),
    /// An entry's rule is not the one that its kind breaks.
    #[error("known violations: [{index}].rule: expected {expected}, which {kind:?} breaks, got {given}")]
    Rule {
        /// The entry's index.
        index: usize,
        /// Its kind.
        kind: Kind,
        /// The rule's number that it gives.
        given: u8,
        /// The kind's.
        expected: u8,
    },
    /// An entry does not say what breaks the rule.
    #[error("known violations: [{index}].because: expected a sentence that says what breaks the rule")]
    NoReason {
        /// The entry's index.
        index: usize,
    },
}

impl KnownViolations {
    /// The project's list.
    ///
    /// # Panics
    /// When the file is wrong, which a test of the world's finds.
    pub fn listed() -> Self {
        Self::read(LIST).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Reads a list.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn read(text: &str) -> Result<Self, UnreadableList> {
        let entries: Vec<Entry> = serde_json::from_str(text)?;
        for (index, entry) in entries.iter().enumerate() {
            let (kind, given, expected) = (entry.kind, entry.rule, entry.kind.rule().number());
            if given != expected {
                return Err(UnreadableList::Rule { index, kind, given, expected });
            }
            if entry.because.trim().is_empty() {
                return Err(UnreadableList::NoReason { index });
            }
        }
        Ok(Self { entries })
    }

    /// What breaks the rule, if the violation is in the list.
    pub fn reason(&self, violation: &Violation) -> Option<&str> {
        let of_kind = self.entries.iter().filter(|entry| entry.kind == violation.kind());
        let fields = json!(violation);
        let mut entries = of_kind.filter(|entry| entry.only.iter().all(|(field, value)| fields[field] == *value));
        entries.next().map(|entry| entry.because.as_str())
    }

    /// Those of the violations that are not in the list.
    pub fn unknown<'a>(&self, violations: &'a [Violation]) -> Vec<&'a Violation> {
        violations.iter().filter(|violation| self.reason(violation).is_none()).collect()
    }
}
