//! What the state machine's definition forgets between two attempts at an application.

use serde_json::Value;

/// Every object of assignments within a value.
fn assignments<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("Assign"));
            fields.values().for_each(|value| assignments(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| assignments(value, found)),
        _ => {}
    }
}

/// A search goes back from the newest deployment on. Another attempt makes a newer one, or finds others: it searches anew.
#[test]
fn another_attempt_searches_for_evidence_anew() {
    let definition = include_str!("../../../statemachine/rollout.asl.json");
    let definition: Value = serde_json::from_str(definition).expect("the definition is JSON");
    let mut found = Vec::new();
    assignments(&definition, &mut found);
    let is_next =
        |assigned: &&Value| assigned["attempt"].as_str().is_some_and(|attempt| attempt.contains("$attempt + 1"));
    let next: Vec<_> = found.into_iter().filter(is_next).collect();
    assert_eq!(next.len(), 1, "{next:#?}");
    assert_eq!(next[0].get("search"), Some(&Value::Null), "{next:#?}");
}
