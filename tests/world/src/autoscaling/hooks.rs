//! Lifecycle actions: a hook waiting for an instance.

use super::group::Hook;
use crate::instance::{Journey, LifecycleState};
use crate::refusal::Refusal;
use crate::report::{ClosedBy, Effect, HookActionReport};
use crate::setting::HookResult;
use crate::simulation::{Happening, Simulation};

#[derive(Debug)]
pub(crate) struct LifecycleAction {
    pub(crate) instance: usize,
    pub(crate) hook: String,
    pub(crate) token: String,
    pub(crate) notification_metadata: Option<String>,
    /// Where the instance comes from and goes to.
    pub(crate) journey: Journey,
    managed: bool,
    default_result: HookResult,
    heartbeat_timeout: f64,
    opened_at: f64,
    /// When calls begin to find it.
    found_from: f64,
    /// When it ends unless a heartbeat comes.
    deadline: f64,
    /// When it ends whatever comes.
    limit: f64,
    heartbeats: u32,
    last_heartbeat_at: Option<f64>,
    /// Between what has been, see [`LifecycleAction::longest_without_heartbeat`].
    longest_pause: f64,
    closed: Option<(f64, Option<HookResult>, ClosedBy)>,
}

impl LifecycleAction {
    pub(crate) fn is_open(&self) -> bool {
        self.closed.is_none()
    }

    pub(crate) fn opened_at(&self) -> f64 {
        self.opened_at
    }

    /// It is CodeDeploy's own.
    pub(crate) fn is_managed(&self) -> bool {
        self.managed
    }

    pub(crate) fn report(&self, instance_id: &str, now: f64) -> HookActionReport {
        HookActionReport {
            instance_id: instance_id.to_owned(),
            hook: self.hook.clone(),
            destination: self.journey.destination.as_str(),
            opened_at: self.opened_at,
            closed_at: self.closed.map(|(at, ..)| at),
            result: self.closed.and_then(|(_, result, _)| result),
            closed_by: self.closed.map(|(.., by)| by),
            heartbeats: self.heartbeats,
            last_heartbeat_at: self.last_heartbeat_at,
            longest_without_heartbeat: self.longest_without_heartbeat(self.closed.map_or(now, |(at, ..)| at)),
        }
    }

    /// The longest time without a heartbeat until `now`.
    fn longest_without_heartbeat(&self, now: f64) -> f64 {
        self.longest_pause.max(now - self.last_heartbeat_at.unwrap_or(self.opened_at))
    }
}

/// How a caller names a lifecycle action.
pub(super) struct ActionName<'a> {
    pub(super) group: &'a str,
    pub(super) hook: &'a str,
    pub(super) token: Option<&'a str>,
    pub(super) instance_id: Option<&'a str>,
}

impl Simulation {
    pub(super) fn open_action(&mut self, instance: usize, hook: &Hook) -> usize {
        let now = self.now();
        let action = LifecycleAction {
            instance,
            hook: hook.name.clone(),
            token: self.random_uuid(),
            notification_metadata: hook.notification_metadata.clone(),
            journey: self.instances[instance].journey,
            managed: hook.deployment_group.is_some(),
            default_result: hook.default_result,
            heartbeat_timeout: f64::from(hook.heartbeat_timeout),
            opened_at: now,
            found_from: now + hook.opens_after,
            deadline: now + f64::from(hook.heartbeat_timeout),
            limit: now + f64::from(hook.global_timeout()),
            heartbeats: 0,
            last_heartbeat_at: None,
            longest_pause: 0.0,
            closed: None,
        };
        self.actions.push(action);
        let action = self.actions.len() - 1;
        self.schedule(f64::from(hook.heartbeat_timeout), Happening::ActionExpires { action });
        self.tell_lifecycle_action(action);
        action
    }

    /// The open lifecycle action a caller means. A token decides alone, else the instance does.
    fn find_action(&self, name: &ActionName) -> Result<usize, Refusal> {
        let group = self.scaling_group(name.group)?;
        let known = self.scaling_groups[group].hooks.iter().any(|hook| hook.name == name.hook);
        if !known {
            let message = format!("No Lifecycle Hook found with name '{}'", name.hook);
            return Err(Refusal::new("ValidationError", message));
        }
        let of_hook = |action: &LifecycleAction| {
            action.is_open()
                && self.now() >= action.found_from
                && action.hook == name.hook
                && self.instances[action.instance].group == Some(group)
        };
        let (found, described) = match (name.token, name.instance_id) {
            (Some(token), _) => (
                self.actions.iter().position(|action| of_hook(action) && action.token == token),
                format!("token {token}"),
            ),
            (None, Some(id)) => {
                let is_meant = |action: &LifecycleAction| of_hook(action) && self.instances[action.instance].id == id;
                (self.actions.iter().position(is_meant), format!("instance ID {id}"))
            }
            (None, None) => {
                return Err(Refusal::new(
                    "ValidationError",
                    "Either LifecycleActionToken or InstanceId must be specified",
                ));
            }
        };
        found.ok_or_else(|| {
            Refusal::new("ValidationError", format!("No active Lifecycle Action found with {described}"))
        })
    }

    pub(super) fn heartbeat(&mut self, name: &ActionName) -> Result<(), Refusal> {
        let index = self.find_action(name)?;
        let now = self.now();
        let action = &mut self.actions[index];
        action.heartbeats += 1;
        action.longest_pause = action.longest_without_heartbeat(now);
        action.last_heartbeat_at = Some(now);
        action.deadline = (now + action.heartbeat_timeout).min(action.limit);
        let rest = action.deadline - now;
        self.schedule(rest, Happening::ActionExpires { action: index });
        self.effect = Some(Effect::Heartbeat { action: index });
        Ok(())
    }

    pub(super) fn complete(&mut self, name: &ActionName, result: HookResult) -> Result<(), Refusal> {
        let action = self.find_action(name)?;
        self.check_completion(action, result);
        self.check_gate_of_completion(action, result);
        self.close_action(action, Some(result), ClosedBy::Completion);
        self.effect = Some(Effect::HookCompleted { action, result });
        Ok(())
    }

    /// A person completes a hook.
    pub(crate) fn complete_by_hand(&mut self, id: &str, hook: &str, result: HookResult) -> Result<(), Refusal> {
        let instance = self.living_instance(id)?;
        let group = self.scaling_groups[self.instances[instance].scaling_group()].name.clone();
        let action = self.find_action(&ActionName { group: &group, hook, token: None, instance_id: Some(id) })?;
        self.close_action(action, Some(result), ClosedBy::Completion);
        Ok(())
    }

    /// CodeDeploy completes its own hook. Nothing if it is over already.
    pub(crate) fn complete_managed(&mut self, action: usize, result: HookResult) {
        self.close_action(action, Some(result), ClosedBy::Completion);
    }

    pub(crate) fn action_expires(&mut self, action: usize) {
        let expired = &self.actions[action];
        if !expired.is_open() || expired.deadline > self.now() {
            return;
        }
        let by = if expired.deadline >= expired.limit { ClosedBy::GlobalTimeout } else { ClosedBy::Timeout };
        let result = expired.default_result;
        self.check_time_out(action);
        self.close_action(action, Some(result), by);
    }

    /// Deleting a hook ends its open actions first, for a launch with ABANDON (Auto Scaling API reference,
    /// `DeleteLifecycleHook`).
    pub(super) fn abandon_actions_of(&mut self, group: usize, hook: &str) {
        for action in 0..self.actions.len() {
            let instance = self.actions[action].instance;
            if self.actions[action].hook == hook && self.instances[instance].group == Some(group) {
                self.close_action(action, Some(HookResult::Abandon), ClosedBy::Termination);
            }
        }
    }

    /// Ends an action, and its instance's wait if this decides it: one ABANDON does, or the last CONTINUE.
    pub(super) fn close_action(&mut self, action: usize, result: Option<HookResult>, by: ClosedBy) {
        if !self.actions[action].is_open() {
            return;
        }
        self.actions[action].closed = Some((self.now(), result, by));
        let instance = self.actions[action].instance;
        if !matches!(
            self.instances[instance].state,
            LifecycleState::PendingWait | LifecycleState::WarmedPendingWait | LifecycleState::ReplacingRootVolumeWait
        ) {
            return;
        }
        match result {
            Some(HookResult::Abandon) => self.terminate(instance),
            Some(HookResult::Continue) => {
                let waits = self.actions.iter().any(|other| other.instance == instance && other.is_open());
                if !waits {
                    self.proceed(instance);
                }
            }
            None => {}
        }
    }
}
