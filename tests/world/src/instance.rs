//! Instances and the agents on them.

use std::collections::{BTreeMap, HashMap};

use crate::report::InstanceReport;
use crate::setting::Revision;

/// An instance of an Auto Scaling group.
#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) id: String,
    /// Index of its Auto Scaling group.
    pub(crate) group: usize,
    pub(crate) state: LifecycleState,
    pub(crate) launched_at: f64,
    pub(crate) in_service_at: Option<f64>,
    pub(crate) terminated_at: Option<f64>,
    /// Whether its CodeDeploy agent answers.
    pub(crate) agent_answers: bool,
    pub(crate) tags: BTreeMap<String, String>,
    /// By index of the deployment group: the revision of the last deployment that succeeded here.
    pub(crate) installed: HashMap<usize, Revision>,
}

impl Instance {
    /// EC2 reports it `running`.
    pub(crate) fn is_running(&self) -> bool {
        use LifecycleState::*;
        matches!(self.state, PendingWait | PendingProceed | InService)
    }

    /// Auto Scaling counts it towards the desired capacity.
    pub(crate) fn is_launching_or_serving(&self) -> bool {
        self.state == LifecycleState::Pending || self.is_running()
    }

    pub(crate) fn report(&self, auto_scaling_group_name: &str) -> InstanceReport {
        InstanceReport {
            instance_id: self.id.clone(),
            auto_scaling_group_name: auto_scaling_group_name.to_owned(),
            lifecycle_state: self.state.as_str(),
            launched_at: self.launched_at,
            in_service_at: self.in_service_at,
            terminated_at: self.terminated_at,
        }
    }
}

/// An instance's lifecycle state in its Auto Scaling group (Auto Scaling user guide, "Instance lifecycle").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LifecycleState {
    Pending,
    PendingWait,
    PendingProceed,
    InService,
    Terminating,
    Terminated,
}

impl LifecycleState {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            LifecycleState::Pending => "Pending",
            LifecycleState::PendingWait => "Pending:Wait",
            LifecycleState::PendingProceed => "Pending:Proceed",
            LifecycleState::InService => "InService",
            LifecycleState::Terminating => "Terminating",
            LifecycleState::Terminated => "Terminated",
        }
    }
}
