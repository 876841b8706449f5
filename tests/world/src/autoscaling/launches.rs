//! An instance's way into service, and out of it.

use std::collections::{HashMap, HashSet};

use crate::instance::{Agent, Instance, Journey, LifecycleState};
use crate::launch::{Delays, Launch};
use crate::refusal::Refusal;
use crate::simulation::{Happening, Simulation};
use crate::tags::Tags;

/// From the completion of the last hook to `InService`.
const PROCEED_SECONDS: f64 = 1.0;

impl Simulation {
    /// Raises the desired capacity by one and launches for it, out of the warm pool if that has an instance; the instance's id.
    pub(crate) fn launch_one_more(&mut self, group_name: &str, launch: &Launch) -> Result<String, Refusal> {
        let group = self.scaling_group(group_name)?;
        self.check_capacity(group, self.scaling_groups[group].desired_capacity + 1)?;
        // Whatever is wrong with the launch is said before anything is done.
        let delays = Delays::of_group(&self.setting.auto_scaling_groups[group]).of(launch)?;
        self.scaling_groups[group].desired_capacity += 1;
        let instance = match self.take_from_pool(group) {
            Some(instance) => {
                let own = self.instances[instance].delays;
                self.instances[instance].delays = own.of(launch)?;
                instance
            }
            None => {
                let id = self.new_instance_id();
                self.add_instance(group, id, LifecycleState::Pending, delays, Journey::LAUNCH)
            }
        };
        self.boot(instance);
        Ok(self.instances[instance].id.clone())
    }

    /// The same for an instance that is new, under an id that is known already. The capacity has been checked.
    pub(super) fn launch_for_one_more(&mut self, group: usize, id: String) {
        self.scaling_groups[group].desired_capacity += 1;
        self.launch(group, id);
    }

    /// Launches what is missing to the desired capacity and in the warm pool, or lets the oldest go that are too many.
    pub(super) fn meet_capacity(&mut self, group: usize) {
        let mut members: Vec<usize> = (0..self.instances.len())
            .filter(|&i| self.instances[i].group == Some(group) && self.instances[i].is_launching_or_serving())
            .collect();
        let desired = self.scaling_groups[group].desired_capacity;
        while members.len() > desired {
            self.scale_in(members.remove(0));
        }
        for _ in members.len()..desired {
            match self.take_from_pool(group) {
                Some(instance) => self.boot(instance),
                None => {
                    let id = self.new_instance_id();
                    self.launch(group, id);
                }
            }
        }
        self.fill_pool(group);
    }

    fn scale_in(&mut self, instance: usize) {
        let Instance { state, .. } = self.instances[instance];
        let group = self.instances[instance].scaling_group();
        if state == LifecycleState::InService && self.reuses_on_scale_in(group) {
            self.return_instance(instance);
        } else {
            self.terminate(instance);
        }
    }

    /// An instance that was there before the world began.
    pub(super) fn place_in_service(&mut self, group: usize) {
        let id = self.new_instance_id();
        let delays = Delays::of_group(&self.setting.auto_scaling_groups[group]);
        let instance = self.add_instance(group, id, LifecycleState::InService, delays, Journey::LAUNCH);
        self.instances[instance].in_service_at = Some(0.0);
        if delays.agent_seconds.is_some() {
            self.instances[instance].agent = Agent::Answering;
        }
    }

    pub(super) fn new_instance_id(&mut self) -> String {
        format!("i-0{}", self.random_text(16, b"0123456789abcdef"))
    }

    fn launch(&mut self, group: usize, id: String) {
        let delays = Delays::of_group(&self.setting.auto_scaling_groups[group]);
        let instance = self.add_instance(group, id, LifecycleState::Pending, delays, Journey::LAUNCH);
        self.boot(instance);
    }

    pub(super) fn add_instance(
        &mut self,
        group: usize,
        id: String,
        state: LifecycleState,
        delays: Delays,
        journey: Journey,
    ) -> usize {
        let setting = &self.setting.auto_scaling_groups[group];
        let mut tags = setting.launch_template_tags.clone();
        tags.extend(setting.tags.clone());
        if state == LifecycleState::InService {
            tags.extend(setting.tags_at_start.clone());
        }
        tags.insert("aws:autoscaling:groupName".to_owned(), setting.name.clone());
        self.instances.push(Instance {
            id,
            group: Some(group),
            on_premises_of: HashSet::new(),
            state,
            journey,
            delays,
            termination_hooks: 0,
            starts: 0,
            launched_at: self.now(),
            activity_began_at: self.now(),
            in_service_at: None,
            pooled_at: None,
            terminated_at: None,
            agent: Agent::Starting,
            tags: Tags::at_launch(tags),
            installed: HashMap::new(),
            last_failed: HashSet::new(),
        });
        self.instances.len() - 1
    }

    /// Starts an instance, new or stopped.
    pub(super) fn boot(&mut self, instance: usize) {
        let started = &mut self.instances[instance];
        started.starts += 1;
        let (start, seconds) = (started.starts, started.delays.boot_seconds);
        self.schedule(seconds, Happening::Booted { instance, start });
    }

    pub(crate) fn booted(&mut self, instance: usize, start: u32) {
        let booted = &self.instances[instance];
        if booted.starts != start {
            return;
        }
        let (waiting, into_pool) = match booted.state {
            LifecycleState::Pending => (LifecycleState::PendingWait, false),
            LifecycleState::WarmedPending => (LifecycleState::WarmedPendingWait, true),
            _ => return,
        };
        let group = booted.scaling_group();
        if let Some(seconds) = booted.delays.agent_seconds {
            self.schedule(seconds, Happening::AgentAnswers { instance, start });
        }
        let hooks = self.scaling_groups[group].launch_hooks();
        if hooks.is_empty() {
            return if into_pool { self.enters_pool(instance) } else { self.enters_service(instance) };
        }
        self.instances[instance].state = waiting;
        let actions: Vec<usize> = hooks.iter().map(|hook| self.open_action(instance, hook)).collect();
        for (action, hook) in actions.into_iter().zip(hooks) {
            if let Some(deployment_group) = hook.deployment_group {
                self.deploy_at_launch(deployment_group, action);
            }
        }
    }

    pub(crate) fn agent_answers(&mut self, instance: usize, start: u32) {
        let Instance { agent, starts, .. } = self.instances[instance];
        if agent == Agent::Starting && starts == start && self.instances[instance].is_running() {
            self.instances[instance].agent = Agent::Answering;
            self.fail_what_was_interrupted(instance);
            self.work_that_waited_for_agent(instance);
        }
    }

    /// All hooks are through.
    pub(super) fn proceed(&mut self, instance: usize) {
        let proceeding = &mut self.instances[instance];
        if proceeding.state.is_replacing_root_volume() {
            return self.pass_root_volume_hook(instance);
        }
        if proceeding.is_in_warm_pool() {
            proceeding.state = LifecycleState::WarmedPendingProceed;
            self.schedule(PROCEED_SECONDS, Happening::EntersPool { instance });
        } else {
            proceeding.state = LifecycleState::PendingProceed;
            self.schedule(PROCEED_SECONDS, Happening::EntersService { instance });
        }
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
}
