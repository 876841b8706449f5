//! An instance's way out of service: terminated, retained after a termination hook was abandoned, or detached.
//!
//! Auto Scaling user guide, "Manage retained instances" and "Detach or attach instances".

use crate::instance::{Agent, Instance, LifecycleState};
use crate::refusal::Refusal;
use crate::report::ClosedBy;
use crate::setting::TerminateHookAbandon;
use crate::simulation::{Happening, Simulation};
use crate::tags::TaggedBy;

/// From the termination's begin to the instance's end.
const TERMINATING_SECONDS: f64 = 30.0;
/// From the opening of a termination hook that is abandoned until it is.
const ABANDONED_AFTER_SECONDS: f64 = 30.0;
/// From the request to detach an instance until it is detached.
const DETACHING_SECONDS: f64 = 10.0;

impl Simulation {
    /// Ends an instance, whatever it is at. Nothing if it is ending already. One in service waits for its termination hooks first.
    pub(super) fn terminate(&mut self, instance: usize) {
        let Instance { state, .. } = self.instances[instance];
        let group = self.instances[instance].scaling_group();
        if !self.instances[instance].is_living() {
            return;
        }
        let deployment_groups = self.scaling_groups[group].termination_hooks();
        let hooks = deployment_groups.len() + usize::from(self.retains(group));
        if state != LifecycleState::InService || hooks == 0 {
            return self.end_instance(instance);
        }
        self.instances[instance].state = LifecycleState::TerminatingWait;
        self.instances[instance].termination_hooks = hooks;
        if self.retains(group) {
            self.schedule(ABANDONED_AFTER_SECONDS, Happening::TerminationHookOver { instance });
        }
        for deployment_group in deployment_groups {
            self.deploy_at_termination(deployment_group, instance);
        }
    }

    /// Whether a termination hook of the group is abandoned, and its instances are kept then.
    pub(super) fn retains(&self, group: usize) -> bool {
        self.setting.auto_scaling_groups[group].terminate_hook_abandon == TerminateHookAbandon::Retain
    }

    /// One of the termination hooks that an instance waits for is over.
    pub(crate) fn termination_hook_over(&mut self, instance: usize) {
        let waiting = &mut self.instances[instance];
        waiting.termination_hooks = waiting.termination_hooks.saturating_sub(1);
        if waiting.termination_hooks > 0 {
            return;
        }
        let (group, state) = (waiting.scaling_group(), waiting.state);
        match state {
            LifecycleState::TerminatingWait if self.retains(group) => {
                self.instances[instance].state = LifecycleState::TerminatingRetained;
            }
            LifecycleState::TerminatingWait => return self.end_instance(instance),
            LifecycleState::WarmedPendingWait => {
                self.instances[instance].state = LifecycleState::WarmedPendingRetained;
            }
            _ => return,
        }
        self.meet_capacity(group);
    }

    /// An instance on its way back into the warm pool waits at a termination hook that is abandoned.
    pub(super) fn wait_to_be_retained(&mut self, instance: usize) {
        self.instances[instance].state = LifecycleState::WarmedPendingWait;
        self.instances[instance].termination_hooks = 1;
        self.schedule(ABANDONED_AFTER_SECONDS, Happening::TerminationHookOver { instance });
    }

    fn end_instance(&mut self, instance: usize) {
        let ended = &mut self.instances[instance];
        let in_pool = ended.is_shown_in_warm_pool();
        ended.state = if in_pool { LifecycleState::WarmedTerminating } else { LifecycleState::Terminating };
        ended.agent = Agent::Silent;
        for action in 0..self.actions.len() {
            if self.actions[action].instance == instance {
                self.close_action(action, None, ClosedBy::Termination);
            }
        }
        self.give_up_targets_of(instance);
        self.schedule(TERMINATING_SECONDS, Happening::Terminated { instance });
    }

    pub(crate) fn terminated(&mut self, instance: usize) {
        let now = self.now();
        let ended = &mut self.instances[instance];
        let was_in_pool = ended.state == LifecycleState::WarmedTerminating;
        ended.state = if was_in_pool { LifecycleState::WarmedTerminated } else { LifecycleState::Terminated };
        ended.terminated_at = Some(now);
        self.meet_capacity(self.instances[instance].scaling_group());
    }

    /// `TerminateInstanceInAutoScalingGroup`; `decrement`: without a replacement. A retained instance counts nowhere.
    pub(crate) fn terminate_in_group(&mut self, id: &str, decrement: bool) -> Result<(), Refusal> {
        let instance = self.living_instance(id)?;
        let group = self.instances[instance].scaling_group();
        if decrement && self.instances[instance].is_retained() {
            let message = format!("The instance {id} is retained, and does not count towards the desired capacity.");
            return Err(Refusal::new("ValidationError", message));
        }
        if decrement {
            let scaling_group = &mut self.scaling_groups[group];
            if self.instances[instance].is_in_warm_pool() {
                scaling_group.prepared_capacity = scaling_group.prepared_capacity.map(|all| all.saturating_sub(1));
            } else {
                scaling_group.desired_capacity = scaling_group.desired_capacity.saturating_sub(1);
            }
        }
        self.terminate(instance);
        Ok(())
    }

    /// Takes an instance in service out of its group, which launches another. It runs on, with its tags but the group's.
    pub(crate) fn detach(&mut self, id: &str) -> Result<(), Refusal> {
        let instance = self.living_instance(id)?;
        if self.instances[instance].state != LifecycleState::InService {
            return Err(Refusal::new("ValidationError", format!("The instance {id} is not in InService.")));
        }
        self.instances[instance].state = LifecycleState::Detaching;
        self.schedule(DETACHING_SECONDS, Happening::Detached { instance });
        self.meet_capacity(self.instances[instance].scaling_group());
        Ok(())
    }

    pub(crate) fn detached(&mut self, instance: usize) {
        let now = self.now();
        let detached = &mut self.instances[instance];
        detached.state = LifecycleState::Detached;
        detached.tags.change("aws:autoscaling:groupName", None, TaggedBy::AutoScaling, now);
    }
}
