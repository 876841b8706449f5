//! The events that EventBridge's rules hand to start-rollout and to report-outcome.

use serde_json::{Value, json};

use crate::{ACCOUNT, Execution, REGION, state_machine_arn};

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
        },
    })
}

/// Whether the rule of the Auto Scaling group's launch hook matches an event.
pub fn is_launch(event: &Value, lifecycle_hook_name: &str) -> bool {
    event["source"] == "aws.autoscaling"
        && event["detail-type"] == "EC2 Instance-launch Lifecycle Action"
        && event["detail"]["LifecycleHookName"] == lifecycle_hook_name
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
    fn only_the_launch_hook_s_events_match() {
        let event = |source: &str, kind: &str, hook: &str| json!({"source": source, "detail-type": kind, "detail": {"LifecycleHookName": hook}});
        let launch = "EC2 Instance-launch Lifecycle Action";
        assert!(is_launch(&event("aws.autoscaling", launch, "turnstile"), "turnstile"));
        for (source, kind, hook) in [
            ("aws.codedeploy", launch, "turnstile"),
            ("aws.autoscaling", "EC2 Instance-terminate Lifecycle Action", "turnstile"),
            ("aws.autoscaling", launch, "CodeDeploy-managed-automatic-launch-deployment-hook-a-1"),
        ] {
            assert!(!is_launch(&event(source, kind, hook), "turnstile"), "{source} {kind} {hook}");
        }
        assert!(!is_launch(&json!({}), "turnstile"));
    }
}
