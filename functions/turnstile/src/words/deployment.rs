//! Deployment groups, deployments and their targets, as CodeDeploy tells of them.

use serde::Serialize;

use crate::words::application::DeploymentGroup;
use crate::words::error::Error;
use crate::words::ids::{DeploymentId, TargetId};
use crate::words::revision::Revision;
use crate::words::time::Timestamp;

/// What CodeDeploy tells of a deployment group.
#[derive(Debug, Clone)]
pub struct DeploymentGroupInfo {
    pub target_revision: Option<Revision>,
    pub last_successful: Option<LastDeployment>,
    pub last_attempted: Option<LastDeployment>,
    pub selection: Selection,
    /// The group's own deployment configuration.
    pub deployment_config_name: String,
    /// `Server`, `Lambda` or `ECS`.
    pub compute_platform: String,
    /// `IN_PLACE` or `BLUE_GREEN`.
    pub deployment_type: String,
    /// Whether CodeDeploy starts deployments of its own for instances that appear during a deployment.
    pub updates_outdated_instances: bool,
    /// The CloudWatch alarms that stop its deployments.
    pub alarms: Vec<String>,
    /// Whether CodeDeploy rolls its deployments back by itself, unless one says otherwise.
    pub rolls_back: bool,
    /// Whether CodeDeploy deploys to an instance that leaves service.
    pub deploys_at_termination: bool,
}

/// How a deployment group selects its instances. Tags and Auto Scaling groups add to each other (CodeDeploy API reference,
/// `DeploymentGroupInfo`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Of each tag group one filter has to match (`ec2TagSet`); a group's plain filters (`ec2TagFilters`) are a single one.
    pub tag_groups: Vec<Vec<TagFilter>>,
    pub auto_scaling_groups: Vec<String>,
}

/// A tag that a deployment group looks for, written as CodeDeploy's API writes it (`EC2TagFilter`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TagFilter {
    pub key: String,
    pub value: String,
    /// `KEY_AND_VALUE`, `KEY_ONLY` or `VALUE_ONLY`.
    #[serde(rename = "Type")]
    pub filter_type: String,
}

#[cfg(test)]
impl DeploymentGroupInfo {
    /// A group to which nothing has been deployed.
    pub(crate) fn sample() -> Self {
        Self {
            target_revision: None,
            last_successful: None,
            last_attempted: None,
            selection: Selection::default(),
            deployment_config_name: "CodeDeployDefault.AllAtOnce".into(),
            compute_platform: "Server".into(),
            deployment_type: "IN_PLACE".into(),
            updates_outdated_instances: false,
            alarms: Vec::new(),
            rolls_back: false,
            deploys_at_termination: false,
        }
    }
}

/// The most recent attempted or successful deployment of a group.
#[derive(Debug, Clone)]
pub struct LastDeployment {
    pub deployment_id: DeploymentId,
    pub created: Option<Timestamp>,
    pub ended: Option<Timestamp>,
}

/// What CodeDeploy tells of a deployment.
#[derive(Debug, Clone)]
pub struct Deployment {
    pub deployment_id: DeploymentId,
    /// The group that it deploys to; absent when the answer does not tell.
    pub group: Option<DeploymentGroup>,
    pub status: DeploymentStatus,
    pub revision: Option<Revision>,
    pub description: String,
    pub deployment_config_name: String,
    /// Whether it brings no build, and says nothing of one: it restarts what is installed (`deploymentMode` RESTART), or stops it on an instance
    /// that leaves service (creator `autoscalingTermination`).
    pub installs_nothing: bool,
    /// CodeDeploy's error code and message of a deployment that failed.
    pub error: Option<(String, String)>,
    pub created: Option<Timestamp>,
    /// Absent while it is under way.
    pub ended: Option<Timestamp>,
    pub overview: Overview,
}

/// How many targets of a deployment are in which state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Overview {
    /// Not begun, or waiting for an agent that has not answered.
    pub pending: u32,
    pub in_progress: u32,
    pub succeeded: u32,
    pub failed: u32,
    pub skipped: u32,
}

impl Overview {
    /// The targets that have come to an end: nothing will happen to them any more.
    pub fn ended(&self) -> u32 {
        self.succeeded + self.failed + self.skipped
    }
}

/// The states of a deployment (CodeDeploy API reference, `DeploymentInfo.status`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeploymentStatus {
    Created,
    Queued,
    InProgress,
    Baking,
    Ready,
    Succeeded,
    Failed,
    Stopped,
}

impl DeploymentStatus {
    /// Whether the deployment still occupies its group.
    pub fn is_active(self) -> bool {
        !matches!(self, Self::Succeeded | Self::Failed | Self::Stopped)
    }

    /// Whether it is decided, and told, to which instances the deployment goes.
    pub fn has_begun(self) -> bool {
        !matches!(self, Self::Created | Self::Queued)
    }
}

impl Deployment {
    /// Whether it is this one.
    pub fn is(&self, last: &LastDeployment) -> bool {
        self.deployment_id == last.deployment_id
    }

    /// Whether it has made its build the group's current one. One that installs nothing has not, however it ended.
    pub fn has_succeeded_with_a_build(&self) -> bool {
        self.status == DeploymentStatus::Succeeded && !self.installs_nothing
    }
}

/// The states of a target (CodeDeploy API reference, `InstanceTarget.status`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetStatus {
    Pending,
    InProgress,
    Ready,
    Succeeded,
    Failed,
    Skipped,
    Unknown,
}

impl TargetStatus {
    /// Whether the deployment has come to an end on the instance, or will never begin there.
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Skipped)
    }
}

/// One instance in a deployment.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    pub target_id: TargetId,
    pub status: TargetStatus,
    /// Whether one of its lifecycle events has begun: until then the deployment has changed nothing on the instance.
    pub has_begun: bool,
    /// How many of its lifecycle events have come to an end.
    pub ended_events: u32,
    pub failed_event: Option<FailedEvent>,
}

/// The lifecycle event that failed on an instance, with what the agent reported of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FailedEvent {
    pub lifecycle_event_name: String,
    pub error_code: Option<String>,
    pub script_name: Option<String>,
    pub message: Option<String>,
    pub log_tail: Option<String>,
}

/// What comes of asking for a deployment.
#[derive(Debug, Clone, PartialEq)]
pub enum Creation {
    Created(DeploymentId),
    /// The group has an active deployment already, or the account has as many as it may: both are `DeploymentLimitExceededException`, and
    /// only CodeDeploy's message tells which (CodeDeploy API reference, CreateDeployment).
    LimitExceeded {
        message: String,
    },
    /// Any other refusal. It may mean that nothing is outdated: CodeDeploy's answer to that is not documented.
    Refused {
        code: String,
        message: String,
    },
    /// No answer came. The call may have had no effect, have one already, or have one later.
    Unanswered(Error),
}

#[cfg(test)]
pub(crate) mod sample {
    use super::{Deployment, DeploymentStatus, Overview, Target, TargetStatus};

    /// The target of `i-0123abcd`. Its lifecycle events have begun, unless its status says that they have not.
    pub fn target(status: TargetStatus) -> Target {
        let has_begun = !matches!(status, TargetStatus::Pending | TargetStatus::Skipped);
        Target { target_id: "i-0123abcd".into(), status, has_begun, ended_events: 0, failed_event: None }
    }

    /// The same target when the deployment has failed there before one of its lifecycle events began.
    pub fn failed_before_it_began() -> Target {
        Target { has_begun: false, ..target(TargetStatus::Failed) }
    }

    /// The deployment `d-1`, of nothing in particular.
    pub fn deployment(status: DeploymentStatus, overview: Overview) -> Deployment {
        Deployment {
            deployment_id: "d-1".into(),
            group: None,
            status,
            revision: None,
            description: String::new(),
            deployment_config_name: String::new(),
            installs_nothing: false,
            error: None,
            created: None,
            ended: None,
            overview,
        }
    }
}
