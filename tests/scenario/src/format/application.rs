//! An application in a scenario file.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use world::{AutoRollbackEvent, ComputePlatform, DeploymentType, LifecycleEventSeconds, OutdatedInstancesStrategy};

use super::short::{self, Short};
use super::{DEPLOYMENT_GROUP, Object, is_default};

/// An application and its deployment group. The short form is its name.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(remote = "Self", rename_all = "camelCase", deny_unknown_fields)]
pub struct Application {
    /// `Orders`, which has the deployment group `Production`, or `Orders/Staging`.
    pub name: String,
    /// Seconds that each lifecycle event takes. Default: the world's, 29 altogether.
    #[serde(default, skip_serializing_if = "is_default")]
    pub seconds: LifecycleEventSeconds,
    /// The fraction by which each lifecycle event's time varies. Default 0.05.
    #[serde(default = "jitter", skip_serializing_if = "is_usual_jitter")]
    pub jitter: f64,
    /// How deployments fail on an instance. Default: they do not.
    #[serde(default, skip_serializing_if = "is_default")]
    pub failure: Option<Failure>,
    /// The deployment group's configuration. Default `CodeDeployDefault.OneAtATime`, as CodeDeploy's.
    #[serde(default, skip_serializing_if = "is_default")]
    pub deployment_config_name: Option<String>,
    /// Options of the application in the stack's list, such as `{"maxAttempts": 3}`. Default none.
    #[serde(default, skip_serializing_if = "is_default")]
    pub options: Object,
    /// How the deployment group selects its instances: `tag` (the default), `autoScalingGroup` or `gate`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub selected_by: SelectedBy,
    /// The names of on-premises instances in its deployment group. Default none.
    #[serde(default, skip_serializing_if = "is_default")]
    pub on_premises_instances: Vec<String>,
    /// Whether CodeDeploy has launch hooks of its own on the Auto Scaling groups. Needs `selectedBy` `autoScalingGroup`. Default false.
    #[serde(default, skip_serializing_if = "is_default")]
    pub managed_hooks: bool,
    /// What CodeDeploy does about instances that appear during a deployment. Default `IGNORE`.
    #[serde(default = "ignore", skip_serializing_if = "is_ignore")]
    pub outdated_instances_strategy: OutdatedInstancesStrategy,
    /// After which ends CodeDeploy rolls a deployment back. Default none.
    #[serde(default, skip_serializing_if = "is_default")]
    pub auto_rollback: Vec<AutoRollbackEvent>,
    /// The names of the alarms that stop its deployments. Default none.
    #[serde(default, skip_serializing_if = "is_default")]
    pub alarms: Vec<String>,
    /// Seconds that its deployments bake after their last target. Default 0.
    #[serde(default, skip_serializing_if = "is_default")]
    pub bake_seconds: f64,
    /// Whether CodeDeploy stops it on an instance that leaves service, with `selectedBy` `autoScalingGroup`. Default false.
    #[serde(default, skip_serializing_if = "is_default")]
    pub termination_hook_enabled: bool,
    /// Whether the deployment group has no revision. Default false: its revision is `<name>-1.zip`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub never_deployed: bool,
    /// Seconds that the group's last successful deployment took; `null`: there is no record of one. Default 30.
    #[serde(default = "previous_deployment_seconds", skip_serializing_if = "is_usual_previous_deployment")]
    pub previous_deployment_seconds: Option<f64>,
    /// Default `Server`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub compute_platform: ComputePlatform,
    /// Default `IN_PLACE`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub deployment_type: DeploymentType,
}

/// How a deployment group selects its instances.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum SelectedBy {
    /// By an EC2 tag, which the Auto Scaling groups with the application give their instances.
    #[default]
    Tag,
    /// By the Auto Scaling groups with the application.
    AutoScalingGroup,
    /// By that EC2 tag, and by the instance's gate: at this deployment group, or open.
    Gate,
}

/// How a deployment fails on an instance.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Failure {
    /// The lifecycle event that fails.
    pub event: String,
    /// The script that fails. Default: no script fails, but the agent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub script: Option<String>,
    /// The script's exit code. Default: unknown.
    #[serde(default, skip_serializing_if = "is_default")]
    pub exit_code: Option<i32>,
    /// The error code of the diagnostics. Default `ScriptFailed` for a script, else `UnknownError`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub error_code: Option<String>,
    /// The message of the diagnostics. Default: the agent's text about the script.
    #[serde(default, skip_serializing_if = "is_default")]
    pub message: Option<String>,
    /// The script's last lines. Default none.
    #[serde(default, skip_serializing_if = "is_default")]
    pub log: Vec<String>,
    /// The number of targets that fail before the next ones succeed; `null` (the default): all fail.
    #[serde(default, skip_serializing_if = "is_default")]
    pub times: Option<u32>,
    /// The only revision that fails, such as `Orders-2.zip`. `null` (the default): every revision fails.
    #[serde(default, skip_serializing_if = "is_default")]
    pub only_revision: Option<String>,
}

impl Application {
    /// An application with this name and the defaults.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            seconds: LifecycleEventSeconds::default(),
            jitter: jitter(),
            failure: None,
            deployment_config_name: None,
            options: Object::new(),
            selected_by: SelectedBy::default(),
            on_premises_instances: Vec::new(),
            managed_hooks: false,
            outdated_instances_strategy: ignore(),
            auto_rollback: Vec::new(),
            alarms: Vec::new(),
            bake_seconds: 0.0,
            termination_hook_enabled: false,
            never_deployed: false,
            previous_deployment_seconds: previous_deployment_seconds(),
            compute_platform: ComputePlatform::default(),
            deployment_type: DeploymentType::default(),
        }
    }

    /// The application's and the deployment group's name.
    pub fn names(&self) -> (&str, &str) {
        self.name.split_once('/').unwrap_or((&self.name, DEPLOYMENT_GROUP))
    }

    /// `application/deployment group`.
    pub fn short_form(&self) -> String {
        let (application, group) = self.names();
        format!("{application}/{group}")
    }
}

impl Short for Application {
    const EXPECTED: &str = "an application's name or an object";

    fn of_text(name: &str) -> Option<Self> {
        Some(Self::named(name))
    }

    fn of_object<'de, D: Deserializer<'de>>(object: D) -> Result<Self, D::Error> {
        Application::deserialize(object)
    }
}

impl<'de> Deserialize<'de> for Application {
    fn deserialize<D: Deserializer<'de>>(given: D) -> Result<Self, D::Error> {
        short::read(given)
    }
}

impl Serialize for Application {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if *self == Self::named(&self.name) {
            return serializer.serialize_str(&self.name);
        }
        Application::serialize(self, serializer)
    }
}

fn jitter() -> f64 {
    0.05
}

fn is_usual_jitter(given: &f64) -> bool {
    *given == jitter()
}

fn ignore() -> OutdatedInstancesStrategy {
    OutdatedInstancesStrategy::Ignore
}

fn is_ignore(given: &OutdatedInstancesStrategy) -> bool {
    *given == ignore()
}

fn previous_deployment_seconds() -> Option<f64> {
    Some(30.0)
}

fn is_usual_previous_deployment(given: &Option<f64>) -> bool {
    *given == previous_deployment_seconds()
}
