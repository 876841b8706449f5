//! Deployments that CodeDeploy starts itself.

use super::course::Order;
use super::deployment::{Creator, DeploymentStatus, Mode};
use super::health::MinimumHealthyHosts;
use crate::setting::{AutoRollbackConfiguration, HookResult, OutdatedInstancesStrategy, Revision};
use crate::simulation::Simulation;

/// An instance waits at CodeDeploy's own hook while its deployment group is busy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WaitingLaunch {
    group: usize,
    action: usize,
}

/// An instance waits to leave service while its deployment group is busy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WaitingTermination {
    group: usize,
    instance: usize,
}

impl Simulation {
    /// CodeDeploy hears of an instance waiting at its own hook: it deploys to that instance at once, or when the deployment group
    /// has no other deployment any more. A group that was never deployed to lets the instance in.
    pub(crate) fn deploy_at_launch(&mut self, group: usize, action: usize) {
        if self.active_deployment(group).is_some() {
            self.waiting_launches.push(WaitingLaunch { group, action });
            return;
        }
        let Some(revision) = self.groups[group].current_revision().cloned() else {
            return self.complete_managed(action, HookResult::Continue);
        };
        let instance = self.actions[action].instance;
        let creator = Creator::AutoScaling { action, instance };
        let mut order = self.order(group, revision, creator);
        // It is to that instance alone, whatever the group's configuration says of the others.
        order.minimum_healthy_hosts = MinimumHealthyHosts::HostCount(0);
        self.create(order);
    }

    /// CodeDeploy hears of an instance that leaves service: it stops the application there, at once or when the deployment group has no other
    /// deployment any more. Where nothing was ever deployed there is nothing to stop.
    pub(crate) fn deploy_at_termination(&mut self, group: usize, instance: usize) {
        if self.active_deployment(group).is_some() {
            self.waiting_terminations.push(WaitingTermination { group, instance });
            return;
        }
        let Some(revision) = self.groups[group].current_revision().cloned() else {
            return self.termination_hook_over(instance);
        };
        let order = self.order(group, revision, Creator::Termination { instance });
        let minimum_healthy_hosts = MinimumHealthyHosts::HostCount(0);
        self.create(Order { mode: Mode::Termination, minimum_healthy_hosts, alarms: Vec::new(), ..order });
    }

    /// After a deployment: the launches and the terminations that waited for it, then the instances that appeared during it.
    pub(super) fn follow_up(&mut self, deployment: usize) {
        let group = self.deployments[deployment].group;
        while self.active_deployment(group).is_none()
            && let Some(next) = self.waiting_launches.iter().position(|waiting| waiting.group == group)
        {
            let waiting = self.waiting_launches.remove(next);
            if self.actions[waiting.action].is_open() {
                self.deploy_at_launch(group, waiting.action);
            }
        }
        while self.active_deployment(group).is_none()
            && let Some(next) = self.waiting_terminations.iter().position(|waiting| waiting.group == group)
        {
            let waiting = self.waiting_terminations.remove(next);
            self.deploy_at_termination(group, waiting.instance);
        }
        if self.active_deployment(group).is_none() {
            self.update_what_appeared_during(deployment);
        }
    }

    /// The deployment group's `outdatedInstancesStrategy` (API reference, `CreateDeploymentGroup`).
    fn update_what_appeared_during(&mut self, deployment: usize) {
        let ended = &self.deployments[deployment];
        let group = ended.group;
        let strategy = self.groups[group].setting.outdated_instances_strategy;
        let applies = strategy == OutdatedInstancesStrategy::Update
            && ended.status == DeploymentStatus::Succeeded
            && ended.installs()
            && matches!(ended.creator, Creator::Call | Creator::Person);
        let appeared =
            |&instance: &usize| !ended.fleet.contains(&instance) && self.is_outdated(group, instance, &ended.revision);
        if applies && self.members(group).iter().any(appeared) {
            let revision = ended.revision.clone();
            let order = Order { outdated_only: true, ..self.order(group, revision, Creator::AutoUpdate) };
            self.create(order);
        }
    }

    pub(super) fn order(&self, group: usize, revision: Revision, creator: Creator) -> Order {
        let config_name = self.groups[group].setting.deployment_config_name.clone();
        Order {
            group,
            revision,
            minimum_healthy_hosts: self.config(&config_name).expect("a checked setting has its configurations"),
            config_name,
            creator,
            mode: Mode::Standard,
            description: None,
            outdated_only: false,
            ignore_stop_failures: false,
            file_exists_behavior: "DISALLOW".to_owned(),
            auto_rollback: AutoRollbackConfiguration::default(),
            alarms: self.groups[group].setting.alarms.clone(),
        }
    }
}
