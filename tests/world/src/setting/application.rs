//! Deployment groups and their applications.

use serde::{Deserialize, Serialize};

use super::{Revision, Selection, defaults};

/// A deployment group and its application.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApplicationSetting {
    /// The application's name.
    pub application_name: String,
    /// The deployment group's name, unique in its application.
    pub deployment_group_name: String,
    /// Which instances belong to the deployment group.
    pub selection: Selection,
    /// The names of on-premises instances that belong to the deployment group besides; the same name in several groups is one instance. Their
    /// agents answer. Default none.
    #[serde(default)]
    pub on_premises_instances: Vec<String>,
    /// Whether CodeDeploy keeps a launch hook of its own on each Auto Scaling group named in `selection`. Default: true if any is named.
    #[serde(default)]
    pub managed_hooks: Option<bool>,
    /// Default `CodeDeployDefault.OneAtATime`.
    #[serde(default = "defaults::deployment_config_name")]
    pub deployment_config_name: String,
    /// What CodeDeploy does about instances that appeared during a deployment. Default `UPDATE`.
    #[serde(default)]
    pub outdated_instances_strategy: OutdatedInstancesStrategy,
    /// After which ends CodeDeploy rolls a deployment back. Default: none.
    #[serde(default)]
    pub auto_rollback_configuration: AutoRollbackConfiguration,
    /// The names of CloudWatch alarms that stop the group's deployments, see [`World::set_alarm`](crate::World::set_alarm). Default none.
    #[serde(default)]
    pub alarms: Vec<String>,
    /// Seconds that a deployment of the group bakes after its last target, as a configuration with zones makes it; the deployment is `Baking`
    /// then. Default 0.
    #[serde(default)]
    pub bake_seconds: f64,
    /// Whether CodeDeploy keeps a termination hook on each Auto Scaling group named in `selection`: an instance that leaves service gets a
    /// deployment first, which stops the application. Default false.
    #[serde(default)]
    pub termination_hook_enabled: bool,
    /// Default `Server`. The world lists `ECS` and `Lambda` groups but deploys to `Server` groups only.
    #[serde(default)]
    pub compute_platform: ComputePlatform,
    /// Default `IN_PLACE`. The world lists `BLUE_GREEN` groups but deploys in place only.
    #[serde(default)]
    pub deployment_type: DeploymentType,
    /// The revision the group is at; the instances there at the start have it. `null` (the default): never deployed to.
    #[serde(default)]
    pub revision: Option<Revision>,
    /// Seconds the group's last successful deployment, an hour before the start, took. `null` (the default): although there
    /// may be a revision there is no record of a deployment.
    #[serde(default)]
    pub previous_deployment_seconds: Option<f64>,
    /// How long the lifecycle events take.
    #[serde(default)]
    pub lifecycle_event_seconds: LifecycleEventSeconds,
    /// Each lifecycle event's time varies by up to this fraction of it, either way; 0 to 1. Default 0.
    #[serde(default)]
    pub jitter: f64,
    /// How deployments of this group fail on an instance. Default: they do not.
    #[serde(default)]
    pub failure: Option<Failure>,
}

/// What CodeDeploy does about instances that were launched during a deployment and did not get its revision.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OutdatedInstancesStrategy {
    /// Starts a deployment of its own to them.
    #[default]
    Update,
    /// Leaves them outdated.
    Ignore,
}

/// Automatic rollback: after such an end of a deployment CodeDeploy starts another one, which brings the revision of the group's last
/// successful deployment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct AutoRollbackConfiguration {
    /// Default false.
    pub enabled: bool,
    /// Default none.
    pub events: Vec<AutoRollbackEvent>,
}

/// An end of a deployment that is rolled back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AutoRollbackEvent {
    /// It failed.
    DeploymentFailure,
    /// An alarm stopped it.
    DeploymentStopOnAlarm,
    /// Somebody stopped it.
    DeploymentStopOnRequest,
}

impl AutoRollbackConfiguration {
    /// Whether a deployment that ends so is rolled back.
    pub(crate) fn is_for(&self, event: AutoRollbackEvent) -> bool {
        self.enabled && self.events.contains(&event)
    }
}

impl ApplicationSetting {
    /// A deployment group of which nothing else is given.
    pub fn new(application_name: &str, deployment_group_name: &str, selection: Selection) -> Self {
        Self {
            application_name: application_name.to_owned(),
            deployment_group_name: deployment_group_name.to_owned(),
            selection,
            on_premises_instances: Vec::new(),
            managed_hooks: None,
            deployment_config_name: defaults::deployment_config_name(),
            outdated_instances_strategy: OutdatedInstancesStrategy::default(),
            auto_rollback_configuration: AutoRollbackConfiguration::default(),
            alarms: Vec::new(),
            bake_seconds: 0.0,
            termination_hook_enabled: false,
            compute_platform: ComputePlatform::default(),
            deployment_type: DeploymentType::default(),
            revision: None,
            previous_deployment_seconds: None,
            lifecycle_event_seconds: LifecycleEventSeconds::default(),
            jitter: 0.0,
            failure: None,
        }
    }
}

/// The compute platform of an application.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
pub enum ComputePlatform {
    /// EC2 and on-premises instances.
    #[default]
    Server,
    /// Lambda functions.
    Lambda,
    /// ECS services.
    #[serde(rename = "ECS")]
    Ecs,
}

/// The type in a deployment group's deployment style.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeploymentType {
    /// The instances of the group are updated.
    #[default]
    InPlace,
    /// The instances of the group are replaced.
    BlueGreen,
}

/// Seconds each lifecycle event takes on an instance, 0 to 3,600. Default: 1 for `ApplicationStop`, 5 for `DownloadBundle` and `Install`,
/// 2 for `BeforeInstall` and `AfterInstall`, 10 for `ApplicationStart`, 5 for `ValidateService`.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct LifecycleEventSeconds {
    /// Runs the scripts of the previous successful install, so it takes no time on an instance without one.
    pub application_stop: f64,
    /// The agent fetches the revision.
    pub download_bundle: f64,
    /// Scripts before the files are copied.
    pub before_install: f64,
    /// The agent copies the files.
    pub install: f64,
    /// Scripts after the files are copied.
    pub after_install: f64,
    /// Scripts that start the application.
    pub application_start: f64,
    /// Scripts that check the deployment.
    pub validate_service: f64,
}

/// How a deployment fails on an instance. The texts are the agent's.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Failure {
    /// The lifecycle event that fails.
    pub event: String,
    /// Diagnostics' error code, as in the API's `LifecycleErrorCode`. Default `ScriptFailed`.
    #[serde(default = "defaults::error_code")]
    pub error_code: String,
    /// Default empty, as for failures that are no script's.
    #[serde(default)]
    pub script_name: String,
    /// Default empty.
    #[serde(default)]
    pub message: String,
    /// The last lines of the log. Default empty.
    #[serde(default)]
    pub log_tail: String,
    /// So many targets fail, the next ones succeed; `null` (the default): all fail.
    #[serde(default)]
    pub times: Option<u32>,
    /// Only deployments of this revision fail: its S3 object key or commit id. `null` (the default): any revision.
    #[serde(default)]
    pub only_revision: Option<String>,
}
