//! An instance's way into service, and out of it.

use std::collections::HashMap;

use crate::instance::{Instance, LifecycleState};
use crate::refusal::Refusal;
use crate::report::ClosedBy;
use crate::simulation::{Happening, Simulation};

/// From the completion of the last hook to `InService`.
const PROCEED_SECONDS: f64 = 1.0;
/// From the termination's begin to the instance's end.
const TERMINATING_SECONDS: f64 = 30.0;

impl Simulation {
    /// Raises the desired capacity by one and launches for it; the new instance's id.
    pub(crate) fn launch_one_more(&mut self, group_name: &str) -> Result<String, Refusal> {
        let group = self.scaling_group(group_name)?;
        let desired = self.scaling_groups[group].desired_capacity + 1;
        self.check_capacity(group, desired)?;
        self.scaling_groups[group].desired_capacity = desired;
        let instance = self.launch(group);
        Ok(self.instances[instance].id.clone())
    }

    /// Launches what is missing to the desired capacity, or terminates the oldest that are too many.
    pub(super) fn meet_capacity(&mut self, group: usize) {
        let mut members: Vec<usize> = (0..self.instances.len())
            .filter(|&i| self.instances[i].group == group && self.instances[i].is_launching_or_serving())
            .collect();
        let desired = self.scaling_groups[group].desired_capacity;
        while members.len() > desired {
            self.terminate(members.remove(0));
        }
        for _ in members.len()..desired {
            self.launch(group);
        }
    }

    /// An instance that was there before the world began.
    pub(super) fn place_in_service(&mut self, group: usize) {
        let instance = self.add_instance(group, LifecycleState::InService);
        self.instances[instance].in_service_at = Some(0.0);
        self.instances[instance].agent_answers = self.setting.auto_scaling_groups[group].agent_seconds.is_some();
    }

    fn launch(&mut self, group: usize) -> usize {
        let instance = self.add_instance(group, LifecycleState::Pending);
        self.schedule(self.setting.auto_scaling_groups[group].boot_seconds, Happening::Booted { instance });
        instance
    }

    fn add_instance(&mut self, group: usize, state: LifecycleState) -> usize {
        let id = format!("i-0{}", self.random_text(16, b"0123456789abcdef"));
        let setting = &self.setting.auto_scaling_groups[group];
        let mut tags = setting.tags.clone();
        tags.insert("aws:autoscaling:groupName".to_owned(), setting.name.clone());
        self.instances.push(Instance {
            id,
            group,
            state,
            launched_at: self.now(),
            in_service_at: None,
            terminated_at: None,
            agent_answers: false,
            tags,
            installed: HashMap::new(),
        });
        self.instances.len() - 1
    }

    pub(crate) fn booted(&mut self, instance: usize) {
        if self.instances[instance].state != LifecycleState::Pending {
            return;
        }
        let group = self.instances[instance].group;
        if let Some(seconds) = self.setting.auto_scaling_groups[group].agent_seconds {
            self.schedule(seconds, Happening::AgentAnswers { instance });
        }
        let hooks = self.scaling_groups[group].hooks.clone();
        if hooks.is_empty() {
            return self.enters_service(instance);
        }
        self.instances[instance].state = LifecycleState::PendingWait;
        let actions: Vec<usize> = hooks.iter().map(|hook| self.open_action(instance, hook)).collect();
        for (action, hook) in actions.into_iter().zip(hooks) {
            if let Some(deployment_group) = hook.deployment_group {
                self.deploy_at_launch(deployment_group, action);
            }
        }
    }

    pub(crate) fn agent_answers(&mut self, instance: usize) {
        if self.instances[instance].is_running() {
            self.instances[instance].agent_answers = true;
            self.work_that_waited_for_agent(instance);
        }
    }

    /// All hooks are through.
    pub(super) fn proceed(&mut self, instance: usize) {
        self.instances[instance].state = LifecycleState::PendingProceed;
        self.schedule(PROCEED_SECONDS, Happening::EntersService { instance });
    }

    pub(crate) fn enters_service(&mut self, instance: usize) {
        let now = self.now();
        let instance_mut = &mut self.instances[instance];
        if !instance_mut.is_launching_or_serving() {
            return;
        }
        instance_mut.state = LifecycleState::InService;
        instance_mut.in_service_at = Some(now);
        self.tell_launch_successful(instance);
    }

    /// Ends an instance, whatever it is at. Nothing if it is ending already.
    pub(super) fn terminate(&mut self, instance: usize) {
        if !self.instances[instance].is_launching_or_serving() {
            return;
        }
        self.instances[instance].state = LifecycleState::Terminating;
        self.instances[instance].agent_answers = false;
        for action in 0..self.actions.len() {
            if self.actions[action].instance == instance {
                self.close_action(action, None, ClosedBy::Termination);
            }
        }
        self.give_up_targets_of(instance);
        self.schedule(TERMINATING_SECONDS, Happening::Terminated { instance });
    }

    pub(crate) fn terminated(&mut self, instance: usize) {
        self.instances[instance].state = LifecycleState::Terminated;
        self.instances[instance].terminated_at = Some(self.now());
        self.meet_capacity(self.instances[instance].group);
    }

    /// `TerminateInstanceInAutoScalingGroup`; `decrement`: without a replacement.
    pub(crate) fn terminate_in_group(&mut self, id: &str, decrement: bool) -> Result<(), Refusal> {
        let found = self.instances.iter().position(|i| i.id == id && i.is_launching_or_serving());
        let instance = found.ok_or_else(|| {
            let message = format!("Instance Id not found - No managed instance found for instance ID {id}");
            Refusal::new("ValidationError", message)
        })?;
        if decrement {
            let group = &mut self.scaling_groups[self.instances[instance].group];
            group.desired_capacity = group.desired_capacity.saturating_sub(1);
        }
        self.terminate(instance);
        Ok(())
    }
}
