use serde::Deserialize;
use serde_json::Value;
use tracing::{Instrument, info_span};
use turnstile::Error;
use turnstile::application::{self, Application};
use turnstile::autoscaling::{AutoScaling, Instance, LaunchHook, Stage};
use turnstile::codedeploy::{CodeDeploy, Group};
use turnstile::input::{self, Input};
use turnstile::log;
use turnstile::plan::{Hook, Plan};

pub struct Handler {
    pub codedeploy: CodeDeploy,
    pub autoscaling: AutoScaling,
    /// The stack's parameter `Applications`, for rollouts whose input and hook name none.
    pub default_applications: String,
    /// The stack's hook, for an instance that waits and an input that names no hook.
    pub own_hook: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    /// ARN of the execution, for the log.
    execution: String,
    /// The execution's input.
    input: Value,
}

impl Handler {
    pub async fn handle(&self, payload: Value) -> Result<Plan, Error> {
        let Request { execution, input } = input::read(payload)?;
        let (group, instance) = input::named(&input);
        let span = info_span!("plan-rollout", execution, group, instance);
        async {
            let plan = self.plan(input).await;
            log::outcome(&plan);
            plan
        }
        .instrument(span)
        .await
    }

    async fn plan(&self, input: Value) -> Result<Plan, Error> {
        let input = Input::parse(input)?;
        let completes_own_hook = input.completes_own_hook();
        let auto_scaling_group_name = String::from(input.auto_scaling_group_name);
        let instance_id = input.instance_id.map(String::from);
        let mut warnings = Vec::new();

        let named_hook = input.lifecycle_hook_name.map(String::from);
        let instance = match &instance_id {
            Some(id) => Some(self.instance(&auto_scaling_group_name, id, named_hook.is_some()).await?),
            None => {
                self.check_group_exists(&auto_scaling_group_name).await?;
                None
            }
        };
        let hooks = self.autoscaling.launch_hooks(&auto_scaling_group_name).await?;
        let group_hook = self.hook(named_hook.as_deref(), &hooks)?;
        let hook = match instance {
            Some(instance) if instance.stage() == Stage::Launching => {
                self.hook_to_complete(group_hook, named_hook.is_some() || completes_own_hook, &mut warnings)
            }
            Some(Instance { lifecycle_state, .. }) => {
                let unused = |name| format!("the instance is {lifecycle_state}: {name} is not completed");
                warnings.extend(named_hook.as_ref().map(unused));
                None
            }
            None => None,
        };
        let applications = match input.applications {
            Some(applications) => applications,
            None => self.default_applications(group_hook)?,
        };
        application::check_list(&applications)?;
        for (i, application) in applications.iter().enumerate() {
            let group = self.codedeploy.group(application).await?;
            check_deployment_group(i, application, group, &mut warnings)?;
        }
        warnings.extend(hooks.iter().filter(|hook| is_managed_by_codedeploy(hook)).map(|hook| {
            format!(
                "CodeDeploy's own launch hook {} is on the group: it deploys to a launching instance too, at the same time. \
                 Remove the Auto Scaling group from its deployment group, or delete the hook",
                hook.lifecycle_hook_name
            )
        }));

        Ok(Plan {
            hook: hook.map(|hook| Hook {
                lifecycle_hook_name: hook.lifecycle_hook_name.clone(),
                heartbeat_timeout_seconds: hook.heartbeat_timeout_seconds,
            }),
            auto_scaling_group_name,
            instance_id,
            applications,
            on_failure: input.on_failure.unwrap_or_default(),
            warnings,
        })
    }

    async fn check_group_exists(&self, name: &str) -> Result<(), Error> {
        match self.autoscaling.instances_in_service(name).await? {
            Some(_) => Ok(()),
            None => Err(Error::InvalidInput(format!("autoScalingGroupName: there is no Auto Scaling group {name:?}"))),
        }
    }

    /// The instance, launching or in service. An instance that waits at a hook may be too new for Auto Scaling to tell of it.
    async fn instance(&self, group: &str, instance_id: &str, at_hook: bool) -> Result<Instance, Error> {
        let Some(instance) = self.autoscaling.instance(instance_id).await? else {
            self.check_group_exists(group).await?;
            let problem = format!("instanceId: {instance_id} is in no Auto Scaling group");
            return Err(if at_hook { Error::InstanceNotFound(problem) } else { Error::InvalidInput(problem) });
        };
        let actual = &instance.auto_scaling_group_name;
        if actual != group {
            self.check_group_exists(group).await?;
            return Err(Error::InvalidInput(format!(
                "instanceId: {instance_id} is in the Auto Scaling group {actual:?}, not in {group:?} (autoScalingGroupName)"
            )));
        }
        match instance.stage() {
            Stage::Gone => Err(Error::InstanceGone(format!("{instance_id} is {}", instance.lifecycle_state))),
            Stage::Launching | Stage::InService => Ok(instance),
        }
    }

    /// The group's hook that the input names, else the stack's own, if the group has it.
    fn hook<'a>(&self, named: Option<&str>, hooks: &'a [LaunchHook]) -> Result<Option<&'a LaunchHook>, Error> {
        let find = |name: &str| hooks.iter().find(|hook| hook.lifecycle_hook_name == name);
        let Some(name) = named else { return Ok(find(&self.own_hook)) };
        find(name).map(Some).ok_or_else(|| {
            let has: Vec<_> = hooks.iter().map(|hook| hook.lifecycle_hook_name.as_str()).collect();
            Error::InvalidInput(format!(
                "lifecycleHookName: expected a launch lifecycle hook of the group ({}), got {name:?}",
                has.join(", ")
            ))
        })
    }

    /// The hook of a launching instance, as far as it is this rollout's to complete.
    fn hook_to_complete<'a>(
        &self,
        hook: Option<&'a LaunchHook>,
        is_ours: bool,
        warnings: &mut Vec<String>,
    ) -> Option<&'a LaunchHook> {
        let hook = hook?;
        if !is_ours {
            warnings.push(format!(
                "the instance waits at {}, which is not completed after certain applications only: name it as \
                 lifecycleHookName if it should be",
                hook.lifecycle_hook_name
            ));
            return None;
        }
        Some(hook)
    }

    /// The applications of an input that names none: those in the hook's NotificationMetadata, whether or not an instance waits
    /// at it, else the stack's.
    fn default_applications(&self, hook: Option<&LaunchHook>) -> Result<Vec<Application>, Error> {
        if let Some(hook) = hook
            && let Some(metadata) = &hook.notification_metadata
            && let Some(applications) =
                application::parse_list(&format!("NotificationMetadata of {}", hook.lifecycle_hook_name), metadata)?
        {
            return Ok(applications);
        }
        application::parse_list("the stack's parameter Applications", &self.default_applications)?.ok_or_else(|| {
            Error::InvalidInput(
                "applications: expected a list in the input, in the hook's NotificationMetadata or in the stack's parameter \
                 Applications, found none"
                    .into(),
            )
        })
    }
}

/// How CodeDeploy names the hooks that it installs (CodeDeploy user guide, "Integrating CodeDeploy with Amazon EC2 Auto
/// Scaling").
fn is_managed_by_codedeploy(hook: &LaunchHook) -> bool {
    hook.lifecycle_hook_name.starts_with("CodeDeploy-managed-automatic-launch-deployment-hook-")
}

/// Whether a rollout can deploy to the group.
fn check_deployment_group(
    i: usize,
    application: &Application,
    group: Option<Group>,
    warnings: &mut Vec<String>,
) -> Result<(), Error> {
    let Application { application_name, deployment_group_name, .. } = application;
    let unsuitable =
        |problem: String| Err(Error::UnsuitableDeploymentGroup(format!("applications[{i}]: {application} {problem}")));
    let Some(group) = group else {
        return Err(Error::InvalidInput(format!(
            "applications[{i}]: there is no deployment group {deployment_group_name:?} of an application {application_name:?}"
        )));
    };
    if group.compute_platform != "Server" {
        return unsuitable(format!("deploys to {}, not to EC2 instances", group.compute_platform));
    }
    if group.deployment_type != "IN_PLACE" {
        return unsuitable(format!("is {}, expected an in-place deployment group", group.deployment_type));
    }
    if group.target_revision.is_none() && group.last_successful.is_none() {
        return unsuitable("has no revision: deploy one to it before a rollout can".into());
    }
    if group.updates_outdated_instances {
        warnings.push(format!(
            "{application}: outdatedInstancesStrategy is UPDATE: for instances that launch during a deployment CodeDeploy starts \
             one of its own, which can meet Turnstile's on the instance. IGNORE leaves them to Turnstile"
        ));
    }
    Ok(())
}
