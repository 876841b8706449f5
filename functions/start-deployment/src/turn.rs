//! Takes the rollout's turn, or notices that it needs none: the turns of others have brought its instance up to date.

use std::collections::BTreeSet;

use aws::served::Whose;
use tracing::{info, warn};
use turnstile::policy::observations::{self, Observation};
use turnstile::policy::turn::{self, TurnState};
use turnstile::policy::waits;
use turnstile::words::application::Application;
use turnstile::words::error::Error;
use turnstile::words::ids::{ExecutionArn, InstanceId};
use turnstile::words::owner::Run;
use turnstile::words::turn::{Claim, Taking};

use crate::StartDeployment;
use crate::request::{Outcome, Request, Turn};

impl StartDeployment {
    /// Takes the turn, if it is free or its holder has ended. `observations` are those of the rollout's instance, and what this call observes is
    /// added to them.
    ///
    /// # Errors
    /// [`Error::TurnLost`] when the rollout has given the turn back in this round, [`Error::OutOfTime`]; else as every call of the table, of CodeDeploy and of Step Functions.
    pub(crate) async fn turn(&self, request: &Request, observations: &mut Vec<Observation>) -> Result<Turn, Error> {
        let claims = request.claims();
        let found = self.turns.read(&claims).await?;
        let state = TurnState::of(&claims, &found, &request.execution, request.round);
        if let TurnState::Held(_) = state {
            self.queue(request, &found).await?;
        }
        if !matches!(state, TurnState::Mine | TurnState::Draining) {
            let has_seen_all = self.observe(request, &found, observations).await?;
            if let Some(applications) = observations::all_deployed(observations, request.left()) {
                if !self.leave_queue(request, &found).await? {
                    return Ok(Turn::NotMine(request.wait(BTreeSet::new(), &found)));
                }
                self.shut_own(request, &found).await;
                if state.is_part_mine() {
                    self.turns.give_back(&claims, &request.execution, Some(request.round), false).await?;
                }
                return Ok(Turn::NotMine(Outcome::UpToDate { applications, by_others: true }));
            }
            if !has_seen_all {
                waits::check_time(&request.plan, request.started_at, request.now)?;
                return Ok(Turn::NotMine(request.wait(BTreeSet::new(), &found)));
            }
        }
        // An earlier call of this step was done with the application, and its answer was lost. The next round finds out again.
        if turn::was_given_back(&found, &request.execution, request.round) {
            return Err(Error::TurnLost(
                "the turn was given back in this round: an answer was lost, or this call is late".into(),
            ));
        }
        waits::check_time(&request.plan, request.started_at, request.now)?;
        let turn = match state {
            TurnState::Mine => Turn::Mine,
            TurnState::Draining => self.drain(request, request.drained()).await?,
            TurnState::Free { part_draining: false, .. } => self.take(request).await?,
            TurnState::Free { part_draining: true, .. } => self.take_over(request, BTreeSet::new()).await?,
            TurnState::Held(holders) => match self.have_all_ended(request, &found, &holders).await {
                Ok(true) => self.take_over(request, holders).await?,
                Ok(false) => Turn::NotMine(request.wait(holders, &found)),
                // The observations are kept. Whether the holders run can be asked the next time.
                Err(error) if error.is_temporary() => {
                    warn!(error = error.name(), reason = %error, "asks later whether the holders run");
                    Turn::NotMine(request.wait(holders, &found))
                }
                Err(error) => return Err(error),
            },
        };
        if let Turn::Mine = turn {
            self.strike_out(request, &found).await?;
        }
        Ok(turn)
    }

    /// While a person holds the Auto Scaling group: to ask again later, and whether the rollout keeps its turn until then.
    ///
    /// # Errors
    /// [`Error::OutOfTime`], else as every call of the table.
    pub(crate) async fn held(&self, request: &Request) -> Result<Option<(Outcome, bool)>, Error> {
        let group = &request.plan.auto_scaling_group_name;
        let found = self.turns.read(&[turn::claim_on(group)]).await?;
        let Some(why) = found.into_iter().find_map(|claim| claim.held) else { return Ok(None) };
        waits::check_time(&request.plan, request.started_at, request.now).map_err(|error| match error {
            Error::OutOfTime(problem) => Error::OutOfTime(format!("{group} is held by a person ({why}): {problem}")),
            other => other,
        })?;
        info!(why, "the group is held");
        // A person releases it, and nothing near its end is waited for.
        let wait_seconds =
            waits::for_turn(request.waited_for_turn(), request.age(), fastrand::f64(), request.plan.hook.as_ref());
        let wait = Outcome::Wait { holders: BTreeSet::new(), wait_seconds };
        Ok(Some((wait, self.keeps_turn(request).await?)))
    }

    /// Gives the turn back where each deployment has its own, so that rollouts of other groups do not wait for the release. It is kept while a
    /// deployment may be at work that a call has made whose answer was lost.
    async fn keeps_turn(&self, request: &Request) -> Result<bool, Error> {
        if !request.has_turn || !request.plan.turn_per_deployment {
            return Ok(request.has_turn);
        }
        let claims = request.claims();
        let may_be_at_work = |claim: &Claim| {
            claim.unanswered.is_some() || claim.made.as_ref().is_some_and(|made| made.may_not_be_told_of(request.now))
        };
        if self.turns.read(&claims).await?.iter().any(may_be_at_work) {
            return Ok(true);
        }
        self.served.shut(&request.plan, &[request.main_claim()], Whose::All, request.holder(), request.now).await;
        self.turns.give_back_courteously(claims, &request.execution, request.round).await;
        Ok(false)
    }

    /// Asks how the deployments that others have finished went on the rollout's own instance, once for each. The answer says whether
    /// it came to the end of them.
    pub(crate) async fn observe(
        &self,
        request: &Request,
        found: &[Claim],
        observations: &mut Vec<Observation>,
    ) -> Result<bool, Error> {
        let Some(instance_id) = &request.plan.instance_id else { return Ok(true) };
        for application in request.left() {
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
            Some(instance_id) => self.turns.queue(&request.main_claim(), instance_id).await,
            None => Ok(()),
        }
    }

    /// Whether nobody but the rollout moves the gate of its instance from now on.
    pub(crate) async fn leave_queue(&self, request: &Request, found: &[Claim]) -> Result<bool, Error> {
        match request.plan.gated_instance().filter(|id| request.queues(found, id)) {
            Some(instance_id) => self.turns.leave_queue(&request.main_claim(), instance_id, request.now).await,
            None => Ok(true),
        }
    }

    /// Shuts the gate of the rollout's instance, should a holder have left it where it was.
    pub(crate) async fn shut_own(&self, request: &Request, found: &[Claim]) {
        let queue = request.main_claim();
        let was_moved = |id: &&InstanceId| found.iter().any(|claim| claim.claim == queue && claim.cohort.contains(*id));
        // After the last application the gate is opened.
        let is_last = request.left().last().is_some_and(|last| request.plan.ends_with(&last.group));
        if let Some(instance_id) = request.plan.gated_instance().filter(|id| !is_last && was_moved(id)) {
            self.served.shut_own(&request.plan, &request.execution, instance_id).await;
        }
    }

    /// The rollout has the turn, and its instance need not queue for it.
    async fn strike_out(&self, request: &Request, found: &[Claim]) -> Result<(), Error> {
        match request.plan.gated_instance().filter(|id| request.queues(found, id)) {
            Some(instance_id) => self.turns.strike_out(&request.main_claim(), instance_id).await,
            None => Ok(()),
        }
    }

    async fn take(&self, request: &Request) -> Result<Turn, Error> {
        let taken_for = &request.plan.auto_scaling_group_name;
        Ok(match self.turns.take(&request.claims(), taken_for, request.holder(), request.now).await? {
            Taking::Taken => Turn::Mine,
            Taking::Refused(holders) => Turn::NotMine(request.wait(holders, &[])),
        })
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
    async fn take_over(&self, request: &Request, ended: BTreeSet<ExecutionArn>) -> Result<Turn, Error> {
        let (claims, taken_for) = (request.claims(), &request.plan.auto_scaling_group_name);
        match self.turns.take_over(&claims, taken_for, request.holder(), &ended, request.now).await? {
            Taking::Taken => {
                info!(from = ?ended, "took the turn over");
                self.drain(request, 0).await
            }
            Taking::Refused(holders) => Ok(Turn::NotMine(request.wait(holders, &[]))),
        }
    }

    /// Uses a turn that was taken over once calls of the holder before can no longer be under way. They have been waited for `drained`
    /// seconds.
    async fn drain(&self, request: &Request, drained: u32) -> Result<Turn, Error> {
        if let Some(wait_seconds) = waits::to_drain(drained, request.plan.hook.as_ref()) {
            return Ok(Turn::NotMine(Outcome::Draining { wait_seconds }));
        }
        Ok(match self.turns.end_draining(&request.claims(), &request.execution, request.round).await? {
            Taking::Taken => Turn::Mine,
            Taking::Refused(holders) => Turn::NotMine(request.wait(holders, &[])),
        })
    }
}

impl Request {
    /// For how long it has waited for the last calls of the holder before, in seconds.
    fn drained(&self) -> u32 {
        self.draining_since.map_or(0, |since| self.now.seconds_since(since))
    }

    fn queues(&self, found: &[Claim], instance_id: &InstanceId) -> bool {
        let own = self.main_claim();
        found.iter().any(|claim| claim.claim == own && claim.waiting.contains(instance_id))
    }

    /// What is left to deploy in the turn: one application where each deployment has its turn, else all from this one on.
    pub(crate) fn left(&self) -> &[Application] {
        let applications = &self.plan.applications;
        match applications.iter().position(|application| application.group == self.application.group) {
            Some(i) if self.plan.turn_per_deployment => &applications[i..=i],
            Some(i) => &applications[i..],
            None => std::slice::from_ref(&self.application),
        }
    }

    /// For how long it has been waiting for its turn, in seconds.
    fn waited_for_turn(&self) -> u32 {
        self.waiting_since.map_or(0, |since| self.now.seconds_since(since))
    }

    fn wait(&self, holders: BTreeSet<ExecutionArn>, found: &[Claim]) -> Outcome {
        let waited = self.waited_for_turn();
        let hook = self.plan.hook.as_ref();
        let wait_seconds = match self.plan.turn_per_deployment {
            true => {
                let near_end = found.iter().find_map(|claim| claim.near_end);
                let left = near_end.map(|end| end.seconds_since(self.now));
                waits::for_turn_of_one(left, waited, self.age(), fastrand::f64(), hook)
            }
            false => waits::for_turn(waited, self.age(), fastrand::f64(), hook),
        };
        Outcome::Wait { holders, wait_seconds }
    }
}
