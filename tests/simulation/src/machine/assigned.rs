//! Which variables are sure to be assigned when a state is entered.

use std::collections::{BTreeMap, BTreeSet};

use super::definition::Definition;
use super::error::DefinitionError;
use super::state::Next;

type Names<'a> = BTreeSet<&'a str>;

/// # Errors
/// The first expression that reads a variable which is not assigned on every way from the start to its state. In the service it
/// fails with States.QueryEvaluationError, on the day when an execution takes such a way. Whether `$exists` may ask for a variable
/// that was never assigned is not documented: here it may not.
pub(crate) fn check(definition: &Definition) -> Result<(), DefinitionError> {
    let on_entry = on_entry(definition);
    for (name, state) in &definition.states {
        for expression in state.expressions() {
            if let Some(variable) = expression.variables().find(|variable| !on_entry[name.as_str()].contains(variable))
            {
                let problem = format!("reads ${variable}, which is not assigned on every way to this state");
                return Err(expression.place().error(problem));
            }
        }
    }
    Ok(())
}

/// The variables that are assigned on every way to each state, which all can be reached.
fn on_entry(definition: &Definition) -> BTreeMap<&str, Names<'_>> {
    let start = definition.start_at.as_str();
    let mut on_entry = BTreeMap::from([(start, Names::new())]);
    let mut changed = vec![start];
    while let Some(name) = changed.pop() {
        for exit in definition.states[name].exits() {
            let Next::State(next) = &exit.next else { continue };
            let mut after = on_entry[name].clone();
            after.extend(exit.assign.iter().map(|(name, _)| name.as_str()));
            let before = on_entry.get(next.as_str());
            let common = before.map_or_else(|| after.clone(), |before| before & &after);
            if before != Some(&common) {
                on_entry.insert(next, common);
                changed.push(next);
            }
        }
    }
    on_entry
}
