//! The state machine's definition with the values that SAM's `DefinitionSubstitutions` put into it.

use std::path::Path;

use crate::{Error, function_arn};

/// The definition's placeholders, and the functions whose ARNs replace them.
const FUNCTIONS: [(&str, &str); 6] = [
    ("PlanRolloutFunction", "plan-rollout"),
    ("TakeTurnFunction", "take-turn"),
    ("StartDeploymentFunction", "start-deployment"),
    ("CheckStatusFunction", "check-status"),
    ("ReturnTurnFunction", "return-turn"),
    ("CompleteLifecycleHookFunction", "complete-lifecycle-hook"),
];

/// Reads the definition at `path` and puts ARNs in place of its `${…}`.
pub(crate) fn read(path: &Path) -> Result<String, Error> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
    substitute(&text).map_err(|placeholder| Error::UnresolvedSubstitution { definition: path.to_owned(), placeholder })
}

/// The definition's text with its placeholders resolved, or the first placeholder that stands for nothing.
fn substitute(text: &str) -> Result<String, String> {
    let resolved = FUNCTIONS
        .iter()
        .fold(text.to_owned(), |text, (name, function)| text.replace(&format!("${{{name}}}"), &function_arn(function)));
    match resolved.find("${") {
        None => Ok(resolved),
        Some(start) => {
            let rest = &resolved[start..];
            Err(rest[..rest.find('}').map_or(rest.len(), |end| end + 1)].to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_become_arns() {
        let definition = r#"{"A": "${PlanRolloutFunction}", "B": "${CheckStatusFunction}", "C": "{% $x %}"}"#;
        assert_eq!(
            substitute(definition).unwrap(),
            r#"{"A": "arn:aws:lambda:us-east-1:123456789012:function:plan-rollout", "B": "arn:aws:lambda:us-east-1:123456789012:function:check-status", "C": "{% $x %}"}"#
        );
    }

    #[test]
    fn an_unknown_placeholder_is_named() {
        assert_eq!(substitute(r#"{"A": "${GuessFunction}"}"#).unwrap_err(), "${GuessFunction}");
        assert_eq!(substitute(r#"{"A": "${CheckStatusFunction"#).unwrap_err(), "${CheckStatusFunction");
    }
}
