//! Whether the stack and the simulation agree about a scenario: the stack is the witness that the simulation tells the truth.
//!
//! Compared is what does not depend on how long a call takes: which states each rollout entered and not how often it asked in them, which
//! operations each function called, and how everything ended. What has not ended when a run ends is at a different point each time.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::format::Outcome;
use crate::observed::Observed;

/// What is compared of a run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Course {
    /// How each execution ended, with its launch and its error.
    ends: BTreeMap<String, usize>,
    /// What became of the launched instances.
    instances: BTreeMap<String, usize>,
    /// How the hooks ended.
    hooks: BTreeMap<String, usize>,
    /// The states that executions of the same end entered. Which of several launches takes a turn first is chance.
    states: BTreeMap<String, BTreeSet<String>>,
    /// The operations that each function called.
    calls: BTreeMap<String, BTreeSet<String>>,
}

/// A difference that has a reason: it is no fault of the simulation.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Explained {
    /// The scenario's name.
    pub scenario: String,
    /// A part of the difference's text.
    pub difference: String,
    /// Why the two differ.
    pub because: String,
}

impl Course {
    /// What is compared of a run.
    pub fn of(observed: &Observed) -> Self {
        let mut course = Self::default();
        for rollout in observed.rollouts.iter().filter(|rollout| rollout.outcome() != Outcome::Running) {
            let outcome = format!("{:?} {}", rollout.outcome(), rollout.error()).trim_end().to_owned();
            let of = rollout.launch.map_or_else(|| "group".to_owned(), |launch| format!("launch {launch}"));
            *course.ends.entry(format!("{of} {outcome}")).or_default() += 1;
            course.states.entry(outcome).or_default().extend(rollout.states.keys().cloned());
        }
        for (_, instance) in observed.launches() {
            let became = match instance.lifecycle_state {
                "Terminating" | "Terminating:Wait" | "Terminating:Proceed" | "Terminated" => "gone",
                "Pending" | "Pending:Wait" | "Pending:Proceed" => continue,
                state => state,
            };
            *course.instances.entry(became.to_owned()).or_default() += 1;
        }
        for action in observed.report.hook_actions.iter().filter(|action| action.closed_by.is_some()) {
            *course.hooks.entry(format!("{} {:?} {:?}", action.hook, action.result, action.closed_by)).or_default() +=
                1;
        }
        let of_functions =
            observed.report.calls.iter().filter(|call| account::FUNCTIONS.contains(&call.caller.as_str()));
        for call in of_functions {
            course.calls.entry(call.caller.clone()).or_default().insert(format!("{}.{}", call.service, call.operation));
        }
        course
    }

    /// In what two runs differ: on the stack, and in the simulation. A sentence each.
    pub fn differences(stack: &Self, simulation: &Self) -> Vec<String> {
        let mut all = Vec::new();
        for (what, on_the_stack, simulated) in [
            ("executions", &stack.ends, &simulation.ends),
            ("instances", &stack.instances, &simulation.instances),
            ("hooks", &stack.hooks, &simulation.hooks),
        ] {
            if on_the_stack != simulated {
                all.push(format!("{what}: {on_the_stack:?} on the stack, {simulated:?} in the simulation"));
            }
        }
        for (what, on_the_stack, simulated) in [
            ("states of executions that ended as", &stack.states, &simulation.states),
            ("calls of", &stack.calls, &simulation.calls),
        ] {
            for (who, theirs) in on_the_stack {
                let Some(ours) = simulated.get(who) else { continue };
                let only = |a: &BTreeSet<String>, b: &BTreeSet<String>| {
                    a.difference(b).cloned().collect::<Vec<_>>().join(", ")
                };
                if theirs != ours {
                    let (stack, simulation) = (only(theirs, ours), only(ours, theirs));
                    all.push(format!(
                        "{what} {who}: only on the stack [{stack}], only in the simulation [{simulation}]"
                    ));
                }
            }
        }
        all
    }
}

/// The explained differences: tests/scenario/differences.json.
///
/// # Errors
/// The file system's, or what is wrong with the file.
pub fn explained() -> io::Result<Vec<Explained>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("differences.json");
    Ok(serde_json::from_str(&fs::read_to_string(path)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::sample;

    fn difference(change: impl Fn(&mut Observed)) -> Vec<String> {
        let stack = sample::observed();
        let mut simulation = sample::observed();
        change(&mut simulation);
        Course::differences(&Course::of(&stack), &Course::of(&simulation))
    }

    #[test]
    fn runs_that_differ_only_in_how_often_they_ask_agree() {
        let asks_more = |observed: &mut Observed| {
            *observed.rollouts[0].states.get_mut("BackOff").expect("the sample's state") += 5;
            observed.report.calls.push(sample::call());
        };
        assert_eq!(difference(asks_more), [] as [&str; 0]);
    }

    #[test]
    fn each_difference_is_told() {
        type Change = fn(&mut Observed);
        let cases: [(Change, &str); 5] = [
            (|observed| observed.rollouts[1].execution.status = "ABORTED".to_owned(), "executions: "),
            (|observed| observed.report.instances[0].lifecycle_state = "Terminated", "instances: "),
            (|observed| observed.report.hook_actions[0].closed_by = None, "hooks: "),
            (
                |observed| _ = observed.rollouts[0].states.insert("WaitForTurn".to_owned(), 1),
                "states of executions that ended as Succeeded: only on the stack [], only in the simulation [WaitForTurn]",
            ),
            (
                |observed| observed.report.calls[0].operation = "StopDeployment".to_owned(),
                "calls of start-deployment: only on the stack [codedeploy.CreateDeployment], only in the simulation",
            ),
        ];
        for (change, sentence) in cases {
            let differences = difference(change);
            assert!(
                differences.iter().any(|difference| difference.starts_with(sentence)),
                "{sentence}: {differences:?}"
            );
        }
    }

    #[test]
    fn every_explained_difference_is_one_of_a_scenario() {
        let names: Vec<String> = crate::files::all().unwrap().iter().map(|path| crate::files::name(path)).collect();
        for Explained { scenario, difference, because } in explained().unwrap() {
            assert!(names.contains(&scenario), "{scenario}");
            assert!(!difference.is_empty() && because.ends_with('.'), "{scenario}");
        }
    }
}
