//! The `cause` of a failed execution: one JSON object, whatever the failure came from.

use serde::Deserialize;
use serde_json::{Map, Value, json};

/// What a Catch of the state machine was handed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    pub error: String,
    /// A reason in JSON from a Fail state, `{"errorType","errorMessage"}` from a Lambda, or plain text from Step Functions.
    #[serde(default)]
    pub cause: String,
}

/// The failure with what was done about the hook.
pub fn cause(failure: &Failure, hook: Value) -> String {
    let mut cause = match serde_json::from_str(&failure.cause) {
        Ok(Value::Object(of_lambda)) if of_lambda.contains_key("errorMessage") => summary(&of_lambda["errorMessage"]),
        Ok(Value::Object(reason)) => reason,
        _ => summary(&json!(failure.cause)),
    };
    cause.insert("hook".into(), hook);
    Value::Object(cause).to_string()
}

fn summary(text: &Value) -> Map<String, Value> {
    Map::from_iter([("summary".to_owned(), text.clone())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_becomes_one_object() {
        for (of, expected) in [
            (r#"{"summary":"s","deploymentId":"d-1"}"#, json!({"summary": "s", "deploymentId": "d-1", "hook": "h"})),
            (r#"{"errorType":"Turnstile.InvalidInput","errorMessage":"m"}"#, json!({"summary": "m", "hook": "h"})),
            ("The state timed out", json!({"summary": "The state timed out", "hook": "h"})),
            ("7", json!({"summary": "7", "hook": "h"})),
            ("", json!({"summary": "", "hook": "h"})),
        ] {
            let failure = Failure { error: "E".into(), cause: of.into() };
            assert_eq!(serde_json::from_str::<Value>(&cause(&failure, json!("h"))).unwrap(), expected, "{of}");
        }
    }
}
