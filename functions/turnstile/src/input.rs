//! The input of a rollout, as a person types it in the Step Functions console or as start-rollout makes it, and the
//! field types whose errors say what was expected.

use std::fmt;

use serde::de::{self, DeserializeOwned, Deserializer, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Error;
use crate::application::Application;
use crate::plan::Plan;

/// What a rollout was asked to do. Everything that is left out gets its default when the rollout is planned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Input {
    /// The Auto Scaling group whose instances are brought up to date.
    pub auto_scaling_group_name: Name<255>,
    /// The one instance to bring up to date; all outdated instances of the group when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<InstanceId>,
    /// The launch lifecycle hook that is completed at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifecycle_hook_name: Option<Name<255>>,
    /// The applications, in the order in which they are deployed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applications: Option<Vec<Application>>,
    /// What a failed rollout completes the hook with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<HookResult>,
}

/// What a hook is completed with: terminate the instance, or let it into service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum HookResult {
    #[default]
    Abandon,
    Continue,
}

impl HookResult {
    /// As Auto Scaling's `LifecycleActionResult` spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Abandon => "ABANDON",
            Self::Continue => "CONTINUE",
        }
    }
}

impl Input {
    /// Whether a rollout of this input completes the stack's own hook without being told so. Not when a person asked for
    /// certain applications only: they say nothing about the others that the instance waits for.
    pub fn completes_own_hook(&self) -> bool {
        self.lifecycle_hook_name.is_none() && self.applications.is_none()
    }

    /// Reads an execution's input: the fields above, or an EventBridge event "EC2 Instance-launch Lifecycle Action" as it is.
    ///
    /// # Errors
    /// [`Error::InvalidInput`], naming the field and what was expected.
    pub fn parse(value: Value) -> Result<Self, Error> {
        if !value.is_object() {
            return Err(Error::InvalidInput(format!("expected a JSON object with autoScalingGroupName, got {value}")));
        }
        let input = if value.get("detail-type").is_some() || value.get("detail").is_some() {
            read::<LaunchEvent>(value)?.into_typed_input()?
        } else {
            read::<Input>(value)?
        };
        if input.lifecycle_hook_name.is_some() && input.instance_id.is_none() {
            return Err(Error::InvalidInput(
                "instanceId: expected the instance that waits at lifecycleHookName, got none".into(),
            ));
        }
        if let Some(applications) = &input.applications {
            crate::application::check_list(applications)?;
        }
        Ok(input)
    }
}

/// The EventBridge event of a launch lifecycle action (Amazon EC2 Auto Scaling user guide, "Instance-launch lifecycle
/// action"). Its token is not read: instance and hook identify the action as well, and a token must not reach a log.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct LaunchEvent {
    source: String,
    detail_type: String,
    detail: LaunchDetail,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LaunchDetail {
    auto_scaling_group_name: Name<255>,
    #[serde(rename = "EC2InstanceId")]
    ec2_instance_id: InstanceId,
    lifecycle_hook_name: Name<255>,
    lifecycle_transition: String,
    notification_metadata: Option<String>,
}

const SOURCE: &str = "aws.autoscaling";
const DETAIL_TYPE: &str = "EC2 Instance-launch Lifecycle Action";
const TRANSITION: &str = "autoscaling:EC2_INSTANCE_LAUNCHING";

impl LaunchEvent {
    /// The rollout that the launch asks for. The hook's NotificationMetadata is left for the plan to read, so that a rollout
    /// whose list of applications is wrong starts all the same, says so, and completes the hook.
    pub fn to_input(&self) -> Input {
        Input {
            auto_scaling_group_name: self.detail.auto_scaling_group_name.clone(),
            instance_id: Some(self.detail.ec2_instance_id.clone()),
            lifecycle_hook_name: Some(self.detail.lifecycle_hook_name.clone()),
            applications: None,
            on_failure: None,
        }
    }

    /// As [`LaunchEvent::to_input`], for an event that a person pasted as the input: every field is checked.
    fn into_typed_input(self) -> Result<Input, Error> {
        for (field, expected, got) in [
            ("source", SOURCE, &self.source),
            ("detail-type", DETAIL_TYPE, &self.detail_type),
            ("detail.LifecycleTransition", TRANSITION, &self.detail.lifecycle_transition),
        ] {
            if expected != got {
                return Err(Error::InvalidInput(format!("{field}: expected {expected:?}, got {got:?}")));
            }
        }
        let metadata = self.detail.notification_metadata.as_deref().unwrap_or_default();
        let applications = crate::application::parse_list("detail.NotificationMetadata", metadata)?;
        Ok(Input { applications, ..self.to_input() })
    }
}

/// The group and the instance that a rollout is about, for the log: by its plan, or by its input when it could not be planned.
pub fn subject<'a>(plan: Option<&'a Plan>, input: &'a Value) -> (Option<&'a str>, Option<&'a str>) {
    match plan {
        Some(plan) => (Some(&plan.auto_scaling_group_name), plan.instance_id.as_deref()),
        None => named(input),
    }
}

/// The group and the instance that an input names, for the log: read leniently, so that a broken input can be found by them.
pub fn named(input: &Value) -> (Option<&str>, Option<&str>) {
    let text = |paths: [&str; 2]| paths.into_iter().find_map(|path| input.pointer(path)?.as_str());
    (text(["/autoScalingGroupName", "/detail/AutoScalingGroupName"]), text(["/instanceId", "/detail/EC2InstanceId"]))
}

/// The instance, the hook and the result that a rollout owes when its input could not be planned: as much of an
/// unreadable input as can be read. `None` when it names no instance or no hook: typed by hand, it may be about an instance
/// that another rollout is serving, and one that nobody serves is found by start-rollout's schedule.
///
/// The group is left out on purpose: the instance knows its group better than a mistyped input.
pub fn owed_hook(input: &Value) -> Option<NamedHook> {
    let (_, instance_id) = named(input);
    let instance_id = InstanceId::try_from(instance_id?.to_owned()).ok()?;
    let given = |path| input.pointer(path).filter(|value| !value.is_null());
    let hook_name = given("/lifecycleHookName").or_else(|| given("/detail/LifecycleHookName"))?;
    let on_failure = input.get("onFailure").and_then(|v| HookResult::deserialize(v).ok()).unwrap_or_default();
    Some(NamedHook {
        instance_id: instance_id.into(),
        lifecycle_hook_name: hook_name.as_str().map(str::to_owned),
        on_failure,
    })
}

/// See [`owed_hook`].
#[derive(Debug, Clone, PartialEq)]
pub struct NamedHook {
    pub instance_id: String,
    /// Absent (of a wrong type) or misspelt, it is the stack's own.
    pub lifecycle_hook_name: Option<String>,
    pub on_failure: HookResult,
}

/// Reads a value; an error names the field by its path.
///
/// # Errors
/// [`Error::InvalidInput`].
pub fn read<T: DeserializeOwned>(value: Value) -> Result<T, Error> {
    serde_path_to_error::deserialize(value).map_err(|e| Error::InvalidInput(e.to_string()))
}

/// As [`read`], for a value that was found at `field`.
///
/// # Errors
/// [`Error::InvalidInput`].
pub fn read_at<T: DeserializeOwned>(field: &str, value: Value) -> Result<T, Error> {
    serde_path_to_error::deserialize(value).map_err(|e| {
        let dot = if e.path().to_string().starts_with('[') { "" } else { "." };
        Error::InvalidInput(format!("{field}{dot}{e}"))
    })
}

/// A text of 1 to `MAX` characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Name<const MAX: usize>(String);

impl<const MAX: usize> TryFrom<String> for Name<MAX> {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        if name.trim().is_empty() || name.chars().count() > MAX {
            return Err(format!("expected 1 to {MAX} characters, got {name:?}"));
        }
        Ok(Self(name))
    }
}

impl<const MAX: usize> From<Name<MAX>> for String {
    fn from(name: Name<MAX>) -> String {
        name.0
    }
}

/// The id of an EC2 instance: `i-` and 8 or 17 hexadecimal digits (Amazon EC2 user guide, "Resource IDs").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct InstanceId(String);

impl TryFrom<String> for InstanceId {
    type Error = String;

    fn try_from(id: String) -> Result<Self, String> {
        let digits = id.strip_prefix("i-").unwrap_or_default();
        let is_id = matches!(digits.len(), 8 | 17) && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if !is_id {
            return Err(format!("expected an instance id like i-0123456789abcdef0, got {id:?}"));
        }
        Ok(Self(id))
    }
}

impl From<InstanceId> for String {
    fn from(id: InstanceId) -> String {
        id.0
    }
}

/// A whole number from `MIN` to `MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WholeNumber<const MIN: u32, const MAX: u32>(u32);

impl<const MIN: u32, const MAX: u32> From<WholeNumber<MIN, MAX>> for u32 {
    fn from(number: WholeNumber<MIN, MAX>) -> u32 {
        number.0
    }
}

impl<'de, const MIN: u32, const MAX: u32> Deserialize<'de> for WholeNumber<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InRange<const MIN: u32, const MAX: u32>;
        impl<const MIN: u32, const MAX: u32> Visitor<'_> for InRange<MIN, MAX> {
            type Value = u32;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a whole number from {MIN} to {MAX}")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<u32, E> {
                u32::try_from(number)
                    .ok()
                    .filter(|n| (MIN..=MAX).contains(n))
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Unsigned(number), &self))
            }
        }
        deserializer.deserialize_u64(InRange::<MIN, MAX>).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
        assert_eq!(applications, [Application::new("A", "S"), Application::new("B", "S")]);
    }

    #[test]
    fn every_wrong_field_is_named() {
        let typed = json!({"autoScalingGroupName": "web", "instanceId": "i-0123456789abcdef0"});
        for (value, expected) in [
            (json!("web"), "expected a JSON object with autoScalingGroupName, got \"web\""),
            (json!({}), "missing field `autoScalingGroupName`"),
            (
                with(typed.clone(), "/autoScalingGroupName", json!(7)),
                "autoScalingGroupName: invalid type: integer `7`, expected a string",
            ),
            (
                with(typed.clone(), "/autoScalingGroupName", json!("")),
                "autoScalingGroupName: expected 1 to 255 characters, got \"\"",
            ),
            (
                with(typed.clone(), "/instanceId", json!("i-1")),
                "instanceId: expected an instance id like i-0123456789abcdef0, got \"i-1\"",
            ),
            (
                with(typed.clone(), "/lifecycleHookName", json!([])),
                "lifecycleHookName: invalid type: sequence, expected a string",
            ),
            (
                with(typed.clone(), "/applications", json!("A/S")),
                "applications: invalid type: string \"A/S\", expected a sequence",
            ),
            (
                with(typed.clone(), "/applications", json!([])),
                "applications: expected at least one application, got an empty list",
            ),
            (
                with(typed.clone(), "/applications", json!(["A/S", "B"])),
                "applications[1]: expected \"application/deployment group\", got \"B\"",
            ),
            (
                with(typed.clone(), "/onFailure", json!("IGNORE")),
                "onFailure: unknown variant `IGNORE`, expected `ABANDON` or `CONTINUE`",
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

    #[test]
    fn an_unreadable_input_still_names_the_hook_it_owes() {
        let owed = |instance: &str, hook: Option<&str>, on_failure| {
            Some(NamedHook { instance_id: instance.into(), lifecycle_hook_name: hook.map(Into::into), on_failure })
        };
        let id = "i-0123456789abcdef0";
        for (input, expected) in [
            (json!({"instanceId": id, "applications": 7}), None),
            (json!({"instanceId": id, "applications": 7, "lifecycleHookName": null}), None),
            (
                json!({"instanceId": id, "lifecycleHookName": "h", "onFailure": "CONTINUE", "x": 1}),
                owed(id, Some("h"), HookResult::Continue),
            ),
            (json!({"instanceId": id, "lifecycleHookName": 5, "onFailure": "?"}), owed(id, None, HookResult::Abandon)),
            (
                with(event(), "/detail/NotificationMetadata", json!("?")),
                owed(id, Some("turnstile"), HookResult::Abandon),
            ),
            (json!({"instanceId": "?"}), None),
            (json!({"autoScalingGroupName": "web"}), None),
            (json!(null), None),
        ] {
            assert_eq!(owed_hook(&input), expected, "{input}");
        }
    }
}
