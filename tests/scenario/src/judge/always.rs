//! What must hold in every scenario.

use crate::format::Outcome;
use crate::outcome::{Came, Ended};

/// How the world tells of a hook that nobody completed in time; a scenario may expect it, and [`super::hooks`] counts such hooks.
const TIMED_OUT: &str = "timed out instead of being completed";

/// What did not hold.
pub fn shortfalls(came: &Came) -> Vec<String> {
    let violations = came.report.violations.iter().filter(|violation| !violation.contains(TIMED_OUT));
    let violations = violations.map(|violation| format!("violation: {violation}"));
    let given_up = match &came.ended {
        Ended::GivenUp(what) => Some(format!("it did not come to its end: {what}")),
        Ended::Quiet | Ended::Cut => None,
    };
    let forbidden = came.forbidden.iter().map(|call| format!("permissions: {call}"));
    violations.chain(given_up).chain(lost_turns(came)).chain(forbidden).collect()
}

/// A turn belongs to a rollout that runs. That of one which was aborted is taken over by who asks next, and perhaps nobody does.
fn lost_turns(came: &Came) -> impl Iterator<Item = String> {
    came.turns.iter().filter_map(|turn| {
        let holder = turn.holder.as_ref()?;
        let rollout = came.rollouts.iter().find(|rollout| rollout.execution.arn == *holder);
        let outcome = rollout.map(crate::outcome::Rollout::outcome);
        let is_fine = matches!(outcome, Some(Outcome::Running | Outcome::Aborted | Outcome::TimedOut));
        let name = rollout.map_or(holder.as_str(), |rollout| &rollout.execution.name);
        (!is_fine).then(|| format!("turn: {} is still held by {name}, which is {outcome:?}", turn.claim))
    })
}
