//! What a call of a function is about, for the log. It is read leniently, so that also a call that the function cannot read is found by it.

use serde_json::Value;

use crate::words::input::{self, Named};

/// The fields of a call by which an operator looks for it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct About<'a> {
    pub execution: Option<&'a str>,
    /// The Auto Scaling group.
    pub group: Option<&'a str>,
    pub instance: Option<&'a str>,
    /// `application/deployment group`.
    pub application: Option<String>,
    pub deployment: Option<&'a str>,
    pub round: Option<u64>,
    pub attempt: Option<u64>,
}

impl<'a> About<'a> {
    /// What a call of the state machine is about: by its plan, or by the rollout's input when there is no plan.
    pub fn of(call: &'a Value) -> Self {
        let text = |path: &str| call.pointer(path).and_then(Value::as_str);
        let (group, instance) = match text("/plan/autoScalingGroupName") {
            Some(group) => (Some(group), text("/plan/instanceId")),
            None => {
                let Named { group, instance, .. } = call.get("input").map(input::named).unwrap_or_default();
                (group, instance)
            }
        };
        let application = text("/application/applicationName").zip(text("/application/deploymentGroupName"));
        Self {
            execution: text("/execution"),
            group,
            instance,
            application: application.map(|(application, group)| format!("{application}/{group}")),
            deployment: text("/deploymentId"),
            round: call["round"].as_u64(),
            attempt: call["attempt"].as_u64(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_call_is_found_by_what_it_names() {
        let input = json!({"autoScalingGroupName": "typed", "instanceId": "i-1"});
        let planned = json!({
            "execution": "arn", "plan": {"autoScalingGroupName": "web", "instanceId": "i-2"}, "input": input,
            "application": {"applicationName": "A", "deploymentGroupName": "S"}, "deploymentId": "d-1", "round": 2, "attempt": 1,
        });
        let expected = About {
            execution: Some("arn"),
            group: Some("web"),
            instance: Some("i-2"),
            application: Some("A/S".into()),
            deployment: Some("d-1"),
            round: Some(2),
            attempt: Some(1),
        };
        assert_eq!(About::of(&planned), expected);
        let of = |group: Option<&'static str>, instance| About { group, instance, ..About::default() };
        for (call, expected) in [
            (json!({"plan": null, "input": input}), of(Some("typed"), Some("i-1"))),
            (json!({"plan": {"autoScalingGroupName": "web"}, "input": input, "round": "x"}), of(Some("web"), None)),
            (json!({"input": "web"}), About::default()),
            (json!("web"), About::default()),
            (json!(null), About::default()),
        ] {
            assert_eq!(About::of(&call), expected, "{call}");
        }
    }
}
