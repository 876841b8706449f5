//! Tells of each end of a rollout: to people by a message, to programs by an event, to alarms and the dashboard by metrics.
//!
//! It is invoked by the event of the execution's end, because an execution that is aborted or times out carries out no state any more. Events
//! are delivered more than once, or not at all: the table of turns says what was told, and a schedule looks for what was not.

mod notification;

use aws::autoscaling::AutoScaling;
use aws::clients::{Clients, Clock};
use aws::ends::{Ends, Part, Telling, Told};
use aws::executions::Executions;
use aws::function::Function;
use aws::metrics::Metrics;
use aws::notices::Notices;
use aws::settings::{self, SettingError, Settings};
use serde::Serialize;
use serde_json::Value;
use tracing::field::Empty;
use tracing::{Span, error, info, info_span, warn};
use turnstile::limits::{LONGEST_UNTOLD, SHORTEST_UNTOLD};
use turnstile::policy::{figures, message, rollout_end};
use turnstile::words::error::Error;
use turnstile::words::execution::{EndId, Execution};
use turnstile::words::ids::{AutoScalingGroupName, ExecutionArn, InstanceId, StateMachineArn};
use turnstile::words::rollout_end::RolloutEnd;
use turnstile::words::time::Timestamp;

use crate::notification::Notification;

/// The function.
pub struct ReportOutcome {
    executions: Executions,
    autoscaling: AutoScaling,
    ends: Ends,
    notices: Notices,
    metrics: Metrics,
    clock: Clock,
    state_machine_arn: StateMachineArn,
}

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Answer {
    /// The end is told, by this call.
    Told { end: EndId },
    /// An earlier call has told it.
    AlreadyTold { end: EndId },
    /// The schedule found these ends untold, and told them.
    CaughtUp { told: Vec<EndId> },
    /// There is nothing to tell.
    Ignored { why: String },
}

impl Function for ReportOutcome {
    type Request = Value;
    type Answer = Answer;

    const IS_CALLED_BY_THE_STATE_MACHINE: bool = false;

    fn new(clients: &Clients, settings: &Settings) -> Result<Self, SettingError> {
        let table: String = settings.get(settings::TURNS_TABLE)?;
        Ok(Self {
            executions: clients.executions(),
            autoscaling: clients.autoscaling(),
            ends: clients.ends(table),
            notices: clients.notices(settings.get(settings::NOTIFICATION_TOPIC_ARN)?),
            metrics: clients.metrics(),
            clock: clients.clock(),
            state_machine_arn: settings.get(settings::STATE_MACHINE_ARN)?,
        })
    }

    /// Its fields are filled in when the event has been read.
    fn span(_: &Value) -> Span {
        info_span!("report-outcome", execution = Empty, group = Empty, instance = Empty)
    }

    async fn handle(&self, event: Value) -> Result<Answer, Error> {
        match notification::read(&event, &self.state_machine_arn) {
            Notification::Ended(told) => self.report(&told.arn, Some(&told)).await,
            Notification::Schedule { now } => self.catch_up(now.unwrap_or_else(|| self.clock.now())).await,
            Notification::Other(why) => Ok(Answer::Ignored { why: why.to_owned() }),
        }
    }
}

impl ReportOutcome {
    /// Tells the end that an execution came to. `told` is what its event tells of it, if there was one.
    async fn report(&self, execution: &ExecutionArn, told: Option<&Execution>) -> Result<Answer, Error> {
        Span::current().record("execution", execution.as_str());
        let Some(described) = self.executions.describe(execution).await? else {
            return Ok(Answer::Ignored { why: "Step Functions does not know the execution any more".to_owned() });
        };
        let before_redrive = match told.filter(|told| is_from_before_a_redrive(told, &described)) {
            Some(told) => Some(self.before_redrive(told, &described).await?),
            None => None,
        };
        match rollout_end::of(before_redrive.as_ref().unwrap_or(&described)) {
            Some(end) => self.tell(&end).await,
            // Lambda invokes the function again in a minute.
            None => Err(Error::Unavailable {
                call: "StepFunctions.DescribeExecution",
                message: format!("the answer trails: {execution} has ended, and is told to run"),
            }),
        }
    }

    /// The end that an event tells of, whose execution was redriven since: Step Functions describes the latest run only.
    async fn before_redrive(&self, told: &Execution, described: &Execution) -> Result<Execution, Error> {
        let since = match told.ended_at {
            Some(ended_at) => self.executions.redrives_since(&told.arn, ended_at).await?,
            None => 0,
        };
        // An event leaves out what is large, and each run has the same input.
        let (redrives, input) = (described.redrives.saturating_sub(since), described.input.clone());
        Ok(Execution { redrives, input, ..told.clone() })
    }

    async fn tell(&self, end: &RolloutEnd) -> Result<Answer, Error> {
        let span = Span::current();
        span.record("execution", end.id.execution.as_str());
        span.record("group", end.auto_scaling_group_name.as_deref()).record("instance", end.instance_id.as_deref());
        let call = format!("{:016x}", fastrand::u64(..));
        match self.ends.begin(&end.id, &call, self.clock.now()).await? {
            Telling::Done => return Ok(Answer::AlreadyTold { end: end.id.clone() }),
            // Lambda invokes the function again, and finds it told, or tells it.
            Telling::Theirs => {
                let (call, message) = ("DynamoDB.UpdateItem", "another call is about to tell this end".to_owned());
                return Err(Error::Unavailable { call, message });
            }
            Telling::Ours { told } => {
                let told = self.tell_what_is_left(end, told).await;
                if told.is_err()
                    && let Err(error) = self.ends.let_go(&end.id, &call).await
                {
                    warn!(error = error.name(), reason = %error, "the next call waits until this one's time is over");
                }
                told?;
            }
        }
        Ok(Answer::Told { end: end.id.clone() })
    }

    /// Tells what no call has told yet. Each is noted right after it was told; what is told twice, because its answer or the note was lost, has the
    /// same id. One that is refused keeps back no other.
    async fn tell_what_is_left(&self, end: &RolloutEnd, told: Told) -> Result<(), Error> {
        if !told.figures {
            self.count(end).await;
            if let Err(error) = self.ends.note(&end.id, Part::Figures).await {
                warn!(error = error.name(), reason = %error, "the figures are told twice, should this call not tell the rest");
            }
        }
        let message = match told.message {
            true => Ok(()),
            false => self.publish(end).await,
        };
        if !told.event {
            self.notices.put_event(end).await?;
            self.ends.note(&end.id, Part::Event).await?;
        }
        message
    }

    async fn publish(&self, end: &RolloutEnd) -> Result<(), Error> {
        self.notices.publish(&message::of(end)).await?;
        self.ends.note(&end.id, Part::Message).await
    }

    async fn count(&self, end: &RolloutEnd) {
        let launched_at = self.launched_at(end).await;
        for figures in figures::of_end(end, launched_at) {
            self.metrics.tell(&figures, self.clock.now());
        }
    }

    /// When the launch of the rollout's instance began, if it completed a launch's hook. Only a figure depends on it.
    async fn launched_at(&self, end: &RolloutEnd) -> Option<Timestamp> {
        if end.output["hook"] != "COMPLETED" {
            return None;
        }
        let group = AutoScalingGroupName::try_from(end.auto_scaling_group_name.as_deref()?).ok()?;
        let instance_id = InstanceId::try_from(end.instance_id.as_deref()?).ok()?;
        self.autoscaling.launch_began(&group, &instance_id).await.unwrap_or_else(|error| {
            warn!(error = error.name(), reason = %error, "when the launch began is not known");
            None
        })
    }

    /// Tells the ends that nobody was told of, although their events should have come long ago.
    async fn catch_up(&self, now: Timestamp) -> Result<Answer, Error> {
        let between = now.minus_seconds(LONGEST_UNTOLD)..now.minus_seconds(SHORTEST_UNTOLD);
        let mut told = Vec::new();
        let mut failed = None;
        for end in self.executions.ends(self.state_machine_arn.as_str(), between).await? {
            if self.ends.is_told(&end).await? {
                continue;
            }
            match self.report(&end.execution, None).await {
                Ok(Answer::Told { end }) => {
                    warn!(execution = %end.execution, "told an end of which no event came");
                    told.push(end);
                }
                Ok(answer) => info!(?answer, "needed not be told"),
                // The next end need not wait for what is wrong with this one.
                Err(problem) => {
                    error!(execution = %end.execution, error = problem.name(), reason = %problem, "an end is untold");
                    failed.get_or_insert(problem);
                }
            }
        }
        match failed {
            Some(problem) => Err(problem),
            None => Ok(Answer::CaughtUp { told }),
        }
    }
}

/// Whether an event tells of an earlier end than the one that Step Functions describes. A rollout that has failed can fail again in the very
/// millisecond in which it is redriven.
fn is_from_before_a_redrive(told: &Execution, described: &Execution) -> bool {
    told.ended_at.zip(described.redriven_at).is_some_and(|(ended_at, redriven_at)| ended_at < redriven_at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use turnstile::words::execution::ExecutionStatus;

    #[test]
    fn an_event_from_before_a_redrive_tells_of_the_end_before() {
        let at = |seconds| Some(Timestamp::from_seconds(seconds));
        let execution = |redrives, redriven_at, ended_at| Execution {
            arn: "arn:aws:states:us-east-1:123456789012:execution:turnstile:web-1".into(),
            status: ExecutionStatus::Failed,
            redrives,
            redriven_at,
            started_at: Timestamp::from_seconds(0),
            ended_at,
            input: Value::Null,
            output: Value::Null,
            error: None,
            cause: None,
        };
        let told = execution(0, None, at(100));
        for (described, is_earlier) in [
            (execution(0, None, at(100)), false),
            (execution(1, at(200), None), true),
            (execution(1, at(200), at(300)), true),
            (execution(2, at(50), at(100)), false),
            (execution(1, at(100), at(100)), false),
        ] {
            assert_eq!(is_from_before_a_redrive(&told, &described), is_earlier, "{described:?}");
        }
    }
}
