//! SNS and EventBridge, as far as they are told something: what they take, and what they refuse. Their calls are on record, and nobody receives
//! what was told.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::fault::{self, Answered, InjectedFault};
use crate::refusal::Refusal;
use crate::simulation::Simulation;

/// The longest subject, in characters, and the longest message, in bytes (SNS API reference, Publish).
const LONGEST_SUBJECT: usize = 100;
const LONGEST_MESSAGE: usize = 256 * 1024;
/// The largest entries of a call, in bytes (EventBridge user guide, "Calculating PutEvents event entry size").
const LARGEST_ENTRIES: usize = 256 * 1024;

/// Answers a call of SNS, whose protocol is awsQuery: a form in, XML out.
pub(crate) fn answer_sns(
    simulation: &mut Simulation,
    caller: &str,
    body: &[u8],
    fault: Option<&InjectedFault>,
) -> (u16, String) {
    let mut fields: BTreeMap<String, String> = form_urlencoded::parse(body).into_owned().collect();
    let action = fields.remove("Action").unwrap_or_default();
    fields.remove("Version");
    let request_id = simulation.random_uuid();
    let Answered { result, status, outcome } = fault::answer(fault, || publish(&action, &fields));
    simulation.record_call(caller, "sns", &action, json!(fields), outcome);
    let metadata = format!("<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>");
    match result {
        Ok(()) => {
            let id = simulation.random_uuid();
            let result = format!("<PublishResult><MessageId>{id}</MessageId></PublishResult>");
            (
                status,
                format!(
                    "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\">{result}{metadata}</PublishResponse>"
                ),
            )
        }
        Err(Refusal { code, message }) => {
            let kind = if status < 500 { "Sender" } else { "Receiver" };
            let error = format!("<Error><Type>{kind}</Type><Code>{code}</Code><Message>{message}</Message></Error>");
            (
                status,
                format!(
                    "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\">{error}<RequestId>{request_id}</RequestId></ErrorResponse>"
                ),
            )
        }
    }
}

fn publish(action: &str, fields: &BTreeMap<String, String>) -> Result<(), Refusal> {
    let invalid = |problem: &str| Err(Refusal::new("InvalidParameter", format!("Invalid parameter: {problem}")));
    let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    if action != "Publish" {
        return Err(Refusal::new("InvalidAction", format!("Could not find operation {action}")));
    }
    if !field("TopicArn").starts_with("arn:") {
        return invalid("TopicArn");
    }
    let subject = field("Subject");
    let begins_well = subject.starts_with(|c: char| c.is_ascii_alphanumeric() || c.is_ascii_punctuation());
    if subject.len() > LONGEST_SUBJECT || !begins_well || subject.chars().any(|c| !c.is_ascii() || c.is_control()) {
        return invalid("Subject");
    }
    if field("Message").is_empty() || field("Message").len() > LONGEST_MESSAGE {
        return invalid("Message");
    }
    let attributes = (1..).map_while(|n| {
        fields.get(&format!("MessageAttributes.entry.{n}.Name"))?;
        Some(field(&format!("MessageAttributes.entry.{n}.Value.StringValue")))
    });
    match attributes.into_iter().any(str::is_empty) {
        true => invalid("an attribute without a value"),
        false => Ok(()),
    }
}

/// Answers a call of EventBridge, whose protocol is awsJson1.1.
pub(crate) fn answer_events(
    simulation: &mut Simulation,
    caller: &str,
    operation: &str,
    body: &[u8],
    fault: Option<&InjectedFault>,
) -> (u16, String) {
    let input: Value = serde_json::from_slice(body).unwrap_or_default();
    let Answered { result, status, outcome } = fault::answer(fault, || put_events(operation, &input));
    simulation.record_call(caller, "events", operation, input, outcome);
    match result {
        Ok(entries) => {
            let entries: Vec<Value> = (0..entries).map(|_| json!({"EventId": simulation.random_uuid()})).collect();
            (status, json!({"FailedEntryCount": 0, "Entries": entries}).to_string())
        }
        Err(refusal) => (status, json!({"__type": refusal.code, "Message": refusal.message}).to_string()),
    }
}

/// The number of entries.
fn put_events(operation: &str, input: &Value) -> Result<usize, Refusal> {
    let invalid = |problem: &str| Err(Refusal::new("ValidationException", problem.to_owned()));
    if operation != "PutEvents" {
        return Err(Refusal::new("UnknownOperationException", format!("Unknown operation {operation}")));
    }
    let entries = input["Entries"].as_array().filter(|entries| (1..=10).contains(&entries.len()));
    let Some(entries) = entries else { return invalid("Entries: 1 to 10") };
    if input.to_string().len() > LARGEST_ENTRIES {
        return invalid("Total size of the entries in the request is over the limit.");
    }
    for entry in entries {
        let detail = entry["Detail"].as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
        let is_named =
            |field: &str| entry[field].as_str().is_some_and(|text| !text.is_empty() && !text.starts_with("aws."));
        if !is_named("Source") || !is_named("DetailType") || !detail.is_some_and(|detail| detail.is_object()) {
            return invalid("Source, DetailType and Detail are needed, and Detail is an object in JSON");
        }
    }
    Ok(entries.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_a_subject_of_one_line_of_ascii() {
        let of = |subject: &str, message: &str| {
            let fields = [("TopicArn", "arn:aws:sns:x:1:t"), ("Subject", subject), ("Message", message)];
            publish("Publish", &fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
        };
        assert_eq!(of("Turnstile: FAILED", "text"), Ok(()));
        for (subject, message) in
            [("", "text"), ("a\nb", "text"), ("ä", "text"), (" a", "text"), ("a", ""), (&*"a".repeat(101), "text")]
        {
            assert_eq!(of(subject, message).unwrap_err().code, "InvalidParameter", "{subject:?} {message:?}");
        }
    }

    #[test]
    fn an_event_has_a_source_a_type_and_an_object() {
        let of = |source: &str, detail: &str| {
            put_events("PutEvents", &json!({"Entries": [{"Source": source, "DetailType": "t", "Detail": detail}]}))
        };
        assert_eq!(of("turnstile", "{}"), Ok(1));
        for (source, detail) in [("aws.states", "{}"), ("", "{}"), ("turnstile", "[]"), ("turnstile", "no JSON")] {
            assert_eq!(of(source, detail).unwrap_err().code, "ValidationException", "{source} {detail}");
        }
    }
}
