//! Whether no application was tried more often than it may be.

use serde_json::Value;

use super::Unmet;
use crate::format::Scenario;
use crate::observed::Observed;

/// The default of an application's `maxAttempts`.
pub(super) const DEFAULT_ATTEMPTS: u64 = 2;

/// The deployments whose number of the attempt is greater than what their application may have. An input that sets it is let be.
pub fn unmet(scenario: &Scenario, observed: &Observed) -> Vec<Unmet> {
    let sets_it = |rollout: &crate::observed::Rollout| rollout.execution.input.to_string().contains("maxAttempts");
    if observed.rollouts.iter().any(sets_it) || scenario.parameters.applications.is_some() {
        return Vec::new();
    }
    let of = |deployment: &world::DeploymentReport| {
        let attempt: u64 = deployment.description.as_deref()?.rsplit_once(", try ")?.1.parse().ok()?;
        let names = (deployment.application_name.as_str(), deployment.deployment_group_name.as_str());
        let application = scenario.world.applications.iter().find(|application| application.names() == names)?;
        let most = application.options.get("maxAttempts").and_then(Value::as_u64).unwrap_or(DEFAULT_ATTEMPTS);
        let problem =
            || format!("{} is attempt {attempt}, and {} may have {most}", deployment.deployment_id, application.name);
        (attempt > most).then(|| Unmet::new("attempts", problem()))
    };
    observed.report.deployments.iter().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::sample;
    use serde_json::json;

    #[test]
    fn an_attempt_too_many_is_told() {
        for (attempt, most, too_many) in [(2, None, 0), (3, None, 1), (3, Some(3), 0), (2, Some(1), 1)] {
            let (mut scenario, mut observed) = (sample::scenario(json!({})), sample::observed());
            if let Some(most) = most {
                scenario.world.applications[0].options.insert("maxAttempts".to_owned(), json!(most));
            }
            observed.report.deployments[0].description = Some(format!("Turnstile arn:1, round 1, try {attempt}"));
            assert_eq!(unmet(&scenario, &observed).len(), too_many, "{attempt} of {most:?}");
        }
    }
}
