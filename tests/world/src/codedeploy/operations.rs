//! The operations that start and stop deployments.

use serde_json::{Value, json};

use super::course::Order;
use super::deployment::{Creator, Deployment, Mode, Stop};
use super::inputs::{CreateDeployment, StopDeployment};
use crate::refusal::Refusal;
use crate::report::Effect;
use crate::setting::{ComputePlatform, DeploymentType, NothingOutdated, Revision};
use crate::simulation::Simulation;

/// The longest `description` (API reference, `CreateDeployment`).
const DESCRIPTION_LIMIT: usize = 256;

impl Simulation {
    pub(super) fn create_deployment(&mut self, input: CreateDeployment) -> Result<Value, Refusal> {
        let order = self.order_from(input, Creator::Call)?;
        let deployment = self.create(order);
        let deployment_id = self.deployments[deployment].id.clone();
        self.effect = Some(Effect::DeploymentCreated { deployment_id });
        self.check_repetition(deployment);
        Ok(json!({"deploymentId": self.deployments[deployment].id}))
    }

    /// A person restarts what is installed.
    pub(crate) fn restart_by_hand(&mut self, application_name: &str, group_name: &str) -> Result<String, Refusal> {
        let input = CreateDeployment {
            application_name: Some(application_name.to_owned()),
            deployment_group_name: Some(group_name.to_owned()),
            deployment_mode: Some("RESTART".to_owned()),
            ..CreateDeployment::default()
        };
        let order = self.order_from(input, Creator::Person)?;
        let deployment = self.create(order);
        Ok(self.deployments[deployment].id.clone())
    }

    /// A person's deployment.
    pub(crate) fn deploy_by_hand(
        &mut self,
        application_name: &str,
        group_name: &str,
        revision: Option<Revision>,
    ) -> Result<String, Refusal> {
        let input = CreateDeployment {
            application_name: Some(application_name.to_owned()),
            deployment_group_name: Some(group_name.to_owned()),
            revision: revision.map(|revision| json!(revision)),
            ..CreateDeployment::default()
        };
        let order = self.order_from(input, Creator::Person)?;
        let deployment = self.create(order);
        Ok(self.deployments[deployment].id.clone())
    }

    pub(crate) fn stop_by_hand(&mut self, deployment_id: &str) -> Result<(), Refusal> {
        let deployment = self.deployment(Some(deployment_id))?;
        self.require_active(deployment)?;
        self.stop(deployment, Stop::Request { rolls_back: None });
        Ok(())
    }

    /// What a call asks for, if it can be had.
    fn order_from(&self, input: CreateDeployment, creator: Creator) -> Result<Order, Refusal> {
        let group = self.group_of(input.application_name.as_deref(), input.deployment_group_name.as_deref())?;
        let setting = &self.groups[group].setting;
        if input.description.as_ref().is_some_and(|text| text.chars().count() > DESCRIPTION_LIMIT) {
            let message = format!("The description is longer than {DESCRIPTION_LIMIT} characters");
            return Err(Refusal::new("DescriptionTooLongException", message));
        }
        let file_exists_behavior = input.file_exists_behavior.unwrap_or_else(|| "DISALLOW".to_owned());
        if !["DISALLOW", "OVERWRITE", "RETAIN"].contains(&file_exists_behavior.as_str()) {
            let message = format!("Unknown file exists behavior: {file_exists_behavior}");
            return Err(Refusal::new("InvalidFileExistsBehaviorException", message));
        }
        if setting.compute_platform != ComputePlatform::Server {
            let message = "The world deploys to groups of the Server compute platform only";
            return Err(Refusal::new("InvalidComputePlatformException", message));
        }
        if setting.deployment_type != DeploymentType::InPlace {
            return Err(Refusal::new("InvalidInputException", "The world deploys in place only"));
        }
        if input.target_instances.is_some() {
            let message = "targetInstances is for the replacement environment of a blue/green deployment";
            return Err(Refusal::new("InvalidTargetInstancesException", message));
        }
        let restarts = match input.deployment_mode.as_deref() {
            None | Some("STANDARD") => false,
            Some("RESTART") => true,
            Some(other) => return Err(Refusal::new("InvalidInputException", format!("Unknown mode: {other}"))),
        };
        let revision = match restarts {
            false => self.revision_of(group, input.revision)?,
            // Which error these get is not documented.
            true if input.revision.is_some() || input.update_outdated_instances_only => {
                let message = "A restart takes neither a revision nor updateOutdatedInstancesOnly";
                return Err(Refusal::new("InvalidInputException", message));
            }
            true => self.groups[group].current_revision().cloned().ok_or_else(no_revision)?,
        };
        let config_name = input.deployment_config_name.unwrap_or_else(|| setting.deployment_config_name.clone());
        let minimum_healthy_hosts = self.config(&config_name).ok_or_else(|| no_such_config(&config_name))?;
        self.check_slot(group)?;
        self.check_account_limit()?;
        let outdated_only = input.update_outdated_instances_only;
        if outdated_only && self.setting.open_facts.nothing_outdated == NothingOutdated::Exception {
            self.check_outdated(group, &revision)?;
        }
        Ok(Order {
            group,
            revision,
            config_name,
            minimum_healthy_hosts,
            creator,
            mode: if restarts { Mode::Restart } else { Mode::Standard },
            description: input.description,
            outdated_only,
            ignore_stop_failures: input.ignore_application_stop_failures,
            file_exists_behavior,
            auto_rollback: input
                .auto_rollback_configuration
                .unwrap_or_else(|| setting.auto_rollback_configuration.clone()),
            alarms: match input.override_alarm_configuration {
                Some(own) if own.enabled => own.alarms.into_iter().map(|alarm| alarm.name).collect(),
                Some(_) => Vec::new(),
                None => setting.alarms.clone(),
            },
        })
    }

    /// The revision that a call names, else the group's: that is not documented, but scripts that name none get it.
    fn revision_of(&self, group: usize, given: Option<Value>) -> Result<Revision, Refusal> {
        match given {
            Some(revision) => serde_json::from_value(revision)
                .map_err(|error| Refusal::new("InvalidRevisionException", format!("The revision is invalid: {error}"))),
            None => self.groups[group].target_revision.clone().ok_or_else(no_revision),
        }
    }

    /// One active deployment in a deployment group.
    fn check_slot(&self, group: usize) -> Result<(), Refusal> {
        let Some(active) = self.active_deployment(group) else { return Ok(()) };
        let name = &self.groups[group].setting.deployment_group_name;
        let message = if self.setting.open_facts.limit_message_names_deployment {
            format!("The Deployment Group '{name}' already has an active Deployment '{}'", self.deployments[active].id)
        } else {
            format!("The Deployment Group '{name}' already has an active Deployment")
        };
        Err(Refusal::new("DeploymentLimitExceededException", message))
    }

    /// So many active deployments in the account: the same error code, and a text that names no deployment (API reference, `CreateDeployment`).
    fn check_account_limit(&self) -> Result<(), Refusal> {
        let active = self.deployments.iter().filter(|deployment| deployment.is_active()).count();
        match self.setting.max_concurrent_deployments {
            Some(most) if active >= most => {
                Err(Refusal::new("DeploymentLimitExceededException", "The number of allowed deployments was exceeded."))
            }
            _ => Ok(()),
        }
    }

    fn check_outdated(&self, group: usize, revision: &Revision) -> Result<(), Refusal> {
        let members = self.members(group);
        if members.is_empty() || members.iter().any(|&instance| self.is_outdated(group, instance, revision)) {
            return Ok(());
        }
        let exception = self.setting.open_facts.nothing_outdated_exception.clone();
        Err(Refusal::new(exception.code, exception.message))
    }

    pub(super) fn stop_deployment(&mut self, input: StopDeployment) -> Result<Value, Refusal> {
        let deployment = self.deployment(input.deployment_id.as_deref())?;
        self.require_active(deployment)?;
        self.check_stop(deployment);
        self.stop(deployment, Stop::Request { rolls_back: input.auto_rollback_enabled });
        let deployment_id = self.deployments[deployment].id.clone();
        self.effect = Some(Effect::DeploymentStopped { deployment_id });
        Ok(if self.deployments[deployment].status.is_active() {
            json!({"status": "Pending", "statusMessage": "Stopping deployment"})
        } else {
            json!({"status": "Succeeded", "statusMessage": "Deployment stopped"})
        })
    }

    fn require_active(&self, deployment: usize) -> Result<(), Refusal> {
        let Deployment { id, status, .. } = &self.deployments[deployment];
        match status.is_active() {
            true => Ok(()),
            false => {
                let message = format!("The deployment {id} has already completed");
                Err(Refusal::new("DeploymentAlreadyCompletedException", message))
            }
        }
    }

    /// The deployment group a call names, or what is wrong with the names.
    pub(super) fn group_of(&self, application: Option<&str>, group: Option<&str>) -> Result<usize, Refusal> {
        let application = application_name(application)?;
        let group = group.filter(|name| !name.is_empty()).ok_or_else(|| {
            Refusal::new("DeploymentGroupNameRequiredException", "The deployment group name is required")
        })?;
        if !is_name(group) {
            let message = format!("The deployment group name is invalid: {group}");
            return Err(Refusal::new("InvalidDeploymentGroupNameException", message));
        }
        self.deployment_group(application, group)
    }

    /// The deployment a call names, or what is wrong with the id.
    pub(super) fn deployment(&self, id: Option<&str>) -> Result<usize, Refusal> {
        let id = deployment_id(id)?;
        self.deployments.iter().position(|deployment| deployment.id == id).ok_or_else(|| {
            Refusal::new("DeploymentDoesNotExistException", format!("The deployment {id} could not be found"))
        })
    }
}

fn no_revision() -> Refusal {
    Refusal::new("RevisionRequiredException", "The revision is required")
}

pub(super) fn no_such_config(name: &str) -> Refusal {
    Refusal::new("DeploymentConfigDoesNotExistException", format!("No Deployment Config found for name: {name}"))
}

pub(super) fn application_name(name: Option<&str>) -> Result<&str, Refusal> {
    let name = name
        .filter(|name| !name.is_empty())
        .ok_or_else(|| Refusal::new("ApplicationNameRequiredException", "The application name is required"))?;
    if is_name(name) {
        return Ok(name);
    }
    Err(Refusal::new("InvalidApplicationNameException", format!("The application name is invalid: {name}")))
}

pub(super) fn deployment_id(id: Option<&str>) -> Result<&str, Refusal> {
    let id = id
        .filter(|id| !id.is_empty())
        .ok_or_else(|| Refusal::new("DeploymentIdRequiredException", "The deployment id is required"))?;
    if id.strip_prefix("d-").is_some_and(|rest| rest.len() == 9 && rest.bytes().all(|b| b.is_ascii_alphanumeric())) {
        return Ok(id);
    }
    Err(Refusal::new("InvalidDeploymentIdException", format!("The deployment id is invalid: {id}")))
}

/// Names of applications and deployment groups have 1 to 100 characters (API reference).
fn is_name(text: &str) -> bool {
    (1..=100).contains(&text.chars().count())
}
