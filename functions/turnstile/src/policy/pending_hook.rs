//! The hook that a rollout has to complete although its input could not be planned: as much of an unreadable input as can be read.

use serde::Deserialize;
use serde_json::Value;

use crate::words::hook::{Hook, HookResult, LifecycleAction, PendingHook};
use crate::words::ids::{AutoScalingGroupName, HookName, InstanceId};
use crate::words::input;
use crate::words::instance::Instance;
use crate::words::launch;

/// The instance whose hook the rollout has to complete, by its input. It is `None` when the input names no instance or no hook: typed
/// by hand, it may be about an instance that another rollout is serving, and an instance that nobody serves is found by
/// start-rollout's schedule.
pub fn instance_of(input: &Value) -> Option<InstanceId> {
    named_hook(input)?;
    let (_, instance_id) = input::named(input);
    InstanceId::try_from(instance_id?).ok()
}

/// The lifecycle action that the input names, right or wrong, for the instance of [`instance_of`].
pub fn action_of(input: &Value, instance_id: &InstanceId, own_hook: &HookName) -> Option<LifecycleAction> {
    let (group, _) = input::named(input);
    let hook = named_hook(input)?.as_str().and_then(|name| HookName::try_from(name).ok());
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
    let hook = named_hook(input)?.as_str().and_then(find).or_else(|| find(own_hook.as_str()))?;
    let inner = launch::in_record(input).and_then(|event| event.get("onFailure"));
    let on_failure = inner.or_else(|| input.get("onFailure"));
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

/// Whatever the input names as the hook.
fn named_hook(input: &Value) -> Option<&Value> {
    let input = launch::in_record(input).unwrap_or(input);
    let given = |path| input.pointer(path).filter(|value| !value.is_null());
    given("/lifecycleHookName").or_else(|| given("/detail/LifecycleHookName")).or_else(|| given("/LifecycleHookName"))
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
