//! Takes the events of launching instances, and the schedule's, and starts rollouts.

mod name;
mod notification;

use aws::clients::Clients;
use aws::function::Function;
use aws::settings::{self, Missing, Settings};
use std::collections::BTreeSet;

use aws::autoscaling::AutoScaling;
use aws::executions::{Executions, Start};
use serde::Serialize;
use serde_json::Value;
use tracing::field::Empty;
use tracing::{Span, info_span, warn};
use turnstile::error::Error;
use turnstile::input::Input;

use crate::name::execution_name;
use crate::notification::{Launch, Notification};

pub struct StartRollout {
    pub executions: Executions,
    pub autoscaling: AutoScaling,
    pub state_machine_arn: String,
    /// The group and the hook that the schedule looks after.
    pub auto_scaling_group_name: String,
    pub lifecycle_hook_name: String,
}

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "SCREAMING_SNAKE_CASE", rename_all_fields = "camelCase")]
pub enum Answer {
    /// The rollout is running: started by this event, or by an earlier delivery of it.
    Started { execution_arn: String },
    /// The launch has had its rollout: an event that was delivered again, late.
    AlreadyDone { execution_name: String },
    /// Not an event that starts a rollout.
    Ignored { why: String },
    /// The schedule: rollouts for these instances, whose launch nobody was told of, or whose rollout was aborted.
    Swept { started: Vec<String> },
    /// The schedule's next event is a minute away.
    SweepFailed { error: String, why: String },
    /// Of the records that were delivered together.
    Several { answers: Vec<Answer> },
}

impl Function for StartRollout {
    type Request = Value;
    type Answer = Answer;

    fn new(clients: &Clients, settings: &Settings) -> Result<Self, Missing> {
        Ok(Self {
            executions: clients.executions(),
            autoscaling: clients.autoscaling(),
            state_machine_arn: settings.get(settings::STATE_MACHINE_ARN)?,
            auto_scaling_group_name: settings.get(settings::AUTO_SCALING_GROUP_NAME)?,
            lifecycle_hook_name: settings.get(settings::LIFECYCLE_HOOK_NAME)?,
        })
    }

    /// Its fields are known when the event has been read.
    fn span(_: &Value) -> Span {
        info_span!("start-rollout", execution = Empty, group = Empty, instance = Empty)
    }

    /// Takes whatever is delivered: an unknown event is answered, not failed, so that it is not delivered again and again.
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
                Span::current().record("group", &self.auto_scaling_group_name);
                self.sweep(&id).await.or_else(|error| {
                    warn!(error = error.name(), reason = %error, "the sweep failed");
                    Ok(Answer::SweepFailed { error: error.name().to_owned(), why: error.to_string() })
                })
            }
            Notification::Other(why) => Ok(Answer::Ignored { why: why.to_owned() }),
        }
    }

    async fn launch(&self, launch: Launch) -> Result<Answer, Error> {
        let input = Input {
            auto_scaling_group_name: launch.auto_scaling_group_name,
            instance_id: Some(launch.instance_id.clone()),
            lifecycle_hook_name: launch.lifecycle_hook_name,
            applications: None,
            on_failure: None,
        };
        let (group, instance) = (String::from(input.auto_scaling_group_name.clone()), String::from(launch.instance_id));
        let name = execution_name(&group, &instance, launch.id.as_deref());
        Span::current().record("execution", &name).record("group", &group).record("instance", &instance);
        let input = serde_json::json!(input).to_string();
        Ok(match self.executions.start(&self.state_machine_arn, &name, input).await? {
            Start::Running(execution_arn) => Answer::Started { execution_arn },
            Start::HasEnded => Answer::AlreadyDone { execution_name: name },
        })
    }

    /// Finds the instances that wait at the stack's hook without a rollout, and starts theirs. Events are best effort, and an
    /// execution that was aborted or timed out leaves its hook open.
    ///
    /// A rollout too many does no harm: it waits for its turn, finds its instance up to date, and its hook over.
    async fn sweep(&self, id: &str) -> Result<Answer, Error> {
        let waiting = self.autoscaling.waiting_instances(&self.auto_scaling_group_name).await?;
        let mut started = Vec::new();
        if waiting.is_empty() {
            return Ok(Answer::Swept { started });
        }
        let running: BTreeSet<String> = self.executions.running(&self.state_machine_arn).await?.into_iter().collect();
        for instance_id in waiting {
            if running.iter().any(|name| name.contains(&instance_id)) {
                continue;
            }
            match self.start_forgotten(&instance_id, id).await {
                Ok(Some(execution)) => {
                    warn!(instance = instance_id, execution, "waited without a rollout: started one");
                    started.push(instance_id);
                }
                Ok(None) => {}
                // The next instance need not wait for what is wrong with this one.
                Err(error) => {
                    warn!(instance = instance_id, error = error.name(), reason = %error, "waits without a rollout still");
                }
            }
        }
        Ok(Answer::Swept { started })
    }

    /// Starts the rollout of an instance that has none; its ARN, if the instance waits at the stack's hook.
    async fn start_forgotten(&self, instance_id: &str, id: &str) -> Result<Option<String>, Error> {
        let (group, hook) = (&self.auto_scaling_group_name, &self.lifecycle_hook_name);
        // The heartbeat shows whether it waits at this hook, and not at another one of the group.
        if !self.autoscaling.keep_open(group, instance_id, hook).await? {
            return Ok(None);
        }
        let input = serde_json::json!({
            "autoScalingGroupName": group, "instanceId": instance_id, "lifecycleHookName": hook,
        });
        let name = execution_name(group, instance_id, Some(id));
        Ok(match self.executions.start(&self.state_machine_arn, &name, input.to_string()).await? {
            Start::Running(execution) => Some(execution),
            Start::HasEnded => None,
        })
    }
}
