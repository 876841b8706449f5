//! What is asked, and what comes of it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use turnstile::policy::stall::StallTimer;
use turnstile::policy::up_to_date::Search;
use turnstile::words::application::Application;
use turnstile::words::deployment::Deployment;
use turnstile::words::failure::{FailureKind, Reason, Silence};
use turnstile::words::ids::{DeploymentId, ExecutionArn, TargetId};
use turnstile::words::plan::Plan;
use turnstile::words::revision::Revision;
use turnstile::words::time::Timestamp;

/// A deployment to look at.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    pub(crate) execution: ExecutionArn,
    /// When the execution started.
    pub(crate) started_at: Timestamp,
    pub(crate) now: Timestamp,
    pub(crate) plan: Plan,
    pub(crate) application: Application,
    /// 1, and one more each time the rollout goes through its applications again.
    pub(crate) round: u32,
    /// How many of those rounds there were because of somebody else.
    pub(crate) repeats: u32,
    /// 1 for the application's first deployment in the round.
    pub(crate) attempt: u32,
    /// How many deployments of this attempt have missed the instance before, because CodeDeploy had not seen its gate yet.
    #[serde(default)]
    pub(crate) misses: u32,
    /// Since when they have; absent when none has.
    pub(crate) missed_since: Option<Timestamp>,
    pub(crate) deployment_id: DeploymentId,
    /// How long the deployment should take, in seconds; absent when that is unknown.
    pub(crate) expected_seconds: Option<u32>,
    /// When the rollout began to wait for the deployment.
    pub(crate) waiting_since: Timestamp,
    /// As the last look left it; absent at the first look.
    pub(crate) stall: Option<StallTimer>,
    /// Why the rollout last yielded, if it has.
    pub(crate) silence: Option<Silence>,
    /// How far the last call came that searched for evidence; absent when none has.
    #[serde(default)]
    pub(crate) search: Option<Search>,
}

/// How the deployment is going.
#[derive(Debug, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "SCREAMING_SNAKE_CASE", rename_all_fields = "camelCase")]
pub enum Answer {
    /// Look again after so many seconds.
    InProgress {
        wait_seconds: u32,
        stall: StallTimer,
        /// Where the next call goes on, when the deployment is over and this call has not found out whether the instance is up to date.
        #[serde(skip_serializing_if = "Option::is_none")]
        search: Option<Search>,
    },
    /// The instance is up to date; in a rollout of a whole group, every instance is. `deployment_id` is the deployment that did it: an
    /// earlier one, when this one found the instance up to date.
    Succeeded {
        deployment_id: DeploymentId,
        revision: Option<Revision>,
        /// Other instances, in service, to which the rollout's deployment came too,
        /// [`MOST_ALSO_DEPLOYED_TO`](turnstile::limits::MOST_ALSO_DEPLOYED_TO) at the most.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        also_deployed_to: Vec<TargetId>,
    },
    /// It failed. `retry` says whether another deployment is to be tried.
    Failed { error: FailureKind, reason: Box<Reason>, retry: bool },
    /// What the call has answered that stopped the deployment, and whose answer was lost.
    #[serde(untagged)]
    AsBefore(Value),
}

impl Request {
    /// How long the execution has been running, in seconds.
    pub(crate) fn age(&self) -> u32 {
        self.now.seconds_since(self.started_at)
    }

    /// For how long earlier deployments of the application have not begun on the instance, in seconds.
    pub(crate) fn silent_seconds(&self) -> u32 {
        let earlier = self.silence.as_ref().filter(|silence| silence.group == self.application.group);
        earlier.map_or(0, |silence| silence.silent_seconds)
    }
}

pub(crate) fn succeeded(deployment: Deployment, also_deployed_to: Vec<TargetId>) -> Answer {
    Answer::Succeeded { deployment_id: deployment.deployment_id, revision: deployment.revision, also_deployed_to }
}
