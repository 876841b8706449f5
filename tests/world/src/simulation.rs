//! The simulation: all state, and the future events that change it. Pure: time passes only by [`Simulation::advance_to`].

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeSet, BinaryHeap};

use serde_json::Value;
use tokio::sync::mpsc::UnboundedSender;

use crate::autoscaling::{AutoScalingGroup, LifecycleAction, PlannedLaunch};
use crate::codedeploy::{Deployment, DeploymentGroup, Pipeline, WaitingLaunch, WaitingTermination};
use crate::instance::Instance;
use crate::report::{Call, Effect, Invocation, Report};
use crate::setting::Setting;
use crate::throttle::Throttles;
use crate::violation::{Collision, Violation};

/// Something that will happen. Indexes point into the simulation's lists, which only grow.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Happening {
    /// The moment of a launch that was planned has come.
    LaunchDue { launch: usize },
    /// The boot of the instance's `start` is over.
    Booted { instance: usize, start: u32 },
    /// The instance's agent asks for work for the first time since the instance's `start`.
    AgentAnswers { instance: usize, start: u32 },
    /// The instance has gone through `Pending:Proceed`.
    EntersService { instance: usize },
    /// The instance has gone through `Warmed:Pending:Proceed`, or has been returned to the warm pool.
    EntersPool { instance: usize },
    /// The instance is gone.
    Terminated { instance: usize },
    /// A termination hook that the instance waits for is over.
    TerminationHookOver { instance: usize },
    /// The instance is detached from its group.
    Detached { instance: usize },
    /// The instance, which gets a new root volume, comes to its next state.
    RootVolumeStep { instance: usize },
    /// The lifecycle action's time may be over; a heartbeat has perhaps moved it.
    ActionExpires { action: usize },
    /// The deployment leaves `Created`.
    DeploymentQueued { deployment: usize },
    /// The deployment leaves `Queued`.
    DeploymentStarts { deployment: usize },
    /// The deployment has baked.
    Baked { deployment: usize },
    /// The lifecycle event under way on the target is over.
    EventEnds { deployment: usize, target: usize },
    /// The target's command, or the rest of it, was not begun within five minutes: another deployment was in the way, or the agent
    /// has fallen silent. It is not begun when that other one ends earlier either: users see the later deployment fail all the same.
    CommandNotBegun { deployment: usize, target: usize },
    /// The service stops waiting for the target's agent to answer for the first time.
    AgentSilent { deployment: usize, target: usize },
    /// The pipeline's next deployment is due.
    PipelineDue { pipeline: usize },
    /// The service stops waiting for the end of what was at work on an instance that was terminated.
    InstanceLost { deployment: usize, target: usize },
}

pub(crate) struct Simulation {
    now: f64,
    /// Seconds from the Unix epoch to the world's time 0.
    epoch: f64,
    due: BinaryHeap<Reverse<Due>>,
    scheduled: u64,
    pub(crate) random: fastrand::Rng,
    pub(crate) setting: Setting,
    pub(crate) instances: Vec<Instance>,
    pub(crate) scaling_groups: Vec<AutoScalingGroup>,
    pub(crate) planned_launches: Vec<PlannedLaunch>,
    pub(crate) actions: Vec<LifecycleAction>,
    pub(crate) groups: Vec<DeploymentGroup>,
    pub(crate) deployments: Vec<Deployment>,
    pub(crate) waiting_launches: Vec<WaitingLaunch>,
    pub(crate) waiting_terminations: Vec<WaitingTermination>,
    pub(crate) pipelines: Vec<Pipeline>,
    pub(crate) throttles: Throttles,
    /// The names of CloudWatch's alarms that are on.
    pub(crate) alarms_on: BTreeSet<String>,
    /// The applications that the functions are not permitted.
    pub(crate) forbidden_applications: BTreeSet<String>,
    pub(crate) subscribers: Vec<UnboundedSender<Value>>,
    pub(crate) violations: Vec<Violation>,
    pub(crate) collisions: Vec<Collision>,
    calls: Vec<Call>,
    /// Of the call at work.
    invocation: Option<Invocation>,
    /// Of the call at work, once it has one.
    pub(crate) effect: Option<Effect>,
}

impl Simulation {
    /// A world at its time 0, which is `epoch` seconds after 1970 began. The setting has been checked.
    pub(crate) fn new(setting: Setting, epoch: f64) -> Self {
        let mut simulation = Simulation {
            now: 0.0,
            epoch,
            due: BinaryHeap::new(),
            scheduled: 0,
            random: fastrand::Rng::with_seed(setting.seed),
            instances: Vec::new(),
            scaling_groups: Vec::new(),
            planned_launches: Vec::new(),
            actions: Vec::new(),
            groups: Vec::new(),
            deployments: Vec::new(),
            waiting_launches: Vec::new(),
            waiting_terminations: Vec::new(),
            pipelines: Vec::new(),
            throttles: Throttles::new(&setting.throttling),
            alarms_on: BTreeSet::new(),
            forbidden_applications: BTreeSet::new(),
            subscribers: Vec::new(),
            violations: Vec::new(),
            collisions: Vec::new(),
            calls: Vec::new(),
            invocation: None,
            effect: None,
            setting,
        };
        simulation.set_up_scaling_groups();
        simulation.set_up_on_premises();
        simulation.set_up_deployment_groups();
        simulation
    }

    pub(crate) fn now(&self) -> f64 {
        self.now
    }

    /// A world time as seconds since the Unix epoch, to the millisecond, as the services give it.
    pub(crate) fn on_the_wire(&self, time: f64) -> f64 {
        ((self.epoch + time) * 1000.0).round() / 1000.0
    }

    pub(crate) fn next_due(&self) -> Option<f64> {
        self.due.peek().map(|Reverse(due)| due.at)
    }

    pub(crate) fn schedule(&mut self, after: f64, happening: Happening) {
        self.scheduled += 1;
        self.due.push(Reverse(Due { at: self.now + after, order: self.scheduled, happening }));
    }

    /// Lets happen, in order, everything due until `time`.
    pub(crate) fn advance_to(&mut self, time: f64) {
        while self.next_due().is_some_and(|at| at <= time) {
            let Some(Reverse(due)) = self.due.pop() else { break };
            self.now = due.at;
            self.happen(due.happening);
        }
        self.now = self.now.max(time);
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::LaunchDue { launch } => self.launch_due(launch),
            Happening::Booted { instance, start } => self.booted(instance, start),
            Happening::AgentAnswers { instance, start } => self.agent_answers(instance, start),
            Happening::EntersService { instance } => self.enters_service(instance),
            Happening::EntersPool { instance } => self.enters_pool(instance),
            Happening::Terminated { instance } => self.terminated(instance),
            Happening::TerminationHookOver { instance } => self.termination_hook_over(instance),
            Happening::Detached { instance } => self.detached(instance),
            Happening::RootVolumeStep { instance } => self.root_volume_step(instance),
            Happening::ActionExpires { action } => self.action_expires(action),
            Happening::DeploymentQueued { deployment } => self.deployment_queued(deployment),
            Happening::DeploymentStarts { deployment } => self.deployment_starts(deployment),
            Happening::Baked { deployment } => self.baked(deployment),
            Happening::EventEnds { deployment, target } => self.lifecycle_event_ends(deployment, target),
            Happening::CommandNotBegun { deployment, target } => self.command_not_begun(deployment, target),
            Happening::AgentSilent { deployment, target } => self.agent_silent(deployment, target),
            Happening::PipelineDue { pipeline } => self.pipeline_due(pipeline),
            Happening::InstanceLost { deployment, target } => self.instance_lost(deployment, target),
        }
    }

    /// So many random characters of `alphabet`.
    pub(crate) fn random_text(&mut self, length: usize, alphabet: &[u8]) -> String {
        (0..length).map(|_| char::from(alphabet[self.random.usize(..alphabet.len())])).collect()
    }

    pub(crate) fn random_uuid(&mut self) -> String {
        let mut bytes = [0; 16];
        self.random.fill(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
    }

    pub(crate) fn record_call(
        &mut self,
        caller: &str,
        service: &'static str,
        operation: &str,
        parameters: Value,
        outcome: String,
    ) {
        let (caller, operation) = (caller.to_owned(), operation.to_owned());
        let (invocation, effect) = (self.invocation.take(), self.effect.take());
        self.calls.push(Call { at: self.now, caller, invocation, service, operation, parameters, outcome, effect });
    }

    /// A call that somebody else has answered.
    pub(crate) fn add_call(&mut self, call: Call) {
        self.calls.push(Call { at: self.now, ..call });
    }

    /// The call that comes next is made in this invocation.
    pub(crate) fn call_comes(&mut self, invocation: Option<&Invocation>) {
        self.invocation = invocation.cloned();
    }

    /// When the invocation of the call at work made its first call, if it is known.
    pub(crate) fn invocation_began_at(&self) -> Option<f64> {
        let invocation = self.invocation.as_ref()?;
        let same =
            |call: &&Call| call.invocation.as_ref().is_some_and(|other| other.request_id == invocation.request_id);
        Some(self.calls.iter().find(same).map_or(self.now, |call| call.at))
    }

    /// When the call at work was sent, as far as that is known: else it has just been.
    pub(crate) fn sent_at(&self) -> f64 {
        let sent_at = self.invocation.as_ref().and_then(|invocation| invocation.sent_at);
        sent_at.map_or(self.now, |sent_at| sent_at.as_secs_f64())
    }

    pub(crate) fn report(&self) -> Report {
        Report { calls: self.calls.clone(), ..self.report_without_calls() }
    }

    pub(crate) fn report_without_calls(&self) -> Report {
        let instances = self
            .instances
            .iter()
            .filter(|instance| instance.group.is_some())
            .map(|instance| instance.report(&self.scaling_groups[instance.scaling_group()].name, self.now))
            .collect();
        let deployments = self.deployments.iter().filter(|deployment| !deployment.is_history());
        let actions = self.actions.iter().map(|action| action.report(&self.instances[action.instance].id, self.now));
        Report {
            instances,
            deployments: deployments.map(|deployment| self.deployment_report(deployment)).collect(),
            hook_actions: actions.collect(),
            calls: Vec::new(),
            violations: self.violations.clone(),
            collisions: self.collisions.clone(),
        }
    }

    pub(crate) fn report_at_end(&self) -> Report {
        let mut report = self.report();
        report.violations.extend(self.open_hooks());
        report.violations.extend(self.gates_left_behind());
        report
    }
}

#[derive(Debug)]
struct Due {
    at: f64,
    /// What was scheduled first happens first, at the same time.
    order: u64,
    happening: Happening,
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        self.at.total_cmp(&other.at).then(self.order.cmp(&other.order))
    }
}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Due {}
