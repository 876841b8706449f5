//! How long calls are under way.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use world::SettingError;

use crate::seed::Random;

/// The times that calls are under way, drawn anew for each call and each direction, in whole milliseconds. They decide in which order
/// calls that are made side by side arrive. Unknown fields are refused.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Network {
    /// Most ways take at most so many seconds. Default 0.02.
    pub usual_seconds: f64,
    /// The part of the ways that take longer, 0 to 1. Default 0.
    pub long_rate: f64,
    /// Those take at most so many seconds. Default 8, more than the functions' clients wait for.
    pub long_seconds: f64,
    /// The operations whose ways may be long. Default: none named, all may.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub long_operations: Vec<String>,
    /// The part of new connections that are never made, 0 to 1: the client's connect time-out ends them. Default 0.
    pub unreachable_rate: f64,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            usual_seconds: 0.02,
            long_rate: 0.0,
            long_seconds: 8.0,
            long_operations: Vec::new(),
            unreachable_rate: 0.0,
        }
    }
}

impl Network {
    /// The first thing wrong, if there is something.
    pub(crate) fn check(&self) -> Result<(), SettingError> {
        let wrong = |field: &str, problem: &str| {
            Err(SettingError { field: format!("network.{field}"), problem: problem.to_owned() })
        };
        for (field, rate) in [("longRate", self.long_rate), ("unreachableRate", self.unreachable_rate)] {
            if !(0.0..=1.0).contains(&rate) {
                return wrong(field, "must be 0 to 1");
            }
        }
        for (field, seconds) in [("usualSeconds", self.usual_seconds), ("longSeconds", self.long_seconds)] {
            if Duration::try_from_secs_f64(seconds).is_err() {
                return wrong(field, "must be 0 or more");
            }
        }
        Ok(())
    }

    /// How long one way of a call of this operation takes.
    pub(crate) fn way(&self, operation: &str, random: &Random) -> Duration {
        let may_be_long = self.long_operations.is_empty() || self.long_operations.iter().any(|long| long == operation);
        let is_long = random.happens(self.long_rate) && may_be_long;
        random.up_to(if is_long { self.long_seconds } else { self.usual_seconds })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;
    use serde_json::{Value, json};

    fn network(value: Value) -> Network {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn so_many_ways_are_long() {
        let network = network(json!({"longRate": 0.1, "longSeconds": 10}));
        let random = Seed(1).of("test");
        let ways: Vec<Duration> = (0..1000).map(|_| network.way("GetDeployment", &random)).collect();
        let long = ways.iter().filter(|way| **way > Duration::from_millis(20)).count();
        assert!((50..150).contains(&long), "{long}");
        assert!(ways.iter().all(|way| *way <= Duration::from_secs(10)));
    }

    #[test]
    fn only_the_ways_of_certain_operations_may_be_long() {
        let network = network(json!({"longRate": 1, "longSeconds": 10, "longOperations": ["CreateDeployment"]}));
        let random = Seed(1).of("test");
        let longest = |operation: &str| (0..100).map(|_| network.way(operation, &random)).max().unwrap();
        assert!(longest("CreateDeployment") > Duration::from_secs(5));
        assert!(longest("GetDeployment") <= Duration::from_millis(20));
    }

    #[test]
    fn every_wrong_field_is_named() {
        for (given, message) in [
            (json!({"longRate": 2}), "network.longRate: must be 0 to 1"),
            (json!({"unreachableRate": -0.1}), "network.unreachableRate: must be 0 to 1"),
            (json!({"usualSeconds": -1}), "network.usualSeconds: must be 0 or more"),
            (json!({"longSeconds": -1}), "network.longSeconds: must be 0 or more"),
        ] {
            assert_eq!(network(given).check().unwrap_err().to_string(), message);
        }
        Network::default().check().unwrap();
        assert!(serde_json::from_value::<Network>(json!({"slow": 1})).is_err());
    }
}
