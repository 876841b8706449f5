//! Looks whether instances are up to date. What counts as such is decided in [`turnstile::policy::up_to_date`].

use turnstile::policy::fleet::Fleet;
use turnstile::policy::up_to_date::{
    CurrentRevision, Evidence, Found, Freshness, MOST_ASKED, Search, may_have_touched,
};
use turnstile::words::application::DeploymentGroup;
use turnstile::words::deployment::{Deployment, Target};
use turnstile::words::error::Error;
use turnstile::words::ids::InstanceId;

use crate::codedeploy::CodeDeploy;
use crate::history::History;

/// How fresh the instance is by the group's last deployments: the last successful one, and what was attempted since. It takes one call
/// as a rule. An instance that got the revision from an earlier deployment passes for outdated.
///
/// # Errors
/// As every call of [`CodeDeploy`].
pub async fn by_history(
    codedeploy: &CodeDeploy,
    history: &History,
    instance_id: &InstanceId,
) -> Result<Freshness, Error> {
    let asked = may_have_touched(history.since_last_successful()).take(MOST_ASKED);
    Ok(newest_evidence(codedeploy, asked, &history.current, instance_id)
        .await?
        .freshness
        .unwrap_or(Freshness::Outdated))
}

/// What some of a group's deployments say of an instance.
#[derive(Debug, Default)]
pub struct Evidences {
    /// By the newest of them that touched the instance; `None` when none has.
    pub freshness: Option<Freshness>,
    /// Whether one of them may still touch it.
    pub may_change: bool,
    /// How many calls it took.
    pub calls: usize,
}

/// What these deployments say of the instance, of which the newest is the first.
///
/// # Errors
/// As every call of [`CodeDeploy`].
pub async fn newest_evidence(
    codedeploy: &CodeDeploy,
    newest_first: impl Iterator<Item = &Deployment>,
    current: &CurrentRevision,
    instance_id: &InstanceId,
) -> Result<Evidences, Error> {
    let mut evidences = Evidences::default();
    for deployment in newest_first {
        let target = codedeploy.target(&deployment.deployment_id, instance_id).await?;
        evidences.calls += 1;
        // Which instances it deploys to is decided when it begins.
        evidences.may_change |= deployment.status.is_active() && (target.is_some() || !deployment.status.has_begun());
        evidences.freshness = match Evidence::of(target.as_ref(), current.is_of(deployment)) {
            Evidence::UpToDate => Some(Freshness::UpToDate(deployment.clone())),
            Evidence::AtWork => Some(Freshness::AtWork(deployment.clone())),
            Evidence::Outdated => Some(Freshness::Outdated),
            Evidence::None => continue,
        };
        break;
    }
    Ok(evidences)
}

/// Searches all of the group's deployments, from the newest back, for those that brought the instances up to date.
///
/// # Errors
/// As every call of [`CodeDeploy`].
pub async fn search(
    codedeploy: &CodeDeploy,
    name: &DeploymentGroup,
    current: &CurrentRevision,
    search: Search,
) -> Result<Found, Error> {
    search_within(codedeploy, name, current, search, MOST_ASKED).await
}

/// The same, with so many calls about targets, but for those of the last deployment that is asked.
///
/// # Errors
/// As every call of [`CodeDeploy`].
pub async fn search_within(
    codedeploy: &CodeDeploy,
    name: &DeploymentGroup,
    current: &CurrentRevision,
    mut search: Search,
    most: usize,
) -> Result<Found, Error> {
    let (older, has_more) = codedeploy.deployments_before(name, search.back_to).await?;
    let mut calls = 0;
    for (asked, deployment) in may_have_touched(&older).enumerate() {
        // The next call begins with the last one that was asked.
        if asked >= 2 && calls >= most {
            return Ok(Found::SearchOn(search));
        }
        let targets: Vec<Target> = match search.undecided.as_slice() {
            [only] => codedeploy.target(&deployment.deployment_id, only).await?.into_iter().collect(),
            _ => codedeploy.targets(&deployment.deployment_id).await?,
        };
        calls += if search.undecided.len() == 1 { 1 } else { CodeDeploy::calls_for_targets(targets.len()) };
        if let Some(found) = search.ask(deployment, &targets, current) {
            return Ok(found);
        }
    }
    match older.last() {
        Some(oldest) if has_more => Ok(Found::SearchOn(Search { back_to: oldest.created, ..search })),
        _ => Ok(Found::Outdated(search.undecided)),
    }
}

/// Looks which of the instances are up to date, from the group's newest deployment back, with so many `calls` at the most. Those that are
/// left then are undecided.
///
/// # Errors
/// As every call of [`CodeDeploy`].
pub async fn fleet(
    codedeploy: &CodeDeploy,
    name: &DeploymentGroup,
    current: &CurrentRevision,
    mut fleet: Fleet,
    mut calls: usize,
) -> Result<Fleet, Error> {
    let mut back_to = None;
    while !fleet.undecided.is_empty() {
        let (older, has_more) = codedeploy.deployments_before(name, back_to).await?;
        for deployment in may_have_touched(&older) {
            if fleet.undecided.is_empty() || calls == 0 {
                return Ok(fleet);
            }
            let targets = codedeploy.targets(&deployment.deployment_id).await?;
            calls = calls.saturating_sub(CodeDeploy::calls_for_targets(targets.len()));
            fleet.ask(deployment, &targets, current);
        }
        back_to = older.last().and_then(|oldest| oldest.created);
        if !has_more || back_to.is_none() {
            fleet.has_no_older();
        }
    }
    Ok(fleet)
}
