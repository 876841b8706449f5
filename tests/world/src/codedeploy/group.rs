//! Deployment groups and the instances that belong to them.

use super::deployment::{Creator, Deployment, DeploymentStatus, Diagnostics, Mode, Status, Target};
use super::health::{MinimumHealthyHosts, Turn};
use crate::autoscaling::Hook;
use crate::instance::{Instance, LifecycleState};
use crate::refusal::Refusal;
use crate::setting::{ApplicationSetting, AutoRollbackConfiguration, Revision, TagFilter, is_gate};
use crate::simulation::Simulation;

/// The last deployment before the world began ended so long before.
const HISTORY_SECONDS: f64 = 3600.0;

#[derive(Debug)]
pub(crate) struct DeploymentGroup {
    pub(crate) id: String,
    pub(super) application_id: String,
    pub(crate) setting: ApplicationSetting,
    /// Of its selection.
    tag_groups: Vec<Vec<TagFilter>>,
    /// It reaches no instance whose gate is at another deployment group, or shut.
    pub(crate) is_gated: bool,
    /// The revisions of the deployments that have succeeded, after the setting's, each with the time since when it is the current one.
    currents: Vec<(f64, Revision)>,
    /// What `GetDeploymentGroup` calls so.
    pub(crate) target_revision: Option<Revision>,
    /// Targets that failed as the setting's failure says.
    pub(super) failures: u32,
    pub(super) is_deleted: bool,
}

impl DeploymentGroup {
    /// The revision of the last deployment that has succeeded, else the setting's.
    pub(crate) fn current_revision(&self) -> Option<&Revision> {
        self.currents.last().map(|(_, revision)| revision)
    }

    /// Whether a revision is the current one, or has been at some moment since this time.
    pub(crate) fn was_current(&self, revision: &Revision, since: f64) -> bool {
        let replaced_at = self.currents.iter().skip(1).map(|&(at, _)| at).chain([f64::INFINITY]);
        self.currents.iter().zip(replaced_at).any(|((_, current), until)| current == revision && until > since)
    }

    pub(super) fn succeeds(&mut self, revision: Revision, now: f64) {
        self.currents.push((now, revision));
    }
}

impl Simulation {
    pub(crate) fn set_up_deployment_groups(&mut self) {
        for index in 0..self.setting.applications.len() {
            let setting = self.setting.applications[index].clone();
            let same_application =
                self.groups.iter().find(|group| group.setting.application_name == setting.application_name);
            let application_id = match same_application {
                Some(group) => group.application_id.clone(),
                None => self.random_uuid(),
            };
            let id = self.random_uuid();
            self.groups.push(DeploymentGroup {
                id,
                application_id,
                currents: setting.revision.clone().map(|revision| (f64::NEG_INFINITY, revision)).into_iter().collect(),
                target_revision: setting.revision.clone(),
                failures: 0,
                tag_groups: setting.selection.tag_groups(),
                is_gated: setting.selection.is_gated(&self.setting.gate_key, &setting.short_form()),
                is_deleted: false,
                setting,
            });
            self.install_managed_hooks(index);
            self.remember_past(index);
        }
    }

    /// On-premises instances, each of the deployment groups that name it. Their agents answer, and they are there for good.
    pub(crate) fn set_up_on_premises(&mut self) {
        for (group, setting) in self.setting.applications.clone().iter().enumerate() {
            for name in &setting.on_premises_instances {
                let known = self.instances.iter().position(|instance| instance.id == *name);
                let instance = known.unwrap_or_else(|| {
                    self.instances.push(Instance::on_premises(name));
                    self.instances.len() - 1
                });
                self.instances[instance].on_premises_of.insert(group);
            }
        }
    }

    fn install_managed_hooks(&mut self, group: usize) {
        let setting = &self.groups[group].setting;
        let names = setting.selection.auto_scaling_groups.clone();
        let (launches, terminations) = (setting.has_managed_hooks(), setting.termination_hook_enabled);
        let group_name = setting.deployment_group_name.clone();
        for scaling_group in 0..self.scaling_groups.len() {
            if !names.contains(&self.scaling_groups[scaling_group].name) {
                continue;
            }
            if launches {
                let hook = Hook::managed(group, &group_name, &self.random_uuid());
                self.scaling_groups[scaling_group].hooks.push(hook);
            }
            if terminations {
                let hook = Hook::managed_termination(group, &group_name, &self.random_uuid());
                self.scaling_groups[scaling_group].hooks.push(hook);
            }
        }
    }

    /// The instances there are have the group's revision, and the deployment that brought it is on record. Whoever the group selects was a member
    /// then, whether its gate is open now or not.
    fn remember_past(&mut self, group: usize) {
        let Some(revision) = self.groups[group].setting.revision.clone() else { return };
        let (key, name) = (&self.setting.gate_key, self.groups[group].setting.short_form());
        let but_the_gate: Vec<&Vec<TagFilter>> =
            self.groups[group].tag_groups.iter().filter(|filters| !is_gate(filters, key, &name)).collect();
        let members: Vec<usize> =
            (0..self.instances.len()).filter(|&instance| self.is_member(group, instance, &but_the_gate)).collect();
        for &member in &members {
            self.instances[member].installed.insert(group, revision.clone());
        }
        let Some(seconds) = self.groups[group].setting.previous_deployment_seconds else { return };
        let started_at = -HISTORY_SECONDS - seconds;
        let targets = members.iter().map(|&instance| past_target(instance, started_at)).collect();
        let config_name = self.groups[group].setting.deployment_config_name.clone();
        let deployment = Deployment {
            id: self.new_deployment_id(),
            group,
            revision,
            previous_revision: None,
            minimum_healthy_hosts: self.config(&config_name).expect("a checked setting has its configurations"),
            config_name,
            creator: Creator::Person,
            mode: Mode::Standard,
            description: None,
            outdated_only: false,
            ignore_stop_failures: false,
            file_exists_behavior: "DISALLOW".to_owned(),
            status: DeploymentStatus::Succeeded,
            error: None,
            created_at: started_at,
            sent_at: started_at,
            started_at: Some(started_at),
            ended_at: Some(-HISTORY_SECONDS),
            stopping: None,
            auto_rollback: AutoRollbackConfiguration::default(),
            alarms: Vec::new(),
            rolled_back_by: None,
            looked_at: None,
            newer_at_creation: None,
            chosen: members.clone(),
            fleet: members,
            targets,
        };
        self.deployments.push(deployment);
    }

    /// The group's newest deployment, as answers know it.
    pub(super) fn last_attempted(&self, group: usize) -> Option<usize> {
        self.newest(group, |deployment| self.is_read(deployment.created_at))
    }

    /// The group's newest deployment that has succeeded, as answers know it.
    pub(crate) fn last_successful(&self, group: usize) -> Option<usize> {
        let has_succeeded = |deployment: &Deployment| {
            deployment.status == DeploymentStatus::Succeeded && deployment.ended_at.is_some_and(|at| self.is_read(at))
        };
        self.newest(group, has_succeeded)
    }

    fn newest(&self, group: usize, is_so: impl Fn(&Deployment) -> bool) -> Option<usize> {
        self.deployments.iter().rposition(|deployment| deployment.group == group && is_so(deployment))
    }

    pub(super) fn new_deployment_id(&mut self) -> String {
        format!("d-{}", self.random_text(9, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"))
    }

    /// The instances that a deployment to the group now reaches, in the order of their launch.
    pub(super) fn members(&self, group: usize) -> Vec<usize> {
        let tag_groups: Vec<&Vec<TagFilter>> = self.groups[group].tag_groups.iter().collect();
        (0..self.instances.len()).filter(|&instance| self.is_member(group, instance, &tag_groups)).collect()
    }

    /// Whether a group that selects by these tag groups, and by its Auto Scaling groups, selects an instance. Tags are what CodeDeploy sees of them:
    /// [`OpenFacts::tags_seen_after_seconds`](crate::OpenFacts::tags_seen_after_seconds). It attempts stopped instances too (user guide,
    /// "Integrating CodeDeploy with Amazon EC2 Auto Scaling", of warm pools).
    fn is_member(&self, group: usize, instance: usize, tag_groups: &[&Vec<TagFilter>]) -> bool {
        let instance = &self.instances[instance];
        let Some(scaling_group) = instance.group else { return instance.on_premises_of.contains(&group) };
        let is_stopped = instance.state == LifecycleState::WarmedStopped;
        let seen_at = self.now() - self.setting.open_facts.tags_seen_after_seconds;
        let has_tags = !self.groups[group].tag_groups.is_empty()
            && tag_groups.iter().all(|filters| filters.iter().any(|filter| filter.matches(&instance.tags, seen_at)));
        if has_tags && (instance.is_running() || is_stopped) {
            return true;
        }
        let waits = instance.is_running() && instance.is_living() && !instance.is_retained();
        let reached = instance.state == LifecycleState::InService
            || (self.setting.open_facts.auto_scaling_selection_reaches_pending_wait && waits);
        let names = &self.groups[group].setting.selection.auto_scaling_groups;
        (reached || is_stopped) && names.contains(&self.scaling_groups[scaling_group].name)
    }

    /// Whether the instance's last successful deployment of the group had another revision, or there was none. See
    /// [`OpenFacts::outdated_by_last_success`](crate::OpenFacts::outdated_by_last_success).
    pub(super) fn is_outdated(&self, group: usize, instance: usize, revision: &Revision) -> bool {
        let instance = &self.instances[instance];
        let failed_last = instance.last_failed.contains(&group) && !self.setting.open_facts.outdated_by_last_success;
        instance.installed.get(&group) != Some(revision) || failed_last
    }

    /// When the instance's turn comes in a deployment of the group.
    pub(super) fn turn(&self, group: usize, instance: usize) -> Turn {
        let instance = &self.instances[instance];
        Turn::of(
            instance.installed.get(&group),
            instance.last_failed.contains(&group),
            self.groups[group].current_revision(),
        )
    }

    pub(super) fn active_deployment(&self, group: usize) -> Option<usize> {
        self.deployments.iter().position(|deployment| deployment.group == group && deployment.is_active())
    }

    pub(super) fn config(&self, name: &str) -> Option<MinimumHealthyHosts> {
        MinimumHealthyHosts::predefined(name).or_else(|| {
            let custom = self.setting.deployment_configs.iter().find(|config| config.deployment_config_name == name);
            custom.map(|config| config.minimum_healthy_hosts.into())
        })
    }

    pub(super) fn deployment_group(&self, application_name: &str, group_name: &str) -> Result<usize, Refusal> {
        self.application_groups(application_name)?
            .into_iter()
            .find(|&group| self.groups[group].setting.deployment_group_name == group_name)
            .ok_or_else(|| {
                let message = format!("No Deployment Group found for name: {group_name}");
                Refusal::new("DeploymentGroupDoesNotExistException", message)
            })
    }

    /// The deployment groups of an application. It exists if it has one.
    pub(super) fn application_groups(&self, application_name: &str) -> Result<Vec<usize>, Refusal> {
        let groups: Vec<usize> = (0..self.groups.len())
            .filter(|&group| self.groups[group].setting.application_name == application_name)
            .filter(|&group| !self.groups[group].is_deleted)
            .collect();
        if groups.is_empty() {
            let message = format!("No application found for name: {application_name}");
            return Err(Refusal::new("ApplicationDoesNotExistException", message));
        }
        Ok(groups)
    }
}

fn past_target(instance: usize, started_at: f64) -> Target {
    let mut target = Target::new(instance, Mode::Standard, started_at);
    for event in &mut target.events {
        event.started_at = Some(started_at);
        event.end(-HISTORY_SECONDS, Diagnostics::success());
    }
    target.end(Status::Succeeded, -HISTORY_SECONDS);
    target
}
