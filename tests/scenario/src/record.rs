//! A run's files: report.json and calls.jsonl.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use serde::Serialize;
use serde_json::{Value, json};
use world::Call;

use crate::format::Scenario;
use crate::judge::Unmet;
use crate::observed::{Observed, Rollout};
use crate::variant::Variant;

/// A line of calls.jsonl.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    at: f64,
    service: &'a str,
    operation: &'a str,
    caller: &'a str,
    /// The name of the execution that the call is for, if its parameters name the execution or its instance.
    execution: Option<&'a str>,
    parameters: &'a Value,
    answer: &'a str,
}

/// Writes both files into a folder, which is created.
///
/// # Errors
/// The file system's.
pub fn write(
    folder: &Path,
    name: &str,
    scenario: &Scenario,
    variant: Variant,
    observed: &Observed,
    unmet: &[Unmet],
) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let report = report(name, scenario, variant, observed, unmet);
    fs::write(folder.join("report.json"), format!("{report:#}\n"))?;
    let mut lines = BufWriter::new(fs::File::create(folder.join("calls.jsonl"))?);
    for call in &observed.report.calls {
        serde_json::to_writer(&mut lines, &line(call, observed))?;
        writeln!(lines)?;
    }
    lines.flush()
}

/// The contents of report.json: everything but the calls.
fn report(name: &str, scenario: &Scenario, variant: Variant, observed: &Observed, unmet: &[Unmet]) -> Value {
    let turns = observed.turns.iter().map(|turn| json!({"claim": turn.claim, "holder": turn.holder}));
    json!({
        "scenario": name,
        "about": scenario.about,
        "passed": unmet.is_empty(),
        "unmetExpectations": unmet,
        "expect": scenario.expect,
        "openFacts": variant.facts(&scenario.world.open_facts),
        "ended": observed.ended,
        "worldSeconds": observed.at,
        "launches": observed.launched,
        "instances": observed.report.instances,
        "executions": observed.rollouts.iter().map(execution).collect::<Vec<_>>(),
        "deployments": observed.report.deployments,
        "hookActions": observed.report.hook_actions,
        "turns": turns.collect::<Vec<_>>(),
        "violations": observed.report.violations,
        "collisions": observed.report.collisions,
        "forbidden": observed.forbidden,
        "faultHits": observed.fault_hits,
    })
}

fn execution(rollout: &Rollout) -> Value {
    json!({
        "name": rollout.execution.name,
        "launch": rollout.launch,
        "outcome": rollout.outcome(),
        "startedAt": rollout.execution.started_at,
        "endedAt": rollout.execution.ended_at,
        "input": rollout.execution.input,
        "output": rollout.execution.output,
        "error": rollout.execution.error,
        "cause": rollout.execution.cause.as_ref().map(|_| rollout.cause()),
        "states": rollout.states,
    })
}

fn line<'a>(call: &'a Call, observed: &'a Observed) -> Line<'a> {
    let Call { at, caller, service, operation, parameters, outcome } = call;
    let execution = execution_of(parameters, &observed.rollouts);
    Line { at: *at, service, operation, caller, execution, parameters, answer: outcome }
}

/// The execution that a call is for: the one that its parameters name, else the newest one of the instance that they name.
fn execution_of<'a>(parameters: &Value, rollouts: &'a [Rollout]) -> Option<&'a str> {
    let text = parameters.to_string();
    let named = rollouts.iter().find(|rollout| names(&text, &rollout.execution.arn));
    let of_instance = || {
        let instances = ["InstanceId", "InstanceIds.member.1", "targetId"];
        let id = instances.iter().find_map(|field| parameters[field].as_str())?;
        rollouts.iter().rev().find(|rollout| rollout.execution.names_instance(id))
    };
    named.or_else(of_instance).map(|rollout| rollout.execution.name.as_str())
}

/// Whether a text contains this ARN, and not only a longer one that begins like it.
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
