//! Whether a rollout can deploy to a deployment group, as far as its settings tell.

use crate::policy::deployment_tag;
use crate::policy::up_to_date::CurrentRevision;
use crate::words::application::DeploymentGroup;
use crate::words::deployment::{Deployment, DeploymentGroupInfo, DeploymentStatus};
use crate::words::hook::{Hook, HookResult};
use crate::words::ids::{AutoScalingGroupName, HookName};

/// CodeDeploy's compute platform of EC2 instances.
const SERVER: &str = "Server";

/// Checks that a rollout can deploy to the group.
///
/// # Errors
/// What is wrong with the group, beginning with its name.
pub fn check(name: &DeploymentGroup, group: &DeploymentGroupInfo) -> Result<(), String> {
    if group.compute_platform != SERVER {
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

/// Checks that a rollout can deploy with the deployment configuration of this `name`. `platform` is its compute platform; `None`: there is no
/// such configuration.
///
/// # Errors
/// What is wrong with the configuration.
pub fn check_configuration(name: &str, platform: Option<&str>) -> Result<(), String> {
    match platform {
        Some(SERVER) => Ok(()),
        Some(other) => Err(format!("the deployment configuration {name:?} is for {other}, not for EC2 instances")),
        None => Err(format!("there is no deployment configuration {name:?}")),
    }
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

/// What the operator should know of the hook at which launches wait.
pub fn warning_of_hook(group: &AutoScalingGroupName, hook: &Hook) -> Option<String> {
    (hook.default_result == HookResult::Continue).then(|| {
        format!(
            "the launch hook {0} has the default result CONTINUE: should it time out, because no rollout could be started, the instance enters \
             service with whatever is on it. Make it ABANDON: aws autoscaling put-lifecycle-hook --auto-scaling-group-name '{group}' \
             --lifecycle-hook-name {0} --default-result ABANDON",
            hook.lifecycle_hook_name
        )
    })
}

/// Whether a launch hook is one of those that CodeDeploy installs (CodeDeploy user guide, "Integrating CodeDeploy with Amazon EC2 Auto
/// Scaling").
pub fn is_managed_by_codedeploy(hook: &HookName) -> bool {
    hook.as_str().starts_with("CodeDeploy-managed-automatic-launch-deployment-hook-")
}

/// What the operator should know of a release that failed half-way: it has changed instances, and did not become current there. The
/// next deployment of a rollout brings them back.
pub fn half_way_release(
    name: &DeploymentGroup,
    current: &CurrentRevision,
    since_last_successful: &[Deployment],
) -> Option<String> {
    let is_half_way = |deployment: &&Deployment| {
        matches!(deployment.status, DeploymentStatus::Failed | DeploymentStatus::Stopped)
            && deployment.overview.succeeded > 0
            && deployment.revision.is_some()
            && !current.is_of(deployment)
            && !deployment_tag::is_a_rollouts(&deployment.description)
    };
    let Deployment { deployment_id, status, revision, overview, .. } =
        since_last_successful.iter().find(is_half_way)?;
    Some(format!(
        "{name}: {deployment_id} ended {status:?} after it had brought {} to {} of the instances. {} is current still, and the next \
         rollout that deploys brings it back to them: deploy the one or the other to the group first",
        revision.as_ref()?,
        overview.succeeded,
        current.revision
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::deployment::{Overview, sample};
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
    fn what_is_wrong_with_a_configuration_is_named() {
        assert_eq!(check_configuration("C", Some("Server")), Ok(()));
        for (platform, problem) in [
            (None, r#"there is no deployment configuration "C""#),
            (Some("Lambda"), r#"the deployment configuration "C" is for Lambda, not for EC2 instances"#),
        ] {
            assert_eq!(check_configuration("C", platform), Err(problem.to_owned()));
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

    #[test]
    fn a_release_that_failed_half_way_is_warned_of() {
        use DeploymentStatus::{Failed, InProgress, Stopped, Succeeded};
        let name: DeploymentGroup = "A/S".parse().unwrap();
        let build = |id: &str| Revision::GitHub { repository: "me/app".into(), commit_id: id.into() };
        let current = CurrentRevision { revision: build("old"), last_successful: None };
        let half = |status, id, succeeded, description: &str| Deployment {
            revision: Some(build(id)),
            description: description.into(),
            ..sample::deployment(status, Overview { succeeded, failed: 1, ..Overview::default() })
        };
        for (deployment, warned) in [
            (half(Failed, "new", 8, ""), true),
            (half(Stopped, "new", 1, "Release 7"), true),
            (half(Failed, "new", 0, ""), false),
            (half(Failed, "old", 8, ""), false),
            (half(InProgress, "new", 8, ""), false),
            (half(Succeeded, "new", 8, ""), false),
            // It is stopped, and followed by one of the build that is current.
            (half(Stopped, "new", 1, "Turnstile arn:aws:states"), false),
        ] {
            let warning = half_way_release(&name, &current, std::slice::from_ref(&deployment));
            assert_eq!(warning.is_some(), warned, "{deployment:?}");
        }
        let warning = half_way_release(&name, &current, &[half(Failed, "new", 8, "")]).unwrap();
        let start = "A/S: d-1 ended Failed after it had brought github.com/me/app@new to 8 of the instances. github.com/me/app@old is current";
        assert!(warning.starts_with(start), "{warning}");
    }
}
