//! Starts the deployment of one application, joins one that is under way, or finds that the instance needs none. It takes the rollout's turn
//! first.

mod create;
mod gates;
mod request;
mod turn;
mod way;

use aws::autoscaling::AutoScaling;
use aws::clients::Clients;
use aws::codedeploy::CodeDeploy;
use aws::executions::Executions;
use aws::function::Function;
use aws::gates::Gates;
use aws::history::History;
use aws::launches::Launches;
use aws::served::{Served, Whose};
use aws::settings::{self, SettingError, Settings};
use aws::turns::Turns;
use aws::up_to_date;
use serde_json::Value;
use tracing::{Span, info_span, warn};
use turnstile::policy::gate::Selecting;
use turnstile::policy::observations::{self, Observation};
use turnstile::policy::up_to_date::Freshness;
use turnstile::policy::{preflight, stall, waits};
use turnstile::words::about::About;
use turnstile::words::deployment::Deployment;
use turnstile::words::error::Error;
use turnstile::words::turn::FinishedDeployment;

pub use crate::request::{Answer, Request};
use crate::request::{Outcome, Turn, Way};

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
    executions: Executions,
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
            executions: clients.executions(),
        })
    }

    fn span(call: &Value) -> Span {
        let About { execution, group, instance, application, round, attempt, .. } = About::of(call);
        info_span!("start-deployment", execution, group, instance, application, round, attempt)
    }

    async fn handle(&self, mut request: Request) -> Result<Answer, Error> {
        let hook = self.launches.keep_open(&mut request.plan, &request.execution).await?;
        match request.is_the_first() {
            true => hook.require_open()?,
            false => hook.require_still_open()?,
        }
        let mut observations = std::mem::take(&mut request.observations);
        if let Some((wait, has_turn)) = self.held(&request).await? {
            let may_be_at_work = has_turn && request.plan.turn_per_deployment;
            let outcome = match may_be_at_work {
                true => None,
                false => self.needs_nothing(&request, &mut observations).await,
            };
            return Ok(Answer { outcome: outcome.unwrap_or(wait), has_turn, observations });
        }
        let turn = match request.has_turn {
            true => Turn::Mine,
            false => self.turn(&request, &mut observations).await?,
        };
        let (outcome, has_turn) = match turn {
            Turn::Mine => {
                let outcome = self.start(&request).await?;
                let is_over = matches!(outcome, Outcome::UpToDate { .. }) && request.plan.turn_per_deployment;
                (outcome, !is_over)
            }
            Turn::NotMine(outcome) => (outcome, false),
        };
        Ok(Answer { outcome, has_turn, observations })
    }
}

impl StartDeployment {
    /// What comes of it when the instance is up to date, as far as the table tells, or at the first look CodeDeploy.
    async fn needs_nothing(&self, request: &Request, observations: &mut Vec<Observation>) -> Option<Outcome> {
        self.is_brought_already(request, observations).await.unwrap_or_else(|error| {
            warn!(error = error.name(), reason = %error, "asks later whether the instance is up to date");
            None
        })
    }

    async fn is_brought_already(
        &self,
        request: &Request,
        observations: &mut Vec<Observation>,
    ) -> Result<Option<Outcome>, Error> {
        let found = self.turns.read(&request.claims()).await?;
        self.observe(request, &found, observations).await?;
        let outcome = match observations::all_deployed(observations, request.left()) {
            Some(applications) => Some(Outcome::UpToDate { applications, by_others: true }),
            None if request.waiting_since.is_some() => None,
            None => self.fresh(request).await?.map(|deployment| request.deployed(deployment)),
        };
        if outcome.is_none() || !self.leave_queue(request, &found).await? {
            return Ok(None);
        }
        self.shut_own(request, &found).await;
        Ok(outcome)
    }

    /// The deployment that has brought the application's current revision to the instance.
    async fn fresh(&self, request: &Request) -> Result<Option<Deployment>, Error> {
        let Request { plan, application, .. } = request;
        let Some(instance_id) = &plan.instance_id else { return Ok(None) };
        let Some(group) = self.codedeploy.group(&application.group).await? else { return Ok(None) };
        let since = request.started_at.minus_seconds(CLOCK_SKEW);
        let history = History::read(&self.codedeploy, &application.group, &group, since).await?;
        if history.active().next().is_some() {
            return Ok(None);
        }
        Ok(up_to_date::by_history(&self.codedeploy, &history, instance_id).await?.up_to_date())
    }

    /// With the turn in hand.
    async fn start(&self, request: &Request) -> Result<Outcome, Error> {
        let codedeploy = &self.codedeploy;
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
        if let Some(outcome) = self.under_way(request, &history).await? {
            return Ok(outcome);
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
        // Nobody launches: a deployment from long ago may have brought what is current.
        if plan.hook.is_none()
            && let Some(outcome) = self.nothing_is_outdated(request, &history).await?
        {
            return Ok(outcome);
        }
        let selecting = Selecting::of(&plan.gate_key, &application.group, &group.selection);
        if plan.turn_per_deployment && !selecting.is_gated() {
            return Err(Error::UnsuitableDeploymentGroup(format!(
                "{application}: the deployment group has stopped going by the gate since the rollout was planned"
            )));
        }
        if let Some(wait_seconds) = self.gather(request).await? {
            return Ok(Outcome::wait_for_others(wait_seconds));
        }
        let others = self.others(request).await?;
        let cohort = self.move_gates(request, selecting).await?;
        if let Some(at_work) = self.in_the_way(request, selecting, &others, &cohort, &history).await? {
            return self.busy(request, Some(at_work)).await;
        }
        match self.way(request, selecting).await? {
            // An earlier call, which goes on at the same time, has been faster.
            Way::Blocked(Some(own)) if request.own_attempt().has_made(&own) => {
                Ok(Outcome::Started(request.started(own.deployment_id, &history)))
            }
            Way::Blocked(other) => self.busy(request, other.map(|other| *other)).await,
            Way::Clear { given_up } => self.deploy(request, selecting, &others, cohort, history, given_up).await,
        }
    }

    /// The deployment that brought the instance up to date may have done so for others whose rollouts wait.
    async fn up_to_date(&self, request: &Request, deployment: Deployment) -> Outcome {
        let finished = FinishedDeployment::from(&deployment);
        let group = &request.application.group;
        if let Err(error) = self.turns.publish_finished(group, &finished, &request.execution).await {
            warn!(error = error.name(), reason = %error, "the rollouts that wait do not learn of the deployment");
        }
        // After the last application the gate is opened.
        if !request.plan.ends_with(group) {
            self.served.shut(&request.plan, &[request.main_claim()], Whose::All, request.holder(), request.now).await;
        }
        if request.plan.turn_per_deployment {
            self.turns.give_back_courteously(request.claims(), &request.execution, request.round).await;
        }
        request.deployed(deployment)
    }
}
