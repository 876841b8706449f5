//! Auto Scaling groups and the hooks on them.

use crate::refusal::Refusal;
use crate::setting::{HookResult, HookSetting};
use crate::simulation::Simulation;

/// The names of CodeDeploy's own hooks begin so. That of a termination hook is an assumption.
const MANAGED_PREFIX: &str = "CodeDeploy-managed-automatic-launch-deployment-hook-";
const MANAGED_TERMINATION_PREFIX: &str = "CodeDeploy-managed-automatic-termination-deployment-hook-";

#[derive(Debug)]
pub(crate) struct AutoScalingGroup {
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) desired_capacity: usize,
    /// Desired capacity and warm pool together, where there is a pool.
    pub(crate) prepared_capacity: Option<usize>,
    pub(crate) hooks: Vec<Hook>,
    pub(crate) existence: Existence,
}

/// Whether a group is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Existence {
    NotYet,
    There,
    /// It is there until its last instance is gone.
    Deleted,
}

/// A launch lifecycle hook.
#[derive(Debug, Clone)]
pub(crate) struct Hook {
    pub(crate) name: String,
    pub(crate) heartbeat_timeout: u32,
    pub(crate) default_result: HookResult,
    pub(crate) notification_metadata: Option<String>,
    pub(crate) notification_target: Option<String>,
    pub(crate) role: Option<String>,
    /// Seconds from its event until calls find its lifecycle action.
    pub(crate) opens_after: f64,
    /// Index of the deployment group whose own hook this is.
    pub(crate) deployment_group: Option<usize>,
    pub(crate) transition: Transition,
}

/// Which transition a hook holds up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transition {
    Launching,
    Terminating,
}

impl Transition {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Transition::Launching => "autoscaling:EC2_INSTANCE_LAUNCHING",
            Transition::Terminating => "autoscaling:EC2_INSTANCE_TERMINATING",
        }
    }
}

impl AutoScalingGroup {
    pub(crate) fn launch_hooks(&self) -> Vec<Hook> {
        self.hooks.iter().filter(|hook| hook.transition == Transition::Launching).cloned().collect()
    }

    /// The deployment groups that have a termination hook here.
    pub(crate) fn termination_hooks(&self) -> Vec<usize> {
        let hooks = self.hooks.iter().filter(|hook| hook.transition == Transition::Terminating);
        hooks.filter_map(|hook| hook.deployment_group).collect()
    }
}

impl Hook {
    /// The hook CodeDeploy keeps on an Auto Scaling group that a deployment group names (CodeDeploy user guide,
    /// "Integrating CodeDeploy with Amazon EC2 Auto Scaling"): ten minutes, and nobody in without a deployment.
    pub(crate) fn managed(deployment_group: usize, deployment_group_name: &str, uuid: &str) -> Self {
        Hook {
            name: format!("{MANAGED_PREFIX}{deployment_group_name}-{uuid}"),
            heartbeat_timeout: 600,
            default_result: HookResult::Abandon,
            notification_metadata: None,
            notification_target: None,
            role: None,
            opens_after: 0.0,
            deployment_group: Some(deployment_group),
            transition: Transition::Launching,
        }
    }

    /// The hook CodeDeploy keeps for a deployment group with `terminationHookEnabled`.
    pub(crate) fn managed_termination(deployment_group: usize, deployment_group_name: &str, uuid: &str) -> Self {
        Hook {
            name: format!("{MANAGED_TERMINATION_PREFIX}{deployment_group_name}-{uuid}"),
            transition: Transition::Terminating,
            ..Self::managed(deployment_group, deployment_group_name, uuid)
        }
    }

    /// Seconds the hook can be kept open by heartbeats: 48 hours or 100 times the heartbeat timeout, whichever is smaller
    /// (Auto Scaling API reference, `PutLifecycleHook`).
    pub(crate) fn global_timeout(&self) -> u32 {
        (48 * 3600).min(100 * self.heartbeat_timeout)
    }
}

impl From<&HookSetting> for Hook {
    fn from(setting: &HookSetting) -> Self {
        Hook {
            name: setting.name.clone(),
            heartbeat_timeout: setting.heartbeat_timeout,
            default_result: setting.default_result,
            notification_metadata: setting.notification_metadata.clone(),
            notification_target: None,
            role: None,
            opens_after: setting.opens_seconds_after_event,
            deployment_group: None,
            transition: Transition::Launching,
        }
    }
}

impl Simulation {
    pub(crate) fn set_up_scaling_groups(&mut self) {
        for index in 0..self.setting.auto_scaling_groups.len() {
            let id = self.random_uuid();
            let setting = &self.setting.auto_scaling_groups[index];
            let (name, desired_capacity) = (setting.name.clone(), setting.desired_capacity);
            let hooks = setting.hooks.iter().map(Hook::from).collect();
            let arn = format!(
                "arn:aws:autoscaling:{}:{}:autoScalingGroup:{id}:autoScalingGroupName/{name}",
                self.setting.region, self.setting.account,
            );
            let prepared_capacity = setting.warm_pool.as_ref().map(|pool| desired_capacity + pool.size);
            let existence = if setting.made_later { Existence::NotYet } else { Existence::There };
            self.scaling_groups.push(AutoScalingGroup {
                name,
                arn,
                desired_capacity,
                prepared_capacity,
                hooks,
                existence,
            });
            if existence == Existence::NotYet {
                continue;
            }
            for _ in 0..desired_capacity {
                self.place_in_service(index);
            }
            self.fill_pool(index);
        }
    }

    pub(crate) fn scaling_group(&self, name: &str) -> Result<usize, Refusal> {
        let is_it = |&index: &usize| self.scaling_groups[index].name == name && self.is_there(index);
        (0..self.scaling_groups.len()).find(is_it).ok_or_else(|| {
            let message = format!("AutoScalingGroup name not found - AutoScalingGroup '{name}' not found");
            Refusal::new("ValidationError", message)
        })
    }

    /// Whether calls find a group.
    pub(super) fn is_there(&self, group: usize) -> bool {
        match self.scaling_groups[group].existence {
            Existence::NotYet => false,
            Existence::There => true,
            Existence::Deleted => {
                self.instances.iter().any(|instance| instance.group == Some(group) && !instance.is_gone())
            }
        }
    }

    /// Somebody makes a group that was not there, with its hooks: it launches its desired capacity.
    pub(crate) fn make_group(&mut self, name: &str) -> Result<(), Refusal> {
        let is_it = |group: &AutoScalingGroup| group.name == name && group.existence == Existence::NotYet;
        let Some(index) = self.scaling_groups.iter().position(is_it) else {
            let message = format!("AutoScalingGroup by this name already exists - {name}");
            return Err(Refusal::new("AlreadyExists", message));
        };
        self.scaling_groups[index].existence = Existence::There;
        self.meet_capacity(index);
        Ok(())
    }

    /// Somebody deletes a group with its instances (API reference, `DeleteAutoScalingGroup` with `ForceDelete`).
    pub(crate) fn delete_group(&mut self, name: &str) -> Result<(), Refusal> {
        let index = self.scaling_group(name)?;
        let group = &mut self.scaling_groups[index];
        (group.existence, group.desired_capacity, group.prepared_capacity) = (Existence::Deleted, 0, None);
        for instance in 0..self.instances.len() {
            if self.instances[instance].group == Some(index) {
                self.terminate(instance);
            }
        }
        Ok(())
    }

    /// A person puts a launch hook on a group, or changes it.
    pub(crate) fn put_hook_by_hand(&mut self, group: &str, hook: &HookSetting) -> Result<(), Refusal> {
        let index = self.scaling_group(group)?;
        let hooks = &mut self.scaling_groups[index].hooks;
        match hooks.iter().position(|existing| existing.name == hook.name) {
            Some(existing) => hooks[existing] = hook.into(),
            None => hooks.push(hook.into()),
        }
        Ok(())
    }

    /// A person deletes a hook of a group: what waits at it is abandoned.
    pub(crate) fn delete_hook_by_hand(&mut self, group: &str, hook: &str) -> Result<(), Refusal> {
        let index = self.scaling_group(group)?;
        self.remove_hook(index, hook)
    }
}
