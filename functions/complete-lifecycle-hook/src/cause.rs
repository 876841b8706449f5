//! What an execution fails with in the end: its failure as one JSON object, with what it is about and what was done about the hook.

use serde_json::{Map, Value, json};
use turnstile::words::failure::Failure;

/// What a rollout is about, as far as it is known.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    pub auto_scaling_group_name: Option<&'a str>,
    pub instance_id: Option<&'a str>,
}

/// The failure with what it is about and what was done about the hook. Its cause is a JSON object.
pub fn with_hook(failure: &Failure, subject: Subject<'_>, done: &str) -> Failure {
    let mut cause = object(&failure.cause);
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
    Failure { error: failure.error.clone(), cause: Value::Object(cause).to_string() }
}

/// A cause as an object: a reason as it is; anything else becomes the summary of one.
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
            let failure = with_hook(&Failure { error: "E".into(), cause: of.into() }, nothing, "h");
            assert_eq!(failure.error, "E");
            assert_eq!(serde_json::from_str::<Value>(&failure.cause).unwrap(), expected, "{of}");
        }
    }

    #[test]
    fn a_cause_names_group_and_instance_unless_it_knows_better() {
        let subject = Subject { auto_scaling_group_name: Some("web"), instance_id: Some("i-1") };
        for (of, instance_id) in [("x", "i-1"), (r#"{"summary":"x","instanceId":"i-2"}"#, "i-2")] {
            let failure = with_hook(&Failure { error: "E".into(), cause: of.into() }, subject, "h");
            let expected =
                json!({"summary": "x", "autoScalingGroupName": "web", "instanceId": instance_id, "hook": "h"});
            assert_eq!(serde_json::from_str::<Value>(&failure.cause).unwrap(), expected);
        }
    }
}
