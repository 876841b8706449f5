//! A case's measurements beside their limits: a row of `report.json`.

use serde::Serialize;
use stack::six_applications::APPLICATIONS;
use world::Call;

use crate::case::{Case, Mode, Place};
use crate::run::Run;
use crate::setting;

/// The price of a state transition of a Standard workflow: $0.025 per 1,000.
///
/// Source: "AWS Step Functions pricing".
const DOLLARS_PER_TRANSITION: f64 = 0.025 / 1000.0;

/// What a case measured. Times are in world seconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// The case's name.
    pub case: &'static str,
    /// How the deployment groups select their instances.
    pub mode: Mode,
    /// How many instances were launched.
    pub instances: usize,
    /// How many applications were deployed to each instance.
    pub applications: usize,
    /// How many deployments were created.
    pub deployments: usize,
    /// The limit of `deployments`.
    pub limit_deployments: usize,
    /// From the first launch until the last instance was in service, in the six deployments' own time ([`setting::own_seconds`]);
    /// `null` unless every instance came into service.
    pub makespan_ratio: Option<f64>,
    /// The limit of `makespan_ratio`; `null`: none.
    pub limit_makespan_ratio: Option<f64>,
    /// From an instance's launch until it was in service, on average over the instances, in the six deployments' own time; `null` unless
    /// every instance came into service.
    pub mean_ratio: Option<f64>,
    /// The limit of `mean_ratio`; `null`: none.
    pub limit_mean_ratio: Option<f64>,
    /// The same of the instance that took the longest.
    pub worst_ratio: Option<f64>,
    /// The limit of `worst_ratio`; `null`: none.
    pub limit_worst_ratio: Option<f64>,
    /// CodeDeploy calls, repeated and throttled ones too.
    pub codedeploy_calls_per_instance: f64,
    /// The limit of `codedeploy_calls_per_instance`; `null`: none.
    pub limit_codedeploy_calls_per_instance: Option<f64>,
    /// Auto Scaling calls, repeated and throttled ones too.
    pub autoscaling_calls_per_instance: f64,
    /// How many of all instances' calls were throttled.
    pub throttled_calls: usize,
    /// State transitions, as billed.
    pub transitions_per_instance: f64,
    /// The limit of `transitions_per_instance`; `null`: none.
    pub limit_transitions_per_instance: Option<f64>,
    /// What these transitions cost.
    pub dollars_per_instance: f64,
    /// How often the world's rules were violated.
    pub violations: usize,
    /// What the local stack itself took; `null` for a case that was simulated.
    pub stack: Option<StackTime>,
}

/// The local stack's own part of a case's time. Times are in world seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StackTime {
    /// World seconds a real second.
    pub speed: f64,
    /// The most that the local stack itself took of a rollout's time ([`Lag`](crate::lag::Lag)).
    pub lag_seconds: f64,
    /// The longest from a launch event to the start of its execution.
    pub slowest_start_seconds: f64,
    /// How long a Lambda call took on average.
    pub seconds_per_lambda_call: f64,
    /// The most by which a Wait state ended late.
    pub latest_wait_seconds: f64,
}

impl StackTime {
    fn of(speed: f64, run: &Run) -> Self {
        let lags = || run.rollouts.iter().filter_map(|rollout| rollout.lag);
        let lambda_calls: usize = lags().map(|lag| lag.call_count).sum();
        let lambda_seconds = lags().map(|lag| lag.calls).fold(0.0, std::ops::Add::add);
        Self {
            speed,
            lag_seconds: lags().map(|lag| lag.total()).fold(0.0, f64::max),
            slowest_start_seconds: lags().map(|lag| lag.start).fold(0.0, f64::max),
            seconds_per_lambda_call: lambda_seconds / lambda_calls.max(1) as f64,
            latest_wait_seconds: lags().map(|lag| lag.latest_wait).fold(0.0, f64::max),
        }
    }
}

impl Row {
    /// What a run of the case measured at a place.
    pub fn of(case: &Case, place: Place, run: &Run) -> Self {
        let calls = &run.report.calls;
        let each = |count: usize| count as f64 / case.instances as f64;
        let calls_of = |service: &str| calls.iter().filter(|call| call.service == service).count();
        let transitions = each(run.rollouts.iter().map(|rollout| rollout.transitions).sum());
        Row {
            case: case.name,
            mode: case.mode,
            instances: case.instances,
            applications: APPLICATIONS.len(),
            deployments: run.report.deployments.len(),
            limit_deployments: case.limit_deployments,
            makespan_ratio: in_own_time(run.makespan()),
            limit_makespan_ratio: case.limit_makespan_ratio,
            mean_ratio: in_own_time(run.mean_seconds_to_service()),
            limit_mean_ratio: case.limit_mean_ratio,
            worst_ratio: in_own_time(run.worst_seconds_to_service()),
            limit_worst_ratio: case.limit_worst_ratio,
            codedeploy_calls_per_instance: each(calls_of("codedeploy")),
            limit_codedeploy_calls_per_instance: case.limit_codedeploy_calls,
            autoscaling_calls_per_instance: each(calls_of("autoscaling")),
            throttled_calls: calls.iter().filter(|call| is_throttled(call)).count(),
            transitions_per_instance: transitions,
            limit_transitions_per_instance: case.limit_transitions,
            dollars_per_instance: transitions * DOLLARS_PER_TRANSITION,
            violations: run.report.violations.len(),
            stack: match place {
                Place::Stack(speed) => Some(StackTime::of(speed, run)),
                Place::Simulation => None,
            },
        }
    }

    /// [`StackTime::lag_seconds`] as a share of the makespan.
    pub fn stack_share(&self) -> Option<f64> {
        let (stack, ratio) = self.stack.zip(self.makespan_ratio)?;
        Some(stack.lag_seconds / (ratio * setting::own_seconds()))
    }

    /// The limits that were exceeded, a sentence each.
    pub fn exceeded_limits(&self) -> Vec<String> {
        let deployments = (self.deployments > self.limit_deployments)
            .then(|| format!("{} deployments, at most {}", self.deployments, self.limit_deployments));
        let ratios = [
            ("all in service", self.makespan_ratio, self.limit_makespan_ratio),
            ("on average in service", self.mean_ratio, self.limit_mean_ratio),
            ("the last to follow its launch in service", self.worst_ratio, self.limit_worst_ratio),
        ];
        let ratios = ratios.into_iter().filter_map(|(who, ratio, limit)| {
            let (ratio, limit) = ratio.zip(limit).filter(|(ratio, limit)| ratio > limit)?;
            Some(format!("{who} after {ratio:.3} times the deployments' own time, at most {limit}"))
        });
        let counts = [
            ("CodeDeploy calls", self.codedeploy_calls_per_instance, self.limit_codedeploy_calls_per_instance),
            ("state transitions", self.transitions_per_instance, self.limit_transitions_per_instance),
        ];
        let counts = counts.into_iter().filter_map(|(what, count, limit)| {
            let limit = limit.filter(|limit| count > *limit)?;
            Some(format!("{count:.1} {what} an instance, at most {limit}"))
        });
        deployments.into_iter().chain(ratios).chain(counts).collect()
    }
}

/// Seconds in the six deployments' own time.
fn in_own_time(seconds: Option<f64>) -> Option<f64> {
    seconds.map(|seconds| seconds / setting::own_seconds())
}

/// Whether the service refused the call with its code for that: CodeDeploy's, or Auto Scaling's.
pub fn is_throttled(call: &Call) -> bool {
    matches!(call.outcome.as_str(), "ThrottlingException" | "Throttling")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::CASES;
    use crate::run::tests::two_instances;
    use serde_json::json;

    fn case() -> Case {
        Case { instances: 2, limit_makespan_ratio: Some(1.5), limit_transitions: None, ..CASES[0] }
    }

    #[test]
    fn a_row_has_each_measure_beside_its_limit() {
        let row = Row::of(&case(), Place::Stack(20.0), &two_instances());
        assert_eq!(
            serde_json::to_value(row).unwrap(),
            json!({
                "case": "1 alone",
                "mode": "shared",
                "instances": 2,
                "applications": 6,
                "deployments": 1,
                "limitDeployments": 6,
                "makespanRatio": 1_560.0 / setting::own_seconds(),
                "limitMakespanRatio": 1.5,
                "meanRatio": 1_500.0 / setting::own_seconds(),
                "limitMeanRatio": null,
                "worstRatio": 1_500.0 / setting::own_seconds(),
                "limitWorstRatio": null,
                "codedeployCallsPerInstance": 1.5,
                "limitCodedeployCallsPerInstance": null,
                "autoscalingCallsPerInstance": 0.5,
                "throttledCalls": 1,
                "transitionsPerInstance": 30.0,
                "limitTransitionsPerInstance": null,
                "dollarsPerInstance": 30.0 * 0.025 / 1000.0,
                "violations": 0,
                "stack": {
                    "speed": 20.0,
                    "lagSeconds": 14.0,
                    "slowestStartSeconds": 3.0,
                    "secondsPerLambdaCall": 2.0,
                    "latestWaitSeconds": 1.5,
                },
            })
        );
    }

    #[test]
    fn the_stack_s_share_is_a_part_of_the_makespan() {
        let row = Row::of(&case(), Place::Stack(20.0), &two_instances());
        let share = row.stack_share().unwrap();
        assert!((share - 14.0 / 1_560.0).abs() < 1e-9, "{share}");
        assert_eq!(Row { makespan_ratio: None, ..row }.stack_share(), None);
        assert_eq!(Row::of(&case(), Place::Simulation, &two_instances()).stack, None);
    }

    #[test]
    fn exceeded_limits_are_reported() {
        let row = Row::of(&case(), Place::Stack(20.0), &two_instances());
        assert_eq!(row.exceeded_limits(), [] as [&str; 0]);
        let at_the_limit = Row { deployments: 6, makespan_ratio: Some(1.5), ..row.clone() };
        assert_eq!(at_the_limit.exceeded_limits(), [] as [&str; 0]);
        let beyond = Row { deployments: 7, makespan_ratio: Some(1.501), ..row };
        assert_eq!(
            beyond.exceeded_limits(),
            ["7 deployments, at most 6", "all in service after 1.501 times the deployments' own time, at most 1.5"]
        );
        let late = Row {
            deployments: 6,
            mean_ratio: Some(1.31),
            limit_mean_ratio: Some(1.3),
            worst_ratio: Some(1.5),
            limit_worst_ratio: Some(1.5),
            ..at_the_limit.clone()
        };
        assert_eq!(
            late.exceeded_limits(),
            ["on average in service after 1.310 times the deployments' own time, at most 1.3"]
        );
        let many = Row {
            limit_transitions_per_instance: Some(29.0),
            limit_codedeploy_calls_per_instance: Some(1.5),
            ..at_the_limit
        };
        assert_eq!(many.exceeded_limits(), ["30.0 state transitions an instance, at most 29"]);
        let unlimited = Row { deployments: 6, limit_makespan_ratio: None, ..beyond };
        assert_eq!(unlimited.exceeded_limits(), [] as [&str; 0]);
    }
}
