//! What happened in a run, in order: each call, answer, state and event, with its time.

use std::cell::RefCell;
use std::fmt;

use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::sync::Notify;

use crate::clock::Clock;

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Seconds since the start.
    pub at: f64,
    /// Who did it or whom it happened to: a function and its environment, an execution, EventBridge.
    pub who: String,
    /// What, in a few words, such as `calls dynamodb.UpdateItem`.
    pub what: String,
    /// The request, the answer, the input: JSON or another text; may be empty.
    pub detail: String,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = (self.at / 60.0).floor();
        write!(f, "{minutes:>4}:{:06.3}  {}  {}  {}", self.at - minutes * 60.0, self.who, self.what, self.detail)
    }
}

/// The record of a run.
pub(crate) struct Trace {
    clock: Clock,
    /// Told of each entry.
    added: Notify,
    inner: RefCell<Inner>,
}

struct Inner {
    hash: Sha256,
    /// The entries, when they are kept.
    entries: Option<Vec<Entry>>,
}

impl Trace {
    /// With `keeps_entries` the run can be read afterwards; its hash can be had in any case.
    pub(crate) fn new(clock: Clock, keeps_entries: bool) -> Self {
        let inner = Inner { hash: Sha256::new(), entries: keeps_entries.then(Vec::new) };
        Self { clock, added: Notify::new(), inner: RefCell::new(inner) }
    }

    pub(crate) fn add(&self, who: &str, what: impl fmt::Display, detail: impl fmt::Display) {
        self.add_at(self.clock.seconds(), who, what, detail);
    }

    /// Adds what happened at a time before, in seconds since the start, and was learned now.
    pub(crate) fn add_at(&self, at: f64, who: &str, what: impl fmt::Display, detail: impl fmt::Display) {
        let entry = Entry { at, who: who.to_owned(), what: what.to_string(), detail: detail.to_string() };
        let mut inner = self.inner.borrow_mut();
        inner.hash.update(at.to_le_bytes());
        for text in [&entry.who, &entry.what, &entry.detail] {
            inner.hash.update((text.len() as u64).to_le_bytes());
            inner.hash.update(text);
        }
        if let Some(entries) = &mut inner.entries {
            entries.push(entry);
        }
        self.added.notify_one();
    }

    /// Waits until something is added; returns at once if something was since the last time.
    pub(crate) async fn added(&self) {
        self.added.notified().await;
    }

    /// SHA-256 of everything so far, in hexadecimal digits.
    pub(crate) fn hash(&self) -> String {
        let digest = self.inner.borrow().hash.clone().finalize();
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The entries so far, in the order of their times; none when they are not kept.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let mut entries = self.inner.borrow().entries.clone().unwrap_or_default();
        entries.sort_by(|a, b| a.at.total_cmp(&b.at));
        entries
    }
}

/// JSON with the keys of its objects in order. The SDK writes a map's keys in an order that differs from process to process.
pub(crate) fn in_order(value: Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut fields: Vec<(String, Value)> = object.into_iter().collect();
            fields.sort_by(|(a, _), (b, _)| a.cmp(b));
            Value::Object(fields.into_iter().map(|(key, value)| (key, in_order(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(in_order).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn trace(parts: &[[&str; 3]]) -> Trace {
        let trace = Trace::new(Clock::start(), true);
        parts.iter().for_each(|[who, what, detail]| trace.add(who, what, detail));
        trace
    }

    #[tokio::test(start_paused = true)]
    async fn the_hash_tells_any_two_runs_apart() {
        let hash = |parts: &[[&str; 3]]| trace(parts).hash();
        let one = hash(&[["a", "b", "c"]]);
        assert_eq!(one, hash(&[["a", "b", "c"]]));
        assert_eq!(one.len(), 64);
        for other in [vec![["ab", "", "c"]], vec![["a", "b", "c"], ["", "", ""]], vec![]] {
            assert_ne!(one, hash(&other), "{other:?}");
        }
        let later = trace(&[]);
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        later.add("a", "b", "c");
        assert_ne!(one, later.hash(), "the time counts");
    }

    #[tokio::test(start_paused = true)]
    async fn an_entry_reads_as_a_line_of_a_story() {
        let trace = Trace::new(Clock::start(), true);
        tokio::time::sleep(std::time::Duration::from_millis(75_250)).await;
        trace.add("start-deployment", "answers", "{}");
        assert_eq!(trace.entries()[0].to_string(), "   1:15.250  start-deployment  answers  {}");
        assert_eq!(Trace::new(Clock::start(), false).entries(), []);
    }

    #[test]
    fn keys_are_put_in_order_at_any_depth() {
        let value = in_order(json!({"b": [{"d": 1, "c": 2}], "a": null}));
        assert_eq!(value.to_string(), r#"{"a":null,"b":[{"c":2,"d":1}]}"#);
    }
}
