//! The switches for what public material does not say.

use serde::{Deserialize, Serialize};

/// What the services do where public material does not say. Code that is right must be right either way.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct OpenFacts {
    /// What a deployment with `updateOutdatedInstancesOnly` does when no instance is outdated. Default `failedNoInstances`.
    pub nothing_outdated: NothingOutdated,
    /// What that error is, for `exception`.
    pub nothing_outdated_exception: NothingOutdatedException,
    /// Whether a failed deployment's revision becomes the deployment group's `targetRevision`. Default true.
    pub target_revision_moves_on_failure: bool,
    /// Whether a deployment reaches instances in `Pending:Wait` when its group selects by Auto Scaling group. Default false.
    pub auto_scaling_selection_reaches_pending_wait: bool,
    /// Whether `DeploymentLimitExceededException` names the active deployment. Default true.
    pub limit_message_names_deployment: bool,
    /// Whether an instance is outdated by its last successful deployment of the group alone. Default true. Otherwise it is outdated, too, when
    /// its last deployment failed there, even where that brought the same revision or never began.
    pub outdated_by_last_success: bool,
    /// Whether `GetDeployment` names a revision for a deployment that only restarts what is installed. Default true.
    pub restart_names_revision: bool,
    /// Whether, and when, a group's launch hooks hold up an instance whose root volume is replaced. Default `none`.
    pub root_volume_hook: RootVolumeHook,
    /// Whether `StopDeployment` makes a deployment `Stopped` at once, while agents at work are still on their way to the end of their
    /// lifecycle event. Default false: it is `Stopped` when they are there. Either way their targets are `InProgress` until then; that
    /// they are `Failed` from then on, as what is left half done, and not `Skipped`, is an assumption.
    pub stop_is_immediate: bool,
    /// Seconds until CodeDeploy sees a tag of an instance that was written or deleted: what it decides until then goes by the tag as it was.
    /// Default 0. That it sees the tags that an instance was launched with from the launch on is an assumption: they are older than the
    /// instance's first deployment by the whole boot.
    pub tags_seen_after_seconds: f64,
}

/// See [`OpenFacts::root_volume_hook`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum RootVolumeHook {
    /// They do not: the instance is in service again with an empty disk.
    #[default]
    None,
    /// In `ReplacingRootVolume:Wait`, while it still has its old disk.
    Before,
    /// In `ReplacingRootVolume:Wait`, with an empty disk.
    After,
}

/// See [`OpenFacts::nothing_outdated`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum NothingOutdated {
    /// `CreateDeployment` answers with an error.
    Exception,
    /// The deployment fails with `NO_INSTANCES`.
    #[default]
    FailedNoInstances,
    /// The deployment succeeds and has no target.
    SucceededWithoutTargets,
    /// The deployment succeeds and every target is `Skipped`.
    TargetsSkipped,
}

/// See [`OpenFacts::nothing_outdated_exception`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct NothingOutdatedException {
    /// The error code. Default `InvalidInputException`.
    pub code: String,
    /// The text. Default `No instances to deploy to`.
    pub message: String,
}
