//! What happened in a world, for people and tests to read. Every time is in world seconds since the start.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use crate::setting::HookResult;
use crate::violation::{Collision, Violation};

/// Everything that happened so far.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// In the order of their launch.
    pub instances: Vec<InstanceReport>,
    /// In the order of their creation, without the history a setting gives its deployment groups.
    pub deployments: Vec<DeploymentReport>,
    /// In the order of their opening.
    pub hook_actions: Vec<HookActionReport>,
    /// Every API call, in order.
    pub calls: Vec<Call>,
    /// What must never happen and did, in order.
    pub violations: Vec<Violation>,
    /// Two deployments at work on one instance at once, where the later one was not created by a call of `CreateDeployment` but by
    /// a person or by CodeDeploy itself.
    pub collisions: Vec<Collision>,
}

/// An instance.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are Auto Scaling's")]
pub struct InstanceReport {
    pub instance_id: String,
    pub auto_scaling_group_name: String,
    pub lifecycle_state: &'static str,
    pub launched_at: f64,
    pub in_service_at: Option<f64>,
    pub terminated_at: Option<f64>,
    /// Its tags; none once it is gone.
    pub tags: BTreeMap<String, String>,
    /// Whether its CodeDeploy agent takes no command any more, or never will.
    pub agent_is_silent: bool,
}

/// A deployment.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentReport {
    /// The application.
    pub application_name: String,
    /// The deployment group.
    pub deployment_group_name: String,
    /// `d-…`
    pub deployment_id: String,
    /// `user`, `autoscaling`, `autoscalingTermination`, `CodeDeployAutoUpdate` or `codeDeployRollback`.
    pub creator: &'static str,
    /// As given to `CreateDeployment`.
    pub description: Option<String>,
    /// The instances of its targets.
    pub instance_ids: Vec<String>,
    /// The targets, in the order in which they are deployed to.
    pub targets: Vec<TargetReport>,
    /// When it was created.
    pub created_at: f64,
    /// When it became InProgress.
    pub started_at: Option<f64>,
    /// When it ended.
    pub ended_at: Option<f64>,
    /// The API's `DeploymentStatus`.
    pub status: &'static str,
    /// The code of its error information.
    pub error_code: Option<&'static str>,
}

/// One instance in a deployment.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TargetReport {
    /// The instance.
    pub instance_id: String,
    /// The API's `TargetStatus`.
    pub status: &'static str,
    /// In order.
    pub lifecycle_events: Vec<LifecycleEventReport>,
}

/// A lifecycle event on an instance.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LifecycleEventReport {
    /// Such as `AfterInstall`.
    pub name: &'static str,
    /// The API's `LifecycleEventStatus`.
    pub status: &'static str,
    /// When it started, if it did.
    pub started_at: Option<f64>,
    /// When it ended, if it did.
    pub ended_at: Option<f64>,
    /// How it ended, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diagnostics: Option<DiagnosticsReport>,
}

/// How a lifecycle event ended: the API's `Diagnostics`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are CodeDeploy's")]
pub struct DiagnosticsReport {
    pub error_code: String,
    pub script_name: String,
    pub message: String,
    pub log_tail: String,
}

/// A lifecycle action: one hook, waiting for one instance.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HookActionReport {
    /// The instance.
    pub instance_id: String,
    /// The hook's name.
    pub hook: String,
    /// Where the instance was on its way to: `AutoScalingGroup` or `WarmPool`.
    pub destination: &'static str,
    /// When the instance came to wait.
    pub opened_at: f64,
    /// When the action ended, if it did.
    pub closed_at: Option<f64>,
    /// `CONTINUE` or `ABANDON`; `None` while open, and when the instance was terminated meanwhile.
    pub result: Option<HookResult>,
    /// What ended it.
    pub closed_by: Option<ClosedBy>,
    /// Heartbeats recorded.
    pub heartbeats: u32,
    /// When the last of them was, if there was one.
    pub last_heartbeat_at: Option<f64>,
    /// The longest time without a heartbeat, in seconds: from the opening to the first one, between two, or from the last one to the end.
    pub longest_without_heartbeat: f64,
}

/// What ended a lifecycle action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ClosedBy {
    /// `CompleteLifecycleAction`, or CodeDeploy for a hook of its own.
    Completion,
    /// Its heartbeat timeout.
    Timeout,
    /// The end of the time a hook can be kept open by heartbeats.
    GlobalTimeout,
    /// The instance's termination, or the deletion of the hook.
    Termination,
}

/// An API call.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// When.
    pub at: f64,
    /// The access key id the call is signed with, which is the name of the function that makes it; empty for an unsigned one.
    pub caller: String,
    /// In which invocation of the function it is made, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invocation: Option<Invocation>,
    /// `codedeploy`, `autoscaling` or `tagging`; another one of a call that [`World::record`](crate::World::record) was told of.
    pub service: &'static str,
    /// Such as `CreateDeployment`.
    pub operation: String,
    /// The input.
    pub parameters: Value,
    /// `ok` or the error code; `reset` or `lost answer` where the connection broke (see [`InjectedFault`](crate::InjectedFault)).
    pub outcome: String,
    /// What it has changed, also when its answer was lost. `None` for a call that changes nothing or was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
}

/// An invocation of a function. Who runs the functions puts it into the extensions of the requests that are made in it, before they come to
/// [`World::router`](crate::World::router).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Invocation {
    /// Lambda's request id. Each try of a Task state has its own.
    pub request_id: String,
    /// The ARN of the execution that invokes the function; `None` for an event, a schedule or a person.
    pub execution: Option<String>,
    /// The id of the `TaskStateEntered` event in the execution's history: the same for each try of the Task state.
    pub state_entry: Option<u64>,
    /// How many requests the invocation had sent before this one. Requests that are under way for long come in another order.
    #[serde(skip)]
    pub sent_before: u64,
    /// When this request was sent, since the start; `None`: that is not known. It may have been under way for long when it comes.
    #[serde(skip)]
    pub sent_at: Option<Duration>,
}

/// What a call has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Effect {
    /// It created a deployment.
    DeploymentCreated {
        /// The deployment's id.
        deployment_id: String,
    },
    /// It stopped a deployment that was not over.
    DeploymentStopped {
        /// The deployment's id.
        deployment_id: String,
    },
    /// It kept a lifecycle action open.
    Heartbeat {
        /// Index in [`Report::hook_actions`].
        action: usize,
    },
    /// It completed a lifecycle action.
    HookCompleted {
        /// Index in [`Report::hook_actions`].
        action: usize,
        /// With what.
        result: HookResult,
    },
    /// It changed who holds claims in the table of turns. The world has no such table, and is told (see
    /// [`World::record`](crate::World::record)).
    ClaimsChanged {
        /// The claims, each once.
        claims: Vec<Claim>,
    },
    /// It moved gates of instances.
    GatesMoved {
        /// Each that has another value than before.
        gates: Vec<GateMove>,
    },
}

/// A call moved the gate of an instance, which is the tag with the key [`Setting::gate_key`](crate::Setting::gate_key).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GateMove {
    /// The instance.
    pub instance_id: String,
    /// The tag's value before; `None`: there was no such tag.
    pub from: Option<String>,
    /// The tag's value from now on; `None`: it was deleted.
    pub to: Option<String>,
}

/// A claim in the table of turns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Claim {
    /// The item's key, such as `deploymentGroup:Orders/Production`.
    pub claim: String,
    /// The ARN of the execution that holds it; `None` when it is free, or when there is no such item.
    pub holder: Option<String>,
}
