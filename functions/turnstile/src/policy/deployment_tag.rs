//! The tag that says which rollout started a deployment: the deployment's description, which comes back in `GetDeployment`.

use crate::words::application::DeploymentGroup;
use crate::words::deployment::Deployment;
use crate::words::ids::{DeploymentId, ExecutionArn};

/// A description has at most 256 characters (CodeDeploy API reference, CreateDeployment).
const LONGEST: usize = 256;

/// One attempt of a rollout to deploy an application.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    pub execution: &'a ExecutionArn,
    pub group: &'a DeploymentGroup,
    pub round: u32,
    pub attempt: u32,
    /// How many deployments of the attempt have missed the instance, because CodeDeploy had not seen its gate yet. Each has a tag of its own.
    pub misses: u32,
}

impl Attempt<'_> {
    /// The tag of the deployment that the attempt makes. `last_successful` is the deployment whose build was current then: should another
    /// one become current before the deployment begins, the attempt makes another deployment, under another tag.
    pub fn tag(self, last_successful: Option<&DeploymentId>) -> String {
        let after = last_successful.map_or_else(String::new, |id| format!(", after {id}"));
        format!("{}: {}{after}", self.beginning(), self.group).chars().take(LONGEST).collect()
    }

    /// Whether the attempt has made this deployment.
    pub fn has_made(self, deployment: &Deployment) -> bool {
        let end = deployment.description.strip_prefix(&self.beginning());
        let is_tagged = end.is_some_and(|end| end.is_empty() || end.starts_with(':'));
        is_tagged && deployment.group.as_ref().is_none_or(|group| group == self.group)
    }

    /// What no other attempt's tag begins with, but for other applications'. It always fits: an execution's ARN has 220 characters at the
    /// most, which leaves 11 digits for the three numbers.
    fn beginning(self) -> String {
        let Self { execution, round, attempt, misses, .. } = self;
        let again = if misses == 0 { String::new() } else { format!(".{misses}") };
        format!("Turnstile {execution}, round {round}, try {attempt}{again}")
    }
}

/// Whether this execution has made the deployment, in whichever round and attempt.
pub fn is_made_by(execution: &ExecutionArn, deployment: &Deployment) -> bool {
    let of_execution =
        deployment.description.strip_prefix("Turnstile ").and_then(|rest| rest.strip_prefix(execution.as_str()));
    of_execution.is_some_and(|rest| rest.is_empty() || rest.starts_with(','))
}

/// Whether a rollout started the deployment of this description, be it this rollout or another one.
pub fn is_a_rollouts(description: &str) -> bool {
    description.starts_with(PREFIX)
}

const PREFIX: &str = "Turnstile arn:";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::deployment::{DeploymentStatus, Overview, sample};

    const ARN: &str = "arn:aws:states:us-east-1:123456789012:execution:turnstile:web-i-0123456789abcdef0";

    fn deployment(description: &str, group: Option<&str>) -> Deployment {
        Deployment {
            description: description.into(),
            group: group.map(|group| group.parse().unwrap()),
            ..sample::deployment(DeploymentStatus::InProgress, Overview::default())
        }
    }

    #[test]
    fn a_tag_says_whose_the_deployment_is() {
        let (execution, group) = (ARN.into(), "Orders/Production".parse().unwrap());
        let attempt = Attempt { execution: &execution, group: &group, round: 2, attempt: 1, misses: 0 };
        let tag = attempt.tag(Some(&"d-1".into()));
        assert_eq!(tag, format!("Turnstile {ARN}, round 2, try 1: Orders/Production, after d-1"));
        assert!(is_a_rollouts(&tag));
        for other in ["", "Turnstile", "Turnstile hot fix by hand", "arn:aws:states"] {
            assert!(!is_a_rollouts(other), "{other}");
        }
    }

    #[test]
    fn an_attempt_knows_its_own_deployments() {
        let (execution, group) = (ARN.into(), "Orders/Production".parse().unwrap());
        let attempt = Attempt { execution: &execution, group: &group, round: 1, attempt: 1, misses: 0 };
        let own = Some("Orders/Production");
        for (description, group, expected) in [
            (attempt.tag(Some(&"d-1".into())), own, true),
            (attempt.tag(None), own, true),
            (attempt.tag(None), None, true),
            // The first attempt of the application before it, in the same round.
            (attempt.tag(None), Some("Search/Production"), false),
            (Attempt { attempt: 11, ..attempt }.tag(None), own, false),
            (Attempt { round: 11, ..attempt }.tag(None), own, false),
            (Attempt { misses: 1, ..attempt }.tag(None), own, false),
            (format!("Turnstile {ARN}, round 1, try 1"), own, true),
            (format!("Turnstile {ARN}a, round 1, try 1"), own, false),
        ] {
            assert_eq!(attempt.has_made(&deployment(&description, group)), expected, "{description} {group:?}");
        }
    }

    #[test]
    fn the_longest_tag_still_tells_the_attempt() {
        let name = |length| "n".repeat(length);
        let execution = format!("arn:aws-us-gov:states:us-gov-west-1:123456789012:execution:{}:{}", name(80), name(80));
        let (execution, group) = (execution.as_str().into(), format!("{}/{}", name(100), name(100)).parse().unwrap());
        let attempt = Attempt { execution: &execution, group: &group, round: 99, attempt: 10, misses: 9 };
        let tag = attempt.tag(Some(&"d-1".into()));
        assert_eq!(tag.len(), LONGEST);
        assert!(attempt.has_made(&deployment(&tag, Some(&group.to_string()))));
        assert!(!Attempt { attempt: 1, ..attempt }.has_made(&deployment(&tag, Some(&group.to_string()))));
    }
}
