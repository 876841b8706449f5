//! What an execution's history says.

use std::collections::BTreeMap;

use serde_json::Value;

/// The states that an execution has entered so far, in order. `history` is GetExecutionHistory's `events`, the oldest first.
pub fn states_entered(history: &[Value]) -> impl DoubleEndedIterator<Item = &str> {
    history.iter().filter_map(|event| event["stateEnteredEventDetails"]["name"].as_str())
}

/// How often an execution has entered each state.
pub fn state_counts(history: &[Value]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for state in states_entered(history) {
        *counts.entry(state.to_owned()).or_default() += 1;
    }
    counts
}

/// The state transitions that a Standard workflow is billed for: every state entered, and every retry of a task.
///
/// Source: "AWS Step Functions pricing": "Step Functions counts a state transition each time a step of your workflow is executed.
/// You are charged for the total number of state transitions across all your state machines, including retries."
pub fn transitions(history: &[Value]) -> usize {
    let kind = |event: &Value| event["type"].as_str().unwrap_or_default().to_owned();
    let entered = history.iter().filter(|event| kind(event).ends_with("StateEntered")).count();
    let retried = history
        .iter()
        .filter(|event| matches!(kind(event).as_str(), "TaskScheduled" | "LambdaFunctionScheduled"))
        .filter(|event| {
            // A first attempt follows its state's entry, another one the failure of the one before it.
            !history.iter().any(|before| before["id"] == event["previousEventId"] && kind(before) == "TaskStateEntered")
        })
        .count();
    entered + retried
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn transitions_are_states_entered_and_retries() {
        let history: Vec<Value> = [
            (1, 0, "ExecutionStarted"),
            (2, 0, "TaskStateEntered"),
            (3, 2, "TaskScheduled"),
            (4, 3, "TaskStarted"),
            (5, 4, "TaskFailed"),
            (6, 5, "TaskScheduled"),
            (7, 6, "TaskStarted"),
            (8, 7, "TaskTimedOut"),
            (9, 8, "TaskScheduled"),
            (10, 9, "TaskSucceeded"),
            (11, 10, "TaskStateExited"),
            (12, 11, "MapStateEntered"),
            (13, 12, "MapStateStarted"),
            (14, 13, "MapIterationStarted"),
            (15, 14, "ChoiceStateEntered"),
            (16, 15, "ChoiceStateExited"),
            (17, 16, "FailStateEntered"),
            (18, 17, "ExecutionFailed"),
        ]
        .map(|(id, previous, kind)| json!({"id": id, "previousEventId": previous, "type": kind}))
        .into();
        assert_eq!(transitions(&history), 6);
        assert_eq!(transitions(&[]), 0);
    }

    #[test]
    fn states_are_counted_as_they_are_entered() {
        let entered = |name: &str| json!({"stateEnteredEventDetails": {"name": name}});
        let history = [entered("A"), json!({"type": "TaskStateExited"}), entered("B"), entered("A")];
        assert_eq!(states_entered(&history).collect::<Vec<_>>(), ["A", "B", "A"]);
        assert_eq!(state_counts(&history), BTreeMap::from([("A".to_owned(), 2), ("B".to_owned(), 1)]));
    }
}
