//! The API model's structures, filled from the simulation. Absent members are left out.

use serde_json::{Map, Value, json};

use super::deployment::{Creator, Diagnostics, LifecycleEvent, Mode, Status, Target};
use super::health::MinimumHealthyHosts;
use crate::autoscaling::{Hook, Transition};
use crate::setting::DeploymentType;
use crate::simulation::Simulation;

impl Simulation {
    /// `DeploymentInfo`
    pub(super) fn deployment_info(&self, index: usize) -> Value {
        let deployment = &self.deployments[index];
        let group = &self.groups[deployment.group].setting;
        let started = deployment.started_at.is_some();
        let overview = json!({
            "Pending": deployment.count(Status::Pending),
            "InProgress": deployment.count(Status::InProgress),
            "Succeeded": deployment.count(Status::Succeeded),
            "Failed": deployment.count(Status::Failed),
            "Skipped": deployment.count(Status::Skipped),
            "Ready": 0,
        });
        let names_revision = deployment.installs() || self.setting.open_facts.restart_names_revision;
        let rollback = without_nulls(json!({
            "rollbackDeploymentId": deployment.rolled_back_by.map(|by| &self.deployments[by].id),
            "rollbackTriggeringDeploymentId": match deployment.creator {
                Creator::Rollback { of } => Some(&self.deployments[of].id),
                _ => None,
            },
        }));
        let error = deployment.error.map(|error| json!({"code": error.code(), "message": error.message()}));
        without_nulls(json!({
            "applicationName": group.application_name,
            "deploymentGroupName": group.deployment_group_name,
            "deploymentConfigName": deployment.config_name,
            "deploymentId": deployment.id,
            "previousRevision": deployment.previous_revision,
            "revision": names_revision.then_some(&deployment.revision),
            "deploymentMode": (deployment.mode == Mode::Restart).then_some("RESTART"),
            "status": deployment.status.as_str(),
            "errorInformation": error,
            "createTime": self.on_the_wire(deployment.created_at),
            "startTime": deployment.started_at.map(|time| self.on_the_wire(time)),
            "completeTime": deployment.ended_at.map(|time| self.on_the_wire(time)),
            "deploymentOverview": started.then_some(overview),
            "description": deployment.description,
            "creator": deployment.creator.as_str(),
            "ignoreApplicationStopFailures": deployment.ignore_stop_failures,
            "updateOutdatedInstancesOnly": deployment.outdated_only,
            "autoRollbackConfiguration": deployment.auto_rollback,
            "rollbackInfo": (rollback != json!({})).then_some(rollback),
            "deploymentStyle": {"deploymentType": DeploymentType::InPlace, "deploymentOption": "WITHOUT_TRAFFIC_CONTROL"},
            "instanceTerminationWaitTimeStarted": false,
            "fileExistsBehavior": deployment.file_exists_behavior,
            "deploymentStatusMessages": [],
            "computePlatform": "Server",
        }))
    }

    /// `DeploymentGroupInfo`
    pub(super) fn group_info(&self, index: usize) -> Value {
        let group = &self.groups[index];
        let setting = &group.setting;
        let by_name = |name| json!({"Key": "Name", "Value": name, "Type": "KEY_AND_VALUE"});
        let on_premises: Vec<Value> = setting.on_premises_instances.iter().map(by_name).collect();
        let alarms: Vec<Value> = setting.alarms.iter().map(|name| json!({"name": name})).collect();
        let mut info = json!({
            "applicationName": setting.application_name,
            "deploymentGroupId": group.id,
            "deploymentGroupName": setting.deployment_group_name,
            "deploymentConfigName": setting.deployment_config_name,
            "autoScalingGroups": [],
            "ec2TagFilters": [],
            "onPremisesInstanceTagFilters": on_premises,
            "serviceRoleArn": format!("arn:aws:iam::{}:role/CodeDeployServiceRole", self.setting.account),
            "targetRevision": group.target_revision,
            "triggerConfigurations": [],
            "deploymentStyle": {"deploymentType": setting.deployment_type, "deploymentOption": "WITHOUT_TRAFFIC_CONTROL"},
            "outdatedInstancesStrategy": setting.outdated_instances_strategy,
            "autoRollbackConfiguration": setting.auto_rollback_configuration,
            "alarmConfiguration": {"enabled": !alarms.is_empty(), "ignorePollAlarmFailure": false, "alarms": alarms},
            "computePlatform": setting.compute_platform,
            "lastSuccessfulDeployment": self.last_successful(index).map(|last| self.last_deployment_info(last)),
            "lastAttemptedDeployment": self.last_attempted(index).map(|last| self.last_deployment_info(last)),
            "terminationHookEnabled": setting.termination_hook_enabled,
        });
        let selection = &setting.selection;
        let names = &selection.auto_scaling_groups;
        info["autoScalingGroups"] = names.iter().map(|name| self.scaling_group_info(index, name)).collect();
        // A group that was made with one form of filters is answered in that form.
        if !selection.ec2_tag_filters.is_empty() {
            info["ec2TagFilters"] = json!(selection.ec2_tag_filters);
        } else if names.is_empty() || !selection.tag_groups().is_empty() {
            info["ec2TagSet"] = json!({"ec2TagSetList": selection.tag_groups()});
        }
        without_nulls(info)
    }

    /// CodeDeploy's `AutoScalingGroup`: the group's name and CodeDeploy's own hooks on it.
    fn scaling_group_info(&self, group: usize, name: &str) -> Value {
        let scaling_group = self.scaling_groups.iter().find(|scaling_group| scaling_group.name == name);
        let hooks = scaling_group.into_iter().flat_map(|scaling_group| &scaling_group.hooks);
        let own: Vec<&Hook> = hooks.filter(|hook| hook.deployment_group == Some(group)).collect();
        let of = |transition| own.iter().find(|hook| hook.transition == transition).map(|hook| &hook.name);
        let (launch, termination) = (of(Transition::Launching), of(Transition::Terminating));
        without_nulls(json!({"name": name, "hook": launch, "terminationHook": termination}))
    }

    /// `LastDeploymentInfo`
    fn last_deployment_info(&self, index: usize) -> Value {
        let deployment = &self.deployments[index];
        without_nulls(json!({
            "deploymentId": deployment.id,
            "status": deployment.status.as_str(),
            "createTime": self.on_the_wire(deployment.created_at),
            "endTime": deployment.ended_at.map(|time| self.on_the_wire(time)),
        }))
    }

    /// `ApplicationInfo`
    pub(super) fn application_info(&self, group: usize) -> Value {
        let group = &self.groups[group];
        json!({
            "applicationId": group.application_id,
            "applicationName": group.setting.application_name,
            "createTime": self.on_the_wire(0.0),
            "linkedToGitHub": false,
            "computePlatform": group.setting.compute_platform,
        })
    }

    /// `DeploymentConfigInfo`
    pub(super) fn config_info(&self, name: &str, rule: MinimumHealthyHosts) -> Value {
        let (kind, value) = match rule {
            MinimumHealthyHosts::HostCount(value) => ("HOST_COUNT", value),
            MinimumHealthyHosts::FleetPercent(value) => ("FLEET_PERCENT", value),
            MinimumHealthyHosts::MostConcurrency(value) => ("MOST_CONCURRENCY", value),
        };
        json!({
            "deploymentConfigName": name,
            "minimumHealthyHosts": {"type": kind, "value": value},
            "createTime": self.on_the_wire(0.0),
            "computePlatform": "Server",
        })
    }

    /// `DeploymentTarget`
    pub(super) fn target_info(&self, deployment: usize, target: usize) -> Value {
        let deployment = &self.deployments[deployment];
        let target = &deployment.targets[target];
        let id = &self.instances[target.instance].id;
        let status = self.read_status(target);
        let events: Vec<Value> = target.events.iter().map(|event| self.lifecycle_event(event, status)).collect();
        json!({
            "deploymentTargetType": "InstanceTarget",
            "instanceTarget": {
                "deploymentId": deployment.id,
                "targetId": id,
                "targetArn": self.target_arn(target.instance),
                "status": status.as_str(),
                "lastUpdatedAt": self.on_the_wire(target.updated_at),
                "lifecycleEvents": events,
            },
        })
    }

    /// The status of a target as answers know it.
    fn read_status(&self, target: &Target) -> Status {
        let known = target.changes.iter().rev().find(|(at, _)| self.is_read(*at));
        known.map_or(Status::Pending, |&(_, status)| status)
    }

    /// A lifecycle event as answers know it, of a target whose status they know.
    fn lifecycle_event(&self, event: &LifecycleEvent, of_target: Status) -> Value {
        let started_at = event.started_at.filter(|&at| self.is_read(at));
        let ended_at = event.ended_at.filter(|&at| self.is_read(at));
        let status = match (started_at, ended_at) {
            (_, Some(_)) => event.status,
            (Some(_), None) => Status::InProgress,
            // It was skipped, or never begun, when its target ended.
            (None, None) if of_target.is_over() => event.status,
            (None, None) => Status::Pending,
        };
        without_nulls(json!({
            "lifecycleEventName": event.name,
            "status": status.as_str(),
            "startTime": started_at.map(|time| self.on_the_wire(time)),
            "endTime": ended_at.map(|time| self.on_the_wire(time)),
            "diagnostics": event.diagnostics.as_ref().filter(|_| status.is_over()).map(diagnostics),
        }))
    }
}

fn diagnostics(diagnostics: &Diagnostics) -> Value {
    json!({
        "errorCode": diagnostics.error_code,
        "scriptName": diagnostics.script_name,
        "message": diagnostics.message,
        "logTail": diagnostics.log_tail,
    })
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            Value::Object(members.into_iter().filter(|(_, member)| !member.is_null()).collect::<Map<_, _>>())
        }
        other => other,
    }
}
