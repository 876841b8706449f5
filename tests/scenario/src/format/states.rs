//! The names of the state machine's states.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde_json::Value;

const DEFINITION: &str = include_str!("../../../../statemachine/rollout.asl.json");

/// The names of all states, including those inside a Map.
pub(super) static STATES: LazyLock<BTreeSet<&str>> = LazyLock::new(|| {
    let definition: Value = serde_json::from_str(DEFINITION).expect("the state machine's definition is JSON");
    let mut names = BTreeSet::new();
    collect(&definition, &mut names);
    names.into_iter().map(|name| &*name.leak()).collect()
});

fn collect(definition: &Value, names: &mut BTreeSet<String>) {
    let Some(states) = definition["States"].as_object() else { return };
    for (name, state) in states {
        names.insert(name.clone());
        collect(&state["ItemProcessor"], names);
        state["Branches"].as_array().into_iter().flatten().for_each(|branch| collect(branch, names));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_found_at_both_levels() {
        assert!(["PlanRollout", "StartDeployment", "BackOff"].iter().all(|name| STATES.contains(name)), "{STATES:?}");
    }
}
