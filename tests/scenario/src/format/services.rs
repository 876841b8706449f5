//! How the simulation's services treat calls.

use serde::{Deserialize, Serialize};
use simulation::{LambdaOptions, Network, Trailing};

use super::is_default;

/// How the simulation's services treat calls, besides the faults. Default: as well as can be. The stack's are as the machine makes them.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Services {
    /// How long calls are under way.
    #[serde(skip_serializing_if = "is_default")]
    pub network: Network,
    /// How Lambda treats the functions.
    #[serde(skip_serializing_if = "is_default")]
    pub lambda: LambdaOptions,
    /// How far the reads of Step Functions trail.
    #[serde(skip_serializing_if = "is_default")]
    pub trailing: Trailing,
    /// At most so many seconds by which those reads of DynamoDB trail that do not ask for consistency. Default 1.
    pub dynamodb_trails_seconds: f64,
}

impl Default for Services {
    fn default() -> Self {
        Self {
            network: Network::default(),
            lambda: LambdaOptions::default(),
            trailing: Trailing::default(),
            dynamodb_trails_seconds: 1.0,
        }
    }
}
