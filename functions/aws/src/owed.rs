//! The hook that a rollout owes a completion, also one whose input could not be planned.

use serde_json::Value;
use turnstile::error::Error;
use turnstile::input::{self, HookResult};
use turnstile::instance::Stage;
use turnstile::plan::{Hook, Plan};

use crate::autoscaling::AutoScaling;

/// The hook of one instance.
#[derive(Debug, Clone, PartialEq)]
pub struct OwedHook {
    pub auto_scaling_group_name: String,
    pub instance_id: String,
    pub hook: Hook,
    /// What a failed rollout completes it with.
    pub on_failure: HookResult,
}

/// The hook that a rollout owes a completion, by its plan, else by its input as it came. `own_hook` is the stack's, for an input
/// that names none of its group's.
///
/// # Errors
/// As every call of [`AutoScaling`].
pub async fn hook(
    autoscaling: &AutoScaling,
    plan: Option<&Plan>,
    input: &Value,
    own_hook: &str,
) -> Result<Option<OwedHook>, Error> {
    if let Some(plan) = plan {
        return Ok(plan.waiting_instance().map(|(instance_id, hook)| OwedHook {
            auto_scaling_group_name: plan.auto_scaling_group_name.clone(),
            instance_id: instance_id.to_owned(),
            hook: hook.clone(),
            on_failure: plan.on_failure,
        }));
    }
    let Some(owed) = input::owed_hook(input) else { return Ok(None) };
    let Some(instance) = autoscaling.instance(&owed.instance_id).await? else { return Ok(None) };
    // Typed by hand, the instance may be any: one that does not wait owes nothing.
    if instance.stage() != Stage::Launching {
        return Ok(None);
    }
    let auto_scaling_group_name = instance.auto_scaling_group_name;
    let hooks = autoscaling.launch_hooks(&auto_scaling_group_name).await?;
    let find = |name: &str| hooks.iter().find(|hook| hook.lifecycle_hook_name == name);
    let named = owed.lifecycle_hook_name.as_deref().and_then(find);
    Ok(named.or_else(|| find(own_hook)).map(|hook| OwedHook {
        auto_scaling_group_name,
        instance_id: owed.instance_id,
        hook: Hook {
            lifecycle_hook_name: hook.lifecycle_hook_name.clone(),
            heartbeat_timeout_seconds: hook.heartbeat_timeout_seconds,
        },
        on_failure: owed.on_failure,
    }))
}
