//! The state machine's definition with the values that SAM's `DefinitionSubstitutions` put into it.

use std::path::Path;

use account::substitutions;

use crate::Error;

/// Reads the definition at `path` and puts ARNs in place of its `${…}`.
pub(crate) fn read(path: &Path) -> Result<String, Error> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
    substitute(&text).map_err(|placeholder| Error::UnresolvedSubstitution { definition: path.to_owned(), placeholder })
}

/// The definition's text with its placeholders resolved, or the first placeholder that stands for nothing.
fn substitute(text: &str) -> Result<String, String> {
    let put = |text: String, (name, arn): (String, String)| text.replace(&format!("${{{name}}}"), &arn);
    let resolved = substitutions().fold(text.to_owned(), put);
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
