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
    owners: Vec<Owner<'a>>,
    /// The index of the call by which somebody last deleted what says who owns it.
    forgotten: Option<usize>,
    /// What others did to it while its owner ran.
    intrusions: Vec<Intrusion<'a>>,
}

/// An execution that owns a launch.
struct Owner<'a> {
    execution: &'a str,
    /// The index of the call by which it became the owner.
    since: usize,
    /// The index of the first call by which it did more than ask. Two that ask at the same time cannot know of each other: the first that
    /// goes on owns the launch.
    settled: Option<usize>,
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
    /// none. Two that ask when an owner has failed may both send a heartbeat before one of them owns the launch. Nor does the execution of an
    /// earlier launch of the instance own it for good, which does not know that another one has begun. What an invocation does that began while
    /// its execution was the owner is the owner's, except for a completion: it must not come after the next owner has gone on.
    pub(super) fn of(run: &Run<'a>, first: &FirstCalls<'a>) -> Self {
        let mut launches: Vec<Launch> = run.report.hook_actions.iter().map(|_| Launch::default()).collect();
        let calls = &run.report.calls;
        for (index, call) in calls.iter().enumerate() {
            if let Some(deleted) = deleted_item(call) {
                for (launch, action) in launches.iter_mut().zip(&run.report.hook_actions) {
                    if deleted.ends_with(&format!("/{}/{}", action.hook, action.instance_id)) {
                        launch.forget_owner(index);
                    }
                }
            }
            let Some(touch) = Touch::of(index, call) else { continue };
            let is_of_an_earlier_launch = (0..touch.action).any(|earlier| {
                let [earlier_action, action] = [earlier, touch.action].map(|index| &run.report.hook_actions[index]);
                (&earlier_action.instance_id, &earlier_action.hook) == (&action.instance_id, &action.hook)
                    && launches[earlier].known_to.contains(touch.execution)
            });
            let launch = &mut launches[touch.action];
            launch.known_to.insert(touch.execution);
            let owner = launch.owner_at(touch.call).filter(|owner| *owner != touch.execution);
            let owning = owner.and_then(|owner| run.execution(owner)).filter(|owning| owning.runs_at(call.at));
            let first_call = first.of_execution(touch.execution).map(|first| &calls[first]);
            let is_question = first_call.is_some_and(|first| is_same_state(first, call));
            // It comes back to its first state as long as another one owns the launch.
            let asks = first_call.is_some_and(|first| first.caller == call.caller) && touch.deed == Deed::Heartbeat;
            let was_owner = |at: usize| launch.owner_at(at) == Some(touch.execution);
            match (owner, owning) {
                (Some(_), Some(_)) if is_question => {}
                (Some(owner), Some(owning)) if launch.is_settled_at(touch.call) && !owning.has_failed_by(call.at) => {
                    let asked = first.of_invocation(call);
                    let was_free = |at: usize| touch.deed == Deed::Heartbeat && launch.is_free_at(at, run);
                    let backs_off =
                        run.execution(touch.execution).is_some_and(|touching| touching.has_failed_by(call.at))
                            && launch.owners.iter().any(|owner| owner.execution == touch.execution);
                    // It cannot know that another one has taken over while the table of turns does not answer.
                    let keeps_open = backs_off && touch.deed == Deed::Heartbeat;
                    // Whoever takes over from one that may be about to complete the hook has to wait for that.
                    let is_expected = |at: usize| {
                        touch.deed == Deed::Heartbeat || launch.forgotten.is_some_and(|forgotten| forgotten > at)
                    };
                    if !keeps_open && !asked.is_some_and(|at| was_owner(at) && is_expected(at) || was_free(at)) {
                        launch.intrusions.push(Intrusion { touch, owner });
                    }
                }
                // Before somebody deleted the owner, it may have asked whether it is the owner still.
                _ => {
                    let has_asked_since = launch
                        .forgotten
                        .is_none_or(|forgotten| first.of_invocation(call).is_some_and(|asked| asked > forgotten));
                    launch.touched_by_owner(touch, !asks && !is_of_an_earlier_launch && has_asked_since);
                }
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

    /// Whether the owner of a lifecycle action had done more than ask for it when a call was made.
    pub(super) fn is_settled_at(&self, action: usize, call: usize) -> bool {
        self.launches[action].is_settled_at(call)
    }

    /// The last owner of a lifecycle action.
    pub(super) fn last_owner(&self, action: usize) -> Option<&'a str> {
        self.launches[action].owners.last().map(|owner| owner.execution)
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
    fn at(&self, call: usize) -> Option<&Owner<'a>> {
        self.owners.iter().rev().find(|owner| owner.since <= call)
    }

    fn owner_at(&self, call: usize) -> Option<&'a str> {
        self.at(call).map(|owner| owner.execution)
    }

    fn is_settled_at(&self, call: usize) -> bool {
        self.at(call).is_some_and(|owner| owner.settled.is_some_and(|settled| settled <= call))
    }

    /// Whether a rollout that asked then could find that nobody works for the launch.
    fn is_free_at(&self, call: usize, run: &Run) -> bool {
        let at = run.report.calls[call].at;
        let owning = self.owner_at(call).and_then(|owner| run.execution(owner)).filter(|owning| owning.runs_at(at));
        owning.is_none_or(|owning| owning.has_failed_by(at))
    }

    /// Somebody has deleted what says who owns the launch: whoever asks first owns it.
    fn forget_owner(&mut self, call: usize) {
        self.forgotten = Some(call);
        if let Some(Owner { execution, .. }) = self.owners.last() {
            self.owners.push(Owner { execution, since: call, settled: None });
        }
    }

    fn touched_by_owner(&mut self, Touch { call, execution, .. }: Touch<'a>, settles: bool) {
        let settled = settles.then_some(call);
        match self.owners.last_mut() {
            Some(last) if last.execution == execution => last.settled = last.settled.or(settled),
            _ => self.owners.push(Owner { execution, since: call, settled }),
        }
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

/// The key of the item of a launch that a call deletes from the table of turns.
fn deleted_item(call: &Call) -> Option<&str> {
    let key = call.parameters["Key"]["claim"]["S"].as_str();
    key.filter(|key| call.operation == "DeleteItem" && key.starts_with("launch:"))
}

/// Whether two calls of an execution are made on the same entry of one of its states.
fn is_same_state(one: &Call, other: &Call) -> bool {
    let (Some(one), Some(other)) = (&one.invocation, &other.invocation) else { return false };
    match (one.state_entry, other.state_entry) {
        (Some(one), Some(other)) => one == other,
        _ => one.request_id == other.request_id,
    }
}
