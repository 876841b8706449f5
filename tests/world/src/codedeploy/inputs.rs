//! The operations' inputs, as the API model names them. Members the world has no use for are taken and ignored.

use serde::Deserialize;
use serde_json::Value;

use crate::setting::AutoRollbackConfiguration;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct CreateDeployment {
    pub(super) application_name: Option<String>,
    pub(super) deployment_group_name: Option<String>,
    /// Judged by the operation: what is wrong with it has an error code of its own.
    pub(super) revision: Option<Value>,
    pub(super) deployment_config_name: Option<String>,
    pub(super) description: Option<String>,
    pub(super) ignore_application_stop_failures: bool,
    pub(super) target_instances: Option<Value>,
    pub(super) update_outdated_instances_only: bool,
    /// `STANDARD` or `RESTART`.
    pub(super) deployment_mode: Option<String>,
    /// Overrides the deployment group's.
    pub(super) auto_rollback_configuration: Option<AutoRollbackConfiguration>,
    /// Overrides the deployment group's.
    pub(super) override_alarm_configuration: Option<AlarmConfiguration>,
    pub(super) file_exists_behavior: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct AlarmConfiguration {
    pub(super) enabled: bool,
    pub(super) alarms: Vec<Alarm>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Alarm {
    pub(super) name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct StopDeployment {
    pub(super) deployment_id: Option<String>,
    /// Overrides the deployment's own.
    pub(super) auto_rollback_enabled: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ListDeployments {
    pub(super) application_name: Option<String>,
    pub(super) deployment_group_name: Option<String>,
    pub(super) include_only_statuses: Vec<String>,
    pub(super) create_time_range: TimeRange,
    pub(super) next_token: Option<String>,
}

/// In seconds since the Unix epoch.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct TimeRange {
    pub(super) start: Option<f64>,
    pub(super) end: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct OfDeployment {
    pub(super) deployment_id: Option<String>,
    pub(super) target_id: Option<String>,
    pub(super) target_ids: Vec<String>,
    pub(super) target_filters: TargetFilters,
    pub(super) next_token: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TargetFilters {
    #[serde(rename = "TargetStatus")]
    pub(super) target_status: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct BatchGetDeployments {
    pub(super) deployment_ids: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct OfGroup {
    pub(super) application_name: Option<String>,
    pub(super) deployment_group_name: Option<String>,
    pub(super) deployment_group_names: Vec<String>,
    pub(super) next_token: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct GetDeploymentConfig {
    pub(super) deployment_config_name: Option<String>,
}
