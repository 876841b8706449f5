use serde::{Deserialize, Serialize};
use world::SettingError;

/// How Lambda treats the functions. Unknown fields are refused.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LambdaOptions {
    /// Seconds after which an invocation is ended. Default 60, template.yaml's `Timeout`.
    pub timeout_seconds: f64,
    /// How many invocations of a function may be at work at once; one more is throttled. Default 1,000, an account's own limit.
    pub concurrency: usize,
    /// A new environment starts within so many seconds. Default 0.4.
    pub cold_start_seconds: f64,
    /// An environment that has had nothing to do for so many seconds is gone. Default 600; Lambda promises nothing.
    pub idle_seconds: f64,
    /// The part of the invocations whose environment dies within their first two seconds, 0 to 1. Default 0.
    pub crash_rate: f64,
}

impl Default for LambdaOptions {
    fn default() -> Self {
        Self { timeout_seconds: 60.0, concurrency: 1000, cold_start_seconds: 0.4, idle_seconds: 600.0, crash_rate: 0.0 }
    }
}

impl LambdaOptions {
    /// The first thing wrong, if there is something.
    pub(crate) fn check(&self) -> Result<(), SettingError> {
        let wrong = |field: &str, problem: &str| {
            Err(SettingError { field: format!("lambda.{field}"), problem: problem.to_owned() })
        };
        // Lambda's own limits are 1 to 900 seconds (Lambda developer guide, "Lambda quotas").
        if !(1.0..=900.0).contains(&self.timeout_seconds) {
            return wrong("timeoutSeconds", "must be 1 to 900");
        }
        for (field, seconds) in [("coldStartSeconds", self.cold_start_seconds), ("idleSeconds", self.idle_seconds)] {
            if !(seconds >= 0.0 && seconds.is_finite()) {
                return wrong(field, "must be 0 or more");
            }
        }
        if !(0.0..=1.0).contains(&self.crash_rate) {
            return wrong("crashRate", "must be 0 to 1");
        }
        Ok(())
    }
}
