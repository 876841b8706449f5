//! Faults: rules by which calls go wrong.

mod injected;
mod service;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::setting::SettingError;

pub use injected::InjectedFault;
pub(crate) use injected::{Answered, answer};
pub use service::Service;

/// A rule by which some calls of the functions and of the state machine go wrong. Unknown fields are refused.
///
/// Calls of tests and of people never go wrong. Whether a rule hits a call is drawn from the seed of the world's setting, for each rule on
/// its own: of the calls that a rule is for, it always hits the same ones. The first rule that hits a call decides. In the record of calls
/// a call that was hit has the outcome [`InjectedFault::outcome`].
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fault {
    /// The service whose calls go wrong.
    pub service: Service,
    /// The operation whose calls go wrong, such as `CreateDeployment`; for `lambda`, the function's name. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// What goes wrong.
    pub kind: FaultKind,
    /// The fraction of the calls that is hit, 0 to 1. Default 1.
    #[serde(default = "every_call")]
    pub rate: f64,
    /// The number of calls after which the rule hits no more, at least 1. Default: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// The code of an `error` or of a `failedResource`. Default `InternalFailure`, for `lambda` `ServiceException`, for `tagging`
    /// `InternalServiceException`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The HTTP status of an `error` or of a `failedResource`, 400 to 599. Default 400 where a `code` is given, else 500.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How late the answer of a `slow` call is, in seconds of the callers' clock, by which their time-outs run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}

/// What goes wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum FaultKind {
    /// The service answers with an error and has done nothing.
    Error,
    /// The connection breaks before the service has received the call.
    Reset,
    /// The call has its effect, and the connection breaks before the answer has arrived.
    LostAnswer,
    /// The call has its effect, and the answer is late.
    Slow,
    /// `TagResources` or `UntagResources` answers with status 200, and its `FailedResourcesMap` tells that the first resource was not changed.
    FailedResource,
}

fn every_call() -> f64 {
    1.0
}

impl Fault {
    /// Checks the rule, which is `faults[index]`. `functions` are the names that a rule for `lambda` may have as its operation.
    ///
    /// # Errors
    /// The first field that is wrong.
    pub fn check(&self, index: usize, functions: &[&str]) -> Result<(), SettingError> {
        let require = |holds: bool, field: &str, problem: &str| match holds {
            true => Ok(()),
            false => Err(SettingError { field: format!("faults[{index}].{field}"), problem: problem.to_owned() }),
        };
        let name = self.operation.as_deref();
        let known = self.service != Service::Lambda || name.is_none_or(|name| functions.contains(&name));
        require(known, "operation", "there is no such function")?;
        require((0.0..=1.0).contains(&self.rate), "rate", "must be 0 to 1")?;
        require(self.times != Some(0), "times", "must be at least 1")?;
        let is_of_resources = matches!(name, Some("TagResources" | "UntagResources"));
        let fits = self.kind != FaultKind::FailedResource || (self.service == Service::Tagging && is_of_resources);
        require(fits, "operation", "must be TagResources or UntagResources of tagging, whose resources can fail")?;
        let is_error = matches!(self.kind, FaultKind::Error | FaultKind::FailedResource);
        require(is_error || self.code.is_none(), "code", "is for errors only")?;
        require(self.code.as_deref() != Some(""), "code", "must not be empty")?;
        require(is_error || self.status.is_none(), "status", "is for errors only")?;
        require(self.status.is_none_or(|status| (400..600).contains(&status)), "status", "must be 400 to 599")?;
        let is_slow = self.kind == FaultKind::Slow;
        require(is_slow == self.seconds.is_some(), "seconds", "belongs to slow calls, and they need it")?;
        let possible = |seconds: f64| Duration::try_from_secs_f64(seconds).is_ok();
        require(self.seconds.is_none_or(possible), "seconds", "must be 0 or more")
    }

    /// Whether the rule is for calls of this operation.
    pub fn is_for(&self, service: Service, operation: &str) -> bool {
        self.service == service && self.operation.as_deref().is_none_or(|own| own == operation)
    }

    /// What happens to a call that the rule hits. The rule has been checked.
    pub(crate) fn injected(&self) -> InjectedFault {
        let default = match self.service {
            Service::Lambda => "ServiceException",
            Service::Tagging => "InternalServiceException",
            _ => "InternalFailure",
        };
        let status = self.status.unwrap_or(if self.code.is_some() { 400 } else { 500 });
        let code = self.code.as_deref().unwrap_or(default).to_owned();
        match self.kind {
            FaultKind::Error => InjectedFault::Error { status, code },
            FaultKind::FailedResource => InjectedFault::FailedResource { status, code },
            FaultKind::Reset => InjectedFault::Reset,
            FaultKind::LostAnswer => InjectedFault::LostAnswer,
            FaultKind::Slow => InjectedFault::Slow(Duration::from_secs_f64(self.seconds.unwrap_or_default())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn fault(value: Value) -> Fault {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn service_and_kind_are_all_that_a_rule_needs() {
        let short = json!({"service": "states", "kind": "lostAnswer"});
        let long = json!({"service": "states", "kind": "lostAnswer", "rate": 1.0});
        assert_eq!(fault(short.clone()), fault(long.clone()));
        assert_eq!(json!(fault(short)), long);
        let unknown = json!({"service": "s3", "kind": "reset"});
        let misspelt = json!({"service": "states", "kind": "reset", "time": 1});
        for wrong in [unknown, misspelt] {
            assert!(serde_json::from_value::<Fault>(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_wrong_field_is_named() {
        for (given, message) in [
            (
                json!({"service": "lambda", "kind": "reset", "operation": "nobody"}),
                "operation: there is no such function",
            ),
            (json!({"service": "states", "kind": "reset", "rate": 1.5}), "rate: must be 0 to 1"),
            (json!({"service": "states", "kind": "reset", "times": 0}), "times: must be at least 1"),
            (json!({"service": "states", "kind": "reset", "code": "A"}), "code: is for errors only"),
            (json!({"service": "states", "kind": "error", "code": ""}), "code: must not be empty"),
            (json!({"service": "states", "kind": "slow", "status": 500}), "status: is for errors only"),
            (json!({"service": "states", "kind": "error", "status": 200}), "status: must be 400 to 599"),
            (json!({"service": "states", "kind": "slow"}), "seconds: belongs to slow calls, and they need it"),
            (
                json!({"service": "states", "kind": "error", "seconds": 1}),
                "seconds: belongs to slow calls, and they need it",
            ),
            (json!({"service": "states", "kind": "slow", "seconds": -1}), "seconds: must be 0 or more"),
            (
                json!({"service": "tagging", "kind": "failedResource", "operation": "GetResources"}),
                "operation: must be TagResources or UntagResources of tagging, whose resources can fail",
            ),
        ] {
            let error = fault(given.clone()).check(2, &["start-deployment"]).expect_err(message);
            assert_eq!(error.to_string(), format!("faults[2].{message}"), "{given}");
        }
        for right in [
            json!({"service": "lambda", "kind": "reset", "operation": "start-deployment"}),
            json!({"service": "dynamodb", "kind": "reset", "operation": "whatever", "rate": 0.5, "times": 3}),
            json!({"service": "codedeploy", "kind": "error", "code": "ThrottlingException", "status": 429}),
            json!({"service": "autoscaling", "kind": "slow", "seconds": 0.5}),
            json!({"service": "tagging", "kind": "failedResource", "operation": "TagResources", "code": "Busy"}),
        ] {
            fault(right.clone()).check(0, &["start-deployment"]).unwrap_or_else(|error| panic!("{right}: {error}"));
        }
    }

    #[test]
    fn an_error_is_the_service_s_own_unless_it_has_a_code() {
        for (given, status, code) in [
            (json!({"service": "states", "kind": "error"}), 500, "InternalFailure"),
            (json!({"service": "lambda", "kind": "error"}), 500, "ServiceException"),
            (json!({"service": "tagging", "kind": "error"}), 500, "InternalServiceException"),
            (json!({"service": "states", "kind": "error", "status": 503}), 503, "InternalFailure"),
            (json!({"service": "states", "kind": "error", "code": "Busy"}), 400, "Busy"),
            (json!({"service": "states", "kind": "error", "code": "Busy", "status": 429}), 429, "Busy"),
        ] {
            let expected = InjectedFault::Error { status, code: code.to_owned() };
            assert_eq!(fault(given.clone()).injected(), expected, "{given}");
        }
    }
}
