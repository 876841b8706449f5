//! Whether a rollout can deploy to a deployment group, as far as its settings tell.

use crate::words::application::DeploymentGroup;
use crate::words::deployment::DeploymentGroupInfo;
use crate::words::ids::HookName;

/// Checks that a rollout can deploy to the group.
///
/// # Errors
/// What is wrong with the group, beginning with its name.
pub fn check(name: &DeploymentGroup, group: &DeploymentGroupInfo) -> Result<(), String> {
    if group.compute_platform != "Server" {
        return Err(format!("{name} deploys to {}, not to EC2 instances", group.compute_platform));
    }
    if group.deployment_type != "IN_PLACE" {
        return Err(format!("{name} is {}, expected an in-place deployment group", group.deployment_type));
    }
    if group.target_revision.is_none() && group.last_successful.is_none() {
        return Err(format!("{name} has no revision: deploy one to it before a rollout can"));
    }
    Ok(())
}

/// What the operator should know of a group to which a rollout can deploy.
pub fn warning(name: &DeploymentGroup, group: &DeploymentGroupInfo) -> Option<String> {
    group.updates_outdated_instances.then(|| {
        format!(
            "{name}: outdatedInstancesStrategy is UPDATE: for instances that launch during a deployment CodeDeploy starts \
             one of its own, which can meet Turnstile's on the instance. IGNORE leaves them to Turnstile"
        )
    })
}

/// Whether a launch hook is one of those that CodeDeploy installs (CodeDeploy user guide, "Integrating CodeDeploy with Amazon EC2 Auto
/// Scaling").
pub fn is_managed_by_codedeploy(hook: &HookName) -> bool {
    hook.as_str().starts_with("CodeDeploy-managed-automatic-launch-deployment-hook-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::revision::Revision;

    fn group() -> DeploymentGroupInfo {
        DeploymentGroupInfo {
            target_revision: Some(Revision::GitHub { repository: "me/app".into(), commit_id: "abc".into() }),
            last_successful: None,
            last_attempted: None,
            compute_platform: "Server".into(),
            deployment_type: "IN_PLACE".into(),
            updates_outdated_instances: false,
        }
    }

    #[test]
    fn what_is_wrong_with_a_group_is_named() {
        let name: DeploymentGroup = "A/S".parse().unwrap();
        assert_eq!(check(&name, &group()), Ok(()));
        for (unsuitable, problem) in [
            (
                DeploymentGroupInfo { compute_platform: "ECS".into(), ..group() },
                "A/S deploys to ECS, not to EC2 instances",
            ),
            (
                DeploymentGroupInfo { deployment_type: "BLUE_GREEN".into(), ..group() },
                "A/S is BLUE_GREEN, expected an in-place deployment group",
            ),
            (
                DeploymentGroupInfo { target_revision: None, ..group() },
                "A/S has no revision: deploy one to it before a rollout can",
            ),
        ] {
            assert_eq!(check(&name, &unsuitable), Err(problem.to_owned()));
        }
        assert_eq!(warning(&name, &group()), None);
        let warned = DeploymentGroupInfo { updates_outdated_instances: true, ..group() };
        assert!(warning(&name, &warned).unwrap().starts_with("A/S: outdatedInstancesStrategy is UPDATE"));
    }
}
