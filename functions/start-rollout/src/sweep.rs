//! Finds the instances of a group that wait at the stack's hook without a rollout, and starts theirs. Events are best effort, and an
//! execution that was aborted or timed out leaves its hook open.
//!
//! A rollout too many does no harm: it waits for its turn, and finds its instance up to date and its hook over.

use std::collections::BTreeMap;

use aws::autoscaling::AutoScaling;
use aws::executions::{Executions, Start};
use tracing::{error, info, warn};
use turnstile::limits::{LONGEST_HOOK, LONGEST_WITHOUT_ROLLOUT};
use turnstile::policy::sweep::{self, Step};
use turnstile::words::error::Error;
use turnstile::words::execution::EndedExecution;
use turnstile::words::hook::LifecycleAction;
use turnstile::words::ids::{AutoScalingGroupName, ExecutionArn, HookName, InstanceId, StateMachineArn};
use turnstile::words::input::Input;
use turnstile::words::time::Timestamp;

use crate::name::{execution_name, is_of_launch};

/// Finds them.
pub(crate) struct Sweep {
    pub(crate) executions: Executions,
    pub(crate) autoscaling: AutoScaling,
    pub(crate) state_machine_arn: StateMachineArn,
    /// The stack's hook.
    pub(crate) hook: HookName,
}

/// An event of the schedule.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Due<'a> {
    /// The same for every delivery of the event.
    pub(crate) id: &'a str,
    /// When it was due. Without it every instance that has no rollout gets one.
    pub(crate) now: Option<Timestamp>,
}

/// What is known of a group's launches, to bound what is done for each.
#[derive(Debug, Default)]
struct Past {
    began: BTreeMap<InstanceId, Timestamp>,
    ended: Vec<EndedExecution>,
}

impl Sweep {
    /// Starts the rollouts of a group's instances that need one; the instances whose rollouts were started.
    ///
    /// # Errors
    /// What went wrong first, if no rollout was started.
    pub(crate) async fn group(&self, group: &AutoScalingGroupName, due: Due<'_>) -> Result<Vec<InstanceId>, Error> {
        let mut forgotten = self.autoscaling.waiting_instances(group).await?;
        let mut started = Vec::new();
        if forgotten.is_empty() {
            return Ok(started);
        }
        let (running, past) = match self.known(group, due).await {
            Ok(known) => known,
            // Some may have a rollout, which does not mind another heartbeat.
            Err(problem) => {
                self.keep_all_open(group, &forgotten, due).await;
                return Err(problem);
            }
        };
        forgotten.retain(|instance_id| !running.iter().any(|name| is_of_launch(name, group, instance_id)));
        let (without, mut failed) = self.keep_open(group, forgotten, due, &past).await;
        for instance_id in without {
            match self.start(group, &instance_id, due).await {
                Ok(Some(execution)) => {
                    warn!(instance = %instance_id, %execution, "waited without a rollout: started one");
                    started.push(instance_id);
                }
                Ok(None) => {}
                // The next sweep goes on. The hooks are open until then.
                Err(problem) if problem.is_temporary() => {
                    failed.get_or_insert(tell(&instance_id, problem));
                    break;
                }
                Err(problem) => _ = failed.get_or_insert(tell(&instance_id, problem)),
            }
        }
        match failed {
            Some(problem) if started.is_empty() => Err(problem),
            _ => Ok(started),
        }
    }

    /// The names of the running executions, and what is known of the launches.
    async fn known(&self, group: &AutoScalingGroupName, due: Due<'_>) -> Result<(Vec<String>, Past), Error> {
        let running = self.executions.running(self.state_machine_arn.as_str()).await?;
        Ok((running, self.past(group, due).await?))
    }

    async fn past(&self, group: &AutoScalingGroupName, due: Due<'_>) -> Result<Past, Error> {
        let Some(now) = due.now else { return Ok(Past::default()) };
        let since = now.minus_seconds(LONGEST_HOOK);
        let ended = self.executions.ended(self.state_machine_arn.as_str(), since).await?;
        Ok(Past { began: self.began(group).await, ended })
    }

    /// When the launches began. It bounds the help, and is no reason to help nobody.
    async fn began(&self, group: &AutoScalingGroupName) -> BTreeMap<InstanceId, Timestamp> {
        self.autoscaling.launches_began(group).await.unwrap_or_else(|problem| {
            warn!(error = problem.name(), reason = %problem, "when the launches began is not known");
            BTreeMap::new()
        })
    }

    /// Keeps the hooks of all instances open, for as long as they may be without a rollout, when it is not known which of them have one.
    async fn keep_all_open(&self, group: &AutoScalingGroupName, waiting: &[InstanceId], due: Due<'_>) {
        let past = match due.now {
            Some(_) => Past { began: self.began(group).await, ended: Vec::new() },
            None => Past::default(),
        };
        self.keep_open(group, waiting.to_vec(), due, &past).await;
    }

    /// Keeps the hooks of instances without a rollout open, all of them before any rollout is started: a start may take its time. The answer
    /// has the instances that need a rollout, and what went wrong first.
    async fn keep_open(
        &self,
        group: &AutoScalingGroupName,
        forgotten: Vec<InstanceId>,
        due: Due<'_>,
        past: &Past,
    ) -> (Vec<InstanceId>, Option<Error>) {
        let (mut without, mut failed) = (Vec::new(), None);
        for instance_id in forgotten {
            match self.keep_one_open(group, &instance_id, due, past).await {
                Ok(true) => without.push(instance_id),
                Ok(false) => {}
                // The next instance need not wait for what is wrong with this one.
                Err(problem) => _ = failed.get_or_insert(tell(&instance_id, problem)),
            }
        }
        (without, failed)
    }

    /// Keeps an instance's hook open, unless it has been without a rollout for too long. `true`: it needs one.
    async fn keep_one_open(
        &self,
        group: &AutoScalingGroupName,
        instance_id: &InstanceId,
        due: Due<'_>,
        past: &Past,
    ) -> Result<bool, Error> {
        let of_instance = past.ended.iter().filter(|execution| is_of_launch(&execution.name, group, instance_id));
        let ended: Vec<EndedExecution> = of_instance.cloned().collect();
        let step = due.now.map_or(Step::Start, |now| sweep::next(past.began.get(instance_id).copied(), &ended, now));
        match step {
            Step::Leave => return Ok(false),
            Step::GiveUp => {
                error!(
                    instance = %instance_id, rollouts = ended.len(), longest_without_rollout_seconds = LONGEST_WITHOUT_ROLLOUT,
                    "gives the launch up, because no rollout could serve it: the hook's time-out ends it"
                );
                return Ok(false);
            }
            Step::KeepOpen | Step::Start => {}
        }
        let action = LifecycleAction {
            auto_scaling_group_name: group.clone(),
            lifecycle_hook_name: self.hook.clone(),
            instance_id: instance_id.clone(),
        };
        // The heartbeat shows whether it waits at this hook, and not at another one of the group.
        if !self.autoscaling.keep_open(&action).await? {
            return Ok(false);
        }
        if step == Step::KeepOpen {
            info!(instance = %instance_id, rollouts = ended.len(), "waits until its next rollout is started");
        }
        Ok(step == Step::Start)
    }

    /// Starts an instance's rollout; `None` if this event has started it before, and it has ended.
    async fn start(
        &self,
        group: &AutoScalingGroupName,
        instance_id: &InstanceId,
        due: Due<'_>,
    ) -> Result<Option<ExecutionArn>, Error> {
        let name = execution_name(group, instance_id, Some(due.id));
        let input = Input {
            auto_scaling_group_name: group.clone(),
            instance_id: Some(instance_id.clone()),
            lifecycle_hook_name: Some(self.hook.clone()),
            applications: None,
            on_failure: None,
            dry_run: false,
        };
        let input = serde_json::json!(input).to_string();
        Ok(match self.executions.start(self.state_machine_arn.as_str(), &name, input).await? {
            Start::Running(execution) => Some(execution),
            Start::HasEnded => None,
        })
    }
}

/// Says what went wrong with an instance, which waits without a rollout.
fn tell(instance_id: &InstanceId, problem: Error) -> Error {
    let (name, reason) = (problem.name(), problem.to_string());
    if problem.is_temporary() {
        warn!(instance = %instance_id, error = name, reason, "waits without a rollout still");
    } else {
        error!(instance = %instance_id, error = name, reason, "waits without a rollout, and none can be started");
    }
    problem
}
