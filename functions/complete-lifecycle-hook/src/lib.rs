//! Ends a rollout: completes the launch lifecycle hook. It is the last gate before the instance enters service.

mod gates;
mod gone;

use aws::clients::Clients;
use aws::codedeploy::CodeDeploy;
use aws::function::Function;
use aws::gates::Gates;
use aws::history::History;
use aws::launches::Launches;
use aws::pending_hook::{self, Own};
use aws::served::Served;
use aws::settings::{self, SettingError, Settings};
use aws::turns::Turns;
use aws::up_to_date;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::{Span, error, info, info_span, warn};
use turnstile::limits::MOST_REPEATS;
use turnstile::policy::cause::{self, Subject};
use turnstile::policy::gate::Selecting;
use turnstile::policy::observations::{self, Observation};
use turnstile::policy::up_to_date::{Freshness, may_have_touched};
use turnstile::policy::{stall, turn, waits};
use turnstile::words::about::About;
use turnstile::words::application::DeploymentGroup;
use turnstile::words::deployment::Deployment;
use turnstile::words::error::Error;
use turnstile::words::failure::Failure;
use turnstile::words::hook::{Hook, HookResult, HookState, PendingHook};
use turnstile::words::ids::{DeploymentId, ExecutionArn, InstanceId};
use turnstile::words::instance::Stage;
use turnstile::words::owner::Phase;
use turnstile::words::plan::{self, Plan};
use turnstile::words::revision::Revision;
use turnstile::words::time::Timestamp;
use turnstile::words::turn::{DeployedApplication, FinishedDeployment, LastDeployments};

/// About how many calls the groups that have to be looked at more closely may take, before the next call of the function goes on. Beside one
/// call for each of 99 applications they fit into half of the function's minute, at a tenth of a second each.
const MOST_CALLS: usize = 200;
/// A deployment, what is listed, and what is known of that.
const CALLS_OF_A_HISTORY: usize = 3;

/// The function.
pub struct CompleteLifecycleHook {
    codedeploy: CodeDeploy,
    launches: Launches,
    turns: Turns,
    gates: Gates,
    served: Served,
    /// The stack's hook, for a rollout whose input could not be planned and does not name one of its group's.
    own: Own,
}

/// A rollout that ends.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// The owner of the launch, and perhaps the holder of the turn.
    execution: ExecutionArn,
    /// The execution's input as it came. It is all there is to go by when planning failed.
    #[serde(default)]
    input: Value,
    plan: Option<Plan>,
    /// The round in which it took its turn. Absent in a call of the version before, which gives back whatever the execution holds.
    round: Option<u32>,
    /// How many times the rollout has gone through its applications again because of somebody else.
    #[serde(default)]
    repeats: u32,
    /// When the execution started. Absent in a call of the version before, which waits for no release.
    started_at: Option<Timestamp>,
    /// Absent in the same.
    now: Option<Timestamp>,
    /// Since when the rollout has been waiting for a release that may leave its instance out; absent when it has not.
    waiting_since: Option<Timestamp>,
    #[serde(flatten)]
    ending: Ending,
}

/// How the rollout ends.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Ending {
    /// Every application is deployed.
    Deployed(Vec<DeployedApplication>),
    Failure(Failure),
    /// There is nothing left to do: the instance is gone, or another rollout owns the launch. It is the error that says so.
    Gone(String),
}

/// What became of the hook, and what the execution ends with.
#[derive(Debug, PartialEq, Serialize)]
pub struct Answer {
    #[serde(flatten)]
    hook: Outcome,
    /// The deployments with which the instance enters service.
    #[serde(skip_serializing_if = "Option::is_none")]
    applications: Option<Vec<DeployedApplication>>,
    #[serde(flatten)]
    failure: Option<Failure>,
}

/// What became of the hook.
#[derive(Debug, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "SCREAMING_SNAKE_CASE")]
enum Outcome {
    Completed {
        result: HookResult,
    },
    /// It was over before: completed by somebody else or by an earlier call, timed out, or the instance is gone.
    AlreadyOver,
    /// The rollout had none to complete.
    NoHook,
    /// It stays open: not every application was looked at. The next call goes on with `applications`.
    StillLooking,
    /// It stays open: a deployment of another build is under way, and does not contain the instance, because it began before the instance's
    /// gate was open. Ask again after so many seconds, with `applications`.
    #[serde(rename_all = "camelCase")]
    Release {
        deployment_id: DeploymentId,
        wait_seconds: u32,
    },
    /// It stays open, because an application is not up to date any more: somebody has deployed since.
    Outdated {
        application: String,
        current: Revision,
        /// What the next round starts from.
        observations: Vec<Observation>,
    },
}

impl Function for CompleteLifecycleHook {
    type Request = Request;
    type Answer = Answer;

    fn new(clients: &Clients, settings: &Settings) -> Result<Self, SettingError> {
        Ok(Self {
            codedeploy: clients.codedeploy(),
            launches: clients.launches(settings.get(settings::TURNS_TABLE)?),
            turns: clients.turns(settings.get(settings::TURNS_TABLE)?),
            gates: clients.gates(),
            served: clients.served(settings.get(settings::TURNS_TABLE)?),
            own: Own::of(settings)?,
        })
    }

    fn span(call: &Value) -> Span {
        let About { execution, group, instance, round, .. } = About::of(call);
        info_span!("complete-lifecycle-hook", execution, group, instance, round)
    }

    async fn handle(&self, request: Request) -> Result<Answer, Error> {
        match &request.ending {
            Ending::Deployed(deployed) => self.let_in(&request, deployed).await,
            Ending::Failure(failure) => self.give_up(&request, failure).await,
            Ending::Gone(error) => {
                info!(error, "has nothing left to do");
                let failure = self.end_without_instance(&request).await?;
                Ok(Answer { hook: Outcome::AlreadyOver, applications: None, failure })
            }
        }
    }
}

impl CompleteLifecycleHook {
    /// Lets the instance into service, if every application is still up to date there.
    async fn let_in(&self, request: &Request, all: &[DeployedApplication]) -> Result<Answer, Error> {
        let answer = |hook, applications| Answer { hook, applications, failure: None };
        if let Some(plan) = &request.plan {
            let state = self.launches.keep_open_at_last(plan, &request.execution).await?;
            // If there is a hook, an earlier call whose answer was lost may have completed it: that shows below.
            if plan.hook.is_none() {
                state.require_open()?;
            }
        }
        // Before the last look: what begins later reaches the instance. In service with a shut gate it would miss every release.
        self.rest_gate(request).await?;
        let mut applications = Vec::new();
        let mut calls = 0;
        for (i, deployed) in all.iter().enumerate() {
            if calls >= MOST_CALLS {
                applications.extend(all[i..].iter().cloned());
                return Ok(answer(Outcome::StillLooking, Some(applications)));
            }
            let Some(instance_id) = request.plan.as_ref().and_then(|plan| plan.instance_id.as_ref()) else {
                applications.push(deployed.clone());
                continue;
            };
            match self.look_again(request, deployed, instance_id, &mut calls).await? {
                Ok(Looked::UpToDate(deployed)) => applications.push(*deployed),
                Ok(Looked::Release(deployment_id)) => {
                    let waited = request.waited();
                    warn!(deployment = %deployment_id, waited, "waits for a release that began before the gate was open");
                    let wait_seconds = waits::for_other_deployment(waited, request.age(), request.hook());
                    let outcome = Outcome::Release { deployment_id, wait_seconds };
                    return Ok(answer(outcome, Some(all.to_vec())));
                }
                // An earlier call, whose answer was lost, has let it in. What has happened since is not this rollout's.
                Err(_) if request.has_hook() && self.is_in_service(instance_id).await? => {
                    let pending = self.pending_hook(request).await?;
                    self.leave(request, pending.as_ref()).await;
                    return Ok(answer(Outcome::AlreadyOver, Some(applications)));
                }
                Err(current) if request.repeats >= MOST_REPEATS => {
                    return Err(Error::RevisionsKeepChanging(format!(
                        "{} is outdated again, after {} rounds for such reasons: its current revision is {current}",
                        deployed.group, request.repeats
                    )));
                }
                Err(current) => {
                    let application = deployed.group.to_string();
                    let observations = observations::for_next_round(all, &deployed.group);
                    return Ok(answer(Outcome::Outdated { application, current, observations }, None));
                }
            }
        }
        let pending = self.pending_hook(request).await?;
        let hook = match &pending {
            None => Outcome::NoHook,
            Some(pending) => match self.complete(request, pending, Phase::LetsIn, HookResult::Continue).await? {
                HookState::Open => Outcome::Completed { result: HookResult::Continue },
                HookState::Over { instance: Stage::Gone, why } => return Err(Error::InstanceGone(why)),
                // Heartbeats have kept it open until here: an earlier call, whose answer was lost, has completed it.
                HookState::Over { .. } | HookState::NotYetOpen { .. } => Outcome::AlreadyOver,
            },
        };
        self.leave(request, pending.as_ref()).await;
        // What the last gate has looked at is nobody else's business.
        let applications = applications.into_iter().map(|deployed| DeployedApplication { looked_at: None, ..deployed });
        Ok(answer(hook, Some(applications.collect())))
    }

    /// Completes the hook of a rollout that has failed as the rollout's `onFailure` says.
    async fn give_up(&self, request: &Request, failure: &Failure) -> Result<Answer, Error> {
        error!(error = failure.error, cause = failure.cause, "the rollout failed");
        let pending = self.pending_hook(request).await?;
        if let Some(pending) = pending.as_ref().filter(|pending| pending.on_failure == HookResult::Continue)
            && request.plan.as_ref().is_some_and(|plan| plan.has_gates)
        {
            self.rest_gate_of_failed(request, pending).await?;
        }
        let (hook, done) = match &pending {
            None => (Outcome::NoHook, "none to complete".to_owned()),
            Some(pending) => {
                let (name, result) = (&pending.action.lifecycle_hook_name, pending.on_failure);
                match self.complete(request, pending, Phase::GivesUp, result).await? {
                    HookState::Open => (Outcome::Completed { result }, format!("{name} completed with {result}")),
                    // A launch that failed at once: the action may be about to open.
                    HookState::NotYetOpen { why } if request.plan.is_none() => return Err(Error::HookNotOpen(why)),
                    // An earlier call, whose answer was lost, has completed it, and the instance waits at another hook.
                    HookState::NotYetOpen { why } | HookState::Over { why, .. } => {
                        (Outcome::AlreadyOver, format!("{name} was over already: {why}"))
                    }
                }
            }
        };
        self.leave(request, pending.as_ref()).await;
        let failure = cause::with_hook(failure, request.subject(), &done);
        Ok(Answer { hook, applications: None, failure: Some(failure) })
    }

    async fn complete(
        &self,
        request: &Request,
        pending: &PendingHook,
        phase: Phase,
        result: HookResult,
    ) -> Result<HookState, Error> {
        self.launches.complete(pending, &request.execution, phase, result).await
    }

    /// Lets go of the launch and gives the turn back, now that no courtesy is in the hook's way any more; after a success it also ends the
    /// group's failures in a row. A turn that stays behind is taken over.
    async fn leave(&self, request: &Request, pending: Option<&PendingHook>) {
        let Request { execution, plan, round, ending, .. } = request;
        if let Some(pending) = pending {
            self.launches.let_go(pending, execution).await;
        }
        let Some(plan) = plan else { return };
        let drains = match ending {
            Ending::Failure(failure) => turn::may_leave_a_call_behind(failure.last_error()),
            Ending::Deployed(_) | Ending::Gone(_) => false,
        };
        self.forget(plan).await;
        if let Err(error) = self.turns.give_back(&turn::all_claims(plan), execution, *round, drains).await {
            warn!(error = error.name(), reason = %error, "keeps the turn");
        }
        if matches!(ending, Ending::Deployed(_))
            && pending.is_some()
            && let Err(error) = self.turns.clear_failures(&plan.auto_scaling_group_name).await
        {
            warn!(error = error.name(), reason = %error, "the failures in a row still count");
        }
    }

    /// The instance waits for no turn any more.
    async fn forget(&self, plan: &Plan) {
        if let Some(instance_id) = plan.gated_instance()
            && let Err(error) = self.turns.forget(&turn::queues(plan), instance_id).await
        {
            warn!(error = error.name(), reason = %error, "the instance stays in the queue");
        }
    }

    async fn pending_hook(&self, request: &Request) -> Result<Option<PendingHook>, Error> {
        pending_hook::find(&self.launches, &request.execution, request.plan.as_ref(), &request.input, &self.own).await
    }

    async fn is_in_service(&self, instance_id: &InstanceId) -> Result<bool, Error> {
        let instance = self.launches.autoscaling.instance(instance_id).await?;
        Ok(instance.is_some_and(|instance| instance.stage() == Stage::InService))
    }

    /// Looks at an application once more, because somebody may have deployed since. The answer is the deployment that counts now, or the
    /// revision that the instance should have and has not. Only deployments can have changed anything that are newer than the one that
    /// brought the application. `calls` counts those that a group takes to which somebody has deployed since.
    ///
    /// A release that does not contain the instance is waited for where the gate can be the reason, for as long as a deployment of the application
    /// may take.
    async fn look_again(
        &self,
        request: &Request,
        deployed: &DeployedApplication,
        instance_id: &InstanceId,
        calls: &mut usize,
    ) -> Result<Result<Looked, Revision>, Error> {
        let (name, id) = (&deployed.group, &deployed.deployment.deployment_id);
        let group = self.codedeploy.group(name).await?.ok_or_else(|| {
            Error::UnsuitableDeploymentGroup(format!("{name}: the deployment group has been deleted meanwhile"))
        })?;
        if deployed.is_the_last_of(&group) {
            return Ok(Ok(Looked::UpToDate(Box::new(deployed.clone()))));
        }
        let own = self.codedeploy.deployment(id).await?;
        let since = own.as_ref().and_then(|own| own.created).unwrap_or(Timestamp::from_seconds(0));
        let history = History::read(&self.codedeploy, name, &group, since).await?;
        let newer = history.newest_first.iter().take_while(|deployment| deployment.deployment_id != *id);
        let newer: Vec<Deployment> = newer.cloned().collect();
        let asked = may_have_touched(&newer);
        let evidence = up_to_date::newest_evidence(&self.codedeploy, asked, &history.current, instance_id).await?;
        *calls += CALLS_OF_A_HISTORY + evidence.calls;
        let key = request.plan.as_ref().map(|plan| plan.gate_key.clone()).unwrap_or_default();
        let is_gated = Selecting::of(&key, name, &group.selection).is_gated();
        if is_gated && evidence.freshness.is_none() && request.may_wait(name) {
            let is_release = |deployment: &&Deployment| {
                !deployment.installs_nothing && !stall::only_bakes(deployment) && !history.current.is_of(deployment)
            };
            if let Some(release) = history.active().find(is_release) {
                return Ok(Ok(Looked::Release(release.deployment_id.clone())));
            }
        }
        let looked_at = (!evidence.may_change).then(|| LastDeployments::from(&group));
        Ok(match (evidence.freshness, own) {
            (Some(Freshness::UpToDate(deployment)), _) => {
                let deployment = FinishedDeployment { ended_at: None, ..FinishedDeployment::from(&deployment) };
                Ok(Looked::UpToDate(Box::new(DeployedApplication { deployment, looked_at, ..deployed.clone() })))
            }
            (None, Some(own)) if history.current.is_of(&own) => {
                Ok(Looked::UpToDate(Box::new(DeployedApplication { looked_at, ..deployed.clone() })))
            }
            _ => Err(history.current.revision),
        })
    }
}

/// What the last look finds of an application.
enum Looked {
    UpToDate(Box<DeployedApplication>),
    /// It is, but this deployment is about to change what is current, and does not contain the instance.
    Release(DeploymentId),
}

impl Request {
    fn hook(&self) -> Option<&Hook> {
        self.plan.as_ref()?.hook.as_ref()
    }

    /// For how long it has waited for a release, in seconds.
    fn waited(&self) -> u32 {
        self.now.zip(self.waiting_since).map_or(0, |(now, since)| now.seconds_since(since))
    }

    /// How long the execution has been running, in seconds.
    fn age(&self) -> u32 {
        self.now.zip(self.started_at).map_or(0, |(now, since)| now.seconds_since(since))
    }

    /// Whether there is time to wait for a release of the application.
    fn may_wait(&self, name: &DeploymentGroup) -> bool {
        let Some(((plan, started_at), now)) = self.plan.as_ref().zip(self.started_at).zip(self.now) else {
            return false;
        };
        let application = plan.applications.iter().find(|application| application.group == *name);
        application.is_some_and(|application| self.waited() < application.timeout_seconds)
            && waits::check_time(plan, started_at, now).is_ok()
    }

    fn subject(&self) -> Subject<'_> {
        let (auto_scaling_group_name, instance_id) = plan::subject(self.plan.as_ref(), &self.input);
        let warnings = self.plan.as_ref().map_or(&[][..], |plan| &plan.warnings);
        Subject { auto_scaling_group_name, instance_id, warnings }
    }

    fn has_hook(&self) -> bool {
        self.plan.as_ref().is_some_and(|plan| plan.hook.is_some())
    }
}
