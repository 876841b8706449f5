//! Finds the hook that a rollout has to complete, also that of a rollout whose input could not be planned.

use serde_json::Value;
use turnstile::policy::pending_hook::{instance_of, of_input};
use turnstile::words::error::Error;
use turnstile::words::hook::PendingHook;
use turnstile::words::ids::HookName;
use turnstile::words::plan::Plan;

use crate::autoscaling::AutoScaling;

/// The hook that a rollout has to complete, by its plan; by its input as it came, when that could not be planned. `own_hook` is the
/// stack's, for an input that names none of its group's.
///
/// # Errors
/// As every call of [`AutoScaling`].
pub async fn find(
    autoscaling: &AutoScaling,
    plan: Option<&Plan>,
    input: &Value,
    own_hook: &HookName,
) -> Result<Option<PendingHook>, Error> {
    if let Some(plan) = plan {
        return Ok(plan.pending_hook());
    }
    let Some(instance_id) = instance_of(input) else { return Ok(None) };
    let Some(instance) = autoscaling.instance(&instance_id).await? else { return Ok(None) };
    let hooks = autoscaling.launch_hooks(&instance.auto_scaling_group_name).await?;
    Ok(of_input(input, instance_id, instance, hooks, own_hook))
}
