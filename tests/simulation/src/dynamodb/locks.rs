//! The items that transactions are at work on.

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde_json::Value;

use crate::trace::in_order;

/// The item that a write is about: its table and key.
pub(super) fn item(write: &Value) -> String {
    // A Put has its key among the attributes.
    let key = if write["Key"].is_null() { &write["Item"][account::TURNS_KEY] } else { &write["Key"] };
    format!("{} {}", write["TableName"], in_order(key.clone()))
}

/// The items that are held.
#[derive(Default)]
pub(super) struct Locks(RefCell<BTreeSet<String>>);

impl Locks {
    pub(super) fn is_held(&self, item: &str) -> bool {
        self.0.borrow().contains(item)
    }

    /// Holds items until what it gives is dropped.
    pub(super) fn hold(&self, items: Vec<String>) -> Held<'_> {
        self.0.borrow_mut().extend(items.iter().cloned());
        Held { locks: self, items }
    }
}

/// Items that a transaction holds.
pub(super) struct Held<'a> {
    locks: &'a Locks,
    items: Vec<String>,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let mut held = self.locks.0.borrow_mut();
        self.items.iter().for_each(|item| {
            held.remove(item);
        });
    }
}
