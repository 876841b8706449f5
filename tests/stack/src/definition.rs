//! The state machine's definition with the values that SAM's `DefinitionSubstitutions` put into it.

use std::path::Path;

use account::{Variables, substitutions, versions};

use crate::Error;

/// Reads the definition at `path`, as a version of the stack has it, and resolves its `${…}`.
pub(crate) fn read(path: &Path, variables: &Variables, version: usize) -> Result<String, Error> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
    substitute(&versions::definition(&text, version), variables, version)
        .map_err(|placeholder| Error::UnresolvedSubstitution { definition: path.to_owned(), placeholder })
}

/// The definition's text with its placeholders resolved, or the first placeholder that stands for nothing.
fn substitute(text: &str, variables: &Variables, version: usize) -> Result<String, String> {
    let put = |text: String, (name, arn): (String, String)| text.replace(&format!("${{{name}}}"), &arn);
    let resolved = substitutions(variables, version).fold(text.to_owned(), put);
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
    fn placeholders_become_versions_and_settings() {
        let definition =
            r#"{"A": "${PlanRolloutFunction}", "B": "${LifecycleHookName}/${Applications}", "C": "{% $x %}"}"#;
        let variables = Variables {
            applications: Some(r#"["A/S"]"#.to_owned()),
            lifecycle_hook_name: "hook".to_owned(),
            ..Variables::default()
        };
        assert_eq!(
            substitute(definition, &variables, 3).unwrap(),
            r#"{"A": "arn:aws:lambda:us-east-1:123456789012:function:plan-rollout:3", "B": "hook/WyJBL1MiXQ==", "C": "{% $x %}"}"#
        );
    }

    #[test]
    fn an_unknown_placeholder_is_named() {
        let unresolved = |text| substitute(text, &Variables::default(), 1).unwrap_err();
        assert_eq!(unresolved(r#"{"A": "${GuessFunction}"}"#), "${GuessFunction}");
        assert_eq!(unresolved(r#"{"A": "${CheckStatusFunction"#), "${CheckStatusFunction");
    }
}
