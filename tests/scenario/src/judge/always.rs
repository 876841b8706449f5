//! What has to hold in every run.

use world::rules::KnownViolations;
use world::{Breach, Violation};

use super::Unmet;
use crate::format::Outcome;
use crate::observed::{Ended, Observed, Rollout};

/// The beginnings of the errors that an execution may end with: those of Turnstile, Lambda (three) and Step Functions.
const ERROR_PREFIXES: [&str; 5] = ["Turnstile.", "Lambda.", "Sandbox.", "Runtime.", "States."];

/// The errors whose reason is a deployment.
const DEPLOYMENT_ERRORS: [&str; 3] =
    ["Turnstile.DeploymentFailed", "Turnstile.InstanceNotReached", "Turnstile.DeploymentTimedOut"];

/// What did not hold. With `by_rules` the rules over a whole run decide about turns and failures, of which some violations are known.
pub fn unmet(observed: &Observed, by_rules: bool) -> Vec<Unmet> {
    let known = KnownViolations::listed();
    let unknown = known.unknown(&observed.report.violations).into_iter();
    let violations = unknown.filter(|violation| !is_counted(violation));
    let violations = violations.map(|violation| Unmet::new("violation", violation.to_string()));
    let given_up = match &observed.ended {
        Ended::GivenUp(activity) => Some(Unmet::new("end", format!("the run was given up: {activity}"))),
        Ended::Quiet | Ended::Cut => None,
    };
    let forbidden = observed.forbidden.iter().map(|call| Unmet::new("permissions", call));
    let own = lost_turns(observed).chain(unexplained(observed)).filter(|_| !by_rules);
    violations.chain(given_up).chain(forbidden).chain(own).collect()
}

/// Whether [`super::hooks`] counts a violation: a scenario may expect that a hook times out.
fn is_counted(violation: &Violation) -> bool {
    matches!(violation.breach, Breach::HookTimedOut { .. })
}

/// The turns that are held by executions that have ended. The next rollout that asks takes the turn of an execution that was aborted or has
/// timed out, and perhaps none has asked.
fn lost_turns(observed: &Observed) -> impl Iterator<Item = Unmet> {
    observed.turns.iter().filter_map(|turn| {
        let holder = turn.holder.as_ref()?;
        let rollout = observed.rollouts.iter().find(|rollout| rollout.execution.arn == *holder);
        let outcome = rollout.map(Rollout::outcome);
        let may_hold = matches!(outcome, Some(Outcome::Running | Outcome::Aborted | Outcome::TimedOut));
        let name = rollout.map_or(holder.as_str(), |rollout| &rollout.execution.name);
        let problem = || format!("{} is still held by {name}, which is {outcome:?}", turn.claim);
        (!may_hold).then(|| Unmet::new("turn", problem()))
    })
}

/// The failures whose error and cause do not say what an operator needs.
fn unexplained(observed: &Observed) -> impl Iterator<Item = Unmet> {
    let failed = observed.rollouts.iter().filter(|rollout| rollout.outcome() == Outcome::Failed);
    failed.filter_map(|rollout| {
        let missing = missing(rollout)?;
        Some(Unmet::new("failure", format!("{}: {missing}", rollout.summary())))
    })
}

/// What a failed execution has to say and does not.
fn missing(rollout: &Rollout) -> Option<String> {
    let error = rollout.error();
    if !ERROR_PREFIXES.iter().any(|prefix| error.starts_with(prefix)) {
        return Some("its error is neither Turnstile's, Lambda's nor Step Functions'".to_owned());
    }
    let cause = rollout.cause();
    if !cause.is_object() {
        return Some("its cause is no JSON object".to_owned());
    }
    let of_deployment = ["applicationName", "deploymentGroupName", "deploymentId", "deploymentUrl"];
    let of_deployment = of_deployment.iter().filter(|_| DEPLOYMENT_ERRORS.contains(&error));
    let lacks = |field: &&&str| cause[**field].as_str().is_none_or(|text| text.trim().is_empty());
    let lacking: Vec<&str> = ["summary", "hook"].iter().chain(of_deployment).filter(lacks).copied().collect();
    (!lacking.is_empty()).then(|| format!("its cause lacks {}", lacking.join(", ")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::judge::sample;

    #[test]
    fn a_failure_has_to_name_its_error_and_its_reason() {
        let full = sample::cause();
        let without = |field: &str| {
            let mut cause = full.clone();
            cause.as_object_mut().unwrap().remove(field);
            cause.to_string()
        };
        let short = json!({"summary": "s", "hook": "h"}).to_string();
        let no_error = Some("its error is neither Turnstile's, Lambda's nor Step Functions'");
        for (error, cause, expected) in [
            ("Turnstile.DeploymentFailed", full.to_string(), None),
            ("Turnstile.DeploymentFailed", without("hook"), Some("its cause lacks hook")),
            ("Turnstile.DeploymentFailed", without("lifecycleEvent"), None),
            ("Turnstile.InstanceNotReached", without("deploymentUrl"), Some("its cause lacks deploymentUrl")),
            ("Turnstile.DeploymentTimedOut", without("applicationName"), Some("its cause lacks applicationName")),
            (
                "Turnstile.DeploymentTimedOut",
                short.clone(),
                Some("its cause lacks applicationName, deploymentGroupName, deploymentId, deploymentUrl"),
            ),
            ("Turnstile.Unavailable", short.clone(), None),
            ("Lambda.TooManyRequestsException", short.clone(), None),
            ("States.Runtime", short.clone(), None),
            ("States.Runtime", json!({"summary": " ", "hook": "h"}).to_string(), Some("its cause lacks summary")),
            ("Turnstile.Unavailable", "CodeDeploy is down".to_owned(), Some("its cause is no JSON object")),
            ("Turnstile.Unavailable", "[1]".to_owned(), Some("its cause is no JSON object")),
            ("Error", short.clone(), no_error),
            ("", short, no_error),
        ] {
            let mut rollout = sample::rollout(&["i-1".to_owned()], 1, "FAILED");
            (rollout.execution.error, rollout.execution.cause) = (Some(error.to_owned()), Some(cause.clone()));
            assert_eq!(missing(&rollout).as_deref(), expected, "{error} {cause}");
        }
    }

    #[test]
    fn only_a_failure_needs_a_cause() {
        let mut observed = sample::observed();
        let before = unmet(&observed, false);
        observed.rollouts[1].execution.cause = None;
        let new: Vec<Unmet> = unmet(&observed, false).into_iter().filter(|one| !before.contains(one)).collect();
        assert!(matches!(new.as_slice(), [one] if one.to_string().starts_with("failure: rollout-2")), "{new:#?}");
        for status in ["ABORTED", "TIMED_OUT", "RUNNING"] {
            observed.rollouts[1].execution.status = status.to_owned();
            assert_eq!(unmet(&observed, false), before, "{status}");
        }
    }

    #[test]
    fn an_execution_that_was_ended_by_others_may_still_hold_a_turn() {
        for (status, lost) in [("ABORTED", 0), ("TIMED_OUT", 0), ("RUNNING", 0), ("FAILED", 1), ("SUCCEEDED", 1)] {
            let mut observed = sample::observed();
            observed.rollouts[1].execution.status = status.to_owned();
            observed.turns[0].holder = Some("arn:2".to_owned());
            assert_eq!(lost_turns(&observed).count(), lost, "{status}");
        }
    }
}
