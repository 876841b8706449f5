//! Whether a scenario disturbs a service so long that no retry gets through.

use world::{Call, Fault, FaultKind, Service};

use crate::format::Scenario;

/// The fewest calls that a task makes before it fails: the state machine tries nine times at least, and the SDK three times each. A fault
/// with fewer hits passes.
const TRIES: u32 = 27;
/// The smallest fraction of failing calls at which that many calls may fail in a row.
const LASTING_RATE: f64 = 0.4;
/// The most invocations of a function at once that a few rollouts exceed again and again.
const FEW: usize = 2;

/// Whether a call failed, and its service may have throttled it in every try.
pub fn throttles(call: &Call, scenario: &Scenario) -> bool {
    let Some(service) = failed(call) else { return false };
    let throttling = &scenario.world.throttling;
    let is_throttled = match service {
        Service::CodeDeploy => throttling.codedeploy.is_some(),
        Service::AutoScaling => throttling.autoscaling.is_some(),
        Service::Tagging => throttling.tagging.is_some(),
        Service::DynamoDb | Service::Sns | Service::Events | Service::States | Service::Lambda => false,
    };
    is_throttled || outlasts(scenario, service, &call.operation, |fault| fault.kind == FaultKind::Error)
}

/// Whether a call failed, and its service may have given no answer in every try.
pub fn is_unavailable(call: &Call, scenario: &Scenario) -> bool {
    failed(call).is_some_and(|service| outlasts(scenario, service, &call.operation, |_| true))
}

/// Whether Lambda may fail every try of the state machine to call a function.
pub fn lambda_fails(scenario: &Scenario) -> bool {
    fail_in_a_row(scenario.faults.iter().filter(|fault| fault.service == Service::Lambda))
}

/// Whether so few invocations of a function may be at work at once that rollouts outlast each other's retries.
pub fn lambda_throttles(scenario: &Scenario) -> bool {
    scenario.services.lambda.concurrency <= FEW
}

/// Whether some calls of functions fail, or take too long, by Lambda or by the network.
pub fn lambda_is_disturbed(scenario: &Scenario) -> bool {
    let services = &scenario.services;
    let is_slow = |fault: &Fault| fault.kind == FaultKind::Slow;
    services.lambda.crash_rate > 0.0
        || services.network.long_rate > 0.0
        || lambda_throttles(scenario)
        || scenario.faults.iter().any(|fault| fault.service == Service::Lambda || is_slow(fault))
}

/// The service of a call that failed.
fn failed(call: &Call) -> Option<Service> {
    Service::named(call.service).filter(|_| call.outcome != "ok")
}

/// Whether faults may hit every try of an operation. Faults of Lambda take retries away too, because the
/// functions that call the service are themselves called by Lambda.
fn outlasts(scenario: &Scenario, service: Service, operation: &str, is: impl Fn(&Fault) -> bool) -> bool {
    let hits = |fault: &&Fault| fault.is_for(service, operation) && is(fault);
    let disturbs = |fault: &&Fault| hits(fault) || fault.service == Service::Lambda;
    scenario.faults.iter().filter(hits).any(is_lasting) && fail_in_a_row(scenario.faults.iter().filter(disturbs))
}

fn is_lasting(fault: &Fault) -> bool {
    fault.kind != FaultKind::Slow && fault.times.is_none_or(|times| times >= TRIES)
}

/// Whether these faults hit so many calls for so long that every try may fail.
fn fail_in_a_row<'a>(faults: impl Iterator<Item = &'a Fault>) -> bool {
    let passes: f64 = faults.filter(|fault| is_lasting(fault)).map(|fault| 1.0 - fault.rate).product();
    1.0 - passes >= LASTING_RATE
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::judge::sample;

    fn with(faults: Value) -> Scenario {
        Scenario { faults: serde_json::from_value(faults).unwrap(), ..sample::scenario(json!({})) }
    }

    fn call(service: &'static str, operation: &str, outcome: &str) -> Call {
        let (operation, outcome) = (operation.to_owned(), outcome.to_owned());
        Call { service, operation, outcome, ..sample::call() }
    }

    #[test]
    fn only_what_outlasts_the_retries_makes_a_service_unavailable() {
        let fault = |more: Value| {
            let mut fault = json!({"service": "codedeploy", "kind": "error", "rate": 0.5});
            fault.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            fault
        };
        let lambda = json!({"service": "lambda", "operation": "check-status", "kind": "lostAnswer", "rate": 0.3});
        let get_deployment = |outcome: &str| call("codedeploy", "GetDeployment", outcome);
        for (faults, expected) in [
            (json!([]), false),
            (json!([fault(json!({}))]), true),
            (json!([fault(json!({"kind": "reset"}))]), true),
            (json!([fault(json!({"kind": "lostAnswer"}))]), true),
            (json!([fault(json!({"kind": "slow", "rate": 1.0, "seconds": 1.0}))]), false),
            (json!([fault(json!({"rate": 0.3}))]), false),
            (json!([fault(json!({"rate": 0.3})), fault(json!({"rate": 0.3}))]), true),
            (json!([fault(json!({"rate": 0.3})), lambda]), true),
            (json!([lambda, lambda]), false),
            (json!([fault(json!({"rate": 1.0, "times": 5}))]), false),
            (json!([fault(json!({"rate": 1.0, "times": 100}))]), true),
            (json!([fault(json!({"operation": "GetDeployment"}))]), true),
            (json!([fault(json!({"operation": "StopDeployment"}))]), false),
            (json!([fault(json!({"service": "dynamodb"}))]), false),
        ] {
            assert_eq!(is_unavailable(&get_deployment("reset"), &with(faults.clone())), expected, "{faults}");
        }
        assert!(!is_unavailable(&get_deployment("ok"), &with(json!([fault(json!({}))]))));
    }

    #[test]
    fn a_service_throttles_by_itself_or_by_a_fault() {
        let mut throttled = with(json!([]));
        throttled.world.throttling = serde_json::from_value(json!({"codedeploy": {"callsPerSecond": 1}})).unwrap();
        assert!(throttles(&call("codedeploy", "GetDeployment", "ThrottlingException"), &throttled));
        assert!(!throttles(&call("codedeploy", "GetDeployment", "ok"), &throttled));
        assert!(!throttles(&call("autoscaling", "DescribeAutoScalingGroups", "Throttling"), &throttled));
        let faults = |kind: &str| with(json!([{"service": "dynamodb", "kind": kind, "rate": 0.9}]));
        let update = call("dynamodb", "UpdateItem", "ThrottlingException");
        assert!(throttles(&update, &faults("error")));
        assert!(!throttles(&update, &faults("reset")));
    }

    #[test]
    fn lambda_s_errors_are_lambda_s_faults() {
        for (fault, expected) in [
            (json!({"service": "lambda", "kind": "error"}), true),
            (json!({"service": "lambda", "kind": "error", "rate": 0.3}), false),
            (json!({"service": "lambda", "kind": "error", "times": 3}), false),
            (json!({"service": "codedeploy", "kind": "error"}), false),
        ] {
            assert_eq!(lambda_fails(&with(json!([fault]))), expected, "{fault}");
        }
    }
}
