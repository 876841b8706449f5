//! What an execution fails with in the end: its failure as one JSON object, with what it is about and what was done about the hook.

use serde_json::{Map, Value, json};

use crate::limits::LONGEST_CAUSE;
use crate::policy::plain_text::plain;
use crate::words::failure::Failure;
use crate::words::text::beginning;

/// What a rollout is about, as far as it is known.
#[derive(Debug, Clone, Copy, Default)]
pub struct Subject<'a> {
    pub auto_scaling_group_name: Option<&'a str>,
    pub instance_id: Option<&'a str>,
    /// The plan's. What is wrong with the set-up may be why the rollout failed.
    pub warnings: &'a [String],
}

/// The failure with what it is about and what was done about the hook. Its cause is a JSON object of [`LONGEST_CAUSE`] bytes at the most.
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
    if !subject.warnings.is_empty() {
        cause.insert("warnings".into(), json!(subject.warnings));
    }
    cause.insert("hook".into(), json!(done));
    Failure { cause: bounded(cause), ..failure.clone() }
}

/// How much is left of a list and of a text when the whole is too long: as much as possible.
const SHORTER: [(usize, usize); 5] = [(usize::MAX, usize::MAX), (50, 4_000), (20, 1_000), (5, 250), (2, 60)];

/// The cause in JSON, with its texts plain, and with shorter lists and texts if it is too long.
fn bounded(cause: Map<String, Value>) -> String {
    let shorter = SHORTER.iter().map(|&(items, characters)| {
        let fields = cause.iter().map(|(name, value)| (name.clone(), shortened(value, items, characters)));
        Value::Object(fields.collect()).to_string()
    });
    shorter.into_iter().find(|text| text.len() <= LONGEST_CAUSE).unwrap_or_else(|| {
        // Nothing that Turnstile writes has so many fields.
        let field = |name: &str| cause.get(name).map(|value| shortened(value, 2, 1_000)).unwrap_or_default();
        json!({"summary": field("summary"), "hook": field("hook")}).to_string()
    })
}

fn shortened(value: &Value, items: usize, characters: usize) -> Value {
    match value {
        Value::String(text) => json!(beginning(&plain(text), characters)),
        Value::Array(list) => list.iter().take(items).map(|item| shortened(item, items, characters)).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), shortened(value, items, characters))).collect()
        }
        other => other.clone(),
    }
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
    use proptest::prelude::*;

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
            let failure =
                with_hook(&Failure { error: "E".into(), cause: of.into(), last_error: None }, Subject::default(), "h");
            assert_eq!(failure.error, "E");
            assert_eq!(serde_json::from_str::<Value>(&failure.cause).unwrap(), expected, "{of}");
        }
    }

    #[test]
    fn a_cause_names_group_and_instance_unless_it_knows_better() {
        let subject = Subject { auto_scaling_group_name: Some("web"), instance_id: Some("i-1"), warnings: &[] };
        for (of, instance_id) in [("x", "i-1"), (r#"{"summary":"x","instanceId":"i-2"}"#, "i-2")] {
            let failure = with_hook(&Failure { error: "E".into(), cause: of.into(), last_error: None }, subject, "h");
            let expected =
                json!({"summary": "x", "autoScalingGroupName": "web", "instanceId": instance_id, "hook": "h"});
            assert_eq!(serde_json::from_str::<Value>(&failure.cause).unwrap(), expected);
        }
    }

    #[test]
    fn a_cause_has_the_plan_s_warnings() {
        let warnings = ["the set-up is odd".to_owned()];
        let subject = Subject { warnings: &warnings, ..Subject::default() };
        let failure = with_hook(&Failure { error: "E".into(), cause: "x".into(), last_error: None }, subject, "h");
        let expected = json!({"summary": "x", "warnings": warnings, "hook": "h"});
        assert_eq!(serde_json::from_str::<Value>(&failure.cause).unwrap(), expected);
    }

    #[test]
    fn a_cause_is_plain_text() {
        let cause = json!({"summary": "\u{1b}[31mred", "logTail": "10 %\r20 %\u{202e}"}).to_string();
        let failure = with_hook(&Failure { error: "E".into(), cause, last_error: None }, Subject::default(), "h");
        let expected = json!({"summary": "red", "logTail": "20 %", "hook": "h"});
        assert_eq!(serde_json::from_str::<Value>(&failure.cause).unwrap(), expected);
    }

    /// Any JSON, small or large.
    fn any_json() -> impl Strategy<Value = Value> {
        let text = "[ -~]{0,30}|[\"\\\\\u{1b}\nä🙂]{0,1500}";
        let leaf = prop_oneof![Just(Value::Null), any::<i64>().prop_map(Value::from), text.prop_map(Value::from)];
        leaf.prop_recursive(3, 16, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..12).prop_map(Value::from),
                prop::collection::btree_map("[a-z]{1,8}", inner, 0..12).prop_map(|map| json!(map)),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn a_cause_is_bounded_whatever_came_in(
            cause in any_json(), inner in any_json(), text in "\\PC{0,300}", many in prop_oneof![0..40_usize, Just(700)],
        ) {
            let fields: Map<String, Value> = (0..many).map(|i| (format!("field{i}"), json!(text))).collect();
            let warnings = vec![text.clone(); many.min(99)];
            let subject = Subject { auto_scaling_group_name: Some(&text), instance_id: Some("i-1"), warnings: &warnings };
            let around = json!({"cause": inner.to_string(), "applicationName": text});
            for cause in [cause.to_string(), around.to_string(), json!(fields).to_string(), text.clone()] {
                let failure = with_hook(&Failure { error: "E".into(), cause, last_error: None }, subject, &text);
                prop_assert!(failure.cause.len() <= LONGEST_CAUSE);
                let read: Value = serde_json::from_str(&failure.cause).unwrap();
                prop_assert!(read.get("hook").is_some());
            }
        }
    }
}
