//! The input of a rollout, as a person types it in the Step Functions console, or as start-rollout makes it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::words::application::{self, Application};
use crate::words::error::Error;
use crate::words::fields::{quoted, read};
use crate::words::hook::HookResult;
use crate::words::ids::{AutoScalingGroupName, HookName, InstanceId};
use crate::words::launch::{
    self, Form, LAUNCHING, LIFECYCLE_ACTION, LaunchAction, LaunchEvent, SOURCE, TEST_NOTIFICATION,
};

/// The fields that a person may add to what AWS tells of a launch.
const ADDITIONS: [&str; 3] = ["applications", "onFailure", "dryRun"];

/// What a rollout was asked to do. Everything that is left out gets its default when the rollout is planned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Input {
    /// The Auto Scaling group whose instances are brought up to date.
    pub auto_scaling_group_name: AutoScalingGroupName,
    /// The one instance to bring up to date; all outdated instances of the group when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<InstanceId>,
    /// The launch lifecycle hook that is completed at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifecycle_hook_name: Option<HookName>,
    /// The applications, in the order in which they are deployed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applications: Option<Vec<Application>>,
    /// What a failed rollout completes the hook with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<HookResult>,
    /// Whether it ends with what would happen, and changes nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

impl Input {
    /// Reads an execution's input: the fields above, or what AWS tells of a launch lifecycle action as it is, be it the event of
    /// EventBridge, the hook's own message or a message of the queue of lost launches. Beside AWS's fields it may have some of ours, which then count.
    ///
    /// # Errors
    /// [`Error::InvalidInput`], which names the field and what was expected.
    pub fn parse(value: Value) -> Result<Self, Error> {
        let mut value = value;
        let mut added = serde_json::Map::new();
        let form = loop {
            let Some(fields) = value.as_object() else {
                return Err(Error::InvalidInput(format!(
                    "expected a JSON object with autoScalingGroupName, got {}",
                    quoted(&value.to_string())
                )));
            };
            let Some(form) = Form::of(&value) else {
                // Whoever has no instance to name must not bring all of them up to date.
                match fields.iter().find(|(_, value)| value.is_null()) {
                    Some((field, _)) => return Err(null(field)),
                    None => break None,
                }
            };
            added.extend(additions(form, &mut value)?);
            match form {
                Form::Record => value = value["requestPayload"].take(),
                form => break Some(form),
            }
        };
        let event = value.pointer("/Event").or_else(|| value.pointer("/detail/Event"));
        if event.is_some_and(|event| event == TEST_NOTIFICATION) {
            return Err(Error::InvalidInput("the test notification of a new hook, which tells of no launch".into()));
        }
        let input = match form {
            Some(Form::Event) => Self::of_event(read(value)?)?.with(added)?,
            Some(_) => Self::of_action("", read(value)?)?.with(added)?,
            None => read(value)?,
        };
        if input.lifecycle_hook_name.is_some() && input.instance_id.is_none() {
            return Err(Error::InvalidInput(
                "instanceId: expected the instance that waits at lifecycleHookName, got none".into(),
            ));
        }
        if let Some(applications) = &input.applications {
            application::check_list(applications)?;
        }
        Ok(input)
    }

    /// With what a person has added to AWS's fields.
    fn with(self, added: serde_json::Map<String, Value>) -> Result<Self, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Added {
            applications: Option<Vec<Application>>,
            on_failure: Option<HookResult>,
            dry_run: Option<bool>,
        }
        let Added { applications, on_failure, dry_run } = read(Value::Object(added))?;
        Ok(Self {
            applications: applications.or(self.applications),
            on_failure,
            dry_run: dry_run.unwrap_or(false),
            ..self
        })
    }

    /// What an event asks for that a person pasted as the input. It is read for what is needed, and the rest may be missing or odd.
    fn of_event(event: LaunchEvent) -> Result<Self, Error> {
        check("source", SOURCE, event.source.as_deref())?;
        check("detail-type", LIFECYCLE_ACTION, event.detail_type.as_deref())?;
        Self::of_action("detail.", event.detail)
    }

    /// `path` is that of the action, for errors.
    fn of_action(path: &str, action: LaunchAction) -> Result<Self, Error> {
        check(&format!("{path}LifecycleTransition"), LAUNCHING, action.lifecycle_transition.as_deref())?;
        let metadata = action.notification_metadata.as_deref().unwrap_or_default();
        Ok(Self {
            auto_scaling_group_name: action.auto_scaling_group_name,
            instance_id: Some(action.instance_id),
            lifecycle_hook_name: Some(action.lifecycle_hook_name),
            applications: application::parse_list(&format!("{path}NotificationMetadata"), metadata)?,
            on_failure: None,
            dry_run: false,
        })
    }

    /// Whether a rollout of this input completes the stack's own hook without being told so. It does not when a person asked for
    /// certain applications only: they say nothing about the others that the instance waits for.
    pub fn completes_own_hook(&self) -> bool {
        self.lifecycle_hook_name.is_none() && self.applications.is_none()
    }
}

/// Checks a field that may be left out, but not be another one.
fn check(field: &str, expected: &str, got: Option<&str>) -> Result<(), Error> {
    match got {
        Some(got) if got != expected => {
            Err(Error::InvalidInput(format!("{field}: expected {expected:?}, got {:?}", quoted(got))))
        }
        _ => Ok(()),
    }
}

/// Takes from what AWS tells the fields that a person has added.
///
/// # Errors
/// [`Error::InvalidInput`] for one that is neither AWS's nor among [`ADDITIONS`], be it only misspelt.
fn additions(form: Form, value: &mut Value) -> Result<serde_json::Map<String, Value>, Error> {
    let of_detail = match (form, value.get_mut("detail")) {
        (Form::Event, Some(detail)) => additions(Form::Message, detail)?,
        _ => serde_json::Map::new(),
    };
    let fields = value.as_object_mut().into_iter().flat_map(std::mem::take);
    let (aws, mut added): (serde_json::Map<_, _>, serde_json::Map<_, _>) = fields.partition(|(field, _)| {
        let is_misspelt = ADDITIONS.iter().any(|addition| letters(addition) == letters(field));
        form.may_have(field) && !is_misspelt
    });
    *value = Value::Object(aws);
    for (field, value) in &added {
        if !ADDITIONS.contains(&field.as_str()) {
            let expected = ADDITIONS.join(", ");
            return Err(Error::InvalidInput(format!(
                "{}: unknown field, expected one of {expected} beside AWS's own",
                quoted(field)
            )));
        }
        if value.is_null() {
            return Err(null(field));
        }
    }
    added.extend(of_detail);
    Ok(added)
}

fn null(field: &str) -> Error {
    Error::InvalidInput(format!("{}: expected a value, got null; leave the field out instead", quoted(field)))
}

/// A field's name without what misspellings differ in.
fn letters(field: &str) -> String {
    field.chars().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_lowercase()).collect()
}

/// Whether an input asks for a dry run, right or wrong: also one that is misspelt or neither true nor false.
pub fn asks_for_dry_run(input: &Value) -> bool {
    let asks = |value: &Value| {
        let mut fields = value.as_object().into_iter().flatten();
        fields.any(|(field, value)| letters(field) == "dryrun" && *value != Value::Bool(false))
    };
    layers(input).any(asks)
}

/// Where a person may have added fields to an input: to all of it, to the event in a message about a lost launch, to the `detail` of an event.
pub fn layers(input: &Value) -> impl Iterator<Item = &Value> {
    let inner = launch::in_record(input).unwrap_or(input);
    [input, inner, &inner["detail"]].into_iter()
}

/// What an input names, right or wrong.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Named<'a> {
    pub group: Option<&'a str>,
    pub instance: Option<&'a str>,
    /// Text, where it is right.
    pub hook: Option<&'a Value>,
}

/// What an input names. It is read leniently, so that also a broken one can be found by its group and its instance. All of it is from one of the
/// forms that an input may have: what a person has added to an event by mistake is not mixed with what the event is about.
pub fn named(input: &Value) -> Named<'_> {
    const OURS: [&str; 3] = ["/autoScalingGroupName", "/instanceId", "/lifecycleHookName"];
    const OF_EVENT: [&str; 3] = ["/detail/AutoScalingGroupName", "/detail/EC2InstanceId", "/detail/LifecycleHookName"];
    const OF_MESSAGE: [&str; 3] = ["/AutoScalingGroupName", "/EC2InstanceId", "/LifecycleHookName"];
    let input = launch::in_record(input).unwrap_or(input);
    let form = match Form::of(input) {
        Some(Form::Event) => OF_EVENT,
        Some(_) => OF_MESSAGE,
        None => OURS,
    };
    let read = |[group, instance, hook]: [&str; 3]| Named {
        group: input.pointer(group).and_then(Value::as_str),
        instance: input.pointer(instance).and_then(Value::as_str),
        hook: input.pointer(hook).filter(|value| !value.is_null()),
    };
    let forms = [form, OURS, OF_EVENT, OF_MESSAGE].map(read);
    let with_instance = forms.iter().find(|named| named.instance.is_some());
    with_instance.or_else(|| forms.iter().find(|named| named.group.is_some())).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::application::DeploymentGroup;
    use serde_json::json;

    fn event() -> Value {
        json!({
            "version": "0", "id": "12345678-1234-1234-1234-123456789012", "source": "aws.autoscaling",
            "detail-type": "EC2 Instance-launch Lifecycle Action", "account": "123456789012", "time": "2026-01-01T00:00:00Z",
            "region": "us-east-1", "resources": ["arn"],
            "detail": {
                "LifecycleActionToken": "87654321-4321-4321-4321-210987654321", "AutoScalingGroupName": "web",
                "LifecycleHookName": "turnstile", "EC2InstanceId": "i-0123456789abcdef0",
                "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING", "Origin": "EC2", "Destination": "AutoScalingGroup"
            }
        })
    }

    /// Lambda's message of an invocation with the event that failed.
    fn record() -> Value {
        json!({
            "version": "1.0", "timestamp": "2026-01-01T00:03:00Z", "requestContext": {"condition": "RetriesExhausted"},
            "requestPayload": event(), "responseContext": {"statusCode": 200},
            "responsePayload": {"errorType": "Turnstile.AccessDenied"},
        })
    }

    fn with(mut value: Value, pointer: &str, to: Value) -> Value {
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        value.pointer_mut(parent).unwrap()[field] = to;
        value
    }

    fn problem(value: Value) -> String {
        Input::parse(value).unwrap_err().to_string()
    }

    #[test]
    fn an_event_means_what_a_person_would_type() {
        let typed = json!({
            "autoScalingGroupName": "web", "instanceId": "i-0123456789abcdef0", "lifecycleHookName": "turnstile"
        });
        assert_eq!(Input::parse(event()).unwrap(), Input::parse(typed).unwrap());
        let metadata = with(event(), "/detail/NotificationMetadata", json!("A/S,B/S"));
        let applications = Input::parse(metadata).unwrap().applications.unwrap();
        assert_eq!(applications, ["A/S", "B/S"].map(|group| group.parse::<DeploymentGroup>().unwrap().into()));
    }

    #[test]
    fn a_pasted_event_is_read_for_what_is_needed() {
        let whole = Input::parse(event()).unwrap();
        let mut odd = event();
        odd["time"] = json!("yesterday");
        odd["account"] = json!(7);
        odd["resources"] = json!(null);
        let bare = json!({"detail": {
            "AutoScalingGroupName": "web", "LifecycleHookName": "turnstile", "EC2InstanceId": "i-0123456789abcdef0",
        }});
        odd["a-field-of-tomorrow"] = json!({});
        for pasted in [odd, bare.clone(), bare["detail"].clone(), event()["detail"].clone(), record()] {
            assert_eq!(Input::parse(pasted.clone()).as_ref(), Ok(&whole), "{pasted}");
            let hook = json!("turnstile");
            let expected = Named { group: Some("web"), instance: Some("i-0123456789abcdef0"), hook: Some(&hook) };
            assert_eq!(named(&pasted), expected);
            // What is refused names nothing.
            let mut with_another = pasted.clone();
            with_another["instanceId"] = json!("i-0000000000000000f");
            with_another["lifecycleHookName"] = json!("other");
            assert_eq!(named(&with_another), expected);
        }
    }

    #[test]
    fn a_dry_run_is_one_in_every_form() {
        let typed = json!({"autoScalingGroupName": "web"});
        for (given, dry_run) in [
            (typed.clone(), false),
            (with(typed.clone(), "/dryRun", json!(false)), false),
            (with(typed, "/dryRun", json!(true)), true),
            (event(), false),
            (with(event(), "/dryRun", json!(true)), true),
            (with(event()["detail"].clone(), "/dryRun", json!(true)), true),
            (record(), false),
            (with(record(), "/dryRun", json!(true)), true),
            (with(record(), "/requestPayload/dryRun", json!(true)), true),
        ] {
            assert_eq!(Input::parse(given.clone()).unwrap().dry_run, dry_run, "{given}");
            assert_eq!(asks_for_dry_run(&given), dry_run, "{given}");
        }
        for misspelt in [json!({"dryrun": true}), json!({"dry_run": 1}), json!({"DryRun": null})] {
            assert!(asks_for_dry_run(&misspelt), "{misspelt}");
        }
    }

    #[test]
    fn what_a_person_adds_to_an_event_counts() {
        let list = json!(["A/S"]);
        for given in [event(), event()["detail"].clone(), record()] {
            let given = with(with(given, "/onFailure", json!("CONTINUE")), "/applications", list.clone());
            let input = Input::parse(given.clone()).unwrap();
            assert_eq!(input.on_failure, Some(HookResult::Continue), "{given}");
            assert_eq!(input.applications.unwrap(), ["A/S".parse::<DeploymentGroup>().unwrap().into()], "{given}");
            assert_eq!(input.lifecycle_hook_name.unwrap().as_str(), "turnstile", "{given}");
        }
    }

    #[test]
    fn a_test_notification_is_called_that() {
        let message = json!({"Service": "AWS Auto Scaling", "Event": TEST_NOTIFICATION, "AutoScalingGroupName": "web"});
        for pasted in [message.clone(), json!({"detail": message})] {
            assert_eq!(problem(pasted), "the test notification of a new hook, which tells of no launch");
        }
    }

    #[test]
    fn every_wrong_field_is_named() {
        let typed = json!({"autoScalingGroupName": "web", "instanceId": "i-0123456789abcdef0"});
        for (value, expected) in [
            (json!("web"), "expected a JSON object with autoScalingGroupName, got \"web\""),
            (json!({}), "autoScalingGroupName: missing"),
            (with(typed.clone(), "/autoScalingGroupName", json!(7)), "autoScalingGroupName: expected a string, got 7"),
            (
                with(typed.clone(), "/autoScalingGroupName", json!("")),
                "autoScalingGroupName: expected 1 to 255 characters, got \"\"",
            ),
            (
                with(typed.clone(), "/instanceId", json!("i-1")),
                "instanceId: expected an instance id like i-0123456789abcdef0, got \"i-1\"",
            ),
            (with(typed.clone(), "/lifecycleHookName", json!([])), "lifecycleHookName: expected a string, got a list"),
            (with(typed.clone(), "/applications", json!("A/S")), "applications: expected a list, got \"A/S\""),
            (
                with(typed.clone(), "/applications", json!([])),
                "applications: expected at least one application, got an empty list",
            ),
            (
                with(typed.clone(), "/applications", json!(["A/S", "B"])),
                "applications[1]: expected \"application/deployment group\", got \"B\"",
            ),
            (with(typed.clone(), "/onFailure", json!("IGNORE")), "onFailure: expected ABANDON or CONTINUE, got IGNORE"),
            (with(typed.clone(), "/dryRun", json!("true")), "dryRun: expected a boolean, got \"true\""),
            (
                with(typed.clone(), "/dryRun", json!(null)),
                "dryRun: expected a value, got null; leave the field out instead",
            ),
            (
                with(typed.clone(), "/instanceId", json!(null)),
                "instanceId: expected a value, got null; leave the field out instead",
            ),
            (with(event(), "/dryRun", json!(1)), "dryRun: expected a boolean, got 1"),
            (
                with(event(), "/onFailure", json!(null)),
                "onFailure: expected a value, got null; leave the field out instead",
            ),
            (with(event(), "/onFailure", json!("IGNORE")), "onFailure: expected ABANDON or CONTINUE, got IGNORE"),
            (
                with(event(), "/dryrun", json!(true)),
                "dryrun: unknown field, expected one of applications, onFailure, dryRun beside AWS's own",
            ),
            (
                with(event()["detail"].clone(), "/DryRun", json!(true)),
                "DryRun: unknown field, expected one of applications, onFailure, dryRun beside AWS's own",
            ),
            (
                with(record(), "/instanceId", json!("i-0123456789abcdef1")),
                "instanceId: unknown field, expected one of applications, onFailure, dryRun beside AWS's own",
            ),
            (
                with(event(), "/detail/EC2InstanceId", json!("x")),
                "detail.EC2InstanceId: expected an instance id like i-0123456789abcdef0, got \"x\"",
            ),
            (
                with(event(), "/detail/NotificationMetadata", json!("A")),
                "detail.NotificationMetadata: applications[0]: expected \"application/deployment group\", got \"A\"",
            ),
            (
                with(event(), "/detail/LifecycleTransition", json!("autoscaling:EC2_INSTANCE_TERMINATING")),
                "detail.LifecycleTransition: expected \"autoscaling:EC2_INSTANCE_LAUNCHING\", got \"autoscaling:EC2_INSTANCE_TERMINATING\"",
            ),
            (
                json!({"autoScalingGroupName": "web", "lifecycleHookName": "turnstile"}),
                "instanceId: expected the instance that waits at lifecycleHookName, got none",
            ),
        ] {
            assert_eq!(problem(value.clone()), expected, "{value}");
        }
        assert!(
            problem(with(typed, "/instanceid", json!("i-1")))
                .starts_with("instanceid: unknown field `instanceid`, expected one of")
        );
    }
}
