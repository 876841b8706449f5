//! Starts the rollouts of launching instances, on their events, and of instances that wait without one, on a schedule.

mod name;
mod notification;

use std::collections::BTreeSet;

use aws::autoscaling::AutoScaling;
use aws::clients::Clients;
use aws::executions::{Executions, Start};
use aws::function::Function;
use aws::settings::{self, SettingError, Settings};
use serde::Serialize;
use serde_json::Value;
use tracing::field::Empty;
use tracing::{Span, info_span, warn};
use turnstile::words::error::Error;
use turnstile::words::hook::LifecycleAction;
use turnstile::words::ids::{AutoScalingGroupName, ExecutionArn, HookName, InstanceId};
use turnstile::words::input::Input;

use crate::name::execution_name;
use crate::notification::{Launch, Notification};

/// The function.
pub struct StartRollout {
    executions: Executions,
    autoscaling: AutoScaling,
    state_machine_arn: String,
    /// The group and the hook that the schedule looks after.
    auto_scaling_group_name: AutoScalingGroupName,
    lifecycle_hook_name: HookName,
}

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "SCREAMING_SNAKE_CASE", rename_all_fields = "camelCase")]
pub enum Answer {
    /// The rollout is running: started by this event, or by an earlier delivery of it.
    Started { execution_arn: ExecutionArn },
    /// The launch has had its rollout: this event was delivered again, late.
    AlreadyDone { execution_name: String },
    /// The event starts no rollout.
    Ignored { why: String },
    /// The schedule started rollouts for these instances, whose launch event was lost or whose rollout was aborted.
    Swept { started: Vec<InstanceId> },
    /// The schedule's search failed. Its next event is a minute away.
    SweepFailed { error: String, why: String },
    /// What became of each of the records that were delivered together.
    Several { answers: Vec<Answer> },
}

impl Function for StartRollout {
    type Request = Value;
    type Answer = Answer;

    fn new(clients: &Clients, settings: &Settings) -> Result<Self, SettingError> {
        Ok(Self {
            executions: clients.executions(),
            autoscaling: clients.autoscaling(),
            state_machine_arn: settings.get(settings::STATE_MACHINE_ARN)?,
            auto_scaling_group_name: settings.get(settings::AUTO_SCALING_GROUP_NAME)?,
            lifecycle_hook_name: settings.get(settings::LIFECYCLE_HOOK_NAME)?,
        })
    }

    /// Its fields are filled in when the event has been read.
    fn span(_: &Value) -> Span {
        info_span!("start-rollout", execution = Empty, group = Empty, instance = Empty)
    }

    /// Takes whatever is delivered. An unknown event is answered, not failed, so that it is not delivered again and again.
    async fn handle(&self, event: Value) -> Result<Answer, Error> {
        let notifications = notification::read(event, &self.lifecycle_hook_name)?;
        let mut answers = Vec::new();
        for notification in notifications {
            answers.push(self.take(notification).await?);
        }
        Ok(match answers.len() {
            1 => answers.remove(0),
            _ => Answer::Several { answers },
        })
    }
}

impl StartRollout {
    async fn take(&self, notification: Notification) -> Result<Answer, Error> {
        match notification {
            Notification::Launch(launch) => self.launch(launch).await,
            Notification::Schedule { id } => {
                Span::current().record("group", self.auto_scaling_group_name.as_str());
                self.sweep(&id).await.or_else(|error| {
                    warn!(error = error.name(), reason = %error, "the sweep failed");
                    Ok(Answer::SweepFailed { error: error.name().to_owned(), why: error.to_string() })
                })
            }
            Notification::Other(why) => Ok(Answer::Ignored { why: why.to_owned() }),
        }
    }

    async fn launch(&self, launch: Launch) -> Result<Answer, Error> {
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
        };
        Ok(match self.start(&name, &input).await? {
            Start::Running(execution_arn) => Answer::Started { execution_arn },
            Start::HasEnded => Answer::AlreadyDone { execution_name: name },
        })
    }

    async fn start(&self, name: &str, input: &Input) -> Result<Start, Error> {
        self.executions.start(&self.state_machine_arn, name, serde_json::json!(input).to_string()).await
    }

    /// Finds the instances that wait at the stack's hook without a rollout, and starts theirs. Events are best effort, and an execution
    /// that was aborted or timed out leaves its hook open.
    ///
    /// A rollout too many does no harm: it waits for its turn, and finds its instance up to date and its hook over.
    async fn sweep(&self, id: &str) -> Result<Answer, Error> {
        let waiting = self.autoscaling.waiting_instances(&self.auto_scaling_group_name).await?;
        let mut started = Vec::new();
        if waiting.is_empty() {
            return Ok(Answer::Swept { started });
        }
        let running: BTreeSet<String> = self.executions.running(&self.state_machine_arn).await?.into_iter().collect();
        for instance_id in waiting {
            if running.iter().any(|name| name.contains(instance_id.as_str())) {
                continue;
            }
            match self.start_forgotten(&instance_id, id).await {
                Ok(Some(execution)) => {
                    warn!(instance = %instance_id, %execution, "waited without a rollout: started one");
                    started.push(instance_id);
                }
                Ok(None) => {}
                // The next instance need not wait for what is wrong with this one.
                Err(error) => {
                    warn!(instance = %instance_id, error = error.name(), reason = %error, "waits without a rollout still");
                }
            }
        }
        Ok(Answer::Swept { started })
    }

    /// Starts the rollout of an instance that has none, if the instance waits at the stack's hook.
    async fn start_forgotten(&self, instance_id: &InstanceId, id: &str) -> Result<Option<ExecutionArn>, Error> {
        let action = LifecycleAction {
            auto_scaling_group_name: self.auto_scaling_group_name.clone(),
            lifecycle_hook_name: self.lifecycle_hook_name.clone(),
            instance_id: instance_id.clone(),
        };
        // The heartbeat shows whether it waits at this hook, and not at another one of the group.
        if !self.autoscaling.keep_open(&action).await? {
            return Ok(None);
        }
        let name = execution_name(&action.auto_scaling_group_name, instance_id, Some(id));
        let input = Input {
            auto_scaling_group_name: action.auto_scaling_group_name,
            instance_id: Some(action.instance_id),
            lifecycle_hook_name: Some(action.lifecycle_hook_name),
            applications: None,
            on_failure: None,
        };
        Ok(match self.start(&name, &input).await? {
            Start::Running(execution) => Some(execution),
            Start::HasEnded => None,
        })
    }
}
