//! What a fault does to one call.

use std::time::Duration;

use crate::refusal::Refusal;

/// What a fault does to one call. Whoever stands between the callers and the world puts it into the extensions of a request for
/// [`World::router`](crate::World::router), and itself breaks the connection or delays the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InjectedFault {
    /// The service answers with an error and has done nothing.
    Error {
        /// The HTTP status.
        status: u16,
        /// The error code.
        code: String,
    },
    /// The connection breaks before the service has received the call.
    Reset,
    /// The call has its effect, and the connection breaks before the answer has arrived.
    LostAnswer,
    /// The call has its effect, and the answer comes so much later.
    Slow(Duration),
    /// The answer is a success, and tells that the first of the call's resources was not changed.
    FailedResource {
        /// The HTTP status that it tells of the resource.
        status: u16,
        /// The error code that it tells of the resource.
        code: String,
    },
}

impl InjectedFault {
    /// The message of an error whose reason the service does not give (API references, "Common Errors").
    pub const ERROR_MESSAGE: &str =
        "The request processing has failed because of an unknown error, exception or failure.";

    /// The outcome in the record of calls, where the service's own would be `own`: the error's code, also where it is told of
    /// a resource only, `reset` or `lost answer`. A slow call's outcome is the service's own.
    pub fn outcome(fault: Option<&Self>, own: &str) -> String {
        match fault {
            Some(Self::Error { code, .. } | Self::FailedResource { code, .. }) => code.clone(),
            Some(Self::Reset) => "reset".to_owned(),
            Some(Self::LostAnswer) => "lost answer".to_owned(),
            Some(Self::Slow(_)) | None => own.to_owned(),
        }
    }

    /// Whether the connection breaks.
    pub fn breaks_connection(&self) -> bool {
        matches!(self, Self::Reset | Self::LostAnswer)
    }
}

/// A service's answer to a call.
pub(crate) struct Answered<T> {
    pub(crate) result: Result<T, Refusal>,
    /// The HTTP status.
    pub(crate) status: u16,
    /// The outcome for the record of calls.
    pub(crate) outcome: String,
}

/// Answers a call by `work`, unless a fault keeps the call from the service.
pub(crate) fn answer<T>(fault: Option<&InjectedFault>, work: impl FnOnce() -> Result<T, Refusal>) -> Answered<T> {
    let result = match fault {
        Some(InjectedFault::Error { code, .. }) => Err(Refusal::new(code.clone(), InjectedFault::ERROR_MESSAGE)),
        Some(InjectedFault::Reset) => Err(Refusal::new("", "")),
        Some(InjectedFault::LostAnswer | InjectedFault::Slow(_) | InjectedFault::FailedResource { .. }) | None => {
            work()
        }
    };
    let status = match (fault, &result) {
        (Some(InjectedFault::Error { status, .. }), _) => *status,
        (_, Ok(_)) => 200,
        (_, Err(_)) => 400,
    };
    let own = result.as_ref().map_or_else(|refusal| refusal.code.as_ref(), |_| "ok");
    let outcome = InjectedFault::outcome(fault, own);
    Answered { result, status, outcome }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_has_its_effect_unless_it_never_arrived() {
        let error = InjectedFault::Error { status: 503, code: "ServiceUnavailable".to_owned() };
        let slow = InjectedFault::Slow(Duration::from_secs(1));
        let refused = || Err(Refusal::new("ValidationError", "no"));
        for (fault, result, has_effect, status, outcome) in [
            (None, Ok(()), true, 200, "ok"),
            (None, refused(), true, 400, "ValidationError"),
            (Some(&error), Ok(()), false, 503, "ServiceUnavailable"),
            (Some(&InjectedFault::Reset), Ok(()), false, 400, "reset"),
            (Some(&InjectedFault::LostAnswer), Ok(()), true, 200, "lost answer"),
            (Some(&InjectedFault::LostAnswer), refused(), true, 400, "lost answer"),
            (Some(&slow), Ok(()), true, 200, "ok"),
            (Some(&slow), refused(), true, 400, "ValidationError"),
        ] {
            let mut had_effect = false;
            let answered = answer(fault, || {
                had_effect = true;
                result
            });
            let got = (had_effect, answered.status, answered.outcome.as_str());
            assert_eq!(got, (has_effect, status, outcome), "{fault:?}");
            assert_eq!(answered.result.is_ok(), status == 200, "{fault:?}");
        }
    }
}
