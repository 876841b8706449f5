//! Rule 11: a dry run changes nothing.

use super::{Run, execution_of};
use crate::report::Call;
use crate::violation::{Breach, Violation};

/// How the names of operations begin that only read, in every service that the functions call.
const READS: [&str; 4] = ["BatchGet", "Describe", "Get", "List"];

/// The calls of dry runs that do more than read. One that was refused counts: it was meant.
pub(super) fn violations(run: &Run) -> Vec<Violation> {
    let writes = run.report.calls.iter().filter(|call| !reads(call));
    let of_dry_runs = writes.filter_map(|call| {
        let execution = run.execution(execution_of(call)?)?;
        (execution.input["dryRun"] == true).then(|| Violation {
            at: call.at,
            breach: Breach::DryRunWrote {
                execution: execution.arn.clone(),
                function: call.caller.clone(),
                operation: call.operation.clone(),
            },
        })
    });
    of_dry_runs.collect()
}

fn reads(call: &Call) -> bool {
    READS.iter().any(|beginning| call.operation.starts_with(beginning))
}
