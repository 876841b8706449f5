//! What is delivered to start-rollout, in any of the shapes that it comes in.
//!
//! These are the events of EventBridge; the message that a lifecycle hook itself sends to a Lambda function, to SNS or to SQS (Amazon
//! EC2 Auto Scaling user guide, "Prepare to add a lifecycle hook"), with the envelopes of SNS and SQS around it; and the schedule's
//! events.

use aws_lambda_events::event::sqs::SqsEvent;
use serde::Deserialize;
use serde_json::Value;
use turnstile::words::error::Error;
use turnstile::words::fields;
use turnstile::words::ids::{AutoScalingGroupName, HookName, InstanceId};
use turnstile::words::launch::{LAUNCHING, LaunchAction, SOURCE, TEST_NOTIFICATION};
use turnstile::words::served::ServedGroups;
use turnstile::words::time::Timestamp;

/// What is delivered with one call.
#[derive(Debug, Clone, PartialEq)]
pub enum Delivered {
    One(Value),
    /// Records that succeed or fail together, as those of SNS.
    Several(Vec<Value>),
    /// Messages of a queue, of which each can fail alone.
    Batch(Vec<Message>),
}

/// A message of a queue.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    pub id: String,
    pub notification: Value,
}

/// One thing that was delivered.
#[derive(Debug, Clone, PartialEq)]
pub enum Notification {
    /// An instance is launched, and may wait at the stack's hook.
    Launch(Launch),
    /// It is time to look for instances whose launch nobody was told of.
    Schedule {
        /// The same for every delivery of the event.
        id: String,
        /// When it was due. Absent when the event's time cannot be read.
        now: Option<Timestamp>,
    },
    /// Nothing that starts a rollout, and why.
    Other(&'static str),
}

/// The launch of an instance.
#[derive(Debug, Clone, PartialEq)]
pub struct Launch {
    pub auto_scaling_group_name: AutoScalingGroupName,
    pub instance_id: InstanceId,
    /// Absent when the instance is in service already, in a group without a hook.
    pub lifecycle_hook_name: Option<HookName>,
    /// The same for every delivery of this launch, and another one when the instance is launched again out of a warm pool. For a
    /// lifecycle action it is the token, which must not reach a log.
    pub id: Option<String>,
}

/// What the stack serves. What is delivered of anything else starts nothing.
#[derive(Debug, Clone)]
pub struct Served {
    /// The account's number.
    pub account: String,
    pub region: String,
    pub groups: ServedGroups,
    pub hook: HookName,
}

/// Takes what was delivered out of its envelopes.
///
/// SNS's and EventBridge's are not read by the types of `aws_lambda_events`: those refuse a record without its signature or with an
/// odd time, of which a rollout needs neither.
///
/// # Errors
/// [`Error::InvalidInput`] when a queue's message has no id, without which it cannot fail alone.
pub fn unwrap(event: Value) -> Result<Delivered, Error> {
    let Some(records) = event.get("Records").and_then(Value::as_array) else {
        return Ok(Delivered::One(message(event)));
    };
    if records.iter().any(|record| record.get("body").is_none()) || records.is_empty() {
        return Ok(Delivered::Several(records.iter().cloned().map(message).collect()));
    }
    let batch: SqsEvent = fields::read(event)?;
    let messages = batch.records.into_iter().enumerate().map(|(i, record)| {
        let id = record.message_id.ok_or_else(|| Error::InvalidInput(format!("Records[{i}].messageId: missing")))?;
        let body = Value::String(record.body.unwrap_or_default());
        Ok(Message { id, notification: message(serde_json::json!({ "body": body })) })
    });
    Ok(Delivered::Batch(messages.collect::<Result<_, Error>>()?))
}

/// The message inside the envelopes: a record of SNS or SQS, and, in a queue that is subscribed to a topic, SNS's own envelope.
fn message(mut event: Value) -> Value {
    for pointer in ["/Sns/Message", "/body", "/Message"] {
        let inner = event.pointer(pointer).and_then(Value::as_str).and_then(|text| serde_json::from_str(text).ok());
        event = inner.unwrap_or(event);
    }
    event
}

/// What a message is.
///
/// # Errors
/// [`Error::InvalidInput`] when it is a launch at the stack's hook, but a field is missing or wrong; or when a queue's message is no JSON, so that
/// nobody can tell what it is.
pub fn read(event: Value, served: &Served) -> Result<Notification, Error> {
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str);
    for pointer in ["/body", "/Message", "/Sns/Message"] {
        if let Some(text) = event.pointer(pointer).and_then(Value::as_str) {
            let field = pointer.trim_start_matches('/').replace('/', ".");
            // It may have the token in it, which must not reach a log.
            let length = text.chars().count();
            return Err(Error::InvalidInput(format!("{field}: expected JSON, got text of {length} characters")));
        }
    }
    let is_another = |pointer: &str, own: &str| text(pointer).is_some_and(|value| value != own);
    if is_another("/account", &served.account) || is_another("/AccountId", &served.account) {
        return Ok(Notification::Other("of another account"));
    }
    if is_another("/region", &served.region) {
        return Ok(Notification::Other("of another Region"));
    }
    let detail = match (text("/source"), text("/detail-type")) {
        (Some("aws.events"), Some("Scheduled Event")) => {
            let id = text("/time").or(text("/id")).unwrap_or_default().to_owned();
            let now = text("/time").and_then(|time| Timestamp::try_from(time.to_owned()).ok());
            return Ok(Notification::Schedule { id, now });
        }
        (Some(SOURCE), Some("EC2 Instance Launch Successful")) => return launched(event, served),
        (Some(SOURCE), Some(_)) => event["detail"].clone(),
        (None, None) => event,
        _ => return Ok(Notification::Other("not an event of Auto Scaling")),
    };
    let text = |field: &str| detail.get(field).and_then(Value::as_str);
    if text("Event") == Some(TEST_NOTIFICATION) {
        return Ok(Notification::Other("the test notification of a new hook"));
    }
    match text("LifecycleTransition") {
        Some(LAUNCHING) => {}
        Some(_) => return Ok(Notification::Other("not a launch: the instance is being terminated")),
        None => return Ok(Notification::Other("not a lifecycle action")),
    }
    if text("LifecycleHookName").is_some_and(|name| name != served.hook.as_str()) {
        return Ok(Notification::Other("the launch waits at another hook"));
    }
    // NotificationMetadata is left for the plan to read, so that a rollout whose list of applications is wrong starts all the same,
    // says so, and completes the hook.
    let action: LaunchAction = fields::read(detail)?;
    if !served.groups.contains(&action.auto_scaling_group_name) {
        return Ok(ANOTHER_GROUP);
    }
    Ok(Notification::Launch(Launch {
        auto_scaling_group_name: action.auto_scaling_group_name,
        instance_id: action.instance_id,
        lifecycle_hook_name: Some(action.lifecycle_hook_name),
        id: action.lifecycle_action_token,
    }))
}

const ANOTHER_GROUP: Notification = Notification::Other("the launch of a group that the stack does not serve");

/// The launch of an instance that is in service already.
fn launched(event: Value, served: &Served) -> Result<Notification, Error> {
    #[derive(Deserialize)]
    struct Event {
        id: Option<String>,
        detail: Detail,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Detail {
        auto_scaling_group_name: AutoScalingGroupName,
        #[serde(rename = "EC2InstanceId")]
        ec2_instance_id: InstanceId,
        destination: Option<String>,
    }
    let Event { id, detail } = fields::read(event)?;
    if detail.destination.as_deref() == Some("WarmPool") {
        return Ok(Notification::Other("the instance has gone into a warm pool"));
    }
    if !served.groups.contains(&detail.auto_scaling_group_name) {
        return Ok(ANOTHER_GROUP);
    }
    Ok(Notification::Launch(Launch {
        auto_scaling_group_name: detail.auto_scaling_group_name,
        instance_id: detail.ec2_instance_id,
        lifecycle_hook_name: None,
        id,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    const INSTANCE: &str = "i-0123456789abcdef0";

    fn served() -> Served {
        Served {
            account: "123456789012".into(),
            region: "us-east-1".into(),
            groups: ServedGroups {
                name: Some(fields::read("web".into()).unwrap()),
                pattern: Some(fields::read("api-*".into()).unwrap()),
            },
            hook: fields::read("turnstile".into()).unwrap(),
        }
    }

    /// Everything that is delivered with an event.
    fn read_all(event: Value) -> Vec<Result<Notification, Error>> {
        let notifications = match unwrap(event).unwrap() {
            Delivered::One(one) => vec![one],
            Delivered::Several(several) => several,
            Delivered::Batch(messages) => messages.into_iter().map(|message| message.notification).collect(),
        };
        notifications.into_iter().map(|notification| read(notification, &served())).collect()
    }

    fn fixtures() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
    }

    fn fixture(name: &str) -> Value {
        let text = std::fs::read_to_string(fixtures().join(name).with_extension("json")).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    fn launch(hook: Option<&str>, id: &str) -> Notification {
        Notification::Launch(Launch {
            auto_scaling_group_name: fields::read("web".into()).unwrap(),
            instance_id: fields::read(INSTANCE.into()).unwrap(),
            lifecycle_hook_name: hook.map(|hook| fields::read(hook.into()).unwrap()),
            id: Some(id.into()),
        })
    }

    #[test]
    fn every_shape_has_its_outcome() {
        let token = "87654321-4321-4321-4321-210987654321";
        let again = "12345678-1234-1234-1234-123456789012";
        let at_hook = || launch(Some("turnstile"), token);
        let table = [
            ("eventbridge-launch", vec![at_hook()]),
            ("eventbridge-launch-into-warm-pool", vec![at_hook()]),
            ("eventbridge-launch-out-of-warm-pool", vec![launch(Some("turnstile"), again)]),
            ("eventbridge-launch-successful", vec![launch(None, "dd56f4d0-6d57-4a5f-9b62-8d8f6f8d4b4e")]),
            (
                "eventbridge-launch-successful-into-warm-pool",
                vec![Notification::Other("the instance has gone into a warm pool")],
            ),
            ("eventbridge-terminate", vec![Notification::Other("not a launch: the instance is being terminated")]),
            ("eventbridge-launch-unsuccessful", vec![Notification::Other("not a lifecycle action")]),
            ("eventbridge-other-hook", vec![Notification::Other("the launch waits at another hook")]),
            ("eventbridge-other-service", vec![Notification::Other("not an event of Auto Scaling")]),
            (
                "eventbridge-schedule",
                vec![Notification::Schedule {
                    id: "2026-01-31T12:35:00Z".into(),
                    now: Some(Timestamp::from_seconds(1_769_862_900)),
                }],
            ),
            ("direct-launch", vec![at_hook()]),
            ("direct-test-notification", vec![Notification::Other("the test notification of a new hook")]),
            ("sns-launch", vec![at_hook()]),
            ("sns-test-notification", vec![Notification::Other("the test notification of a new hook")]),
            (
                "sqs-launch-and-termination",
                vec![at_hook(), Notification::Other("not a launch: the instance is being terminated")],
            ),
            ("sqs-of-sns-launch", vec![at_hook()]),
            ("unknown", vec![Notification::Other("not a lifecycle action")]),
        ];
        for (name, expected) in &table {
            let read: Result<Vec<_>, _> = read_all(fixture(name)).into_iter().collect();
            assert_eq!(read.as_ref(), Ok(expected), "{name}");
        }
        let listed: BTreeSet<String> = table.iter().map(|(name, _)| format!("{name}.json")).collect();
        let there: BTreeSet<String> = std::fs::read_dir(fixtures())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        assert_eq!(listed, there, "every fixture is in the table");
    }

    #[test]
    fn what_is_no_object_starts_nothing() {
        for event in [Value::Null, serde_json::json!([1]), serde_json::json!("text"), serde_json::json!({})] {
            assert_eq!(read_all(event), [Ok(Notification::Other("not a lifecycle action"))]);
        }
        assert_eq!(read_all(serde_json::json!({"Records": []})), []);
    }

    #[test]
    fn a_launch_with_a_wrong_field_is_an_error_that_names_it() {
        let mut event = fixture("eventbridge-launch");
        event["detail"]["EC2InstanceId"] = "i-1".into();
        let error = read(event, &served()).unwrap_err().to_string();
        assert_eq!(error, "EC2InstanceId: expected an instance id like i-0123456789abcdef0, got \"i-1\"");
    }

    #[test]
    fn only_the_stack_s_own_account_region_and_groups_are_served() {
        let with = |name: &str, pointer: &str, value: &str| {
            let mut event = fixture(name);
            *event.pointer_mut(pointer).unwrap() = value.into();
            read(event, &served()).unwrap()
        };
        for (name, pointer, value, why) in [
            ("eventbridge-launch", "/account", "210987654321", "of another account"),
            ("direct-launch", "/AccountId", "210987654321", "of another account"),
            ("eventbridge-launch", "/region", "eu-west-1", "of another Region"),
            ("eventbridge-schedule", "/account", "210987654321", "of another account"),
            (
                "eventbridge-launch",
                "/detail/AutoScalingGroupName",
                "other",
                "the launch of a group that the stack does not serve",
            ),
            (
                "eventbridge-launch-successful",
                "/detail/AutoScalingGroupName",
                "other",
                "the launch of a group that the stack does not serve",
            ),
        ] {
            assert_eq!(with(name, pointer, value), Notification::Other(why), "{name} {pointer}");
        }
    }

    #[test]
    fn a_group_of_the_pattern_is_served() {
        for name in ["eventbridge-launch", "eventbridge-launch-successful"] {
            let mut event = fixture(name);
            event["detail"]["AutoScalingGroupName"] = "api-20260131".into();
            let Ok(Notification::Launch(launch)) = read(event, &served()) else { panic!("{name}: a launch") };
            assert_eq!(launch.auto_scaling_group_name.as_str(), "api-20260131");
        }
    }

    #[test]
    fn an_odd_time_is_no_reason_to_leave_an_instance_waiting() {
        let mut event = fixture("eventbridge-launch");
        event["time"] = "yesterday".into();
        assert!(matches!(read(event, &served()), Ok(Notification::Launch(_))));
        let mut record = fixture("sns-launch");
        record["Records"][0]["Sns"]["Timestamp"] = Value::Null;
        assert!(matches!(read_all(record)[..], [Ok(Notification::Launch(_))]));
    }

    #[test]
    fn a_message_that_is_no_json_is_an_error() {
        let cut_off = fixture("eventbridge-launch").to_string()[..200].to_owned();
        let of_a_topic = serde_json::json!({"Type": "Notification", "Message": cut_off}).to_string();
        let of_python = "{'LifecycleActionToken': '87654321-4321-4321-4321-210987654321'}".to_owned();
        let queued = |body: String| serde_json::json!({"Records": [{"messageId": "m1", "body": body}]});
        let published = serde_json::json!({"Records": [{"EventSource": "aws:sns", "Sns": {"Message": of_python}}]});
        for (event, field) in [
            (queued(cut_off), "body"),
            (queued("hello".into()), "body"),
            (queued(of_a_topic), "Message"),
            (queued(of_python), "body"),
            (published, "Sns.Message"),
        ] {
            let read = read_all(event);
            let [Err(error)] = &read[..] else { panic!("{field}: {read:?}") };
            let problem = error.to_string();
            assert!(problem.starts_with(&format!("{field}: expected JSON, got text of ")), "{problem}");
            assert!(!problem.contains("Token"), "it must not reach a log: {problem}");
        }
    }

    #[test]
    fn a_message_of_a_queue_has_to_have_an_id() {
        let error =
            unwrap(serde_json::json!({"Records": [{"messageId": "m1", "body": "{}"}, {"body": "{}"}]})).unwrap_err();
        assert_eq!(error.to_string(), "Records[1].messageId: missing");
    }
}
