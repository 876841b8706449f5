//! Why an execution failed, in the form in which it ends with it: a stable name, and one JSON object.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// A failure as a Catch of the state machine was handed it, and as the execution ends with it.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub struct Caught {
    pub error: String,
    /// On the way in: a reason in JSON from a Fail state, `{"errorType","errorMessage"}` from a Lambda, or plain text from Step
    /// Functions; also one of the two latter as `cause` in an object of the state machine's, with the application that it was about.
    /// On the way out always an object.
    pub cause: String,
}

/// What else the operator has to know, wherever the failure came from.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    pub auto_scaling_group_name: Option<&'a str>,
    pub instance_id: Option<&'a str>,
}

impl Caught {
    /// The failure with what it is about and what was done about the hook.
    pub fn with_hook(&self, subject: Subject<'_>, done: &str) -> Self {
        let mut cause = object(&self.cause);
        if let Some(Value::String(inner)) = cause.remove("cause") {
            cause.extend(object(&inner));
        }
        for (field, value) in
            [("autoScalingGroupName", subject.auto_scaling_group_name), ("instanceId", subject.instance_id)]
        {
            if let Some(value) = value {
                cause.entry(field).or_insert_with(|| json!(value));
            }
        }
        cause.insert("hook".into(), json!(done));
        Self { error: self.error.clone(), cause: Value::Object(cause).to_string() }
    }
}

/// A reason as it is; of anything else what it says, as its summary.
fn object(cause: &str) -> Map<String, Value> {
    let summary = |text: Value| Map::from_iter([("summary".to_owned(), text)]);
    match serde_json::from_str(cause) {
        Ok(Value::Object(mut of_lambda)) if of_lambda.contains_key("errorMessage") => {
            summary(of_lambda.remove("errorMessage").unwrap_or_default())
        }
        Ok(Value::Object(reason)) => reason,
        _ => summary(json!(cause)),
    }
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
            (
                r#"{"cause":"{\"errorType\":\"Turnstile.Throttled\",\"errorMessage\":\"m\"}","applicationName":"A"}"#,
                json!({"summary": "m", "applicationName": "A", "hook": "h"}),
            ),
            (
                r#"{"cause":"timed out","applicationName":"A"}"#,
                json!({"summary": "timed out", "applicationName": "A", "hook": "h"}),
            ),
        ] {
            let nothing = Subject { auto_scaling_group_name: None, instance_id: None };
            let failure = Caught { error: "E".into(), cause: of.into() }.with_hook(nothing, "h");
            assert_eq!(failure.error, "E");
            assert_eq!(serde_json::from_str::<Value>(&failure.cause).unwrap(), expected, "{of}");
        }
    }

    #[test]
    fn a_cause_names_the_group_and_the_instance_unless_it_knows_better() {
        let subject = Subject { auto_scaling_group_name: Some("web"), instance_id: Some("i-1") };
        for (of, instance_id) in [("x", "i-1"), (r#"{"summary":"x","instanceId":"i-2"}"#, "i-2")] {
            let failure = Caught { error: "E".into(), cause: of.into() }.with_hook(subject, "h");
            let expected =
                json!({"summary": "x", "autoScalingGroupName": "web", "instanceId": instance_id, "hook": "h"});
            assert_eq!(serde_json::from_str::<Value>(&failure.cause).unwrap(), expected);
        }
    }
}
