//! The Auto Scaling calls of a rollout, and what their answers say about the instance.

use aws_sdk_autoscaling::Client;
use aws_sdk_autoscaling::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_autoscaling::types::{Instance as SdkInstance, LifecycleState};
use turnstile::error::Error;
use turnstile::input::HookResult;
use turnstile::instance::{Completion, Instance, LaunchHook, Stage, in_no_group, without_action};
use turnstile::plan::Plan;

use crate::error::of_call;

/// Whether the hook of a waiting instance could be kept open.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Action {
    Active,
    /// "No active Lifecycle Action found with …"
    None(String),
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
    /// [`Error::Throttled`], [`Error::Unavailable`], [`Error::AccessDenied`] or [`Error::Unexpected`]; so for every call here.
    pub async fn instances_in_service(&self, auto_scaling_group_name: &str) -> Result<Option<Vec<String>>, Error> {
        let request = self.client.describe_auto_scaling_groups().auto_scaling_group_names(auto_scaling_group_name);
        let answer = request.send().await.map_err(|e| of_call("AutoScaling.DescribeAutoScalingGroups", &e))?;
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
        let answer = request.send().await.map_err(|e| of_call("AutoScaling.DescribeAutoScalingGroups", &e))?;
        let Some(group) = answer.auto_scaling_groups().first() else { return Ok(Vec::new()) };
        let mut waiting = ids_of(group.instances(), &LifecycleState::PendingWait);
        // The pool's instances are not among the group's.
        if group.warm_pool_configuration().is_some() || group.warm_pool_size().is_some_and(|size| size > 0) {
            let pages = self.client.describe_warm_pool().auto_scaling_group_name(auto_scaling_group_name);
            let pool = pages.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
            let pool = pool.map_err(|e| of_call("AutoScaling.DescribeWarmPool", &e))?;
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
        let answer = request.send().await.map_err(|e| of_call("AutoScaling.DescribeAutoScalingInstances", &e))?;
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
            let answer = request.send().await.map_err(|e| of_call("AutoScaling.DescribeAutoScalingInstances", &e))?;
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
        let answer = request.send().await.map_err(|e| of_call("AutoScaling.DescribeLifecycleHooks", &e))?;
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
                .ok_or_else(|| of_call("AutoScaling.RecordLifecycleActionHeartbeat", &e)),
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
                None => return Err(of_call("AutoScaling.CompleteLifecycleAction", &e)),
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

/// The message, when the error says that there is no such lifecycle action. Auto Scaling has no code of its own for it:
/// it is a `ValidationError` whose text begins so.
fn no_active_action<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> Option<String> {
    let error = error.as_service_error()?;
    let message = error.message()?;
    let is_it = error.code() == Some("ValidationError") && message.contains("No active Lifecycle Action");
    is_it.then(|| message.to_owned())
}
