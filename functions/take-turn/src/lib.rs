//! Takes the rollout's turn, or notices that it needs none: the turns of others have brought its instance up to date.

use std::collections::BTreeSet;

use aws::clients::Clients;
use aws::codedeploy::CodeDeploy;
use aws::executions::Executions;
use aws::function::Function;
use aws::launches::Launches;
use aws::served::Served;
use aws::settings::{self, SettingError, Settings};
use aws::turns::Turns;
use serde::{Deserialize, Serialize};
use tracing::{Span, info, info_span, warn};
use turnstile::policy::observations::{self, Observation};
use turnstile::policy::turn::{self, TurnState};
use turnstile::policy::waits;
use turnstile::words::application::Application;
use turnstile::words::error::Error;
use turnstile::words::ids::{ClaimKey, ExecutionArn, InstanceId};
use turnstile::words::owner::Run;
use turnstile::words::plan::Plan;
use turnstile::words::time::Timestamp;
use turnstile::words::turn::{Claim, DeployedApplication, Taking};

/// The function.
pub struct TakeTurn {
    codedeploy: CodeDeploy,
    launches: Launches,
    turns: Turns,
    served: Served,
    executions: Executions,
}

/// A rollout that asks for its turn.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// The holder, once it has the turn.
    execution: ExecutionArn,
    /// When the execution started.
    started_at: Timestamp,
    now: Timestamp,
    plan: Plan,
    /// The application whose deployment is to have its turn; absent when the turn is one for the whole list.
    #[serde(default)]
    application: Option<Application>,
    /// 1, and one more each time the rollout goes through its applications again.
    round: u32,
    /// What it has observed of its instance while it waited.
    observations: Vec<Observation>,
    /// Since when it has been waiting for its turn; absent when it asks for the first time.
    waiting_since: Option<Timestamp>,
    /// Since when it has been waiting for the last calls of the rollout that it took the turn over from; absent when it has not.
    draining_since: Option<Timestamp>,
}

/// What comes of asking, and what the rollout is to bring along the next time.
#[derive(Debug, PartialEq, Serialize)]
pub struct Answer {
    #[serde(flatten)]
    outcome: Outcome,
    observations: Vec<Observation>,
}

/// What comes of asking.
#[derive(Debug, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "SCREAMING_SNAKE_CASE", rename_all_fields = "camelCase")]
pub enum Outcome {
    /// The rollout may deploy.
    Mine,
    /// It need not deploy: the turns of others have brought its instance up to date.
    UpToDate { applications: Vec<DeployedApplication> },
    /// Other rollouts have their turn. Ask again after so many seconds.
    Wait { holders: BTreeSet<ExecutionArn>, wait_seconds: u32 },
    /// It has taken the turn over from a rollout that has ended, of which a call may still be under way. Ask again after so many seconds.
    Draining { wait_seconds: u32 },
}

impl Function for TakeTurn {
    type Request = Request;
    type Answer = Answer;

    fn new(clients: &Clients, settings: &Settings) -> Result<Self, SettingError> {
        Ok(Self {
            codedeploy: clients.codedeploy(),
            launches: clients.launches(settings.get(settings::TURNS_TABLE)?),
            turns: clients.turns(settings.get(settings::TURNS_TABLE)?),
            served: clients.served(settings.get(settings::TURNS_TABLE)?),
            executions: clients.executions(),
        })
    }

    fn span(request: &Request) -> Span {
        info_span!(
            "take-turn",
            execution = %request.execution,
            group = %request.plan.auto_scaling_group_name,
            instance = request.plan.instance_id.as_ref().map(|id| id.as_str()),
        )
    }

    async fn handle(&self, mut request: Request) -> Result<Answer, Error> {
        let hook = self.launches.keep_open(&mut request.plan, &request.execution).await?;
        match request.waiting_since.is_some() || request.round > 1 {
            true => hook.require_still_open()?,
            false => hook.require_open()?,
        }

        let claims = request.claims();
        let found = self.turns.read(&claims).await?;
        let state = TurnState::of(&claims, &found, &request.execution, request.round);
        let mut observations = request.observations.clone();
        if let TurnState::Held(_) = state {
            self.queue(&request, &found).await?;
        }
        if !matches!(state, TurnState::Mine | TurnState::Draining) {
            let has_seen_all = self.observe(&request, &found, &mut observations).await?;
            if let Some(applications) = observations::all_deployed(&observations, request.applications()) {
                if !self.leave_queue(&request, &found).await? {
                    return Ok(Answer { outcome: request.wait(BTreeSet::new(), &found), observations });
                }
                self.shut_own(&request, &found).await;
                if state.is_part_mine() {
                    self.turns.give_back(&claims, &request.execution, Some(request.round), false).await?;
                }
                return Ok(Answer { outcome: Outcome::UpToDate { applications }, observations });
            }
            if !has_seen_all {
                waits::check_time(&request.plan, request.started_at, request.now)?;
                return Ok(Answer { outcome: request.wait(BTreeSet::new(), &found), observations });
            }
        }
        waits::check_time(&request.plan, request.started_at, request.now)?;
        let outcome = match state {
            TurnState::Mine => Outcome::Mine,
            TurnState::Draining => self.drain(&request, &claims, request.drained()).await?,
            TurnState::Free { part_draining: false, .. } => self.take(&request).await?,
            TurnState::Free { part_draining: true, .. } => self.take_over(&request, &claims, BTreeSet::new()).await?,
            TurnState::Held(holders) => match self.have_all_ended(&request, &found, &holders).await {
                Ok(true) => self.take_over(&request, &claims, holders).await?,
                Ok(false) => request.wait(holders, &found),
                // The observations are kept. Whether the holders run can be asked the next time.
                Err(error) if error.is_temporary() => {
                    warn!(error = error.name(), reason = %error, "asks later whether the holders run");
                    request.wait(holders, &found)
                }
                Err(error) => return Err(error),
            },
        };
        if outcome == Outcome::Mine {
            self.strike_out(&request, &found).await?;
        }
        Ok(Answer { outcome, observations })
    }
}

impl TakeTurn {
    /// Asks how the deployments that others have finished went on the rollout's own instance, once for each. The answer says whether
    /// it came to the end of them.
    async fn observe(
        &self,
        request: &Request,
        found: &[Claim],
        observations: &mut Vec<Observation>,
    ) -> Result<bool, Error> {
        let Some(instance_id) = &request.plan.instance_id else { return Ok(true) };
        for application in request.applications() {
            let group = &application.group;
            let claim = turn::claim_on_deployment_group(group);
            let finished = found.iter().find(|found| found.claim == claim).and_then(|found| found.finished.as_ref());
            let Some(finished) =
                finished.filter(|finished| observations::is_news(observations, group, finished, request.started_at))
            else {
                continue;
            };
            match self.codedeploy.target(&finished.deployment_id, instance_id).await {
                Ok(target) => {
                    observations::record(observations, group, finished, target.as_ref());
                }
                // What was observed is kept. The rest can be asked the next time.
                Err(error) if error.is_temporary() => {
                    warn!(error = error.name(), reason = %error, "asks later about the other deployments");
                    return Ok(false);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Lets the instance queue, so that the holder's deployments can serve it.
    async fn queue(&self, request: &Request, found: &[Claim]) -> Result<(), Error> {
        match request.plan.gated_instance().filter(|id| !request.queues(found, id)) {
            Some(instance_id) => self.turns.queue(&request.queue(), instance_id).await,
            None => Ok(()),
        }
    }

    /// Whether nobody but the rollout moves the gate of its instance from now on.
    async fn leave_queue(&self, request: &Request, found: &[Claim]) -> Result<bool, Error> {
        match request.plan.gated_instance().filter(|id| request.queues(found, id)) {
            Some(instance_id) => self.turns.leave_queue(&request.queue(), instance_id, request.now).await,
            None => Ok(true),
        }
    }

    /// Shuts the gate of the rollout's instance, should a holder have left it where it was.
    async fn shut_own(&self, request: &Request, found: &[Claim]) {
        let queue = request.queue();
        let was_moved = |id: &&InstanceId| found.iter().any(|claim| claim.claim == queue && claim.cohort.contains(*id));
        // After the last application the gate is opened.
        let is_last = request.applications().last().is_some_and(|last| request.plan.ends_with(&last.group));
        if let Some(instance_id) = request.plan.gated_instance().filter(|id| !is_last && was_moved(id)) {
            self.served.shut_own(&request.plan, &request.execution, instance_id).await;
        }
    }

    /// The rollout has the turn, and its instance need not queue for it.
    async fn strike_out(&self, request: &Request, found: &[Claim]) -> Result<(), Error> {
        match request.plan.gated_instance().filter(|id| request.queues(found, id)) {
            Some(instance_id) => self.turns.strike_out(&request.queue(), instance_id).await,
            None => Ok(()),
        }
    }

    async fn take(&self, request: &Request) -> Result<Outcome, Error> {
        let Request { plan, execution, round, now, .. } = request;
        let taken_for = &plan.auto_scaling_group_name;
        match self.turns.take(&request.claims(), taken_for, (execution, *round), *now).await? {
            Taking::Taken => Ok(Outcome::Mine),
            Taking::Refused(holders) => Ok(request.wait(holders, &[])),
        }
    }

    async fn have_all_ended(
        &self,
        request: &Request,
        found: &[Claim],
        holders: &BTreeSet<ExecutionArn>,
    ) -> Result<bool, Error> {
        for holder in holders {
            if self.executions.run(holder).await? == Run::Running || !turn::has_ended(holder, found, request.now) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Takes the turn from rollouts that have ended without giving it back.
    async fn take_over(
        &self,
        request: &Request,
        claims: &[ClaimKey],
        ended: BTreeSet<ExecutionArn>,
    ) -> Result<Outcome, Error> {
        let Request { plan, execution, round, now, .. } = request;
        let taken_for = &plan.auto_scaling_group_name;
        match self.turns.take_over(claims, taken_for, (execution, *round), &ended, *now).await? {
            Taking::Taken => {
                info!(from = ?ended, "took the turn over");
                self.drain(request, claims, 0).await
            }
            Taking::Refused(holders) => Ok(request.wait(holders, &[])),
        }
    }

    /// Uses a turn that was taken over once calls of the holder before can no longer be under way. They have been waited for `drained`
    /// seconds.
    async fn drain(&self, request: &Request, claims: &[ClaimKey], drained: u32) -> Result<Outcome, Error> {
        if let Some(wait_seconds) = waits::to_drain(drained, request.plan.hook.as_ref()) {
            return Ok(Outcome::Draining { wait_seconds });
        }
        match self.turns.end_draining(claims, &request.execution, request.round).await? {
            Taking::Taken => Ok(Outcome::Mine),
            Taking::Refused(holders) => Ok(request.wait(holders, &[])),
        }
    }
}

impl Request {
    /// For how long it has waited for the last calls of the holder before, in seconds.
    fn drained(&self) -> u32 {
        self.draining_since.map_or(0, |since| self.now.seconds_since(since))
    }

    fn queues(&self, found: &[Claim], instance_id: &InstanceId) -> bool {
        let own = self.queue();
        found.iter().any(|claim| claim.claim == own && claim.waiting.contains(instance_id))
    }

    /// What it has to hold.
    fn claims(&self) -> Vec<ClaimKey> {
        match &self.application {
            Some(application) => turn::claims(&self.plan, &application.group),
            None => turn::all_claims(&self.plan),
        }
    }

    /// What the turn is for.
    fn applications(&self) -> &[Application] {
        self.application.as_ref().map_or(&self.plan.applications, std::slice::from_ref)
    }

    /// Where its instance queues.
    fn queue(&self) -> ClaimKey {
        match &self.application {
            Some(application) => turn::main_claim(&self.plan, &application.group),
            None => turn::claim_on(&self.plan.auto_scaling_group_name),
        }
    }

    fn wait(&self, holders: BTreeSet<ExecutionArn>, found: &[Claim]) -> Outcome {
        let waited = self.waiting_since.map_or(0, |since| self.now.seconds_since(since));
        let hook = self.plan.hook.as_ref();
        let wait_seconds = match &self.application {
            Some(_) => {
                let near_end = found.iter().find_map(|claim| claim.near_end);
                let left = near_end.map(|end| end.seconds_since(self.now));
                waits::for_turn_of_one(left, waited, fastrand::f64(), hook)
            }
            None => waits::for_turn(waited, fastrand::f64(), hook),
        };
        Outcome::Wait { holders, wait_seconds }
    }
}
