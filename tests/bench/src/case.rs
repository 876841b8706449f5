//! The cases of the benchmark and their limits.

use serde::Serialize;
use world::CallRate;

use crate::setting;

/// A burst of launches and its limits.
#[derive(Debug, Clone)]
pub struct Case {
    /// The name.
    pub name: &'static str,
    /// How many instances are launched.
    pub instances: usize,
    /// How the deployment groups select their instances.
    pub mode: Mode,
    /// When they are launched.
    pub launches: Launches,
    /// The rate to which CodeDeploy throttles calls, if it does.
    pub codedeploy: Option<CallRate>,
    /// World seconds a real second, as many as the local stack keeps up with on two cores.
    pub speed: f64,
    /// The most deployments.
    pub limit_deployments: usize,
    /// The longest makespan, in the six deployments' own time.
    pub limit_makespan_ratio: Option<f64>,
    /// The longest time from an instance's launch to its service, on average, in the six deployments' own time.
    pub limit_mean_ratio: Option<f64>,
    /// The same of the instance that took the longest.
    pub limit_worst_ratio: Option<f64>,
}

/// How the deployment groups select their instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Mode {
    /// By their own tags and the instance's gate.
    Gated,
    /// By their own tags alone.
    Shared,
}

/// When the instances are launched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Launches {
    /// All in the same moment.
    AtOnce,
    /// Evenly spread over the six deployments' own time.
    OverOneRollout,
    /// Each when the one before it has failed: its replacement.
    OneAfterAnother,
}

impl Launches {
    /// World seconds from the first launch to the last.
    pub fn seconds(self) -> f64 {
        match self {
            Self::AtOnce | Self::OneAfterAnother => 0.0,
            Self::OverOneRollout => setting::own_seconds(),
        }
    }
}

/// The cases, in the order in which they run.
///
/// A rollout makes a deployment for each of the six applications. An instance that comes after the first of them has chosen its targets
/// needs a second rollout's. Gated, every instance gets the list in order: one that comes later follows those before it with deployments of
/// its own, at most six.
pub const CASES: [Case; 8] = [
    Case {
        name: "1 alone",
        instances: 1,
        mode: Mode::Shared,
        launches: Launches::AtOnce,
        codedeploy: None,
        speed: 80.0,
        limit_deployments: 6,
        limit_makespan_ratio: None,
        limit_mean_ratio: None,
        limit_worst_ratio: None,
    },
    Case {
        name: "5 at once",
        instances: 5,
        mode: Mode::Shared,
        launches: Launches::AtOnce,
        codedeploy: None,
        speed: 80.0,
        limit_deployments: 12,
        limit_makespan_ratio: None,
        limit_mean_ratio: None,
        limit_worst_ratio: None,
    },
    Case {
        name: "100 at once",
        instances: 100,
        mode: Mode::Shared,
        launches: Launches::AtOnce,
        codedeploy: None,
        speed: 12.0,
        limit_deployments: 12,
        limit_makespan_ratio: Some(1.5),
        limit_mean_ratio: None,
        limit_worst_ratio: None,
    },
    Case {
        name: "30 over one rollout",
        instances: 30,
        mode: Mode::Shared,
        launches: Launches::OverOneRollout,
        codedeploy: None,
        speed: 40.0,
        limit_deployments: 18,
        limit_makespan_ratio: Some(2.5),
        limit_mean_ratio: None,
        limit_worst_ratio: None,
    },
    Case {
        name: "30 at once, CodeDeploy throttled to 2 calls/s",
        instances: 30,
        mode: Mode::Shared,
        launches: Launches::AtOnce,
        codedeploy: Some(CallRate { calls_per_second: 2.0, burst: Some(4.0) }),
        // A function's SDK pauses in real time before it repeats a throttled call: the faster the world, the fewer calls are repeated.
        speed: 14.0,
        limit_deployments: 12,
        limit_makespan_ratio: None,
        limit_mean_ratio: None,
        limit_worst_ratio: None,
    },
    Case {
        name: "1 alone, gated",
        instances: 1,
        mode: Mode::Gated,
        launches: Launches::AtOnce,
        codedeploy: None,
        speed: 80.0,
        limit_deployments: 6,
        limit_makespan_ratio: None,
        limit_mean_ratio: None,
        limit_worst_ratio: None,
    },
    Case {
        name: "100 at once, gated",
        instances: 100,
        mode: Mode::Gated,
        launches: Launches::AtOnce,
        codedeploy: None,
        speed: 12.0,
        limit_deployments: 12,
        limit_makespan_ratio: Some(1.25),
        limit_mean_ratio: None,
        limit_worst_ratio: None,
    },
    Case {
        name: "30 over one rollout, gated",
        instances: 30,
        mode: Mode::Gated,
        launches: Launches::OverOneRollout,
        codedeploy: None,
        speed: 40.0,
        limit_deployments: 180,
        limit_makespan_ratio: None,
        limit_mean_ratio: Some(1.3),
        limit_worst_ratio: Some(1.5),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_case_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<&str> = CASES.iter().map(|case| case.name).collect();
        assert_eq!(names.len(), CASES.len());
    }

    #[test]
    fn launches_are_spread_over_one_rollout_or_not_at_all() {
        assert_eq!(Launches::AtOnce.seconds(), 0.0);
        assert_eq!(Launches::OverOneRollout.seconds(), setting::own_seconds());
    }
}
