//! Instances and the agents on them.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::launch::Delays;
use crate::refusal::Refusal;
use crate::report::InstanceReport;
use crate::setting::Revision;
use crate::simulation::Simulation;
use crate::tags::Tags;

/// An instance of an Auto Scaling group, or one on premises.
#[derive(Debug)]
pub(crate) struct Instance {
    /// `i-…`, or the name of one on premises.
    pub(crate) id: String,
    /// Index of its Auto Scaling group; `None` on premises.
    pub(crate) group: Option<usize>,
    /// Indexes of the deployment groups that name it, on premises.
    pub(crate) on_premises_of: HashSet<usize>,
    pub(crate) state: LifecycleState,
    /// Where it comes from and goes to.
    pub(crate) journey: Journey,
    pub(crate) delays: Delays,
    /// Termination hooks that it waits for.
    pub(crate) termination_hooks: usize,
    /// Counts up when it is started or stopped: what was due of an earlier start does not happen.
    pub(crate) starts: u32,
    pub(crate) launched_at: f64,
    /// When its latest launch began: its first one, or the one out of the warm pool.
    pub(crate) activity_began_at: f64,
    pub(crate) in_service_at: Option<f64>,
    /// When it was last stopped in the warm pool.
    pub(crate) pooled_at: Option<f64>,
    pub(crate) terminated_at: Option<f64>,
    pub(crate) agent: Agent,
    pub(crate) tags: Tags,
    /// By index of the deployment group: the revision of the last deployment that succeeded here.
    pub(crate) installed: HashMap<usize, Revision>,
    /// Indexes of the deployment groups whose last attempt here failed.
    pub(crate) last_failed: HashSet<usize>,
}

impl Instance {
    /// An on-premises instance, which Auto Scaling and EC2 do not know.
    pub(crate) fn on_premises(name: &str) -> Self {
        Instance {
            id: name.to_owned(),
            group: None,
            on_premises_of: HashSet::new(),
            state: LifecycleState::OnPremises,
            journey: Journey::LAUNCH,
            delays: Delays { boot_seconds: 0.0, agent_seconds: Some(0.0) },
            termination_hooks: 0,
            starts: 0,
            launched_at: 0.0,
            activity_began_at: 0.0,
            in_service_at: None,
            pooled_at: None,
            terminated_at: None,
            agent: Agent::Answering,
            tags: Tags::default(),
            installed: HashMap::new(),
            last_failed: HashSet::new(),
        }
    }

    /// The index of its Auto Scaling group. Only an instance that Auto Scaling knows comes to be asked.
    pub(crate) fn scaling_group(&self) -> usize {
        self.group.expect("an instance that Auto Scaling knows has a group")
    }

    /// EC2 reports it `running`.
    pub(crate) fn is_running(&self) -> bool {
        use LifecycleState::*;
        let in_service = matches!(self.state, InService | TerminatingWait | Detaching | Detached)
            || self.state.is_replacing_root_volume();
        let retained = matches!(self.state, TerminatingRetained | WarmedPendingRetained);
        let launching = matches!(self.state, PendingWait | PendingProceed | WarmedPendingWait | WarmedPendingProceed);
        in_service || retained || launching
    }

    /// It is kept after a termination hook was abandoned.
    pub(crate) fn is_retained(&self) -> bool {
        matches!(self.state, LifecycleState::TerminatingRetained | LifecycleState::WarmedPendingRetained)
    }

    /// Auto Scaling counts it towards the desired capacity.
    pub(crate) fn is_launching_or_serving(&self) -> bool {
        use LifecycleState::*;
        matches!(self.state, Pending | PendingWait | PendingProceed | InService)
            || self.state.is_replacing_root_volume()
    }

    /// It is on its way into service or into the warm pool.
    pub(crate) fn is_being_launched(&self) -> bool {
        use LifecycleState::*;
        matches!(self.state, Pending | PendingWait | PendingProceed)
            || matches!(self.state, WarmedPending | WarmedPendingWait | WarmedPendingProceed)
    }

    /// It is in its group's warm pool, or on its way into it.
    pub(crate) fn is_in_warm_pool(&self) -> bool {
        use LifecycleState::*;
        matches!(self.state, WarmedPending | WarmedPendingWait | WarmedPendingProceed | WarmedStopped)
    }

    /// Auto Scaling shows it in the warm pool, until it is gone.
    pub(crate) fn is_shown_in_warm_pool(&self) -> bool {
        self.is_in_warm_pool()
            || matches!(self.state, LifecycleState::WarmedTerminating | LifecycleState::WarmedPendingRetained)
    }

    /// It is not being terminated, nor gone.
    pub(crate) fn is_living(&self) -> bool {
        self.is_launching_or_serving() || self.is_in_warm_pool() || self.is_retained()
    }

    /// Auto Scaling does not show it, or not any more.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(
            self.state,
            LifecycleState::Terminated
                | LifecycleState::WarmedTerminated
                | LifecycleState::Detached
                | LifecycleState::OnPremises
        )
    }

    /// EC2 knows it, and its tags.
    pub(crate) fn has_tags(&self) -> bool {
        let is_gone = matches!(self.state, LifecycleState::Terminated | LifecycleState::WarmedTerminated);
        self.state != LifecycleState::OnPremises && !is_gone
    }

    pub(crate) fn report(&self, auto_scaling_group_name: &str, now: f64) -> InstanceReport {
        let tags = if self.has_tags() { self.tags.all_at(now) } else { BTreeMap::new() };
        InstanceReport {
            instance_id: self.id.clone(),
            auto_scaling_group_name: auto_scaling_group_name.to_owned(),
            lifecycle_state: self.state.as_str(),
            launched_at: self.launched_at,
            in_service_at: self.in_service_at,
            terminated_at: self.terminated_at,
            tags: tags.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
            agent_is_silent: self.agent == Agent::Silent || self.delays.agent_seconds.is_none(),
        }
    }
}

/// An instance's way, as the `Origin` and `Destination` of events (Auto Scaling user guide, "Warm pool example events and patterns").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Journey {
    pub(crate) origin: Place,
    pub(crate) destination: Place,
}

/// Where an instance can come from and go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Ec2,
    AutoScalingGroup,
    WarmPool,
}

impl Journey {
    /// Of an instance that is launched to go into service.
    pub(crate) const LAUNCH: Self = Journey { origin: Place::Ec2, destination: Place::AutoScalingGroup };
}

impl Place {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Place::Ec2 => "EC2",
            Place::AutoScalingGroup => "AutoScalingGroup",
            Place::WarmPool => "WarmPool",
        }
    }
}

/// An instance's CodeDeploy agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Agent {
    /// It has not asked for work since the instance's start; it may never do.
    Starting,
    Answering,
    /// It takes no command any more, for good.
    Silent,
}

impl Simulation {
    /// The index of an instance that is launching, in service or in a warm pool.
    pub(crate) fn living_instance(&self, id: &str) -> Result<usize, Refusal> {
        let found = self.instances.iter().position(|i| i.id == id && i.is_living());
        found.ok_or_else(|| {
            let message = format!("Instance Id not found - No managed instance found for instance ID {id}");
            Refusal::new("ValidationError", message)
        })
    }

    /// The instance's agent takes no command from now on.
    pub(crate) fn silence_agent(&mut self, id: &str) -> Result<(), Refusal> {
        let on_premises = self.instances.iter().position(|i| i.id == id && i.group.is_none());
        let instance = on_premises.map_or_else(|| self.living_instance(id), Ok)?;
        self.instances[instance].agent = Agent::Silent;
        Ok(())
    }
}

/// An instance's lifecycle state in its Auto Scaling group (Auto Scaling user guide, "Instance lifecycle", "Use lifecycle hooks with a warm
/// pool", "Manage retained instances" and "Replace root volumes during instance refresh").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LifecycleState {
    Pending,
    PendingWait,
    PendingProceed,
    InService,
    Terminating,
    TerminatingWait,
    TerminatingRetained,
    Terminated,
    Detaching,
    Detached,
    ReplacingRootVolume,
    ReplacingRootVolumeWait,
    ReplacingRootVolumeProceed,
    RootVolumeReplaced,
    WarmedPending,
    WarmedPendingWait,
    WarmedPendingProceed,
    WarmedPendingRetained,
    WarmedStopped,
    WarmedTerminating,
    WarmedTerminated,
    /// None of Auto Scaling's.
    OnPremises,
}

impl LifecycleState {
    /// It was in service, and gets a new root volume.
    pub(crate) fn is_replacing_root_volume(self) -> bool {
        matches!(
            self,
            LifecycleState::ReplacingRootVolume
                | LifecycleState::ReplacingRootVolumeWait
                | LifecycleState::ReplacingRootVolumeProceed
                | LifecycleState::RootVolumeReplaced
        )
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            LifecycleState::Pending => "Pending",
            LifecycleState::PendingWait => "Pending:Wait",
            LifecycleState::PendingProceed => "Pending:Proceed",
            LifecycleState::InService => "InService",
            LifecycleState::Terminating => "Terminating",
            LifecycleState::TerminatingWait => "Terminating:Wait",
            LifecycleState::TerminatingRetained => "Terminating:Retained",
            LifecycleState::Terminated => "Terminated",
            LifecycleState::Detaching => "Detaching",
            LifecycleState::Detached => "Detached",
            LifecycleState::ReplacingRootVolume => "ReplacingRootVolume",
            LifecycleState::ReplacingRootVolumeWait => "ReplacingRootVolume:Wait",
            LifecycleState::ReplacingRootVolumeProceed => "ReplacingRootVolume:Proceed",
            LifecycleState::RootVolumeReplaced => "RootVolumeReplaced",
            LifecycleState::WarmedPending => "Warmed:Pending",
            LifecycleState::WarmedPendingWait => "Warmed:Pending:Wait",
            LifecycleState::WarmedPendingProceed => "Warmed:Pending:Proceed",
            LifecycleState::WarmedPendingRetained => "Warmed:Pending:Retained",
            LifecycleState::WarmedStopped => "Warmed:Stopped",
            LifecycleState::WarmedTerminating => "Warmed:Terminating",
            LifecycleState::WarmedTerminated => "Warmed:Terminated",
            LifecycleState::OnPremises => "(on premises)",
        }
    }
}
