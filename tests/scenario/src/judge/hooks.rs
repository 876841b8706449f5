//! How the launch hooks ended.

use world::{ClosedBy, HookActionReport, HookResult};

use crate::format::{Count, ExpectedHooks, Scenario};
use crate::outcome::Came;

/// Where they did not end as expected. A hook of another name is somebody else's.
pub fn shortfalls(expected: &ExpectedHooks, scenario: &Scenario, came: &Came) -> Vec<String> {
    let ours: Vec<&str> =
        scenario.world.groups.iter().filter_map(|group| Some(group.hook.as_ref()?.name.as_str())).collect();
    let actions: Vec<&HookActionReport> =
        came.report.hook_actions.iter().filter(|action| ours.contains(&action.hook.as_str())).collect();
    let completed = |action: &HookActionReport, result| {
        action.closed_by == Some(ClosedBy::Completion) && action.result == Some(result)
    };
    let check = |name: &str, expected: Option<Count>, is: &dyn Fn(&HookActionReport) -> bool| {
        let found: Vec<&str> =
            actions.iter().filter(|action| is(action)).map(|action| action.instance_id.as_str()).collect();
        let expected = expected.filter(|expected| !expected.allows(found.len()))?;
        Some(format!("hooks: {name}: expected {expected}, got {}: {}", found.len(), found.join(", ")))
    };
    let timed_out =
        |action: &HookActionReport| matches!(action.closed_by, Some(ClosedBy::Timeout | ClosedBy::GlobalTimeout));
    let sentences = [
        check("CONTINUE", expected.continued, &|action| completed(action, HookResult::Continue)),
        check("ABANDON", expected.abandoned, &|action| completed(action, HookResult::Abandon)),
        check("timedOut", expected.timed_out.or(Some(Count::exactly(0))), &timed_out),
    ];
    sentences.into_iter().flatten().collect()
}
