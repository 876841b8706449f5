//! The operations that read.

use serde_json::{Value, json};

use super::deployment::Target;
use super::inputs::{BatchGetDeployments, GetDeploymentConfig, ListDeployments, OfDeployment, OfGroup};
use super::operations::{application_name, deployment_id, no_such_config};
use crate::refusal::Refusal;
use crate::simulation::Simulation;

/// Deployments, targets or groups in one answer of a List operation.
const PAGE: usize = 100;
/// Deployments or targets in one Batch call, and deployment groups (API reference).
const BATCH: usize = 25;
const GROUP_BATCH: usize = 100;
const STATUSES: [&str; 8] = ["Created", "Queued", "InProgress", "Baking", "Succeeded", "Failed", "Stopped", "Ready"];

impl Simulation {
    pub(super) fn get_deployment(&self, input: OfDeployment) -> Result<Value, Refusal> {
        let deployment = self.deployment(input.deployment_id.as_deref())?;
        Ok(json!({"deploymentInfo": self.deployment_info(deployment)}))
    }

    pub(super) fn batch_get_deployments(&self, input: BatchGetDeployments) -> Result<Value, Refusal> {
        check_batch(input.deployment_ids.len(), BATCH, "BatchLimitExceededException")?;
        if input.deployment_ids.is_empty() {
            deployment_id(None)?;
        }
        for id in &input.deployment_ids {
            deployment_id(Some(id))?;
        }
        let found = input.deployment_ids.iter().filter_map(|id| self.deployment(Some(id)).ok());
        let infos: Vec<Value> = found.map(|deployment| self.deployment_info(deployment)).collect();
        Ok(json!({"deploymentsInfo": infos}))
    }

    /// Newest first, unless reads trail.
    pub(super) fn list_deployments(&self, input: ListDeployments) -> Result<Value, Refusal> {
        let group = match (&input.application_name, &input.deployment_group_name) {
            (None, None) => None,
            (application, group) => Some(self.group_of(application.as_deref(), group.as_deref())?),
        };
        if let Some(unknown) = input.include_only_statuses.iter().find(|text| !STATUSES.contains(&text.as_str())) {
            return Err(Refusal::new(
                "InvalidDeploymentStatusException",
                format!("Unknown deployment status: {unknown}"),
            ));
        }
        let range = &input.create_time_range;
        if let (Some(start), Some(end)) = (range.start, range.end)
            && start > end
        {
            return Err(Refusal::new("InvalidTimeRangeException", "The start of the time range is after its end"));
        }
        let matching = self.deployments.iter().rev().filter(|deployment| {
            let created = milliseconds(self.on_the_wire(deployment.created_at));
            self.is_read(deployment.created_at)
                && group.is_none_or(|group| deployment.group == group)
                && (input.include_only_statuses.is_empty()
                    || input.include_only_statuses.iter().any(|status| status == deployment.status.as_str()))
                && range.start.is_none_or(|start| created >= milliseconds(start))
                && range.end.is_none_or(|end| created <= milliseconds(end))
        });
        let mut ids: Vec<&str> = matching.map(|deployment| deployment.id.as_str()).collect();
        if self.setting.read_lag_seconds > 0.0 {
            // Ids are random: by them the order is any, and the same one on each page.
            ids.sort_unstable();
        }
        let known = |id: &str| self.deployments.iter().any(|deployment| deployment.id == id);
        let (ids, next) = page(ids, input.next_token.as_deref(), known)?;
        Ok(with_token(json!({"deployments": ids}), next))
    }

    pub(super) fn get_deployment_group(&self, input: OfGroup) -> Result<Value, Refusal> {
        let group = self.group_of(input.application_name.as_deref(), input.deployment_group_name.as_deref())?;
        Ok(json!({"deploymentGroupInfo": self.group_info(group)}))
    }

    pub(super) fn batch_get_deployment_groups(&self, input: OfGroup) -> Result<Value, Refusal> {
        let application = application_name(input.application_name.as_deref())?;
        self.application_groups(application)?;
        if input.deployment_group_names.is_empty() {
            let message = "The deployment group name is required";
            return Err(Refusal::new("DeploymentGroupNameRequiredException", message));
        }
        check_batch(input.deployment_group_names.len(), GROUP_BATCH, "BatchLimitExceededException")?;
        let mut infos = Vec::new();
        let mut missing = None;
        for name in &input.deployment_group_names {
            match self.deployment_group(application, name) {
                Ok(group) => infos.push(self.group_info(group)),
                Err(refusal) => missing = missing.or(Some(refusal.message)),
            }
        }
        let mut answer = json!({"deploymentGroupsInfo": infos});
        if let Some(message) = missing {
            answer["errorMessage"] = json!(message);
        }
        Ok(answer)
    }

    pub(super) fn list_deployment_groups(&self, input: OfGroup) -> Result<Value, Refusal> {
        let application = application_name(input.application_name.as_deref())?;
        let groups = self.application_groups(application)?;
        let names: Vec<&str> =
            groups.iter().map(|&group| self.groups[group].setting.deployment_group_name.as_str()).collect();
        let (page, next) = page(names.clone(), input.next_token.as_deref(), |name| names.contains(&name))?;
        Ok(with_token(json!({"applicationName": application, "deploymentGroups": page}), next))
    }

    pub(super) fn get_application(&self, input: OfGroup) -> Result<Value, Refusal> {
        let groups = self.application_groups(application_name(input.application_name.as_deref())?)?;
        Ok(json!({"application": self.application_info(groups[0])}))
    }

    pub(super) fn get_deployment_config(&self, input: GetDeploymentConfig) -> Result<Value, Refusal> {
        let name = input.deployment_config_name.filter(|name| !name.is_empty()).ok_or_else(|| {
            Refusal::new("DeploymentConfigNameRequiredException", "The deployment configuration name is required")
        })?;
        let rule = self.config(&name).ok_or_else(|| no_such_config(&name))?;
        Ok(json!({"deploymentConfigInfo": self.config_info(&name, rule)}))
    }

    pub(super) fn get_deployment_target(&self, input: OfDeployment) -> Result<Value, Refusal> {
        let deployment = self.started_deployment(input.deployment_id.as_deref())?;
        let id = input.target_id.as_deref().filter(|id| !id.is_empty()).ok_or_else(target_id_required)?;
        let target = self.target(deployment, id)?;
        Ok(json!({"deploymentTarget": self.target_info(deployment, target)}))
    }

    pub(super) fn batch_get_deployment_targets(&self, input: OfDeployment) -> Result<Value, Refusal> {
        let deployment = self.started_deployment(input.deployment_id.as_deref())?;
        if input.target_ids.is_empty() {
            return Err(target_id_required());
        }
        check_batch(input.target_ids.len(), BATCH, "DeploymentTargetListSizeExceededException")?;
        let targets: Vec<Value> = input
            .target_ids
            .iter()
            .map(|id| self.target(deployment, id).map(|target| self.target_info(deployment, target)))
            .collect::<Result<_, _>>()?;
        Ok(json!({"deploymentTargets": targets}))
    }

    pub(super) fn list_deployment_targets(&self, input: OfDeployment) -> Result<Value, Refusal> {
        let deployment = self.started_deployment(input.deployment_id.as_deref())?;
        let statuses = &input.target_filters.target_status;
        let targets = &self.deployments[deployment].targets;
        let id = |target: &Target| self.instances[target.instance].id.as_str();
        let matching = targets
            .iter()
            .filter(|target| statuses.is_empty() || statuses.iter().any(|status| status == target.status.as_str()));
        let known = |token: &str| targets.iter().any(|target| id(target) == token);
        let (ids, next) = page(matching.map(id).collect(), input.next_token.as_deref(), known)?;
        Ok(with_token(json!({"targetIds": ids}), next))
    }

    /// Whether answers have come to know what happened at a time.
    pub(super) fn is_read(&self, happened_at: f64) -> bool {
        happened_at <= self.now() - self.setting.read_lag_seconds
    }

    /// A deployment has no targets before it is InProgress.
    fn started_deployment(&self, id: Option<&str>) -> Result<usize, Refusal> {
        let deployment = self.deployment(id)?;
        if self.deployments[deployment].started_at.is_some() {
            return Ok(deployment);
        }
        let message = format!("The deployment {} has not started", self.deployments[deployment].id);
        Err(Refusal::new("DeploymentNotStartedException", message))
    }

    fn target(&self, deployment: usize, id: &str) -> Result<usize, Refusal> {
        let is_meant =
            |target: &Target| self.instances[target.instance].id == id || self.target_arn(target.instance) == id;
        self.deployments[deployment].targets.iter().position(is_meant).ok_or_else(|| {
            let message =
                format!("The target {id} could not be found in deployment {}", self.deployments[deployment].id);
            Refusal::new("DeploymentTargetDoesNotExistException", message)
        })
    }
}

/// A time that went through a client's number format and back is the same to the millisecond only.
fn milliseconds(seconds: f64) -> i64 {
    (seconds * 1000.0).round() as i64
}

fn target_id_required() -> Refusal {
    Refusal::new("DeploymentTargetIdRequiredException", "A deployment target ID was not provided")
}

fn check_batch(count: usize, most: usize, code: &'static str) -> Result<(), Refusal> {
    if count <= most {
        return Ok(());
    }
    Err(Refusal::new(
        code,
        format!("The maximum number of names or IDs allowed for this request ({most}) was exceeded"),
    ))
}

/// The page after the record a token names. So a record that is new at the list's head, or one that left it, moves nothing.
fn page<'a>(
    all: Vec<&'a str>,
    token: Option<&str>,
    known: impl Fn(&str) -> bool,
) -> Result<(Vec<&'a str>, Option<String>), Refusal> {
    let from = match token {
        None => 0,
        Some(token) if known(token) => all.iter().position(|id| *id == token).map_or(all.len(), |last| last + 1),
        Some(_) => {
            return Err(Refusal::new("InvalidNextTokenException", "The next token was specified in an invalid format"));
        }
    };
    let to = all.len().min(from + PAGE);
    let next = (to < all.len()).then(|| all[to - 1].to_owned());
    Ok((all[from..to].to_vec(), next))
}

fn with_token(mut answer: Value, next: Option<String>) -> Value {
    if let Some(token) = next {
        answer["nextToken"] = json!(token);
    }
    answer
}
