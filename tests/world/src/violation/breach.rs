//! How rules are broken.

use std::fmt;

use serde::Serialize;

use super::{ActionId, CreatedBy, DeploymentId, Kind, Overlap};
use crate::rules::ExecutionStatus;
use crate::setting::HookResult;

/// How a rule was broken.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
pub enum Breach {
    /// A deployment that was created by a call of `CreateDeployment` met another one on an instance.
    TwoAtWork {
        /// Where and which.
        #[serde(flatten)]
        overlap: Overlap,
    },
    /// A hook let an instance in without applications.
    LetInWithoutApplications {
        /// What was completed.
        #[serde(flatten)]
        action: ActionId,
        /// `application/deployment group` of those that have not succeeded there on their current revision.
        applications: Vec<String>,
    },
    /// A hook let an instance in although the last deployment that changed it failed there.
    LetInAfterFailure {
        /// What was completed.
        #[serde(flatten)]
        action: ActionId,
        /// The one that failed.
        #[serde(flatten)]
        deployment: DeploymentId,
    },
    /// A hook let an instance in while a deployment was at work there.
    LetInDuringDeployment {
        /// What was completed.
        #[serde(flatten)]
        action: ActionId,
        /// The one at work.
        #[serde(flatten)]
        deployment: DeploymentId,
    },
    /// A hook ended by its time-out.
    HookTimedOut {
        /// What timed out.
        #[serde(flatten)]
        action: ActionId,
    },
    /// A hook is open although nothing goes on any more.
    HookLeftOpen {
        /// What was left open.
        #[serde(flatten)]
        action: ActionId,
    },
    /// A rollout completed its hook with CONTINUE after it had failed, or with ABANDON when it had not, or not as `onFailure` says.
    WrongResult {
        /// What was completed.
        #[serde(flatten)]
        action: ActionId,
        /// The ARN of the execution.
        execution: String,
        /// With what.
        result: HookResult,
    },
    /// A claim is held at the end by an execution that has ended by itself, or that there is not.
    TurnLost {
        /// The claim.
        claim: String,
        /// The ARN of the execution that holds it.
        execution: String,
        /// How that has ended; `None`: there is no such execution.
        status: Option<ExecutionStatus>,
    },
    /// An execution failed and does not say all that it has to.
    FailureNotExplained {
        /// The ARN of the execution.
        execution: String,
        /// Its error.
        error: String,
        /// What it lacks: fields of its cause that are missing, or do not tell what happened.
        lacking: Vec<String>,
    },
    /// A repeated call made a second deployment with the same description.
    DeploymentRepeated {
        /// The second one.
        #[serde(flatten)]
        deployment: DeploymentId,
        /// The id of the first one.
        earlier_deployment_id: String,
        /// What both have.
        description: String,
    },
    /// A Task state that was tried again made a second deployment.
    TaskDeployedTwice {
        /// The second one.
        #[serde(flatten)]
        deployment: DeploymentId,
        /// The id of the first one.
        earlier_deployment_id: String,
        /// The ARN of the execution.
        execution: String,
    },
    /// A deployment of a rollout began on an instance with a build that was not current when the deployment was created.
    OldBuild {
        /// The one that began.
        #[serde(flatten)]
        deployment: DeploymentId,
        /// The instance.
        instance_id: String,
        /// Whether it was in service.
        in_service: bool,
        /// The S3 object key or commit id of the build that the deployment brings.
        revision: String,
        /// That of the build that was current when it was created.
        current: String,
    },
    /// An execution did something to a launch that another one owned, which was running and had not failed.
    NotTheOwner {
        /// The launch.
        #[serde(flatten)]
        action: ActionId,
        /// The ARN of the execution.
        execution: String,
        /// The ARN of the owner.
        owner: String,
        /// What it did.
        deed: Deed,
    },
    /// An execution created a deployment without the claim on its group.
    DeployedWithoutTurn {
        /// The deployment.
        #[serde(flatten)]
        deployment: DeploymentId,
        /// The ARN of the execution.
        execution: String,
        /// The ARN of the execution that held the claim, if one did.
        holder: Option<String>,
    },
    /// An execution stopped a deployment without the claim on its group.
    StoppedWithoutTurn {
        /// The deployment.
        #[serde(flatten)]
        deployment: DeploymentId,
        /// The ARN of the execution.
        execution: String,
        /// The ARN of the execution that held the claim, if one did.
        holder: Option<String>,
    },
    /// A call stopped a deployment that no call had created.
    StoppedForeignDeployment {
        /// The one that was stopped.
        #[serde(flatten)]
        deployment: DeploymentId,
        /// Who had created it.
        creator: CreatedBy,
    },
    /// A call stopped a deployment at work that had still to come to others.
    StoppedForOthers {
        /// The one that was stopped.
        #[serde(flatten)]
        deployment: DeploymentId,
        /// So many of its targets were at work.
        at_work: usize,
        /// So many of its targets were not over.
        not_over: usize,
    },
    /// An invocation of a rollout whose hook was open began with another call than a heartbeat.
    HeartbeatNotFirst {
        /// The launch.
        #[serde(flatten)]
        action: ActionId,
        /// The ARN of the execution.
        execution: String,
        /// The function.
        function: String,
        /// The call that came first.
        operation: String,
    },
    /// A hook timed out while its owner was running.
    OwnerLetTimeOut {
        /// The launch.
        #[serde(flatten)]
        action: ActionId,
        /// The ARN of the owner.
        execution: String,
        /// Seconds since the last heartbeat, or since the hook opened.
        silent_seconds: f64,
    },
    /// An execution moved the gate of an instance to a deployment group without the claim on that.
    GateMovedWithoutTurn {
        /// The instance.
        instance_id: String,
        /// The gate's new value: `application/deployment group`.
        gate: String,
        /// The ARN of the execution.
        execution: String,
        /// The ARN of the execution that held the claim, if one did.
        holder: Option<String>,
    },
    /// A deployment that no rollout made came to an instance that waited at its hook, through a gate that a rollout had left where it was although its
    /// turn was over.
    ReachedAfterTurn {
        /// The launch.
        #[serde(flatten)]
        action: ActionId,
        /// The one that came.
        #[serde(flatten)]
        deployment: DeploymentId,
    },
    /// A call opened the gate of an instance that waited at its hook, so that every deployment could reach it, before every application had
    /// succeeded there.
    GateOpenedEarly {
        /// The launch.
        #[serde(flatten)]
        action: ActionId,
        /// `application/deployment group` of those that had not succeeded there since it came to the hook, nor were up to date then.
        applications: Vec<String>,
    },
    /// A deployment of a gated group began on an instance that waited at its hook, before everything that comes before it in the list had
    /// succeeded there.
    OutOfOrder {
        /// The launch.
        #[serde(flatten)]
        action: ActionId,
        /// The one that began.
        #[serde(flatten)]
        deployment: DeploymentId,
        /// `application/deployment group` of what comes before it and had not succeeded.
        applications: Vec<String>,
    },
    /// A hook let an instance in whose gate was not open; or into the warm pool, and deployment groups could reach it there.
    LetInWithWrongGate {
        /// What was completed.
        #[serde(flatten)]
        action: ActionId,
        /// The gate; `None`: there was none.
        gate: Option<String>,
    },
    /// Nothing goes on any more, and an instance in service has a gate that is not open, or one in the warm pool a gate by which deployment groups
    /// select it. A call had moved it.
    GateLeftBehind {
        /// The instance.
        instance_id: String,
        /// The gate; `None`: it was deleted.
        gate: Option<String>,
    },
    /// A function made a call for a dry run that does more than read.
    DryRunWrote {
        /// The ARN of the execution.
        execution: String,
        /// The function.
        function: String,
        /// The call.
        operation: String,
    },
}

impl Breach {
    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Breach::TwoAtWork { .. } => Kind::TwoAtWork,
            Breach::LetInWithoutApplications { .. } => Kind::LetInWithoutApplications,
            Breach::LetInAfterFailure { .. } => Kind::LetInAfterFailure,
            Breach::LetInDuringDeployment { .. } => Kind::LetInDuringDeployment,
            Breach::HookTimedOut { .. } => Kind::HookTimedOut,
            Breach::HookLeftOpen { .. } => Kind::HookLeftOpen,
            Breach::WrongResult { .. } => Kind::WrongResult,
            Breach::TurnLost { .. } => Kind::TurnLost,
            Breach::FailureNotExplained { .. } => Kind::FailureNotExplained,
            Breach::DeploymentRepeated { .. } => Kind::DeploymentRepeated,
            Breach::TaskDeployedTwice { .. } => Kind::TaskDeployedTwice,
            Breach::OldBuild { .. } => Kind::OldBuild,
            Breach::NotTheOwner { .. } => Kind::NotTheOwner,
            Breach::DeployedWithoutTurn { .. } => Kind::DeployedWithoutTurn,
            Breach::StoppedWithoutTurn { .. } => Kind::StoppedWithoutTurn,
            Breach::StoppedForeignDeployment { .. } => Kind::StoppedForeignDeployment,
            Breach::StoppedForOthers { .. } => Kind::StoppedForOthers,
            Breach::HeartbeatNotFirst { .. } => Kind::HeartbeatNotFirst,
            Breach::OwnerLetTimeOut { .. } => Kind::OwnerLetTimeOut,
            Breach::GateMovedWithoutTurn { .. } => Kind::GateMovedWithoutTurn,
            Breach::ReachedAfterTurn { .. } => Kind::ReachedAfterTurn,
            Breach::GateOpenedEarly { .. } => Kind::GateOpenedEarly,
            Breach::OutOfOrder { .. } => Kind::OutOfOrder,
            Breach::LetInWithWrongGate { .. } => Kind::LetInWithWrongGate,
            Breach::GateLeftBehind { .. } => Kind::GateLeftBehind,
            Breach::DryRunWrote { .. } => Kind::DryRunWrote,
        }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Breach::TwoAtWork { overlap } => overlap.fmt(f),
            Breach::LetInWithoutApplications { action, applications } => {
                let missing = applications.join(", ");
                write!(
                    f,
                    "{} although these have not succeeded on it at their current revision: {missing}",
                    action.let_in()
                )
            }
            Breach::LetInAfterFailure { action, deployment } => {
                write!(f, "{} although {deployment}, the last that changed it, failed there", action.let_in())
            }
            Breach::LetInDuringDeployment { action, deployment } => {
                write!(f, "{} while {deployment} was at work there", action.let_in())
            }
            Breach::HookTimedOut { action } => write!(f, "{action} timed out instead of being completed"),
            Breach::HookLeftOpen { action } => write!(f, "{action} was left open"),
            Breach::WrongResult { action, execution, result } => {
                let result = result.as_str();
                write!(f, "{execution} completed {action} with {result}, which is not how it stood with the rollout")
            }
            Breach::TurnLost { claim, execution, status } => match status {
                Some(status) => write!(f, "{claim} is still held by {execution}, which is {}", status.as_str()),
                None => write!(f, "{claim} is still held by {execution}, which is no execution"),
            },
            Breach::FailureNotExplained { execution, error, lacking } => {
                write!(f, "{execution} failed with {error:?} and lacks {}", lacking.join(", "))
            }
            Breach::TaskDeployedTwice { deployment, earlier_deployment_id, execution } => {
                write!(
                    f,
                    "{execution} created {deployment} although the same entry of the same state had created {earlier_deployment_id}"
                )
            }
            Breach::DeploymentRepeated { deployment, earlier_deployment_id, description } => {
                write!(f, "{deployment} repeats {earlier_deployment_id}: both have the description {description:?}")
            }
            Breach::OldBuild { deployment, instance_id, in_service, revision, current } => {
                let state = if *in_service { "in service" } else { "not in service" };
                write!(
                    f,
                    "{deployment} began to bring {revision} to {instance_id}, which is {state}, although {current} was current when it was \
                     created"
                )
            }
            Breach::NotTheOwner { action, execution, owner, deed } => {
                write!(f, "{execution} {} {action} while {owner} owned it", deed.as_text())
            }
            Breach::DeployedWithoutTurn { deployment, execution, holder } => {
                write!(f, "{execution} created {deployment} without the turn, which {} held", name(holder))
            }
            Breach::StoppedWithoutTurn { deployment, execution, holder } => {
                write!(f, "{execution} stopped {deployment} without the turn, which {} held", name(holder))
            }
            Breach::StoppedForeignDeployment { deployment, creator } => {
                write!(f, "a call stopped {deployment}, which {creator} had created")
            }
            Breach::StoppedForOthers { deployment, at_work, not_over } => write!(
                f,
                "a call stopped {deployment}, {not_over} of whose targets were not over, and {at_work} at work"
            ),
            Breach::HeartbeatNotFirst { action, execution, function, operation } => {
                write!(f, "{function} of {execution} began with {operation} instead of a heartbeat for {action}")
            }
            Breach::OwnerLetTimeOut { action, execution, silent_seconds } => write!(
                f,
                "{action} timed out after {silent_seconds:.1} s without a heartbeat while its owner {execution} was running"
            ),
            Breach::GateMovedWithoutTurn { instance_id, gate, execution, holder } => write!(
                f,
                "{execution} moved the gate of {instance_id} to {gate} without the turn, which {} held",
                name(holder)
            ),
            Breach::ReachedAfterTurn { action, deployment } => write!(
                f,
                "{deployment} came to {}, which waited at {}, although the turn was over for which its gate had been moved",
                action.instance_id, action.lifecycle_hook_name
            ),
            Breach::GateOpenedEarly { action, applications } => write!(
                f,
                "a call opened the gate of {}, which waited at {}, although these had not succeeded on it: {}",
                action.instance_id,
                action.lifecycle_hook_name,
                applications.join(", ")
            ),
            Breach::OutOfOrder { action, deployment, applications } => write!(
                f,
                "{deployment} began on {}, which waited at {}, although these come before it and had not succeeded there: {}",
                action.instance_id,
                action.lifecycle_hook_name,
                applications.join(", ")
            ),
            Breach::LetInWithWrongGate { action, gate } => {
                write!(f, "{} although its gate was {}", action.let_in(), written(gate))
            }
            Breach::GateLeftBehind { instance_id, gate } => {
                write!(f, "{instance_id} rests, and its gate was left {}", written(gate))
            }
            Breach::DryRunWrote { execution, function, operation } => {
                write!(f, "{function} made the call {operation} for {execution}, which is a dry run")
            }
        }
    }
}

/// Who holds a claim.
fn name(holder: &Option<String>) -> &str {
    holder.as_deref().unwrap_or("nobody")
}

/// A gate's value.
fn written(gate: &Option<String>) -> String {
    gate.as_ref().map_or_else(|| "without a value".to_owned(), |gate| format!("at {gate:?}"))
}

/// What an execution does to a launch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Deed {
    /// It keeps it open.
    Heartbeat,
    /// It completes it with CONTINUE.
    Continue,
    /// It completes it with ABANDON.
    Abandon,
}

impl Deed {
    fn as_text(self) -> &'static str {
        match self {
            Deed::Heartbeat => "sent a heartbeat for",
            Deed::Continue => "completed",
            Deed::Abandon => "abandoned",
        }
    }
}
