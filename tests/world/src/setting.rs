//! What a world is made of: everything that is fixed before its time starts.

mod check;
mod defaults;
mod open_facts;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub(crate) use check::MAX_SIZE;
pub use open_facts::{NothingOutdated, NothingOutdatedException, OpenFacts};

/// A world before it starts. Every time is in world seconds. Unknown fields are refused.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Setting {
    /// AWS Region in ARNs and events. Default `us-east-1`.
    #[serde(default = "defaults::region")]
    pub region: String,
    /// Account id in ARNs and events. Default `123456789012`.
    #[serde(default = "defaults::account")]
    pub account: String,
    /// Seed of all ids and of the jitter: the same setting with the same calls at the same times gives the same run. Default 0.
    #[serde(default)]
    pub seed: u64,
    /// The Auto Scaling groups.
    #[serde(default)]
    pub auto_scaling_groups: Vec<AutoScalingGroupSetting>,
    /// The deployment groups, each with its application.
    #[serde(default)]
    pub applications: Vec<ApplicationSetting>,
    /// Deployment configurations besides `CodeDeployDefault.OneAtATime`, `.HalfAtATime` and `.AllAtOnce`, which always exist.
    #[serde(default)]
    pub deployment_configs: Vec<DeploymentConfigSetting>,
    /// How many calls the services let through. Default: all.
    #[serde(default)]
    pub throttling: Throttling,
    /// So many deployments of the account may be under way at once; at least 1. Those that CodeDeploy starts itself count, and are never refused.
    /// `null` (the default): any number. The service's own limit is 1,300 (CodeDeploy quotas, "Concurrent deployments per account").
    #[serde(default)]
    pub max_concurrent_deployments: Option<usize>,
    /// So many seconds CodeDeploy's answers trail what is: a deployment is not listed before it is so old, the last ones of a deployment
    /// group and the status of a target are those of so long ago. Deployments are then listed in an order of their own, not by their
    /// age. The whole of a deployment (`GetDeployment`) does not trail, so answers differ from each other. Default 0.
    #[serde(default)]
    pub read_lag_seconds: f64,
    /// What the services do where public material does not say.
    #[serde(default)]
    pub open_facts: OpenFacts,
}

/// An Auto Scaling group.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AutoScalingGroupSetting {
    /// The group's name.
    pub name: String,
    /// Desired capacity at the start, 0 to 300: so many instances are InService and up to date from the beginning. Default 0.
    #[serde(default)]
    pub desired_capacity: usize,
    /// Launch lifecycle hooks. CodeDeploy's own are not listed here, see [`ApplicationSetting::managed_hooks`]. Default none.
    #[serde(default)]
    pub hooks: Vec<HookSetting>,
    /// Seconds from an instance's launch to `Pending:Wait`, or to `InService` in a group without hooks. Default 30.
    #[serde(default = "defaults::boot_seconds")]
    pub boot_seconds: f64,
    /// Seconds from there until the instance's CodeDeploy agent answers; `null`: it never does. Default 20.
    #[serde(default = "defaults::agent_seconds")]
    pub agent_seconds: Option<f64>,
    /// Tags the instances get, besides `aws:autoscaling:groupName`. Default none.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// `application/deployment group` of everything that must have succeeded on an instance before a hook lets it into service.
    /// Default none.
    #[serde(default)]
    pub required_applications: Vec<String>,
    /// The warm pool beside the group. `null` (the default): none.
    #[serde(default)]
    pub warm_pool: Option<WarmPoolSetting>,
}

/// A warm pool. Its instances wait stopped; an instance that is launched into it passes the group's hooks, and again when it goes
/// into service.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WarmPoolSetting {
    /// Instances launched into the pool at the start. They and the desired capacity are the group's prepared capacity: a launch that
    /// takes an instance makes the pool smaller, one whose hook is abandoned is replaced.
    pub size: usize,
    /// Whether a scale-in returns instances to the pool instead of terminating them. Default false.
    #[serde(default)]
    pub reuse_on_scale_in: bool,
}

/// A launch lifecycle hook.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HookSetting {
    /// The hook's name, unique in its group.
    pub name: String,
    /// Seconds without a heartbeat after which the hook ends with its default result, 30 to 7,200. Default 3,600.
    #[serde(default = "defaults::heartbeat_timeout")]
    pub heartbeat_timeout: u32,
    /// What the hook ends with when nobody completes it. Default `ABANDON`.
    #[serde(default)]
    pub default_result: HookResult,
    /// Text that travels in the hook's notifications; at most 4,000 characters. Default none.
    #[serde(default)]
    pub notification_metadata: Option<String>,
    /// Seconds from the hook's event until heartbeats and completions find its lifecycle action, although the instance is in
    /// `Pending:Wait` already; less than `heartbeatTimeout`. Right after a launch such calls have been seen to be a moment too
    /// early. Default 0.
    #[serde(default)]
    pub opens_seconds_after_event: f64,
}

/// How a lifecycle action ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum HookResult {
    /// The instance goes on into service.
    Continue,
    /// The instance is terminated.
    #[default]
    Abandon,
}

impl HookResult {
    /// As Auto Scaling writes it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            HookResult::Continue => "CONTINUE",
            HookResult::Abandon => "ABANDON",
        }
    }
}

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
    /// Whether CodeDeploy keeps a launch hook of its own on each Auto Scaling group named in `selection`. Default: true if any is named.
    #[serde(default)]
    pub managed_hooks: Option<bool>,
    /// Default `CodeDeployDefault.OneAtATime`.
    #[serde(default = "defaults::deployment_config_name")]
    pub deployment_config_name: String,
    /// What CodeDeploy does about instances that appeared during a deployment. Default `UPDATE`.
    #[serde(default)]
    pub outdated_instances_strategy: OutdatedInstancesStrategy,
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

/// How a deployment group selects its instances.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Selection {
    /// Every running instance that has all of these tags.
    Tags(BTreeMap<String, String>),
    /// The instances of these Auto Scaling groups.
    AutoScalingGroups(Vec<String>),
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

/// Where a revision is, in the API's own shape (`RevisionLocation`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(tag = "revisionType", deny_unknown_fields)]
pub enum Revision {
    /// A bundle in Amazon S3.
    S3 {
        /// Where.
        #[serde(rename = "s3Location")]
        s3_location: S3Location,
    },
    /// A commit on GitHub.
    GitHub {
        /// Where.
        #[serde(rename = "gitHubLocation")]
        git_hub_location: GitHubLocation,
    },
}

impl Revision {
    /// The zip bundle at `key` in `bucket`.
    pub fn s3(bucket: &str, key: &str) -> Self {
        let s3_location = S3Location {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            bundle_type: Some("zip".to_owned()),
            version: None,
            e_tag: None,
        };
        Revision::S3 { s3_location }
    }

    /// The S3 object key or the commit id.
    pub(crate) fn name(&self) -> &str {
        match self {
            Revision::S3 { s3_location } => &s3_location.key,
            Revision::GitHub { git_hub_location } => &git_hub_location.commit_id,
        }
    }
}

/// The API's `S3Location`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct S3Location {
    /// Bucket name.
    pub bucket: String,
    /// Object key.
    pub key: String,
    /// `zip`, `tar`, `tgz`, `YAML` or `JSON`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle_type: Option<String>,
    /// Object version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Object ETag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub e_tag: Option<String>,
}

/// The API's `GitHubLocation`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GitHubLocation {
    /// `account/repository`.
    pub repository: String,
    /// SHA-1 of the commit.
    pub commit_id: String,
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

/// A custom deployment configuration.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeploymentConfigSetting {
    /// The configuration's name.
    pub deployment_config_name: String,
    /// How many instances must stay healthy.
    pub minimum_healthy_hosts: MinimumHealthyHostsSetting,
}

/// The minimum healthy hosts of a custom deployment configuration.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(tag = "type", content = "value", rename_all = "SCREAMING_SNAKE_CASE", deny_unknown_fields)]
pub enum MinimumHealthyHostsSetting {
    /// So many instances.
    HostCount(u32),
    /// This percentage of the instances, 0 to 100, fractions rounded up.
    FleetPercent(u32),
}

/// How many calls each service lets through, over the whole account. The rates are not published, and differ from account to
/// account.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Throttling {
    /// Of CodeDeploy, which refuses the others with `ThrottlingException`. `null` (the default): every call.
    pub codedeploy: Option<CallRate>,
    /// Of Auto Scaling, which refuses the others with `Throttling`. `null` (the default): every call.
    pub autoscaling: Option<CallRate>,
}

/// A rate of calls: a bucket of `burst` tokens, full at the start, that gets `callsPerSecond` new ones a second. A call takes one;
/// a call that finds none is refused, and takes none.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CallRate {
    /// Calls let through in each world second in the long run; more than 0.
    pub calls_per_second: f64,
    /// Calls let through at once after a quiet time; at least 1. `null` (the default): as many as in a second, but at least 1.
    #[serde(default)]
    pub burst: Option<f64>,
}

/// A setting that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct SettingError {
    /// The field, as a path from the setting: `applications[2].jitter`.
    pub field: String,
    /// What is wrong with it.
    pub problem: String,
}
