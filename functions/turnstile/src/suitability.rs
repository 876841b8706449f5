//! Whether rollouts can deploy to a deployment group.

use crate::application::Application;
use crate::codedeploy::Group;

/// Whether a rollout can deploy to the group.
///
/// # Errors
/// What is wrong with it, beginning with the application.
pub fn check(application: &Application, group: &Group) -> Result<(), String> {
    if group.compute_platform != "Server" {
        return Err(format!("{application} deploys to {}, not to EC2 instances", group.compute_platform));
    }
    if group.deployment_type != "IN_PLACE" {
        return Err(format!("{application} is {}, expected an in-place deployment group", group.deployment_type));
    }
    if group.target_revision.is_none() && group.last_successful.is_none() {
        return Err(format!("{application} has no revision: deploy one to it before a rollout can"));
    }
    Ok(())
}

/// What the operator should know of the group, although a rollout can deploy to it.
pub fn warning(application: &Application, group: &Group) -> Option<String> {
    group.updates_outdated_instances.then(|| {
        format!(
            "{application}: outdatedInstancesStrategy is UPDATE: for instances that launch during a deployment CodeDeploy starts \
             one of its own, which can meet Turnstile's on the instance. IGNORE leaves them to Turnstile"
        )
    })
}
