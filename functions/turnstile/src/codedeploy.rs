//! The CodeDeploy calls of a rollout, from and to plain data.

use aws_sdk_codedeploy::Client;
use aws_sdk_codedeploy::config::http::HttpResponse;
use aws_sdk_codedeploy::config::retry::RetryConfig;
use aws_sdk_codedeploy::error::SdkError;
use aws_sdk_codedeploy::operation::create_deployment::CreateDeploymentError;
use aws_sdk_codedeploy::operation::get_deployment_group::GetDeploymentGroupError as GroupError;
use aws_sdk_codedeploy::operation::get_deployment_target::GetDeploymentTargetError as TargetError;
use aws_sdk_codedeploy::types::{
    DeploymentInfo, DeploymentStatus as SdkDeploymentStatus, DeploymentTarget,
    FileExistsBehavior as SdkFileExistsBehavior, LastDeploymentInfo, LifecycleEventStatus, OutdatedInstancesStrategy,
    TargetStatus as SdkTargetStatus, TimeRange,
};
use aws_smithy_types::DateTime;

use crate::Error;
use crate::application::{Application, FileExistsBehavior};
use crate::revision::Revision;

/// A deployment group, as far as a rollout needs it.
#[derive(Debug, Clone)]
pub struct Group {
    pub target_revision: Option<Revision>,
    pub last_successful: Option<LastDeployment>,
    pub last_attempted: Option<LastDeployment>,
    /// `Server`, `Lambda` or `ECS`.
    pub compute_platform: String,
    /// `IN_PLACE` or `BLUE_GREEN`.
    pub deployment_type: String,
    /// Whether CodeDeploy starts deployments of its own for instances that appeared during a deployment.
    pub updates_outdated_instances: bool,
}

/// The most recent attempted or successful deployment of a group.
#[derive(Debug, Clone)]
pub struct LastDeployment {
    pub deployment_id: String,
    pub created: Option<DateTime>,
    pub ended: Option<DateTime>,
}

/// A deployment, as far as a rollout needs it.
#[derive(Debug, Clone)]
pub struct Deployment {
    pub deployment_id: String,
    pub status: DeploymentStatus,
    pub revision: Option<Revision>,
    pub description: String,
    pub deployment_config_name: String,
    /// CodeDeploy's error code and message of a deployment that failed.
    pub error: Option<(String, String)>,
    pub created: Option<DateTime>,
    /// Absent while it is under way.
    pub ended: Option<DateTime>,
    pub overview: Overview,
}

/// How many targets of a deployment are in which state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Overview {
    /// Not begun, or waiting for an agent that has not answered.
    pub pending: u32,
    pub in_progress: u32,
    pub succeeded: u32,
    pub failed: u32,
    pub skipped: u32,
}

impl Overview {
    /// The targets that nothing will happen to any more.
    pub fn over(&self) -> u32 {
        self.succeeded + self.failed + self.skipped
    }
}

/// The states of a deployment (CodeDeploy API reference, `DeploymentInfo.status`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeploymentStatus {
    Created,
    Queued,
    InProgress,
    Baking,
    Ready,
    Succeeded,
    Failed,
    Stopped,
}

impl DeploymentStatus {
    /// Whether the deployment still occupies its group.
    pub fn is_active(self) -> bool {
        !matches!(self, Self::Succeeded | Self::Failed | Self::Stopped)
    }
}

/// The states of a target (CodeDeploy API reference, `InstanceTarget.status`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetStatus {
    Pending,
    InProgress,
    Ready,
    Succeeded,
    Failed,
    Skipped,
    Unknown,
}

/// One instance in a deployment.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    pub instance_id: String,
    pub status: TargetStatus,
    pub failed_event: Option<FailedEvent>,
}

/// The lifecycle event that failed, with what the agent reported of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FailedEvent {
    pub lifecycle_event_name: String,
    pub error_code: Option<String>,
    pub script_name: Option<String>,
    pub message: Option<String>,
    pub log_tail: Option<String>,
}

/// What came of asking for a deployment.
#[derive(Debug, Clone, PartialEq)]
pub enum Creation {
    Created(String),
    /// The group has an active deployment already.
    GroupOccupied,
    /// Any other refusal. It may mean that nothing is outdated: CodeDeploy's answer to that is not documented.
    Refused {
        code: String,
        message: String,
    },
}

/// `BatchGetDeployments` and `BatchGetDeploymentTargets` take 25 ids (CodeDeploy API reference).
const BATCH: usize = 25;

/// The CodeDeploy API.
#[derive(Debug, Clone)]
pub struct CodeDeploy {
    client: Client,
}

impl CodeDeploy {
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// The deployment group; `None` when it or its application does not exist.
    ///
    /// # Errors
    /// As [`Error::of_call`] classifies them; so for every call here.
    pub async fn group(&self, application: &Application) -> Result<Option<Group>, Error> {
        let answer = self
            .client
            .get_deployment_group()
            .application_name(&application.application_name)
            .deployment_group_name(&application.deployment_group_name)
            .send()
            .await;
        let info = match answer {
            Ok(answer) => answer.deployment_group_info,
            Err(e) => match e.as_service_error() {
                Some(
                    GroupError::ApplicationDoesNotExistException(_)
                    | GroupError::DeploymentGroupDoesNotExistException(_),
                ) => None,
                _ => return Err(Error::of_call("CodeDeploy.GetDeploymentGroup", &e)),
            },
        };
        let Some(info) = info else { return Ok(None) };
        Ok(Some(Group {
            target_revision: info.target_revision().and_then(Revision::from_sdk),
            last_successful: info.last_successful_deployment().and_then(last_deployment),
            last_attempted: info.last_attempted_deployment().and_then(last_deployment),
            compute_platform: info.compute_platform().map_or("Server", |p| p.as_str()).to_owned(),
            deployment_type: info
                .deployment_style()
                .and_then(|style| style.deployment_type())
                .map_or("IN_PLACE", |kind| kind.as_str())
                .to_owned(),
            updates_outdated_instances: info.outdated_instances_strategy() != Some(&OutdatedInstancesStrategy::Ignore),
        }))
    }

    /// The deployment; `None` when CodeDeploy does not know it.
    ///
    /// # Errors
    /// See [`CodeDeploy::group`].
    pub async fn deployment(&self, deployment_id: &str) -> Result<Option<Deployment>, Error> {
        match self.client.get_deployment().deployment_id(deployment_id).send().await {
            Ok(answer) => Ok(answer.deployment_info.map(deployment)),
            Err(e) if e.as_service_error().is_some_and(|e| e.is_deployment_does_not_exist_exception()) => Ok(None),
            Err(e) => Err(Error::of_call("CodeDeploy.GetDeployment", &e)),
        }
    }

    /// The deployments of these ids, in any order.
    ///
    /// # Errors
    /// See [`CodeDeploy::group`].
    pub async fn deployments(&self, deployment_ids: &[String]) -> Result<Vec<Deployment>, Error> {
        let mut deployments = Vec::new();
        for ids in deployment_ids.chunks(BATCH) {
            let answer = self.client.batch_get_deployments().set_deployment_ids(Some(ids.to_vec())).send().await;
            let answer = answer.map_err(|e| Error::of_call("CodeDeploy.BatchGetDeployments", &e))?;
            deployments.extend(answer.deployments_info.unwrap_or_default().into_iter().map(deployment));
        }
        Ok(deployments)
    }

    /// The ids of the group's deployments that are still under way.
    ///
    /// # Errors
    /// See [`CodeDeploy::group`].
    pub async fn active_deployments(&self, application: &Application) -> Result<Vec<String>, Error> {
        use SdkDeploymentStatus::{Baking, Created, InProgress, Queued, Ready};
        self.list(application, &[Created, Queued, InProgress, Baking, Ready], None, usize::MAX).await
    }

    /// The ids of the group's deployments created at `start` or later.
    ///
    /// # Errors
    /// See [`CodeDeploy::group`].
    pub async fn deployments_since(&self, application: &Application, start: DateTime) -> Result<Vec<String>, Error> {
        self.list(application, &[], Some(start), usize::MAX).await
    }

    /// The ids of `at_least` so many of the group's deployments, or of all it has. CodeDeploy lists the newest first, which it
    /// does not promise.
    ///
    /// # Errors
    /// See [`CodeDeploy::group`].
    pub async fn recent_deployments(&self, application: &Application, at_least: usize) -> Result<Vec<String>, Error> {
        self.list(application, &[], None, at_least).await
    }

    async fn list(
        &self,
        application: &Application,
        statuses: &[SdkDeploymentStatus],
        start: Option<DateTime>,
        at_least: usize,
    ) -> Result<Vec<String>, Error> {
        let mut ids = Vec::new();
        let mut next_token = None;
        loop {
            let answer = self
                .client
                .list_deployments()
                .application_name(&application.application_name)
                .deployment_group_name(&application.deployment_group_name)
                .set_include_only_statuses((!statuses.is_empty()).then(|| statuses.to_vec()))
                .set_create_time_range(start.map(|start| TimeRange::builder().start(start).build()))
                .set_next_token(next_token)
                .send()
                .await
                .map_err(|e| Error::of_call("CodeDeploy.ListDeployments", &e))?;
            ids.extend(answer.deployments.unwrap_or_default());
            next_token = answer.next_token;
            if next_token.is_none() || ids.len() >= at_least {
                return Ok(ids);
            }
        }
    }

    /// The instance's part in a deployment; `None` when the deployment does not contain the instance, or not yet.
    ///
    /// # Errors
    /// See [`CodeDeploy::group`].
    pub async fn target(&self, deployment_id: &str, instance_id: &str) -> Result<Option<Target>, Error> {
        match self.client.get_deployment_target().deployment_id(deployment_id).target_id(instance_id).send().await {
            Ok(answer) => Ok(answer.deployment_target.as_ref().and_then(target)),
            Err(e) => match e.as_service_error() {
                Some(
                    TargetError::DeploymentTargetDoesNotExistException(_)
                    | TargetError::DeploymentNotStartedException(_)
                    | TargetError::DeploymentDoesNotExistException(_),
                ) => Ok(None),
                _ => Err(Error::of_call("CodeDeploy.GetDeploymentTarget", &e)),
            },
        }
    }

    /// All targets of a deployment.
    ///
    /// # Errors
    /// See [`CodeDeploy::group`].
    pub async fn targets(&self, deployment_id: &str) -> Result<Vec<Target>, Error> {
        let mut ids = Vec::new();
        let mut next_token = None;
        loop {
            let request = self.client.list_deployment_targets().deployment_id(deployment_id).set_next_token(next_token);
            match request.send().await {
                Ok(page) => {
                    ids.extend(page.target_ids.unwrap_or_default());
                    next_token = page.next_token;
                }
                Err(e) if e.as_service_error().is_some_and(|e| e.is_deployment_not_started_exception()) => {
                    break;
                }
                Err(e) => return Err(Error::of_call("CodeDeploy.ListDeploymentTargets", &e)),
            }
            if next_token.is_none() {
                break;
            }
        }
        let mut targets = Vec::new();
        for ids in ids.chunks(BATCH) {
            let request = self.client.batch_get_deployment_targets().deployment_id(deployment_id);
            let answer = request.set_target_ids(Some(ids.to_vec())).send().await;
            let answer = answer.map_err(|e| Error::of_call("CodeDeploy.BatchGetDeploymentTargets", &e))?;
            targets.extend(answer.deployment_targets.unwrap_or_default().iter().filter_map(target));
        }
        Ok(targets)
    }

    /// Creates a deployment of `revision` to the outdated instances of the group.
    ///
    /// Not retried here: the call has no client token, so a second one after a lost answer could start a second deployment.
    ///
    /// # Errors
    /// See [`CodeDeploy::group`]. After [`Error::Unavailable`] the deployment may exist.
    pub async fn create(
        &self,
        application: &Application,
        revision: &Revision,
        description: &str,
    ) -> Result<Creation, Error> {
        let answer = self
            .client
            .create_deployment()
            .application_name(&application.application_name)
            .deployment_group_name(&application.deployment_group_name)
            .revision(revision.to_sdk())
            .update_outdated_instances_only(true)
            .description(description)
            .set_deployment_config_name(application.deployment_config_name.clone())
            .set_file_exists_behavior(application.file_exists_behavior.map(|behavior| match behavior {
                FileExistsBehavior::Disallow => SdkFileExistsBehavior::Disallow,
                FileExistsBehavior::Overwrite => SdkFileExistsBehavior::Overwrite,
                FileExistsBehavior::Retain => SdkFileExistsBehavior::Retain,
            }))
            .set_ignore_application_stop_failures(application.ignore_application_stop_failures)
            .customize()
            .config_override(aws_sdk_codedeploy::config::Builder::new().retry_config(RetryConfig::disabled()))
            .send()
            .await;
        match answer {
            Ok(answer) => answer.deployment_id.map(Creation::Created).ok_or(Error::Unexpected {
                call: "CodeDeploy.CreateDeployment",
                code: "without a code".into(),
                message: "the answer holds no deploymentId".into(),
            }),
            Err(e) => creation_refused(&e),
        }
    }

    /// Stops a deployment: what has not begun is skipped, what is at work ends with its present lifecycle event. One that is
    /// over already stays as it is.
    ///
    /// # Errors
    /// See [`CodeDeploy::group`].
    pub async fn stop(&self, deployment_id: &str) -> Result<(), Error> {
        let request = self.client.stop_deployment().deployment_id(deployment_id).auto_rollback_enabled(false);
        match request.send().await {
            Ok(_) => Ok(()),
            Err(e) if e.as_service_error().is_some_and(|e| e.is_deployment_already_completed_exception()) => Ok(()),
            Err(e) => Err(Error::of_call("CodeDeploy.StopDeployment", &e)),
        }
    }
}

fn creation_refused(error: &SdkError<CreateDeploymentError, HttpResponse>) -> Result<Creation, Error> {
    if error.as_service_error().is_some_and(|e| e.is_deployment_limit_exceeded_exception()) {
        return Ok(Creation::GroupOccupied);
    }
    match Error::of_call("CodeDeploy.CreateDeployment", error) {
        Error::Unexpected { code, message, .. } => Ok(Creation::Refused { code, message }),
        other => Err(other),
    }
}

fn last_deployment(info: &LastDeploymentInfo) -> Option<LastDeployment> {
    Some(LastDeployment {
        deployment_id: info.deployment_id()?.to_owned(),
        created: info.create_time,
        ended: info.end_time,
    })
}

fn deployment(info: DeploymentInfo) -> Deployment {
    use SdkDeploymentStatus as Sdk;
    let status = match info.status() {
        Some(Sdk::Created) | None => DeploymentStatus::Created,
        Some(Sdk::Queued) => DeploymentStatus::Queued,
        Some(Sdk::Baking) => DeploymentStatus::Baking,
        Some(Sdk::Ready) => DeploymentStatus::Ready,
        Some(Sdk::Succeeded) => DeploymentStatus::Succeeded,
        Some(Sdk::Failed) => DeploymentStatus::Failed,
        Some(Sdk::Stopped) => DeploymentStatus::Stopped,
        // A status that CodeDeploy adds one day must not pass for an end.
        Some(_) => DeploymentStatus::InProgress,
    };
    let count = |targets: i64| u32::try_from(targets).unwrap_or(0);
    let overview = info.deployment_overview().map_or_else(Overview::default, |overview| Overview {
        pending: count(overview.pending()),
        in_progress: count(overview.in_progress()),
        succeeded: count(overview.succeeded()),
        failed: count(overview.failed()),
        skipped: count(overview.skipped()),
    });
    let error = info.error_information().map(|e| {
        let code = e.code().map_or_else(String::new, |c| c.as_str().to_owned());
        (code, e.message().unwrap_or_default().to_owned())
    });
    Deployment {
        status,
        error,
        revision: info.revision().and_then(Revision::from_sdk),
        description: info.description().unwrap_or_default().to_owned(),
        deployment_config_name: info.deployment_config_name().unwrap_or_default().to_owned(),
        created: info.create_time,
        ended: info.complete_time,
        overview,
        deployment_id: info.deployment_id.unwrap_or_default(),
    }
}

fn target(target: &DeploymentTarget) -> Option<Target> {
    let instance = target.instance_target()?;
    let status = match instance.status() {
        Some(SdkTargetStatus::Pending) => TargetStatus::Pending,
        Some(SdkTargetStatus::InProgress) => TargetStatus::InProgress,
        Some(SdkTargetStatus::Ready) => TargetStatus::Ready,
        Some(SdkTargetStatus::Succeeded) => TargetStatus::Succeeded,
        Some(SdkTargetStatus::Failed) => TargetStatus::Failed,
        Some(SdkTargetStatus::Skipped) => TargetStatus::Skipped,
        _ => TargetStatus::Unknown,
    };
    let failed_event = instance.lifecycle_events().iter().find(|e| e.status() == Some(&LifecycleEventStatus::Failed));
    Some(Target {
        instance_id: instance.target_id()?.to_owned(),
        status,
        failed_event: failed_event.map(|event| {
            let text = |t: Option<&str>| t.filter(|t| !t.is_empty()).map(str::to_owned);
            let diagnostics = event.diagnostics();
            FailedEvent {
                lifecycle_event_name: event.lifecycle_event_name().unwrap_or_default().to_owned(),
                error_code: diagnostics.and_then(|d| d.error_code()).map(|c| c.as_str().to_owned()),
                script_name: diagnostics.and_then(|d| text(d.script_name())),
                message: diagnostics.and_then(|d| text(d.message())),
                log_tail: diagnostics.and_then(|d| text(d.log_tail())),
            }
        }),
    })
}
