//! The claims of which a turn consists, as they are in the table of turns.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::limits::{LONGEST_CALL, LONGEST_TRAIL};
use crate::words::application::DeploymentGroup;
use crate::words::deployment::{Deployment, DeploymentGroupInfo, LastDeployment};
use crate::words::ids::{AutoScalingGroupName, ClaimKey, DeploymentId, ExecutionArn, InstanceId, TargetId};
use crate::words::revision::Revision;
use crate::words::time::{self, Timestamp};

/// The right to deploy to one Auto Scaling group, or to one deployment group: an item of the table of turns.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Claim {
    /// What is claimed; the item's key.
    pub claim: ClaimKey,
    /// The execution that holds it.
    pub holder: Option<ExecutionArn>,
    /// The round of the holder's in which it was taken: the claim's fencing token. Absent when a version took it that wrote none.
    pub round: Option<u32>,
    /// The execution that gave it back last, and the round in which it did. Nobody takes it again in a round in which it has given it back.
    pub returned_by: Option<ExecutionArn>,
    pub returned_round: Option<u32>,
    /// When it was taken. Absent when a version took it that wrote no time.
    #[serde(default, with = "time::as_seconds")]
    pub taken_at: Option<Timestamp>,
    /// The Auto Scaling groups whose rollouts have ever taken it: a deployment group can span several.
    #[serde(default)]
    pub taken_for: BTreeSet<AutoScalingGroupName>,
    /// Whether a call of an earlier holder may still be under way: the holder has taken it over from an execution that ended, or nobody holds
    /// it and the last one gave it back after a call whose answer was lost.
    #[serde(default)]
    pub draining: bool,
    /// Of a deployment group: the deployment that was last seen finished by a holder. It stays when the claim is given back.
    pub finished: Option<FinishedDeployment>,
    /// Of a deployment group: the deployment that a holder stopped last. It stays when the claim is given back.
    pub stop: Option<Stop>,
    /// Of an Auto Scaling group: the deployment groups to which rollouts of it have ever deployed, in their short form.
    #[serde(default)]
    pub deployment_groups: BTreeSet<String>,
    /// Of an Auto Scaling group: where a holder deployed last. It stays when the claim is given back.
    pub deploying: Option<DeploymentGroup>,
    /// Of an Auto Scaling group: why a person holds it. No rollout of it makes a deployment then.
    pub held: Option<String>,
    /// The instances that wait at their hook while another rollout has the turn. They queue at the claim on the Auto Scaling group, or, where each
    /// deployment has its turn, on the deployment group. A deployment of that one may serve
    /// them.
    #[serde(default)]
    pub waiting: BTreeSet<InstanceId>,
    /// Those on which a deployment did not begin although others had come to an end.
    #[serde(default)]
    pub silent: BTreeSet<InstanceId>,
    /// The instances whose gates a holder moved last.
    #[serde(default)]
    pub cohort: BTreeSet<InstanceId>,
    /// Since when a holder has been moving these gates; absent when it has come to the end of it.
    #[serde(default, with = "time::as_seconds")]
    pub moving_since: Option<Timestamp>,
    /// Of a deployment group, where each deployment has its turn: when the end of the holder's deployment should be near.
    #[serde(default, with = "time::as_seconds")]
    pub near_end: Option<Timestamp>,
    /// Of an Auto Scaling group, or, where each deployment has its turn, of a deployment group: the holder's call of CreateDeployment that has no
    /// answer yet, or whose answer was lost.
    pub unanswered: Option<CreationCall>,
    /// Of the same: the deployment that a holder's last call of CreateDeployment with an answer has made. CodeDeploy's lists may not show it yet.
    pub made: Option<Made>,
}

/// A deployment that a call of CreateDeployment has made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Made {
    pub deployment_id: DeploymentId,
    /// The `now` of the call of start-deployment. It was made a little later.
    #[serde(with = "time::as_seconds")]
    pub called_at: Option<Timestamp>,
}

impl Made {
    /// Whether CodeDeploy may not tell of it yet at `now`.
    pub fn may_not_be_told_of(&self, now: Timestamp) -> bool {
        self.called_at.is_none_or(|called_at| now.seconds_since(called_at) < LONGEST_CALL + LONGEST_TRAIL)
    }
}

/// What the holder of a turn records of the deployment that comes next, be it made or joined.
#[derive(Debug, Clone, PartialEq)]
pub enum NextDeployment {
    /// Its group, where one turn is for the whole list. A later rollout with the turn of the same Auto Scaling group may not have that group in
    /// its list, and has to wait for the deployment all the same.
    To(DeploymentGroup),
    /// When its end should be near, for those who wait for the turn, where each deployment has its own; `None` when that is not known.
    NearItsEnd(Option<Timestamp>),
}

/// A call of CreateDeployment, which may take effect later than its caller waits for the answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreationCall {
    /// A random name.
    pub creation_id: String,
    /// The `now` of the call of start-deployment that makes it. It is made a little later.
    #[serde(default, with = "time::as_seconds", skip_serializing_if = "Option::is_none")]
    pub called_at: Option<Timestamp>,
    /// The `now` of the first later call that found it without an answer. It was made before that.
    #[serde(default, with = "time::as_seconds", skip_serializing_if = "Option::is_none")]
    pub found_at: Option<Timestamp>,
}

/// A deployment that has ended, and the revision that it brought.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FinishedDeployment {
    pub deployment_id: DeploymentId,
    pub revision: Option<Revision>,
    #[serde(default, with = "time::as_seconds", skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
}

impl From<&Deployment> for FinishedDeployment {
    fn from(deployment: &Deployment) -> Self {
        Self {
            deployment_id: deployment.deployment_id.clone(),
            revision: deployment.revision.clone(),
            ended_at: deployment.ended,
        }
    }
}

/// A rollout's stop of a deployment, recorded before the call of CodeDeploy. Whoever finds the deployment stopped knows by it that no person
/// has done so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stop {
    pub deployment_id: DeploymentId,
    pub by: ExecutionArn,
    pub round: u32,
    /// What the call answers that stops the deployment, in JSON, for the case that its answer is lost. Absent when the rollout goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}

/// An application that is up to date on the rollout's instance, and the deployment that brought it there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeployedApplication {
    #[serde(flatten)]
    pub group: DeploymentGroup,
    #[serde(flatten)]
    pub deployment: FinishedDeployment,
    /// How many deployments the rollout has tried; 0 when its instance was served by another rollout's deployment, or was up to date before.
    pub attempts: u32,
    /// Other instances, in service, to which the rollout's own deployment came too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also_deployed_to: Vec<TargetId>,
    /// When the deployment was created, and how many seconds it took. Absent when the rollout has not looked at the deployment itself, and in what a
    /// version noted that did not know them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u32>,
    /// The group's last deployments when the last gate found the application up to date. It looks again only when there are others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked_at: Option<LastDeployments>,
}

/// A deployment group's last deployments, as the group tells of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastDeployments {
    pub attempted: Option<DeploymentId>,
    pub successful: Option<DeploymentId>,
}

impl From<&DeploymentGroupInfo> for LastDeployments {
    fn from(group: &DeploymentGroupInfo) -> Self {
        let id = |last: &Option<LastDeployment>| last.as_ref().map(|last| last.deployment_id.clone());
        Self { attempted: id(&group.last_attempted), successful: id(&group.last_successful) }
    }
}

impl DeployedApplication {
    /// The application that this deployment has brought to the instance, after so many tries.
    pub fn by(group: &DeploymentGroup, deployment: &Deployment, attempts: u32) -> Self {
        Self {
            group: group.clone(),
            deployment: FinishedDeployment { ended_at: None, ..FinishedDeployment::from(deployment) },
            attempts,
            also_deployed_to: Vec::new(),
            created_at: deployment.created,
            seconds: deployment.ended.zip(deployment.created).map(|(ended, created)| ended.seconds_since(created)),
            looked_at: None,
        }
    }

    /// Whether nothing has been deployed to the group since the application was deployed to the instance, or last looked at there.
    pub fn is_the_last_of(&self, group: &DeploymentGroupInfo) -> bool {
        let last = LastDeployments::from(group);
        let own = Some(&self.deployment.deployment_id);
        let is_own = last.attempted.as_ref() == own && last.successful.as_ref() == own;
        is_own || self.looked_at.as_ref() == Some(&last)
    }
}

/// What comes of trying to take claims.
#[derive(Debug, Clone, PartialEq)]
pub enum Taking {
    Taken,
    /// These executions have been faster. There are none when another transaction was under way at that moment.
    Refused(BTreeSet<ExecutionArn>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployment_is_told_of_some_time_after_the_call_that_made_it() {
        let made = |called_at: Option<i64>| Made {
            deployment_id: "d-1".into(),
            called_at: called_at.map(Timestamp::from_seconds),
        };
        let longest = i64::from(LONGEST_CALL + LONGEST_TRAIL);
        for (called_at, now, expected) in [
            (Some(100), 100, true),
            (Some(100), 99 + longest, true),
            (Some(100), 100 + longest, false),
            (None, 100, true),
        ] {
            let found = made(called_at).may_not_be_told_of(Timestamp::from_seconds(now));
            assert_eq!(found, expected, "called at {called_at:?}, asked at {now}");
        }
    }
}
