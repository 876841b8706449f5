//! What a stack's parameters come to: the environment variables that template.yaml gives its functions.

use std::collections::HashMap;

/// The names of all of them. Each function has those that it asks for.
pub const APPLICATIONS: &str = "APPLICATIONS";
pub const AUTO_SCALING_GROUP_NAME: &str = "AUTO_SCALING_GROUP_NAME";
pub const LIFECYCLE_HOOK_NAME: &str = "LIFECYCLE_HOOK_NAME";
pub const STATE_MACHINE_ARN: &str = "STATE_MACHINE_ARN";
pub const TURNS_TABLE: &str = "TURNS_TABLE";

/// A function's settings, by name.
#[derive(Debug, Clone, Default)]
pub struct Settings(HashMap<String, String>);

/// A function cannot start without a setting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable {0} is not set")]
pub struct Missing(&'static str);

impl Settings {
    /// The environment of this process. A variable that is not Unicode is none of Turnstile's.
    pub fn from_environment() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// The value of a setting that the function needs.
    ///
    /// # Errors
    /// [`Missing`].
    pub fn get(&self, name: &'static str) -> Result<String, Missing> {
        self.0.get(name).cloned().ok_or(Missing(name))
    }

    /// The value of a setting that may be left out; empty then.
    pub fn get_or_empty(&self, name: &str) -> String {
        self.0.get(name).cloned().unwrap_or_default()
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

    #[test]
    fn a_missing_setting_is_named() {
        let settings = Settings::from_iter([(TURNS_TABLE, "turns")]);
        assert_eq!(settings.get(TURNS_TABLE).as_deref(), Ok("turns"));
        let missing = settings.get(LIFECYCLE_HOOK_NAME).unwrap_err();
        assert_eq!(missing.to_string(), "the environment variable LIFECYCLE_HOOK_NAME is not set");
        assert_eq!(settings.get_or_empty(APPLICATIONS), "");
    }
}
