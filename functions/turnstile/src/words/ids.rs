//! Ids and names, each a type of its own, so that none can be taken for another.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::words::fields::quoted;

/// What every id has: it is text, it is written as text, and it can be compared.
macro_rules! text {
    ($name:ident) => {
        impl $name {
            /// The text of it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    };
}

/// An id that AWS gave: any text.
macro_rules! given {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub struct $name(String);

        text!($name);

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    };
}

/// A name that a person may have typed: text that is checked. An error says what was expected.
macro_rules! checked {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(String);

        text!($name);

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                let check: fn(&str) -> Result<(), String> = $check;
                check(&text).map(|()| Self(text))
            }
        }

        impl TryFrom<&str> for $name {
            type Error = String;

            fn try_from(text: &str) -> Result<Self, String> {
                Self::try_from(text.to_owned())
            }
        }
    };
}

given! {
    /// `d-…`, of a CodeDeploy deployment.
    DeploymentId
}

given! {
    /// The id of a deployment's target: an EC2 instance's id, or the name of an on-premises instance.
    TargetId
}

given! {
    /// The ARN of an execution of the state machine.
    ExecutionArn
}

given! {
    /// The key of a claim in the table of turns.
    ClaimKey
}

checked! {
    /// The ARN of a state machine: `arn:aws:states:<Region>:<account>:stateMachine:<name>`.
    StateMachineArn, |text| {
        match text.split(':').count() >= 7 && text.starts_with("arn:") {
            true => Ok(()),
            false => Err(format!("expected the ARN of a state machine, got {:?}", quoted(text))),
        }
    }
}

impl StateMachineArn {
    /// The Region in which it is.
    pub fn region(&self) -> &str {
        self.part(3)
    }

    /// The number of the account that has it.
    pub fn account(&self) -> &str {
        self.part(4)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.part(6)
    }

    fn part(&self, number: usize) -> &str {
        self.0.split(':').nth(number).unwrap_or_default()
    }
}

impl ExecutionArn {
    /// The execution's own name.
    pub fn name(&self) -> &str {
        self.0.splitn(8, ':').nth(7).unwrap_or_default()
    }

    /// The name of its state machine.
    pub fn state_machine_name(&self) -> &str {
        self.0.split(':').nth(6).unwrap_or_default()
    }
}

checked! {
    /// The id of an EC2 instance: `i-` and 8 or 17 hexadecimal digits (Amazon EC2 user guide, "Resource IDs").
    InstanceId, |text| {
        let digits = text.strip_prefix("i-").unwrap_or_default();
        let is_id = matches!(digits.len(), 8 | 17) && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        match is_id {
            true => Ok(()),
            false => Err(format!("expected an instance id like i-0123456789abcdef0, got {:?}", quoted(text))),
        }
    }
}

/// Where a stack is, for the ARNs of what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    partition: String,
    region: String,
    id: String,
}

impl Account {
    /// That of an execution.
    pub fn of(execution: &ExecutionArn) -> Self {
        Self::of_arn(execution.as_str())
    }

    /// That of a state machine.
    pub fn of_state_machine(arn: &StateMachineArn) -> Self {
        Self::of_arn(arn.as_str())
    }

    fn of_arn(arn: &str) -> Self {
        let part = |number: usize| arn.split(':').nth(number).unwrap_or_default().to_owned();
        Self { partition: part(1), region: part(3), id: part(4) }
    }

    /// The ARN of an EC2 instance (Service Authorization Reference, "Actions, resources, and condition keys for Amazon EC2").
    pub fn arn_of(&self, instance: &InstanceId) -> String {
        format!("arn:{}:ec2:{}:{}:instance/{instance}", self.partition, self.region, self.id)
    }
}

checked! {
    /// The name of an Auto Scaling group (Auto Scaling API reference, CreateAutoScalingGroup).
    AutoScalingGroupName, |text| check_length::<255>(text)
}

checked! {
    /// A pattern of names of Auto Scaling groups: `*` stands for any text, also none, and every other character for itself. IAM and EventBridge
    /// read it in the same way (IAM user guide, "IAM JSON policy elements: Condition operators"; EventBridge user guide, "Wildcard matching").
    GroupPattern, |text| check_length::<255>(text)
}

impl GroupPattern {
    /// Whether the pattern matches the whole name.
    pub fn matches(&self, group: &AutoScalingGroupName) -> bool {
        let Some((start, rest)) = self.0.split_once('*') else { return self.0 == group.0 };
        let (between, end) = rest.rsplit_once('*').unwrap_or(("", rest));
        let Some(mut left) = group.0.strip_prefix(start).and_then(|name| name.strip_suffix(end)) else { return false };
        // The first place of each part leaves the most to the parts that follow.
        between.split('*').all(|part| match left.split_once(part) {
            Some((_, after)) => {
                left = after;
                true
            }
            None => false,
        })
    }
}

checked! {
    /// The name of a lifecycle hook (Auto Scaling API reference, PutLifecycleHook).
    HookName, |text| check_length::<255>(text)
}

checked! {
    /// The name of a CodeDeploy application, deployment group or deployment configuration: 1 to 100 letters, digits and signs (CodeDeploy
    /// API model, `ApplicationName`).
    CodeDeployName, |text| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || SIGNS_IN_NAMES.contains(c);
        match text.is_empty() || text.chars().count() > 100 || !text.chars().all(allowed) {
            true => Err(format!("expected 1 to 100 letters, digits or {SIGNS_IN_NAMES}, got {:?}", quoted(text))),
            false => Ok(()),
        }
    }
}

/// What the name of a CodeDeploy resource may contain besides letters and digits: neither a space nor a slash.
const SIGNS_IN_NAMES: &str = "+=,.@_-";

/// Whether a text has 1 to `MAX` characters and not only spaces.
fn check_length<const MAX: usize>(text: &str) -> Result<(), String> {
    match text.trim().is_empty() || text.chars().count() > MAX {
        true => Err(format!("expected 1 to {MAX} characters, got {:?}", quoted(text))),
        false => Ok(()),
    }
}

impl TargetId {
    /// The target's EC2 instance; `None` when it is an on-premises instance.
    pub fn instance_id(&self) -> Option<InstanceId> {
        InstanceId::try_from(self.as_str()).ok()
    }
}

impl From<&InstanceId> for TargetId {
    fn from(instance_id: &InstanceId) -> Self {
        Self(instance_id.0.clone())
    }
}

impl PartialEq<InstanceId> for TargetId {
    fn eq(&self, instance_id: &InstanceId) -> bool {
        self.0 == instance_id.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_id_has_8_or_17_hexadecimal_digits() {
        for id in ["i-0123abcd", "i-0123456789abcdef0"] {
            assert_eq!(InstanceId::try_from(id).map(String::from).as_deref(), Ok(id));
            assert!(TargetId::from(id).instance_id().is_some());
        }
        for id in ["", "i-", "i-1", "i-0123ABCD", "0123abcd", "i-0123456789abcdef01", "my-own-server"] {
            let error = InstanceId::try_from(id).unwrap_err();
            assert_eq!(error, format!("expected an instance id like i-0123456789abcdef0, got {id:?}"));
            assert_eq!(TargetId::from(id).instance_id(), None);
        }
    }

    #[test]
    fn a_state_machine_s_arn_tells_region_and_account() {
        let arn = StateMachineArn::try_from("arn:aws-cn:states:cn-north-1:123456789012:stateMachine:rollouts").unwrap();
        assert_eq!((arn.region(), arn.account()), ("cn-north-1", "123456789012"));
        for text in ["", "rollouts", "arn:aws:states:rollouts"] {
            let error = StateMachineArn::try_from(text).unwrap_err();
            assert_eq!(error, format!("expected the ARN of a state machine, got {text:?}"));
        }
    }

    #[test]
    fn a_name_is_neither_empty_nor_too_long() {
        assert!(HookName::try_from("a".repeat(255)).is_ok());
        for name in ["", " ", &"a".repeat(256)] {
            let error = HookName::try_from(name).unwrap_err();
            assert_eq!(error, format!("expected 1 to 255 characters, got {:?}", quoted(name)));
        }
    }

    #[test]
    fn a_pattern_matches_whole_names() {
        for (pattern, name, is_match) in [
            ("web", "web", true),
            ("web", "web-2", false),
            ("web-*", "web-", true),
            ("web-*", "web-20260131", true),
            ("web-*", "my-web-1", false),
            ("*-web", "blue-web", true),
            ("*", "any name", true),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("*b*", "abc", true),
            ("*b*b*", "abc", false),
            ("w.b*", "web", false),
            ("Web*", "web", false),
        ] {
            let pattern = GroupPattern::try_from(pattern).unwrap();
            assert_eq!(pattern.matches(&AutoScalingGroupName::try_from(name).unwrap()), is_match, "{pattern} {name}");
        }
    }

    #[test]
    fn a_name_of_codedeploy_keeps_to_its_rules() {
        for name in ["a".repeat(100).as_str(), "Service-A_1.2", "a+b=c,d.e@f"] {
            assert!(CodeDeployName::try_from(name).is_ok(), "{name}");
        }
        for name in ["", " ", "Blue Team", "a/b", "a:b", "Größe", "a\n", &"a".repeat(101)] {
            let error = CodeDeployName::try_from(name).unwrap_err();
            assert_eq!(error, format!("expected 1 to 100 letters, digits or +=,.@_-, got {name:?}"));
        }
    }
}
