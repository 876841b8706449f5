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
use turnstile::words::time::Timestamp;
use turnstile::words::turn::DeployedApplication;

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
    /// The instance is up to date; in a rollout of a whole group, every instance is. `applications` has the one application, with the deployment
    /// that did it: an earlier one, when this one found the instance up to date.
    Succeeded { applications: Vec<DeployedApplication> },
    /// It failed. `retry` says whether another deployment is to be tried.
    Failed {
        error: FailureKind,
        reason: Box<Reason>,
        retry: bool,
        /// How long to wait before asking for the turn again, which was given back so that others may have theirs; absent when it was not.
        #[serde(skip_serializing_if = "Option::is_none")]
        wait_seconds: Option<u32>,
    },
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

    /// The deployment has brought the application to the instance, and to these others in service,
    /// [`MOST_ALSO_DEPLOYED_TO`](turnstile::limits::MOST_ALSO_DEPLOYED_TO) at the most.
    pub(crate) fn succeeded(&self, deployment: &Deployment, also_deployed_to: Vec<TargetId>) -> Answer {
        let deployed = DeployedApplication::by(&self.application.group, deployment, self.attempt);
        Answer::Succeeded { applications: vec![DeployedApplication { also_deployed_to, ..deployed }] }
    }
}

/// What an answer means for the turn.
#[derive(Debug, PartialEq)]
pub(crate) enum Next {
    /// The deployment goes on, or another one follows, or the rollout fails: the turn stays as it is.
    GoesOn,
    /// The application is up to date.
    IsDone,
    /// Others may have their turn, because the deployment has not begun on the instance for so many seconds, if that is why.
    Yields { silent_seconds: Option<u32> },
}

impl Answer {
    /// What it means for the turn.
    pub(crate) fn next(&self) -> Next {
        match self {
            Self::InProgress { .. } => Next::GoesOn,
            Self::Succeeded { .. } => Next::IsDone,
            Self::Failed { error, reason, retry, .. } => Next::of_failed(*error, reason.silent_seconds, *retry),
            Self::AsBefore(before) if before["outcome"] == "SUCCEEDED" => Next::IsDone,
            Self::AsBefore(before) => {
                let silent_seconds = before["reason"]["silentSeconds"].as_u64().and_then(|s| u32::try_from(s).ok());
                match serde_json::from_value(before["error"].clone()) {
                    Ok(error) => Next::of_failed(error, silent_seconds, before["retry"] == true),
                    Err(_) => Next::GoesOn,
                }
            }
        }
    }

    /// The answer of a rollout that yields, and asks again after so many seconds.
    pub(crate) fn after(mut self, seconds: u32) -> Self {
        match &mut self {
            Self::Failed { wait_seconds, .. } => *wait_seconds = Some(seconds),
            Self::AsBefore(before) => before["waitSeconds"] = seconds.into(),
            Self::InProgress { .. } | Self::Succeeded { .. } => {}
        }
        self
    }
}

impl Next {
    fn of_failed(error: FailureKind, silent_seconds: Option<u32>, retry: bool) -> Self {
        match error {
            FailureKind::NeighbourFailed | FailureKind::JoinedFailed | FailureKind::AlarmActive if !retry => {
                Self::Yields { silent_seconds: None }
            }
            FailureKind::AgentSilent if !retry => Self::Yields { silent_seconds },
            _ => Self::GoesOn,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_was_answered_before_means_the_same_for_the_turn() {
        let failed = |error: &str, retry: bool| json!({"outcome": "FAILED", "error": error, "retry": retry, "reason": {"silentSeconds": 300}});
        for (before, expected) in [
            (json!({"outcome": "SUCCEEDED", "applications": []}), Next::IsDone),
            (json!({"outcome": "IN_PROGRESS", "waitSeconds": 10}), Next::GoesOn),
            (failed("Turnstile.DeploymentFailed", false), Next::GoesOn),
            (failed("Turnstile.NeighbourFailed", false), Next::Yields { silent_seconds: None }),
            (failed("Turnstile.JoinedFailed", true), Next::GoesOn),
            (failed("Turnstile.AgentSilent", false), Next::Yields { silent_seconds: Some(300) }),
            (failed("Turnstile.OfAnotherVersion", false), Next::GoesOn),
        ] {
            assert_eq!(Answer::AsBefore(before.clone()).next(), expected, "{before}");
        }
        let again = Answer::AsBefore(failed("Turnstile.AgentSilent", false)).after(60);
        assert_eq!(json!(again)["waitSeconds"], 60);
    }
}
