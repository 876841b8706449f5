//! Why a rollout failed, or one deployment of it.

use serde::{Deserialize, Serialize};

use crate::words::application::DeploymentGroup;
use crate::words::ids::{DeploymentId, TargetId};

/// What an execution fails with, in Step Functions' own terms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// A stable name.
    pub error: String,
    /// What the operator reads. As the state machine catches it, it is one of these: a [`Reason`] in JSON; a function's
    /// `{"errorType", "errorMessage"}`; plain text of Step Functions; or an object of the state machine's own, which has one of the two
    /// latter as `cause` beside the application that it is about.
    pub cause: String,
    /// The name of what went wrong last, when an earlier failure is the better reason. It is not told.
    #[serde(default, skip_serializing)]
    pub last_error: Option<String>,
}

impl Failure {
    /// The name of what went wrong last.
    pub fn last_error(&self) -> &str {
        self.last_error.as_deref().unwrap_or(&self.error)
    }
}

/// The `error` of a rollout whose instance was terminated by another launch hook, as the launches before it.
pub const ABANDONED_BY_ANOTHER_HOOK: &str = "Turnstile.AbandonedByAnotherHook";

/// What kind of failure a deployment came to. Its name is the execution's `error`, and never changes once released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureKind {
    /// The deployment failed on the instance. In a rollout of a whole group: on any instance, or as a whole.
    #[serde(rename = "Turnstile.DeploymentFailed")]
    DeploymentFailed,
    /// The deployment ended and never reached the instance.
    #[serde(rename = "Turnstile.InstanceNotReached")]
    InstanceNotReached,
    /// The deployment failed on another instance before it began on this one.
    #[serde(rename = "Turnstile.NeighbourFailed")]
    NeighbourFailed,
    /// Somebody else's deployment, which contained the instance, failed there. What it brought need not be what a rollout brings.
    #[serde(rename = "Turnstile.JoinedFailed")]
    JoinedFailed,
    /// The deployment has begun neither on the instance nor on any other that is left.
    #[serde(rename = "Turnstile.AgentSilent")]
    AgentSilent,
    /// The deployment did not contain the instance: CodeDeploy may not have seen its gate yet.
    #[serde(rename = "Turnstile.GateNotSeen")]
    GateNotSeen,
    /// An alarm of the deployment group has stopped the deployment.
    #[serde(rename = "Turnstile.AlarmActive")]
    AlarmActive,
    /// No target of the deployment came to an end for the application's timeoutSeconds.
    #[serde(rename = "Turnstile.DeploymentTimedOut")]
    DeploymentTimedOut,
}

/// Why a deployment failed, as an answer for the operator. It becomes the execution's `cause`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reason {
    /// One sentence.
    pub summary: String,
    #[serde(flatten)]
    pub group: DeploymentGroup,
    pub deployment_id: DeploymentId,
    /// Where to look: the deployment in the CodeDeploy console.
    pub deployment_url: String,
    /// CodeDeploy's status of the whole deployment, with its error code when it has one.
    pub deployment_status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<TargetId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifecycle_event: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub script_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_tail: Option<String>,
    /// For how long no deployment of the application has begun on the instance, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silent_seconds: Option<u32>,
    /// The other instances on which the deployment had not begun,
    /// [`MOST_INSTANCES_NAMED`](crate::limits::MOST_INSTANCES_NAMED) at the most.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub others_not_begun: Vec<TargetId>,
    /// How many deployments of this application the rollout has tried.
    pub attempts: u32,
}

/// What a rollout keeps of the [`Reason`] for which it last yielded: an agent that was silent.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Silence {
    #[serde(flatten)]
    pub group: DeploymentGroup,
    /// For how long no deployment of the application has begun on the instance, in seconds.
    pub silent_seconds: u32,
    /// The other instances on which its deployment had not begun.
    #[serde(default)]
    pub others_not_begun: Vec<TargetId>,
}
