//! A stack's parameters, as its functions get them: from the state machine with each call, else from the environment variables of
//! template.yaml.

use std::collections::BTreeMap;
use std::fmt::Display;

use turnstile::words::served::ServedGroups;

/// The stack's default list of applications; may be empty.
pub const APPLICATIONS: &str = "APPLICATIONS";
/// The Auto Scaling group to which the stack gives its hook; empty when there is none.
pub const AUTO_SCALING_GROUP_NAME: &str = "AUTO_SCALING_GROUP_NAME";
/// The key of the tag that is the gate of an instance.
pub const GATE_TAG_KEY: &str = "GATE_TAG_KEY";
/// The stack's launch hook.
pub const LIFECYCLE_HOOK_NAME: &str = "LIFECYCLE_HOOK_NAME";
/// The topic on which the ends of rollouts are told.
pub const NOTIFICATION_TOPIC_ARN: &str = "NOTIFICATION_TOPIC_ARN";
/// Whether failures quote the end of the log of the script that failed: `QUOTE` or `OMIT`.
pub const SCRIPT_OUTPUT: &str = "SCRIPT_OUTPUT";
/// The pattern of the groups that the stack may serve besides; may be empty.
pub const SERVED_AUTO_SCALING_GROUPS: &str = "SERVED_AUTO_SCALING_GROUPS";
/// The state machine whose executions are rollouts.
pub const STATE_MACHINE_ARN: &str = "STATE_MACHINE_ARN";
/// The table of turns.
pub const TURNS_TABLE: &str = "TURNS_TABLE";

/// A function's settings, by name. Each function has those that it asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings(BTreeMap<String, String>);

/// Why a function cannot start with its settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    #[error("the setting {0} is missing")]
    NotSet(&'static str),
    #[error("the setting {name}: {problem}")]
    Wrong { name: &'static str, problem: String },
}

impl Settings {
    /// The environment of this process. A variable that is not Unicode is none of Turnstile's.
    pub fn from_environment() -> Self {
        let variables = std::env::vars_os();
        variables.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect()
    }

    /// The value of a setting that the function needs.
    ///
    /// # Errors
    /// [`SettingError`].
    pub fn get<T: TryFrom<String, Error: Display>>(&self, name: &'static str) -> Result<T, SettingError> {
        let value = self.find(name).ok_or(SettingError::NotSet(name))?;
        T::try_from(value.to_owned()).map_err(|problem| SettingError::Wrong { name, problem: problem.to_string() })
    }

    /// The value of a setting that may be left out or empty.
    ///
    /// # Errors
    /// [`SettingError::Wrong`].
    pub fn get_if_any<T: TryFrom<String, Error: Display>>(
        &self,
        name: &'static str,
    ) -> Result<Option<T>, SettingError> {
        match self.find(name) {
            None | Some("") => Ok(None),
            Some(_) => self.get(name).map(Some),
        }
    }

    /// The Auto Scaling groups that the stack may serve.
    ///
    /// # Errors
    /// [`SettingError`], also when there can be none.
    pub fn served_groups(&self) -> Result<ServedGroups, SettingError> {
        let name = self.get_if_any(AUTO_SCALING_GROUP_NAME)?;
        let pattern = self.get_if_any(SERVED_AUTO_SCALING_GROUPS)?;
        match (&name, &pattern) {
            (None, None) => Err(SettingError::NotSet(SERVED_AUTO_SCALING_GROUPS)),
            _ => Ok(ServedGroups { name, pattern }),
        }
    }

    /// The value of a setting that may be left out; empty then.
    pub fn get_or_empty(&self, name: &str) -> String {
        self.find(name).unwrap_or_default().to_owned()
    }

    /// The same, but for those that `others` has.
    pub fn with(&self, others: Self) -> Self {
        let mut settings = self.clone();
        settings.0.extend(others.0);
        settings
    }

    fn find(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Settings {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(settings: I) -> Self {
        Self(settings.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use turnstile::words::ids::HookName;

    #[test]
    fn a_setting_that_is_missing_or_wrong_is_named() {
        let settings = Settings::from_iter([(TURNS_TABLE, "turns"), (LIFECYCLE_HOOK_NAME, "")]);
        assert_eq!(settings.get(TURNS_TABLE), Ok("turns".to_owned()));
        assert_eq!(settings.get_or_empty(APPLICATIONS), "");
        let missing = settings.get::<String>(STATE_MACHINE_ARN).unwrap_err();
        assert_eq!(missing.to_string(), "the setting STATE_MACHINE_ARN is missing");
        let wrong = settings.get::<HookName>(LIFECYCLE_HOOK_NAME).unwrap_err();
        assert_eq!(wrong.to_string(), "the setting LIFECYCLE_HOOK_NAME: expected 1 to 255 characters, got \"\"");
    }

    #[test]
    fn other_settings_come_before_the_own_ones() {
        let own = Settings::from_iter([(TURNS_TABLE, "own"), (LIFECYCLE_HOOK_NAME, "hook")]);
        let expected = Settings::from_iter([(TURNS_TABLE, "another"), (LIFECYCLE_HOOK_NAME, "hook")]);
        assert_eq!(own.with(Settings::from_iter([(TURNS_TABLE, "another")])), expected);
        assert_eq!(own.with(Settings::default()), own);
    }

    #[test]
    fn a_stack_serves_a_group_a_pattern_or_both_but_not_nothing() {
        let served = |name: &str, pattern: &str| {
            Settings::from_iter([(AUTO_SCALING_GROUP_NAME, name), (SERVED_AUTO_SCALING_GROUPS, pattern)])
                .served_groups()
        };
        for (name, pattern) in [("web", ""), ("", "web-*"), ("web", "web-*")] {
            let ServedGroups { name: found, pattern: found_pattern } = served(name, pattern).unwrap();
            assert_eq!(found.map_or(String::new(), String::from), name);
            assert_eq!(found_pattern.map_or(String::new(), String::from), pattern);
        }
        assert_eq!(served("", ""), Err(SettingError::NotSet(SERVED_AUTO_SCALING_GROUPS)));
        let wrong = served(&"a".repeat(256), "").unwrap_err().to_string();
        assert!(wrong.starts_with("the setting AUTO_SCALING_GROUP_NAME: expected 1 to 255 characters"), "{wrong}");
    }
}
