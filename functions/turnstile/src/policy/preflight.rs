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
pub fn warnings(name: &DeploymentGroup, group: &DeploymentGroupInfo) -> Vec<String> {
    let mut warnings = Vec::new();
    if group.updates_outdated_instances {
        warnings.push(format!(
            "{name}: outdatedInstancesStrategy is UPDATE: for instances that launch during a deployment CodeDeploy starts \
             one of its own, which can meet Turnstile's on the instance. IGNORE leaves them to Turnstile"
        ));
    }
    if !group.alarms.is_empty() {
        warnings.push(format!(
            "{name}: while one of its alarms is on ({}), CodeDeploy stops every deployment, also those of launches: a rollout waits \
             for it to go off",
            group.alarms.join(", ")
        ));
    }
    if group.rolls_back {
        warnings.push(format!(
            "{name}: CodeDeploy rolls back a pipeline's deployment that fails, with one of its own to all its instances. Turnstile's \
             own deployments are not rolled back"
        ));
    }
    if group.deploys_at_termination {
        warnings.push(format!(
            "{name}: terminationHookEnabled: CodeDeploy deploys to each instance that leaves service, and occupies the group \
             meanwhile: a launch waits for it"
        ));
    }
    warnings
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
        let revision = Revision::GitHub { repository: "me/app".into(), commit_id: "abc".into() };
        DeploymentGroupInfo { target_revision: Some(revision), ..DeploymentGroupInfo::sample() }
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
    }

    #[test]
    fn what_can_get_in_a_launch_s_way_is_warned_of() {
        let name: DeploymentGroup = "A/S".parse().unwrap();
        assert_eq!(warnings(&name, &group()), [] as [&str; 0]);
        let odd = DeploymentGroupInfo {
            updates_outdated_instances: true,
            alarms: vec!["errors".into(), "latency".into()],
            rolls_back: true,
            deploys_at_termination: true,
            ..group()
        };
        let starts = [
            "A/S: outdatedInstancesStrategy is UPDATE",
            "A/S: while one of its alarms is on (errors, latency)",
            "A/S: CodeDeploy rolls back",
            "A/S: terminationHookEnabled",
        ];
        let warnings = warnings(&name, &odd);
        assert_eq!(warnings.len(), starts.len());
        for (warning, start) in warnings.iter().zip(starts) {
            assert!(warning.starts_with(start), "{warning}");
        }
    }
}
