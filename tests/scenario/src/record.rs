//! What a run leaves behind: report.json and calls.jsonl.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use serde::Serialize;
use serde_json::{Value, json};
use world::Call;

use crate::format::Scenario;
use crate::outcome::{Came, Rollout};
use crate::variant::Variant;

/// A line of calls.jsonl.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    at: f64,
    service: &'a str,
    operation: &'a str,
    caller: &'a str,
    /// The name of the execution that it is made for, where that can be told.
    execution: Option<&'a str>,
    parameters: &'a Value,
    answer: &'a str,
}

/// Writes both files into a folder, which is made.
///
/// # Errors
/// The file system's.
pub fn leave(
    folder: &Path,
    name: &str,
    scenario: &Scenario,
    variant: Variant,
    came: &Came,
    shortfalls: &[String],
) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let report = report(name, scenario, variant, came, shortfalls);
    fs::write(folder.join("report.json"), format!("{report:#}\n"))?;
    let mut lines = BufWriter::new(fs::File::create(folder.join("calls.jsonl"))?);
    for call in &came.report.calls {
        serde_json::to_writer(&mut lines, &line(call, came))?;
        writeln!(lines)?;
    }
    lines.flush()
}

/// Everything but the calls.
fn report(name: &str, scenario: &Scenario, variant: Variant, came: &Came, shortfalls: &[String]) -> Value {
    let turns = came.turns.iter().map(|turn| json!({"claim": turn.claim, "holder": turn.holder}));
    json!({
        "scenario": name,
        "about": scenario.about,
        "passed": shortfalls.is_empty(),
        "shortfalls": shortfalls,
        "expect": scenario.expect,
        "openFacts": variant.facts(&scenario.world.open_facts),
        "ended": came.ended,
        "worldSeconds": came.at,
        "launches": came.launched,
        "instances": came.report.instances,
        "executions": came.rollouts.iter().map(execution).collect::<Vec<_>>(),
        "deployments": came.report.deployments,
        "hookActions": came.report.hook_actions,
        "turns": turns.collect::<Vec<_>>(),
        "violations": came.report.violations,
        "collisions": came.report.collisions,
        "forbidden": came.forbidden,
        "faultHits": came.fault_hits,
    })
}

fn execution(rollout: &Rollout) -> Value {
    json!({
        "name": rollout.execution.name,
        "launch": rollout.launch,
        "outcome": rollout.outcome(),
        "startedAt": rollout.started_at,
        "endedAt": rollout.ended_at,
        "input": rollout.execution.input,
        "output": rollout.execution.output,
        "error": rollout.execution.error,
        "cause": rollout.execution.cause.as_ref().map(|_| rollout.cause()),
        "states": rollout.states,
    })
}

fn line<'a>(call: &'a Call, came: &'a Came) -> Line<'a> {
    let Call { at, caller, service, operation, parameters, outcome, .. } = call;
    let execution = execution_of(parameters, &came.rollouts);
    Line { at: *at, service, operation, caller, execution, parameters, answer: outcome }
}

/// The execution that a call is for: the one that its parameters name, else the last one of the instance that they name.
fn execution_of<'a>(parameters: &Value, rollouts: &'a [Rollout]) -> Option<&'a str> {
    let text = parameters.to_string();
    let named = rollouts.iter().find(|rollout| names(&text, &rollout.execution.arn));
    let of_instance = || {
        let instances = ["InstanceId", "InstanceIds.member.1", "targetId"];
        let id = instances.iter().find_map(|field| parameters[field].as_str())?;
        rollouts.iter().rev().find(|rollout| rollout.execution.input.to_string().contains(id))
    };
    named.or_else(of_instance).map(|rollout| rollout.execution.name.as_str())
}

/// Whether a text has this ARN in it, and not one that only begins like it.
fn names(text: &str, arn: &str) -> bool {
    let ends = |rest: &str| !rest.starts_with(|next: char| next.is_ascii_alphanumeric() || "-_".contains(next));
    text.match_indices(arn).any(|(at, _)| ends(&text[at + arn.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_is_found_as_a_whole() {
        for (text, found) in [
            ("Turnstile arn:web-1, round 1", true),
            (r#"{":me": {"S": "arn:web-1"}}"#, true),
            ("arn:web-1", true),
            ("arn:web-12", false),
            ("arn:web-1-2 and arn:web-1", true),
            ("arn:web-", false),
        ] {
            assert_eq!(names(text, "arn:web-1"), found, "{text}");
        }
    }
}
