//! How the executions ended.

use crate::format::{ExpectedExecution, Outcome};
use crate::judge::found::are_found;
use crate::outcome::{Came, Rollout};

/// Where they did not end as expected: without expectations each has to succeed.
pub fn shortfalls(expected: Option<&[ExpectedExecution]>, came: &Came) -> Vec<String> {
    let Some(expected) = expected else {
        let others = came.rollouts.iter().filter(|rollout| rollout.outcome() != Outcome::Succeeded);
        return others.map(|rollout| format!("executions: {}", rollout.line())).collect();
    };
    let too_few_or_many = expected.iter().enumerate().filter_map(|(i, pattern)| {
        let number = came.rollouts.iter().filter(|rollout| is_one(rollout, pattern)).count();
        (!pattern.count.allows(number)).then(|| format!("executions[{i}]: expected {}, got {number}", pattern.count))
    });
    let unexpected = came.rollouts.iter().filter(|rollout| !expected.iter().any(|pattern| is_one(rollout, pattern)));
    too_few_or_many.chain(unexpected.map(|rollout| format!("executions: unexpected: {}", rollout.line()))).collect()
}

fn is_one(rollout: &Rollout, expected: &ExpectedExecution) -> bool {
    let ExpectedExecution { launch, outcome, error, cause, output, states, count: _ } = expected;
    let entered = |state: &String| rollout.states.get(state).copied().unwrap_or_default();
    rollout.outcome() == *outcome
        && launch.is_none_or(|launch| rollout.launch == Some(launch))
        && error.as_ref().is_none_or(|error| rollout.execution.error.as_ref() == Some(error))
        && (cause.is_empty() || are_found(cause, &rollout.cause()))
        && (output.is_empty() || are_found(output, rollout.output()))
        && states.iter().all(|(state, count)| count.allows(entered(state)))
}
