//! The metrics that the functions emit, and their dimensions. docs/operating.md has a row for each metric.

use std::fmt;

/// A metric's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// An end of a rollout, by its outcome.
    Rollouts,
    /// A rollout that failed or timed out, by its error.
    FailedRollouts,
    /// From the launch of an instance to its hook's CONTINUE.
    LaunchToServiceSeconds,
    /// A deployment, from its creation to its end.
    DeploymentSeconds,
    /// From the end of a deployment to the creation of the next one, all of a rollout's together.
    BetweenDeploymentsSeconds,
    /// For how long a rollout has waited for turns.
    WaitingForTurnsSeconds,
    /// How many launches of the group have failed in a row, while a rollout backs off.
    FailuresInARow,
    /// Launches without a rollout for which the schedule has started one.
    LaunchesFound,
    /// How long the oldest launch that waits at the hook has lasted.
    OldestLaunchSeconds,
    /// How much of the time is over for which Auto Scaling lets the hook of that launch be kept open.
    HookTimeUsedPercent,
    /// Groups with instances in service whose launch hook has vanished.
    HooksVanished,
    /// 1 for an event of the schedule whose search failed in a group, 0 for another one.
    SweepsFailed,
}

/// A metric's unit, as CloudWatch spells it (CloudWatch API reference, MetricDatum).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Count,
    Seconds,
    Percent,
}

impl Metric {
    /// Every metric.
    pub const ALL: [Self; 12] = [
        Self::Rollouts,
        Self::FailedRollouts,
        Self::LaunchToServiceSeconds,
        Self::DeploymentSeconds,
        Self::BetweenDeploymentsSeconds,
        Self::WaitingForTurnsSeconds,
        Self::FailuresInARow,
        Self::LaunchesFound,
        Self::OldestLaunchSeconds,
        Self::HookTimeUsedPercent,
        Self::HooksVanished,
        Self::SweepsFailed,
    ];

    pub fn unit(self) -> Unit {
        match self {
            Self::LaunchToServiceSeconds
            | Self::DeploymentSeconds
            | Self::BetweenDeploymentsSeconds
            | Self::WaitingForTurnsSeconds
            | Self::OldestLaunchSeconds => Unit::Seconds,
            Self::HookTimeUsedPercent => Unit::Percent,
            Self::Rollouts
            | Self::FailedRollouts
            | Self::FailuresInARow
            | Self::LaunchesFound
            | Self::HooksVanished
            | Self::SweepsFailed => Unit::Count,
        }
    }
}

/// The name as CloudWatch shows it.
impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// What a metric is told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dimension {
    /// The stack's state machine: two stacks have metrics of their own.
    StateMachine,
    AutoScalingGroupName,
    /// `application/deployment group`.
    Application,
    Outcome,
    Error,
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Figures that are told together: values of metrics, each under every one of the sets of dimensions.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    pub values: Vec<(Metric, f64)>,
    pub dimensions: Vec<&'static [Dimension]>,
    /// What the dimensions are, and whatever else tells in the log what the figures are of.
    pub of: Vec<(String, String)>,
}

impl Figures {
    /// Figures of a state machine under these sets of dimensions.
    pub fn new(state_machine: &str, dimensions: Vec<&'static [Dimension]>) -> Self {
        let of = vec![(Dimension::StateMachine.to_string(), state_machine.to_owned())];
        Self { values: Vec::new(), dimensions, of }
    }

    pub fn of(mut self, dimension: Dimension, value: &str) -> Self {
        self.of.push((dimension.to_string(), value.to_owned()));
        self
    }

    /// Something that tells what the figures are of, and is no dimension.
    pub fn about(mut self, name: &str, value: &str) -> Self {
        self.of.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn value(mut self, metric: Metric, value: f64) -> Self {
        self.values.push((metric, value));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_documented_with_its_unit() {
        let documented = include_str!("../../../../docs/operating.md");
        for metric in Metric::ALL {
            let row = format!("| `{metric}` | {} |", metric.unit());
            assert!(documented.contains(&row), "docs/operating.md has no row {row}");
        }
    }
}
