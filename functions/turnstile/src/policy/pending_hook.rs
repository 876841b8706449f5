//! The hook that a rollout has to complete although its input could not be planned: as much of an unreadable input as can be read.

use serde::Deserialize;
use serde_json::Value;

use crate::words::hook::{Hook, HookResult, LifecycleAction, PendingHook};
use crate::words::ids::{AutoScalingGroupName, HookName, InstanceId};
use crate::words::input::{self, Named};
use crate::words::instance::Instance;
use crate::words::launch::LAUNCHING;

/// The instance whose hook the rollout has to complete, by its input. It is `None` when the input names no instance or no hook: typed
/// by hand, it may be about an instance that another rollout is serving, and an instance that nobody serves is found by
/// start-rollout's schedule. It is `None`, too, when AWS tells of an instance that is being terminated.
pub fn instance_of(input: &Value) -> Option<InstanceId> {
    let mut transitions = input::layers(input).filter_map(|layer| layer.get("LifecycleTransition"));
    if transitions.any(|transition| transition != LAUNCHING) {
        return None;
    }
    let Named { instance, hook, .. } = input::named(input);
    hook.and(instance).and_then(|instance_id| InstanceId::try_from(instance_id).ok())
}

/// The lifecycle action that the input names, right or wrong, for the instance of [`instance_of`].
pub fn action_of(input: &Value, instance_id: &InstanceId, own_hook: &HookName) -> Option<LifecycleAction> {
    let Named { group, hook, .. } = input::named(input);
    let hook = hook?.as_str().and_then(|name| HookName::try_from(name).ok());
    Some(LifecycleAction {
        auto_scaling_group_name: AutoScalingGroupName::try_from(group?).ok()?,
        lifecycle_hook_name: hook.unwrap_or_else(|| own_hook.clone()),
        instance_id: instance_id.clone(),
    })
}

/// The hook that the rollout has to complete, by its input, for the instance of [`instance_of`] with the hooks of its group. A hook
/// that the input misspells is the stack's own.
///
/// The input's group is ignored on purpose: the instance knows its group better than a mistyped input. An instance that does not
/// wait has no hook to complete.
pub fn of_input(
    input: &Value,
    instance_id: InstanceId,
    instance: Instance,
    hooks: Vec<Hook>,
    own_hook: &HookName,
) -> Option<PendingHook> {
    if !instance.stage().is_before_service() {
        return None;
    }
    let find = |name: &str| hooks.iter().find(|hook| hook.lifecycle_hook_name.as_str() == name);
    let hook = input::named(input).hook?.as_str().and_then(find).or_else(|| find(own_hook.as_str()))?;
    let on_failure = input::layers(input).filter_map(|layer| layer.get("onFailure")).last();
    let on_failure = on_failure.and_then(|value| HookResult::deserialize(value).ok()).unwrap_or_default();
    Some(PendingHook {
        action: LifecycleAction {
            auto_scaling_group_name: instance.auto_scaling_group_name,
            lifecycle_hook_name: hook.lifecycle_hook_name.clone(),
            instance_id,
        },
        hook: hook.clone(),
        on_failure,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const INSTANCE: &str = "i-0123456789abcdef0";

    /// The hook's name and the result of a failure, of an instance in this state whose group has the hooks `turnstile` and `other`.
    fn pending(input: &Value, lifecycle_state: &str) -> Option<(String, HookResult)> {
        let hook = |name| Hook {
            lifecycle_hook_name: HookName::try_from(name).unwrap(),
            heartbeat_timeout_seconds: 600,
            default_result: Default::default(),
            notification_metadata: None,
        };
        let instance = Instance {
            auto_scaling_group_name: AutoScalingGroupName::try_from("web").unwrap(),
            lifecycle_state: lifecycle_state.into(),
        };
        let own_hook = HookName::try_from("turnstile").unwrap();
        let hooks = vec![hook("other"), hook("turnstile")];
        let found = of_input(input, instance_of(input)?, instance, hooks, &own_hook)?;
        assert_eq!(found.action.auto_scaling_group_name.as_str(), "web");
        assert_eq!((found.action.instance_id.as_str(), found.hook.heartbeat_timeout_seconds), (INSTANCE, 600));
        Some((found.action.lifecycle_hook_name.into(), found.on_failure))
    }

    #[test]
    fn an_unreadable_input_still_names_the_hook_to_complete() {
        let event =
            json!({"detail": {"EC2InstanceId": INSTANCE, "LifecycleHookName": "other", "NotificationMetadata": "?"}});
        for (input, expected) in [
            (json!({"instanceId": INSTANCE, "applications": 7}), None),
            (json!({"instanceId": INSTANCE, "applications": 7, "lifecycleHookName": null}), None),
            (
                json!({"instanceId": INSTANCE, "lifecycleHookName": "other", "onFailure": "CONTINUE", "x": 1}),
                Some(("other", HookResult::Continue)),
            ),
            (
                json!({"instanceId": INSTANCE, "lifecycleHookName": 5, "onFailure": "?"}),
                Some(("turnstile", HookResult::Abandon)),
            ),
            (
                json!({"instanceId": INSTANCE, "lifecycleHookName": "tunrstile", "autoScalingGroupName": "wbe"}),
                Some(("turnstile", HookResult::Abandon)),
            ),
            (event.clone(), Some(("other", HookResult::Abandon))),
            (
                json!({"requestContext": {}, "requestPayload": event, "onFailure": "CONTINUE"}),
                Some(("other", HookResult::Continue)),
            ),
            (json!({"instanceId": "?", "lifecycleHookName": "other"}), None),
            (json!({"autoScalingGroupName": "web"}), None),
            (json!(null), None),
        ] {
            let expected = expected.map(|(name, result)| (name.to_owned(), result));
            assert_eq!(pending(&input, "Pending:Wait"), expected, "{input}");
            assert_eq!(pending(&input, "InService"), None, "{input}");
        }
    }
}
