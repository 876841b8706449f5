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

fn fault(random: &mut Rng) -> Fault {
    use Service::{AutoScaling, CodeDeploy, DynamoDb, Lambda, States};
    let of = [
        (CodeDeploy, None),
        (CodeDeploy, Some("CreateDeployment")),
        (CodeDeploy, Some("StopDeployment")),
        (AutoScaling, None),
        (AutoScaling, Some("CompleteLifecycleAction")),
        (AutoScaling, Some("RecordLifecycleActionHeartbeat")),
        (DynamoDb, None),
        (DynamoDb, Some("TransactWriteItems")),
        (States, None),
        (Lambda, None),
        (Lambda, Some("start-deployment")),
        (Lambda, Some("complete-lifecycle-hook")),
    ];
    let (service, operation) = *pick(&of, random);
    let kind = *pick(&[FaultKind::Error, FaultKind::Reset, FaultKind::LostAnswer, FaultKind::Slow], random);
    Fault {
        service,
        operation: operation.map(str::to_owned),
        kind,
        rate: *pick(&[0.05, 0.15, 0.3], random),
        times: random.bool().then(|| random.u32(1..=5)),
        code: None,
        status: None,
        seconds: (kind == FaultKind::Slow).then_some(0.5),
    }
}
