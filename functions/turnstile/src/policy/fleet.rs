//! Which of a group's instances in service are up to date, by its deployments from the newest back.

use crate::policy::up_to_date::{CurrentRevision, Evidence};
use crate::words::deployment::{Deployment, Target};
use crate::words::ids::InstanceId;

/// Instances, by what is known of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fleet {
    pub up_to_date: Vec<InstanceId>,
    /// Also those on which an agent is at work.
    pub outdated: Vec<InstanceId>,
    /// No deployment that was asked about has touched these.
    pub undecided: Vec<InstanceId>,
}

impl Fleet {
    /// Instances of which nothing is known yet.
    pub fn of(undecided: Vec<InstanceId>) -> Self {
        Self { undecided, ..Self::default() }
    }

    /// Takes in what one deployment says, by its targets.
    pub fn ask(&mut self, deployment: &Deployment, targets: &[Target], current: &CurrentRevision) {
        let brought_current = current.is_of(deployment);
        for target in targets {
            let Some(i) = self.undecided.iter().position(|instance_id| target.target_id == *instance_id) else {
                continue;
            };
            match Evidence::of(Some(target), brought_current) {
                Evidence::UpToDate => self.up_to_date.push(self.undecided.swap_remove(i)),
                Evidence::AtWork | Evidence::Outdated => self.outdated.push(self.undecided.swap_remove(i)),
                Evidence::None => {}
            }
        }
    }

    /// There are no older deployments: none has ever touched those that are left.
    pub fn has_no_older(&mut self) {
        self.outdated.append(&mut self.undecided);
    }

    /// The same, each list in order.
    pub fn sorted(mut self) -> Self {
        for list in [&mut self.up_to_date, &mut self.outdated, &mut self.undecided] {
            list.sort();
        }
        self
    }
}
