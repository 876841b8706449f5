//! Why an execution failed, in the form in which it ends with it: a stable name, and one JSON object.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// A failure as a Catch of the state machine was handed it, and as the execution ends with it.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub struct Caught {
    pub error: String,
    /// On the way in: a reason in JSON from a Fail state, `{"errorType","errorMessage"}` from a Lambda, or plain text from Step
    /// Functions. On the way out always an object.
    pub cause: String,
}

impl Caught {
    /// The failure with what was done about the hook.
    pub fn with_hook(&self, done: &str) -> Self {
        let mut cause = match serde_json::from_str(&self.cause) {
            Ok(Value::Object(of_lambda)) if of_lambda.contains_key("errorMessage") => {
                summary(&of_lambda["errorMessage"])
            }
            Ok(Value::Object(reason)) => reason,
            _ => summary(&json!(self.cause)),
        };
        cause.insert("hook".into(), json!(done));
        Self { error: self.error.clone(), cause: Value::Object(cause).to_string() }
    }
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
            let failure = Caught { error: "E".into(), cause: of.into() }.with_hook("h");
            assert_eq!(failure.error, "E");
            assert_eq!(serde_json::from_str::<Value>(&failure.cause).unwrap(), expected, "{of}");
        }
    }
}
