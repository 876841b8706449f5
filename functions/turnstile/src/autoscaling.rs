//! The Auto Scaling calls of a rollout, and what their answers say about the instance.

use aws_sdk_autoscaling::Client;
use aws_sdk_autoscaling::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_autoscaling::types::{Instance as SdkInstance, LifecycleState};

use crate::Error;
use crate::input::HookResult;
use crate::plan::Plan;

/// An instance of an Auto Scaling group.
#[derive(Debug, Clone, PartialEq)]
pub struct Instance {
    pub auto_scaling_group_name: String,
    /// `Pending:Wait`, `InService`, … (Amazon EC2 Auto Scaling user guide, "Amazon EC2 Auto Scaling instance lifecycle").
    pub lifecycle_state: String,
}

/// A launch lifecycle hook of a group.
#[derive(Debug, Clone, PartialEq)]
pub struct LaunchHook {
    pub lifecycle_hook_name: String,
    pub heartbeat_timeout_seconds: u32,
    pub notification_metadata: Option<String>,
}

/// Where an instance stands on its way into service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// On its way to the hook, or waiting at it.
    Launching,
    InService,
    /// Terminated, or about to be.
    Gone,
}

/// What came of completing a hook.
#[derive(Debug, Clone, PartialEq)]
pub enum Completion {
    Completed,
    /// The hook has no action to complete. Where the instance stands (`None`: in no group any more), and what that means:
    /// [`Error::InstanceGone`], or [`Error::HookNotOpen`] for an instance that still waits, at another hook or on its way to this.
    NoAction {
        stage: Option<Stage>,
        error: Error,
    },
}

/// Whether the hook of a waiting instance could be kept open.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Action {
    Active,
    /// "No active Lifecycle Action found with …"
    None(String),
}

impl Instance {
    pub fn stage(&self) -> Stage {
        // Warm pool states are "Warmed:" and the plain state.
        let state = self.lifecycle_state.strip_prefix("Warmed:").unwrap_or(&self.lifecycle_state);
        match state {
            "Pending" | "Pending:Wait" => Stage::Launching,
            _ if state.starts_with("Terminat") || state == "Detached" => Stage::Gone,
            _ => Stage::InService,
        }
    }
}

/// The Auto Scaling API.
#[derive(Debug, Clone)]
pub struct AutoScaling {
    client: Client,
}

impl AutoScaling {
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// The ids of the group's instances that are in service; `None` when there is no such group.
    ///
    /// # Errors
    /// As [`Error::of_call`] classifies them; so for every call here.
    pub async fn instances_in_service(&self, auto_scaling_group_name: &str) -> Result<Option<Vec<String>>, Error> {
        let request = self.client.describe_auto_scaling_groups().auto_scaling_group_names(auto_scaling_group_name);
        let answer = request.send().await.map_err(|e| Error::of_call("AutoScaling.DescribeAutoScalingGroups", &e))?;
        Ok(answer.auto_scaling_groups().first().map(|group| {
            let in_service =
                group.instances().iter().filter(|i| i.lifecycle_state() == Some(&LifecycleState::InService));
            in_service.filter_map(|instance| instance.instance_id().map(str::to_owned)).collect()
        }))
    }

    /// The ids of the group's instances that wait at a launch hook, on their way into service or into its warm pool.
    ///
    /// # Errors
    /// See [`AutoScaling::instances_in_service`].
    pub async fn waiting_instances(&self, auto_scaling_group_name: &str) -> Result<Vec<String>, Error> {
        let request = self.client.describe_auto_scaling_groups().auto_scaling_group_names(auto_scaling_group_name);
        let answer = request.send().await.map_err(|e| Error::of_call("AutoScaling.DescribeAutoScalingGroups", &e))?;
        let Some(group) = answer.auto_scaling_groups().first() else { return Ok(Vec::new()) };
        let mut waiting = ids_of(group.instances(), &LifecycleState::PendingWait);
        // The pool's instances are not among the group's.
        if group.warm_pool_configuration().is_some() || group.warm_pool_size().is_some_and(|size| size > 0) {
            let pages = self.client.describe_warm_pool().auto_scaling_group_name(auto_scaling_group_name);
            let pool = pages.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
            let pool = pool.map_err(|e| Error::of_call("AutoScaling.DescribeWarmPool", &e))?;
            waiting.extend(ids_of(&pool, &LifecycleState::WarmedPendingWait));
        }
        Ok(waiting)
    }

    /// The instance; `None` when Auto Scaling does not know it (any more, or yet).
    ///
    /// # Errors
    /// See [`AutoScaling::instances_in_service`].
    pub async fn instance(&self, instance_id: &str) -> Result<Option<Instance>, Error> {
        let request = self.client.describe_auto_scaling_instances().instance_ids(instance_id);
        let answer =
            request.send().await.map_err(|e| Error::of_call("AutoScaling.DescribeAutoScalingInstances", &e))?;
        Ok(answer.auto_scaling_instances().first().map(|instance| Instance {
            auto_scaling_group_name: instance.auto_scaling_group_name().unwrap_or_default().to_owned(),
            lifecycle_state: instance.lifecycle_state().unwrap_or_default().to_owned(),
        }))
    }

    /// How many of these instances are in service, with those that are in no group: Auto Scaling knows nothing of them.
    ///
    /// # Errors
    /// See [`AutoScaling::instances_in_service`].
    pub async fn count_in_service(&self, instance_ids: &[String]) -> Result<usize, Error> {
        let mut out_of_service = 0;
        // DescribeAutoScalingInstances takes 50 ids (Auto Scaling API reference).
        for ids in instance_ids.chunks(50) {
            let request = self.client.describe_auto_scaling_instances().set_instance_ids(Some(ids.to_vec()));
            let answer =
                request.send().await.map_err(|e| Error::of_call("AutoScaling.DescribeAutoScalingInstances", &e))?;
            let instances = answer.auto_scaling_instances().iter();
            out_of_service += instances.filter(|instance| instance.lifecycle_state() != Some("InService")).count();
        }
        Ok(instance_ids.len().saturating_sub(out_of_service))
    }

    /// The group's launch lifecycle hooks.
    ///
    /// # Errors
    /// See [`AutoScaling::instances_in_service`].
    pub async fn launch_hooks(&self, auto_scaling_group_name: &str) -> Result<Vec<LaunchHook>, Error> {
        let request = self.client.describe_lifecycle_hooks().auto_scaling_group_name(auto_scaling_group_name);
        let answer = request.send().await.map_err(|e| Error::of_call("AutoScaling.DescribeLifecycleHooks", &e))?;
        let launch = |t: Option<&str>| t == Some("autoscaling:EC2_INSTANCE_LAUNCHING");
        Ok(answer
            .lifecycle_hooks()
            .iter()
            .filter(|hook| launch(hook.lifecycle_transition()))
            .map(|hook| LaunchHook {
                lifecycle_hook_name: hook.lifecycle_hook_name().unwrap_or_default().to_owned(),
                // The service's default, should the answer leave it out (Auto Scaling API reference, PutLifecycleHook).
                heartbeat_timeout_seconds: hook
                    .heartbeat_timeout()
                    .and_then(|s| u32::try_from(s).ok())
                    .unwrap_or(3_600),
                notification_metadata: hook.notification_metadata().map(str::to_owned),
            })
            .collect())
    }

    /// Keeps the plan's hook open for another heartbeat time-out, or looks whether its instance is still there when no hook is
    /// waiting.
    ///
    /// # Errors
    /// [`Error::InstanceGone`] and [`Error::HookNotOpen`], else see [`AutoScaling::instances_in_service`].
    pub async fn heartbeat(&self, plan: &Plan) -> Result<(), Error> {
        let Some(instance_id) = &plan.instance_id else { return Ok(()) };
        let Some(hook) = &plan.hook else { return self.check_is_there(instance_id).await };
        match self.record_heartbeat(&plan.auto_scaling_group_name, instance_id, &hook.lifecycle_hook_name).await? {
            Action::Active => Ok(()),
            Action::None(message) => {
                let instance = self.instance(instance_id).await?;
                Err(without_action(instance_id, instance.as_ref(), &message))
            }
        }
    }

    async fn check_is_there(&self, instance_id: &str) -> Result<(), Error> {
        match self.instance(instance_id).await? {
            None => Err(Error::InstanceGone(in_no_group(instance_id))),
            Some(instance) if instance.stage() == Stage::Gone => {
                Err(Error::InstanceGone(format!("{instance_id} is {}", instance.lifecycle_state)))
            }
            Some(_) => Ok(()),
        }
    }

    /// Keeps a hook open for another heartbeat time-out; whether the instance waits at it.
    ///
    /// # Errors
    /// See [`AutoScaling::instances_in_service`].
    pub async fn keep_open(&self, group: &str, instance_id: &str, lifecycle_hook_name: &str) -> Result<bool, Error> {
        Ok(self.record_heartbeat(group, instance_id, lifecycle_hook_name).await? == Action::Active)
    }

    async fn record_heartbeat(
        &self,
        group: &str,
        instance_id: &str,
        lifecycle_hook_name: &str,
    ) -> Result<Action, Error> {
        let request = self
            .client
            .record_lifecycle_action_heartbeat()
            .auto_scaling_group_name(group)
            .lifecycle_hook_name(lifecycle_hook_name)
            .instance_id(instance_id);
        match request.send().await {
            Ok(_) => Ok(Action::Active),
            Err(e) => no_active_action(&e)
                .map(Action::None)
                .ok_or_else(|| Error::of_call("AutoScaling.RecordLifecycleActionHeartbeat", &e)),
        }
    }

    /// Completes the hook.
    ///
    /// # Errors
    /// See [`AutoScaling::instances_in_service`].
    pub async fn complete(
        &self,
        auto_scaling_group_name: &str,
        lifecycle_hook_name: &str,
        instance_id: &str,
        result: HookResult,
    ) -> Result<Completion, Error> {
        let request = self
            .client
            .complete_lifecycle_action()
            .auto_scaling_group_name(auto_scaling_group_name)
            .lifecycle_hook_name(lifecycle_hook_name)
            .instance_id(instance_id)
            .lifecycle_action_result(result.as_str());
        let message = match request.send().await {
            Ok(_) => return Ok(Completion::Completed),
            Err(e) => match no_active_action(&e) {
                Some(message) => message,
                None => return Err(Error::of_call("AutoScaling.CompleteLifecycleAction", &e)),
            },
        };
        let instance = self.instance(instance_id).await?;
        let error = without_action(instance_id, instance.as_ref(), &message);
        Ok(Completion::NoAction { stage: instance.map(|instance| instance.stage()), error })
    }
}

fn ids_of(instances: &[SdkInstance], state: &LifecycleState) -> Vec<String> {
    let in_state = instances.iter().filter(|instance| instance.lifecycle_state() == Some(state));
    in_state.filter_map(|instance| instance.instance_id().map(str::to_owned)).collect()
}

fn in_no_group(instance_id: &str) -> String {
    format!("{instance_id} is in no Auto Scaling group any more")
}

/// What it means that the instance has no active lifecycle action: the answer may trail the launch, or the hook is over.
fn without_action(instance_id: &str, instance: Option<&Instance>, message: &str) -> Error {
    match instance {
        None => Error::InstanceGone(in_no_group(instance_id)),
        Some(instance) if instance.stage() == Stage::Launching => {
            Error::HookNotOpen(format!("{instance_id} is {}, but: {message}", instance.lifecycle_state))
        }
        Some(instance) => Error::InstanceGone(format!(
            "{instance_id} is {} already: its hook timed out, or was completed by somebody else or by an earlier call",
            instance.lifecycle_state
        )),
    }
}

/// The message, when the error says that there is no such lifecycle action. Auto Scaling has no code of its own for it:
/// it is a `ValidationError` whose text begins so.
fn no_active_action<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> Option<String> {
    let error = error.as_service_error()?;
    let message = error.message()?;
    let is_it = error.code() == Some("ValidationError") && message.contains("No active Lifecycle Action");
    is_it.then(|| message.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(lifecycle_state: &str) -> Instance {
        Instance { auto_scaling_group_name: "web".into(), lifecycle_state: lifecycle_state.into() }
    }

    #[test]
    fn every_lifecycle_state_has_a_stage() {
        for (state, stage) in [
            ("Pending", Stage::Launching),
            ("Pending:Wait", Stage::Launching),
            ("Pending:Proceed", Stage::InService),
            ("Warmed:Pending:Wait", Stage::Launching),
            ("Warmed:Stopped", Stage::InService),
            ("InService", Stage::InService),
            ("Standby", Stage::InService),
            ("Terminating", Stage::Gone),
            ("Terminating:Wait", Stage::Gone),
            ("Terminated", Stage::Gone),
            ("Warmed:Terminated", Stage::Gone),
            ("Detached", Stage::Gone),
        ] {
            assert_eq!(instance(state).stage(), stage, "{state}");
        }
    }

    #[test]
    fn no_active_action_is_too_early_only_for_an_instance_that_is_launching() {
        for (instance, name) in [
            (Some(instance("Pending")), "Turnstile.HookNotOpen"),
            (Some(instance("Pending:Wait")), "Turnstile.HookNotOpen"),
            (Some(instance("InService")), "Turnstile.InstanceGone"),
            (Some(instance("Terminating")), "Turnstile.InstanceGone"),
            (None, "Turnstile.InstanceGone"),
        ] {
            assert_eq!(without_action("i-1", instance.as_ref(), "No active …").name(), name, "{instance:?}");
        }
    }
}
