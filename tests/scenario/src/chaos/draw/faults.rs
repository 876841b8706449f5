//! What goes wrong with calls.

use fastrand::Rng;
use world::{Fault, FaultKind, Service};

use super::{one_in, pick};

/// Up to three faults that pass, or one that does not.
pub(super) fn draw(random: &mut Rng) -> Vec<Fault> {
    match one_in(15, random) {
        true => vec![outage()],
        false => (0..random.usize(0..4)).map(|_| fault(random)).collect(),
    }
}

/// CodeDeploy is down for good.
fn outage() -> Fault {
    Fault {
        service: Service::CodeDeploy,
        operation: None,
        kind: FaultKind::Error,
        rate: 1.0,
        times: None,
        code: None,
        status: None,
        seconds: None,
    }
}

pub(super) fn is_outage(fault: &Fault) -> bool {
    *fault == outage()
}

/// What may go wrong: the calls of a whole service, or of one operation. Those that change something are named more often than those that
/// only read.
const CALLS: [(Service, &[&str]); 7] = [
    (
        Service::CodeDeploy,
        &[
            "",
            "",
            "CreateDeployment",
            "StopDeployment",
            "GetDeployment",
            "GetDeploymentTarget",
            "GetDeploymentGroup",
            "ListDeployments",
        ],
    ),
    (
        Service::AutoScaling,
        &[
            "",
            "CompleteLifecycleAction",
            "RecordLifecycleActionHeartbeat",
            "DescribeAutoScalingInstances",
            "DescribeLifecycleHooks",
        ],
    ),
    (Service::DynamoDb, &["", "", "TransactWriteItems", "UpdateItem", "BatchGetItem"]),
    (Service::States, &["", "StartExecution", "DescribeExecution"]),
    (Service::Sns, &["Publish"]),
    (Service::Events, &["PutEvents"]),
    (Service::Lambda, &["", "plan-rollout", "start-deployment", "check-status", "back-off", "complete-lifecycle-hook"]),
];

/// Answers that come after the clients' time-outs (5 and 20 s), after the functions' (60 s), and after the tasks' (90 s).
const LATE_SECONDS: [f64; 5] = [1.5, 8.0, 30.0, 70.0, 100.0];

fn fault(random: &mut Rng) -> Fault {
    let (service, operations) = *pick(&CALLS, random);
    let operation = *pick(operations, random);
    let kind = *pick(&[FaultKind::Error, FaultKind::Reset, FaultKind::LostAnswer, FaultKind::Slow], random);
    let is_throttled = kind == FaultKind::Error && one_in(3, random);
    let throttled = match service {
        Service::CodeDeploy | Service::DynamoDb | Service::Events | Service::States => "ThrottlingException",
        Service::AutoScaling | Service::Sns => "Throttling",
        Service::Tagging => "ThrottledException",
        Service::Lambda => "TooManyRequestsException",
    };
    Fault {
        service,
        operation: (!operation.is_empty()).then(|| operation.to_owned()),
        kind,
        rate: *pick(&[0.05, 0.15, 0.3], random),
        times: random.bool().then(|| random.u32(1..=5)),
        code: is_throttled.then(|| throttled.to_owned()),
        status: (is_throttled && service == Service::Lambda).then_some(429),
        seconds: (kind == FaultKind::Slow).then(|| *pick(&LATE_SECONDS, random)),
    }
}
