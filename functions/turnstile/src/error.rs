//! Everything that can end a call, each with the stable name that the state machine matches. (A deployment that failed ends
//! no call, it is an answer: its names are those of [`crate::reason::Failure`].)
//!
//! Outcomes that are normal (no such target, a hook already over, a group that is busy) are not errors: the calls return them
//! as values.

/// Why a call of a function ended without an answer. `Display` is what the operator reads.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// The input, the hook's NotificationMetadata or a parameter of the stack is wrong. The message names the field.
    #[error("{0}")]
    InvalidInput(String),
    /// A deployment group cannot serve a rollout: blue/green, not EC2, or without a revision.
    #[error("{0}")]
    UnsuitableDeploymentGroup(String),
    /// The instance has been terminated, or its hook is over: timed out, or completed by somebody else.
    #[error("{0}")]
    InstanceGone(String),
    /// The instance waits, but its hook has no action yet. Auto Scaling's answers may trail the launch by a moment.
    #[error("{0}")]
    HookNotOpen(String),
    /// Auto Scaling does not know the instance (yet).
    #[error("{0}")]
    InstanceNotFound(String),
    /// Round after round, somebody deployed an application again before the instance could be let in.
    #[error("{0}")]
    RevisionsKeepChanging(String),
    /// The execution does not hold the turn any more: it was redriven after its end, or somebody deleted its claims.
    #[error("{0}")]
    TurnLost(String),
    /// Other deployments occupied the group for as long as the application may take.
    #[error("{0}")]
    GroupBusy(String),
    /// The hook is about to be over, whatever its heartbeats, and the instance is not done.
    #[error("{0}")]
    OutOfTime(String),
    /// CodeDeploy refused to create the deployment, for a reason that a retry does not mend.
    #[error("CodeDeploy refused the deployment of {application}: {code}: {message}")]
    DeploymentRejected { application: String, code: String, message: String },
    /// An AWS API throttled the call, also after the SDK's own retries.
    #[error("{call} was throttled: {message}")]
    Throttled { call: &'static str, message: String },
    /// An AWS API could not be reached, gave no answer in time, or failed on its side. Whether the call had an effect is unknown.
    #[error("{call} gave no answer: {message}")]
    Unavailable { call: &'static str, message: String },
    /// The function's role lacks a permission.
    #[error("{call} was not allowed: {message}")]
    AccessDenied { call: &'static str, message: String },
    /// Any other answer of an AWS API.
    #[error("{call} failed: {code}: {message}")]
    Unexpected { call: &'static str, code: String, message: String },
}

impl Error {
    /// The name that the state machine's `ErrorEquals` and the execution's `error` show. Never changes once released.
    pub fn name(&self) -> &'static str {
        match self {
            Self::InvalidInput(_) => "Turnstile.InvalidInput",
            Self::UnsuitableDeploymentGroup(_) => "Turnstile.UnsuitableDeploymentGroup",
            Self::InstanceGone(_) => "Turnstile.InstanceGone",
            Self::HookNotOpen(_) => "Turnstile.HookNotOpen",
            Self::InstanceNotFound(_) => "Turnstile.InstanceNotFound",
            Self::RevisionsKeepChanging(_) => "Turnstile.RevisionsKeepChanging",
            Self::TurnLost(_) => "Turnstile.TurnLost",
            Self::GroupBusy(_) => "Turnstile.GroupBusy",
            Self::OutOfTime(_) => "Turnstile.OutOfTime",
            Self::DeploymentRejected { .. } => "Turnstile.DeploymentRejected",
            Self::Throttled { .. } => "Turnstile.Throttled",
            Self::Unavailable { .. } => "Turnstile.Unavailable",
            Self::AccessDenied { .. } => "Turnstile.AccessDenied",
            Self::Unexpected { .. } => "Turnstile.Unexpected",
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_name_is_documented() {
        let documented = include_str!("../../../README.md");
        let sources = [include_str!("error.rs"), include_str!("reason.rs")];
        let names = sources.iter().flat_map(|source| source.split('"')).filter(|text| {
            text.strip_prefix("Turnstile.")
                .is_some_and(|name| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphabetic()))
        });
        let names: std::collections::BTreeSet<_> = names.collect();
        assert!(names.len() > 12, "{names:?}");
        for name in names {
            assert!(documented.contains(&format!("`{name}`")), "{name} is missing in README.md");
        }
    }
}
