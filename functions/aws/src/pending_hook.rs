//! Finds the hook that a rollout has to complete, also that of a rollout whose input could not be planned.

use serde_json::Value;
use tracing::warn;
use turnstile::policy::pending_hook::{action_of, instance_of, of_input};
use turnstile::words::error::Error;
use turnstile::words::hook::PendingHook;
use turnstile::words::ids::{AutoScalingGroupName, ExecutionArn, HookName};
use turnstile::words::plan::Plan;
use turnstile::words::served::ServedGroups;

use crate::launches::Launches;
use crate::settings::{self, SettingError, Settings};

/// What a stack may complete of its own accord.
#[derive(Debug, Clone)]
pub struct Own {
    /// Its hook, for an input that names none of its group's.
    pub hook: HookName,
    /// The groups that it serves; `None`: any, in an execution of a version that did not say.
    pub groups: Option<ServedGroups>,
}

impl Own {
    /// That of a stack with these settings.
    ///
    /// # Errors
    /// [`SettingError`].
    pub fn of(settings: &Settings) -> Result<Self, SettingError> {
        Ok(Self { hook: settings.get(settings::LIFECYCLE_HOOK_NAME)?, groups: settings.served_groups().ok() })
    }

    fn serves(&self, group: &AutoScalingGroupName) -> bool {
        self.groups.as_ref().is_none_or(|groups| groups.contains(group))
    }
}

/// The hook that a rollout has to complete, by its plan; by its input as it came, when that could not be planned. Without a plan the hook gets a
/// heartbeat first. A hook of a group that the stack does not serve is not the rollout's.
///
/// # Errors
/// [`Error::LaunchTakenOver`], else as every call of [`Launches`].
pub async fn find(
    launches: &Launches,
    execution: &ExecutionArn,
    plan: Option<&Plan>,
    input: &Value,
    own: &Own,
) -> Result<Option<PendingHook>, Error> {
    if let Some(plan) = plan {
        return Ok(plan.pending_hook());
    }
    let Some(instance_id) = instance_of(input) else { return Ok(None) };
    // What the input says may be wrong, and whether it is comes out below.
    if let Some(action) = action_of(input, &instance_id, &own.hook)
        && own.serves(&action.auto_scaling_group_name)
        && let Err(error) = launches.keep_open_by_input(&action, execution).await
    {
        match error {
            Error::LaunchTakenOver(_) => return Err(error),
            error => warn!(error = error.name(), reason = %error, "the hook may be without a heartbeat"),
        }
    }
    let autoscaling = &launches.autoscaling;
    let instance = autoscaling.instance(&instance_id).await?;
    let Some(instance) = instance.filter(|instance| own.serves(&instance.auto_scaling_group_name)) else {
        return Ok(None);
    };
    let hooks = autoscaling.launch_hooks(&instance.auto_scaling_group_name).await?;
    Ok(of_input(input, instance_id, instance, hooks, &own.hook))
}
