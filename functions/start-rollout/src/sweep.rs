//! Finds the instances that wait at the stack's hook without a rollout, and starts theirs. Events are best effort, and an execution that was
//! aborted or timed out leaves its hook open.
//!
//! A rollout too many does no harm: it waits for its turn, and finds its instance up to date and its hook over.

use std::collections::{BTreeMap, BTreeSet};

use aws::autoscaling::AutoScaling;
use aws::executions::{Executions, Start};
use tracing::{Instrument, error, info, warn};
use turnstile::limits::{LONGEST_HOOK, LONGEST_WITHOUT_ROLLOUT};
use turnstile::policy::figures;
use turnstile::policy::sweep::{self, Step};
use turnstile::words::error::Error;
use turnstile::words::execution::EndedExecution;
use turnstile::words::group::Group;
use turnstile::words::hook::LifecycleAction;
use turnstile::words::ids::{AutoScalingGroupName, ExecutionArn, HookName, InstanceId, StateMachineArn};
use turnstile::words::input::Input;
use turnstile::words::time::Timestamp;

use crate::name::{execution_name, is_of_launch};
use crate::span::about;

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

/// A launch that has waited for so long, in seconds, may come near the end of its hook. The shortest that a hook of the stack's own can be kept open
/// is 100 times 120 s.
const LONG: u32 = 3_600;

/// What a sweep has done, and has learnt.
#[derive(Debug, Default)]
pub(crate) struct Swept {
    /// The instances whose rollouts were started.
    pub(crate) started: Vec<InstanceId>,
    /// What went wrong.
    pub(crate) failed: Vec<Error>,
    /// The groups that it has asked whether they have the stack's hook.
    pub(crate) have_hook: BTreeMap<AutoScalingGroupName, bool>,
    /// What is told of each group in figures.
    pub(crate) found: BTreeMap<AutoScalingGroupName, figures::Found>,
    /// The instances that wait at the stack's hook, as far as is known: with a rollout at work, or with a hook that a heartbeat has kept open.
    at_hook: BTreeMap<AutoScalingGroupName, BTreeSet<InstanceId>>,
    /// When the launches of the groups began that it has asked.
    began: BTreeMap<AutoScalingGroupName, BTreeMap<InstanceId, Timestamp>>,
}

/// The instances of a group that wait at a launch hook, and have no rollout as far as is known.
struct Forgotten<'a> {
    group: &'a AutoScalingGroupName,
    instances: Vec<InstanceId>,
}

/// What is known of a group's launches, to bound what is done for each.
#[derive(Debug, Default)]
struct Past<'a> {
    began: BTreeMap<InstanceId, Timestamp>,
    ended: &'a [EndedExecution],
}

impl Sweep {
    /// Starts the rollouts of the groups' instances that need one.
    pub(crate) async fn groups(&self, groups: &[Group], due: Due<'_>) -> Swept {
        let waiting = groups.iter().map(|group| Forgotten { group: &group.name, instances: group.waiting() });
        let mut forgotten: Vec<Forgotten> = waiting.filter(|waiting| !waiting.instances.is_empty()).collect();
        let mut swept = Swept::default();
        if forgotten.is_empty() {
            return swept;
        }
        let ended = self.without_a_rollout(&mut forgotten, due).await;
        for group in groups {
            let has_rollout = |id: &InstanceId| {
                !forgotten.iter().any(|forgotten| *forgotten.group == group.name && forgotten.instances.contains(id))
            };
            let served = group.waiting().into_iter().filter(has_rollout);
            swept.at_hook.insert(group.name.clone(), served.collect());
        }
        let ended = match ended {
            Ok(ended) => Some(ended),
            Err(problem) => {
                tell(&problem);
                swept.failed.push(problem);
                None
            }
        };
        let mut without_any = Vec::new();
        for Forgotten { group, instances } in forgotten {
            let span = about(group, None);
            let kept_open = self.keep_group_open(group, instances, due, ended.as_deref(), &mut swept);
            without_any.push((group, kept_open.instrument(span).await));
        }
        // Some may have a rollout, which does not mind another heartbeat.
        if ended.is_some() {
            self.start_all(without_any, due, &mut swept).await;
        }
        // After every heartbeat: whoever waits at the hook does not depend on it.
        for group in groups.iter().filter(|group| !group.waiting().is_empty()) {
            let span = about(&group.name, None);
            self.look_at_oldest(group, due, &mut swept).instrument(span).await;
        }
        swept
    }

    /// Finds how long a group's oldest launch has waited, and, where that is long, for how long its hook can be kept open. Only figures depend on it.
    async fn look_at_oldest(&self, group: &Group, due: Due<'_>, swept: &mut Swept) {
        let Some(now) = due.now.filter(|_| swept.have_hook.get(&group.name) != Some(&false)) else { return };
        let began = match swept.began.remove(&group.name) {
            Some(began) => began,
            None => self.began(&group.name, due).await,
        };
        // Others wait at another hook of the group: theirs of this one is over.
        let waiting = swept.at_hook.remove(&group.name).unwrap_or_default();
        let Some(oldest) = waiting.iter().filter_map(|instance_id| began.get(instance_id)).min() else { return };
        let oldest = now.seconds_since(*oldest);
        let found = swept.found.entry(group.name.clone()).or_default();
        found.oldest_seconds = Some(oldest);
        if oldest < LONG {
            return;
        }
        match self.autoscaling.launch_hooks(&group.name).await {
            Ok(hooks) => found.hook = hooks.into_iter().find(|hook| hook.lifecycle_hook_name == self.hook),
            Err(problem) => {
                warn!(error = problem.name(), reason = %problem, "for how long the hook can be kept open is not known");
            }
        }
    }

    /// Leaves those instances that have no running rollout. The answer has the executions that have ended.
    async fn without_a_rollout(
        &self,
        forgotten: &mut Vec<Forgotten<'_>>,
        due: Due<'_>,
    ) -> Result<Vec<EndedExecution>, Error> {
        let running = self.executions.running(self.state_machine_arn.as_str()).await?;
        for Forgotten { group, instances } in forgotten.iter_mut() {
            instances.retain(|instance_id| !running.iter().any(|name| is_of_launch(name, group, instance_id)));
        }
        forgotten.retain(|forgotten| !forgotten.instances.is_empty());
        match due.now {
            Some(now) if !forgotten.is_empty() => {
                self.executions.ended(self.state_machine_arn.as_str(), now.minus_seconds(LONGEST_HOOK)).await
            }
            _ => Ok(Vec::new()),
        }
    }

    /// Keeps the hooks of a group's instances open, if the group has the stack's hook. `ended` is `None` when it is not known which instances have
    /// no rollout. The answer has the instances that need one.
    async fn keep_group_open(
        &self,
        group: &AutoScalingGroupName,
        forgotten: Vec<InstanceId>,
        due: Due<'_>,
        ended: Option<&[EndedExecution]>,
        swept: &mut Swept,
    ) -> Vec<InstanceId> {
        match self.autoscaling.launch_hooks(group).await {
            Ok(hooks) => {
                let has_hook = hooks.iter().any(|hook| hook.lifecycle_hook_name == self.hook);
                swept.have_hook.insert(group.clone(), has_hook);
                if !has_hook {
                    return Vec::new();
                }
            }
            // The heartbeats find out.
            Err(error) => warn!(error = error.name(), reason = %error, "whether the group has the hook is not known"),
        }
        let past = Past { began: self.began(group, due).await, ended: ended.unwrap_or_default() };
        let without = self.keep_open(group, forgotten, due, &past, swept).await;
        swept.began.insert(group.clone(), past.began);
        without
    }

    /// Starts the rollouts of instances that have none. What lasts for a moment is left to the next sweep: the hooks are open until then.
    async fn start_all(&self, without: Vec<(&AutoScalingGroupName, Vec<InstanceId>)>, due: Due<'_>, swept: &mut Swept) {
        for (group, instances) in without {
            for instance_id in instances {
                let span = about(group, Some(&instance_id));
                match self.start(group, &instance_id, due).instrument(span.clone()).await {
                    Ok(Some(execution)) => {
                        span.record("execution", execution.as_str());
                        span.in_scope(|| warn!("waited without a rollout: started one"));
                        swept.started.push(instance_id);
                        swept.found.entry(group.clone()).or_default().started += 1;
                    }
                    Ok(None) => {}
                    Err(problem) => {
                        let passes = problem.is_temporary();
                        swept.failed.push(tell_of(group, &instance_id, problem));
                        if passes {
                            return;
                        }
                    }
                }
            }
        }
    }

    /// When the launches began, if there is a time to compare with. It bounds the help, and is no reason to help nobody.
    async fn began(&self, group: &AutoScalingGroupName, due: Due<'_>) -> BTreeMap<InstanceId, Timestamp> {
        if due.now.is_none() {
            return BTreeMap::new();
        }
        self.autoscaling.launches_began(group).await.unwrap_or_else(|problem| {
            warn!(error = problem.name(), reason = %problem, "when the launches began is not known");
            BTreeMap::new()
        })
    }

    /// Keeps the hooks of instances without a rollout open, all of them before any rollout is started: a start may take its time. The answer
    /// has the instances that need a rollout.
    async fn keep_open(
        &self,
        group: &AutoScalingGroupName,
        forgotten: Vec<InstanceId>,
        due: Due<'_>,
        past: &Past<'_>,
        swept: &mut Swept,
    ) -> Vec<InstanceId> {
        let mut without = Vec::new();
        for instance_id in forgotten {
            let kept_open = self.keep_one_open(group, &instance_id, due, past);
            match kept_open.instrument(about(group, Some(&instance_id))).await {
                Ok(step) => {
                    if matches!(step, Step::Start | Step::KeepOpen) {
                        swept.at_hook.entry(group.clone()).or_default().insert(instance_id.clone());
                    }
                    if step == Step::Start {
                        without.push(instance_id);
                    }
                }
                // The next instance need not wait for what is wrong with this one.
                Err(problem) => swept.failed.push(tell_of(group, &instance_id, problem)),
            }
        }
        without
    }

    /// Keeps an instance's hook open, unless it has been without a rollout for too long. What was to be done about the launch; about one whose hook
    /// turns out to be over: nothing.
    async fn keep_one_open(
        &self,
        group: &AutoScalingGroupName,
        instance_id: &InstanceId,
        due: Due<'_>,
        past: &Past<'_>,
    ) -> Result<Step, Error> {
        let of_instance = past.ended.iter().filter(|execution| is_of_launch(&execution.name, group, instance_id));
        let ended: Vec<EndedExecution> = of_instance.cloned().collect();
        let step = due.now.map_or(Step::Start, |now| sweep::next(past.began.get(instance_id).copied(), &ended, now));
        match step {
            Step::Leave => return Ok(step),
            Step::GiveUp => {
                error!(
                    rollouts = ended.len(),
                    longest_without_rollout_seconds = LONGEST_WITHOUT_ROLLOUT,
                    "gives the launch up, because no rollout could serve it: the hook's time-out ends it"
                );
                return Ok(step);
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
            return Ok(Step::Leave);
        }
        if step == Step::KeepOpen {
            info!(rollouts = ended.len(), "waits until its next rollout is started");
        }
        Ok(step)
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
fn tell_of(group: &AutoScalingGroupName, instance_id: &InstanceId, problem: Error) -> Error {
    let (name, reason) = (problem.name(), problem.to_string());
    about(group, Some(instance_id)).in_scope(|| match problem.is_temporary() {
        true => warn!(error = name, reason, "waits without a rollout still"),
        false => error!(error = name, reason, "waits without a rollout, and none can be started"),
    });
    problem
}

/// Says that the search failed, in a group or everywhere.
pub(crate) fn tell(problem: &Error) {
    let (error, reason) = (problem.name(), problem.to_string());
    match problem.is_temporary() {
        true => warn!(error, reason, "the sweep failed"),
        false => error!(error, reason, "the sweep failed: nobody finds launches without a rollout"),
    }
}
