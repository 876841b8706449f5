//! Numbers that are expected.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::short::{self, Short};

/// An expected number: exactly one, or from `min` to `max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct Count {
    /// The least. Default 0.
    #[serde(default)]
    pub min: usize,
    /// The most. `null` (the default): no limit.
    #[serde(default)]
    pub max: Option<usize>,
}

impl Count {
    /// Exactly this number.
    pub fn exactly(number: usize) -> Self {
        Self { min: number, max: Some(number) }
    }

    /// Whether a number is as expected.
    pub fn allows(self, number: usize) -> bool {
        number >= self.min && self.max.is_none_or(|max| number <= max)
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match (self.min, self.max) {
            (min, Some(max)) if min == max => write!(f, "{min}"),
            (0, Some(max)) => write!(f, "at most {max}"),
            (min, Some(max)) => write!(f, "{min} to {max}"),
            (min, None) => write!(f, "at least {min}"),
        }
    }
}

impl Short for Count {
    const EXPECTED: &str = "a number or {\"min\", \"max\"}";

    fn of_number(number: u64) -> Option<Self> {
        Some(Self::exactly(usize::try_from(number).ok()?))
    }

    fn of_object<'de, D: Deserializer<'de>>(object: D) -> Result<Self, D::Error> {
        Count::deserialize(object)
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(given: D) -> Result<Self, D::Error> {
        short::read(given)
    }
}

impl Serialize for Count {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.max == Some(self.min) {
            return self.min.serialize(serializer);
        }
        Count::serialize(self, serializer)
    }
}

/// A number of things, or a list of just these things.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum CountOrList<T> {
    /// The number.
    Count(Count),
    /// The things.
    List(Vec<T>),
}

impl<T: DeserializeOwned> Short for CountOrList<T> {
    const EXPECTED: &str = "a number, {\"min\", \"max\"} or a list";

    fn of_number(number: u64) -> Option<Self> {
        Count::of_number(number).map(Self::Count)
    }

    fn of_list<'de, D: Deserializer<'de>>(list: D) -> Result<Self, D::Error> {
        Vec::deserialize(list).map(Self::List)
    }

    fn of_object<'de, D: Deserializer<'de>>(object: D) -> Result<Self, D::Error> {
        Count::of_object(object).map(Self::Count)
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for CountOrList<T> {
    fn deserialize<D: Deserializer<'de>>(given: D) -> Result<Self, D::Error> {
        short::read(given)
    }
}
