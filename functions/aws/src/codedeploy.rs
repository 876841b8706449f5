//! The CodeDeploy calls of a rollout.

mod before;
mod from_sdk;
mod throttled;

use std::time::Duration;

use aws_sdk_codedeploy::Client;
use aws_sdk_codedeploy::config::http::HttpResponse;
use aws_sdk_codedeploy::config::timeout::TimeoutConfig;
use aws_sdk_codedeploy::error::SdkError;
use aws_sdk_codedeploy::operation::create_deployment::CreateDeploymentError;
use aws_sdk_codedeploy::operation::get_deployment_group::GetDeploymentGroupError as GroupError;
use aws_sdk_codedeploy::operation::get_deployment_target::GetDeploymentTargetError as TargetError;
use aws_sdk_codedeploy::operation::list_deployments::ListDeploymentsError as ListError;
use aws_sdk_codedeploy::types::builders::TimeRangeBuilder;
use aws_sdk_codedeploy::types::{
    AutoRollbackConfiguration, ComputePlatform, DeploymentStatus as SdkDeploymentStatus,
    FileExistsBehavior as SdkFileExistsBehavior, OutdatedInstancesStrategy, TimeRange,
};
use turnstile::policy::deployment_tag;
use turnstile::words::application::{Application, DeploymentGroup, FileExistsBehavior};
use turnstile::words::deployment::{Creation, Deployment, DeploymentGroupInfo, Target, TargetStatus};
use turnstile::words::error::Error;
use turnstile::words::ids::{DeploymentId, InstanceId, TargetId};
use turnstile::words::revision::Revision;
use turnstile::words::time::Timestamp;

use self::from_sdk::{deployment, last_deployment, target};
use self::throttled::OnlyThrottled;
use crate::error::{of_call, unexpected};

/// `BatchGetDeployments` and `BatchGetDeploymentTargets` take 25 ids (CodeDeploy API reference).
const BATCH: usize = 25;

/// How long the SDK waits for a call that creates something and cannot be repeated: half of the time that a function has.
const CREATION_TIMEOUT: Duration = Duration::from_secs(30);

/// Whether a stalled deployment may be stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopping {
    /// It may: nothing is at work, and it has not begun on these targets.
    Stalled { not_begun: Vec<TargetId> },
    /// It has to go on: an instance is at work after all. The overview had trailed the targets.
    AtWork,
    /// It has to go on: no rollout has started it.
    NotOurs,
}

/// The CodeDeploy API.
#[derive(Debug, Clone)]
pub struct CodeDeploy {
    client: Client,
}

impl CodeDeploy {
    /// CodeDeploy as this client sees it.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// The deployment group; `None` when it or its application does not exist.
    ///
    /// # Errors
    /// [`Error::Throttled`], [`Error::Unavailable`], [`Error::AccessDenied`] or [`Error::Unexpected`]; so for every call here.
    pub async fn group(&self, name: &DeploymentGroup) -> Result<Option<DeploymentGroupInfo>, Error> {
        let answer = self
            .client
            .get_deployment_group()
            .application_name(name.application_name.as_str())
            .deployment_group_name(name.deployment_group_name.as_str())
            .send()
            .await;
        let info = match answer {
            Ok(answer) => answer.deployment_group_info,
            Err(e) => match e.as_service_error() {
                Some(
                    GroupError::ApplicationDoesNotExistException(_)
                    | GroupError::DeploymentGroupDoesNotExistException(_),
                ) => None,
                _ => return Err(of_call("CodeDeploy.GetDeploymentGroup", &e)),
            },
        };
        let Some(info) = info else { return Ok(None) };
        Ok(Some(DeploymentGroupInfo {
            target_revision: info.target_revision().and_then(from_sdk::revision),
            last_successful: info.last_successful_deployment().and_then(last_deployment),
            last_attempted: info.last_attempted_deployment().and_then(last_deployment),
            selection: from_sdk::selection(&info),
            deployment_config_name: info.deployment_config_name().unwrap_or_default().to_owned(),
            compute_platform: platform(info.compute_platform()),
            deployment_type: info
                .deployment_style()
                .and_then(|style| style.deployment_type())
                .map_or("IN_PLACE", |kind| kind.as_str())
                .to_owned(),
            updates_outdated_instances: info.outdated_instances_strategy() != Some(&OutdatedInstancesStrategy::Ignore),
            alarms: info.alarm_configuration().filter(|alarms| alarms.enabled()).map_or_else(Vec::new, |alarms| {
                alarms.alarms().iter().filter_map(|alarm| alarm.name().map(str::to_owned)).collect()
            }),
            rolls_back: info.auto_rollback_configuration().is_some_and(|rollback| rollback.enabled()),
            deploys_at_termination: info.termination_hook_enabled(),
        }))
    }

    /// The group that another rollout has deployed to; `None` also when the function may not look at it any more. Then nothing is known of
    /// its deployment, which ends by itself: that must not keep every launch from then on waiting.
    ///
    /// # Errors
    /// See [`CodeDeploy::group`], but for [`Error::AccessDenied`].
    pub async fn group_if_permitted(&self, name: &DeploymentGroup) -> Result<Option<DeploymentGroupInfo>, Error> {
        match self.group(name).await {
            Err(error @ Error::AccessDenied { .. }) => {
                tracing::warn!(group = %name, reason = %error, "was deployed to, and is not permitted any more");
                Ok(None)
            }
            answer => answer,
        }
    }

    /// The compute platform of a deployment configuration; `None` when there is no such configuration.
    ///
    /// # Errors
    /// See [`CodeDeploy::group`].
    pub async fn compute_platform_of_configuration(&self, name: &str) -> Result<Option<String>, Error> {
        match self.client.get_deployment_config().deployment_config_name(name).send().await {
            Ok(answer) => Ok(answer.deployment_config_info.map(|info| platform(info.compute_platform()))),
            Err(e) if e.as_service_error().is_some_and(|e| e.is_deployment_config_does_not_exist_exception()) => {
                Ok(None)
            }
            Err(e) => Err(of_call("CodeDeploy.GetDeploymentConfig", &e)),
        }
    }

    /// The deployment; `None` when CodeDeploy does not know it.
    ///
    /// # Errors
    /// See [`CodeDeploy::group`].
    pub async fn deployment(&self, deployment_id: &DeploymentId) -> Result<Option<Deployment>, Error> {
        match self.client.get_deployment().deployment_id(deployment_id.as_str()).send().await {
            Ok(answer) => Ok(answer.deployment_info.map(deployment)),
            Err(e) if e.as_service_error().is_some_and(|e| e.is_deployment_does_not_exist_exception()) => Ok(None),
            Err(e) => Err(of_call("CodeDeploy.GetDeployment", &e)),
        }
    }

    /// The deployments of these ids, in any order.
    ///
    /// # Errors
    /// See [`CodeDeploy::group`].
    pub async fn deployments(&self, deployment_ids: &[DeploymentId]) -> Result<Vec<Deployment>, Error> {
        let mut deployments = Vec::new();
        for ids in deployment_ids.chunks(BATCH) {
            let answer = self.client.batch_get_deployments().set_deployment_ids(Some(strings(ids))).send().await;
            let answer = answer.map_err(|e| of_call("CodeDeploy.BatchGetDeployments", &e))?;
            deployments.extend(answer.deployments_info.unwrap_or_default().into_iter().map(deployment));
        }
        Ok(deployments)
    }

    /// The group's deployments that are still under way.
    ///
    /// # Errors
    /// See [`CodeDeploy::group`].
    pub async fn active_deployments(&self, group: &DeploymentGroup) -> Result<Vec<DeploymentId>, Error> {
        use SdkDeploymentStatus::{Baking, Created, InProgress, Queued, Ready};
        let statuses = &[Created, Queued, InProgress, Baking, Ready];
        Ok(self.list(group, statuses, TimeRange::builder(), usize::MAX).await?.0)
    }

    /// The same of a group that was planned for earlier, and that may have been deleted since, or be permitted no more: then it has none.
    ///
    /// # Errors
    /// See [`CodeDeploy::group`].
    pub async fn active_deployments_if_permitted(&self, group: &DeploymentGroup) -> Result<Vec<DeploymentId>, Error> {
        match self.group_if_permitted(group).await? {
            Some(_) => self.active_deployments(group).await,
            None => Ok(Vec::new()),
        }
    }

    /// The group's deployments that were created at `start` or later.
    ///
    /// # Errors
    /// See [`CodeDeploy::group`].
    pub async fn deployments_since(
        &self,
        group: &DeploymentGroup,
        start: Timestamp,
    ) -> Result<Vec<DeploymentId>, Error> {
        let range = TimeRange::builder().start(from_sdk::to_sdk_time(start));
        Ok(self.list(group, &[], range, usize::MAX).await?.0)
    }

    /// At least so many of the group's deployments, or all that it has. CodeDeploy lists the newest first, which it does not promise.
    ///
    /// # Errors
    /// See [`CodeDeploy::group`].
    pub async fn recent_deployments(
        &self,
        group: &DeploymentGroup,
        at_least: usize,
    ) -> Result<Vec<DeploymentId>, Error> {
        Ok(self.deployments_until(group, None, at_least).await?.0)
    }

    /// At least so many of the group's deployments that were created in the second of `end` or before it, or all of them, and whether
    /// there are more. CodeDeploy lists the newest first, which it does not promise.
    ///
    /// # Errors
    /// See [`CodeDeploy::group`].
    pub async fn deployments_until(
        &self,
        group: &DeploymentGroup,
        end: Option<Timestamp>,
        at_least: usize,
    ) -> Result<(Vec<DeploymentId>, bool), Error> {
        let end = end.map(|end| from_sdk::to_sdk_time(end.plus_seconds(1)));
        self.list(group, &[], TimeRange::builder().set_end(end), at_least).await
    }

    /// A group that is not there, or not any more, has no deployments.
    async fn list(
        &self,
        group: &DeploymentGroup,
        statuses: &[SdkDeploymentStatus],
        created: TimeRangeBuilder,
        at_least: usize,
    ) -> Result<(Vec<DeploymentId>, bool), Error> {
        let created = Some(created.build()).filter(|range| range.start().is_some() || range.end().is_some());
        let mut ids = Vec::new();
        let mut next_token = None;
        loop {
            let answer = self
                .client
                .list_deployments()
                .application_name(group.application_name.as_str())
                .deployment_group_name(group.deployment_group_name.as_str())
                .set_include_only_statuses((!statuses.is_empty()).then(|| statuses.to_vec()))
                .set_create_time_range(created.clone())
                .set_next_token(next_token)
                .send()
                .await;
            let answer = match answer {
                Err(e) if e.as_service_error().is_some_and(is_of_no_group) => return Ok((Vec::new(), false)),
                answer => answer.map_err(|e| of_call("CodeDeploy.ListDeployments", &e))?,
            };
            ids.extend(answer.deployments.unwrap_or_default().into_iter().map(DeploymentId::from));
            next_token = answer.next_token;
            if next_token.is_none() || ids.len() >= at_least {
                return Ok((ids, next_token.is_some()));
            }
        }
    }

    /// The instance's part in a deployment; `None` when the deployment does not contain the instance, or not yet.
    ///
    /// # Errors
    /// See [`CodeDeploy::group`].
    pub async fn target(
        &self,
        deployment_id: &DeploymentId,
        instance_id: &InstanceId,
    ) -> Result<Option<Target>, Error> {
        match self
            .client
            .get_deployment_target()
            .deployment_id(deployment_id.as_str())
            .target_id(instance_id.as_str())
            .send()
            .await
        {
            Ok(answer) => Ok(answer.deployment_target.as_ref().and_then(target)),
            Err(e) => match e.as_service_error() {
                Some(
                    TargetError::DeploymentTargetDoesNotExistException(_)
                    | TargetError::DeploymentNotStartedException(_)
                    | TargetError::DeploymentDoesNotExistException(_),
                ) => Ok(None),
                _ => Err(of_call("CodeDeploy.GetDeploymentTarget", &e)),
            },
        }
    }

    /// How many calls it takes at the most to read so many targets.
    pub(crate) fn calls_for_targets(targets: usize) -> usize {
        2 * targets.div_ceil(BATCH).max(1)
    }

    /// All targets of a deployment.
    ///
    /// # Errors
    /// See [`CodeDeploy::group`].
    pub async fn targets(&self, deployment_id: &DeploymentId) -> Result<Vec<Target>, Error> {
        let mut ids = Vec::new();
        let mut next_token = None;
        loop {
            let request =
                self.client.list_deployment_targets().deployment_id(deployment_id.as_str()).set_next_token(next_token);
            match request.send().await {
                Ok(page) => {
                    ids.extend(page.target_ids.unwrap_or_default());
                    next_token = page.next_token;
                }
                Err(e) if e.as_service_error().is_some_and(|e| e.is_deployment_not_started_exception()) => {
                    break;
                }
                Err(e) => return Err(of_call("CodeDeploy.ListDeploymentTargets", &e)),
            }
            if next_token.is_none() {
                break;
            }
        }
        let mut targets = Vec::new();
        for ids in ids.chunks(BATCH) {
            let request = self.client.batch_get_deployment_targets().deployment_id(deployment_id.as_str());
            let answer = request.set_target_ids(Some(ids.to_vec())).send().await;
            let answer = answer.map_err(|e| of_call("CodeDeploy.BatchGetDeploymentTargets", &e))?;
            targets.extend(answer.deployment_targets.unwrap_or_default().iter().filter_map(target));
        }
        Ok(targets)
    }

    /// Creates a deployment of `revision` to the outdated instances of the application's group.
    ///
    /// The SDK repeats the call only when CodeDeploy throttles it: the calls before it may have used up what CodeDeploy allows at once. After a
    /// lost answer it is not repeated: it has no client token, so a second call could make a second deployment. For the same reason it is
    /// waited for longer than others: one that takes effect after it was given up could do so behind the next call's look.
    ///
    /// # Errors
    /// See [`CodeDeploy::group`]. After [`Creation::Unanswered`] the deployment may exist already, or be made later.
    pub async fn create(
        &self,
        application: &Application,
        revision: &Revision,
        description: &str,
    ) -> Result<Creation, Error> {
        let answer = self
            .client
            .create_deployment()
            .application_name(application.group.application_name.as_str())
            .deployment_group_name(application.group.deployment_group_name.as_str())
            .revision(from_sdk::to_sdk_revision(revision))
            .update_outdated_instances_only(true)
            .description(description)
            .set_deployment_config_name(application.deployment_config_name.clone())
            .set_file_exists_behavior(application.file_exists_behavior.map(|behavior| match behavior {
                FileExistsBehavior::Disallow => SdkFileExistsBehavior::Disallow,
                FileExistsBehavior::Overwrite => SdkFileExistsBehavior::Overwrite,
                FileExistsBehavior::Retain => SdkFileExistsBehavior::Retain,
            }))
            .set_ignore_application_stop_failures(application.ignore_application_stop_failures)
            // A rollback would be a deployment of CodeDeploy's own, in the group's one slot, and on the instances in service, too.
            .auto_rollback_configuration(AutoRollbackConfiguration::builder().enabled(false).build())
            .customize()
            .config_override(
                aws_sdk_codedeploy::config::Builder::new().retry_classifier(OnlyThrottled).timeout_config(
                    TimeoutConfig::builder()
                        .operation_attempt_timeout(CREATION_TIMEOUT)
                        .operation_timeout(CREATION_TIMEOUT)
                        .build(),
                ),
            )
            .send()
            .await;
        match answer {
            Ok(answer) => answer
                .deployment_id
                .map(|id| Creation::Created(id.into()))
                .ok_or_else(|| unexpected("CodeDeploy.CreateDeployment", "the answer holds no deploymentId")),
            Err(e) => creation_refused(&e),
        }
    }

    /// Stops a deployment: targets that have not begun are skipped, those at work end with their present lifecycle event. A deployment
    /// that has ended already stays as it is. `false`: CodeDeploy refuses, and the deployment goes on. Whoever lacks the permission can do
    /// without the stop: CodeDeploy gives the targets up by itself, only later.
    ///
    /// # Errors
    /// [`Error::Throttled`] or [`Error::Unavailable`].
    pub async fn stop(&self, deployment_id: &DeploymentId) -> Result<bool, Error> {
        let request = self.client.stop_deployment().deployment_id(deployment_id.as_str()).auto_rollback_enabled(false);
        match request.send().await {
            Ok(_) => Ok(true),
            Err(e) if e.as_service_error().is_some_and(|e| e.is_deployment_already_completed_exception()) => Ok(true),
            Err(e) => match of_call("CodeDeploy.StopDeployment", &e) {
                error if error.is_temporary() => Err(error),
                error => {
                    tracing::warn!(deployment = %deployment_id, error = error.name(), reason = %error, "the deployment goes on");
                    Ok(false)
                }
            },
        }
    }

    /// Whether a stalled deployment may be stopped. Whoever has the turn may stop one that a rollout has started: it is its own, or that of a
    /// rollout that has ended. A deployment of anybody else's is not touched.
    ///
    /// # Errors
    /// See [`CodeDeploy::group`].
    pub async fn may_be_stopped(&self, deployment: &Deployment) -> Result<Stopping, Error> {
        if !deployment_tag::is_a_rollouts(&deployment.description) {
            return Ok(Stopping::NotOurs);
        }
        let targets = self.targets(&deployment.deployment_id).await?;
        if targets.iter().any(|target| target.status == TargetStatus::InProgress) {
            return Ok(Stopping::AtWork);
        }
        let pending = targets.into_iter().filter(|target| target.status == TargetStatus::Pending);
        let not_begun: Vec<TargetId> = pending.map(|target| target.target_id).collect();
        let id = &deployment.deployment_id;
        tracing::warn!(deployment = %id, not_begun = ?not_begun, "a deployment is stalled: the targets left have not begun");
        Ok(Stopping::Stalled { not_begun })
    }
}

fn strings(ids: &[DeploymentId]) -> Vec<String> {
    ids.iter().cloned().map(String::from).collect()
}

fn creation_refused(error: &SdkError<CreateDeploymentError, HttpResponse>) -> Result<Creation, Error> {
    if let Some(CreateDeploymentError::DeploymentLimitExceededException(exception)) = error.as_service_error() {
        return Ok(Creation::LimitExceeded { message: exception.message().unwrap_or_default().to_owned() });
    }
    let has_answer = error.raw_response().is_some();
    match of_call("CodeDeploy.CreateDeployment", error) {
        Error::Unexpected { code, message, .. } => Ok(Creation::Refused { code, message }),
        unavailable @ Error::Unavailable { .. } if !has_answer => Ok(Creation::Unanswered(unavailable)),
        other => Err(other),
    }
}

/// A compute platform; that of EC2 instances when the answer leaves it out.
fn platform(platform: Option<&ComputePlatform>) -> String {
    platform.map_or("Server", ComputePlatform::as_str).to_owned()
}

fn is_of_no_group(error: &ListError) -> bool {
    matches!(error, ListError::ApplicationDoesNotExistException(_) | ListError::DeploymentGroupDoesNotExistException(_))
}
