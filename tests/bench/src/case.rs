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
    /// Where it runs.
    pub place: Place,
    /// What else goes on.
    pub beside: Beside,
    /// The most deployments.
    pub limit_deployments: usize,
    /// The longest makespan, in the six deployments' own time.
    pub limit_makespan_ratio: Option<f64>,
    /// The longest time from an instance's launch to its service, on average, in the six deployments' own time.
    pub limit_mean_ratio: Option<f64>,
    /// The same of the instance that took the longest.
    pub limit_worst_ratio: Option<f64>,
    /// The most CodeDeploy calls an instance.
    pub limit_codedeploy_calls: Option<f64>,
    /// The most state transitions an instance.
    pub limit_transitions: Option<f64>,
}

/// Where a case runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Place {
    /// On the local stack, at so many world seconds a real second: as many as it keeps up with on two cores.
    Stack(f64),
    /// In the simulation: in virtual time, where the machine's own speed plays no part.
    Simulation,
}

/// What else goes on while the case's instances launch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beside {
    /// Nothing.
    Nothing,
    /// One more instance is launched in the same moment, whose CodeDeploy agent never starts.
    DeadInstance,
    /// A pipeline deploys new builds of the list's later applications to an instance in service. Each of its deployments has ended before the
    /// launch comes to that application.
    Pipeline,
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

/// Transitions an application that a launch alone may take, six times.
const LIMIT_TRANSITIONS_ALONE: f64 = 6.0 * 16.0;

/// What the cases have in common where they say nothing else.
const CASE: Case = Case {
    name: "",
    instances: 1,
    mode: Mode::Shared,
    launches: Launches::AtOnce,
    codedeploy: None,
    place: Place::Simulation,
    beside: Beside::Nothing,
    limit_deployments: 6,
    limit_makespan_ratio: None,
    limit_mean_ratio: None,
    limit_worst_ratio: None,
    limit_codedeploy_calls: None,
    limit_transitions: None,
};

/// The cases, in the order in which they run.
///
/// A rollout makes a deployment for each of the six applications. An instance that comes after the first of them has chosen its targets
/// needs a second rollout's. Gated, every instance gets the list in order: one that comes later follows those before it with deployments of
/// its own, at most six.
///
/// Large bursts are simulated. Two cores are too slow for a hundred functions' processes at a time: on the stack their rollouts would measure
/// the machine.
pub const CASES: [Case; 10] = [
    Case { name: "1 alone", place: Place::Stack(80.0), limit_transitions: Some(LIMIT_TRANSITIONS_ALONE), ..CASE },
    Case { name: "5 at once", instances: 5, place: Place::Stack(80.0), limit_deployments: 12, ..CASE },
    Case {
        name: "100 at once",
        instances: 100,
        limit_deployments: 12,
        limit_makespan_ratio: Some(1.5),
        limit_codedeploy_calls: Some(25.0),
        ..CASE
    },
    Case {
        name: "30 over one rollout",
        instances: 30,
        launches: Launches::OverOneRollout,
        limit_deployments: 18,
        limit_makespan_ratio: Some(2.5),
        ..CASE
    },
    Case {
        name: "30 at once, CodeDeploy throttled to 2 calls/s",
        instances: 30,
        codedeploy: Some(CallRate { calls_per_second: 2.0, burst: Some(4.0) }),
        // A function's SDK pauses in real time before it repeats a throttled call: the faster the world, the fewer calls are repeated.
        place: Place::Stack(14.0),
        limit_deployments: 12,
        ..CASE
    },
    Case {
        name: "1 alone, gated",
        mode: Mode::Gated,
        place: Place::Stack(80.0),
        limit_transitions: Some(LIMIT_TRANSITIONS_ALONE),
        ..CASE
    },
    Case {
        name: "1 beside a pipeline, gated",
        mode: Mode::Gated,
        beside: Beside::Pipeline,
        // The pipeline's own three are more.
        limit_deployments: 9,
        limit_makespan_ratio: Some(1.15),
        ..CASE
    },
    Case {
        name: "1 beside a dead instance, gated",
        mode: Mode::Gated,
        beside: Beside::DeadInstance,
        // The dead instance's own attempts are more.
        limit_deployments: 9,
        // Alone at most 1.15; five minutes are 0.21 of the six deployments' own time.
        limit_makespan_ratio: Some(1.36),
        ..CASE
    },
    Case {
        name: "100 at once, gated",
        instances: 100,
        mode: Mode::Gated,
        limit_deployments: 12,
        limit_makespan_ratio: Some(1.25),
        limit_codedeploy_calls: Some(25.0),
        ..CASE
    },
    Case {
        name: "30 over one rollout, gated",
        instances: 30,
        mode: Mode::Gated,
        launches: Launches::OverOneRollout,
        limit_deployments: 180,
        limit_mean_ratio: Some(1.3),
        limit_worst_ratio: Some(1.5),
        ..CASE
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
