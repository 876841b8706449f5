//! How the executions ended.

use super::Unmet;
use crate::format::{ExpectedExecution, Outcome};
use crate::judge::found::are_found;
use crate::observed::{Observed, Rollout};

/// The executions that did not end as expected. Without an expectation each has to succeed.
pub fn unmet(expected: Option<&[ExpectedExecution]>, observed: &Observed) -> Vec<Unmet> {
    let Some(expected) = expected else {
        let others = observed.rollouts.iter().filter(|rollout| rollout.outcome() != Outcome::Succeeded);
        return others.map(|rollout| Unmet::new("executions", rollout.summary())).collect();
    };
    let too_few_or_many = expected.iter().enumerate().filter_map(|(i, pattern)| {
        let number = observed.rollouts.iter().filter(|rollout| matches(rollout, pattern)).count();
        let problem = || format!("expected {}, got {number}", pattern.count);
        (!pattern.count.allows(number)).then(|| Unmet::new(format!("executions[{i}]"), problem()))
    });
    let unexpected =
        observed.rollouts.iter().filter(|rollout| !expected.iter().any(|pattern| matches(rollout, pattern)));
    let unexpected = unexpected.map(|rollout| Unmet::new("executions", format!("unexpected: {}", rollout.summary())));
    too_few_or_many.chain(unexpected).collect()
}

fn matches(rollout: &Rollout, expected: &ExpectedExecution) -> bool {
    let ExpectedExecution { launch, outcome, error, cause, output, states, count: _ } = expected;
    let entered = |state: &String| rollout.states.get(state).copied().unwrap_or_default();
    rollout.outcome() == *outcome
        && launch.is_none_or(|launch| rollout.launch == Some(launch))
        && error.as_ref().is_none_or(|error| rollout.execution.error.as_ref() == Some(error))
        && (cause.is_empty() || are_found(cause, &rollout.cause()))
        && (output.is_empty() || are_found(output, rollout.output()))
        && states.iter().all(|(state, count)| count.allows(entered(state)))
}
