//! Looks for evidence that an instance is up to date; what counts as such is decided in [`turnstile::evidence`].

use std::collections::BTreeSet;

use turnstile::application::Application;
use turnstile::codedeploy::{Deployment, Group, LastDeployment};
use turnstile::error::Error;
use turnstile::evidence::{Current, Finding, Standing, finding, may_have_touched};

use crate::codedeploy::CodeDeploy;

/// The group's current revision: that of its last successful deployment. The group's `targetRevision` would do, were it
/// documented not to move with a deployment that fails.
///
/// # Errors
/// [`Error::UnsuitableDeploymentGroup`] when the group has no revision yet.
pub async fn current_revision(
    codedeploy: &CodeDeploy,
    application: &Application,
    group: &Group,
) -> Result<Current, Error> {
    let last_successful = match &group.last_successful {
        Some(last) => codedeploy.deployment(&last.deployment_id).await?,
        None => None,
    };
    let revision = last_successful.as_ref().and_then(|deployment| deployment.revision.clone());
    let revision = revision.or_else(|| group.target_revision.clone()).ok_or_else(|| {
        Error::UnsuitableDeploymentGroup(format!(
            "{application}: the deployment group has no revision: deploy one to it before a rollout can"
        ))
    })?;
    Ok(Current { revision, last_successful })
}

/// The instance's standing by the group's last deployments: the last successful one, and what was attempted since. One call
/// as a rule; an instance that got the revision from an earlier deployment passes for outdated.
///
/// # Errors
/// As every call of [`CodeDeploy`].
pub async fn in_last_deployments(
    codedeploy: &CodeDeploy,
    application: &Application,
    group: &Group,
    current: &Current,
    instance_id: &str,
) -> Result<Standing, Error> {
    let is = |deployment: &Deployment, last: &LastDeployment| last.deployment_id == deployment.deployment_id;
    let deployments = match (&current.last_successful, &group.last_attempted) {
        (Some(successful), Some(attempted)) if is(successful, attempted) => vec![successful.clone()],
        (Some(Deployment { created: Some(created), .. }), _) => {
            let ids = codedeploy.deployments_since(application, *created).await?;
            newest_first(codedeploy, &ids).await?
        }
        // None has succeeded as a whole, as on an instance beside one that is dead.
        _ => newest_first(codedeploy, &recent(codedeploy, application).await?).await?,
    };
    decided_by(codedeploy, &deployments, current, instance_id).await
}

/// The instance's standing by all of the group's deployments.
///
/// # Errors
/// As every call of [`CodeDeploy`].
pub async fn search(
    codedeploy: &CodeDeploy,
    application: &Application,
    current: &Current,
    instance_id: &str,
) -> Result<Standing, Error> {
    let ids = recent(codedeploy, application).await?;
    decided_by(codedeploy, &newest_first(codedeploy, &ids).await?, current, instance_id).await
}

/// Evidence that all of these instances are up to date: the last successful deployment, also when there are none. It takes one
/// look at each of the group's deployments, newest first, until every instance was found.
///
/// # Errors
/// As every call of [`CodeDeploy`].
pub async fn of_all(
    codedeploy: &CodeDeploy,
    application: &Application,
    current: &Current,
    instance_ids: &[String],
) -> Result<Option<Deployment>, Error> {
    let mut undecided: BTreeSet<&str> = instance_ids.iter().map(String::as_str).collect();
    let ids = recent(codedeploy, application).await?;
    for deployment in may_have_touched(&newest_first(codedeploy, &ids).await?) {
        if undecided.is_empty() {
            break;
        }
        for target in codedeploy.targets(&deployment.deployment_id).await? {
            if !undecided.contains(target.instance_id.as_str()) {
                continue;
            }
            match finding(Some(target.status), current.is_of(deployment)) {
                Finding::UpToDate => undecided.remove(target.instance_id.as_str()),
                Finding::AtWork | Finding::Outdated => return Ok(None),
                Finding::Untouched => continue,
            };
        }
    }
    Ok(current.last_successful.clone().filter(|_| undecided.is_empty()))
}

/// How far back to look for the deployment that brought an instance up to date: one that has been in the group, or in its warm
/// pool, for a while.
const DEPLOYMENTS_LISTED: usize = 200;
async fn recent(codedeploy: &CodeDeploy, application: &Application) -> Result<Vec<String>, Error> {
    let mut ids = codedeploy.recent_deployments(application, DEPLOYMENTS_LISTED).await?;
    ids.truncate(DEPLOYMENTS_LISTED);
    Ok(ids)
}

async fn newest_first(codedeploy: &CodeDeploy, ids: &[String]) -> Result<Vec<Deployment>, Error> {
    let mut deployments = codedeploy.deployments(ids).await?;
    deployments.sort_by_key(|deployment| std::cmp::Reverse(deployment.created));
    Ok(deployments)
}

async fn decided_by(
    codedeploy: &CodeDeploy,
    newest_first: &[Deployment],
    current: &Current,
    instance_id: &str,
) -> Result<Standing, Error> {
    for deployment in may_have_touched(newest_first) {
        let target = codedeploy.target(&deployment.deployment_id, instance_id).await?;
        match finding(target.map(|target| target.status), current.is_of(deployment)) {
            Finding::UpToDate => return Ok(Standing::UpToDate(deployment.clone())),
            Finding::AtWork => return Ok(Standing::AtWork(deployment.clone())),
            Finding::Outdated => return Ok(Standing::Outdated),
            Finding::Untouched => {}
        }
    }
    Ok(Standing::Outdated)
}
