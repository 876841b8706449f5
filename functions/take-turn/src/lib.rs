//! Before the first deployment of a rollout: takes its turn, or notices that it needs none.

use aws::clients::Clients;
use aws::function::Function;
use aws::settings::{self, Missing, Settings};
use std::collections::BTreeSet;

use aws::autoscaling::AutoScaling;
use aws::codedeploy::CodeDeploy;
use aws::executions::Executions;
use aws::turns::Turns;
use serde::{Deserialize, Serialize};
use tracing::{Span, info, info_span, warn};
use turnstile::error::Error;
use turnstile::plan::Plan;
use turnstile::served::{self, Deployed, Known};
use turnstile::time::Timestamp;
use turnstile::turn::{self, Claim, Standing, Taking};
use turnstile::wait;

pub struct TakeTurn {
    pub codedeploy: CodeDeploy,
    pub autoscaling: AutoScaling,
    pub turns: Turns,
    pub executions: Executions,
}

/// A rollout that asks for its turn.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// ARN of the execution: the holder, once it has the turn.
    execution: String,
    /// When the execution started.
    execution_started_at: Timestamp,
    plan: Plan,
    /// 1, and one more each time the rollout goes through its applications again.
    round: u32,
    /// What it has learned of its instance while it waited.
    known: Vec<Known>,
    /// How long it has waited for its turn, in seconds.
    waited_seconds: u32,
    /// How long it has waited for the last calls of the rollout that it took the turn over from, in seconds.
    settled_seconds: u32,
    /// How long the execution has been running, in seconds.
    elapsed_seconds: u32,
}

#[derive(Debug, PartialEq, Serialize)]
pub struct Answer {
    #[serde(flatten)]
    outcome: Outcome,
    /// To be brought along the next time.
    known: Vec<Known>,
}

/// What came of it.
#[derive(Debug, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "SCREAMING_SNAKE_CASE", rename_all_fields = "camelCase")]
pub enum Outcome {
    /// The rollout may deploy.
    Mine,
    /// It need not: the turns of others have brought its instance up to date.
    UpToDate { applications: Vec<Deployed> },
    /// Other rollouts have their turn. Ask again after so many seconds.
    Wait { holders: Vec<String>, wait_seconds: u32 },
    /// It has taken the turn over from a rollout that has ended, whose last calls may still be under way. Ask again after so many
    /// seconds.
    Settling { wait_seconds: u32 },
}

impl Function for TakeTurn {
    type Request = Request;
    type Answer = Answer;

    fn new(clients: &Clients, settings: &Settings) -> Result<Self, Missing> {
        Ok(Self {
            codedeploy: clients.codedeploy(),
            autoscaling: clients.autoscaling(),
            turns: clients.turns(settings.get(settings::TURNS_TABLE)?),
            executions: clients.executions(),
        })
    }

    fn span(request: &Request) -> Span {
        info_span!(
            "take-turn",
            execution = request.execution,
            group = request.plan.auto_scaling_group_name,
            instance = request.plan.instance_id,
        )
    }

    async fn handle(&self, request: Request) -> Result<Answer, Error> {
        self.take_turn(&request).await
    }
}

impl TakeTurn {
    async fn take_turn(&self, request: &Request) -> Result<Answer, Error> {
        match self.autoscaling.heartbeat(&request.plan).await {
            // It was open before: somebody has completed it, and the instance waits at another hook.
            Err(Error::HookNotOpen(why)) if request.waited_seconds > 0 || request.round > 1 => {
                return Err(Error::InstanceGone(why));
            }
            done => done?,
        }

        let claims = turn::claims(&request.plan);
        let found = self.turns.read(&claims).await?;
        let standing = Standing::of(&claims, &found, &request.execution);
        let mut known = request.known.clone();
        if !matches!(standing, Standing::Mine | Standing::Settling) {
            let has_seen_all = self.look(request, &found, &mut known).await?;
            if let Some(applications) = served::all_deployed(&known, &request.plan.applications) {
                if standing.is_part_mine() {
                    self.turns.give_back(&claims, &request.execution).await?;
                }
                self.forget_failures(&request.plan).await;
                return Ok(Answer { outcome: Outcome::UpToDate { applications }, known });
            }
            if !has_seen_all {
                request.plan.check_time(request.elapsed_seconds)?;
                return Ok(Answer { outcome: wait_for(request, []), known });
            }
        }
        request.plan.check_time(request.elapsed_seconds)?;
        let outcome = match standing {
            Standing::Mine => Outcome::Mine,
            Standing::Settling => self.settle(request, &claims, request.settled_seconds).await?,
            Standing::Free { part_settling: false, .. } => self.take(request, &claims).await?,
            Standing::Free { part_settling: true, .. } => self.take_over(request, &claims, BTreeSet::new()).await?,
            Standing::Held(holders) => match self.all_have_ended(&holders).await {
                Ok(true) => self.take_over(request, &claims, holders).await?,
                Ok(false) => wait_for(request, holders),
                // What was learned is kept; whether they run has time until the next look.
                Err(error @ (Error::Throttled { .. } | Error::Unavailable { .. })) => {
                    warn!(error = error.name(), reason = %error, "asks again later");
                    wait_for(request, holders)
                }
                Err(error) => return Err(error),
            },
        };
        Ok(Answer { outcome, known })
    }

    /// Asks how the deployments that the turns of others have finished went on the rollout's own instance, once for each.
    /// Whether it came to the end of them.
    async fn look(&self, request: &Request, found: &[Claim], known: &mut Vec<Known>) -> Result<bool, Error> {
        let Some(instance_id) = &request.plan.instance_id else { return Ok(true) };
        let since = request.execution_started_at;
        for application in &request.plan.applications {
            let claim = turn::claim_on(application);
            let finished = found.iter().find(|found| found.claim == claim).and_then(|found| found.finished.as_ref());
            let Some(finished) = finished.filter(|finished| served::is_news(known, application, finished, since))
            else {
                continue;
            };
            match self.codedeploy.target(&finished.deployment_id, instance_id).await {
                Ok(target) => {
                    served::take_down(known, application, finished, target.map(|target| target.status));
                }
                // What is known already is kept; the rest has time until the next look.
                Err(error @ (Error::Throttled { .. } | Error::Unavailable { .. })) => {
                    warn!(error = error.name(), reason = %error, "looks on later");
                    return Ok(false);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// A launch that succeeds ends the group's failures in a row, also one that was served by others.
    async fn forget_failures(&self, plan: &Plan) {
        if plan.hook.is_some()
            && let Err(error) = self.turns.clear_failures(&plan.auto_scaling_group_name).await
        {
            warn!(error = error.name(), reason = %error, "the group's failures still count");
        }
    }

    async fn take(&self, request: &Request, claims: &[String]) -> Result<Outcome, Error> {
        match self.turns.take(claims, &request.execution).await? {
            Taking::Taken => Ok(Outcome::Mine),
            Taking::Refused(holders) => Ok(wait_for(request, holders)),
        }
    }

    async fn all_have_ended(&self, holders: &BTreeSet<String>) -> Result<bool, Error> {
        for holder in holders {
            if self.executions.is_running(holder).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Takes the turn from rollouts that have ended without giving it back.
    async fn take_over(
        &self,
        request: &Request,
        claims: &[String],
        holders: BTreeSet<String>,
    ) -> Result<Outcome, Error> {
        match self.turns.take_over(claims, &request.execution, &holders).await? {
            Taking::Taken => {
                info!(from = Vec::from_iter(holders).join(", "), "took the turn over");
                self.settle(request, claims, 0).await
            }
            Taking::Refused(holders) => Ok(wait_for(request, holders)),
        }
    }

    /// `settled`: for how long the last calls of the rollout that had the turn before have been waited for, in seconds.
    async fn settle(&self, request: &Request, claims: &[String], settled: u32) -> Result<Outcome, Error> {
        if let Some(wait_seconds) = wait::for_last_calls(settled, request.plan.hook.as_ref()) {
            return Ok(Outcome::Settling { wait_seconds });
        }
        match self.turns.settle(claims, &request.execution).await? {
            Taking::Taken => Ok(Outcome::Mine),
            Taking::Refused(holders) => Ok(wait_for(request, holders)),
        }
    }
}

fn wait_for(request: &Request, holders: impl IntoIterator<Item = String>) -> Outcome {
    Outcome::Wait {
        holders: Vec::from_iter(holders),
        wait_seconds: wait::for_turn(request.waited_seconds, fastrand::f64(), request.plan.hook.as_ref()),
    }
}
