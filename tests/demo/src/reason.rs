//! Why an execution failed, for people to read.

use serde_json::Value;

/// The error's name, and below it the cause. A cause that is a JSON object, as Turnstile's are, is written field by field.
pub fn readable(error: &str, cause: &str) -> String {
    let Ok(Value::Object(fields)) = serde_json::from_str(cause) else {
        return [error, cause].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n");
    };
    let given = || fields.iter().filter(|(_, value)| !value.is_null());
    let width = given().map(|(name, _)| name.len()).max().unwrap_or(0);
    let field = |(name, value): (&String, &Value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        // A text's further lines are indented like its first.
        let value = value.trim_end().replace('\n', &format!("\n{:width$}", "", width = width + 4));
        format!("\n  {name:<width$}  {value}")
    };
    given().fold(error.to_owned(), |text, entry| text + &field(entry))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_in_json_is_written_field_by_field() {
        let cause = r#"{"attempts": 2, "logTail": "one\ntwo\n", "scriptName": null, "summary": "it failed"}"#;
        let expected =
            "Turnstile.DeploymentFailed\n  attempts  2\n  logTail   one\n            two\n  summary   it failed";
        assert_eq!(readable("Turnstile.DeploymentFailed", cause), expected);
    }

    #[test]
    fn any_other_cause_stays_as_it_is() {
        assert_eq!(readable("States.Runtime", "no JSON {"), "States.Runtime\nno JSON {");
        assert_eq!(readable("States.Timeout", ""), "States.Timeout");
    }
}
