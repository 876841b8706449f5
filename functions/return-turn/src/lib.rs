//! Gives the rollout's turn back. After a failure it also says how long the rollout backs off.

mod back_off;
mod give_back;
mod gone;

use aws::clients::Clients;
use aws::function::Function;
use aws::settings::{self, SettingError, Settings};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::{Span, info_span};
use turnstile::words::error::Error;
use turnstile::words::failure::Failure;
use turnstile::words::ids::ExecutionArn;
use turnstile::words::plan::{self, Plan};

use crate::back_off::{BackOff, BackingOff, Failed};
use crate::give_back::{GiveBack, GivenBack};
use crate::gone::Gone;

/// The function.
pub struct ReturnTurn {
    give_back: GiveBack,
    gone: Gone,
    back_off: BackOff,
}

/// A rollout that needs its turn no more.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    execution: ExecutionArn,
    /// Absent when planning failed: then there is no turn to give back.
    plan: Option<Plan>,
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
    Yielded,
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
        Ok(Self {
            give_back: GiveBack { turns: turns.clone() },
            gone: Gone { autoscaling: clients.autoscaling(), turns: turns.clone() },
            back_off: BackOff {
                codedeploy: clients.codedeploy(),
                autoscaling: clients.autoscaling(),
                turns,
                own_hook: settings.get(settings::LIFECYCLE_HOOK_NAME)?,
            },
        })
    }

    fn span(request: &Request) -> Span {
        let (group, instance) = plan::subject(request.plan.as_ref(), &request.input);
        info_span!("return-turn", execution = %request.execution, group, instance)
    }

    async fn handle(&self, request: Request) -> Result<Answer, Error> {
        let Request { execution, plan, input, because } = request;
        let plan = plan.as_ref();
        match because {
            Because::Deployed => self.give_back.after_success(plan, &execution).await.map(Answer::GivenBack),
            Because::Yielded => self.give_back.to_yield(plan, &execution).await.map(Answer::GivenBack),
            Because::InstanceGone => {
                let given_back = self.give_back.now(plan, &execution).await?;
                let failure = match plan {
                    Some(plan) => self.gone.failure(plan).await?,
                    None => None,
                };
                Ok(failure.map_or(Answer::GivenBack(given_back), Answer::Failed))
            }
            Because::Failed(failed) => {
                if failed.is_first_call() {
                    self.give_back.now(plan, &execution).await?;
                }
                self.back_off.go_on(plan, &input, &failed).await.map(Answer::BackingOff)
            }
        }
    }
}
