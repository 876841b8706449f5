//! Whether a disturbance of AWS can outlast every retry.

use stack::{Fault, FaultKind, FaultService};

use crate::format::Scenario;

/// The state machine asks nine times at least, and the SDK three times each. Fewer hits than that pass.
const TRIES: u32 = 27;
/// Less than this part of the calls never fails so many times in a row.
const SIZEABLE: f64 = 0.4;

/// Whether a service that throttled a call does so for long. `call` is as the cause names it: `CodeDeploy.GetDeployment`.
pub fn throttles(call: &str, scenario: &Scenario) -> bool {
    let Some((service, operation)) = named(call) else { return false };
    let throttling = &scenario.world.throttling;
    let is_throttled = match service {
        FaultService::CodeDeploy => throttling.codedeploy.is_some(),
        FaultService::AutoScaling => throttling.autoscaling.is_some(),
        FaultService::DynamoDb | FaultService::States | FaultService::Lambda => false,
    };
    is_throttled || outlasts(scenario, service, operation, |fault| fault.kind == FaultKind::Error)
}

/// Whether a service that gave no answer gives none for long.
pub fn is_unavailable(call: &str, scenario: &Scenario) -> bool {
    named(call).is_some_and(|(service, operation)| outlasts(scenario, service, operation, |_| true))
}

/// Whether Lambda fails the state machine's calls for long.
pub fn lambda_fails(scenario: &Scenario) -> bool {
    outlasts(scenario, FaultService::Lambda, None, |_| true)
}

/// Whether faults hit so many of a service's calls that retries end one after the other. Those of Lambda, which calls the functions that
/// call the service, take retries away too.
fn outlasts(scenario: &Scenario, service: FaultService, operation: Option<&str>, is: impl Fn(&Fault) -> bool) -> bool {
    let hits = |fault: &&Fault| {
        let is_named = fault.service == service
            && (fault.operation.is_none() || operation.is_none() || fault.operation.as_deref() == operation);
        (is_named && is(fault)) || fault.service == FaultService::Lambda
    };
    let lasting: Vec<&Fault> = scenario.faults.iter().filter(|fault| is_lasting(fault)).filter(hits).collect();
    let passes: f64 = lasting.iter().map(|fault| 1.0 - fault.rate).product();
    lasting.iter().any(|fault| fault.service == service) && 1.0 - passes >= SIZEABLE
}

fn is_lasting(fault: &Fault) -> bool {
    fault.kind != FaultKind::Slow && fault.times.is_none_or(|times| times >= TRIES)
}

/// The service and the operation of a call.
fn named(call: &str) -> Option<(FaultService, Option<&str>)> {
    let (service, operation) = call.split_once('.')?;
    let service = match service {
        "CodeDeploy" => FaultService::CodeDeploy,
        "AutoScaling" => FaultService::AutoScaling,
        "DynamoDB" => FaultService::DynamoDb,
        "StepFunctions" => FaultService::States,
        _ => return None,
    };
    Some((service, Some(operation)))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::judge::sample;

    fn with(faults: Value) -> Scenario {
        Scenario { faults: serde_json::from_value(faults).unwrap(), ..sample::scenario(json!({})) }
    }

    #[test]
    fn only_what_outlasts_the_retries_makes_a_service_unavailable() {
        let fault = |more: Value| {
            let mut fault = json!({"service": "codedeploy", "kind": "error", "rate": 0.5});
            fault.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            fault
        };
        let lambda = json!({"service": "lambda", "operation": "check-status", "kind": "lostAnswer", "rate": 0.3});
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
            assert_eq!(is_unavailable("CodeDeploy.GetDeployment", &with(faults.clone())), expected, "{faults}");
        }
        assert!(!is_unavailable("", &with(json!([fault(json!({}))]))));
    }

    #[test]
    fn a_service_throttles_or_is_made_to() {
        let mut throttled = with(json!([]));
        throttled.world.throttling = serde_json::from_value(json!({"codedeploy": {"callsPerSecond": 1}})).unwrap();
        assert!(throttles("CodeDeploy.GetDeployment", &throttled));
        assert!(!throttles("AutoScaling.DescribeAutoScalingGroups", &throttled));
        let faults = |kind: &str| with(json!([{"service": "dynamodb", "kind": kind, "rate": 0.9}]));
        assert!(throttles("DynamoDB.UpdateItem", &faults("error")));
        assert!(!throttles("DynamoDB.UpdateItem", &faults("reset")));
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
