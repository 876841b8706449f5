//! Rule 10: a gate lets through the deployment group whose turn it is. The rest of the rule the world checks itself.

use super::turns::Holders;
use super::{FirstCalls, Run, execution_of};
use crate::report::Effect;
use crate::violation::{Breach, Violation};

/// Moves of gates to a deployment group by an execution that did not hold the claim on the group at any moment of the invocation in which it did
/// so. A value without a slash names no group.
pub(super) fn violations(run: &Run, first: &FirstCalls) -> Vec<Violation> {
    let holders = Holders::of(&run.report.calls);
    if holders.are_unknown() {
        return Vec::new();
    }
    let mut violations = Vec::new();
    for (index, call) in run.report.calls.iter().enumerate() {
        let Some(Effect::GatesMoved { gates }) = &call.effect else { continue };
        let Some((execution, began)) = execution_of(call).zip(first.of_invocation(call)) else { continue };
        for moved in gates {
            let Some(gate) = moved.to.as_ref().filter(|gate| gate.contains('/')) else { continue };
            let claim = format!("deploymentGroup:{gate}");
            if holders.between(&claim, began, index).any(|holder| holder == Some(execution)) {
                continue;
            }
            let breach = Breach::GateMovedWithoutTurn {
                instance_id: moved.instance_id.clone(),
                gate: gate.clone(),
                execution: execution.to_owned(),
                holder: holders.at(&claim, index).map(str::to_owned),
            };
            violations.push(Violation { at: call.at, breach });
        }
    }
    violations
}
