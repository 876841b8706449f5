//! Rule 3: a rollout completes its hook with CONTINUE, or after a failure as `onFailure` says.

use serde_json::json;

use super::{Execution, ExecutionStatus, Run, execution_of};
use crate::report::Effect;
use crate::setting::HookResult;
use crate::violation::{Breach, Violation};

/// Completions with another result than the one that they should have. Of an execution that has failed at an unknown time nothing is said.
pub(super) fn violations(run: &Run) -> Vec<Violation> {
    let calls = run.report.calls.iter();
    let wrong = calls.filter_map(|call| {
        let Some(Effect::HookCompleted { action, result }) = call.effect else { return None };
        let execution = run.execution(execution_of(call)?)?;
        if execution.status == ExecutionStatus::Failed && execution.failed_at.is_none() {
            return None;
        }
        let expected = match execution.has_failed_by(call.at) {
            true => on_failure(execution),
            false => HookResult::Continue,
        };
        (result != expected).then(|| Violation {
            at: call.at,
            breach: Breach::WrongResult {
                action: (&run.report.hook_actions[action]).into(),
                execution: execution.arn.clone(),
                result,
            },
        })
    });
    wrong.collect()
}

/// What its input asks for after a failure.
fn on_failure(execution: &Execution) -> HookResult {
    let lets_in = execution.input["onFailure"] == json!(HookResult::Continue);
    if lets_in { HookResult::Continue } else { HookResult::Abandon }
}
