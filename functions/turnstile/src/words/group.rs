//! An Auto Scaling group, as the schedule sees it.

use std::collections::BTreeMap;

use crate::words::ids::{AutoScalingGroupName, InstanceId};
use crate::words::instance::Instance;

/// An Auto Scaling group and its instances.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    pub name: AutoScalingGroupName,
    /// Those of its warm pool are among them once somebody has asked for them: Auto Scaling tells of them in an answer of their own.
    pub instances: BTreeMap<InstanceId, Instance>,
    pub has_warm_pool: bool,
}

impl Group {
    /// The instances that wait at a launch hook, on their way into service or into the warm pool.
    pub fn waiting(&self) -> Vec<InstanceId> {
        const WAITING: [&str; 2] = ["Pending:Wait", "Warmed:Pending:Wait"];
        let waiting =
            self.instances.iter().filter(|(_, instance)| WAITING.contains(&instance.lifecycle_state.as_str()));
        waiting.map(|(id, _)| id.clone()).collect()
    }

    /// How many instances are in service.
    pub fn in_service(&self) -> usize {
        self.instances.values().filter(|instance| instance.lifecycle_state == "InService").count()
    }
}
