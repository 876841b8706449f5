//! Whether each end of a rollout was told: with one message and one event.

use std::collections::BTreeMap;

use serde_json::Value;
use world::Call;

use super::Unmet;
use crate::observed::{Observed, Rollout};

/// The outcomes of a call that has had its effect.
const HAD_AN_EFFECT: [&str; 2] = ["ok", "lost answer"];

/// The ends that were told too seldom, or too often.
pub fn unmet(observed: &Observed) -> Vec<Unmet> {
    let (messages, events) = (published(observed, message), published(observed, event));
    let mut unmet = Vec::new();
    for rollout in &observed.rollouts {
        for end in ends(rollout) {
            for (what, told) in [("message", &messages), ("event", &events)] {
                let calls = told.get(&end).map(Vec::as_slice).unwrap_or_default();
                let sentence = |problem| format!("{what} of {end}: {problem}");
                unmet.extend(problem(calls, observed).map(|problem| Unmet::new("told", sentence(problem))));
            }
            // The event of an end from before a redrive does not have the input, which says whose rollout it was.
            let is_anonymous = |call: &&Call| detail(call).is_some_and(|detail| detail["instanceId"].is_null());
            let is_redriven = rollout.execution.redrive_count > 0 && rollout.launch.is_some();
            if is_redriven && events.get(&end).is_some_and(|calls| calls.iter().any(is_anonymous)) {
                unmet.push(Unmet::new("told", format!("event of {end}: names no instance")));
            }
        }
    }
    unmet
}

/// The ids of an execution's ends: it has ended before each time that it was redriven.
fn ends(rollout: &Rollout) -> impl Iterator<Item = String> {
    let execution = &rollout.execution;
    let ended = execution.redrive_count + usize::from(!execution.is_running());
    (0..ended).map(|redrives| format!("{}#{redrives}", execution.arn))
}

/// The calls that told of each end, by the end's id.
fn published(observed: &Observed, id: fn(&Call) -> Option<String>) -> BTreeMap<String, Vec<&Call>> {
    let mut told: BTreeMap<String, Vec<&Call>> = BTreeMap::new();
    let calls = observed.report.calls.iter().filter(|call| HAD_AN_EFFECT.contains(&call.outcome.as_str()));
    for call in calls {
        if let Some(id) = id(call) {
            told.entry(id).or_default().push(call);
        }
    }
    told
}

/// The id of the end that a message tells of.
fn message(call: &Call) -> Option<String> {
    if (call.service, call.operation.as_str()) != ("sns", "Publish") {
        return None;
    }
    let field = |name: String| call.parameters[name].as_str();
    let entry = (1..)
        .map_while(|n| Some((field(format!("MessageAttributes.entry.{n}.Name"))?, n)))
        .find(|(name, _)| *name == "id")?;
    field(format!("MessageAttributes.entry.{}.Value.StringValue", entry.1)).map(str::to_owned)
}

/// The id of the end that an event tells of.
fn event(call: &Call) -> Option<String> {
    if (call.service, call.operation.as_str()) != ("events", "PutEvents") {
        return None;
    }
    let detail = detail(call)?;
    Some(format!("{}#{}", detail["executionArn"].as_str()?, detail["redriveCount"]))
}

/// What the event of a call of PutEvents tells.
fn detail(call: &Call) -> Option<Value> {
    serde_json::from_str(call.parameters["Entries"][0]["Detail"].as_str()?).ok()
}

/// Whether a person has deleted the table's items between the two calls, and with them the note that the end was told.
fn is_forgotten(first: &Call, again: &Call, observed: &Observed) -> bool {
    let deleted = |call: &Call| call.caller == "person" && call.operation == "DeleteItem";
    observed.report.calls.iter().any(|call| deleted(call) && first.at <= call.at && call.at <= again.at)
}

/// What is wrong with these calls, which have told one and the same.
fn problem(calls: &[&Call], observed: &Observed) -> Option<String> {
    let [first, others @ ..] = calls else {
        // Only a function that cannot do its work leaves an end untold. Its event is in a queue then.
        return (!observed.has_gone_wrong()).then(|| "none".to_owned());
    };
    let is_excused =
        |again: &Call| is_repeated(first, again) || is_excused(first, observed) || is_forgotten(first, again, observed);
    let again = others.iter().find(|again| !is_excused(again))?;
    Some(format!("told at {:.1} s and again at {:.1} s, although the first call went well", first.at, again.at))
}

/// Whether the later call is the SDK's repetition of the first, whose answer came too late or not at all.
fn is_repeated(first: &Call, again: &Call) -> bool {
    let of = |call: &Call| call.invocation.as_ref().map(|invocation| invocation.request_id.clone());
    of(first).is_some() && of(first) == of(again)
}

/// Whether it may not be known that the call has told: its answer was lost, or its function could not note it any more.
fn is_excused(call: &Call, observed: &Observed) -> bool {
    let of_call = |other: &&Call| match (&call.invocation, &other.invocation) {
        (Some(one), Some(another)) => one.request_id == another.request_id,
        _ => other.caller == call.caller,
    };
    let note = if call.operation == "PutEvents" { "eventTold =" } else { "messageTold =" };
    let mut noted = observed.report.calls.iter().filter(of_call).filter(|other| other.at >= call.at);
    let is_noted = noted.any(|other| {
        other.operation == "UpdateItem"
            && HAD_AN_EFFECT.contains(&other.outcome.as_str())
            && other.parameters["UpdateExpression"].as_str().is_some_and(|text| text.contains(note))
    });
    call.outcome != "ok" || !is_noted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::sample;
    use serde_json::json;

    fn publish(arn: &str, at: f64, outcome: &str) -> Call {
        let parameters = json!({
            "MessageAttributes.entry.1.Name": "outcome", "MessageAttributes.entry.1.Value.StringValue": "FAILED",
            "MessageAttributes.entry.2.Name": "id", "MessageAttributes.entry.2.Value.StringValue": format!("{arn}#0"),
        });
        call("sns", "Publish", at, outcome, parameters)
    }

    fn put(arn: &str, at: f64) -> Call {
        let detail = json!({"executionArn": arn, "redriveCount": 0, "instanceId": "i-1"}).to_string();
        call("events", "PutEvents", at, "ok", json!({"Entries": [{"Detail": detail}]}))
    }

    fn note(at: f64) -> Call {
        call("dynamodb", "UpdateItem", at, "ok", json!({"UpdateExpression": "SET messageTold = :true"}))
    }

    fn call(service: &'static str, operation: &str, at: f64, outcome: &str, parameters: Value) -> Call {
        let (caller, operation, outcome) = ("report-outcome".to_owned(), operation.to_owned(), outcome.to_owned());
        Call { at, caller, service, operation, parameters, outcome, ..Call::default() }
    }

    fn problems(calls: Vec<Call>) -> Vec<String> {
        problems_of(0, calls)
    }

    fn problems_of(redrive_count: usize, calls: Vec<Call>) -> Vec<String> {
        let mut observed = sample::observed();
        observed.rollouts.truncate(1);
        observed.rollouts[0].execution.redrive_count = redrive_count;
        observed.report.calls = calls;
        unmet(&observed).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_end_is_told_once() {
        let arn = sample::observed().rollouts[0].execution.arn.clone();
        let told = vec![publish(&arn, 1.0, "ok"), note(1.5), put(&arn, 2.0), note(2.5)];
        assert_eq!(problems(told.clone()), [] as [&str; 0]);
        assert_eq!(problems(Vec::new()).len(), 2);
        let twice = problems([told.clone(), vec![publish(&arn, 9.0, "ok")]].concat());
        assert!(matches!(twice.as_slice(), [one] if one.contains("told at 1.0 s and again at 9.0 s")), "{twice:?}");
        let not_noted = vec![publish(&arn, 1.0, "ok"), publish(&arn, 2.0, "ok"), note(2.5), put(&arn, 3.0), note(3.5)];
        assert_eq!(problems(not_noted).len(), 1, "on the stack nobody tells one invocation's calls from another's");
        let lost =
            vec![publish(&arn, 1.0, "lost answer"), publish(&arn, 2.0, "ok"), note(2.5), put(&arn, 3.0), note(3.5)];
        assert_eq!(problems(lost), [] as [&str; 0]);
        let redriven = problems_of(1, told);
        assert!(redriven.len() == 2 && redriven.iter().all(|one| one.contains("#1: none")), "{redriven:?}");
    }
}
