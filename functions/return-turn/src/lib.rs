//! Gives the rollout's turn back. After a failure it also says how long the rollout backs off.

mod back_off;
mod give_back;
mod gone;

use aws::clients::Clients;
use aws::function::Function;
use aws::gates::Gates;
use aws::launches::Launches;
use aws::pending_hook;
use aws::served::{Served, Whose};
use aws::settings::{self, SettingError, Settings};
use aws::turns::Turns;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::{Span, info_span, warn};
use turnstile::policy::{gate, turn};
use turnstile::words::error::Error;
use turnstile::words::failure::{Failure, Silence};
use turnstile::words::gate::Gate;
use turnstile::words::hook::{HookResult, PendingHook};
use turnstile::words::ids::{Account, ExecutionArn, HookName, InstanceId};
use turnstile::words::instance::Stage;
use turnstile::words::plan::{self, Plan};
use turnstile::words::time::Timestamp;

use crate::back_off::{BackOff, BackingOff, Failed};
use crate::give_back::{GiveBack, GivenBack, GivingBack};
use crate::gone::Gone;

/// The function.
pub struct ReturnTurn {
    launches: Launches,
    give_back: GiveBack,
    gone: Gone,
    back_off: BackOff,
    turns: Turns,
    gates: Gates,
    served: Served,
    /// The stack's hook, for a rollout whose input could not be planned and does not name one of its group's.
    own_hook: HookName,
}

/// A rollout that needs its turn no more.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    execution: ExecutionArn,
    /// Absent when planning failed: then there is no turn to give back.
    plan: Option<Plan>,
    /// The round in which it took the turn. Absent in a call of the version before, which gives back whatever the execution holds.
    round: Option<u32>,
    /// Absent in a call of the version before that does not back off.
    now: Option<Timestamp>,
    /// The execution's input as it came.
    #[serde(default)]
    input: Value,
    #[serde(flatten)]
    because: Because,
}

/// Why the turn is given back.
#[derive(Debug, Deserialize)]
#[serde(tag = "because", rename_all = "SCREAMING_SNAKE_CASE")]
enum Because {
    /// Every application is deployed.
    Deployed,
    /// A deployment failed on another instance first, or has not begun on the own one: other rollouts may have their turn.
    Yielded {
        /// Why the rollout last yielded to a silent agent, if it has. Absent in a call of the version before.
        #[serde(default)]
        silence: Option<Silence>,
    },
    InstanceGone,
    Failed(Failed),
}

/// The turn is not the rollout's any more, whether or not it was.
#[derive(Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    GivenBack(GivenBack),
    /// The rollout fails, although there is nothing left to do: launch after launch is abandoned by another hook of the group.
    Failed(Failure),
    BackingOff(BackingOff),
}

impl Function for ReturnTurn {
    type Request = Request;
    type Answer = Answer;

    fn new(clients: &Clients, settings: &Settings) -> Result<Self, SettingError> {
        let turns = clients.turns(settings.get(settings::TURNS_TABLE)?);
        let launches = clients.launches(settings.get(settings::TURNS_TABLE)?);
        Ok(Self {
            give_back: GiveBack { turns: turns.clone() },
            gone: Gone { autoscaling: clients.autoscaling(), turns: turns.clone() },
            back_off: BackOff { codedeploy: clients.codedeploy(), turns: turns.clone() },
            turns,
            gates: clients.gates(),
            served: clients.served(settings.get(settings::TURNS_TABLE)?),
            launches,
            own_hook: settings.get(settings::LIFECYCLE_HOOK_NAME)?,
        })
    }

    fn span(request: &Request) -> Span {
        let (group, instance) = plan::subject(request.plan.as_ref(), &request.input);
        info_span!("return-turn", execution = %request.execution, group, instance)
    }

    async fn handle(&self, request: Request) -> Result<Answer, Error> {
        let Request { execution, mut plan, round, now, input, because } = request;
        let now = now.unwrap_or_else(|| Timestamp::from_seconds(0));
        let give_back = |drains| GivingBack { execution: &execution, round, drains };
        match because {
            Because::Failed(failed) => {
                let opened_at = plan.as_ref().and_then(|plan| plan.hook_opened_at);
                // A failure on the way to the hook is that of the hook's completion too, which follows.
                let pending = self.keep_failed_open(plan.as_ref(), &input, &execution).await;
                if failed.is_first_call() {
                    self.shut_served(plan.as_ref(), Whose::Others, &execution, round, now).await;
                }
                if let Some(plan) = &plan {
                    self.shut_gate(plan, &execution, &pending).await;
                }
                if failed.is_first_call() {
                    let drains = turn::may_leave_a_call_behind(failed.last_error());
                    self.give_back.now(plan.as_ref(), give_back(drains)).await?;
                }
                Ok(Answer::BackingOff(match pending? {
                    Some((pending, is_open)) => self.back_off.go_on(&pending, is_open, opened_at, &failed, now).await?,
                    None => BackingOff::default(),
                }))
            }
            // The hook is completed already, but not in a call of the version before.
            Because::Deployed => {
                if round.is_none() {
                    self.keep_open(&mut plan, &execution).await?;
                }
                self.give_back.after_success(plan.as_ref(), give_back(false)).await.map(Answer::GivenBack)
            }
            Because::Yielded { silence } => {
                self.keep_open(&mut plan, &execution).await?;
                self.shut_served(plan.as_ref(), Whose::All, &execution, round, now).await;
                let silent = silence.map_or(0, |silence| silence.silent_seconds);
                self.give_back.to_yield(plan.as_ref(), give_back(false), silent).await.map(Answer::GivenBack)
            }
            Because::InstanceGone => {
                if let Some(pending) = plan.as_ref().and_then(Plan::pending_hook) {
                    self.launches.let_go(&pending, &execution).await;
                }
                self.shut_served(plan.as_ref(), Whose::Others, &execution, round, now).await;
                if let Some(plan) = &plan {
                    self.rest_gate(plan, &execution).await;
                }
                let given_back = self.give_back.now(plan.as_ref(), give_back(false)).await?;
                let failure = match &plan {
                    Some(plan) => self.gone.failure(plan).await?,
                    None => None,
                };
                Ok(failure.map_or(Answer::GivenBack(given_back), Answer::Failed))
            }
        }
    }
}

impl ReturnTurn {
    /// Shuts the gates of the cohort, if the rollout has a turn.
    async fn shut_served(
        &self,
        plan: Option<&Plan>,
        whose: Whose,
        execution: &ExecutionArn,
        round: Option<u32>,
        now: Timestamp,
    ) {
        if let Some((plan, round)) = plan.zip(round) {
            self.served.shut(plan, &turn::queues(plan), whose, (execution, round), now).await;
        }
    }

    /// Keeps deployments away from the instance of a rollout that has failed, and that is to be abandoned. Nothing depends on it: at the worst
    /// the instance is a dead one in somebody's deployment.
    async fn shut_gate(
        &self,
        plan: &Plan,
        execution: &ExecutionArn,
        pending: &Result<Option<(PendingHook, bool)>, Error>,
    ) {
        let Some(instance_id) = plan.gated_instance() else { return };
        self.forget(plan, instance_id).await;
        if let Ok(Some((_, true))) = pending {
            self.shift_gate(plan, execution, instance_id, &Gate::Failed).await;
        }
    }

    /// Opens the gate of an instance that somebody else has let in.
    async fn rest_gate(&self, plan: &Plan, execution: &ExecutionArn) {
        let Some(instance_id) = plan.gated_instance() else { return };
        self.forget(plan, instance_id).await;
        match self.launches.autoscaling.instance(instance_id).await {
            Ok(Some(instance)) if instance.stage() == Stage::InService => {
                self.shift_gate(plan, execution, instance_id, &gate::at_rest(&instance)).await;
            }
            Ok(_) => {}
            Err(error) => warn!(error = error.name(), reason = %error, "where the instance stands is not known"),
        }
    }

    async fn forget(&self, plan: &Plan, instance_id: &InstanceId) {
        if let Err(error) = self.turns.forget(&turn::queues(plan), instance_id).await {
            warn!(error = error.name(), reason = %error, "the instance stays in the queue");
        }
    }

    async fn shift_gate(&self, plan: &Plan, execution: &ExecutionArn, instance_id: &InstanceId, gate: &Gate) {
        if let Err(error) = self.gates.shift_one(&Account::of(execution), &plan.gate_key, instance_id, Some(gate)).await
        {
            warn!(error = error.name(), reason = %error, %gate, "the gate stays as it is");
        }
    }

    /// A turn is given back whatever becomes of the hook, unless another rollout has taken the launch over.
    async fn keep_open(&self, plan: &mut Option<Plan>, execution: &ExecutionArn) -> Result<(), Error> {
        let Some(plan) = plan else { return Ok(()) };
        match self.launches.keep_open(plan, execution).await {
            Err(error @ Error::LaunchTakenOver(_)) => Err(error),
            Err(error) => {
                warn!(error = error.name(), reason = %error, "the hook may be without a heartbeat");
                Ok(())
            }
            Ok(_) => Ok(()),
        }
    }

    /// The hook of the failed rollout, if its launch is to be abandoned, and whether it is open: it has got a heartbeat then.
    async fn keep_failed_open(
        &self,
        plan: Option<&Plan>,
        input: &Value,
        execution: &ExecutionArn,
    ) -> Result<Option<(PendingHook, bool)>, Error> {
        let pending = pending_hook::find(&self.launches, execution, plan, input, &self.own_hook).await?;
        let Some(pending) = pending else { return Ok(None) };
        if pending.on_failure == HookResult::Continue {
            self.launches.keep_failed_open(&pending, execution).await?;
            return Ok(None);
        }
        let is_open = self.launches.back_off(&pending, execution).await?;
        Ok(Some((pending, is_open)))
    }
}
