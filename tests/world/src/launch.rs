//! Launches that differ from what their group's setting says.

use serde::{Deserialize, Deserializer, Serialize};

use crate::refusal::Refusal;
use crate::setting::AutoScalingGroupSetting;

/// A launch with delays of its own. Unknown fields are refused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Launch {
    /// Seconds from the launch to `Pending:Wait`, or to `InService` in a group without hooks. `None`: the group's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub boot_seconds: Option<f64>,
    /// Seconds from there until the instance's CodeDeploy agent answers; `Some(None)`, in JSON `null`: it never does. `None`: the
    /// group's.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub agent_seconds: Option<Option<f64>>,
}

/// A value that is there, be it `null`.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<f64>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// How long an instance takes to start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Delays {
    pub(crate) boot_seconds: f64,
    /// `None`: its agent never answers.
    pub(crate) agent_seconds: Option<f64>,
}

impl Delays {
    pub(crate) fn of_group(group: &AutoScalingGroupSetting) -> Self {
        Delays { boot_seconds: group.boot_seconds, agent_seconds: group.agent_seconds }
    }

    /// These, where the launch has none of its own.
    pub(crate) fn of(self, launch: &Launch) -> Result<Self, Refusal> {
        let delays = Delays {
            boot_seconds: launch.boot_seconds.unwrap_or(self.boot_seconds),
            agent_seconds: launch.agent_seconds.unwrap_or(self.agent_seconds),
        };
        for (field, seconds) in [("bootSeconds", Some(delays.boot_seconds)), ("agentSeconds", delays.agent_seconds)] {
            if seconds.is_some_and(|seconds| !(seconds.is_finite() && seconds >= 0.0)) {
                return Err(Refusal::new("ValidationError", format!("{field} must be 0 or more")));
            }
        }
        Ok(delays)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_agent_that_never_answers_differs_from_one_that_is_not_named() {
        for (given, agent_seconds) in [
            (json!({}), None),
            (json!({"agentSeconds": null}), Some(None)),
            (json!({"agentSeconds": 5.0}), Some(Some(5.0))),
        ] {
            let launch: Launch = serde_json::from_value(given.clone()).unwrap();
            assert_eq!(launch, Launch { boot_seconds: None, agent_seconds });
            assert_eq!(json!(launch), given);
        }
        assert!(serde_json::from_value::<Launch>(json!({"bootSecond": 1})).is_err());
    }

    #[test]
    fn a_launch_changes_what_it_names() {
        let group = Delays { boot_seconds: 30.0, agent_seconds: Some(20.0) };
        let launch = |boot_seconds, agent_seconds| Launch { boot_seconds, agent_seconds };
        assert_eq!(group.of(&Launch::default()), Ok(group));
        let never = group.of(&launch(Some(5.0), Some(None))).unwrap();
        assert_eq!(never, Delays { boot_seconds: 5.0, agent_seconds: None });
        let refusal = group.of(&launch(Some(-1.0), None)).unwrap_err();
        assert_eq!(refusal.to_string(), "ValidationError: bootSeconds must be 0 or more");
        let refusal = group.of(&launch(None, Some(Some(f64::NAN)))).unwrap_err();
        assert_eq!(refusal.to_string(), "ValidationError: agentSeconds must be 0 or more");
    }
}
