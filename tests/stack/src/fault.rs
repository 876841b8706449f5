//! Faults: what goes wrong with the calls of functions and of the state machine.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use world::Mishap;

use crate::Error;

/// What goes wrong with some calls of the functions and of the state machine. Unknown fields are refused.
///
/// Calls of tests and of people are never hit. Whether a call is hit is drawn from the seed of the world's setting, for each fault on
/// its own: of the calls that a fault is for, always the same ones are hit. The first fault that hits a call decides.
/// In the record of calls the outcome of one that was hit is the error's code, `reset` or `lost answer`; that of a slow one is its own.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fault {
    /// Whose calls.
    pub service: FaultService,
    /// Only calls of this operation, such as `CreateDeployment`; for `lambda`, only of the function of this name. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// What happens to them.
    pub kind: FaultKind,
    /// The part of the calls that is hit, 0 to 1. Default 1.
    #[serde(default = "every_one")]
    pub rate: f64,
    /// So many calls are hit, the first ones that would be; at least 1. Default: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// The code of an `error`. Default `InternalFailure`, for `lambda` `ServiceException`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The HTTP status of an `error`, 400 to 599. Default 400 where a `code` is given, else 500.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How late the answer of a `slow` call is, in real seconds: the time that clients' time-outs are in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}

/// The service whose calls a fault hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names are the services'")]
pub enum FaultService {
    CodeDeploy,
    AutoScaling,
    DynamoDb,
    /// Step Functions.
    States,
    /// The state machine's calls of functions. Events invoke theirs otherwise: see [`Delivery`](crate::Delivery).
    Lambda,
}

/// What a fault does to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum FaultKind {
    /// It is answered with an error of the service, and has no effect.
    Error,
    /// The connection breaks before the service has seen it.
    Reset,
    /// It has its effect, and the connection breaks before the answer is through.
    LostAnswer,
    /// It has its effect, and the answer comes late.
    Slow,
}

/// A fault of one call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Strike {
    Mishap(Mishap),
    Slow(Duration),
}

fn every_one() -> f64 {
    1.0
}

impl FaultService {
    pub(crate) const ALL: [Self; 5] = [Self::CodeDeploy, Self::AutoScaling, Self::DynamoDb, Self::States, Self::Lambda];

    /// As signatures name it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::CodeDeploy => "codedeploy",
            Self::AutoScaling => "autoscaling",
            Self::DynamoDb => "dynamodb",
            Self::States => "states",
            Self::Lambda => "lambda",
        }
    }

    pub(crate) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|service| service.as_str() == name)
    }
}

impl Fault {
    /// The first thing wrong with a fault, the `index`th one, if there is something. `functions` are the names of those there are.
    pub(crate) fn check(&self, index: usize, functions: &[&str]) -> Result<(), Error> {
        let require = |holds: bool, field: &str, problem: &str| {
            if holds { Ok(()) } else { Err(Error::option(format!("faults[{index}].{field}"), problem)) }
        };
        let name = self.operation.as_deref();
        let known = self.service != FaultService::Lambda || name.is_none_or(|name| functions.contains(&name));
        require(known, "operation", "there is no such function")?;
        require((0.0..=1.0).contains(&self.rate), "rate", "must be 0 to 1")?;
        require(self.times != Some(0), "times", "must be at least 1")?;
        let is_error = self.kind == FaultKind::Error;
        require(is_error || self.code.is_none(), "code", "is for errors only")?;
        require(self.code.as_deref() != Some(""), "code", "must not be empty")?;
        require(is_error || self.status.is_none(), "status", "is for errors only")?;
        require(self.status.is_none_or(|status| (400..600).contains(&status)), "status", "must be 400 to 599")?;
        let is_slow = self.kind == FaultKind::Slow;
        require(is_slow == self.seconds.is_some(), "seconds", "belongs to slow calls, and they need it")?;
        let possible = |seconds: f64| Duration::try_from_secs_f64(seconds).is_ok();
        require(self.seconds.is_none_or(possible), "seconds", "must be 0 or more")
    }

    /// Whether a call is one that the fault is for.
    pub(crate) fn is_for(&self, service: FaultService, operation: &str) -> bool {
        self.service == service && self.operation.as_deref().is_none_or(|own| own == operation)
    }

    /// What happens to a call that is hit. The fault has been checked.
    pub(crate) fn strike(&self) -> Strike {
        match self.kind {
            FaultKind::Error => {
                let default = if self.service == FaultService::Lambda { "ServiceException" } else { "InternalFailure" };
                let status = self.status.unwrap_or(if self.code.is_some() { 400 } else { 500 });
                let code = self.code.as_deref().unwrap_or(default).to_owned();
                Strike::Mishap(Mishap::Error { status, code })
            }
            FaultKind::Reset => Strike::Mishap(Mishap::Reset),
            FaultKind::LostAnswer => Strike::Mishap(Mishap::LostAnswer),
            FaultKind::Slow => Strike::Slow(Duration::from_secs_f64(self.seconds.unwrap_or_default())),
        }
    }
}

impl Strike {
    pub(crate) fn mishap(&self) -> Option<&Mishap> {
        match self {
            Strike::Mishap(mishap) => Some(mishap),
            Strike::Slow(_) => None,
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
    fn a_fault_needs_little() {
        let short = json!({"service": "states", "kind": "lostAnswer"});
        let long = json!({"service": "states", "kind": "lostAnswer", "rate": 1.0});
        assert_eq!(fault(short.clone()), fault(long.clone()));
        assert_eq!(json!(fault(short)), long);
        for service in FaultService::ALL {
            assert_eq!(json!(service), service.as_str());
        }
        let unknown = json!({"service": "s3", "kind": "reset"});
        let typo = json!({"service": "states", "kind": "reset", "time": 1});
        for wrong in [unknown, typo] {
            assert!(serde_json::from_value::<Fault>(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_wrong_field_is_named() {
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
        ] {
            let error = fault(given.clone()).check(2, &["take-turn"]).expect_err(message);
            assert_eq!(error.to_string(), format!("faults[2].{message}"), "{given}");
        }
        for right in [
            json!({"service": "lambda", "kind": "reset", "operation": "take-turn"}),
            json!({"service": "dynamodb", "kind": "reset", "operation": "whatever", "rate": 0.5, "times": 3}),
            json!({"service": "codedeploy", "kind": "error", "code": "ThrottlingException", "status": 429}),
            json!({"service": "autoscaling", "kind": "slow", "seconds": 0.5}),
        ] {
            fault(right.clone()).check(0, &["take-turn"]).unwrap_or_else(|error| panic!("{right}: {error}"));
        }
    }

    #[test]
    fn an_error_is_the_service_s_own_fault_unless_it_has_a_code() {
        let strike = |value: Value| match fault(value).strike() {
            Strike::Mishap(Mishap::Error { status, code }) => (status, code),
            other => panic!("{other:?}"),
        };
        for (given, status, code) in [
            (json!({"service": "states", "kind": "error"}), 500, "InternalFailure"),
            (json!({"service": "lambda", "kind": "error"}), 500, "ServiceException"),
            (json!({"service": "states", "kind": "error", "status": 503}), 503, "InternalFailure"),
            (json!({"service": "states", "kind": "error", "code": "Busy"}), 400, "Busy"),
            (json!({"service": "states", "kind": "error", "code": "Busy", "status": 429}), 429, "Busy"),
        ] {
            assert_eq!(strike(given.clone()), (status, code.to_owned()), "{given}");
        }
    }
}
