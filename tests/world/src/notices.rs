//! SNS and EventBridge, as far as they are told something: what they take, and what they refuse. Their calls are on record, and nobody receives
//! what was told.

use serde::Serialize;
use serde_json::{Value, json};

use crate::protocol::aws_query::{self, Parameters, result_xml};
use crate::protocol::{Request, Response, aws_json};
use crate::refusal::Refusal;
use crate::simulation::Simulation;

const SNS: aws_query::Service =
    aws_query::Service { name: "sns", namespace: "http://sns.amazonaws.com/doc/2010-03-31/" };
/// How EventBridge is spoken to.
pub(crate) const EVENTS: aws_json::Service =
    aws_json::Service { name: "events", target: "AWSEvents.", message: "Message" };

/// The longest subject, in characters, and the longest message, in bytes (SNS API reference, Publish).
const LONGEST_SUBJECT: usize = 100;
const LONGEST_MESSAGE: usize = 256 * 1024;
/// The largest entries of a call, in bytes (EventBridge user guide, "Calculating PutEvents event entry size").
const LARGEST_ENTRIES: usize = 256 * 1024;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Published {
    message_id: String,
}

/// Answers a call of SNS.
pub(crate) fn answer_sns(simulation: &mut Simulation, request: &Request) -> Response {
    SNS.answer(simulation, request, |simulation, action, parameters| {
        publish(action, parameters)?;
        Ok(result_xml(action, &Published { message_id: simulation.random_uuid() }))
    })
}

fn publish(action: &str, parameters: &Parameters) -> Result<(), Refusal> {
    let invalid = |problem: &str| Err(Refusal::new("InvalidParameter", format!("Invalid parameter: {problem}")));
    let field = |name: &str| parameters.get(name).unwrap_or_default();
    if action != "Publish" {
        return SNS.unknown(action);
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
        parameters.get(&format!("MessageAttributes.entry.{n}.Name"))?;
        Some(field(&format!("MessageAttributes.entry.{n}.Value.StringValue")))
    });
    match attributes.into_iter().any(str::is_empty) {
        true => invalid("an attribute without a value"),
        false => Ok(()),
    }
}

/// Answers a call of EventBridge.
pub(crate) fn answer_events(simulation: &mut Simulation, request: &Request) -> Response {
    EVENTS.answer(simulation, request, |simulation, operation, input| {
        let entries = put_events(operation, &input)?;
        let entries: Vec<Value> = (0..entries).map(|_| json!({"EventId": simulation.random_uuid()})).collect();
        Ok(json!({"FailedEntryCount": 0, "Entries": entries}))
    })
}

/// The number of entries.
fn put_events(operation: &str, input: &Value) -> Result<usize, Refusal> {
    let invalid = |problem: &str| Err(Refusal::new("ValidationException", problem.to_owned()));
    if operation != "PutEvents" {
        return aws_json::unknown(operation);
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
            publish("Publish", &[("TopicArn", "arn:aws:sns:x:1:t"), ("Subject", subject), ("Message", message)].into())
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
