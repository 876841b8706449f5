//! An application of a rollout, and the ways in which people write it down.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserializer, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Serialize};

use crate::limits::{LONGEST_DEPLOYMENT, MOST_APPLICATIONS};
use crate::words::error::Error;
use crate::words::fields::{self, WholeNumber};
use crate::words::ids::CodeDeployName;

/// A deployment group of an application: together their names say what is deployed, and to what.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentGroup {
    pub application_name: CodeDeployName,
    pub deployment_group_name: CodeDeployName,
}

/// `application/deployment group`, the short form of an application. Neither name can contain a slash (CodeDeploy user guide,
/// "CodeDeploy quotas").
impl fmt::Display for DeploymentGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.application_name, self.deployment_group_name)
    }
}

/// Reads the short form.
impl FromStr for DeploymentGroup {
    type Err = String;

    fn from_str(short: &str) -> Result<Self, String> {
        let expected = || format!("expected \"application/deployment group\", got {:?}", fields::quoted(short));
        let (application, group) = short.trim().split_once('/').ok_or_else(expected)?;
        if group.contains('/') {
            return Err(expected());
        }
        let (application, group) = (application.trim(), group.trim());
        if application.is_empty() || group.is_empty() {
            return Err(expected());
        }
        let name = |what, text| CodeDeployName::try_from(text).map_err(|problem| format!("{what}: {problem}"));
        Ok(Self {
            application_name: name("the application's name", application)?,
            deployment_group_name: name("the deployment group's name", group)?,
        })
    }
}

/// One application of a rollout: its deployment group, and how to deploy to it.
///
/// It is written as an object with these fields, or in short as `"Service-A/Staging"`: the application's name, a slash, the
/// deployment group's name.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Application {
    #[serde(flatten)]
    pub group: DeploymentGroup,
    /// The deployment configuration; the group's own when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment_config_name: Option<String>,
    /// What to do with files that are on the instance already; CodeDeploy's default (DISALLOW) when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_exists_behavior: Option<FileExistsBehavior>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignore_application_stop_failures: Option<bool>,
    /// How many deployments to try before the rollout fails, 1 to 10.
    pub max_attempts: u32,
    /// How long a deployment may go on without a target coming to an end, and how long a further attempt waits for the group to be
    /// free, in seconds.
    pub timeout_seconds: u32,
}

/// CodeDeploy's `fileExistsBehavior` (CodeDeploy API reference, CreateDeployment).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum FileExistsBehavior {
    Disallow,
    Overwrite,
    Retain,
}

/// One retry: an agent that restarts during the launch rejects a command, and the next deployment succeeds.
const DEFAULT_MAX_ATTEMPTS: u32 = 2;
/// CodeDeploy ends a script after 3,600 s at the latest (CodeDeploy user guide, AppSpec `timeout`).
const DEFAULT_TIMEOUT_SECONDS: u32 = 3_600;

impl From<DeploymentGroup> for Application {
    /// An application with the defaults of the input reference.
    fn from(group: DeploymentGroup) -> Self {
        Self {
            group,
            deployment_config_name: None,
            file_exists_behavior: None,
            ignore_application_stop_failures: None,
            max_attempts: DEFAULT_MAX_ATTEMPTS,
            timeout_seconds: DEFAULT_TIMEOUT_SECONDS,
        }
    }
}

/// Its deployment group.
impl fmt::Display for Application {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.group.fmt(f)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct LongForm {
    application_name: CodeDeployName,
    deployment_group_name: CodeDeployName,
    #[serde(default, deserialize_with = "fields::given")]
    deployment_config_name: Option<CodeDeployName>,
    #[serde(default, deserialize_with = "fields::given")]
    file_exists_behavior: Option<FileExistsBehavior>,
    #[serde(default, deserialize_with = "fields::given")]
    ignore_application_stop_failures: Option<bool>,
    #[serde(default, deserialize_with = "fields::given")]
    max_attempts: Option<WholeNumber<1, 10>>,
    #[serde(default, deserialize_with = "fields::given")]
    timeout_seconds: Option<WholeNumber<60, { LONGEST_DEPLOYMENT }>>,
}

impl From<LongForm> for Application {
    fn from(long: LongForm) -> Self {
        Self {
            deployment_config_name: long.deployment_config_name.map(Into::into),
            file_exists_behavior: long.file_exists_behavior,
            ignore_application_stop_failures: long.ignore_application_stop_failures,
            max_attempts: long.max_attempts.map_or(DEFAULT_MAX_ATTEMPTS, Into::into),
            timeout_seconds: long.timeout_seconds.map_or(DEFAULT_TIMEOUT_SECONDS, Into::into),
            ..Self::from(DeploymentGroup {
                application_name: long.application_name,
                deployment_group_name: long.deployment_group_name,
            })
        }
    }
}

impl<'de> Deserialize<'de> for Application {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EitherForm;
        impl<'de> Visitor<'de> for EitherForm {
            type Value = Application;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "an object with applicationName and deploymentGroupName, or \"application/deployment group\"",
                )
            }

            fn visit_str<E: de::Error>(self, short: &str) -> Result<Application, E> {
                DeploymentGroup::from_str(short).map(Into::into).map_err(E::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Application, A::Error> {
                LongForm::deserialize(MapAccessDeserializer::new(map)).map(Into::into)
            }
        }
        deserializer.deserialize_any(EitherForm)
    }
}

/// Reads a list of applications from text: a JSON array, or short forms separated by commas. The answer is `None` when the text
/// is blank.
///
/// # Errors
/// [`Error::InvalidInput`]; the message starts with `source`, which says where the text was found.
pub fn parse_list(source: &str, text: &str) -> Result<Option<Vec<Application>>, Error> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let located = |problem: String| Error::InvalidInput(format!("{source}: {problem}"));
    let applications = if text.starts_with(['[', '{', '"']) {
        let value: serde_json::Value = serde_json::from_str(text).map_err(|e| {
            located(format!("expected a JSON array of applications or a list like A/Staging,B/Staging: {e}"))
        })?;
        match value {
            serde_json::Value::Array(_) => fields::read_at("applications", value),
            // It is not a part of the source that is wrong, but the whole of it.
            other => fields::read::<Vec<Application>>(other),
        }
        .map_err(|error| located(error.to_string().replace("expected a list,", "expected a list of applications,")))?
    } else {
        text.split(',')
            .enumerate()
            .map(|(i, short)| {
                let group = DeploymentGroup::from_str(short);
                group.map(Application::from).map_err(|e| located(format!("applications[{i}]: {e}")))
            })
            .collect::<Result<_, _>>()?
    };
    Ok(Some(applications))
}

/// Checks a list that a rollout will work through: not empty, not too long for a turn, and no deployment group twice.
///
/// # Errors
/// [`Error::InvalidInput`] naming the offending entry.
pub fn check_list(applications: &[Application]) -> Result<(), Error> {
    if applications.is_empty() {
        return Err(Error::InvalidInput("applications: expected at least one application, got an empty list".into()));
    }
    if applications.len() > MOST_APPLICATIONS {
        return Err(Error::InvalidInput(format!(
            "applications: expected at most {MOST_APPLICATIONS}, got {}",
            applications.len()
        )));
    }
    for (i, application) in applications.iter().enumerate() {
        if let Some(first) = applications[..i].iter().position(|other| other.group == application.group) {
            return Err(Error::InvalidInput(format!(
                "applications[{i}]: {application} is listed already, as applications[{first}]"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn application(name: &str, group: &str) -> Application {
        DeploymentGroup::from_str(&format!("{name}/{group}")).unwrap().into()
    }

    fn problem(text: &str) -> String {
        parse_list("Applications", text).unwrap_err().to_string()
    }

    #[test]
    fn short_forms_and_json_mean_the_same() {
        let expected = vec![application("Service-A", "Staging"), application("Service-B", "Blue-Team")];
        for text in [
            "Service-A/Staging,Service-B/Blue-Team",
            " Service-A/Staging , Service-B/Blue-Team ",
            r#"["Service-A/Staging", "Service-B/Blue-Team"]"#,
            r#"[{"applicationName":"Service-A","deploymentGroupName":"Staging"}, "Service-B/Blue-Team"]"#,
        ] {
            assert_eq!(parse_list("Applications", text).unwrap().unwrap(), expected, "{text}");
        }
        assert_eq!(parse_list("Applications", "  ").unwrap(), None);
    }

    #[test]
    fn what_is_written_is_read_back() {
        let long = json!({
            "applicationName": "A", "deploymentGroupName": "G", "deploymentConfigName": "CodeDeployDefault.AllAtOnce",
            "fileExistsBehavior": "OVERWRITE", "ignoreApplicationStopFailures": true, "maxAttempts": 3, "timeoutSeconds": 900
        });
        let read: Application = fields::read(long.clone()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), long);
        assert_eq!(read.file_exists_behavior, Some(FileExistsBehavior::Overwrite));
    }

    #[test]
    fn a_wrong_entry_is_named_with_what_was_expected() {
        for (text, expected) in [
            ("A/S,B", r#"Applications: applications[1]: expected "application/deployment group", got "B""#),
            ("A/S,,B/S", r#"Applications: applications[1]: expected "application/deployment group", got """#),
            ("A/B/C", r#"Applications: applications[0]: expected "application/deployment group", got "A/B/C""#),
            (
                "A/S, B/Blue Team",
                r#"Applications: applications[1]: the deployment group's name: expected 1 to 100 letters, digits or +=,.@_-, got "Blue Team""#,
            ),
            (r#"{"image":"x"}"#, "Applications: expected a list of applications, got an object"),
            (r#""A/S""#, r#"Applications: expected a list of applications, got "A/S""#),
            (r#"[{"applicationName":"A"}]"#, "Applications: applications[0].deploymentGroupName: missing"),
            (
                r#"[7]"#,
                "Applications: applications[0]: expected an object with applicationName and deploymentGroupName, or \"application/deployment group\", got 7",
            ),
            (
                r#"[{"applicationName":"A","deploymentGroupName":"G","maxAttempts":11}]"#,
                "Applications: applications[0].maxAttempts: expected a whole number from 1 to 10, got 11",
            ),
            (
                r#"[{"applicationName":"A","deploymentGroupName":"G","timeoutSeconds":"1h"}]"#,
                "Applications: applications[0].timeoutSeconds: expected a whole number from 60 to 43200, got \"1h\"",
            ),
            (
                r#"[{"applicationName":"","deploymentGroupName":"G"}]"#,
                "Applications: applications[0].applicationName: expected 1 to 100 letters, digits or +=,.@_-, got \"\"",
            ),
            (
                r#"[{"applicationName":"A","deploymentGroupName":"G","maxAttempts":null}]"#,
                "Applications: applications[0].maxAttempts: expected a whole number from 1 to 10, got null",
            ),
            (
                r#"[{"applicationName":"A","deploymentGroupName":"G","fileExistsBehavior":"KEEP"}]"#,
                "Applications: applications[0].fileExistsBehavior: expected one of DISALLOW, OVERWRITE, RETAIN, got KEEP",
            ),
        ] {
            assert_eq!(problem(text), expected, "{text}");
        }
        assert!(problem("[").starts_with("Applications: expected a JSON array of applications or a list like"));
        let long = "x".repeat(100_000);
        for text in [
            long.clone(),
            format!("A/{long}"),
            format!(r#"["{long}"]"#),
            format!(r#"["{long}/B"]"#),
            format!(r#"[{{"applicationName":"A","deploymentGroupName":"G","deploymentConfigName":"{long}"}}]"#),
            format!(r#"[{{"applicationName":"A","deploymentGroupName":"G","{long}":1}}]"#),
        ] {
            let problem = problem(&text);
            assert!(problem.chars().count() < 1_000, "{problem}");
        }
    }

    #[test]
    fn a_list_is_neither_empty_nor_repetitive() {
        assert!(check_list(&[]).unwrap_err().to_string().starts_with("applications: expected at least one"));
        let twice = [application("A", "S"), application("B", "S"), application("A", "S")];
        assert_eq!(
            check_list(&twice).unwrap_err().to_string(),
            "applications[2]: A/S is listed already, as applications[0]"
        );
        assert_eq!(check_list(&twice[..2]), Ok(()));
        let many: Vec<_> = (0..=MOST_APPLICATIONS).map(|i| application(&format!("A{i}"), "S")).collect();
        assert_eq!(check_list(&many).unwrap_err().to_string(), "applications: expected at most 99, got 100");
        assert_eq!(check_list(&many[1..]), Ok(()));
    }
}
