//! Alarms that stop deployments, and deployments that are rolled back.

use std::collections::HashSet;

use super::course::Order;
use super::deployment::{Creator, DeploymentStatus, Stop};
use crate::refusal::Refusal;
use crate::setting::AutoRollbackEvent;
use crate::simulation::Simulation;

impl Simulation {
    /// An alarm of CloudWatch goes on or off. On, it stops the deployments of the groups that name it, and those that are created until it goes
    /// off again (CodeDeploy user guide, "Monitoring deployments with CloudWatch alarms").
    pub(crate) fn set_alarm(&mut self, name: &str, is_on: bool) -> Result<(), Refusal> {
        if !self.groups.iter().any(|group| group.setting.alarms.iter().any(|alarm| alarm == name)) {
            return Err(Refusal::new("ResourceNotFound", format!("No deployment group has an alarm {name}")));
        }
        if !is_on {
            self.alarms_on.remove(name);
            return Ok(());
        }
        self.alarms_on.insert(name.to_owned());
        for deployment in 0..self.deployments.len() {
            let under_way = &self.deployments[deployment];
            let has_begun = matches!(under_way.status, DeploymentStatus::InProgress | DeploymentStatus::Baking);
            if has_begun && !under_way.is_stopped() && self.has_alarm(deployment) {
                self.stop(deployment, Stop::Alarm);
            }
        }
        Ok(())
    }

    /// Whether an alarm is on that stops the deployment.
    pub(super) fn has_alarm(&self, deployment: usize) -> bool {
        self.deployments[deployment].alarms.iter().any(|alarm| self.alarms_on.contains(alarm))
    }

    /// A deployment has ended: another one undoes it, if its configuration says so for such an end, by bringing the revision of the group's last
    /// successful deployment (CodeDeploy user guide, "Redeploy and roll back a deployment with CodeDeploy").
    ///
    /// That it reaches the instances of the one that it undoes, and no others, that neither it nor another deployment of CodeDeploy's own is rolled
    /// back, and that no alarm stops it, are assumptions.
    pub(super) fn roll_back(&mut self, deployment: usize) {
        let ended = &self.deployments[deployment];
        let event = match (ended.status, ended.stopping) {
            (DeploymentStatus::Failed, _) => AutoRollbackEvent::DeploymentFailure,
            (DeploymentStatus::Stopped, Some(Stop::Alarm)) => AutoRollbackEvent::DeploymentStopOnAlarm,
            (DeploymentStatus::Stopped, _) => AutoRollbackEvent::DeploymentStopOnRequest,
            _ => return,
        };
        let is_wanted = match ended.stopping {
            Some(Stop::Request { rolls_back: Some(rolls_back) }) => rolls_back,
            _ => ended.auto_rollback.is_for(event),
        };
        let Some(revision) = self.groups[ended.group].current_revision().cloned() else { return };
        if is_wanted && !self.members_of_targets(deployment).is_empty() {
            let order = self.order(ended.group, revision, Creator::Rollback { of: deployment });
            let rollback = self.create(Order { alarms: Vec::new(), ..order });
            self.deployments[deployment].rolled_back_by = Some(rollback);
        }
    }

    /// The instances of a deployment's targets that still belong to its group.
    pub(super) fn members_of_targets(&self, deployment: usize) -> Vec<usize> {
        let deployed = &self.deployments[deployment];
        let of_targets: HashSet<usize> = deployed.targets.iter().map(|target| target.instance).collect();
        self.members(deployed.group).into_iter().filter(|instance| of_targets.contains(instance)).collect()
    }
}
