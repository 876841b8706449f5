//! Finds the hook that a rollout has to complete, also that of a rollout whose input could not be planned.

use serde_json::Value;
use tracing::warn;
use turnstile::policy::pending_hook::{action_of, instance_of, of_input};
use turnstile::words::error::Error;
use turnstile::words::hook::PendingHook;
use turnstile::words::ids::{ExecutionArn, HookName};
use turnstile::words::plan::Plan;

use crate::launches::Launches;

/// The hook that a rollout has to complete, by its plan; by its input as it came, when that could not be planned. `own_hook` is the
/// stack's, for an input that names none of its group's. Without a plan the hook gets a heartbeat first.
///
/// # Errors
/// [`Error::LaunchTakenOver`], else as every call of [`Launches`].
pub async fn find(
    launches: &Launches,
    execution: &ExecutionArn,
    plan: Option<&Plan>,
    input: &Value,
    own_hook: &HookName,
) -> Result<Option<PendingHook>, Error> {
    if let Some(plan) = plan {
        return Ok(plan.pending_hook());
    }
    let Some(instance_id) = instance_of(input) else { return Ok(None) };
    // What the input says may be wrong, and whether it is comes out below.
    if let Some(action) = action_of(input, &instance_id, own_hook)
        && let Err(error) = launches.keep_open_by_input(&action, execution).await
    {
        match error {
            Error::LaunchTakenOver(_) => return Err(error),
            error => warn!(error = error.name(), reason = %error, "the hook may be without a heartbeat"),
        }
    }
    let autoscaling = &launches.autoscaling;
    let Some(instance) = autoscaling.instance(&instance_id).await? else { return Ok(None) };
    let hooks = autoscaling.launch_hooks(&instance.auto_scaling_group_name).await?;
    Ok(of_input(input, instance_id, instance, hooks, own_hook))
}
