//! The open facts that a scenario fixes.

use serde::{Deserialize, Serialize};
use world::{NothingOutdated, NothingOutdatedException, RootVolumeHook};

use super::is_default;

/// The [open facts](world::OpenFacts) that a scenario fixes because it is about them. The others are tried either way.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[allow(missing_docs, reason = "the names are world::OpenFacts's")]
pub struct OpenFacts {
    #[serde(skip_serializing_if = "is_default")]
    pub nothing_outdated: Option<NothingOutdated>,
    #[serde(skip_serializing_if = "is_default")]
    pub nothing_outdated_exception: Option<NothingOutdatedException>,
    #[serde(skip_serializing_if = "is_default")]
    pub target_revision_moves_on_failure: Option<bool>,
    #[serde(skip_serializing_if = "is_default")]
    pub auto_scaling_selection_reaches_pending_wait: Option<bool>,
    #[serde(skip_serializing_if = "is_default")]
    pub limit_message_names_deployment: Option<bool>,
    #[serde(skip_serializing_if = "is_default")]
    pub outdated_by_last_success: Option<bool>,
    #[serde(skip_serializing_if = "is_default")]
    pub restart_names_revision: Option<bool>,
    #[serde(skip_serializing_if = "is_default")]
    pub root_volume_hook: Option<RootVolumeHook>,
    #[serde(skip_serializing_if = "is_default")]
    pub stop_is_immediate: Option<bool>,
    #[serde(skip_serializing_if = "is_default")]
    pub tags_seen_after_seconds: Option<f64>,
}
