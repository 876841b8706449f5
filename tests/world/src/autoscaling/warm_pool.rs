//! Warm pools: instances that are made ready beside their group and wait, stopped, until it needs them.
//!
//! Auto Scaling user guide, "Warm pools" and "Use lifecycle hooks with a warm pool": a launch hook fires when an instance is launched
//! into the pool, and again when it is started to go into service. It does not fire for one that is returned to the pool.

use crate::instance::{Agent, Journey, LifecycleState, Place};
use crate::launch::Delays;
use crate::refusal::Refusal;
use crate::simulation::{Happening, Simulation};

/// From a scale-in until the instance is stopped in the pool.
const STOPPING_SECONDS: f64 = 20.0;

impl Simulation {
    /// Makes a group's warm pool bigger by `count` instances; their ids.
    pub(crate) fn warm(&mut self, group_name: &str, count: usize) -> Result<Vec<String>, Refusal> {
        let group = self.scaling_group(group_name)?;
        let scaling_group = &self.scaling_groups[group];
        let prepared = scaling_group.prepared_capacity.unwrap_or(scaling_group.desired_capacity) + count;
        self.check_capacity(group, prepared)?;
        self.scaling_groups[group].prepared_capacity = Some(prepared);
        Ok((0..count).map(|_| self.launch_into_pool(group)).collect())
    }

    /// Launches what the pool lacks: the prepared capacity is that of the group and of its pool together.
    pub(super) fn fill_pool(&mut self, group: usize) {
        let scaling_group = &self.scaling_groups[group];
        let Some(prepared) = scaling_group.prepared_capacity else { return };
        let wanted = prepared.saturating_sub(scaling_group.desired_capacity);
        for _ in self.pool_of(group).count()..wanted {
            self.launch_into_pool(group);
        }
    }

    /// Indexes of the instances in a group's pool, also of those on their way into it.
    pub(super) fn pool_of(&self, group: usize) -> impl Iterator<Item = usize> {
        let instances = self.instances.iter().enumerate();
        instances.filter(move |(_, i)| i.group == Some(group) && i.is_in_warm_pool()).map(|(index, _)| index)
    }

    fn launch_into_pool(&mut self, group: usize) -> String {
        let id = self.new_instance_id();
        let delays = Delays::of_group(&self.setting.auto_scaling_groups[group]);
        let journey = Journey { origin: Place::Ec2, destination: Place::WarmPool };
        let instance = self.add_instance(group, id.clone(), LifecycleState::WarmedPending, delays, journey);
        self.boot(instance);
        id
    }

    /// Starts the pool's oldest instance that is ready, to go into service.
    pub(super) fn take_from_pool(&mut self, group: usize) -> Option<usize> {
        let taken = self.pool_of(group).find(|&i| self.instances[i].state == LifecycleState::WarmedStopped)?;
        let now = self.now();
        let instance = &mut self.instances[taken];
        instance.state = LifecycleState::Pending;
        instance.activity_began_at = now;
        instance.journey = Journey { origin: Place::WarmPool, destination: Place::AutoScalingGroup };
        Some(taken)
    }

    /// The instance is ready: it is stopped.
    pub(crate) fn enters_pool(&mut self, instance: usize) {
        let now = self.now();
        let entering = &mut self.instances[instance];
        if !matches!(entering.state, LifecycleState::WarmedPending | LifecycleState::WarmedPendingProceed) {
            return;
        }
        entering.state = LifecycleState::WarmedStopped;
        entering.pooled_at = Some(now);
        let is_launched = entering.journey.origin == Place::Ec2;
        self.halt(instance);
        if is_launched {
            self.tell_launch_successful(instance);
        }
    }

    /// Takes an instance out of service and into the pool. The desired capacity has been lowered.
    pub(super) fn return_instance(&mut self, instance: usize) {
        let returned = &mut self.instances[instance];
        returned.state = LifecycleState::WarmedPending;
        returned.journey = Journey { origin: Place::AutoScalingGroup, destination: Place::WarmPool };
        if self.retains(self.instances[instance].scaling_group()) {
            return self.wait_to_be_retained(instance);
        }
        self.halt(instance);
        self.schedule(STOPPING_SECONDS, Happening::EntersPool { instance });
    }

    /// A scale-in that takes this instance, of a group whose instances are reused.
    pub(crate) fn return_to_pool(&mut self, id: &str) -> Result<(), Refusal> {
        let instance = self.living_instance(id)?;
        let group = self.instances[instance].scaling_group();
        if !self.reuses_on_scale_in(group) {
            let name = &self.scaling_groups[group].name;
            return Err(Refusal::new("ValidationError", format!("{name} has no warm pool that takes instances back")));
        }
        if self.instances[instance].state != LifecycleState::InService {
            return Err(Refusal::new("ValidationError", format!("The instance {id} is not in InService.")));
        }
        let desired = &mut self.scaling_groups[group].desired_capacity;
        *desired = desired.saturating_sub(1);
        self.return_instance(instance);
        Ok(())
    }

    pub(super) fn reuses_on_scale_in(&self, group: usize) -> bool {
        let pool = &self.setting.auto_scaling_groups[group].warm_pool;
        pool.as_ref().is_some_and(|pool| pool.reuse_on_scale_in)
    }

    /// The instance's agent ends with its operating system, and what it was at work on with it.
    fn halt(&mut self, instance: usize) {
        let halted = &mut self.instances[instance];
        // A start that is under way is over too.
        halted.starts += 1;
        if halted.agent == Agent::Answering {
            halted.agent = Agent::Starting;
        }
        self.give_up_targets_of(instance);
    }
}
