//! Deployment groups, deployments and their targets, as far as a rollout needs them.

use crate::revision::Revision;
use crate::time::Timestamp;

/// A deployment group, as far as a rollout needs it.
#[derive(Debug, Clone)]
pub struct Group {
    pub target_revision: Option<Revision>,
    pub last_successful: Option<LastDeployment>,
    pub last_attempted: Option<LastDeployment>,
    /// `Server`, `Lambda` or `ECS`.
    pub compute_platform: String,
    /// `IN_PLACE` or `BLUE_GREEN`.
    pub deployment_type: String,
    /// Whether CodeDeploy starts deployments of its own for instances that appeared during a deployment.
    pub updates_outdated_instances: bool,
}

/// The most recent attempted or successful deployment of a group.
#[derive(Debug, Clone)]
pub struct LastDeployment {
    pub deployment_id: String,
    pub created: Option<Timestamp>,
    pub ended: Option<Timestamp>,
}

/// A deployment, as far as a rollout needs it.
#[derive(Debug, Clone)]
pub struct Deployment {
    pub deployment_id: String,
    pub status: DeploymentStatus,
    pub revision: Option<Revision>,
    pub description: String,
    pub deployment_config_name: String,
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
    /// The targets that nothing will happen to any more.
    pub fn over(&self) -> u32 {
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

/// One instance in a deployment.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    pub instance_id: String,
    pub status: TargetStatus,
    pub failed_event: Option<FailedEvent>,
}

/// The lifecycle event that failed, with what the agent reported of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FailedEvent {
    pub lifecycle_event_name: String,
    pub error_code: Option<String>,
    pub script_name: Option<String>,
    pub message: Option<String>,
    pub log_tail: Option<String>,
}

/// What came of asking for a deployment.
#[derive(Debug, Clone, PartialEq)]
pub enum Creation {
    Created(String),
    /// The group has an active deployment already.
    GroupOccupied,
    /// Any other refusal. It may mean that nothing is outdated: CodeDeploy's answer to that is not documented.
    Refused {
        code: String,
        message: String,
    },
}

#[cfg(test)]
pub(crate) mod sample {
    use super::{Deployment, DeploymentStatus, Overview};

    /// The deployment `d-1`, of nothing in particular.
    pub fn deployment(status: DeploymentStatus, overview: Overview) -> Deployment {
        Deployment {
            deployment_id: "d-1".into(),
            status,
            revision: None,
            description: String::new(),
            deployment_config_name: String::new(),
            error: None,
            created: None,
            ended: None,
            overview,
        }
    }
}
