//! What is asked, and what comes of it.

use std::collections::BTreeSet;

use aws::history::History;
use serde::{Deserialize, Serialize};
use turnstile::policy::deployment_tag::{self, Attempt};
use turnstile::policy::gate::{self, Selecting};
use turnstile::policy::observations::Observation;
use turnstile::policy::stall::StallTimer;
use turnstile::policy::up_to_date::{CurrentRevision, Search};
use turnstile::policy::{cohort, turn, waits};
use turnstile::words::application::Application;
use turnstile::words::deployment::Deployment;
use turnstile::words::failure::Silence;
use turnstile::words::ids::{ClaimKey, DeploymentId, ExecutionArn, InstanceId};
use turnstile::words::plan::Plan;
use turnstile::words::time::Timestamp;
use turnstile::words::turn::{CreationCall, DeployedApplication, NextDeployment, Stop};

/// The application that the rollout has come to.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// The deployment's description carries it, so that a repeated call finds what it has started.
    pub(crate) execution: ExecutionArn,
    /// When the execution started.
    pub(crate) started_at: Timestamp,
    pub(crate) now: Timestamp,
    pub(crate) plan: Plan,
    pub(crate) application: Application,
    /// Whether it had its turn in this round when it last asked.
    #[serde(default)]
    pub(crate) has_turn: bool,
    /// What it has observed of its instance while it waited for its turn.
    #[serde(default)]
    pub(crate) observations: Vec<Observation>,
    /// Since when it has been waiting for its turn; absent when it does not wait.
    pub(crate) waiting_since: Option<Timestamp>,
    /// Since when it has been waiting for the last calls of the rollout that it took the turn over from; absent when it has not.
    pub(crate) draining_since: Option<Timestamp>,
    /// 1, and one more each time the rollout goes through its applications again.
    pub(crate) round: u32,
    /// 1 for the application's first deployment in the round.
    pub(crate) attempt: u32,
    /// How many deployments of this attempt have missed the instance, because CodeDeploy had not seen its gate yet.
    #[serde(default)]
    pub(crate) misses: u32,
    /// Since when deployments of the attempt have missed the instance, or have been refused because CodeDeploy knew of none; absent when none has.
    pub(crate) missed_since: Option<Timestamp>,
    /// The deployment that brought the application before this one in the list; absent when this is the first.
    #[serde(default)]
    pub(crate) before: Option<DeploymentId>,
    /// The instances that the deployment of the application before was to serve; absent when this is the first.
    #[serde(default)]
    pub(crate) cohort: Vec<InstanceId>,
    /// Since when other deployments have been in the way of this attempt; absent when it asks for the first time.
    pub(crate) busy_since: Option<Timestamp>,
    /// Of the deployment that was in the way when it last asked.
    pub(crate) stall: Option<StallTimer>,
    /// Why the rollout last yielded, if it has.
    pub(crate) silence: Option<Silence>,
    /// How far the last call came that searched for evidence; absent when none has.
    #[serde(default)]
    pub(crate) search: Option<Search>,
}

/// What comes of it, and what the rollout is to bring along the next time.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
    /// Whether the rollout has its turn now.
    pub(crate) has_turn: bool,
    pub(crate) observations: Vec<Observation>,
}

/// What comes of it, with the seconds to wait before the next step.
#[derive(Debug, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "SCREAMING_SNAKE_CASE", rename_all_fields = "camelCase")]
pub enum Outcome {
    /// This rollout's own deployment is under way.
    Started(UnderWay),
    /// Somebody else's deployment is under way and contains the instance.
    Joined(UnderWay),
    /// Nothing is to be done: these applications are up to date on the instance. The application that the rollout has come to is the first one.
    UpToDate {
        applications: Vec<DeployedApplication>,
        /// Whether the turns of others have brought them, while this rollout waited for its own.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        by_others: bool,
    },
    /// Other rollouts have their turn. Ask again after so many seconds.
    Wait { holders: BTreeSet<ExecutionArn>, wait_seconds: u32 },
    /// It has taken the turn over from a rollout that has ended, of which a call may still be under way. Ask again after so many seconds.
    Draining { wait_seconds: u32 },
    /// A deployment that does not contain the instance occupies this group or another one of the rollout.
    Busy {
        /// Absent when the deployment is not listed yet.
        #[serde(skip_serializing_if = "Option::is_none")]
        deployment_id: Option<DeploymentId>,
        wait_seconds: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        stall: Option<StallTimer>,
        /// Where the next call goes on, when this one has not found out whether anything is outdated.
        #[serde(skip_serializing_if = "Option::is_none")]
        search: Option<Search>,
        /// Whether CodeDeploy may not have seen the gate.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        missed: bool,
        /// What CodeDeploy said, when it refused the deployment although none is listed.
        #[serde(skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
}

/// A deployment that is under way.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UnderWay {
    pub(crate) deployment_id: DeploymentId,
    pub(crate) wait_seconds: u32,
    /// How long the deployment should take; null when that is unknown.
    pub(crate) expected_seconds: Option<u32>,
    /// The instances that it is to serve, where each deployment has its turn.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) cohort: Vec<InstanceId>,
}

/// What comes of asking for the turn.
pub(crate) enum Turn {
    /// The rollout may deploy.
    Mine,
    /// It has to wait, or need not deploy.
    NotMine(Outcome),
}

/// Whether a deployment can be made now.
pub(crate) enum Way {
    /// A deployment is at work. `None`: a call of CreateDeployment has no answer, and its deployment is not listed.
    Blocked(Option<Box<Deployment>>),
    /// Nothing is in the way. The call may be on record still that was `given_up`.
    Clear { given_up: Option<CreationCall> },
}

impl Outcome {
    /// Ask again when CodeDeploy may have seen the gate.
    pub(crate) fn missed() -> Self {
        let (wait_seconds, missed) = (waits::TO_SEE_A_GATE, true);
        Self::Busy { deployment_id: None, wait_seconds, stall: None, search: None, missed, why: None }
    }

    /// Ask again after so many seconds. No deployment is in the way.
    pub(crate) fn wait_for_others(wait_seconds: u32) -> Self {
        Self::Busy { deployment_id: None, wait_seconds, stall: None, search: None, missed: false, why: None }
    }
}

impl UnderWay {
    /// With a first look soon, where CodeDeploy may not have seen the gate: a deployment that misses the instance is over in a moment. And with the
    /// cohort, where that has to be gathered again for the next turn.
    pub(crate) fn of_gated(self, request: &Request, selecting: Selecting, cohort: BTreeSet<InstanceId>) -> Self {
        let wait_seconds = match selecting.is_gated() {
            true => self.wait_seconds.min(waits::TO_SEE_A_GATE),
            false => self.wait_seconds,
        };
        let is_kept = request.plan.turn_per_deployment && cohort.len() > 1;
        Self { wait_seconds, cohort: cohort.into_iter().filter(|_| is_kept).collect(), ..self }
    }
}

impl Request {
    /// Whether the rollout asks for the first time, and has not done anything yet.
    pub(crate) fn is_the_first(&self) -> bool {
        self.begins_the_turn() && self.waiting_since.is_none() && self.busy_since.is_none() && !self.has_turn
    }

    /// Whether nothing has been deployed in the rollout's first turn.
    pub(crate) fn begins_the_turn(&self) -> bool {
        self.before.is_none() && self.round == 1 && self.attempt == 1 && self.misses == 0
    }

    /// Whether those that the deployment of the application before has served are waited for: they come to the queue within seconds of each other.
    pub(crate) fn may_regather(&self) -> bool {
        self.plan.turn_per_deployment
            && self.attempt == 1
            && self.misses == 0
            && self.waited() < cohort::LONGEST_GATHERING
    }

    /// What it has to hold.
    pub(crate) fn claims(&self) -> Vec<ClaimKey> {
        turn::claims(&self.plan, &self.application.group)
    }

    /// Where instances queue for it, and where its call of CreateDeployment is on record.
    pub(crate) fn main_claim(&self) -> ClaimKey {
        turn::main_claim(&self.plan, &self.application.group)
    }

    /// Who has to hold it.
    pub(crate) fn holder(&self) -> (&ExecutionArn, u32) {
        (&self.execution, self.round)
    }

    /// What is recorded of a deployment that is expected to take so many seconds; `None` when that is unknown.
    pub(crate) fn next_deployment(&self, expected_seconds: Option<u32>) -> NextDeployment {
        match self.plan.turn_per_deployment {
            true => NextDeployment::NearItsEnd(
                expected_seconds.map(|expected| self.now.plus_seconds(waits::first_look(expected))),
            ),
            false => NextDeployment::To(self.application.group.clone()),
        }
    }

    /// Whether the gate was moved so short a time ago that CodeDeploy may not have seen it.
    pub(crate) fn may_not_see_the_gate(&self) -> bool {
        self.missed_since.is_none_or(|since| self.now.seconds_since(since) < gate::SEEN_BY)
    }

    /// How long the execution has been running, in seconds.
    pub(crate) fn age(&self) -> u32 {
        self.now.seconds_since(self.started_at)
    }

    /// For how long other deployments have been in the way of this attempt, in seconds.
    pub(crate) fn waited(&self) -> u32 {
        self.busy_since.map_or(0, |since| self.now.seconds_since(since))
    }

    pub(crate) fn stop_of(&self, deployment_id: &DeploymentId) -> Stop {
        let Self { execution, round, .. } = self;
        Stop { deployment_id: deployment_id.clone(), by: execution.clone(), round: *round, answer: None }
    }

    pub(crate) fn own_attempt(&self) -> Attempt<'_> {
        let Self { execution, application, round, attempt, misses, .. } = self;
        Attempt { execution, group: &application.group, round: *round, attempt: *attempt, misses: *misses }
    }

    /// The application, which this deployment has brought to the instance, be it this rollout's own or one that was found.
    pub(crate) fn deployed(&self, deployment: Deployment) -> Outcome {
        let attempts = match deployment_tag::is_made_by(&self.execution, &deployment) {
            true => self.attempt,
            false => self.attempt.saturating_sub(1),
        };
        let deployed = DeployedApplication::by(&self.application.group, &deployment, attempts);
        Outcome::UpToDate { applications: vec![deployed], by_others: false }
    }

    /// This attempt's own deployment, which should take as long as the group's last one.
    pub(crate) fn started(&self, deployment_id: DeploymentId, history: &History) -> UnderWay {
        self.under_way(deployment_id, expected_seconds(&history.current))
    }

    pub(crate) fn under_way(&self, deployment_id: DeploymentId, expected_seconds: Option<u32>) -> UnderWay {
        let wait_seconds = waits::before_look(0, expected_seconds, self.age(), self.plan.hook.as_ref());
        UnderWay { deployment_id, wait_seconds, expected_seconds, cohort: Vec::new() }
    }
}

/// What the group's last successful deployment says about the next one to a single instance.
pub(crate) fn expected_seconds(current: &CurrentRevision) -> Option<u32> {
    let deployment = current.last_successful.as_ref()?;
    let duration = deployment.ended?.seconds_since(deployment.created?);
    let instances = deployment.overview.succeeded + deployment.overview.failed;
    Some(waits::expected_duration(duration, instances, &deployment.deployment_config_name))
}
