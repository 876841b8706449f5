//! The tag that says which rollout started a deployment: the deployment's description, which comes back in `GetDeployment`.

use crate::words::ids::ExecutionArn;

/// The tag of the deployment that an execution starts in one attempt of one round. A description has at most 256 characters
/// (CodeDeploy API reference, CreateDeployment): an execution's ARN has 220 at the most, which leaves 12 digits for the two numbers.
pub fn of(execution: &ExecutionArn, round: u32, attempt: u32) -> String {
    format!("Turnstile {execution}, round {round}, try {attempt}")
}

/// Whether a rollout started the deployment of this description, be it this rollout or another one.
pub fn is_a_rollouts(description: &str) -> bool {
    description.starts_with(PREFIX)
}

const PREFIX: &str = "Turnstile arn:";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_says_whose_the_deployment_is() {
        let arn = "arn:aws:states:us-east-1:123456789012:execution:turnstile:web-i-0123456789abcdef0";
        let description = of(&arn.into(), 2, 1);
        assert_eq!(description, format!("Turnstile {arn}, round 2, try 1"));
        assert!(is_a_rollouts(&description));
        for other in ["", "Turnstile", "Turnstile hot fix by hand", "arn:aws:states"] {
            assert!(!is_a_rollouts(other), "{other}");
        }
    }
}
