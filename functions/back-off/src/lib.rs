//! After a failure: gives the rollout's turn back, counts the group's failures in a row, and says how long the hook is kept open before the launch
//! is abandoned.

mod keeping;

use aws::clients::Clients;
use aws::codedeploy::CodeDeploy;
use aws::function::Function;
use aws::gates::Gates;
use aws::launches::Launches;
use aws::metrics::Metrics;
use aws::pending_hook::{self, Own};
use aws::served::{Served, Whose};
use aws::settings::{self, SettingError, Settings};
use aws::turns::Turns;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::{Span, info_span, warn};
use turnstile::policy::turn;
use turnstile::words::about::About;
use turnstile::words::error::Error;
use turnstile::words::failure::Failure;
use turnstile::words::gate::Gate;
use turnstile::words::hook::{HookResult, PendingHook};
use turnstile::words::ids::{Account, ExecutionArn, InstanceId};
use turnstile::words::plan::Plan;
use turnstile::words::time::Timestamp;

/// The function.
pub struct BackOff {
    codedeploy: CodeDeploy,
    launches: Launches,
    turns: Turns,
    gates: Gates,
    served: Served,
    metrics: Metrics,
    /// The stack's hook, for a rollout whose input could not be planned and does not name one of its group's.
    own: Own,
}

/// A rollout that has failed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    execution: ExecutionArn,
    /// When the execution started.
    started_at: Timestamp,
    now: Timestamp,
    /// Absent when planning failed: then there is no turn to give back.
    plan: Option<Plan>,
    /// The round in which it took its turn; null when planning failed.
    #[serde(default, deserialize_with = "or_zero")]
    round: u32,
    /// The execution's input as it came.
    #[serde(default)]
    input: Value,
    failure: Failure,
    /// Since when the rollout has been backing off; absent when it has just failed.
    backing_off_since: Option<Timestamp>,
}

fn or_zero<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// What is to be done before the hook is completed.
#[derive(Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// How long the rollout is to wait, in seconds; 0: it completes the hook.
    wait_seconds: u32,
    /// How many launches of the group have failed since the last that succeeded. Absent when nothing is abandoned.
    #[serde(skip_serializing_if = "Option::is_none")]
    failures_in_a_row: Option<u32>,
    /// How long the rollout backs off, all in all, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    back_off_seconds: Option<u32>,
    /// How much of it is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    backed_off_seconds: Option<u32>,
}

impl Function for BackOff {
    type Request = Request;
    type Answer = Answer;

    fn new(clients: &Clients, settings: &Settings) -> Result<Self, SettingError> {
        Ok(Self {
            codedeploy: clients.codedeploy(),
            launches: clients.launches(settings.get(settings::TURNS_TABLE)?),
            turns: clients.turns(settings.get(settings::TURNS_TABLE)?),
            gates: clients.gates(),
            served: clients.served(settings.get(settings::TURNS_TABLE)?),
            metrics: clients.metrics(),
            own: Own::of(settings)?,
        })
    }

    fn span(call: &Value) -> Span {
        let About { execution, group, instance, round, .. } = About::of(call);
        info_span!("back-off", execution, group, instance, round)
    }

    async fn handle(&self, request: Request) -> Result<Answer, Error> {
        let Request { execution, plan, input, .. } = &request;
        // A failure on the way to the hook is that of the hook's completion too, which follows.
        let pending = self.keep_failed_open(plan.as_ref(), input, execution).await;
        if let Some(plan) = plan {
            self.shut_gate(plan, execution, &pending).await;
            if request.is_the_first() {
                self.give_back(plan, &request).await?;
            }
        }
        match pending? {
            Some((pending, is_open)) => self.go_on(&pending, is_open, &request).await,
            None => Ok(Answer::default()),
        }
    }
}

impl Request {
    /// Whether the rollout has just failed.
    fn is_the_first(&self) -> bool {
        self.backing_off_since.is_none()
    }
}

impl BackOff {
    /// Lets the next rollout deploy: shuts the gates of the cohort, and gives the turn back.
    async fn give_back(&self, plan: &Plan, request: &Request) -> Result<(), Error> {
        let Request { execution, round, now, failure, .. } = request;
        self.served.shut(plan, &turn::queues(plan), Whose::Others, (execution, *round), *now).await;
        let drains = turn::may_leave_a_call_behind(failure.last_error());
        self.turns.give_back(&turn::all_claims(plan), execution, Some(*round), drains).await
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

    /// The hook of the failed rollout, if its launch is to be abandoned, and whether it is open: it has got a heartbeat then.
    async fn keep_failed_open(
        &self,
        plan: Option<&Plan>,
        input: &Value,
        execution: &ExecutionArn,
    ) -> Result<Option<(PendingHook, bool)>, Error> {
        let pending = pending_hook::find(&self.launches, execution, plan, input, &self.own).await?;
        let Some(pending) = pending else { return Ok(None) };
        if pending.on_failure == HookResult::Continue {
            self.launches.keep_failed_open(&pending, execution).await?;
            return Ok(None);
        }
        let is_open = self.launches.back_off(&pending, execution).await?;
        Ok(Some((pending, is_open)))
    }
}
