//! What report-outcome is invoked with.

use serde_json::Value;
use turnstile::words::execution::{Execution, ExecutionStatus};
use turnstile::words::ids::StateMachineArn;
use turnstile::words::time::Timestamp;

/// What is delivered with one call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Notification {
    /// An execution of the stack's state machine has ended. It is as the event tells it, which may leave out what is large.
    Ended(Box<Execution>),
    /// It is time to look for ends that nobody was told of.
    Schedule { now: Option<Timestamp> },
    /// Nothing that tells of an end, and why.
    Other(&'static str),
}

/// Reads an event of EventBridge, as it comes or out of a queue's record of what could not be delivered: Lambda's has the event as
/// `requestPayload`. (Step Functions developer guide, "Automating Step Functions event delivery with EventBridge"; Lambda developer guide,
/// "Capturing records of Lambda asynchronous invocations".)
pub(crate) fn read(event: &Value, state_machine: &StateMachineArn) -> Notification {
    let event = event.get("requestPayload").unwrap_or(event);
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str);
    match (text("/source"), text("/detail-type")) {
        (Some("aws.events"), Some("Scheduled Event")) => {
            Notification::Schedule { now: text("/time").and_then(|time| Timestamp::try_from(time.to_owned()).ok()) }
        }
        (Some("aws.states"), Some("Step Functions Execution Status Change")) => {
            if text("/detail/stateMachineArn") != Some(state_machine.as_str()) {
                return Notification::Other("of another state machine");
            }
            match ended(&event["detail"]) {
                Some(execution) => Notification::Ended(Box::new(execution)),
                None => Notification::Other("of an execution that has not ended"),
            }
        }
        _ => Notification::Other("no event of an execution, nor of the schedule"),
    }
}

fn ended(detail: &Value) -> Option<Execution> {
    let text = |field: &str| detail[field].as_str();
    let moment = |field: &str| detail[field].as_i64().map(Timestamp::from_millis);
    let read = |field: &str| text(field).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    Some(Execution {
        arn: text("executionArn")?.into(),
        status: match text("status")? {
            "SUCCEEDED" => ExecutionStatus::Succeeded,
            "FAILED" => ExecutionStatus::Failed,
            "TIMED_OUT" => ExecutionStatus::TimedOut,
            "ABORTED" => ExecutionStatus::Aborted,
            _ => return None,
        },
        redrives: 0,
        redriven_at: None,
        started_at: moment("startDate")?,
        ended_at: moment("stopDate"),
        input: read("input"),
        output: read("output"),
        error: text("error").map(str::to_owned),
        cause: text("cause").map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const MACHINE: &str = "arn:aws:states:us-east-1:123456789012:stateMachine:turnstile";
    const EXECUTION: &str = "arn:aws:states:us-east-1:123456789012:execution:turnstile:web-1";

    fn event(status: &str, machine: &str) -> Value {
        json!({
            "version": "0", "id": "315c1398-40ff-a850-213b-158f73e60175", "detail-type": "Step Functions Execution Status Change",
            "source": "aws.states", "account": "123456789012", "time": "2026-01-31T09:25:00Z", "region": "us-east-1",
            "resources": [EXECUTION],
            "detail": {
                "executionArn": EXECUTION, "stateMachineArn": machine, "name": "web-1", "status": status,
                "startDate": 1_769_850_000_000_i64, "stopDate": 1_769_851_500_000_i64, "input": "{}", "output": null,
                "inputDetails": {"included": true}, "outputDetails": null,
            },
        })
    }

    #[test]
    fn an_end_is_read_from_its_event_and_from_a_queue_s_record_of_it() {
        let machine = StateMachineArn::try_from(MACHINE).unwrap();
        let ended = |status| {
            Notification::Ended(Box::new(Execution {
                arn: EXECUTION.into(),
                status,
                redrives: 0,
                redriven_at: None,
                started_at: Timestamp::from_seconds(1_769_850_000),
                ended_at: Some(Timestamp::from_seconds(1_769_851_500)),
                input: json!({}),
                output: Value::Null,
                error: None,
                cause: None,
            }))
        };
        for (name, status) in [
            ("SUCCEEDED", ExecutionStatus::Succeeded),
            ("FAILED", ExecutionStatus::Failed),
            ("TIMED_OUT", ExecutionStatus::TimedOut),
            ("ABORTED", ExecutionStatus::Aborted),
        ] {
            assert_eq!(read(&event(name, MACHINE), &machine), ended(status), "{name}");
        }
        let record =
            json!({"requestContext": {"condition": "RetriesExhausted"}, "requestPayload": event("FAILED", MACHINE)});
        assert_eq!(read(&record, &machine), ended(ExecutionStatus::Failed));
    }

    #[test]
    fn everything_else_tells_of_no_end() {
        let machine = StateMachineArn::try_from(MACHINE).unwrap();
        for (event, why) in [
            (event("RUNNING", MACHINE), "of an execution that has not ended"),
            (event("FAILED", &format!("{MACHINE}2")), "of another state machine"),
            (json!({"source": "aws.autoscaling"}), "no event of an execution, nor of the schedule"),
            (json!(7), "no event of an execution, nor of the schedule"),
        ] {
            assert_eq!(read(&event, &machine), Notification::Other(why));
        }
        let schedule =
            json!({"source": "aws.events", "detail-type": "Scheduled Event", "time": "2026-01-31T09:00:00Z"});
        let now = Some(Timestamp::from_seconds(1_769_850_000));
        assert_eq!(read(&schedule, &machine), Notification::Schedule { now });
    }
}
