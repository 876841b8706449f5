//! Auto Scaling's calls, and the XML of their answers.

use serde::Serialize;

use super::group::{AutoScalingGroup, Hook};
use super::operations::Page;
use crate::instance::{Instance, LifecycleState, Place};
use crate::protocol::aws_query::{self, Parameters, result_xml};
use crate::protocol::{Request, Response};
use crate::refusal::Refusal;
use crate::setting::{HookResult, MAX_SIZE};
use crate::simulation::Simulation;

const SERVICE: aws_query::Service =
    aws_query::Service { name: "autoscaling", namespace: "http://autoscaling.amazonaws.com/doc/2011-01-01/" };
const INSTANCE_TYPE: &str = "t3.medium";

/// Answers one call.
pub(crate) fn answer(simulation: &mut Simulation, request: &Request) -> Response {
    SERVICE.answer(simulation, request, |simulation, action, parameters| {
        simulation.throttles.autoscaling.admit(simulation.now(), "Throttling")?;
        operate(simulation, action, parameters)
    })
}

/// The XML of the operation's result element; empty for an operation without an output.
fn operate(simulation: &mut Simulation, action: &str, parameters: &Parameters) -> Result<String, Refusal> {
    let empty = |(): ()| result_xml(action, &Empty {});
    match action {
        "DescribeAutoScalingGroups" => {
            let (groups, next_token) = simulation.describe_groups(parameters)?;
            let groups = groups.into_iter().map(|group| group_xml(simulation, group)).collect();
            Ok(result_xml(action, &Groups { groups: List { member: groups }, next_token }))
        }
        "DescribeAutoScalingInstances" => {
            let (instances, next_token): Page<usize> = simulation.describe_instances(parameters)?;
            let instances = instances.into_iter().map(|i| {
                let instance = &simulation.instances[i];
                instance_xml(
                    simulation,
                    instance,
                    Some(simulation.scaling_groups[instance.scaling_group()].name.clone()),
                )
            });
            Ok(result_xml(action, &Instances { instances: List { member: instances.collect() }, next_token }))
        }
        "DescribeWarmPool" => {
            let (group, (instances, next_token)) = simulation.describe_warm_pool(parameters)?;
            let instances = instances.into_iter().map(|i| instance_xml(simulation, &simulation.instances[i], None));
            let warm_pool_configuration = warm_pool_xml(simulation, group);
            let instances = List { member: instances.collect() };
            Ok(result_xml(action, &WarmPool { warm_pool_configuration, instances, next_token }))
        }
        "DescribeScalingActivities" => {
            let (launches, next_token) = simulation.describe_launches(parameters)?;
            let activities = launches.into_iter().map(|i| launch_xml(simulation, i)).collect();
            Ok(result_xml(action, &Activities { activities: List { member: activities }, next_token }))
        }
        "DescribeLifecycleHooks" => {
            let (group, hooks) = simulation.describe_hooks(parameters)?;
            let hooks = hooks.into_iter().map(|hook| hook_xml(group, hook)).collect();
            Ok(result_xml(action, &Hooks { hooks: List { member: hooks } }))
        }
        "TerminateInstanceInAutoScalingGroup" => {
            let instance = simulation.terminate_instance(parameters)?;
            let activity = activity_xml(simulation, instance);
            Ok(result_xml(action, &TerminateResult { activity }))
        }
        "SetDesiredCapacity" => simulation.set_desired_capacity(parameters).map(|()| String::new()),
        "RecordLifecycleActionHeartbeat" => simulation.record_heartbeat(parameters).map(empty),
        "CompleteLifecycleAction" => simulation.complete_lifecycle_action(parameters).map(empty),
        "PutLifecycleHook" => simulation.put_hook(parameters).map(empty),
        "DeleteLifecycleHook" => simulation.delete_hook(parameters).map(empty),
        _ => SERVICE.unknown(action),
    }
}

fn group_xml(simulation: &Simulation, index: usize) -> GroupXml {
    let group = &simulation.scaling_groups[index];
    let mut tags = simulation.setting.auto_scaling_groups[index].tags.iter();
    let tags = tags.by_ref().map(|(key, value)| TagXml {
        resource_id: group.name.clone(),
        resource_type: "auto-scaling-group",
        key: key.clone(),
        value: value.clone(),
        propagate_at_launch: true,
    });
    let instances = simulation.instances_of(index).map(|instance| instance_xml(simulation, instance, None));
    GroupXml {
        name: group.name.clone(),
        arn: group.arn.clone(),
        min_size: 0,
        max_size: MAX_SIZE,
        desired_capacity: group.desired_capacity,
        default_cooldown: 300,
        availability_zones: List { member: vec![simulation.availability_zone()] },
        health_check_type: "EC2",
        health_check_grace_period: 0,
        instances: List { member: instances.collect() },
        created_time: simulation.iso_8601(0.0),
        tags: List { member: tags.collect() },
        warm_pool_configuration: warm_pool_xml(simulation, index),
        warm_pool_size: simulation.pool_of(index).count(),
    }
}

fn instance_xml(simulation: &Simulation, instance: &Instance, group: Option<String>) -> InstanceXml {
    InstanceXml {
        instance_id: instance.id.clone(),
        instance_type: INSTANCE_TYPE,
        group,
        availability_zone: simulation.availability_zone(),
        lifecycle_state: instance.state.as_str(),
        health_status: if instance.is_living() { "Healthy" } else { "Unhealthy" },
        protected_from_scale_in: false,
    }
}

/// Absent where there is no pool.
fn warm_pool_xml(simulation: &Simulation, group: usize) -> Option<WarmPoolXml> {
    simulation.scaling_groups[group].prepared_capacity.map(|max_group_prepared_capacity| WarmPoolXml {
        max_group_prepared_capacity,
        min_size: 0,
        pool_state: "Stopped",
        instance_reuse_policy: ReuseXml { reuse_on_scale_in: simulation.reuses_on_scale_in(group) },
    })
}

fn hook_xml(group: &AutoScalingGroup, hook: &Hook) -> HookXml {
    HookXml {
        name: hook.name.clone(),
        group: group.name.clone(),
        transition: hook.transition.as_str(),
        notification_target: hook.notification_target.clone(),
        role: hook.role.clone(),
        notification_metadata: hook.notification_metadata.clone(),
        heartbeat_timeout: hook.heartbeat_timeout,
        global_timeout: hook.global_timeout(),
        default_result: hook.default_result,
    }
}

fn launch_xml(simulation: &Simulation, instance: usize) -> ActivityXml {
    let instance = &simulation.instances[instance];
    let journey = instance.journey;
    let pool = match (journey.origin, journey.destination) {
        (Place::WarmPool, _) => " from warm pool",
        (_, Place::WarmPool) => " into warm pool",
        _ => "",
    };
    let start_time = simulation.iso_8601(instance.activity_began_at);
    let waits = matches!(instance.state, LifecycleState::PendingWait | LifecycleState::WarmedPendingWait);
    let ended = !instance.is_being_launched();
    ActivityXml {
        id: format!("{}-{start_time}", instance.id),
        group: simulation.scaling_groups[instance.scaling_group()].name.clone(),
        description: format!("Launching a new EC2 instance{pool}: {}", instance.id),
        cause: format!(
            "At {start_time} an instance was started in response to a difference between desired and actual capacity."
        ),
        end_time: ended.then(|| simulation.iso_8601(instance.in_service_at.unwrap_or(instance.activity_began_at))),
        start_time,
        status_code: match (ended, waits) {
            (true, _) => "Successful",
            (false, true) => "MidLifecycleAction",
            (false, false) => "PreInService",
        },
        progress: if ended { 100 } else { 30 },
    }
}

fn activity_xml(simulation: &mut Simulation, instance: usize) -> ActivityXml {
    let id = simulation.random_uuid();
    let now = simulation.iso_8601(simulation.now());
    let instance = &simulation.instances[instance];
    ActivityXml {
        id,
        group: simulation.scaling_groups[instance.scaling_group()].name.clone(),
        description: format!("Terminating EC2 instance: {}", instance.id),
        cause: format!("At {now} instance {} was taken out of service in response to a user request.", instance.id),
        start_time: now,
        end_time: None,
        status_code: "InProgress",
        progress: 0,
    }
}

#[derive(Serialize)]
struct Empty {}

#[derive(Serialize)]
struct List<T> {
    member: Vec<T>,
}

#[derive(Serialize)]
struct Groups {
    #[serde(rename = "AutoScalingGroups")]
    groups: List<GroupXml>,
    #[serde(rename = "NextToken", skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
struct Instances {
    #[serde(rename = "AutoScalingInstances")]
    instances: List<InstanceXml>,
    #[serde(rename = "NextToken", skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct WarmPool {
    #[serde(skip_serializing_if = "Option::is_none")]
    warm_pool_configuration: Option<WarmPoolXml>,
    instances: List<InstanceXml>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct WarmPoolXml {
    max_group_prepared_capacity: usize,
    min_size: usize,
    pool_state: &'static str,
    instance_reuse_policy: ReuseXml,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ReuseXml {
    reuse_on_scale_in: bool,
}

#[derive(Serialize)]
struct Activities {
    #[serde(rename = "Activities")]
    activities: List<ActivityXml>,
    #[serde(rename = "NextToken", skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
struct Hooks {
    #[serde(rename = "LifecycleHooks")]
    hooks: List<HookXml>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TerminateResult {
    activity: ActivityXml,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct GroupXml {
    #[serde(rename = "AutoScalingGroupName")]
    name: String,
    #[serde(rename = "AutoScalingGroupARN")]
    arn: String,
    min_size: usize,
    max_size: usize,
    desired_capacity: usize,
    default_cooldown: u32,
    availability_zones: List<String>,
    health_check_type: &'static str,
    health_check_grace_period: u32,
    instances: List<InstanceXml>,
    created_time: String,
    tags: List<TagXml>,
    #[serde(skip_serializing_if = "Option::is_none")]
    warm_pool_configuration: Option<WarmPoolXml>,
    warm_pool_size: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct InstanceXml {
    instance_id: String,
    instance_type: &'static str,
    #[serde(rename = "AutoScalingGroupName", skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    availability_zone: String,
    lifecycle_state: &'static str,
    health_status: &'static str,
    protected_from_scale_in: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TagXml {
    resource_id: String,
    resource_type: &'static str,
    key: String,
    value: String,
    propagate_at_launch: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct HookXml {
    #[serde(rename = "LifecycleHookName")]
    name: String,
    #[serde(rename = "AutoScalingGroupName")]
    group: String,
    #[serde(rename = "LifecycleTransition")]
    transition: &'static str,
    #[serde(rename = "NotificationTargetARN", skip_serializing_if = "Option::is_none")]
    notification_target: Option<String>,
    #[serde(rename = "RoleARN", skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notification_metadata: Option<String>,
    heartbeat_timeout: u32,
    global_timeout: u32,
    default_result: HookResult,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ActivityXml {
    #[serde(rename = "ActivityId")]
    id: String,
    #[serde(rename = "AutoScalingGroupName")]
    group: String,
    description: String,
    cause: String,
    start_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_time: Option<String>,
    status_code: &'static str,
    progress: u32,
}
