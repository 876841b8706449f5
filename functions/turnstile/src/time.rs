//! Moments, as plain numbers.

use std::str::FromStr;

use serde::Deserialize;

/// A moment, in milliseconds since 1970. In JSON it is written in ISO 8601, as Step Functions writes its times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Timestamp(i64);

impl Timestamp {
    /// A moment so many milliseconds after the beginning of 1970.
    pub fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// A moment so many seconds after the beginning of 1970.
    pub fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000))
    }

    /// Whole seconds since the beginning of 1970.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1_000)
    }
}

impl TryFrom<String> for Timestamp {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parsed = jiff::Timestamp::from_str(&text);
        parsed
            .map(|time| Self(time.as_millisecond()))
            .map_err(|e| format!("expected a time in ISO 8601, got {text:?}: {e}"))
    }
}
