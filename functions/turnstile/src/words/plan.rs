//! The plan: what plan-rollout makes of the input, and what every other function works from.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::words::application::{Application, DeploymentGroup};
use crate::words::gate::GateKey;
use crate::words::hook::{Hook, HookResult, LifecycleAction, PendingHook};
use crate::words::ids::{AutoScalingGroupName, HookName, InstanceId};
use crate::words::input::{self, Named};
use crate::words::time::Timestamp;

/// A rollout with nothing left open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    pub auto_scaling_group_name: AutoScalingGroupName,
    /// Absent in a rollout of all outdated instances of the group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<InstanceId>,
    /// The hook at which the instance waits; absent when the rollout has none to complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hook: Option<Hook>,
    /// The earliest that the hook can have opened. In the plan of a version that did not know it: absent, and the execution's start counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hook_opened_at: Option<Timestamp>,
    /// The group's other launch hooks: whoever completes one of them can end the launch.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_hooks: Vec<HookName>,
    pub applications: Vec<Application>,
    /// The key of the tag that is the gate. In the plan of a version that knew one key only: absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub gate_key: GateKey,
    /// Whether some of the deployment groups go by the gate, or may do so: not every group could be asked. In the plan of a version that knew
    /// no gates: absent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_gates: bool,
    /// Whether each deployment has a turn of its own, which claims its deployment group alone: every group goes by the gate, which keeps
    /// rollouts from meeting on an instance. Otherwise a turn claims the whole list. In the plan of a version that knew no gates: absent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub turn_per_deployment: bool,
    pub on_failure: HookResult,
    /// What the operator should know, although the rollout goes on.
    pub warnings: Vec<String>,
}

fn is_default(key: &GateKey) -> bool {
    *key == GateKey::default()
}

impl Plan {
    /// Whether one of its applications is deployed to this group.
    pub fn names(&self, group: &DeploymentGroup) -> bool {
        self.applications.iter().any(|application| application.group == *group)
    }

    /// Whether this group's application is the last one of the list.
    pub fn ends_with(&self, group: &DeploymentGroup) -> bool {
        self.applications.last().is_some_and(|application| application.group == *group)
    }

    /// The instance whose gate the rollout moves from application to application, because it waits at the rollout's hook.
    pub fn gated_instance(&self) -> Option<&InstanceId> {
        self.instance_id.as_ref().filter(|_| self.has_gates && self.hook.is_some())
    }

    /// The lifecycle action that the rollout keeps open and completes, when there is one.
    pub fn pending_hook(&self) -> Option<PendingHook> {
        let (instance_id, hook) = (self.instance_id.as_ref()?, self.hook.as_ref()?);
        Some(PendingHook {
            action: LifecycleAction {
                auto_scaling_group_name: self.auto_scaling_group_name.clone(),
                lifecycle_hook_name: hook.lifecycle_hook_name.clone(),
                instance_id: instance_id.clone(),
            },
            hook: hook.clone(),
            on_failure: self.on_failure,
        })
    }
}

/// The group and the instance that a rollout is about, for the log: by its plan, or by its input when it could not be planned.
pub fn subject<'a>(plan: Option<&'a Plan>, input: &'a Value) -> (Option<&'a str>, Option<&'a str>) {
    match plan {
        Some(plan) => (Some(plan.auto_scaling_group_name.as_str()), plan.instance_id.as_ref().map(InstanceId::as_str)),
        None => {
            let Named { group, instance, .. } = input::named(input);
            (group, instance)
        }
    }
}
