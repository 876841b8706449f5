//! An instance refresh that replaces the root volume: the instance keeps its id and its tags, and has an empty disk.
//!
//! Auto Scaling user guide, "Replace root volumes during instance refresh".

use crate::instance::{Agent, Journey, LifecycleState, Place};
use crate::refusal::Refusal;
use crate::setting::RootVolumeHook;
use crate::simulation::{Happening, Simulation};

/// From one of its states to the next, where no hook holds it up.
const STEP_SECONDS: f64 = 10.0;

impl Simulation {
    /// Replaces the root volume of an instance in service.
    pub(crate) fn replace_root_volume(&mut self, id: &str) -> Result<(), Refusal> {
        let instance = self.living_instance(id)?;
        if self.instances[instance].state != LifecycleState::InService {
            return Err(Refusal::new("ValidationError", format!("The instance {id} is not in InService.")));
        }
        let refreshed = &mut self.instances[instance];
        refreshed.state = LifecycleState::ReplacingRootVolume;
        refreshed.journey = Journey { origin: Place::AutoScalingGroup, destination: Place::AutoScalingGroup };
        self.schedule(STEP_SECONDS, Happening::RootVolumeStep { instance });
        Ok(())
    }

    /// The next state of an instance that gets a new root volume. When its disk is replaced, and whether its group's launch hooks hold it up, is
    /// what [`OpenFacts::root_volume_hook`](crate::OpenFacts::root_volume_hook) says.
    pub(crate) fn root_volume_step(&mut self, instance: usize) {
        let hook = self.setting.open_facts.root_volume_hook;
        match self.instances[instance].state {
            LifecycleState::ReplacingRootVolume => {
                if hook != RootVolumeHook::Before {
                    self.empty_disk(instance);
                }
                let hooks = self.scaling_groups[self.instances[instance].scaling_group()].launch_hooks();
                if hook == RootVolumeHook::None || hooks.is_empty() {
                    return self.pass_root_volume_hook(instance);
                }
                self.instances[instance].state = LifecycleState::ReplacingRootVolumeWait;
                for hook in &hooks {
                    self.open_action(instance, hook);
                }
            }
            LifecycleState::ReplacingRootVolumeProceed => {
                if hook == RootVolumeHook::Before {
                    self.empty_disk(instance);
                }
                self.instances[instance].state = LifecycleState::RootVolumeReplaced;
                self.schedule(STEP_SECONDS, Happening::RootVolumeStep { instance });
            }
            LifecycleState::RootVolumeReplaced => self.instances[instance].state = LifecycleState::InService,
            _ => {}
        }
    }

    /// No hook holds the instance up any more.
    pub(super) fn pass_root_volume_hook(&mut self, instance: usize) {
        self.instances[instance].state = LifecycleState::ReplacingRootVolumeProceed;
        self.schedule(STEP_SECONDS, Happening::RootVolumeStep { instance });
    }

    /// Nothing that was ever deployed is there any more, and the agent starts anew: what it was at work on it has forgotten.
    fn empty_disk(&mut self, instance: usize) {
        self.give_up_targets_of(instance);
        self.forget_targets_of(instance);
        let emptied = &mut self.instances[instance];
        emptied.installed.clear();
        emptied.last_failed.clear();
        emptied.starts += 1;
        let (start, seconds) = (emptied.starts, emptied.delays.agent_seconds);
        if emptied.agent == Agent::Answering {
            emptied.agent = Agent::Starting;
        }
        if let Some(seconds) = seconds {
            self.schedule(seconds, Happening::AgentAnswers { instance, start });
        }
    }
}
