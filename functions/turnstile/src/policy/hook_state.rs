//! What it means that Auto Scaling finds no lifecycle action for an instance at a hook.

use crate::words::hook::HookState;
use crate::words::ids::InstanceId;
use crate::words::instance::{Instance, Stage};

/// The state of a hook at which the instance has no active lifecycle action. `instance` is the instance as Auto Scaling knows it;
/// `None`: it does not. `message` is what Auto Scaling said of the hook.
///
/// An instance that is launching may be ahead of Auto Scaling's answers, or wait at another hook. Every other one is past the hook.
pub fn without_action(instance_id: &InstanceId, instance: Option<&Instance>, message: &str) -> HookState {
    let Some(instance) = instance else {
        return HookState::Over { instance: Stage::Gone, why: in_no_group(instance_id) };
    };
    let state = &instance.lifecycle_state;
    match instance.stage() {
        Stage::Launching | Stage::RootVolumeReplaced => {
            HookState::NotYetOpen { why: format!("{instance_id} is {state}, but: {message}") }
        }
        stage => HookState::Over {
            instance: stage,
            why: format!(
                "{instance_id} is {state} already: its hook timed out, or was completed by somebody else or by an earlier call"
            ),
        },
    }
}

/// The same for an instance whose rollout has no hook to keep open: its rollout goes on as long as the instance is there.
pub fn without_hook(instance_id: &InstanceId, instance: Option<&Instance>) -> HookState {
    match instance {
        None => HookState::Over { instance: Stage::Gone, why: in_no_group(instance_id) },
        Some(instance) if instance.stage() == Stage::Gone => {
            HookState::Over { instance: Stage::Gone, why: format!("{instance_id} is {}", instance.lifecycle_state) }
        }
        Some(_) => HookState::Open,
    }
}

fn in_no_group(instance_id: &InstanceId) -> String {
    format!("{instance_id} is in no Auto Scaling group any more")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::error::Error;
    use crate::words::ids::AutoScalingGroupName;

    fn instance(lifecycle_state: &str) -> Instance {
        let auto_scaling_group_name = AutoScalingGroupName::try_from("web").unwrap();
        Instance { auto_scaling_group_name, lifecycle_state: lifecycle_state.into() }
    }

    fn name(result: Result<(), Error>) -> Option<&'static str> {
        result.err().map(|error| error.name())
    }

    #[test]
    fn no_action_is_too_early_only_while_the_instance_launches() {
        let id = InstanceId::try_from("i-0123abcd").unwrap();
        let (not_yet, gone) = (Some("Turnstile.HookNotOpen"), Some("Turnstile.InstanceGone"));
        for (state, at_first, later, stage) in [
            (Some("Pending"), not_yet, gone, None),
            (Some("Pending:Wait"), not_yet, gone, None),
            (Some("Warmed:Pending:Wait"), not_yet, gone, None),
            (Some("InService"), gone, gone, Some(Stage::InService)),
            (Some("Terminating"), gone, gone, Some(Stage::Gone)),
            (None, gone, gone, Some(Stage::Gone)),
        ] {
            let found = without_action(&id, state.map(instance).as_ref(), "No active …");
            assert_eq!(name(found.clone().require_open()), at_first, "{state:?}");
            assert_eq!(name(found.clone().require_still_open()), later, "{state:?}");
            let over = match found {
                HookState::Over { instance, .. } => Some(instance),
                HookState::Open | HookState::NotYetOpen { .. } => None,
            };
            assert_eq!(over, stage, "{state:?}");
        }
    }

    #[test]
    fn without_a_hook_only_an_instance_that_is_gone_ends_the_rollout() {
        let id = InstanceId::try_from("i-0123abcd").unwrap();
        for (state, error) in [
            (Some("Pending:Wait"), None),
            (Some("InService"), None),
            (Some("Terminating:Wait"), Some("Turnstile.InstanceGone")),
            (None, Some("Turnstile.InstanceGone")),
        ] {
            let found = without_hook(&id, state.map(instance).as_ref());
            assert_eq!(name(found.require_open()), error, "{state:?}");
        }
    }
}
