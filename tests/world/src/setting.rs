//! What a world is made of: everything that is fixed before its time starts.

mod application;
mod check;
mod defaults;
mod open_facts;
mod revision;
mod selection;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use application::{
    ApplicationSetting, AutoRollbackConfiguration, AutoRollbackEvent, ComputePlatform, DeploymentType, Failure,
    LifecycleEventSeconds, OutdatedInstancesStrategy,
};
pub(crate) use check::MAX_SIZE;
pub use open_facts::{NothingOutdated, NothingOutdatedException, OpenFacts, RootVolumeHook};
pub use revision::{GitHubLocation, Revision, S3Location};
pub(crate) use selection::is_gate;
pub use selection::{FilterType, Selection, TagFilter};

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
    /// So many seconds the answers of `GetResources` trail what is, as those of a search index do. Default 0.
    #[serde(default)]
    pub tag_read_lag_seconds: f64,
    /// The key of the tag that is an instance's gate: a deployment group is gated if it selects only instances whose gate is at its own
    /// `application/deployment group`, or `open`. Default `turnstile`.
    #[serde(default = "defaults::gate_key")]
    pub gate_key: String,
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
    /// Whether the group is not there at the start, and somebody makes it later: it then launches its desired capacity. Default false.
    #[serde(default)]
    pub made_later: bool,
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
    /// The group's tags, which its instances get (`PropagateAtLaunch`), besides `aws:autoscaling:groupName`. Default none.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Tags that the launch template gives the instances. Where the group has a tag of the same key, its own counts (Auto Scaling user guide,
    /// "Tag Auto Scaling groups and instances"). Default none.
    #[serde(default)]
    pub launch_template_tags: BTreeMap<String, String>,
    /// Tags that the instances in service at the start have besides. Default none.
    #[serde(default)]
    pub tags_at_start: BTreeMap<String, String>,
    /// `application/deployment group` of everything that rollouts bring to a launched instance, in order. Default none: no order is checked,
    /// and no gate.
    #[serde(default)]
    pub application_order: Vec<String>,
    /// `application/deployment group` of everything that must have succeeded on an instance before a hook lets it into service.
    /// Default none.
    #[serde(default)]
    pub required_applications: Vec<String>,
    /// The warm pool beside the group. `null` (the default): none.
    #[serde(default)]
    pub warm_pool: Option<WarmPoolSetting>,
    /// What becomes of an instance in service that is to be terminated, or returned to the warm pool: with `retain` a termination hook is
    /// abandoned, and the group's instance lifecycle policy keeps the instance. Default `terminate`: there is no such hook.
    #[serde(default)]
    pub terminate_hook_abandon: TerminateHookAbandon,
}

impl AutoScalingGroupSetting {
    /// A group of which nothing else is given.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            made_later: false,
            desired_capacity: 0,
            hooks: Vec::new(),
            boot_seconds: defaults::boot_seconds(),
            agent_seconds: defaults::agent_seconds(),
            tags: BTreeMap::new(),
            launch_template_tags: BTreeMap::new(),
            tags_at_start: BTreeMap::new(),
            application_order: Vec::new(),
            required_applications: Vec::new(),
            warm_pool: None,
            terminate_hook_abandon: TerminateHookAbandon::default(),
        }
    }
}

/// The trigger in a group's instance lifecycle policy (API reference, `RetentionTriggers`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum TerminateHookAbandon {
    /// The instance is terminated.
    #[default]
    Terminate,
    /// The instance is retained: it runs, and does not count as one of the group's.
    Retain,
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
    /// Of the Resource Groups Tagging API, which refuses the others with `ThrottledException`. `null` (the default): every call.
    pub tagging: Option<CallRate>,
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
