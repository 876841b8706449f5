//! After the last deployment of a rollout, or its failure: gives the turn back, and says how long a failed one backs off.

use aws::autoscaling::AutoScaling;
use aws::clients::Clients;
use aws::codedeploy::CodeDeploy;
use aws::function::Function;
use aws::owed;
use aws::settings::{self, Missing, Settings};
use aws::turns::Turns;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::{Span, error, info, info_span};
use turnstile::codedeploy::TargetStatus;
use turnstile::error::Error;
use turnstile::input::{self, HookResult};
use turnstile::plan::Plan;
use turnstile::turn;
use turnstile::wait;

/// How much longer than its back-off a failed instance is left alone because a deployment is at work on it, in seconds.
const LONGEST_AT_WORK: u32 = 1_800;

pub struct ReturnTurn {
    pub codedeploy: CodeDeploy,
    pub autoscaling: AutoScaling,
    pub turns: Turns,
    /// The stack's hook, for a rollout whose input could not be planned and does not name one of its group's.
    pub own_hook: String,
}

/// A rollout that needs its turn no more.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// ARN of the execution.
    execution: String,
    /// Absent when planning failed: then there is no turn to return.
    plan: Option<Plan>,
    /// The execution's input as it came.
    #[serde(default)]
    input: Value,
    because: Because,
    failed: Option<Failed>,
    /// How long the failed rollout has backed off, in seconds.
    #[serde(default)]
    backed_off_seconds: u32,
    /// How long the execution has been running, in seconds.
    #[serde(default)]
    elapsed_seconds: u32,
}

/// Why the rollout failed, as the state machine caught it.
#[derive(Debug, Deserialize)]
struct Failed {
    error: String,
    cause: String,
}

/// Why the turn is returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Because {
    /// Every application is deployed.
    Deployed,
    /// A deployment failed on another instance first, or has not begun on its own: the others may have their turn.
    GaveWay,
    InstanceGone,
    Failed,
}

/// The turn is not the rollout's any more, whether or not it was.
#[derive(Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// How long the rollout is to wait before its next step, in seconds.
    wait_seconds: u32,
    /// How many launches of the group have failed since the last that succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    failures_in_a_row: Option<u32>,
    /// How long the failed rollout backs off, all in all, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    back_off_seconds: Option<u32>,
}

impl Function for ReturnTurn {
    type Request = Request;
    type Answer = Answer;

    fn new(clients: &Clients, settings: &Settings) -> Result<Self, Missing> {
        Ok(Self {
            codedeploy: clients.codedeploy(),
            autoscaling: clients.autoscaling(),
            turns: clients.turns(settings.get(settings::TURNS_TABLE)?),
            own_hook: settings.get(settings::LIFECYCLE_HOOK_NAME)?,
        })
    }

    fn span(request: &Request) -> Span {
        let (group, instance) = input::subject(request.plan.as_ref(), &request.input);
        info_span!("return-turn", execution = request.execution, group, instance)
    }

    async fn handle(&self, request: Request) -> Result<Answer, Error> {
        self.return_turn(&request).await
    }
}

impl ReturnTurn {
    async fn return_turn(&self, request: &Request) -> Result<Answer, Error> {
        if let Some(plan) = &request.plan
            && request.backed_off_seconds == 0
        {
            self.turns.give_back(&turn::claims(plan), &request.execution).await?;
        }
        match (request.because, &request.plan) {
            (Because::Failed, _) => self.back_off(request).await,
            (Because::Deployed, Some(plan)) if plan.hook.is_some() => {
                self.turns.clear_failures(&plan.auto_scaling_group_name).await?;
                Ok(Answer::default())
            }
            (Because::GaveWay, Some(plan)) => {
                Ok(Answer { wait_seconds: wait::to_give_way(plan.hook.as_ref()), ..Answer::default() })
            }
            _ => Ok(Answer::default()),
        }
    }

    /// A group whose launches fail launches again, for ever: each time an instance more to be paid for, and none in service. So a
    /// failed launch is abandoned the later, the more have failed before it, and its instance stays to be looked at.
    async fn back_off(&self, request: &Request) -> Result<Answer, Error> {
        let Request { plan, input, failed, backed_off_seconds, elapsed_seconds, .. } = request;
        let owed = owed::hook(&self.autoscaling, plan.as_ref(), input, &self.own_hook).await?;
        let Some(owed) = owed.filter(|owed| owed.on_failure == HookResult::Abandon) else {
            return Ok(Answer::default());
        };
        let group = &owed.auto_scaling_group_name;
        let failures = self.turns.count_failure(group, &owed.instance_id).await?;
        if let Some(Failed { error, cause }) = failed
            && *backed_off_seconds == 0
        {
            // The execution ends with it only after the back-off: whoever is woken up reads it here, and in the state's input.
            error!(error, cause, failures, "the rollout fails, and backs off before its hook is completed");
        }
        let all = wait::to_back_off(failures);
        let open_for = wait::until_hook_is_over(*elapsed_seconds, &owed.hook);
        let left = all.saturating_sub(*backed_off_seconds).min(open_for);
        let mut wait_seconds = left.min(wait::longest_between_heartbeats(Some(&owed.hook)));
        let may_stay = open_for > 0 && *backed_off_seconds < all + LONGEST_AT_WORK;
        if left == 0 && may_stay && self.is_at_work(group, &owed.instance_id).await? {
            wait_seconds = wait::for_slot(0, Some(&owed.hook));
        }
        if wait_seconds > 0 {
            match self.autoscaling.keep_open(group, &owed.instance_id, &owed.hook.lifecycle_hook_name).await? {
                true => info!(failures, backed_off_seconds, all, "backs off"),
                // There is nothing to abandon any more.
                false => wait_seconds = 0,
            }
        }
        Ok(Answer { wait_seconds, failures_in_a_row: Some(failures), back_off_seconds: Some(all) })
    }

    /// Whether the deployment of another rollout, whose turn it is meanwhile, is at work on the instance. Terminated now, it would
    /// hold that deployment up for an hour.
    async fn is_at_work(&self, group: &str, instance_id: &str) -> Result<bool, Error> {
        let Some(application) = turn::last_deployed(&self.turns.read(&[turn::claim_on_group(group)]).await?) else {
            return Ok(false);
        };
        let Some(group) = self.codedeploy.group(&application).await? else { return Ok(false) };
        let Some(last) = group.last_attempted else { return Ok(false) };
        let target = self.codedeploy.target(&last.deployment_id, instance_id).await?;
        Ok(target.is_some_and(|target| target.status == TargetStatus::InProgress))
    }
}
