//! The services whose calls can go wrong.

use serde::{Deserialize, Serialize};

/// A service that the functions or the state machine call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names are the services'")]
pub enum Service {
    CodeDeploy,
    AutoScaling,
    /// The Resource Groups Tagging API.
    Tagging,
    DynamoDb,
    Sns,
    /// EventBridge.
    Events,
    /// Step Functions.
    States,
    /// The state machine's calls of functions. Events invoke functions in another way: see [`Delivery`](crate::Delivery).
    Lambda,
}

impl Service {
    /// Every service.
    pub const ALL: [Self; 8] = [
        Self::CodeDeploy,
        Self::AutoScaling,
        Self::Tagging,
        Self::DynamoDb,
        Self::Sns,
        Self::Events,
        Self::States,
        Self::Lambda,
    ];

    /// The name in a signature, a scenario file and a [`Call`](crate::Call).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CodeDeploy => "codedeploy",
            Self::AutoScaling => "autoscaling",
            Self::Tagging => "tagging",
            Self::DynamoDb => "dynamodb",
            Self::Sns => "sns",
            Self::Events => "events",
            Self::States => "states",
            Self::Lambda => "lambda",
        }
    }

    /// The service of this name ([`Service::as_str`]).
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|service| service.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_has_one_name() {
        for service in Service::ALL {
            assert_eq!(serde_json::json!(service), service.as_str());
            assert_eq!(Service::named(service.as_str()), Some(service));
        }
        assert_eq!(Service::named("s3"), None);
    }
}
