//! The gate: the tag of an instance that says which application may deploy to it now.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::words::application::DeploymentGroup;

/// The key of the tag that is the gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct GateKey(String);

impl GateKey {
    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `turnstile`, as in a plan that names none.
impl Default for GateKey {
    fn default() -> Self {
        Self("turnstile".to_owned())
    }
}

/// Checks that the text can be a tag's key (EC2 user guide, "Tag restrictions").
impl TryFrom<String> for GateKey {
    type Error = String;

    fn try_from(key: String) -> Result<Self, String> {
        let is_reserved = key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:"));
        match (1..=128).contains(&key.chars().count()) && !is_reserved {
            true => Ok(Self(key)),
            false => Err(format!("expected 1 to 128 characters that do not begin with aws:, got {key:?}")),
        }
    }
}

/// Where an instance's gate is. One that has just been launched has none, and no gated deployment group selects it.
///
/// A value has up to 201 characters, as both names of a deployment group have up to 100. A tag's value has room for 256 (EC2 user guide, "Tag
/// restrictions").
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gate {
    /// The application's turn has come on the instance: only its deployment group selects the instance.
    At(DeploymentGroup),
    /// The instance is in service: every gated deployment group selects it.
    Open,
    /// The instance is in a warm pool: no gated deployment group selects it.
    Pooled,
    /// The instance's rollout has failed, and it is kept to be looked at: no gated deployment group selects it.
    Failed,
}

const OPEN: &str = "open";
const POOLED: &str = "pooled";
const FAILED: &str = "failed";

/// The tag's value.
impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(group) => group.fmt(f),
            Self::Open => f.write_str(OPEN),
            Self::Pooled => f.write_str(POOLED),
            Self::Failed => f.write_str(FAILED),
        }
    }
}

/// Reads the tag's value. Any other text is none of Turnstile's, and an error.
impl FromStr for Gate {
    type Err = String;

    fn from_str(value: &str) -> Result<Self, String> {
        match value {
            OPEN => Ok(Self::Open),
            POOLED => Ok(Self::Pooled),
            FAILED => Ok(Self::Failed),
            name => name.parse().map(Self::At),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::ids::CodeDeployName;
    use proptest::prelude::*;

    #[test]
    fn every_value_of_the_design_is_read() {
        for (value, gate) in [
            ("Service-A/Production", Some(Gate::At("Service-A/Production".parse().unwrap()))),
            ("open", Some(Gate::Open)),
            ("pooled", Some(Gate::Pooled)),
            ("failed", Some(Gate::Failed)),
            ("", None),
            ("Open", None),
            ("shut", None),
        ] {
            assert_eq!(value.parse().ok(), gate, "{value}");
        }
    }

    #[test]
    fn a_key_is_one_that_ec2_takes() {
        let long = "k".repeat(128);
        for (key, is_right) in [
            ("turnstile", true),
            (long.as_str(), true),
            ("aws", true),
            ("", false),
            ("aws:gate", false),
            ("AWS:gate", false),
            (&format!("{long}k"), false),
        ] {
            assert_eq!(GateKey::try_from(key.to_owned()).is_ok(), is_right, "{key}");
        }
    }

    proptest! {
        /// Whatever CodeDeploy lets the two be called: the gate reads back, is no other gate, and fits into a tag.
        #[test]
        fn a_gate_at_any_deployment_group_reads_back(
            application in "[A-Za-z0-9+=,.@_-]{1,100}",
            group in "[A-Za-z0-9+=,.@_-]{1,100}",
        ) {
            let name = |text: &str| CodeDeployName::try_from(text).unwrap();
            let group =
                DeploymentGroup { application_name: name(&application), deployment_group_name: name(&group) };
            let value = Gate::At(group.clone()).to_string();
            prop_assert!(value.len() <= 256);
            prop_assert_eq!(value.parse(), Ok(Gate::At(group)));
        }
    }
}
