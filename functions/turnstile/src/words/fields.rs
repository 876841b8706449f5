//! How values are read from JSON, so that an error names the field and what was expected.

use std::fmt;

use serde::de::{self, DeserializeOwned, Deserializer, Visitor};
use serde_json::Value;

use crate::words::error::Error;

/// Reads a value.
///
/// # Errors
/// [`Error::InvalidInput`], which names the field by its path.
pub fn read<T: DeserializeOwned>(value: Value) -> Result<T, Error> {
    serde_path_to_error::deserialize(value).map_err(|e| Error::InvalidInput(e.to_string()))
}

/// Reads a value that was found at `field`.
///
/// # Errors
/// [`Error::InvalidInput`], which names the field by its path from `field` on.
pub fn read_at<T: DeserializeOwned>(field: &str, value: Value) -> Result<T, Error> {
    serde_path_to_error::deserialize(value).map_err(|e| {
        let dot = if e.path().to_string().starts_with('[') { "" } else { "." };
        Error::InvalidInput(format!("{field}{dot}{e}"))
    })
}

/// A whole number from `MIN` to `MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WholeNumber<const MIN: u32, const MAX: u32>(u32);

impl<const MIN: u32, const MAX: u32> From<WholeNumber<MIN, MAX>> for u32 {
    fn from(number: WholeNumber<MIN, MAX>) -> u32 {
        number.0
    }
}

impl<'de, const MIN: u32, const MAX: u32> de::Deserialize<'de> for WholeNumber<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InRange<const MIN: u32, const MAX: u32>;
        impl<const MIN: u32, const MAX: u32> Visitor<'_> for InRange<MIN, MAX> {
            type Value = u32;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a whole number from {MIN} to {MAX}")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<u32, E> {
                u32::try_from(number)
                    .ok()
                    .filter(|n| (MIN..=MAX).contains(n))
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Unsigned(number), &self))
            }
        }
        deserializer.deserialize_u64(InRange::<MIN, MAX>).map(Self)
    }
}
