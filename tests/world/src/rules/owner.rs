//! Rule 8: a launch has one owner.

use std::collections::HashSet;

use super::{FirstCalls, Run, execution_of};
use crate::report::{Call, Effect};
use crate::setting::HookResult;
use crate::violation::{Breach, Deed, Violation};

/// Who owned each launch, and since when.
pub(super) struct Ownership<'a> {
    /// By index of the lifecycle action.
    launches: Vec<Launch<'a>>,
}

/// A lifecycle action.
#[derive(Default)]
struct Launch<'a> {
    /// The executions that have touched it.
    known_to: HashSet<&'a str>,
    /// Its owners, each with the index of the call by which it became one.
    owners: Vec<(usize, &'a str)>,
    /// What others did to it while its owner ran.
    intrusions: Vec<Intrusion<'a>>,
}

/// What an execution did to a launch.
#[derive(Clone, Copy)]
struct Touch<'a> {
    /// Index of the call.
    call: usize,
    /// Index of the lifecycle action.
    action: usize,
    execution: &'a str,
    deed: Deed,
}

struct Intrusion<'a> {
    touch: Touch<'a>,
    owner: &'a str,
}

impl<'a> Ownership<'a> {
    /// The first execution that touches a launch owns it until it has ended, or until another one takes over from it because its rollout has
    /// failed and it only backs off.
    ///
    /// An execution learns in its first state who owns the launch: what it does there is a question, and makes it the owner only where there is
    /// none. What an invocation does that began while its execution was the owner is the owner's.
    pub(super) fn of(run: &Run<'a>, first: &FirstCalls<'a>) -> Self {
        let mut launches: Vec<Launch> = run.report.hook_actions.iter().map(|_| Launch::default()).collect();
        let calls = &run.report.calls;
        for touch in calls.iter().enumerate().filter_map(|(index, call)| Touch::of(index, call)) {
            let call = &calls[touch.call];
            let launch = &mut launches[touch.action];
            launch.known_to.insert(touch.execution);
            let owner = launch.owner_at(touch.call).filter(|owner| *owner != touch.execution);
            let owning = owner.and_then(|owner| run.execution(owner)).filter(|owning| owning.runs_at(call.at));
            let is_question =
                first.of_execution(touch.execution).is_some_and(|first| is_same_state(&calls[first], call));
            let was_owner = |at: usize| launch.owner_at(at) == Some(touch.execution);
            match (owner, owning) {
                (Some(_), Some(_)) if is_question => {}
                (Some(owner), Some(owning)) if !owning.has_failed_by(call.at) => {
                    if !first.of_invocation(call).is_some_and(was_owner) {
                        launch.intrusions.push(Intrusion { touch, owner });
                    }
                }
                _ => launch.owners.push((touch.call, touch.execution)),
            }
        }
        Self { launches }
    }

    /// Whether an execution has touched a lifecycle action.
    pub(super) fn is_known_to(&self, action: usize, execution: &str) -> bool {
        self.launches[action].known_to.contains(execution)
    }

    /// The owner of a lifecycle action when a call was made.
    pub(super) fn owner_at(&self, action: usize, call: usize) -> Option<&'a str> {
        self.launches[action].owner_at(call)
    }

    /// The last owner of a lifecycle action.
    pub(super) fn last_owner(&self, action: usize) -> Option<&'a str> {
        self.launches[action].owners.last().map(|&(_, owner)| owner)
    }

    /// What others did to launches while their owners ran. Of what one of them did again and again, the first.
    pub(super) fn violations(&self, run: &Run) -> Vec<Violation> {
        let mut seen = HashSet::new();
        let intrusions = self.launches.iter().flat_map(|launch| &launch.intrusions);
        let first = intrusions.filter(|one| seen.insert((one.touch.action, one.touch.execution, one.touch.deed)));
        first
            .map(|Intrusion { touch, owner }| Violation {
                at: run.report.calls[touch.call].at,
                breach: Breach::NotTheOwner {
                    action: (&run.report.hook_actions[touch.action]).into(),
                    execution: touch.execution.to_owned(),
                    owner: (*owner).to_owned(),
                    deed: touch.deed,
                },
            })
            .collect()
    }
}

impl<'a> Launch<'a> {
    fn owner_at(&self, call: usize) -> Option<&'a str> {
        self.owners.iter().rev().find(|(since, _)| *since <= call).map(|&(_, owner)| owner)
    }
}

impl<'a> Touch<'a> {
    fn of(index: usize, call: &'a Call) -> Option<Self> {
        let (action, deed) = match call.effect {
            Some(Effect::Heartbeat { action }) => (action, Deed::Heartbeat),
            Some(Effect::HookCompleted { action, result: HookResult::Continue }) => (action, Deed::Continue),
            Some(Effect::HookCompleted { action, result: HookResult::Abandon }) => (action, Deed::Abandon),
            _ => return None,
        };
        Some(Self { call: index, action, execution: execution_of(call)?, deed })
    }
}

/// Whether two calls of an execution are made on the same entry of one of its states.
fn is_same_state(one: &Call, other: &Call) -> bool {
    let (Some(one), Some(other)) = (&one.invocation, &other.invocation) else { return false };
    match (one.state_entry, other.state_entry) {
        (Some(one), Some(other)) => one == other,
        _ => one.request_id == other.request_id,
    }
}
