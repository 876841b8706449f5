//! Starts the deployment of one application, joins one that is under way, or finds that the instance needs none.

mod create;
mod gates;

use std::collections::BTreeSet;

use aws::autoscaling::AutoScaling;
use aws::clients::Clients;
use aws::codedeploy::{CodeDeploy, Stopping};
use aws::function::Function;
use aws::gates::Gates;
use aws::history::History;
use aws::launches::Launches;
use aws::served::{Served, Whose};
use aws::settings::{self, SettingError, Settings};
use aws::turns::Turns;
use aws::up_to_date;
use serde::{Deserialize, Serialize};
use tracing::{Span, info_span, warn};
use turnstile::policy::deployment_tag::Attempt;
use turnstile::policy::gate::{self, Selecting};
use turnstile::policy::stall::{self, StallTimer};
use turnstile::policy::up_to_date::{CurrentRevision, Freshness, Search};
use turnstile::policy::{deployment_tag, preflight, turn, waits};
use turnstile::words::application::Application;
use turnstile::words::deployment::{Deployment, DeploymentStatus, TargetStatus};
use turnstile::words::error::Error;
use turnstile::words::failure::Silence;
use turnstile::words::ids::{ClaimKey, DeploymentId, ExecutionArn, InstanceId};
use turnstile::words::plan::Plan;
use turnstile::words::revision::Revision;
use turnstile::words::time::Timestamp;
use turnstile::words::turn::{CreationCall, FinishedDeployment, NextDeployment, Stop};

/// How much the clocks of Step Functions and CodeDeploy may differ, in seconds. They differ by some; a minute is generous.
const CLOCK_SKEW: u32 = 60;

/// `BatchGetItem` reads 100 items (DynamoDB API reference).
const MOST_CLAIMS_READ: usize = 100;

/// The function.
pub struct StartDeployment {
    codedeploy: CodeDeploy,
    autoscaling: AutoScaling,
    launches: Launches,
    turns: Turns,
    gates: Gates,
    served: Served,
}

/// The application that the rollout has come to.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// The deployment's description carries it, so that a repeated call finds what it has started.
    execution: ExecutionArn,
    /// When the execution started.
    started_at: Timestamp,
    now: Timestamp,
    plan: Plan,
    application: Application,
    /// 1, and one more each time the rollout goes through its applications again.
    round: u32,
    /// 1 for the application's first deployment in the round.
    attempt: u32,
    /// How many deployments of this attempt have missed the instance, because CodeDeploy had not seen its gate yet.
    #[serde(default)]
    misses: u32,
    /// Since when deployments of the attempt have missed the instance, or have been refused because CodeDeploy knew of none; absent when none has.
    missed_since: Option<Timestamp>,
    /// The deployment that brought the application before this one in the list; absent when this is the first.
    #[serde(default)]
    before: Option<DeploymentId>,
    /// The instances that the deployment of the application before was to serve; absent when this is the first.
    #[serde(default)]
    cohort: Vec<InstanceId>,
    /// Since when other deployments have been in the way of this attempt; absent when it asks for the first time.
    busy_since: Option<Timestamp>,
    /// Of the deployment that was in the way when it last asked.
    stall: Option<StallTimer>,
    /// Why the rollout last yielded, if it has.
    silence: Option<Silence>,
    /// How far the last call came that searched for evidence; absent when none has.
    #[serde(default)]
    search: Option<Search>,
}

/// What comes of it, with the seconds to wait before the next step.
#[derive(Debug, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "SCREAMING_SNAKE_CASE", rename_all_fields = "camelCase")]
pub enum Answer {
    /// This rollout's own deployment is under way.
    Started(UnderWay),
    /// Somebody else's deployment is under way and contains the instance.
    Joined(UnderWay),
    /// Nothing is to be done: this deployment succeeded on the instance with the current revision.
    UpToDate { deployment_id: DeploymentId, revision: Option<Revision> },
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
    deployment_id: DeploymentId,
    wait_seconds: u32,
    /// How long the deployment should take; null when that is unknown.
    expected_seconds: Option<u32>,
    /// The instances that it is to serve, where each deployment has its turn.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cohort: Vec<InstanceId>,
}

impl Function for StartDeployment {
    type Request = Request;
    type Answer = Answer;

    fn new(clients: &Clients, settings: &Settings) -> Result<Self, SettingError> {
        Ok(Self {
            codedeploy: clients.codedeploy(),
            autoscaling: clients.autoscaling(),
            launches: clients.launches(settings.get(settings::TURNS_TABLE)?),
            turns: clients.turns(settings.get(settings::TURNS_TABLE)?),
            gates: clients.gates(),
            served: clients.served(settings.get(settings::TURNS_TABLE)?),
        })
    }

    fn span(request: &Request) -> Span {
        info_span!(
            "start-deployment",
            execution = %request.execution,
            group = %request.plan.auto_scaling_group_name,
            instance = request.plan.instance_id.as_ref().map(|id| id.as_str()),
            application = %request.application,
            round = request.round,
            attempt = request.attempt,
        )
    }

    async fn handle(&self, mut request: Request) -> Result<Answer, Error> {
        self.launches.keep_open(&mut request.plan, &request.execution).await?.require_open()?;
        let (codedeploy, request) = (&self.codedeploy, &request);
        let Request { plan, application, .. } = request;
        waits::check_time(plan, request.started_at, request.now)?;

        let group = codedeploy.group(&application.group).await?.ok_or_else(|| {
            Error::UnsuitableDeploymentGroup(format!(
                "{application}: there is no such application and deployment group"
            ))
        })?;
        preflight::check(&application.group, &group).map_err(Error::UnsuitableDeploymentGroup)?;
        let since = request.started_at.minus_seconds(CLOCK_SKEW);
        let history = History::read(codedeploy, &application.group, &group, since).await?;
        if let Some(answer) = self.under_way(request, &history).await? {
            return Ok(answer);
        }
        if let Some(instance_id) = &plan.instance_id {
            match up_to_date::by_history(codedeploy, &history, instance_id).await? {
                Freshness::UpToDate(deployment) => return Ok(self.up_to_date(request, deployment).await),
                Freshness::AtWork(deployment)
                    if !stall::is_agent_gone(&deployment, request.stall.as_ref(), request.now) =>
                {
                    return self.busy(request, Some(deployment)).await;
                }
                Freshness::AtWork(_) | Freshness::Outdated => {}
            }
        }
        let selecting = Selecting::of(&plan.gate_key, &application.group, &group.selection);
        if plan.turn_per_deployment && !selecting.is_gated() {
            return Err(Error::UnsuitableDeploymentGroup(format!(
                "{application}: the deployment group has stopped going by the gate since the rollout was planned"
            )));
        }
        if let Some(wait_seconds) = self.gather(request).await? {
            return Ok(Answer::wait(wait_seconds));
        }
        let others = self.others(request).await?;
        let cohort = self.move_gates(request, selecting).await?;
        if let Some(at_work) = self.in_the_way(request, selecting, &others, &cohort, &history).await? {
            return self.busy(request, Some(at_work)).await;
        }
        match self.way(request, selecting).await? {
            // An earlier call, which goes on at the same time, has been faster.
            Way::Blocked(Some(own)) if request.own_attempt().has_made(&own) => {
                Ok(Answer::Started(request.started(own.deployment_id, &history)))
            }
            Way::Blocked(other) => self.busy(request, other.map(|other| *other)).await,
            Way::Clear { given_up } => self.deploy(request, selecting, &others, cohort, history, given_up).await,
        }
    }
}

/// Whether a deployment can be made now.
pub(crate) enum Way {
    /// A deployment is at work. `None`: a call of CreateDeployment has no answer, and its deployment is not listed.
    Blocked(Option<Box<Deployment>>),
    /// Nothing is in the way. The call may be on record still that was `given_up`.
    Clear { given_up: Option<CreationCall> },
}

impl StartDeployment {
    /// The deployment that is under way already: this attempt's own, or one of somebody else's that occupies the group.
    ///
    /// An earlier call may have started this attempt's own, and its answer was lost. One that brings a build that is not current any more is
    /// stopped, or over.
    async fn under_way(&self, request: &Request, history: &History) -> Result<Option<Answer>, Error> {
        let own = history.newest_first.iter().find(|deployment| request.own_attempt().has_made(deployment));
        if let Some(own) = own {
            let id = own.deployment_id.clone();
            self.record_answered(request, None, None).await;
            if history.current.is_of(own) {
                return Ok(Some(Answer::Started(request.started(id, history))));
            }
            if own.status.is_active() {
                self.turns.require(&request.claims(), &request.execution, request.round).await?;
                return Ok(Some(self.withdraw(request, id, history).await));
            }
        }
        match history.active().next() {
            Some(theirs) => self.occupied(request, theirs).await.map(Some),
            None => Ok(None),
        }
    }

    /// Somebody else's deployment is under way. One that still has the instance to do, or has done it, is as good as an own one. One that
    /// failed on the instance, or does not contain it, has to end first.
    async fn occupied(&self, request: &Request, theirs: &Deployment) -> Result<Answer, Error> {
        // It restarts what is there, and brings nothing.
        if theirs.installs_nothing {
            return self.busy(request, Some(theirs.clone())).await;
        }
        let target = match &request.plan.instance_id {
            Some(instance_id) => self.codedeploy.target(&theirs.deployment_id, instance_id).await?,
            None => None,
        };
        use TargetStatus::{InProgress, Pending, Succeeded};
        if !matches!(target.map(|target| target.status), Some(Pending | InProgress | Succeeded)) {
            return self.busy(request, Some(theirs.clone())).await;
        }
        // Whoever deploys next waits for it, as for one of this rollout's own.
        match self.way(request, Selecting::SharedByTags).await? {
            Way::Blocked(Some(same)) if same.deployment_id == theirs.deployment_id => {}
            Way::Blocked(other) => return self.busy(request, other.map(|other| *other)).await,
            Way::Clear { .. } => {
                self.turns.record_next(&request.main_claim(), &request.next_deployment(None), request.holder()).await?;
            }
        }
        // It began at a time unknown here, so its group's history does not say when it ends.
        Ok(Answer::Joined(request.under_way(theirs.deployment_id.clone(), None)))
    }

    async fn read_again(&self, history: &History, created: Option<&DeploymentId>) -> Result<History, Error> {
        let again = history.read_again(&self.codedeploy, created).await?;
        again.ok_or_else(|| Error::UnsuitableDeploymentGroup("the deployment group has been deleted meanwhile".into()))
    }

    /// Waits for a deployment that is in the way; without one, for a deployment that is not listed yet. A stalled deployment of a rollout
    /// that has ended is stopped.
    async fn busy(&self, request: &Request, deployment: Option<Deployment>) -> Result<Answer, Error> {
        let Request { plan, application, .. } = request;
        let waited = request.waited();
        if waited >= waits::longest_for_other_deployments(request.attempt, application.timeout_seconds) {
            let id = deployment.as_ref().map_or("a deployment that is not listed yet", |d| d.deployment_id.as_str());
            return Err(Error::GroupBusy(format!(
                "{application}: waited {waited} s for other deployments to end; {id} is still under way"
            )));
        }
        let mut stall = None;
        if let Some(deployment) = &deployment {
            let timer = StallTimer::after_look(request.stall.as_ref(), deployment, None, None);
            let bakes = deployment.status == DeploymentStatus::Baking;
            if !bakes && stall::is_stalled(deployment.overview, timer.seconds(request.now)) {
                self.turns.require(&request.claims(), &request.execution, request.round).await?;
                self.stop(request, deployment).await?;
            }
            stall = Some(timer);
        }
        Ok(Answer::Busy {
            deployment_id: deployment.map(|deployment| deployment.deployment_id),
            wait_seconds: waits::for_other_deployment(waited, plan.hook.as_ref()),
            stall,
            search: None,
            missed: false,
            why: None,
        })
    }

    /// Stops a stalled deployment, if a rollout has started it and the turn has the claim on its group: that of another list of applications is
    /// waited for until CodeDeploy gives it up. The stop is recorded in the claim, so that it is not taken for a person's.
    async fn stop(&self, request: &Request, deployment: &Deployment) -> Result<(), Error> {
        let claimed = deployment.group.as_ref().filter(|group| request.plan.names(group));
        let Some(group) = claimed else { return Ok(()) };
        let Stopping::Stalled { .. } = self.codedeploy.may_be_stopped(deployment).await? else { return Ok(()) };
        self.turns.record_stop(group, &request.stop_of(&deployment.deployment_id)).await?;
        self.codedeploy.stop(&deployment.deployment_id).await.map(drop)
    }

    /// Whether something is in the way that the groups' lists do not show. That is the deployment that a call without an answer may yet make. In
    /// a turn for the whole list it is, too, the deployment that was last made in a turn of the Auto Scaling group, or of another one that
    /// shares a deployment group with it, if it is still at work on any instance.
    ///
    /// What others than rollouts deploy is no concern of a group that goes by the gate, unless [`StartDeployment::in_the_way`] has found it.
    async fn way(&self, request: &Request, selecting: Selecting) -> Result<Way, Error> {
        let Request { plan, execution, round, .. } = request;
        let mut found = self.turns.require(&request.claims(), execution, *round).await?;
        let own = request.main_claim();
        let given_up = found.iter().find(|claim| claim.claim == own).and_then(|claim| claim.unanswered.clone());
        if let Some(call) = &given_up
            && let Some(after_look) = turn::unanswered_after_look(call, request.now)
        {
            if after_look != *call {
                self.turns.record_unanswered(&own, &after_look, request.holder()).await?;
            }
            return Ok(Way::Blocked(None));
        }
        if plan.turn_per_deployment {
            return Ok(Way::Clear { given_up });
        }
        let neighbours = turn::claims_of_neighbours(&found, &plan.auto_scaling_group_name);
        for claims in neighbours.chunks(MOST_CLAIMS_READ) {
            found.extend(self.turns.read(claims).await?);
        }
        let is_own = |group| found.iter().any(|claim| claim.claim == own && claim.deploying.as_ref() == Some(group));
        for last in turn::last_deployed(&found) {
            if let Some(group) = self.codedeploy.group_if_permitted(last).await?
                && let Some(attempted) = group.last_attempted
                && let Some(deployment) = self.codedeploy.deployment(&attempted.deployment_id).await?
                && stall::is_at_work(&deployment, request.stall.as_ref(), request.now)
                // What others than rollouts deploy to a neighbour's groups is no concern of this one.
                && ((is_own(last) && !selecting.is_gated()) || deployment_tag::is_a_rollouts(&deployment.description))
            {
                return Ok(Way::Blocked(Some(Box::new(deployment))));
            }
        }
        Ok(Way::Clear { given_up })
    }

    /// The deployment that brought the instance up to date may have done so for others whose rollouts wait.
    async fn up_to_date(&self, request: &Request, deployment: Deployment) -> Answer {
        let finished = FinishedDeployment::from(&deployment);
        let group = &request.application.group;
        if let Err(error) = self.turns.publish_finished(group, &finished, &request.execution).await {
            warn!(error = error.name(), reason = %error, "the rollouts that wait do not learn of the deployment");
        }
        // After the last application the gate is opened.
        if !request.plan.ends_with(group) {
            self.served.shut(&request.plan, &[request.main_claim()], Whose::All, request.holder(), request.now).await;
        }
        self.turns.give_back_courteously(request.turn(), &request.execution, request.round).await;
        Answer::UpToDate { deployment_id: deployment.deployment_id, revision: deployment.revision }
    }
}

impl Answer {
    /// Ask again when CodeDeploy may have seen the gate.
    fn missed() -> Self {
        let (wait_seconds, missed) = (waits::TO_SEE_A_GATE, true);
        Self::Busy { deployment_id: None, wait_seconds, stall: None, search: None, missed, why: None }
    }

    /// Ask again after so many seconds. No deployment is in the way.
    fn wait(wait_seconds: u32) -> Self {
        Self::Busy { deployment_id: None, wait_seconds, stall: None, search: None, missed: false, why: None }
    }
}

impl UnderWay {
    /// With a first look soon, where CodeDeploy may not have seen the gate: a deployment that misses the instance is over in a moment. And with the
    /// cohort, where that has to be gathered again for the next turn.
    fn of_gated(self, request: &Request, selecting: Selecting, cohort: BTreeSet<InstanceId>) -> Self {
        let wait_seconds = match selecting.is_gated() {
            true => self.wait_seconds.min(waits::TO_SEE_A_GATE),
            false => self.wait_seconds,
        };
        let is_kept = request.plan.turn_per_deployment && cohort.len() > 1;
        Self { wait_seconds, cohort: cohort.into_iter().filter(|_| is_kept).collect(), ..self }
    }
}

impl Request {
    /// Whether nothing has been deployed in the rollout's first turn.
    fn begins_the_turn(&self) -> bool {
        self.before.is_none() && self.round == 1 && self.attempt == 1 && self.misses == 0
    }

    /// What it has to hold.
    fn claims(&self) -> Vec<ClaimKey> {
        turn::claims(&self.plan, &self.application.group)
    }

    /// Where instances queue for it, and where its call of CreateDeployment is on record.
    fn main_claim(&self) -> ClaimKey {
        turn::main_claim(&self.plan, &self.application.group)
    }

    /// Who has to hold it.
    fn holder(&self) -> (&ExecutionArn, u32) {
        (&self.execution, self.round)
    }

    /// What is recorded of a deployment that is expected to take so many seconds; `None` when that is unknown.
    fn next_deployment(&self, expected_seconds: Option<u32>) -> NextDeployment {
        match self.plan.turn_per_deployment {
            true => NextDeployment::NearItsEnd(
                expected_seconds.map(|expected| self.now.plus_seconds(waits::first_look(expected))),
            ),
            false => NextDeployment::To(self.application.group.clone()),
        }
    }

    /// The turn that is over with this application.
    fn turn(&self) -> Vec<ClaimKey> {
        if self.plan.turn_per_deployment { self.claims() } else { Vec::new() }
    }

    /// Whether the gate was moved so short a time ago that CodeDeploy may not have seen it.
    fn may_not_see_the_gate(&self) -> bool {
        self.missed_since.is_none_or(|since| self.now.seconds_since(since) < gate::SEEN_BY)
    }

    /// How long the execution has been running, in seconds.
    fn age(&self) -> u32 {
        self.now.seconds_since(self.started_at)
    }

    /// For how long other deployments have been in the way of this attempt, in seconds.
    fn waited(&self) -> u32 {
        self.busy_since.map_or(0, |since| self.now.seconds_since(since))
    }

    fn stop_of(&self, deployment_id: &DeploymentId) -> Stop {
        let Self { execution, round, .. } = self;
        Stop { deployment_id: deployment_id.clone(), by: execution.clone(), round: *round, answer: None }
    }

    fn own_attempt(&self) -> Attempt<'_> {
        let Self { execution, application, round, attempt, misses, .. } = self;
        Attempt { execution, group: &application.group, round: *round, attempt: *attempt, misses: *misses }
    }

    /// This attempt's own deployment, which should take as long as the group's last one.
    fn started(&self, deployment_id: DeploymentId, history: &History) -> UnderWay {
        self.under_way(deployment_id, expected_seconds(&history.current))
    }

    fn under_way(&self, deployment_id: DeploymentId, expected_seconds: Option<u32>) -> UnderWay {
        let wait_seconds = waits::before_look(0, expected_seconds, self.age(), self.plan.hook.as_ref());
        UnderWay { deployment_id, wait_seconds, expected_seconds, cohort: Vec::new() }
    }
}

/// What the group's last successful deployment says about the next one to a single instance.
fn expected_seconds(current: &CurrentRevision) -> Option<u32> {
    let deployment = current.last_successful.as_ref()?;
    let duration = deployment.ended?.seconds_since(deployment.created?);
    let instances = deployment.overview.succeeded + deployment.overview.failed;
    Some(waits::expected_duration(duration, instances, &deployment.deployment_config_name))
}
