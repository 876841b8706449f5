use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;
use tracing::{Instrument, info_span, warn};
use turnstile::Error;
use turnstile::autoscaling::AutoScaling;
use turnstile::executions::{Executions, Start};
use turnstile::input::Input;
use turnstile::log;

use crate::name::execution_name;
use crate::notification::{self, Launch, Notification};

pub struct Handler {
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

impl Handler {
    /// Takes whatever is delivered: an unknown event is answered, not failed, so that it is not delivered again and again.
    pub async fn handle(&self, event: Value) -> Result<Answer, Error> {
        let notifications = notification::read(event, &self.lifecycle_hook_name)
            .inspect_err(|e| warn!(error = e.name(), reason = %e, "failed"))?;
        let mut answers = Vec::new();
        for notification in notifications {
            answers.push(self.take(notification).await?);
        }
        Ok(match answers.len() {
            1 => answers.remove(0),
            _ => Answer::Several { answers },
        })
    }

    async fn take(&self, notification: Notification) -> Result<Answer, Error> {
        match notification {
            Notification::Launch(launch) => self.launch(launch).await,
            Notification::Schedule { id } => {
                let span = info_span!("start-rollout", group = self.auto_scaling_group_name);
                async {
                    let answer = self.sweep(&id).await;
                    log::outcome(&answer);
                    answer.or_else(|e| Ok(Answer::SweepFailed { error: e.name().to_owned(), why: e.to_string() }))
                }
                .instrument(span)
                .await
            }
            Notification::Other(why) => {
                let answer = Ok(Answer::Ignored { why: why.to_owned() });
                log::outcome(&answer);
                answer
            }
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
        let span = info_span!("start-rollout", execution = name, group, instance);
        async {
            let answer = self.start(name, &input).await;
            log::outcome(&answer);
            answer
        }
        .instrument(span)
        .await
    }

    async fn start(&self, name: String, input: &Input) -> Result<Answer, Error> {
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
