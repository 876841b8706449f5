//! How the launch hooks ended.

use world::{ClosedBy, HookActionReport, HookResult};

use super::Unmet;
use crate::format::{Count, ExpectedHooks, Scenario};
use crate::observed::Observed;

/// The ends of Turnstile's hooks that were not as expected. Hooks of other names are not Turnstile's.
pub fn unmet(expected: &ExpectedHooks, scenario: &Scenario, observed: &Observed) -> Vec<Unmet> {
    let ours: Vec<&str> =
        scenario.world.groups.iter().filter_map(|group| Some(group.hook.as_ref()?.name.as_str())).collect();
    let actions: Vec<&HookActionReport> =
        observed.report.hook_actions.iter().filter(|action| ours.contains(&action.hook.as_str())).collect();
    let completed = |action: &HookActionReport, result| {
        action.closed_by == Some(ClosedBy::Completion) && action.result == Some(result)
    };
    let check = |name: &str, expected: Option<Count>, is: &dyn Fn(&HookActionReport) -> bool| {
        let found: Vec<&str> =
            actions.iter().filter(|action| is(action)).map(|action| action.instance_id.as_str()).collect();
        let expected = expected.filter(|expected| !expected.allows(found.len()))?;
        let problem = format!("expected {expected}, got {}: {}", found.len(), found.join(", "));
        Some(Unmet::new(format!("hooks.{name}"), problem))
    };
    let timed_out =
        |action: &HookActionReport| matches!(action.closed_by, Some(ClosedBy::Timeout | ClosedBy::GlobalTimeout));
    let unmet = [
        check("CONTINUE", expected.continued, &|action| completed(action, HookResult::Continue)),
        check("ABANDON", expected.abandoned, &|action| completed(action, HookResult::Abandon)),
        check("timedOut", expected.timed_out.or(Some(Count::exactly(0))), &timed_out),
    ];
    unmet.into_iter().flatten().collect()
}
