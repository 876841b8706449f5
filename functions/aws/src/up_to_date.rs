//! Looks whether instances are up to date. What counts as such is decided in [`turnstile::policy::up_to_date`].

use std::collections::BTreeSet;

use turnstile::policy::up_to_date::{CurrentRevision, Evidence, Freshness, may_have_touched};
use turnstile::words::application::DeploymentGroup;
use turnstile::words::deployment::{Deployment, DeploymentGroupInfo};
use turnstile::words::error::Error;
use turnstile::words::ids::{DeploymentId, InstanceId};

use crate::codedeploy::CodeDeploy;

/// How many of a group's deployments are looked through for the one that brought an instance up to date: the instance may have been in
/// the group, or in its warm pool, for a while.
const DEPLOYMENTS_LISTED: usize = 200;

/// The group's current revision.
///
/// # Errors
/// [`Error::UnsuitableDeploymentGroup`] when the group has no revision yet, else as every call of [`CodeDeploy`].
pub async fn current_revision(
    codedeploy: &CodeDeploy,
    name: &DeploymentGroup,
    group: &DeploymentGroupInfo,
) -> Result<CurrentRevision, Error> {
    let last_successful = match &group.last_successful {
        Some(last) => codedeploy.deployment(&last.deployment_id).await?,
        None => None,
    };
    CurrentRevision::of(name, group, last_successful)
}

/// How fresh the instance is by the group's last deployments: the last successful one, and what was attempted since. It takes one call
/// as a rule. An instance that got the revision from an earlier deployment passes for outdated.
///
/// # Errors
/// As every call of [`CodeDeploy`].
pub async fn by_last_deployments(
    codedeploy: &CodeDeploy,
    name: &DeploymentGroup,
    group: &DeploymentGroupInfo,
    current: &CurrentRevision,
    instance_id: &InstanceId,
) -> Result<Freshness, Error> {
    let deployments = match (&current.last_successful, &group.last_attempted) {
        (Some(successful), Some(attempted)) if successful.is(attempted) => vec![successful.clone()],
        (Some(Deployment { created: Some(created), .. }), _) => {
            let ids = codedeploy.deployments_since(name, *created).await?;
            newest_first(codedeploy, &ids).await?
        }
        // None has succeeded as a whole, as beside an instance that is dead.
        _ => newest_first(codedeploy, &recent(codedeploy, name).await?).await?,
    };
    decided_by(codedeploy, &deployments, current, instance_id).await
}

/// How fresh the instance is by all of the group's deployments.
///
/// # Errors
/// As every call of [`CodeDeploy`].
pub async fn by_all_deployments(
    codedeploy: &CodeDeploy,
    name: &DeploymentGroup,
    current: &CurrentRevision,
    instance_id: &InstanceId,
) -> Result<Freshness, Error> {
    let ids = recent(codedeploy, name).await?;
    decided_by(codedeploy, &newest_first(codedeploy, &ids).await?, current, instance_id).await
}

/// The group's last successful deployment, if all of these instances are up to date. Each of the group's deployments is looked at
/// once, the newest first, until every instance was found.
///
/// # Errors
/// As every call of [`CodeDeploy`].
pub async fn of_all_instances(
    codedeploy: &CodeDeploy,
    name: &DeploymentGroup,
    current: &CurrentRevision,
    instance_ids: &[InstanceId],
) -> Result<Option<Deployment>, Error> {
    let mut undecided: BTreeSet<&str> = instance_ids.iter().map(InstanceId::as_str).collect();
    let ids = recent(codedeploy, name).await?;
    for deployment in may_have_touched(&newest_first(codedeploy, &ids).await?) {
        if undecided.is_empty() {
            break;
        }
        for target in codedeploy.targets(&deployment.deployment_id).await? {
            if !undecided.contains(target.target_id.as_str()) {
                continue;
            }
            match Evidence::of(Some(&target), current.is_of(deployment)) {
                Evidence::UpToDate => undecided.remove(target.target_id.as_str()),
                Evidence::AtWork | Evidence::Outdated => return Ok(None),
                Evidence::None => continue,
            };
        }
    }
    Ok(current.last_successful.clone().filter(|_| undecided.is_empty()))
}

async fn recent(codedeploy: &CodeDeploy, name: &DeploymentGroup) -> Result<Vec<DeploymentId>, Error> {
    let mut ids = codedeploy.recent_deployments(name, DEPLOYMENTS_LISTED).await?;
    ids.truncate(DEPLOYMENTS_LISTED);
    Ok(ids)
}

async fn newest_first(codedeploy: &CodeDeploy, ids: &[DeploymentId]) -> Result<Vec<Deployment>, Error> {
    let mut deployments = codedeploy.deployments(ids).await?;
    deployments.sort_by_key(|deployment| std::cmp::Reverse(deployment.created));
    Ok(deployments)
}

async fn decided_by(
    codedeploy: &CodeDeploy,
    newest_first: &[Deployment],
    current: &CurrentRevision,
    instance_id: &InstanceId,
) -> Result<Freshness, Error> {
    for deployment in may_have_touched(newest_first) {
        let target = codedeploy.target(&deployment.deployment_id, instance_id).await?;
        match Evidence::of(target.as_ref(), current.is_of(deployment)) {
            Evidence::UpToDate => return Ok(Freshness::UpToDate(deployment.clone())),
            Evidence::AtWork => return Ok(Freshness::AtWork(deployment.clone())),
            Evidence::Outdated => return Ok(Freshness::Outdated),
            Evidence::None => {}
        }
    }
    Ok(Freshness::Outdated)
}
