//! Starts the rollouts of launching instances, on their events, and of instances that wait without one, on a schedule.

mod gates;
mod hooks;
mod name;
mod notification;
mod span;
mod sweep;

use aws::autoscaling::AutoScaling;
use aws::clients::{Clients, Clock};
use aws::executions::{Executions, Start};
use aws::function::Function;
use aws::metrics::Metrics;
use aws::settings::{self, SettingError, Settings};
use aws_lambda_events::event::sqs::SqsBatchResponse;
use serde::Serialize;
use serde_json::Value;
use tracing::field::Empty;
use tracing::{Instrument, Span, error, info, info_span, warn};
use turnstile::policy::{enrolment, figures};
use turnstile::words::error::Error;
use turnstile::words::group::Group;
use turnstile::words::ids::{Account, AutoScalingGroupName, ExecutionArn, HookName, InstanceId, StateMachineArn};
use turnstile::words::input::{self, Input, Named};
use turnstile::words::time::Timestamp;

use crate::gates::GatesAtRest;
use crate::hooks::Hooks;
use crate::name::execution_name;
use crate::notification::{Delivered, Launch, Notification, Served};
use crate::span::about;
use crate::sweep::{Due, Sweep, Swept};

/// The function.
pub struct StartRollout {
    executions: Executions,
    state_machine_arn: StateMachineArn,
    served: Served,
    autoscaling: AutoScaling,
    sweep: Sweep,
    hooks: Hooks,
    gates: GatesAtRest,
    metrics: Metrics,
    clock: Clock,
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
    /// The schedule started rollouts for these instances, whose launch event was lost or whose rollout was aborted. `hook_vanished`: the groups
    /// that let instances into service without a rollout, because they have the stack's hook no longer.
    Swept { started: Vec<InstanceId>, hook_vanished: Vec<AutoScalingGroupName> },
    /// The schedule's search failed in a group, or for an instance. Its next event is a minute away.
    SweepFailed { error: String, why: String, started: Vec<InstanceId>, hook_vanished: Vec<AutoScalingGroupName> },
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
            metrics: clients.metrics(),
            clock: clients.clock(),
            autoscaling: clients.autoscaling(),
            hooks: Hooks {
                autoscaling: clients.autoscaling(),
                record: clients.enrolments(settings.get(settings::TURNS_TABLE)?, &hook),
                hook: hook.clone(),
            },
            gates: GatesAtRest {
                executions: clients.executions(),
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
                groups: settings.served_groups()?,
                hook,
            },
            state_machine_arn,
        })
    }

    /// What an event names at a place of its own is filled in when it has been read.
    fn span(event: &Value) -> Span {
        let Named { group, instance, .. } = input::named(event);
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
                        Ok(outcome) => info!(queued = message.id, ?outcome, "taken"),
                        Err(error) => {
                            warn!(queued = message.id, error = error.name(), reason = %error, "is left in the queue");
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
            Notification::Schedule { id, now } => Ok(self.look(Due { id: &id, now }).await),
            Notification::Other(why) => Ok(Outcome::Ignored { why: why.to_owned() }),
        }
    }

    /// What the schedule looks for, in the order of its urgency: instances without a rollout, hooks that have vanished, and gates.
    async fn look(&self, due: Due<'_>) -> Outcome {
        let mut groups = match self.autoscaling.groups(&self.served.groups).await {
            Ok(groups) => groups,
            Err(problem) => {
                sweep::tell(&problem);
                self.tell_of_sweep(true, None);
                let (error, why) = (problem.name().to_owned(), problem.to_string());
                return Outcome::SweepFailed { error, why, started: Vec::new(), hook_vanished: Vec::new() };
            }
        };
        let failed = self.add_warm_pools(&mut groups).await;
        let Swept { started, failed: failed_in, have_hook, found, .. } = self.sweep.groups(&groups, due).await;
        for (group, found) in &found {
            let figures = figures::of_group(self.state_machine_arn.name(), group, found);
            figures.iter().for_each(|figures| self.metrics.tell(figures, self.clock.now()));
        }
        let mut failed: Vec<Error> = failed.into_iter().chain(failed_in).collect();
        if let Some(name) =
            self.served.groups.name.as_ref().filter(|name| groups.iter().all(|group| group.name != **name))
        {
            let problem = Error::InvalidInput(format!(
                "AutoScalingGroupName: there is no Auto Scaling group {:?}, which the stack's parameter names",
                name.as_str()
            ));
            error!(error = problem.name(), reason = %problem, "the stack's own group is gone, and is served by nobody");
            failed.push(problem);
        }
        let known = self.hooks.look(&groups, have_hook, due.now.unwrap_or_else(|| Timestamp::from_seconds(0))).await;
        let hook_vanished = enrolment::vanished(&groups, &known);
        for group in &hook_vanished {
            about(group, None).in_scope(|| {
                warn!(hook = %self.served.hook, "the launch hook has vanished: launches enter service without a rollout");
            });
        }
        // After every heartbeat: whoever waits at the hook does not depend on it.
        self.gates.of_groups(&enrolment::served(&groups, &known)).await;
        self.tell_of_sweep(!failed.is_empty(), Some(hook_vanished.len()));
        match failed.first() {
            Some(problem) => {
                let (error, why) = (problem.name().to_owned(), problem.to_string());
                Outcome::SweepFailed { error, why, started, hook_vanished }
            }
            None => Outcome::Swept { started, hook_vanished },
        }
    }

    fn tell_of_sweep(&self, has_failed: bool, hooks_vanished: Option<usize>) {
        let figures = figures::of_sweep(self.state_machine_arn.name(), has_failed, hooks_vanished);
        self.metrics.tell(&figures, self.clock.now());
    }

    /// Adds the instances of the groups' warm pools; what went wrong.
    async fn add_warm_pools(&self, groups: &mut [Group]) -> Vec<Error> {
        let mut failed = Vec::new();
        for group in groups.iter_mut().filter(|group| group.has_warm_pool) {
            match self.autoscaling.warm_pool(&group.name).await {
                Ok(instances) => group.instances.extend(instances),
                Err(problem) => {
                    about(&group.name, None).in_scope(|| sweep::tell(&problem));
                    failed.push(problem);
                }
            }
        }
        failed
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
