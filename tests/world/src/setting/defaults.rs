//! The defaults of a setting's fields, as their documentation names them.

use super::{
    LifecycleEventSeconds, NothingOutdated, NothingOutdatedException, OpenFacts, RootVolumeHook, Setting, Throttling,
};

pub(super) fn region() -> String {
    "us-east-1".to_owned()
}

pub(super) fn account() -> String {
    "123456789012".to_owned()
}

pub(super) fn gate_key() -> String {
    "turnstile".to_owned()
}

pub(super) fn boot_seconds() -> f64 {
    30.0
}

pub(super) fn agent_seconds() -> Option<f64> {
    Some(20.0)
}

pub(super) fn heartbeat_timeout() -> u32 {
    3600
}

pub(super) fn deployment_config_name() -> String {
    "CodeDeployDefault.OneAtATime".to_owned()
}

pub(super) fn error_code() -> String {
    "ScriptFailed".to_owned()
}

impl Default for Setting {
    fn default() -> Self {
        Setting {
            region: region(),
            account: account(),
            seed: 0,
            auto_scaling_groups: Vec::new(),
            applications: Vec::new(),
            deployment_configs: Vec::new(),
            throttling: Throttling::default(),
            max_concurrent_deployments: None,
            read_lag_seconds: 0.0,
            tag_read_lag_seconds: 0.0,
            gate_key: gate_key(),
            open_facts: OpenFacts::default(),
        }
    }
}

impl Default for OpenFacts {
    fn default() -> Self {
        OpenFacts {
            nothing_outdated: NothingOutdated::default(),
            nothing_outdated_exception: NothingOutdatedException::default(),
            target_revision_moves_on_failure: true,
            auto_scaling_selection_reaches_pending_wait: false,
            limit_message_names_deployment: true,
            outdated_by_last_success: true,
            restart_names_revision: true,
            root_volume_hook: RootVolumeHook::default(),
            stop_is_immediate: false,
            tags_seen_after_seconds: 0.0,
        }
    }
}

impl Default for NothingOutdatedException {
    fn default() -> Self {
        NothingOutdatedException {
            code: "InvalidInputException".to_owned(),
            // Without the word "outdated": code that looks for it would find it in this world and perhaps not in AWS.
            message: "No instances to deploy to".to_owned(),
        }
    }
}

impl Default for LifecycleEventSeconds {
    fn default() -> Self {
        LifecycleEventSeconds {
            application_stop: 1.0,
            download_bundle: 5.0,
            before_install: 2.0,
            install: 5.0,
            after_install: 2.0,
            application_start: 10.0,
            validate_service: 5.0,
        }
    }
}
