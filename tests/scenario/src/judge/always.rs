//! What must hold in every scenario.

use world::rules::KnownViolations;
use world::{Breach, Violation};

use crate::format::Outcome;
use crate::outcome::{Came, Ended, Rollout};

/// Who gives the errors that an execution may end with: Turnstile, Lambda in its several ways, and Step Functions.
const ERRORS: [&str; 5] = ["Turnstile.", "Lambda.", "Sandbox.", "Runtime.", "States."];

/// The errors that a deployment led to.
const OF_DEPLOYMENT: [&str; 3] =
    ["Turnstile.DeploymentFailed", "Turnstile.InstanceNotReached", "Turnstile.DeploymentTimedOut"];

/// What did not hold.
pub fn shortfalls(came: &Came) -> Vec<String> {
    let known = KnownViolations::listed();
    let violations = known.unknown(&came.report.violations).into_iter().filter(|violation| !is_counted(violation));
    let violations = violations.map(|violation| format!("violation: {violation}"));
    let given_up = match &came.ended {
        Ended::GivenUp(what) => Some(format!("it did not come to its end: {what}")),
        Ended::Quiet | Ended::Cut => None,
    };
    let forbidden = came.forbidden.iter().map(|call| format!("permissions: {call}"));
    violations.chain(given_up).chain(lost_turns(came)).chain(forbidden).chain(no_answers(came)).collect()
}

/// A scenario may expect that a hook is not completed in time, and [`super::hooks`] counts such hooks.
fn is_counted(violation: &Violation) -> bool {
    matches!(violation.breach, Breach::HookTimedOut { .. })
}

/// A turn belongs to a rollout that runs. That of one which was aborted or timed out is taken over by who asks next, and perhaps nobody
/// does.
fn lost_turns(came: &Came) -> impl Iterator<Item = String> {
    came.turns.iter().filter_map(|turn| {
        let holder = turn.holder.as_ref()?;
        let rollout = came.rollouts.iter().find(|rollout| rollout.execution.arn == *holder);
        let outcome = rollout.map(Rollout::outcome);
        let is_fine = matches!(outcome, Some(Outcome::Running | Outcome::Aborted | Outcome::TimedOut));
        let name = rollout.map_or(holder.as_str(), |rollout| &rollout.execution.name);
        (!is_fine).then(|| format!("turn: {} is still held by {name}, which is {outcome:?}", turn.claim))
    })
}

/// A failure reads like an answer.
fn no_answers(came: &Came) -> impl Iterator<Item = String> {
    let failed = came.rollouts.iter().filter(|rollout| rollout.outcome() == Outcome::Failed);
    failed.filter_map(|rollout| {
        let lacking = lacking(rollout)?;
        Some(format!("failure: {}: {lacking}", rollout.line()))
    })
}

/// What a failed execution does not say and has to.
fn lacking(rollout: &Rollout) -> Option<String> {
    let error = rollout.execution.error.as_deref().unwrap_or_default();
    if !ERRORS.iter().any(|giver| error.starts_with(giver)) {
        return Some("its error is none of those that there are".to_owned());
    }
    let cause = rollout.cause();
    if !cause.is_object() {
        return Some("its cause is no JSON object".to_owned());
    }
    let of_deployment = ["applicationName", "deploymentGroupName", "deploymentId", "deploymentUrl"];
    let of_deployment = of_deployment.iter().filter(|_| OF_DEPLOYMENT.contains(&error));
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
    fn a_failure_says_everything_that_it_has_to() {
        let full = sample::cause();
        let without = |field: &str| {
            let mut cause = full.clone();
            cause.as_object_mut().unwrap().remove(field);
            cause.to_string()
        };
        let short = json!({"summary": "s", "hook": "h"}).to_string();
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
            ("Error", short.clone(), Some("its error is none of those that there are")),
            ("", short, Some("its error is none of those that there are")),
        ] {
            let mut rollout = sample::rollout(&["i-1".to_owned()], 1, "FAILED");
            (rollout.execution.error, rollout.execution.cause) = (Some(error.to_owned()), Some(cause.clone()));
            assert_eq!(lacking(&rollout).as_deref(), expected, "{error} {cause}");
        }
    }

    #[test]
    fn only_failures_have_to_say_something() {
        let mut came = sample::came();
        let before = shortfalls(&came);
        came.rollouts[1].execution.cause = None;
        let short: Vec<String> = shortfalls(&came).into_iter().filter(|one| !before.contains(one)).collect();
        assert!(matches!(short.as_slice(), [one] if one.starts_with("failure: rollout-2")), "{short:#?}");
        for status in ["ABORTED", "TIMED_OUT", "RUNNING"] {
            came.rollouts[1].execution.status = status.to_owned();
            assert_eq!(shortfalls(&came), before, "{status}");
        }
    }

    #[test]
    fn who_timed_out_may_hold_a_turn_still() {
        for (status, shortfalls) in [("ABORTED", 0), ("TIMED_OUT", 0), ("RUNNING", 0), ("FAILED", 1), ("SUCCEEDED", 1)]
        {
            let mut came = sample::came();
            came.rollouts[1].execution.status = status.to_owned();
            came.turns[0].holder = Some("arn:2".to_owned());
            let turns = lost_turns(&came).count();
            assert_eq!(turns, shortfalls, "{status}");
        }
    }
}
