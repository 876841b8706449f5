//! Whether launches fail because of another launch hook of their group, at which somebody else decides.
//!
//! Auto Scaling terminates an instance as soon as one of its hooks is completed with ABANDON or times out, whatever the others come to
//! (Amazon EC2 Auto Scaling user guide, "Lifecycle hook types"). One such launch is nothing unusual: it may have been a scale-in. But
//! a group of which launch after launch ends like this gets nowhere.

use serde_json::json;

use crate::limits::ABANDONED_IN_A_ROW;
use crate::policy::preflight;
use crate::words::failure::{ABANDONED_BY_ANOTHER_HOOK, Failure};
use crate::words::ids::HookName;
use crate::words::plan::Plan;

/// Why the launches of the plan's group fail, after `in_a_row` of them have, if the instance was terminated while it waited. `None`
/// when it was the first of them, or when the group has no other launch hook.
pub fn failure(plan: &Plan, in_a_row: u32) -> Option<Failure> {
    let (hook, instance_id) = (plan.hook.as_ref()?, plan.instance_id.as_ref()?);
    if plan.other_hooks.is_empty() || in_a_row < ABANDONED_IN_A_ROW {
        return None;
    }
    let hooks: Vec<&str> = plan.other_hooks.iter().map(HookName::as_str).collect();
    let of_codedeploy = plan.other_hooks.iter().any(preflight::is_managed_by_codedeploy);
    let advice = match of_codedeploy {
        true => {
            "CodeDeploy's own hooks deploy to the instance at the same time, and fail: take the Auto Scaling group out of \
             their deployment groups, or delete the hooks"
        }
        false => "see who completes them, and why with ABANDON; a hook that times out can do the same",
    };
    let summary = format!(
        "{instance_id} was terminated while it waited at {}: {in_a_row} launches have ended like this since the last that succeeded. Unless the group was \
         scaled in each time, one of its other launch hooks abandons them ({}); {advice}",
        hook.lifecycle_hook_name,
        hooks.join(", "),
    );
    let cause = json!({"summary": summary, "otherHooks": hooks}).to_string();
    Some(Failure { error: ABANDONED_BY_ANOTHER_HOOK.into(), cause, last_error: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::plan::Plan;

    fn plan(other_hooks: &[&str]) -> Plan {
        serde_json::from_value(json!({
            "autoScalingGroupName": "web", "instanceId": "i-0123abcd", "applications": [], "onFailure": "ABANDON", "warnings": [],
            "hook": {"lifecycleHookName": "turnstile", "heartbeatTimeoutSeconds": 600}, "otherHooks": other_hooks,
        }))
        .unwrap()
    }

    #[test]
    fn launch_after_launch_that_another_hook_abandons_is_a_failure() {
        let managed = "CodeDeploy-managed-automatic-launch-deployment-hook-A-1";
        for (hooks, in_a_row, expected) in [
            (&["warm"][..], ABANDONED_IN_A_ROW - 1, None),
            (&[], ABANDONED_IN_A_ROW, None),
            (&["warm"], ABANDONED_IN_A_ROW, Some("(warm); see who completes them")),
            (&["warm", managed], 16, Some("CodeDeploy's own hooks deploy to the instance at the same time")),
        ] {
            let failure = failure(&plan(hooks), in_a_row);
            assert_eq!(
                failure.as_ref().map(|failure| failure.error.as_str()),
                expected.map(|_| ABANDONED_BY_ANOTHER_HOOK)
            );
            let cause = failure.map(|failure| failure.cause).unwrap_or_default();
            assert!(cause.contains(expected.unwrap_or_default()), "{cause}");
        }
        let without_hook = Plan { hook: None, ..plan(&["warm"]) };
        assert_eq!(failure(&without_hook, 16), None);
    }
}
