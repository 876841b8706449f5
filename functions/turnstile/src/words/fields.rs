//! How values are read from JSON, so that an error names the field and what was expected.

use std::fmt;

use serde::de::{self, DeserializeOwned, Deserializer, Visitor};
use serde_json::Value;

use crate::words::error::Error;
use crate::words::text::beginning;

/// How much of a wrong value an error quotes, in characters.
const LONGEST_QUOTE: usize = 200;
/// How long a message of serde's may be, in characters: with a value that it quotes, and with the names of the fields that it expected.
const LONGEST_MESSAGE: usize = 600;

/// Reads a value.
///
/// # Errors
/// [`Error::InvalidInput`], which names the field by its path.
pub fn read<T: DeserializeOwned>(value: Value) -> Result<T, Error> {
    read_at("", value)
}

/// Reads a value that was found at `field`.
///
/// # Errors
/// [`Error::InvalidInput`], which names the field by its path from `field` on.
pub fn read_at<T: DeserializeOwned>(field: &str, value: Value) -> Result<T, Error> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = Some(error.path().to_string()).filter(|path| path != NO_PATH).unwrap_or_default();
        Error::InvalidInput(problem(&quoted(&join(field, &path)), &error.inner().to_string()))
    })
}

/// How `serde_path_to_error` writes the path of the value itself.
const NO_PATH: &str = ".";

/// The path of `inner`, a field or `[0]`, within the value at `outer`. Either may be empty: the value itself.
fn join(outer: &str, inner: &str) -> String {
    let dot = if outer.is_empty() || inner.is_empty() || inner.starts_with('[') { "" } else { "." };
    format!("{outer}{dot}{inner}")
}

/// One of serde's messages, with the field that it is about. Where serde says `invalid type: map, expected a sequence`, people read
/// `expected a list, got an object`.
fn problem(field: &str, message: &str) -> String {
    if let Some(missing) = message.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
        return format!("{}: missing", join(field, missing));
    }
    let kinds = ["invalid type: ", "invalid value: ", "unknown variant "];
    let wrong = kinds.iter().find_map(|kind| message.strip_prefix(kind)?.rsplit_once(", expected "));
    let problem = match wrong {
        Some((got, expected)) => format!("expected {}, got {}", kind(expected), quoted(&value(got))),
        // A struct in serde's eyes could be a list of its fields' values, which nobody writes.
        None if message.starts_with("invalid length ") => "expected an object, got a list".to_owned(),
        // One of ours quotes the value itself; serde's own may name an unknown field.
        None => beginning(message, LONGEST_MESSAGE),
    };
    if field.is_empty() { problem } else { format!("{field}: {problem}") }
}

/// What JSON calls what serde expected.
fn kind(expected: &str) -> String {
    match expected {
        "a map" => "an object".into(),
        "a sequence" => "a list".into(),
        _ if expected.starts_with("struct ") => "an object".into(),
        _ => expected.replace('`', ""),
    }
}

/// The value that serde found. Serde writes its type before it: integer `7`, string "web".
fn value(got: &str) -> String {
    match got {
        "map" => "an object".into(),
        "sequence" => "a list".into(),
        _ => match got.strip_prefix("string ") {
            Some(text) => text.to_owned(),
            None => got.split_once('`').map_or(got, |(_, value)| value.trim_end_matches('`')).to_owned(),
        },
    }
}

/// The beginning of a value that may be long.
pub fn quoted(value: &str) -> String {
    beginning(value, LONGEST_QUOTE)
}

/// Reads a field that may be left out, but be null no more than any other value that is wrong.
///
/// # Errors
/// Those of `T`.
pub fn given<'de, T: de::Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code)]
    struct Order {
        number: WholeNumber<1, 9>,
        items: Vec<Item>,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code)]
    struct Item {
        name: String,
        color: Option<Color>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Color {
        Red,
        Blue,
    }

    #[test]
    fn a_wrong_value_is_named_by_its_path_with_what_was_expected() {
        let order = |number: Value, items: Value| json!({"number": number, "items": items});
        for (value, at_the_root, inside) in [
            (json!({"number": 1}), "items: missing", "order.items: missing"),
            (order(json!(0), json!([])), "number: expected a whole number from 1 to 9, got 0", ""),
            (order(json!(-1.5), json!([])), "number: expected a whole number from 1 to 9, got -1.5", ""),
            (order(json!(true), json!([])), "number: expected a whole number from 1 to 9, got true", ""),
            (order(json!("1"), json!([])), "number: expected a whole number from 1 to 9, got \"1\"", ""),
            (order(json!(1), json!({})), "items: expected a list, got an object", ""),
            (order(json!(1), json!(null)), "items: expected a list, got null", ""),
            (order(json!(1), json!([{}])), "items[0].name: missing", "order.items[0].name: missing"),
            (order(json!(1), json!([7])), "items[0]: expected an object, got 7", ""),
            (
                order(json!(1), json!([{"name": "x", "color": "green"}])),
                "items[0].color: expected red or blue, got green",
                "",
            ),
            (json!(null), "expected an object, got null", "order: expected an object, got null"),
            (json!([]), "expected an object, got a list", ""),
        ] {
            let error = read::<Order>(value.clone()).unwrap_err().to_string();
            assert_eq!(error, at_the_root);
            let error = read_at::<Order>("order", value).unwrap_err().to_string();
            assert!(error.starts_with("order") && (error == inside || inside.is_empty()), "{error}");
        }
        let list = read_at::<Vec<u8>>("list", json!([1, "x"])).unwrap_err().to_string();
        assert_eq!(list, "list[1]: expected u8, got \"x\"");
    }

    #[test]
    fn a_long_value_is_quoted_by_its_beginning() {
        let error = read_at::<u8>("list", json!("ä".repeat(100_000))).unwrap_err().to_string();
        assert!(error.ends_with("ä…") && error.chars().count() < 300, "{error}");
        let long = "x".repeat(100_000);
        let error = read::<Order>(json!({ &long: 1 })).unwrap_err().to_string();
        assert!(error.contains("unknown field `xxx"), "{error}");
        assert!(error.chars().count() < 1_000, "{error}");
    }
}
