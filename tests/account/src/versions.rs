//! Versions of the stack, as its updates make them. The code is always the present one, but each version takes requests of its own form: its
//! functions cannot read those of another version, which its definition brings along.

use serde_json::{Value, json};

use crate::events::{REPORT_OUTCOME, START_ROLLOUT};

/// The version that the stack begins with. Its requests are those of the definition's file.
pub const FIRST: usize = 1;

/// A definition as a version has it: `text` is that of the first one. What is no definition stays as it is.
pub fn definition(text: &str, version: usize) -> String {
    let Ok(mut definition) = serde_json::from_str::<Value>(text) else { return text.to_owned() };
    let states = definition["States"].as_object_mut().filter(|_| version > FIRST).into_iter().flatten();
    for (_, task) in states.filter(|(_, state)| state["Type"] == "Task") {
        let arguments = task["Arguments"].take();
        task["Arguments"] = json!({"version": version, "request": arguments});
    }
    if version > FIRST { definition.to_string() } else { text.to_owned() }
}

/// The request in what a version of a function gets. Those of start-rollout and report-outcome are events, which are the same for every version.
///
/// # Errors
/// A request of another version; as the Lambda runtime reports an error.
pub fn request(function: &str, version: usize, mut payload: Value) -> Result<Value, Value> {
    if [START_ROLLOUT, REPORT_OUTCOME].contains(&function) {
        return Ok(payload);
    }
    let of = payload["version"].as_u64().and_then(|of| usize::try_from(of).ok()).unwrap_or(FIRST);
    match of == version {
        true if version == FIRST => Ok(payload),
        true => Ok(payload["request"].take()),
        false => {
            let message = format!("version {version} of {function} cannot read a request of version {of}");
            Err(json!({"errorType": "Turnstile.InvalidInput", "errorMessage": message}))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_reads_the_requests_of_its_own_definition_alone() {
        let text = r#"{"States": {"Plan": {"Type": "Task", "Arguments": {"a": 1}}, "Rest": {"Type": "Wait"}}}"#;
        let arguments = |version| -> Value {
            let definition: Value = serde_json::from_str(&definition(text, version)).unwrap();
            assert_eq!(definition["States"]["Rest"], json!({"Type": "Wait"}));
            definition["States"]["Plan"]["Arguments"].clone()
        };
        assert_eq!(arguments(FIRST), json!({"a": 1}));
        for (of, by) in [(1, 1), (1, 2), (2, 1), (2, 2), (2, 3)] {
            let read = request("plan-rollout", by, arguments(of));
            match of == by {
                true => assert_eq!(read, Ok(json!({"a": 1}))),
                false => assert_eq!(read.unwrap_err()["errorType"], "Turnstile.InvalidInput", "{of} by {by}"),
            }
        }
        assert_eq!(
            request(START_ROLLOUT, 2, json!({"source": "aws.autoscaling"})).unwrap()["source"],
            "aws.autoscaling"
        );
        assert_eq!(definition("no JSON", 2), "no JSON");
    }
}
