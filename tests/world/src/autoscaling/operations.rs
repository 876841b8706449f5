//! The operations of Auto Scaling, from their parameters to what the answer holds.

use super::group::{AutoScalingGroup, Hook, Transition};
use super::hooks::ActionName;
use crate::instance::Instance;
use crate::protocol::aws_query::Parameters;
use crate::refusal::Refusal;
use crate::setting::{HookResult, MAX_SIZE};
use crate::simulation::Simulation;

/// The most records an answer to a Describe call holds when it does not ask for fewer.
const PAGE: usize = 50;
/// How many instances a page of a warm pool has in fact.
const SHORT_PAGE: usize = 2;
/// The longest id of an instance that a call takes (API reference, `DescribeAutoScalingInstances`).
const INSTANCE_ID: usize = 19;
/// Lifecycle hooks a group can have (Auto Scaling user guide, "Quotas").
const MAX_HOOKS: usize = 50;

/// A page of a list, and the token of the next one.
pub(super) type Page<T> = (Vec<T>, Option<String>);

impl Simulation {
    /// `DescribeAutoScalingGroups`: indexes of the groups named, or all. Unknown names are left out.
    pub(super) fn describe_groups(&self, parameters: &Parameters) -> Result<Page<usize>, Refusal> {
        let names = parameters.list("AutoScalingGroupNames");
        let groups = (0..self.scaling_groups.len())
            .filter(|&i| self.is_there(i))
            .filter(|&i| names.is_empty() || names.contains(&self.scaling_groups[i].name.as_str()));
        page(groups.collect(), parameters, 100)
    }

    /// `DescribeAutoScalingInstances`: indexes of the instances named, or all that are not gone.
    pub(super) fn describe_instances(&self, parameters: &Parameters) -> Result<Page<usize>, Refusal> {
        let ids = parameters.list("InstanceIds");
        if ids.len() > PAGE {
            let message = format!("The number of instance ids to describe must not exceed {PAGE}");
            return Err(Refusal::new("ValidationError", message));
        }
        if let Some(wrong) = ids.iter().find(|id| !(1..=INSTANCE_ID).contains(&id.chars().count())) {
            let constraint = format!("Member must have length less than or equal to {INSTANCE_ID}");
            let message = format!(
                "1 validation error detected: Value '[{wrong}]' at 'instanceIds' failed to satisfy constraint: {constraint}"
            );
            return Err(Refusal::new("ValidationError", message));
        }
        let instances = (0..self.instances.len()).filter(|&i| {
            let instance = &self.instances[i];
            !instance.is_gone() && (ids.is_empty() || ids.contains(&instance.id.as_str()))
        });
        page(instances.collect(), parameters, PAGE)
    }

    /// `DescribeLifecycleHooks`: those named, or all.
    pub(super) fn describe_hooks(&self, parameters: &Parameters) -> Result<(&AutoScalingGroup, Vec<&Hook>), Refusal> {
        let group = &self.scaling_groups[self.scaling_group(parameters.required("AutoScalingGroupName")?)?];
        let names = parameters.list("LifecycleHookNames");
        if let Some(unknown) = names.iter().find(|name| !group.hooks.iter().any(|hook| hook.name == **name)) {
            let message = format!("No Lifecycle Hook found with name '{unknown}'");
            return Err(Refusal::new("ValidationError", message));
        }
        let hooks = group.hooks.iter().filter(|hook| names.is_empty() || names.contains(&hook.name.as_str()));
        Ok((group, hooks.collect()))
    }

    /// `RecordLifecycleActionHeartbeat`.
    pub(super) fn record_heartbeat(&mut self, parameters: &Parameters) -> Result<(), Refusal> {
        self.heartbeat(&action_name(parameters)?)
    }

    /// `CompleteLifecycleAction`.
    pub(super) fn complete_lifecycle_action(&mut self, parameters: &Parameters) -> Result<(), Refusal> {
        let result = hook_result(parameters.required("LifecycleActionResult")?, "LifecycleActionResult")?;
        self.complete(&action_name(parameters)?, result)
    }

    /// `SetDesiredCapacity`.
    pub(super) fn set_desired_capacity(&mut self, parameters: &Parameters) -> Result<(), Refusal> {
        let group = self.scaling_group(parameters.required("AutoScalingGroupName")?)?;
        let desired = parameters.number("DesiredCapacity")?.ok_or_else(|| missing("DesiredCapacity"))?;
        self.check_capacity(group, desired)?;
        self.scaling_groups[group].desired_capacity = desired;
        self.meet_capacity(group);
        Ok(())
    }

    /// Whether the group can be so big, with the launches that are planned for it.
    pub(super) fn check_capacity(&self, group: usize, desired: usize) -> Result<(), Refusal> {
        let desired = desired + self.launches_to_come(group);
        if desired <= MAX_SIZE {
            return Ok(());
        }
        let name = &self.scaling_groups[group].name;
        let message = format!(
            "New SetDesiredCapacity value {desired} is above max value {MAX_SIZE} for the AutoScalingGroup {name}."
        );
        Err(Refusal::new("ValidationError", message))
    }

    /// `TerminateInstanceInAutoScalingGroup`: the instance's index.
    pub(super) fn terminate_instance(&mut self, parameters: &Parameters) -> Result<usize, Refusal> {
        let id = parameters.required("InstanceId")?;
        let decrement = match parameters.required("ShouldDecrementDesiredCapacity")? {
            "true" => true,
            "false" => false,
            other => return Err(invalid("ShouldDecrementDesiredCapacity", other)),
        };
        self.terminate_in_group(id, decrement)?;
        let found = self.instances.iter().position(|instance| instance.id == id);
        Ok(found.expect("an instance just terminated is in the list"))
    }

    /// `PutLifecycleHook`: makes a hook, or changes what the call names of one.
    pub(super) fn put_hook(&mut self, parameters: &Parameters) -> Result<(), Refusal> {
        let group = self.scaling_group(parameters.required("AutoScalingGroupName")?)?;
        let name = parameters.required("LifecycleHookName")?;
        let existing = self.scaling_groups[group].hooks.iter().position(|hook| hook.name == name);
        if existing.is_none() {
            match parameters.get("LifecycleTransition").ok_or_else(|| missing("LifecycleTransition"))? {
                "autoscaling:EC2_INSTANCE_LAUNCHING" => {}
                other => return Err(invalid("LifecycleTransition", other)),
            }
            if self.scaling_groups[group].hooks.len() == MAX_HOOKS {
                return Err(Refusal::new(
                    "LimitExceeded",
                    format!("You have reached the limit of {MAX_HOOKS} lifecycle hooks"),
                ));
            }
        }
        let mut hook = existing.map_or_else(|| new_hook(name), |index| self.scaling_groups[group].hooks[index].clone());
        if let Some(timeout) = parameters.number("HeartbeatTimeout")? {
            hook.heartbeat_timeout = u32::try_from(timeout)
                .ok()
                .filter(|timeout| (30..=7200).contains(timeout))
                .ok_or_else(|| invalid("HeartbeatTimeout", &timeout.to_string()))?;
        }
        if let Some(result) = parameters.get("DefaultResult") {
            hook.default_result = hook_result(result, "DefaultResult")?;
        }
        let text = |key| parameters.get(key).map(str::to_owned);
        hook.notification_metadata = text("NotificationMetadata").or(hook.notification_metadata);
        hook.notification_target = text("NotificationTargetARN").or(hook.notification_target);
        hook.role = text("RoleARN").or(hook.role);
        let hooks = &mut self.scaling_groups[group].hooks;
        match existing {
            Some(index) => hooks[index] = hook,
            None => hooks.push(hook),
        }
        Ok(())
    }

    /// `DeleteLifecycleHook`.
    pub(super) fn delete_hook(&mut self, parameters: &Parameters) -> Result<(), Refusal> {
        let group = self.scaling_group(parameters.required("AutoScalingGroupName")?)?;
        self.remove_hook(group, parameters.required("LifecycleHookName")?)
    }

    pub(super) fn remove_hook(&mut self, group: usize, name: &str) -> Result<(), Refusal> {
        let hooks = &mut self.scaling_groups[group].hooks;
        let index = hooks
            .iter()
            .position(|hook| hook.name == name)
            .ok_or_else(|| Refusal::new("ValidationError", format!("No Lifecycle Hook found with name '{name}'")))?;
        hooks.remove(index);
        self.abandon_actions_of(group, name);
        Ok(())
    }

    /// `DescribeWarmPool`: the group, and the instances in its pool.
    pub(super) fn describe_warm_pool(&self, parameters: &Parameters) -> Result<(usize, Page<usize>), Refusal> {
        let group = self.scaling_group(parameters.required("AutoScalingGroupName")?)?;
        let instances = (0..self.instances.len())
            .filter(|&i| self.instances[i].group == Some(group) && self.instances[i].is_shown_in_warm_pool());
        // AWS promises no full pages, and whoever reads the first one alone is found out.
        Ok((group, page(instances.collect(), parameters, SHORT_PAGE)?))
    }

    /// `DescribeScalingActivities`, of which the world has the launches alone: indexes of the group's instances, each for its latest launch. Those
    /// that are launching come first, and of each kind the newest ("Activities still in progress are described first").
    pub(super) fn describe_launches(&self, parameters: &Parameters) -> Result<Page<usize>, Refusal> {
        let group = self.scaling_group(parameters.required("AutoScalingGroupName")?)?;
        let of_group = (0..self.instances.len()).rev().filter(|&i| self.instances[i].group == Some(group));
        let (launching, launched): (Vec<usize>, Vec<usize>) =
            of_group.partition(|&i| self.instances[i].is_being_launched());
        page([launching, launched].concat(), parameters, 100)
    }

    /// The instances a group shows: those in its warm pool are not among them.
    pub(super) fn instances_of(&self, group: usize) -> impl Iterator<Item = &Instance> {
        let instances = self.instances.iter().filter(move |instance| instance.group == Some(group));
        instances.filter(|instance| !instance.is_gone() && !instance.is_shown_in_warm_pool())
    }
}

fn new_hook(name: &str) -> Hook {
    Hook {
        name: name.to_owned(),
        heartbeat_timeout: 3600,
        default_result: HookResult::Abandon,
        notification_metadata: None,
        notification_target: None,
        role: None,
        opens_after: 0.0,
        deployment_group: None,
        transition: Transition::Launching,
    }
}

fn action_name(parameters: &Parameters) -> Result<ActionName<'_>, Refusal> {
    Ok(ActionName {
        group: parameters.required("AutoScalingGroupName")?,
        hook: parameters.required("LifecycleHookName")?,
        token: parameters.get("LifecycleActionToken"),
        instance_id: parameters.get("InstanceId"),
    })
}

fn hook_result(text: &str, parameter: &str) -> Result<HookResult, Refusal> {
    match text {
        "CONTINUE" => Ok(HookResult::Continue),
        "ABANDON" => Ok(HookResult::Abandon),
        other => Err(invalid(parameter, other)),
    }
}

/// The part of `all` a call asks for; a token is the number of records before its page.
fn page(all: Vec<usize>, parameters: &Parameters, most: usize) -> Result<Page<usize>, Refusal> {
    let from = match parameters.get("NextToken") {
        None => 0,
        Some(token) => match token.parse() {
            Ok(from) if from <= all.len() => from,
            _ => return Err(Refusal::new("InvalidNextToken", format!("The token '{token}' is invalid."))),
        },
    };
    let size = parameters.number("MaxRecords")?.unwrap_or(PAGE);
    if !(1..=most.max(PAGE)).contains(&size) {
        return Err(invalid("MaxRecords", &size.to_string()));
    }
    let to = all.len().min(from + size.min(most));
    let next = (to < all.len()).then(|| to.to_string());
    Ok((all[from..to].to_vec(), next))
}

fn missing(parameter: &str) -> Refusal {
    let message = format!(
        "1 validation error detected: Value null at '{}' failed to satisfy constraint: Member must not be null",
        first_lower(parameter),
    );
    Refusal::new("ValidationError", message)
}

pub(super) fn invalid(parameter: &str, value: &str) -> Refusal {
    let message = format!(
        "1 validation error detected: Value '{value}' at '{}' failed to satisfy constraint",
        first_lower(parameter),
    );
    Refusal::new("ValidationError", message)
}

fn first_lower(parameter: &str) -> String {
    let (first, rest) = parameter.split_at(1);
    first.to_lowercase() + rest
}

impl Parameters {
    pub(super) fn required(&self, key: &str) -> Result<&str, Refusal> {
        self.get(key).ok_or_else(|| missing(key))
    }

    pub(super) fn number(&self, key: &str) -> Result<Option<usize>, Refusal> {
        self.get(key).map(|text| text.parse().map_err(|_| invalid(key, text))).transpose()
    }
}
