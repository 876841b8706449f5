//! Moments, as plain numbers. Every moment comes from outside: from the state machine, or from an answer of AWS.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::words::fields::quoted;

/// A moment, in milliseconds since 1970. In JSON it is text as Step Functions writes its times: ISO 8601 in the form of RFC 3339.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment so many milliseconds after the beginning of 1970.
    pub fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// The moment so many seconds after the beginning of 1970.
    pub fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000))
    }

    /// Milliseconds since the beginning of 1970.
    pub fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the beginning of 1970.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// Whole seconds from an earlier moment to this one; 0 when it is not earlier, as when two clocks differ.
    pub fn seconds_since(self, earlier: Self) -> u32 {
        let seconds = self.0.saturating_sub(earlier.0).max(0) / 1_000;
        u32::try_from(seconds).unwrap_or(u32::MAX)
    }

    /// The moment so many seconds after this one.
    pub fn plus_seconds(self, seconds: u32) -> Self {
        Self(self.0.saturating_add(i64::from(seconds) * 1_000))
    }

    /// The moment so many seconds before this one.
    pub fn minus_seconds(self, seconds: u32) -> Self {
        Self(self.0.saturating_sub(i64::from(seconds) * 1_000))
    }
}

impl TryFrom<String> for Timestamp {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        OffsetDateTime::parse(&text, &Rfc3339)
            .map(|time| Self((time.unix_timestamp_nanos() / 1_000_000) as i64))
            .map_err(|_| format!("expected a time like 2026-01-31T09:00:00.000Z, got {:?}", quoted(&text)))
    }
}

/// RFC 3339, in UTC.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000).map_err(|_| fmt::Error)?;
        f.write_str(&time.format(&Rfc3339).map_err(|_| fmt::Error)?)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// For `#[serde(with)]`: a moment as the number of its seconds since 1970, which DynamoDB can compare.
pub mod as_seconds {
    use super::{Deserialize, Deserializer, Serializer, Timestamp};

    /// # Errors
    /// The serializer's.
    pub fn serialize<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
        match time {
            Some(time) => serializer.serialize_i64(time.seconds()),
            None => serializer.serialize_none(),
        }
    }

    /// # Errors
    /// The deserializer's, when it finds no whole number.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
        Ok(Option::<i64>::deserialize(deserializer)?.map(Timestamp::from_seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(text: &str) -> Timestamp {
        Timestamp::try_from(text.to_owned()).unwrap()
    }

    #[test]
    fn times_of_step_functions_are_read_and_written_back() {
        let time = read("2026-01-31T09:00:00.250Z");
        assert_eq!(time, Timestamp::from_millis(1_769_850_000_250));
        assert_eq!(json!(time), json!("2026-01-31T09:00:00.25Z"));
        for same in ["2026-01-31T10:00:00.250+01:00", "2026-01-31T09:00:00.25Z"] {
            assert_eq!(read(same), time);
        }
        assert_eq!(json!(read("2026-01-31T09:00:00Z")), json!("2026-01-31T09:00:00Z"));
    }

    #[test]
    fn text_that_is_no_time_is_quoted() {
        let error = Timestamp::try_from("yesterday".to_owned()).unwrap_err();
        assert_eq!(error, "expected a time like 2026-01-31T09:00:00.000Z, got \"yesterday\"");
    }

    #[test]
    fn a_time_in_the_future_is_no_seconds_ago() {
        let now = Timestamp::from_seconds(100);
        for (earlier, seconds) in [(40, 60), (100, 0), (101, 0), (i64::MIN, u32::MAX)] {
            assert_eq!(now.seconds_since(Timestamp::from_seconds(earlier)), seconds, "{earlier}");
        }
        assert_eq!(now.minus_seconds(60), Timestamp::from_seconds(40));
    }
}
