//! Everything that can end a call without an answer, each with the stable name that the state machine matches.
//!
//! A deployment that failed ends no call: it is an answer, whose names are in `failure.rs`. Outcomes that are normal (a deployment
//! without the instance, a hook that is over, a group that is busy) are no errors either: the calls of AWS return them as values.

/// Why a call of a function ended without an answer. `Display` is what the operator reads.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// The input, the hook's NotificationMetadata or a parameter of the stack is wrong. The message names the field.
    #[error("{0}")]
    InvalidInput(String),
    /// No rollout can deploy to a deployment group: it is blue/green, not for EC2 instances, or has no revision.
    #[error("{0}")]
    UnsuitableDeploymentGroup(String),
    /// The instance has been terminated, or its hook is over: timed out, or completed by somebody else.
    #[error("{0}")]
    InstanceGone(String),
    /// Another rollout owns the launch meanwhile, or the call is a late one of a rollout that has gone on.
    #[error("{0}")]
    LaunchTakenOver(String),
    /// The instance is launching, but its hook has no lifecycle action yet: Auto Scaling's answers may trail the launch by a moment.
    #[error("{0}")]
    HookNotOpen(String),
    /// Auto Scaling does not know the instance, or not yet.
    #[error("{0}")]
    InstanceNotFound(String),
    /// The instance's disk is replaced: what was deployed to it is lost, and CodeDeploy does not take it for outdated.
    #[error("{0}")]
    RootVolumeReplaced(String),
    /// Round after round, somebody deployed an application again before the instance could enter service.
    #[error("{0}")]
    RevisionsKeepChanging(String),
    /// The execution does not hold its turn any more: it was redriven after its end, or somebody deleted its claims.
    #[error("{0}")]
    TurnLost(String),
    /// Other deployments occupied the deployment groups for longer than a rollout waits for them.
    #[error("{0}")]
    GroupBusy(String),
    /// Heartbeats cannot keep the hook open for longer, and not every application is deployed.
    #[error("{0}")]
    OutOfTime(String),
    /// CodeDeploy refused to create the deployment, for a reason that another try does not mend.
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
    /// Whether the same call may succeed later: AWS throttled it, or did not answer.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Throttled { .. } | Self::Unavailable { .. })
    }

    /// The name that the state machine's `ErrorEquals` matches and that the execution's `error` shows. It never changes once released.
    pub fn name(&self) -> &'static str {
        match self {
            Self::InvalidInput(_) => "Turnstile.InvalidInput",
            Self::UnsuitableDeploymentGroup(_) => "Turnstile.UnsuitableDeploymentGroup",
            Self::InstanceGone(_) => "Turnstile.InstanceGone",
            Self::LaunchTakenOver(_) => "Turnstile.LaunchTakenOver",
            Self::HookNotOpen(_) => "Turnstile.HookNotOpen",
            Self::InstanceNotFound(_) => "Turnstile.InstanceNotFound",
            Self::RootVolumeReplaced(_) => "Turnstile.RootVolumeReplaced",
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
        let documented = include_str!("../../../../docs/operating.md");
        let sources = [include_str!("error.rs"), include_str!("failure.rs")];
        let names = sources.iter().flat_map(|source| source.split('"')).filter(|text| {
            text.strip_prefix("Turnstile.")
                .is_some_and(|name| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphabetic()))
        });
        let names: std::collections::BTreeSet<_> = names.collect();
        assert!(names.len() > 12, "{names:?}");
        for name in names {
            assert!(documented.contains(&format!("`{name}`")), "{name} is missing in docs/operating.md");
        }
    }
}
