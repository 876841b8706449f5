//! Evidence that an instance is up to date: the newest deployment that touched it succeeded there, on the current revision.
//!
//! CodeDeploy's own word for it ("nothing is outdated") has no documented form, and a deployment that did not contain the
//! instance proves nothing about it.

use std::collections::BTreeSet;

use aws_smithy_types::DateTime;

use crate::Error;
use crate::application::Application;
use crate::codedeploy::{CodeDeploy, Deployment, Group, LastDeployment, Overview, TargetStatus};
use crate::revision::Revision;

/// The revision that an instance of the group should run, with the deployment that made it so.
#[derive(Debug, Clone)]
pub struct Current {
    pub revision: Revision,
    /// Absent as long as no deployment of the group has succeeded.
    pub last_successful: Option<Deployment>,
}

impl Current {
    /// Whether a deployment brought this revision.
    fn is_of(&self, deployment: &Deployment) -> bool {
        deployment.revision.as_ref().is_some_and(|revision| revision.is_same_build(&self.revision))
    }
}

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

/// What the newest deployment that touched an instance says of it.
#[derive(Debug, Clone)]
pub enum Standing {
    /// It succeeded there, on the current revision.
    UpToDate(Deployment),
    /// It has been stopped or has failed, but the agent is still busy with it.
    AtWork(Deployment),
    /// It failed there, or brought another revision; or none has touched the instance.
    Outdated,
}

impl Standing {
    /// The deployment that is evidence of being up to date.
    pub fn evidence(self) -> Option<Deployment> {
        match self {
            Self::UpToDate(deployment) => Some(deployment),
            Self::AtWork(_) | Self::Outdated => None,
        }
    }
}

/// What a deployment says about an instance that it may have touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Finding {
    UpToDate,
    AtWork,
    Outdated,
    /// Look at the deployment before it.
    Untouched,
}

fn finding(target: Option<TargetStatus>, same_build: bool) -> Finding {
    match target {
        Some(TargetStatus::Succeeded) if same_build => Finding::UpToDate,
        Some(TargetStatus::InProgress) => Finding::AtWork,
        None | Some(TargetStatus::Skipped | TargetStatus::Pending) => Finding::Untouched,
        Some(_) => Finding::Outdated,
    }
}

/// The instance's standing by the group's last deployments: the last successful one, and what was attempted since. One call
/// as a rule; an instance that got the revision from an earlier deployment passes for outdated.
///
/// # Errors
/// As [`Error::of_call`] classifies them.
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
            let ids = codedeploy.deployments_since(application, DateTime::from_secs(created.secs())).await?;
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
/// As [`Error::of_call`] classifies them.
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
/// As [`Error::of_call`] classifies them.
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
/// Of how many of them to ask for the instance's target: each is a call, of which one that is throttled ends the search.
const DEPLOYMENTS_ASKED: usize = 50;

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

/// Those of the newest deployments' number whose overview may trail their targets.
const NEWEST: usize = 5;

/// Those that can say anything about an instance. One that has been over for a while, and has succeeded or failed nowhere, has left
/// every instance as it was.
fn may_have_touched(newest_first: &[Deployment]) -> impl Iterator<Item = &Deployment> {
    let touched = |(i, deployment): &(usize, &Deployment)| {
        let Overview { in_progress, succeeded, failed, .. } = deployment.overview;
        *i < NEWEST || deployment.status.is_active() || in_progress + succeeded + failed > 0
    };
    newest_first.iter().enumerate().filter(touched).map(|(_, deployment)| deployment).take(DEPLOYMENTS_ASKED)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codedeploy::DeploymentStatus;
    use crate::codedeploy::sample::deployment;

    #[test]
    fn a_deployment_that_touched_nothing_is_not_asked_about() {
        use DeploymentStatus::{InProgress, Stopped, Succeeded};
        let none = Overview::default();
        for (deployment, asked) in [
            (deployment(Succeeded, none), 0),
            (deployment(Succeeded, Overview { skipped: 3, ..none }), 0),
            (deployment(Stopped, Overview { pending: 1, ..none }), 0),
            (deployment(Stopped, Overview { in_progress: 1, ..none }), 1),
            (deployment(Succeeded, Overview { succeeded: 1, ..none }), 1),
            (deployment(Succeeded, Overview { failed: 1, ..none }), 1),
            (deployment(InProgress, none), 1),
        ] {
            let listed = vec![deployment.clone(); NEWEST + 1];
            assert_eq!(may_have_touched(&listed).count(), NEWEST + asked, "{deployment:?}");
        }
        let many = vec![deployment(Succeeded, Overview { succeeded: 1, ..none }); 60];
        assert_eq!(may_have_touched(&many).count(), DEPLOYMENTS_ASKED);
    }

    #[test]
    fn only_a_success_on_the_same_build_is_evidence() {
        use TargetStatus::*;
        for (target, same_build, expected) in [
            (Some(Succeeded), true, Finding::UpToDate),
            (Some(Succeeded), false, Finding::Outdated),
            (Some(Failed), true, Finding::Outdated),
            (Some(InProgress), true, Finding::AtWork),
            (Some(Unknown), true, Finding::Outdated),
            (Some(Ready), true, Finding::Outdated),
            (Some(Skipped), true, Finding::Untouched),
            (Some(Pending), true, Finding::Untouched),
            (None, true, Finding::Untouched),
        ] {
            assert_eq!(finding(target, same_build), expected, "{target:?}, same build: {same_build}");
        }
    }
}
