//! The events that EventBridge's rules hand to start-rollout and to report-outcome.

use serde_json::{Value, json};

use crate::{ACCOUNT, Execution, REGION, Served, state_machine_arn};

/// The function that the rules invoke.
pub const START_ROLLOUT: &str = "start-rollout";

/// The function that is told of the executions' ends.
pub const REPORT_OUTCOME: &str = "report-outcome";

/// The event of an execution's end. `started_at` and `ended_at` are milliseconds since 1970, `time` is the same end as events give it.
///
/// Shape from the Step Functions developer guide, "Automating Step Functions event delivery with EventBridge". The event may leave out what is
/// large, and this one does.
pub fn ended(execution: &Execution, (started_at, ended_at): (i64, i64), time: &str, id: &str) -> Value {
    json!({
        "version": "0",
        "id": id,
        "detail-type": "Step Functions Execution Status Change",
        "source": "aws.states",
        "account": ACCOUNT,
        "time": time,
        "region": REGION,
        "resources": [execution.arn],
        "detail": {
            "executionArn": execution.arn,
            "stateMachineArn": state_machine_arn(),
            "name": execution.name,
            "status": execution.status,
            "startDate": started_at,
            "stopDate": ended_at,
            "input": null,
            "inputDetails": {"included": false},
            "output": null,
            "outputDetails": {"included": false},
            "error": execution.error,
            "cause": execution.cause,
        },
    })
}

/// Whether the rule of the stack's launch hook matches an event.
pub fn is_launch(event: &Value, lifecycle_hook_name: &str, served: &Served) -> bool {
    event["source"] == "aws.autoscaling"
        && event["detail-type"] == "EC2 Instance-launch Lifecycle Action"
        && event["detail"]["LifecycleHookName"] == lifecycle_hook_name
        && event["detail"]["AutoScalingGroupName"].as_str().is_some_and(|group| served.contains(group))
}

/// The event of the schedule at the world's `time`; `id` is a UUID of its own.
///
/// Shape from the EventBridge user guide, "Creating a rule that runs on a schedule".
pub fn scheduled(time: &str, id: &str) -> Value {
    json!({
        "version": "0",
        "id": id,
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": time,
        "region": REGION,
        "resources": [format!("arn:aws:events:{REGION}:{ACCOUNT}:rule/turnstile-schedule")],
        "detail": {},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_launch_hook_s_events_of_served_groups_match() {
        let served = Served { auto_scaling_group_name: "web".into(), served_auto_scaling_groups: "api-*".into() };
        let matches = |source: &str, kind: &str, hook: &str, group: &str| {
            let detail = json!({"LifecycleHookName": hook, "AutoScalingGroupName": group});
            is_launch(&json!({"source": source, "detail-type": kind, "detail": detail}), "turnstile", &served)
        };
        let launch = "EC2 Instance-launch Lifecycle Action";
        assert!(matches("aws.autoscaling", launch, "turnstile", "web"));
        assert!(matches("aws.autoscaling", launch, "turnstile", "api-2"));
        for (source, kind, hook, group) in [
            ("aws.codedeploy", launch, "turnstile", "web"),
            ("aws.autoscaling", "EC2 Instance-terminate Lifecycle Action", "turnstile", "web"),
            ("aws.autoscaling", launch, "CodeDeploy-managed-automatic-launch-deployment-hook-a-1", "web"),
            ("aws.autoscaling", launch, "turnstile", "web-2"),
        ] {
            assert!(!matches(source, kind, hook, group), "{source} {kind} {hook} {group}");
        }
        assert!(!is_launch(&json!({}), "turnstile", &served));
    }
}
