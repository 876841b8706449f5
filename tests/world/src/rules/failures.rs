//! Rule 5: a failure reads like an answer.

use serde_json::Value;

use super::{Execution, ExecutionStatus, Run};
use crate::report::{DiagnosticsReport, LifecycleEventReport};
use crate::violation::{Breach, Violation};

/// Who gives the errors that an execution may end with: Turnstile, Lambda in its several ways, and Step Functions.
const ERRORS: [&str; 5] = ["Turnstile.", "Lambda.", "Sandbox.", "Runtime.", "States."];

/// The errors that a deployment led to.
const OF_DEPLOYMENT: [&str; 3] =
    ["Turnstile.DeploymentFailed", "Turnstile.InstanceNotReached", "Turnstile.DeploymentTimedOut"];

/// The error of a target that failed.
const OF_TARGET: &str = "Turnstile.DeploymentFailed";

/// A cause has at most so many characters (Step Functions API reference, `SendTaskFailure`).
const LONGEST_CAUSE: usize = 32_768;

/// Executions that failed and do not say all that they have to.
pub(super) fn violations(run: &Run) -> Vec<Violation> {
    let failed = run.executions.iter().filter(|execution| execution.status == ExecutionStatus::Failed);
    let silent = failed.filter_map(|execution| {
        let lacking = lacking(execution, run);
        (!lacking.is_empty()).then(|| Violation {
            at: execution.last_seen_at(),
            breach: Breach::FailureNotExplained {
                execution: execution.arn.clone(),
                error: execution.error.clone().unwrap_or_default(),
                lacking,
            },
        })
    });
    silent.collect()
}

/// What is wrong with its error, or the fields of its cause that are missing or not what happened.
fn lacking(execution: &Execution, run: &Run) -> Vec<String> {
    let error = execution.error.as_deref().unwrap_or_default();
    if !ERRORS.iter().any(|giver| error.starts_with(giver)) {
        return vec!["a known error".to_owned()];
    }
    let text = execution.cause.as_deref().unwrap_or_default();
    if text.chars().count() > LONGEST_CAUSE {
        return vec!["a cause that fits".to_owned()];
    }
    let cause: Value = serde_json::from_str(text).unwrap_or_default();
    if !cause.is_object() {
        return vec!["a cause that is a JSON object".to_owned()];
    }
    let of_deployment = ["applicationName", "deploymentGroupName", "deploymentId", "deploymentUrl"];
    let of_deployment = of_deployment.iter().filter(|_| OF_DEPLOYMENT.contains(&error));
    let is_missing = |field: &&&str| cause[**field].as_str().is_none_or(|text| text.trim().is_empty());
    let missing = ["summary", "hook"].iter().chain(of_deployment).filter(is_missing).copied();
    let failed_event = if error == OF_TARGET { failed_event(&cause, run) } else { None };
    let untold = failed_event.map(|(event, diagnostics)| untold(&cause, event, diagnostics)).unwrap_or_default();
    missing.chain(untold).map(str::to_owned).collect()
}

/// The lifecycle event that failed in the deployment and on the instance that a cause names.
fn failed_event<'a>(cause: &Value, run: &Run<'a>) -> Option<(&'a LifecycleEventReport, &'a DiagnosticsReport)> {
    let deployment = run.report.deployments.iter().find(|one| cause["deploymentId"] == *one.deployment_id)?;
    let target = deployment.targets.iter().find(|target| cause["instanceId"] == *target.instance_id)?;
    let event = target.lifecycle_events.iter().find(|event| event.status == "Failed")?;
    Some((event, event.diagnostics.as_ref()?))
}

/// The fields of a cause that do not tell of the lifecycle event which failed.
fn untold(cause: &Value, event: &LifecycleEventReport, diagnostics: &DiagnosticsReport) -> Vec<&'static str> {
    let tells = |field: &str, text: &str| text.trim().is_empty() || cause[field].as_str() == Some(text);
    let has_tail = || cause["logTail"].as_str().is_some_and(|tail| !tail.trim().is_empty());
    let fields = [
        ("lifecycleEvent", tells("lifecycleEvent", event.name)),
        ("scriptName", tells("scriptName", &diagnostics.script_name)),
        ("errorCode", tells("errorCode", &diagnostics.error_code)),
        ("logTail", diagnostics.log_tail.trim().is_empty() || has_tail()),
    ];
    fields.into_iter().filter(|(_, told)| !told).map(|(field, _)| field).collect()
}
