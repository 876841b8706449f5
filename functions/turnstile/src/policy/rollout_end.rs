//! What an execution's end says about its rollout.

use serde_json::{Value, json};

use crate::limits::LONGEST_EVENT_DETAIL;
use crate::policy::console;
use crate::words::execution::{EndId, Execution, ExecutionStatus};
use crate::words::input::{self, Named};
use crate::words::rollout_end::{ABORTED, DRY_RUN_FAILED, FAILED, RolloutEnd, SUCCEEDED, TIMED_OUT};

/// The end of an execution's rollout; `None` while it runs.
pub fn of(execution: &Execution) -> Option<RolloutEnd> {
    let outcome = match execution.status {
        ExecutionStatus::Running => return None,
        // A rollout may end well without a result, and says so.
        ExecutionStatus::Succeeded => execution.output["outcome"].as_str().unwrap_or(SUCCEEDED),
        ExecutionStatus::Failed if input::asks_for_dry_run(&execution.input) => DRY_RUN_FAILED,
        ExecutionStatus::Failed => FAILED,
        ExecutionStatus::TimedOut => TIMED_OUT,
        ExecutionStatus::Aborted => ABORTED,
    };
    let cause = execution.cause.as_deref().map_or(Value::Null, |cause| match serde_json::from_str(cause) {
        Ok(Value::Object(fields)) => Value::Object(fields),
        _ => json!({"summary": cause}),
    });
    let Named { group, instance, .. } = input::named(&execution.input);
    let named = |field: &str| cause[field].as_str();
    Some(RolloutEnd {
        outcome: outcome.to_owned(),
        id: EndId { execution: execution.arn.clone(), redrive_count: execution.redrives },
        execution_url: console::execution_url(&execution.arn),
        auto_scaling_group_name: group.or(named("autoScalingGroupName")).map(str::to_owned),
        instance_id: instance.or(named("instanceId")).map(str::to_owned),
        started_at: execution.started_at,
        ended_at: execution.ended_at,
        error: execution.error.clone(),
        output: execution.output.clone(),
        cause,
    })
}

/// The event's `detail`, in JSON. An output that does not fit into an event is left out but for its outcome: DescribeExecution has it.
pub fn detail(end: &RolloutEnd) -> String {
    let whole = json!(end).to_string();
    if whole.len() <= LONGEST_EVENT_DETAIL {
        return whole;
    }
    let output = json!({"outcome": end.output["outcome"], "hook": end.output["hook"]});
    json!(RolloutEnd { output, ..end.clone() }).to_string()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::words::time::Timestamp;

    pub(crate) fn execution(status: ExecutionStatus) -> Execution {
        Execution {
            arn: "arn:aws:states:eu-west-1:123456789012:execution:turnstile:web-1".into(),
            status,
            redrives: 0,
            redriven_at: None,
            started_at: Timestamp::from_seconds(0),
            ended_at: Some(Timestamp::from_seconds(1_500)),
            input: json!({"autoScalingGroupName": "web", "instanceId": "i-0123456789abcdef0"}),
            output: Value::Null,
            error: None,
            cause: None,
        }
    }

    #[test]
    fn the_outcome_is_the_status_unless_the_rollout_has_a_word_of_its_own() {
        for (status, output, outcome) in [
            (ExecutionStatus::Running, Value::Null, None),
            (ExecutionStatus::Succeeded, json!({"outcome": "SUCCEEDED"}), Some("SUCCEEDED")),
            (ExecutionStatus::Succeeded, json!({"outcome": "INSTANCE_GONE"}), Some("INSTANCE_GONE")),
            (ExecutionStatus::Succeeded, json!({"outcome": "LAUNCH_TAKEN_OVER"}), Some("LAUNCH_TAKEN_OVER")),
            (ExecutionStatus::Succeeded, Value::Null, Some("SUCCEEDED")),
            (ExecutionStatus::Failed, Value::Null, Some("FAILED")),
            (ExecutionStatus::TimedOut, Value::Null, Some("TIMED_OUT")),
            (ExecutionStatus::Aborted, Value::Null, Some("ABORTED")),
        ] {
            let end = of(&Execution { output, ..execution(status) });
            assert_eq!(end.map(|end| end.outcome).as_deref(), outcome, "{status:?}");
        }
        let input = json!({"autoScalingGroupName": "wbe", "dryRun": true});
        let end = of(&Execution { input, ..execution(ExecutionStatus::Failed) }).unwrap();
        assert_eq!((end.outcome.as_str(), end.is_failure()), ("DRY_RUN_FAILED", false));
    }

    #[test]
    fn a_cause_is_an_object_whatever_it_was() {
        for (cause, expected) in [
            (Some(r#"{"summary": "s", "hook": "h"}"#), json!({"summary": "s", "hook": "h"})),
            (Some("stopped by hand"), json!({"summary": "stopped by hand"})),
            (Some("7"), json!({"summary": "7"})),
            (None, Value::Null),
        ] {
            let failed = Execution { cause: cause.map(str::to_owned), ..execution(ExecutionStatus::Failed) };
            assert_eq!(of(&failed).unwrap().cause, expected);
        }
    }

    #[test]
    fn the_subject_is_the_input_s_or_what_the_cause_names() {
        let cause = json!({"autoScalingGroupName": "of the cause", "instanceId": "i-1"}).to_string();
        let failed = Execution { cause: Some(cause), ..execution(ExecutionStatus::Failed) };
        let end = of(&failed).unwrap();
        assert_eq!(end.auto_scaling_group_name.as_deref(), Some("web"));
        assert_eq!(end.instance_id.as_deref(), Some("i-0123456789abcdef0"));
        let end = of(&Execution { input: json!("unreadable"), ..failed }).unwrap();
        assert_eq!(end.auto_scaling_group_name.as_deref(), Some("of the cause"));
        assert_eq!(end.instance_id.as_deref(), Some("i-1"));
    }

    #[test]
    fn the_event_has_what_applies_and_nothing_else() {
        let redriven = Execution {
            redrives: 2,
            error: Some("Turnstile.DeploymentFailed".into()),
            cause: Some(r#"{"summary":"s"}"#.into()),
            ..execution(ExecutionStatus::Failed)
        };
        let arn = "arn:aws:states:eu-west-1:123456789012:execution:turnstile:web-1";
        let expected = json!({
            "outcome": "FAILED", "executionArn": arn, "redriveCount": 2,
            "executionUrl": format!("https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1#/v2/executions/details/{arn}"),
            "autoScalingGroupName": "web", "instanceId": "i-0123456789abcdef0",
            "startedAt": "1970-01-01T00:00:00Z", "endedAt": "1970-01-01T00:25:00Z",
            "error": "Turnstile.DeploymentFailed", "cause": {"summary": "s"},
        });
        assert_eq!(json!(of(&redriven).unwrap()), expected);
    }

    #[test]
    fn a_detail_fits_into_an_event() {
        let output = json!({"outcome": "SUCCEEDED", "hook": "COMPLETED", "warnings": vec!["w".repeat(1_000); 300]});
        let end = of(&Execution { output, ..execution(ExecutionStatus::Succeeded) }).unwrap();
        let shorter = detail(&end);
        assert!(shorter.len() < LONGEST_EVENT_DETAIL);
        let read: Value = serde_json::from_str(&shorter).unwrap();
        assert_eq!(read["output"], json!({"outcome": "SUCCEEDED", "hook": "COMPLETED"}));
        let short = of(&execution(ExecutionStatus::Aborted)).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&detail(&short)).unwrap(), json!(short));
    }
}
