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
    let attempts: Vec<_> = found.into_iter().filter(|assigned| assigned.get("attempt").is_some()).collect();
    assert_eq!(attempts.len(), 2, "a new application, and another attempt");
    for assigned in attempts {
        assert_eq!(assigned.get("search"), Some(&Value::Null), "{assigned}");
    }
}
