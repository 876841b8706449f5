//! The Auto Scaling calls of a rollout: its instance, and the hook at which it waits.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_autoscaling::Client;
use aws_sdk_autoscaling::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_autoscaling::types::{
    Activity, AutoScalingGroup, AutoScalingInstanceDetails, Instance as SdkInstance, LifecycleHook, LifecycleState,
};
use turnstile::policy::hook_state;
use turnstile::words::error::Error;
use turnstile::words::group::Group;
use turnstile::words::hook::{Hook, HookResult, HookState, LifecycleAction, PendingHook};
use turnstile::words::ids::{AutoScalingGroupName, HookName, InstanceId, TargetId};
use turnstile::words::instance::{Instance, Stage};
use turnstile::words::plan::Plan;
use turnstile::words::served::ServedGroups;
use turnstile::words::time::Timestamp;

use crate::error::of_call;

/// DescribeAutoScalingInstances takes 50 ids (Auto Scaling API reference).
const BATCH: usize = 50;
/// DescribeAutoScalingGroups answers with 100 groups at the most (Auto Scaling API reference).
const GROUPS_PER_PAGE: i32 = 100;

/// A hook's heartbeat time-out, should an answer leave it out, in seconds (Auto Scaling API reference, PutLifecycleHook).
const DEFAULT_HEARTBEAT_TIMEOUT: u32 = 3_600;

/// What comes of a heartbeat.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Recorded {
    Open,
    /// "No active Lifecycle Action found with …"
    NoAction(String),
}

/// The Auto Scaling API.
#[derive(Debug, Clone)]
pub struct AutoScaling {
    client: Client,
}

impl AutoScaling {
    /// Auto Scaling as this client sees it.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// The group's instances that are in service; `None` when there is no such group.
    ///
    /// # Errors
    /// [`Error::Throttled`], [`Error::Unavailable`], [`Error::AccessDenied`] or [`Error::Unexpected`]; so for every call here.
    pub async fn instances_in_service(&self, group: &AutoScalingGroupName) -> Result<Option<Vec<InstanceId>>, Error> {
        let group = self.group(group).await?;
        Ok(group.map(|group| ids_of(group.instances(), &LifecycleState::InService)))
    }

    /// The group's instances that are on their way into service, before or at a launch hook.
    ///
    /// # Errors
    /// See [`AutoScaling::instances_in_service`].
    pub async fn launching_instances(&self, name: &AutoScalingGroupName) -> Result<Vec<InstanceId>, Error> {
        let Some(group) = self.group(name).await? else { return Ok(Vec::new()) };
        let states = [LifecycleState::Pending, LifecycleState::PendingWait];
        Ok(states.iter().flat_map(|state| ids_of(group.instances(), state)).collect())
    }

    /// Those of these instances that wait at a launch hook of the group.
    ///
    /// # Errors
    /// See [`AutoScaling::instances_in_service`].
    pub async fn still_waiting(
        &self,
        name: &AutoScalingGroupName,
        instances: &BTreeSet<InstanceId>,
    ) -> Result<BTreeSet<InstanceId>, Error> {
        const WAITING: [&str; 2] = ["Pending:Wait", "Warmed:Pending:Wait"];
        let ids: Vec<String> = instances.iter().map(ToString::to_string).collect();
        let mut waiting = BTreeSet::new();
        for ids in ids.chunks(BATCH) {
            let request = self.client.describe_auto_scaling_instances().set_instance_ids(Some(ids.to_vec()));
            let answer = request.send().await.map_err(|e| of_call("AutoScaling.DescribeAutoScalingInstances", &e))?;
            let found = answer.auto_scaling_instances().iter();
            let of_group = found.filter(|found| found.auto_scaling_group_name() == Some(name.as_str()));
            let at_hook =
                of_group.filter(|found| found.lifecycle_state().is_some_and(|state| WAITING.contains(&state)));
            waiting.extend(at_hook.filter_map(|found| InstanceId::try_from(found.instance_id()?).ok()));
        }
        Ok(waiting)
    }

    /// The groups that a stack may serve, with their instances but those of warm pools. One call for each hundred groups of the account, or a
    /// single one where there can be but one group.
    ///
    /// # Errors
    /// See [`AutoScaling::instances_in_service`].
    pub async fn groups(&self, served: &ServedGroups) -> Result<Vec<Group>, Error> {
        let request = self.client.describe_auto_scaling_groups();
        let request = match served.only() {
            Some(name) => request.auto_scaling_group_names(name.as_str()),
            None => request.max_records(GROUPS_PER_PAGE),
        };
        let mut pages = request.into_paginator().items().send();
        let mut groups = Vec::new();
        while let Some(described) = pages.next().await {
            let described = described.map_err(|e| of_call("AutoScaling.DescribeAutoScalingGroups", &e))?;
            groups.extend(group(&described).filter(|group| served.contains(&group.name)));
        }
        Ok(groups)
    }

    /// The instances of a group's warm pool, which are not among the group's.
    ///
    /// # Errors
    /// See [`AutoScaling::instances_in_service`].
    pub async fn warm_pool(&self, name: &AutoScalingGroupName) -> Result<BTreeMap<InstanceId, Instance>, Error> {
        let pages = self.client.describe_warm_pool().auto_scaling_group_name(name.as_str());
        let pool = pages.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
        let pool = pool.map_err(|e| of_call("AutoScaling.DescribeWarmPool", &e))?;
        Ok(pool.iter().filter_map(|it| instance_of(name, it)).collect())
    }

    /// When each launch of the group began that is under way.
    ///
    /// # Errors
    /// See [`AutoScaling::instances_in_service`].
    pub async fn launches_began(&self, group: &AutoScalingGroupName) -> Result<BTreeMap<InstanceId, Timestamp>, Error> {
        let request = self.client.describe_scaling_activities().auto_scaling_group_name(group.as_str());
        let mut activities = request.into_paginator().items().send();
        let mut began = BTreeMap::new();
        while let Some(activity) = activities.next().await {
            let activity = activity.map_err(|e| of_call("AutoScaling.DescribeScalingActivities", &e))?;
            // "Activities still in progress are described first" (Auto Scaling API reference, DescribeScalingActivities).
            if activity.end_time().is_some() {
                break;
            }
            began.extend(launching(&activity));
        }
        Ok(began)
    }

    /// When the group's last launch of this instance began; `None` when it is not among its last activities.
    ///
    /// # Errors
    /// See [`AutoScaling::instances_in_service`].
    pub async fn launch_began(
        &self,
        group: &AutoScalingGroupName,
        instance_id: &InstanceId,
    ) -> Result<Option<Timestamp>, Error> {
        let request = self.client.describe_scaling_activities().auto_scaling_group_name(group.as_str());
        let answer = request.send().await.map_err(|e| of_call("AutoScaling.DescribeScalingActivities", &e))?;
        let launches = answer.activities().iter().filter_map(launching);
        Ok(launches.filter(|(launched, _)| launched == instance_id).map(|(_, began)| began).max())
    }

    async fn group(&self, name: &AutoScalingGroupName) -> Result<Option<AutoScalingGroup>, Error> {
        let request = self.client.describe_auto_scaling_groups().auto_scaling_group_names(name.as_str());
        let answer = request.send().await.map_err(|e| of_call("AutoScaling.DescribeAutoScalingGroups", &e))?;
        Ok(answer.auto_scaling_groups.and_then(|groups| groups.into_iter().next()))
    }

    /// The instance; `None` when Auto Scaling does not know it, not yet or not any more.
    ///
    /// # Errors
    /// See [`AutoScaling::instances_in_service`].
    pub async fn instance(&self, instance_id: &InstanceId) -> Result<Option<Instance>, Error> {
        let request = self.client.describe_auto_scaling_instances().instance_ids(instance_id.as_str());
        let answer = request.send().await.map_err(|e| of_call("AutoScaling.DescribeAutoScalingInstances", &e))?;
        Ok(answer.auto_scaling_instances().first().and_then(instance))
    }

    /// Those of a deployment's targets that are in service. Those of which Auto Scaling knows nothing are: they are in no group, or no
    /// EC2 instances.
    ///
    /// # Errors
    /// See [`AutoScaling::instances_in_service`].
    pub async fn in_service(&self, targets: &[TargetId]) -> Result<Vec<TargetId>, Error> {
        let known = self.instances_of(targets).await?;
        let is_out = |target: &TargetId| known.get(target).is_some_and(|it| it.lifecycle_state != "InService");
        Ok(targets.iter().filter(|target| !is_out(target)).cloned().collect())
    }

    /// Those of a deployment's targets that are EC2 instances and in no Auto Scaling group, or about to leave theirs: scaled in, as a rule.
    ///
    /// # Errors
    /// See [`AutoScaling::instances_in_service`].
    pub async fn gone(&self, targets: &[TargetId]) -> Result<Vec<TargetId>, Error> {
        let known = self.instances_of(targets).await?;
        let is_gone = |target: &TargetId| {
            target.instance_id().is_some() && known.get(target).is_none_or(|it| it.stage() == Stage::Gone)
        };
        Ok(targets.iter().filter(|target| is_gone(target)).cloned().collect())
    }

    /// Those of a deployment's targets that are instances of Auto Scaling groups.
    async fn instances_of(&self, targets: &[TargetId]) -> Result<BTreeMap<TargetId, Instance>, Error> {
        let instance_ids: Vec<String> =
            targets.iter().filter_map(|target| target.instance_id().map(String::from)).collect();
        let mut known = BTreeMap::new();
        for ids in instance_ids.chunks(BATCH) {
            let request = self.client.describe_auto_scaling_instances().set_instance_ids(Some(ids.to_vec()));
            let answer = request.send().await.map_err(|e| of_call("AutoScaling.DescribeAutoScalingInstances", &e))?;
            let described = answer.auto_scaling_instances().iter();
            known.extend(described.filter_map(|it| Some((TargetId::from(it.instance_id()?), instance(it)?))));
        }
        Ok(known)
    }

    /// The group's launch lifecycle hooks.
    ///
    /// # Errors
    /// See [`AutoScaling::instances_in_service`].
    pub async fn launch_hooks(&self, group: &AutoScalingGroupName) -> Result<Vec<Hook>, Error> {
        let request = self.client.describe_lifecycle_hooks().auto_scaling_group_name(group.as_str());
        let answer = request.send().await.map_err(|e| of_call("AutoScaling.DescribeLifecycleHooks", &e))?;
        let is_launch =
            |hook: &&LifecycleHook| hook.lifecycle_transition() == Some("autoscaling:EC2_INSTANCE_LAUNCHING");
        let hooks = answer.lifecycle_hooks().iter().filter(is_launch);
        Ok(hooks
            .filter_map(|hook| {
                let heartbeat_timeout = hook.heartbeat_timeout().and_then(|seconds| u32::try_from(seconds).ok());
                Some(Hook {
                    lifecycle_hook_name: HookName::try_from(hook.lifecycle_hook_name()?).ok()?,
                    heartbeat_timeout_seconds: heartbeat_timeout.unwrap_or(DEFAULT_HEARTBEAT_TIMEOUT),
                    default_result: match hook.default_result() {
                        Some("CONTINUE") => HookResult::Continue,
                        _ => HookResult::Abandon,
                    },
                    notification_metadata: hook.notification_metadata().map(str::to_owned),
                })
            })
            .collect())
    }

    /// Keeps the plan's hook open for another heartbeat time-out. In a rollout of an instance without a hook: looks whether the instance
    /// is still there.
    ///
    /// # Errors
    /// See [`AutoScaling::instances_in_service`].
    pub async fn heartbeat(&self, plan: &Plan) -> Result<HookState, Error> {
        let Some(instance_id) = &plan.instance_id else { return Ok(HookState::Open) };
        match plan.pending_hook() {
            Some(PendingHook { action, .. }) => self.heartbeat_at(&action).await,
            None => Ok(hook_state::without_hook(instance_id, self.instance(instance_id).await?.as_ref())),
        }
    }

    /// Keeps a hook open for another heartbeat time-out.
    ///
    /// # Errors
    /// See [`AutoScaling::instances_in_service`].
    pub async fn heartbeat_at(&self, action: &LifecycleAction) -> Result<HookState, Error> {
        match self.record_heartbeat(action).await? {
            Recorded::Open => Ok(HookState::Open),
            Recorded::NoAction(message) => self.without_action(action, &message).await,
        }
    }

    /// Keeps a hook open for another heartbeat time-out. The answer says whether it was open.
    ///
    /// # Errors
    /// See [`AutoScaling::instances_in_service`].
    pub async fn keep_open(&self, action: &LifecycleAction) -> Result<bool, Error> {
        Ok(self.record_heartbeat(action).await? == Recorded::Open)
    }

    async fn record_heartbeat(&self, action: &LifecycleAction) -> Result<Recorded, Error> {
        let request = self
            .client
            .record_lifecycle_action_heartbeat()
            .auto_scaling_group_name(action.auto_scaling_group_name.as_str())
            .lifecycle_hook_name(action.lifecycle_hook_name.as_str())
            .instance_id(action.instance_id.as_str());
        match request.send().await {
            Ok(_) => Ok(Recorded::Open),
            Err(e) => no_active_action(&e)
                .map(Recorded::NoAction)
                .ok_or_else(|| of_call("AutoScaling.RecordLifecycleActionHeartbeat", &e)),
        }
    }

    /// Completes a hook.
    ///
    /// # Errors
    /// See [`AutoScaling::instances_in_service`].
    pub async fn complete(&self, action: &LifecycleAction, result: HookResult) -> Result<HookState, Error> {
        let request = self
            .client
            .complete_lifecycle_action()
            .auto_scaling_group_name(action.auto_scaling_group_name.as_str())
            .lifecycle_hook_name(action.lifecycle_hook_name.as_str())
            .instance_id(action.instance_id.as_str())
            .lifecycle_action_result(result.to_string());
        match request.send().await {
            Ok(_) => Ok(HookState::Open),
            Err(e) => match no_active_action(&e) {
                Some(message) => self.without_action(action, &message).await,
                None => Err(of_call("AutoScaling.CompleteLifecycleAction", &e)),
            },
        }
    }

    async fn without_action(&self, action: &LifecycleAction, message: &str) -> Result<HookState, Error> {
        let instance = self.instance(&action.instance_id).await?;
        Ok(hook_state::without_action(&action.instance_id, instance.as_ref(), message))
    }
}

fn instance(described: &AutoScalingInstanceDetails) -> Option<Instance> {
    Some(Instance {
        auto_scaling_group_name: AutoScalingGroupName::try_from(described.auto_scaling_group_name()?).ok()?,
        lifecycle_state: described.lifecycle_state().unwrap_or_default().to_owned(),
    })
}

fn group(described: &AutoScalingGroup) -> Option<Group> {
    let name = AutoScalingGroupName::try_from(described.auto_scaling_group_name()?).ok()?;
    let instances = described.instances().iter().filter_map(|it| instance_of(&name, it)).collect();
    let has_warm_pool =
        described.warm_pool_configuration().is_some() || described.warm_pool_size().is_some_and(|size| size > 0);
    Some(Group { name, instances, has_warm_pool })
}

fn instance_of(group: &AutoScalingGroupName, described: &SdkInstance) -> Option<(InstanceId, Instance)> {
    let instance_id = InstanceId::try_from(described.instance_id()?).ok()?;
    let lifecycle_state = described.lifecycle_state()?.as_str().to_owned();
    Some((instance_id, Instance { auto_scaling_group_name: group.clone(), lifecycle_state }))
}

fn ids_of(instances: &[SdkInstance], state: &LifecycleState) -> Vec<InstanceId> {
    let in_state = instances.iter().filter(|instance| instance.lifecycle_state() == Some(state));
    in_state.filter_map(|instance| InstanceId::try_from(instance.instance_id()?).ok()).collect()
}

/// The instance that the activity launches, and since when. An activity names its instance in its description alone, as in "Launching a new
/// EC2 instance: i-…" or "Launching a new EC2 instance from warm pool: i-…" (Auto Scaling user guide, "Verify a scaling activity").
fn launching(activity: &Activity) -> Option<(InstanceId, Timestamp)> {
    let description = activity.description().filter(|description| description.starts_with("Launching"))?;
    let instance_id = InstanceId::try_from(description.rsplit(' ').next()?).ok()?;
    Some((instance_id, Timestamp::from_millis(activity.start_time()?.to_millis().ok()?)))
}

/// The message, when the error says that there is no such lifecycle action. Auto Scaling has no code of its own for it: it is a
/// `ValidationError` with a text of its own.
fn no_active_action<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> Option<String> {
    let error = error.as_service_error()?;
    let message = error.message()?;
    let is_it = error.code() == Some("ValidationError") && message.contains("No active Lifecycle Action");
    is_it.then(|| message.to_owned())
}
