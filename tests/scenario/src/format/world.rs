//! The world at the start of a scenario.

use serde::{Deserialize, Serialize};
use world::{DeploymentConfigSetting, Throttling};

use super::{Application, Group, OpenFacts, is_default};

/// A world: [`world::Setting`] with the defaults of most scenarios.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct World {
    /// The seed of ids and of everything random. Default 0.
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
    /// The rates beyond which the services throttle their callers. Default: none.
    #[serde(skip_serializing_if = "is_default")]
    pub throttling: Throttling,
    /// So many deployments of the account may be under way at once. `null` (the default): any number.
    #[serde(skip_serializing_if = "is_default")]
    pub max_concurrent_deployments: Option<usize>,
    /// World seconds by which CodeDeploy's answers are behind. Default 0.
    #[serde(skip_serializing_if = "is_default")]
    pub read_lag_seconds: f64,
    /// World seconds by which the answers of `GetResources` are behind. Default 0.
    #[serde(skip_serializing_if = "is_default")]
    pub tag_read_lag_seconds: f64,
    /// The open facts that the scenario fixes. Default none: the scenario has to pass whichever way they are.
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
            tag_read_lag_seconds: 0.0,
            open_facts: OpenFacts::default(),
        }
    }
}

fn is_usual_groups(given: &[Group]) -> bool {
    given == [Group::default()]
}
