//! Reads a scenario file. An error names the file and the field.

use std::path::{Path, PathBuf};

use super::Scenario;
use super::check::check;

/// A scenario file that cannot be run.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct Unreadable {
    /// The file.
    pub path: PathBuf,
    /// The field, where there is one, and what is wrong.
    pub problem: String,
}

/// Reads a scenario file.
///
/// # Errors
/// The file, the first field that is wrong, and what was expected there.
pub fn read(path: &Path) -> Result<Scenario, Unreadable> {
    let unreadable = |problem: String| Unreadable { path: path.to_owned(), problem };
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
    parse(&text).map_err(unreadable)
}

pub(crate) fn parse(text: &str) -> Result<Scenario, String> {
    let mut json = serde_json::Deserializer::from_str(text);
    let scenario: Scenario =
        serde_path_to_error::deserialize(&mut json).map_err(|error| match error.path().to_string() {
            path if path == "." => error.inner().to_string(),
            path => format!("{path}: {}", error.inner()),
        })?;
    json.end().map_err(|error| error.to_string())?;
    check(&scenario)?;
    Ok(scenario)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        parse(text).expect_err(text)
    }

    #[test]
    fn the_shortest_scenario() {
        let scenario = parse(r#"{"about": "Nothing happens.", "steps": []}"#).unwrap();
        assert_eq!((scenario.speed, scenario.give_up_seconds), (50.0, 21_600.0));
        assert_eq!(scenario.world.groups[0].hook.as_ref().unwrap().name, "turnstile");
    }

    #[test]
    fn a_scenario_is_written_as_it_was_read() {
        let text = r#"{
            "about": "Much is special.",
            "world": {"applications": ["Orders", {"name": "Search/Blue", "seconds": {"Install": 60}, "options": {"maxAttempts": 3}}],
                      "groups": [{"hook": null, "agentSeconds": null}], "openFacts": {"nothingOutdated": "exception"}},
            "steps": [{"launch": 2}, {"launch": {"count": 3, "over": 60}}, {"launch": {"agentSeconds": null}}, {"at": 9, "when": {"waiting": 1}, "terminate": 1}],
            "expect": {"inService": [1, 3], "launches": {"max": 9}, "deployments": ["Orders"], "hooks": {"CONTINUE": 2}}
        }"#;
        let scenario = parse(text).unwrap();
        let written = serde_json::to_string(&scenario).unwrap();
        assert_eq!(parse(&written).unwrap(), scenario, "{written}");
        assert!(written.contains(r#""applications":["Orders",{"name":"Search/Blue""#), "{written}");
        assert!(!written.contains("speed"), "{written}");
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, expected) in [
            (r#"{"about": "x"}"#, "missing field `steps`"),
            (r#"{"about": " ", "steps": []}"#, "about: expected a sentence"),
            (r#"{"about": "x", "steps": [], "expects": {}}"#, "expects: unknown field `expects`, expected one of"),
            (r#"{"about": "x", "steps": [], "speed": 0.5}"#, "speed: expected at least 1"),
            (
                r#"{"about": "x", "steps": [], "world": {"applications": [{"name": "A", "failure": {"evnt": "x"}}]}}"#,
                "world.applications[0].failure.evnt: unknown field",
            ),
            (
                r#"{"about": "x", "steps": [], "world": {"applications": [7]}}"#,
                "world.applications[0]: invalid type: integer `7`, expected an application's name or an object",
            ),
            (
                r#"{"about": "x", "steps": [], "world": {"groups": [{"applications": ["B"]}], "applications": ["A"]}}"#,
                r#"world.groups[0].applications[0]: expected one of "A", got "B""#,
            ),
            (r#"{"about": "x", "steps": [{"at": 3}]}"#, "steps[0]: expected exactly one of launch,"),
            (r#"{"about": "x", "steps": [{"abort": 1, "terminate": 1}]}"#, "steps[0]: expected exactly one of launch,"),
            (r#"{"about": "x", "steps": [{"abort": 1, "when": {}}]}"#, "steps[0].when: expected at least one"),
            (
                r#"{"about": "x", "steps": [{"abort": 1, "when": {"launchd": 2}}]}"#,
                "steps[0].when.launchd: unknown field",
            ),
            (
                r#"{"about": "x", "steps": [{"launch": {"group": "api"}}]}"#,
                r#"steps[0].launch.group: expected one of "web", got "api""#,
            ),
            (
                r#"{"about": "x", "steps": [{"launch": {"over": 9, "agentSeconds": null}}]}"#,
                "steps[0].launch.over: expected none",
            ),
            (
                r#"{"about": "x", "steps": [], "expect": {"executions": [{"outcome": "DONE"}]}}"#,
                "expect.executions[0].outcome: unknown variant `DONE`, expected one of",
            ),
            (
                r#"{"about": "x", "steps": [], "expect": {"inService": "all"}}"#,
                "expect.inService: invalid type: string \"all\", expected a number,",
            ),
            (r#"{"about": "x", "steps": []} {}"#, "trailing characters"),
        ] {
            let problem = problem(text);
            assert!(problem.starts_with(expected), "{text}: {problem}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = read(Path::new("/nowhere/x.json")).unwrap_err();
        assert!(error.to_string().starts_with("/nowhere/x.json: "), "{error}");
    }
}
