//! An Auto Scaling group in a scenario file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use world::{HookResult, HookSetting, TerminateHookAbandon, WarmPoolSetting};

use super::{GROUP, HOOK, is_default};

/// An Auto Scaling group. Its instances have a tag for each of its applications.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Group {
    /// Default `web`.
    #[serde(skip_serializing_if = "is_usual_name")]
    pub name: String,
    /// Whether it is not there at the start; the step `makeGroup` makes it. Default false.
    #[serde(skip_serializing_if = "is_default")]
    pub made_later: bool,
    /// The names of its applications, which are then the hook's NotificationMetadata too. `null` (the default): all, by the stack's list.
    #[serde(skip_serializing_if = "is_default")]
    pub applications: Option<Vec<String>>,
    /// Turnstile's launch hook; `null`: there is none. Default: `turnstile`.
    #[serde(skip_serializing_if = "is_usual_hook")]
    pub hook: Option<Hook>,
    /// Launch hooks that are not Turnstile's. Default none.
    #[serde(skip_serializing_if = "is_default")]
    pub other_hooks: Vec<HookSetting>,
    /// How many instances are in service and up to date at the start, or are launched when it is made. Default 0.
    #[serde(skip_serializing_if = "is_default")]
    pub desired_capacity: usize,
    /// Seconds from a launch to `Pending:Wait`. Default 30.
    #[serde(skip_serializing_if = "is_usual_boot")]
    pub boot_seconds: f64,
    /// Seconds from then until the CodeDeploy agent answers; `null`: it never does. Default 20.
    #[serde(skip_serializing_if = "is_usual_agent")]
    pub agent_seconds: Option<f64>,
    /// Tags that the launch template gives its instances, such as `{"turnstile": "open"}`. Default none.
    #[serde(skip_serializing_if = "is_default")]
    pub launch_template_tags: BTreeMap<String, String>,
    /// Whether the gates of the instances in service at the start are open, where a group with `selectedBy` `gate` selects them; `false`: they have
    /// none yet. Default true.
    #[serde(skip_serializing_if = "is_true")]
    pub gates_open: bool,
    /// The warm pool, such as `{"size": 2, "reuseOnScaleIn": true}`. `null` (the default): none.
    #[serde(skip_serializing_if = "is_default")]
    pub warm_pool: Option<WarmPoolSetting>,
    /// What becomes of an instance that is to leave service: `retain` keeps it, beside its replacement. Default `terminate`.
    #[serde(skip_serializing_if = "is_default")]
    pub terminate_hook_abandon: TerminateHookAbandon,
    /// The names of the applications without which no rollout may let an instance in. `null` (the default): all of its applications.
    #[serde(skip_serializing_if = "is_default")]
    pub required_applications: Option<Vec<String>>,
}

/// Turnstile's launch hook.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Hook {
    /// Default `turnstile`.
    #[serde(skip_serializing_if = "is_usual_hook_name")]
    pub name: String,
    /// Seconds without a heartbeat after which the hook ends with its default result, 30 to 7,200. Default 3,600.
    #[serde(skip_serializing_if = "is_usual_heartbeat_timeout")]
    pub heartbeat_timeout: u32,
    /// Default `ABANDON`.
    #[serde(skip_serializing_if = "is_default")]
    pub default_result: HookResult,
    /// NotificationMetadata. Default: the group's `applications`, if it names them.
    #[serde(skip_serializing_if = "is_default")]
    pub notification_metadata: Option<String>,
    /// Seconds from the hook's event until calls find the hook open. Default 0.
    #[serde(skip_serializing_if = "is_default")]
    pub opens_seconds_after_event: f64,
}

impl Default for Group {
    fn default() -> Self {
        Self {
            name: GROUP.to_owned(),
            made_later: false,
            applications: None,
            hook: Some(Hook::default()),
            other_hooks: Vec::new(),
            desired_capacity: 0,
            boot_seconds: 30.0,
            agent_seconds: Some(20.0),
            launch_template_tags: BTreeMap::new(),
            gates_open: true,
            warm_pool: None,
            terminate_hook_abandon: TerminateHookAbandon::default(),
            required_applications: None,
        }
    }
}

impl Default for Hook {
    fn default() -> Self {
        Self {
            name: HOOK.to_owned(),
            heartbeat_timeout: 3_600,
            default_result: HookResult::default(),
            notification_metadata: None,
            opens_seconds_after_event: 0.0,
        }
    }
}

fn is_true(given: &bool) -> bool {
    *given
}

fn is_usual_name(given: &str) -> bool {
    given == GROUP
}

fn is_usual_hook(given: &Option<Hook>) -> bool {
    *given == Group::default().hook
}

fn is_usual_boot(given: &f64) -> bool {
    *given == Group::default().boot_seconds
}

fn is_usual_agent(given: &Option<f64>) -> bool {
    *given == Group::default().agent_seconds
}

fn is_usual_hook_name(given: &str) -> bool {
    given == HOOK
}

fn is_usual_heartbeat_timeout(given: &u32) -> bool {
    *given == Hook::default().heartbeat_timeout
}
