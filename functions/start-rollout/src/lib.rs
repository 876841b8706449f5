//! Starts the rollouts of launching instances, on their events, and of instances that wait without one, on a schedule.

mod gates;
mod name;
mod notification;
mod sweep;

use aws::clients::Clients;
use aws::executions::{Executions, Start};
use aws::function::Function;
use aws::settings::{self, SettingError, Settings};
use aws_lambda_events::event::sqs::SqsBatchResponse;
use serde::Serialize;
use serde_json::Value;
use tracing::field::Empty;
use tracing::{Instrument, Span, error, info, info_span, warn};
use turnstile::words::error::Error;
use turnstile::words::ids::{Account, ExecutionArn, HookName, InstanceId, StateMachineArn};
use turnstile::words::input::{self, Input};

use crate::gates::GatesAtRest;
use crate::name::execution_name;
use crate::notification::{Delivered, Launch, Notification, Served};
use crate::sweep::{Due, Sweep};

/// The function.
pub struct StartRollout {
    executions: Executions,
    state_machine_arn: StateMachineArn,
    served: Served,
    sweep: Sweep,
    gates: GatesAtRest,
}

/// What became of the events that were delivered together.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    One(Outcome),
    Several {
        answers: Vec<Outcome>,
    },
    /// The messages that a queue has to deliver again, as Lambda reads it. (Lambda developer guide, "Handling errors for an SQS event
    /// source": the event source mapping needs `ReportBatchItemFailures`.)
    Batch(SqsBatchResponse),
}

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "SCREAMING_SNAKE_CASE", rename_all_fields = "camelCase")]
pub enum Outcome {
    /// The rollout is running: started by this event, or by an earlier delivery of it.
    Started { execution_arn: ExecutionArn },
    /// The launch has had its rollout: this event was delivered again, late.
    AlreadyDone { execution_name: String },
    /// The event starts no rollout.
    Ignored { why: String },
    /// The schedule started rollouts for these instances, whose launch event was lost or whose rollout was aborted.
    Swept { started: Vec<InstanceId> },
    /// The schedule's search failed in a group, or for all of a group's instances. Its next event is a minute away.
    SweepFailed { error: String, why: String, started: Vec<InstanceId> },
}

impl Function for StartRollout {
    type Request = Value;
    type Answer = Answer;

    const IS_CALLED_BY_THE_STATE_MACHINE: bool = false;

    fn new(clients: &Clients, settings: &Settings) -> Result<Self, SettingError> {
        let state_machine_arn: StateMachineArn = settings.get(settings::STATE_MACHINE_ARN)?;
        let hook: HookName = settings.get(settings::LIFECYCLE_HOOK_NAME)?;
        Ok(Self {
            executions: clients.executions(),
            gates: GatesAtRest {
                executions: clients.executions(),
                autoscaling: clients.autoscaling(),
                gates: clients.gates(),
                key: settings.get(settings::GATE_TAG_KEY)?,
                account: Account::of_state_machine(&state_machine_arn),
                state_machine_arn: state_machine_arn.clone(),
            },
            sweep: Sweep {
                executions: clients.executions(),
                autoscaling: clients.autoscaling(),
                state_machine_arn: state_machine_arn.clone(),
                hook: hook.clone(),
            },
            served: Served {
                account: state_machine_arn.account().to_owned(),
                region: state_machine_arn.region().to_owned(),
                groups: settings.get_lines(settings::AUTO_SCALING_GROUP_NAMES)?,
                hook,
            },
            state_machine_arn,
        })
    }

    /// What an event names at a place of its own is filled in when it has been read.
    fn span(event: &Value) -> Span {
        let (group, instance) = input::named(event);
        info_span!("start-rollout", execution = Empty, group, instance)
    }

    /// Takes whatever is delivered. An unknown event is answered, not failed, so that it is not delivered again and again.
    async fn handle(&self, event: Value) -> Result<Answer, Error> {
        match notification::unwrap(event)? {
            Delivered::One(notification) => self.take(notification).await.map(Answer::One),
            Delivered::Several(notifications) => {
                let mut outcomes = Vec::new();
                for notification in notifications {
                    let span = Self::span(&notification);
                    outcomes.push(self.take(notification).instrument(span).await);
                }
                // Those that can be read are not kept waiting by one that cannot.
                Ok(Answer::Several { answers: outcomes.into_iter().collect::<Result<_, Error>>()? })
            }
            Delivered::Batch(messages) => {
                let mut failed = SqsBatchResponse::default();
                for message in messages {
                    let span = Self::span(&message.notification);
                    let outcome = self.take(message.notification).instrument(span.clone()).await;
                    span.in_scope(|| match outcome {
                        Ok(outcome) => info!(message = message.id, ?outcome, "taken"),
                        Err(error) => {
                            warn!(message = message.id, error = error.name(), reason = %error, "is left in the queue");
                            failed.add_failure(message.id);
                        }
                    });
                }
                Ok(Answer::Batch(failed))
            }
        }
    }
}

impl StartRollout {
    async fn take(&self, notification: Value) -> Result<Outcome, Error> {
        match notification::read(notification, &self.served)? {
            Notification::Launch(launch) => self.launch(launch).await,
            Notification::Schedule { id, now } => {
                let due = Due { id: &id, now };
                let (mut started, mut failed) = (Vec::new(), None);
                for group in &self.served.groups {
                    Span::current().record("group", group.as_str());
                    match self.sweep.group(group, due).await {
                        Ok(of_group) => started.extend(of_group),
                        Err(problem) => {
                            let (name, reason) = (problem.name(), problem.to_string());
                            match problem.is_temporary() {
                                true => warn!(error = name, reason, "the sweep failed"),
                                false => error!(
                                    error = name,
                                    reason, "the sweep failed: nobody finds launches without a rollout"
                                ),
                            }
                            failed.get_or_insert(problem);
                        }
                    }
                }
                // After every heartbeat: whoever waits at the hook does not depend on it.
                for group in &self.served.groups {
                    Span::current().record("group", group.as_str());
                    if let Err(error) = self.gates.of_group(group).await {
                        warn!(error = error.name(), reason = %error, "gates may be shut in service, or open in the warm pool");
                    }
                }
                Ok(match failed {
                    Some(error) => {
                        Outcome::SweepFailed { error: error.name().to_owned(), why: error.to_string(), started }
                    }
                    None => Outcome::Swept { started },
                })
            }
            Notification::Other(why) => Ok(Outcome::Ignored { why: why.to_owned() }),
        }
    }

    async fn launch(&self, launch: Launch) -> Result<Outcome, Error> {
        let Launch { auto_scaling_group_name, instance_id, lifecycle_hook_name, id } = launch;
        let name = execution_name(&auto_scaling_group_name, &instance_id, id.as_deref());
        let span = Span::current();
        span.record("execution", &name);
        span.record("group", auto_scaling_group_name.as_str()).record("instance", instance_id.as_str());
        let input = Input {
            auto_scaling_group_name,
            instance_id: Some(instance_id),
            lifecycle_hook_name,
            applications: None,
            on_failure: None,
            dry_run: false,
        };
        Ok(match self.start(&name, &input).await? {
            Start::Running(execution_arn) => Outcome::Started { execution_arn },
            Start::HasEnded => Outcome::AlreadyDone { execution_name: name },
        })
    }

    async fn start(&self, name: &str, input: &Input) -> Result<Start, Error> {
        self.executions.start(self.state_machine_arn.as_str(), name, serde_json::json!(input).to_string()).await
    }
}
