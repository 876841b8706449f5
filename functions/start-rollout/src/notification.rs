//! What is delivered to start-rollout, in any of the shapes that it comes in.
//!
//! These are the events of EventBridge; the message that a lifecycle hook itself sends to a Lambda function, to SNS or to SQS (Amazon
//! EC2 Auto Scaling user guide, "Prepare to add a lifecycle hook"), with the envelopes of SNS and SQS around it; and the schedule's
//! events.

use serde::Deserialize;
use serde_json::Value;
use turnstile::words::error::Error;
use turnstile::words::fields;
use turnstile::words::ids::{AutoScalingGroupName, HookName, InstanceId};
use turnstile::words::launch::{LAUNCHING, LaunchAction, SOURCE};

/// One thing that was delivered.
#[derive(Debug, Clone, PartialEq)]
pub enum Notification {
    /// An instance is launched, and may wait at the stack's hook.
    Launch(Launch),
    /// It is time to look for instances whose launch nobody was told of.
    Schedule {
        /// The same for every delivery of the event.
        id: String,
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

/// What was delivered. `own_hook` is the stack's hook.
///
/// # Errors
/// [`Error::InvalidInput`] when it is a launch at the stack's hook, but a field is missing or wrong.
pub fn read(event: Value, own_hook: &HookName) -> Result<Vec<Notification>, Error> {
    match event {
        Value::Object(mut event) if event.get("Records").is_some_and(Value::is_array) => {
            let Some(Value::Array(records)) = event.remove("Records") else { return Ok(Vec::new()) };
            records.into_iter().map(|record| read_one(message(record), own_hook)).collect()
        }
        event => Ok(vec![read_one(message(event), own_hook)?]),
    }
}

/// The message inside the envelopes: a record of SNS or SQS, and, in a queue that is subscribed to a topic, SNS's own envelope.
fn message(mut event: Value) -> Value {
    for pointer in ["/Sns/Message", "/body", "/Message"] {
        let inner = event.pointer(pointer).and_then(Value::as_str).and_then(|text| serde_json::from_str(text).ok());
        event = inner.unwrap_or(event);
    }
    event
}

fn read_one(event: Value, own_hook: &HookName) -> Result<Notification, Error> {
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str);
    let detail = match (text("/source"), text("/detail-type")) {
        (Some("aws.events"), Some("Scheduled Event")) => {
            let id = text("/time").or(text("/id")).unwrap_or_default().to_owned();
            return Ok(Notification::Schedule { id });
        }
        (Some(SOURCE), Some("EC2 Instance Launch Successful")) => return launched(event),
        (Some(SOURCE), Some(_)) => event["detail"].clone(),
        (None, None) => event,
        _ => return Ok(Notification::Other("not an event of Auto Scaling")),
    };
    let text = |field: &str| detail.get(field).and_then(Value::as_str);
    if text("Event") == Some("autoscaling:TEST_NOTIFICATION") {
        return Ok(Notification::Other("the test notification of a new hook"));
    }
    match text("LifecycleTransition") {
        Some(LAUNCHING) => {}
        Some(_) => return Ok(Notification::Other("not a launch: the instance is being terminated")),
        None => return Ok(Notification::Other("not a lifecycle action")),
    }
    if text("LifecycleHookName").is_some_and(|name| name != own_hook.as_str()) {
        return Ok(Notification::Other("the launch waits at another hook"));
    }
    // NotificationMetadata is left for the plan to read, so that a rollout whose list of applications is wrong starts all the same,
    // says so, and completes the hook.
    let action: LaunchAction = fields::read(detail)?;
    Ok(Notification::Launch(Launch {
        auto_scaling_group_name: action.auto_scaling_group_name,
        instance_id: action.instance_id,
        lifecycle_hook_name: Some(action.lifecycle_hook_name),
        id: action.lifecycle_action_token,
    }))
}

/// The launch of an instance that is in service already.
fn launched(event: Value) -> Result<Notification, Error> {
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

    fn own_hook() -> HookName {
        HookName::try_from("turnstile").unwrap()
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
            ("eventbridge-schedule", vec![Notification::Schedule { id: "2026-01-31T12:35:00Z".into() }]),
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
            assert_eq!(read(fixture(name), &own_hook()).as_ref(), Ok(expected), "{name}");
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
            let read = read(event, &own_hook()).unwrap();
            assert_eq!(read, [Notification::Other("not a lifecycle action")]);
        }
        assert_eq!(read(serde_json::json!({"Records": []}), &own_hook()).unwrap(), []);
    }

    #[test]
    fn a_launch_with_a_wrong_field_is_an_error_that_names_it() {
        let mut event = fixture("eventbridge-launch");
        event["detail"]["EC2InstanceId"] = "i-1".into();
        let error = read(event, &own_hook()).unwrap_err().to_string();
        assert_eq!(error, "EC2InstanceId: expected an instance id like i-0123456789abcdef0, got \"i-1\"");
    }
}
