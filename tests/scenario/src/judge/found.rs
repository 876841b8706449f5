//! Whether an expected value is found in an actual one.

use serde_json::Value;

use crate::format::Object;

/// Whether an expected value is found in an actual one: an object has every expected field, a list has the expected items in order, a text
/// contains the expected text, a number lies between `min` and `max`.
pub fn is_found(expected: &Value, actual: &Value) -> bool {
    match (expected, actual) {
        (Value::String(expected), Value::String(actual)) => actual.contains(expected.as_str()),
        (Value::Object(expected), actual) if !actual.is_number() => {
            expected.iter().all(|(field, value)| is_found(value, &actual[field]))
        }
        (Value::Array(expected), Value::Array(actual)) => {
            expected.len() == actual.len()
                && expected.iter().zip(actual).all(|(expected, actual)| is_found(expected, actual))
        }
        (Value::Number(expected), Value::Number(actual)) => expected.as_f64() == actual.as_f64(),
        (Value::Object(range), Value::Number(actual)) => {
            let bound = |name: &str| range.get(name).and_then(Value::as_f64);
            let actual = actual.as_f64();
            bound("min").is_none_or(|least| actual >= Some(least))
                && bound("max").is_none_or(|most| actual <= Some(most))
        }
        _ => expected == actual,
    }
}

/// Whether the expected fields are found in an actual object.
pub fn are_found(expected: &Object, actual: &Value) -> bool {
    expected.iter().all(|(field, value)| is_found(value, &actual[field]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_value_is_found_in_a_larger_one() {
        for (expected, actual, found) in [
            (json!({"a": 1}), json!({"a": 1.0, "b": 2}), true),
            (json!({"a": {"b": "is"}}), json!({"a": {"b": "this"}}), true),
            (json!({"a": null}), json!({}), true),
            (json!({"a": 1}), json!({}), false),
            (json!({"a": 1}), json!("a"), false),
            (json!(["a"]), json!(["ab"]), true),
            (json!(["a"]), json!(["a", "b"]), false),
            (json!("b"), json!("abc"), true),
            (json!("x"), json!("abc"), false),
            (json!(true), json!(true), true),
            (json!({"min": 2}), json!(2.0), true),
            (json!({"min": 2, "max": 3}), json!(4), false),
            (json!({"max": 3}), json!("2"), false),
        ] {
            assert_eq!(is_found(&expected, &actual), found, "{expected} in {actual}");
        }
    }
}
