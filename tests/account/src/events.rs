//! The events that EventBridge's rules hand to start-rollout.

use serde_json::{Value, json};

use crate::{ACCOUNT, REGION};

/// The function that the rules invoke.
pub const START_ROLLOUT: &str = "start-rollout";

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
