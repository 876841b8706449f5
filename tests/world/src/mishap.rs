//! What can go wrong with a call besides what its service says to it.

use crate::refusal::Refusal;

/// What goes wrong with a call on its way or in its service. Who stands between the callers and the world puts it into the
/// extensions of a request for [`World::router`](crate::World::router), and breaks the connection itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mishap {
    /// The service answers with an error of its own, and has done nothing.
    Error {
        /// The HTTP status.
        status: u16,
        /// The error code.
        code: String,
    },
    /// The connection breaks before the service has seen the call.
    Reset,
    /// The call has its effect, and the connection breaks before the answer is through.
    LostAnswer,
}

impl Mishap {
    /// The text of an error that says nothing about its reason (API references, "Common Errors").
    pub const ERROR_MESSAGE: &str =
        "The request processing has failed because of an unknown error, exception or failure.";

    /// A call's outcome in the record of calls, where its own would be `outcome`.
    pub fn outcome_of(mishap: Option<&Mishap>, outcome: &str) -> String {
        match mishap {
            Some(Mishap::Error { code, .. }) => code.clone(),
            Some(Mishap::Reset) => "reset".to_owned(),
            Some(Mishap::LostAnswer) => "lost answer".to_owned(),
            None => outcome.to_owned(),
        }
    }

    /// Whether the connection breaks.
    pub fn breaks_connection(&self) -> bool {
        matches!(self, Mishap::Reset | Mishap::LostAnswer)
    }
}

/// What became of a call.
pub(crate) struct Met<T> {
    pub(crate) result: Result<T, Refusal>,
    /// The HTTP status of the answer.
    pub(crate) status: u16,
    /// For the record of calls.
    pub(crate) outcome: String,
}

/// Lets a service do its work on a call, unless a mishap keeps it from that.
pub(crate) fn meet<T>(mishap: Option<&Mishap>, work: impl FnOnce() -> Result<T, Refusal>) -> Met<T> {
    let result = match mishap {
        Some(Mishap::Error { code, .. }) => Err(Refusal::new(code.clone(), Mishap::ERROR_MESSAGE)),
        Some(Mishap::Reset) => Err(Refusal::new("", "")),
        Some(Mishap::LostAnswer) | None => work(),
    };
    let status = match (mishap, &result) {
        (Some(Mishap::Error { status, .. }), _) => *status,
        (_, Ok(_)) => 200,
        (_, Err(_)) => 400,
    };
    let own = result.as_ref().map_or_else(|refusal| refusal.code.as_ref(), |_| "ok");
    let outcome = Mishap::outcome_of(mishap, own);
    Met { result, status, outcome }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_s_work_is_done_unless_it_never_arrived() {
        let error = Mishap::Error { status: 503, code: "ServiceUnavailable".to_owned() };
        let refused = || Err(Refusal::new("ValidationError", "no"));
        for (mishap, result, done, status, outcome) in [
            (None, Ok(()), true, 200, "ok"),
            (None, refused(), true, 400, "ValidationError"),
            (Some(&error), Ok(()), false, 503, "ServiceUnavailable"),
            (Some(&Mishap::Reset), Ok(()), false, 400, "reset"),
            (Some(&Mishap::LostAnswer), Ok(()), true, 200, "lost answer"),
            (Some(&Mishap::LostAnswer), refused(), true, 400, "lost answer"),
        ] {
            let mut was_done = false;
            let met = meet(mishap, || {
                was_done = true;
                result
            });
            assert_eq!((was_done, met.status, met.outcome.as_str()), (done, status, outcome), "{mishap:?}");
            assert_eq!(met.result.is_ok(), status == 200, "{mishap:?}");
        }
    }
}
