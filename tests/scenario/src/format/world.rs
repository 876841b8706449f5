//! What is there at the start.

use serde::{Deserialize, Serialize};
use world::{DeploymentConfigSetting, Throttling};

use super::{Application, Group, OpenFacts, is_default};

/// A world: [`world::Setting`] with the defaults of most scenarios.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct World {
    /// Seed of all ids and of everything random. Default 0.
    #[serde(skip_serializing_if = "is_default")]
    pub seed: u64,
    /// The applications, in the order of the stack's list. Default none.
    #[serde(skip_serializing_if = "is_default")]
    pub applications: Vec<Application>,
    /// The Auto Scaling groups. Default: one, `web`, with a launch hook and all of the applications.
    #[serde(skip_serializing_if = "is_usual_groups")]
    pub groups: Vec<Group>,
    /// Deployment configurations besides CodeDeploy's own. Default none.
    #[serde(skip_serializing_if = "is_default")]
    pub deployment_configs: Vec<DeploymentConfigSetting>,
    /// How many calls the services let through. Default: all.
    #[serde(skip_serializing_if = "is_default")]
    pub throttling: Throttling,
    /// So many deployments of the account may be under way at once. `null` (the default): any number.
    #[serde(skip_serializing_if = "is_default")]
    pub max_concurrent_deployments: Option<usize>,
    /// So many seconds CodeDeploy's answers trail what is. Default 0.
    #[serde(skip_serializing_if = "is_default")]
    pub read_lag_seconds: f64,
    /// What is fixed of what public material does not say. Default nothing: it has to come out either way.
    #[serde(skip_serializing_if = "is_default")]
    pub open_facts: OpenFacts,
}

impl Default for World {
    fn default() -> Self {
        Self {
            seed: 0,
            applications: Vec::new(),
            groups: vec![Group::default()],
            deployment_configs: Vec::new(),
            throttling: Throttling::default(),
            max_concurrent_deployments: None,
            read_lag_seconds: 0.0,
            open_facts: OpenFacts::default(),
        }
    }
}

fn is_usual_groups(given: &[Group]) -> bool {
    given == [Group::default()]
}
