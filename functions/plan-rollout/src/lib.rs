//! Makes a plan of a rollout's input, and checks that it can be carried out.

use aws::autoscaling::AutoScaling;
use aws::clients::Clients;
use aws::codedeploy::CodeDeploy;
use aws::function::Function;
use aws::settings::{self, SettingError, Settings};
use serde::Deserialize;
use serde_json::Value;
use tracing::{Span, info_span, warn};
use turnstile::policy::{preflight, waits};
use turnstile::words::application::{self, Application};
use turnstile::words::error::Error;
use turnstile::words::hook::{Hook, HookState};
use turnstile::words::ids::{AutoScalingGroupName, ExecutionArn, HookName, InstanceId};
use turnstile::words::input::{self, Input};
use turnstile::words::instance::{Instance, Stage};
use turnstile::words::plan::Plan;

/// The function.
pub struct PlanRollout {
    codedeploy: CodeDeploy,
    autoscaling: AutoScaling,
    /// The stack's parameter `Applications`, for rollouts whose input and hook name none.
    default_applications: String,
    /// The stack's hook, for an instance that waits and an input that names no hook.
    own_hook: HookName,
}

/// A rollout that begins.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// For the log.
    execution: ExecutionArn,
    /// The execution's input.
    input: Value,
}

impl Function for PlanRollout {
    type Request = Request;
    type Answer = Plan;

    fn new(clients: &Clients, settings: &Settings) -> Result<Self, SettingError> {
        Ok(Self {
            codedeploy: clients.codedeploy(),
            autoscaling: clients.autoscaling(),
            default_applications: settings.get_or_empty(settings::APPLICATIONS),
            own_hook: settings.get(settings::LIFECYCLE_HOOK_NAME)?,
        })
    }

    fn span(request: &Request) -> Span {
        let (group, instance) = input::named(&request.input);
        info_span!("plan-rollout", execution = %request.execution, group, instance)
    }

    async fn handle(&self, request: Request) -> Result<Plan, Error> {
        let input = Input::parse(request.input)?;
        let completes_own_hook = input.completes_own_hook();
        let Input { auto_scaling_group_name: group, instance_id, lifecycle_hook_name: named_hook, .. } = input;
        let mut warnings = Vec::new();

        let instance = match &instance_id {
            Some(instance_id) => Some(self.instance(&group, instance_id, named_hook.is_some()).await?),
            None => {
                self.check_group_exists(&group).await?;
                None
            }
        };
        let hooks = self.autoscaling.launch_hooks(&group).await?;
        let hook = self.hook(named_hook.as_ref(), &hooks)?;
        let is_ours = named_hook.is_some() || completes_own_hook;
        let hook_to_complete = match instance {
            Some(instance) if instance.stage() == Stage::Launching => {
                warnings.extend(self.warning_of_launch(&group, hook, is_ours));
                hook.filter(|_| is_ours)
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
            None => self.default_applications(hook)?,
        };
        application::check_list(&applications)?;
        let others = hooks.iter().map(|hook| &hook.lifecycle_hook_name);
        let others = others.filter(|name| hook_to_complete.is_some_and(|own| own.lifecycle_hook_name != **name));
        let mut plan = Plan {
            other_hooks: others.cloned().collect(),
            hook: hook_to_complete.cloned(),
            auto_scaling_group_name: group,
            instance_id,
            applications,
            on_failure: input.on_failure.unwrap_or_default(),
            warnings,
        };
        self.keep_open(&plan).await?;
        plan.warnings.extend(longer_than_the_hook(&plan));
        plan.warnings.extend(self.check_groups(&plan.applications).await?);
        plan.warnings.extend(hooks.iter().filter(|hook| preflight::is_managed_by_codedeploy(&hook.lifecycle_hook_name)).map(|hook| {
            format!(
                "CodeDeploy's own launch hook {} is on the group: it deploys to a launching instance too, at the same time. \
                 Remove the Auto Scaling group from its deployment group, or delete the hook (aws autoscaling \
                 delete-lifecycle-hook)",
                hook.lifecycle_hook_name
            )
        }));
        Ok(plan)
    }
}

impl PlanRollout {
    /// In a burst of launches the calls that follow may be throttled, and repeated for longer than the hook stays open by itself.
    async fn keep_open(&self, plan: &Plan) -> Result<(), Error> {
        match self.autoscaling.heartbeat(plan).await? {
            // The plan does not need the hook yet.
            HookState::NotYetOpen { .. } => Ok(()),
            state => state.require_open(),
        }
    }

    async fn check_group_exists(&self, group: &AutoScalingGroupName) -> Result<(), Error> {
        match self.autoscaling.instances_in_service(group).await? {
            Some(_) => Ok(()),
            None => Err(Error::InvalidInput(format!(
                "autoScalingGroupName: there is no Auto Scaling group {:?}",
                group.as_str()
            ))),
        }
    }

    /// The instance, launching or in service. An instance that waits at a hook may be too new for Auto Scaling to tell of it.
    async fn instance(
        &self,
        group: &AutoScalingGroupName,
        instance_id: &InstanceId,
        is_at_hook: bool,
    ) -> Result<Instance, Error> {
        let Some(instance) = self.autoscaling.instance(instance_id).await? else {
            self.check_group_exists(group).await?;
            let problem = format!("instanceId: {instance_id} is in no Auto Scaling group");
            return Err(if is_at_hook { Error::InstanceNotFound(problem) } else { Error::InvalidInput(problem) });
        };
        let actual = &instance.auto_scaling_group_name;
        if actual != group {
            self.check_group_exists(group).await?;
            return Err(Error::InvalidInput(format!(
                "instanceId: {instance_id} is in the Auto Scaling group {:?}, not in {:?} (autoScalingGroupName)",
                actual.as_str(),
                group.as_str()
            )));
        }
        match instance.stage() {
            Stage::Gone => Err(Error::InstanceGone(format!("{instance_id} is {}", instance.lifecycle_state))),
            Stage::RootVolumeReplaced => Err(Error::RootVolumeReplaced(format!(
                "{instance_id} is {}: its disk is empty or about to be, but CodeDeploy takes it for up to date and will not deploy to it. \
                 An instance that takes its place gets everything",
                instance.lifecycle_state
            ))),
            Stage::Launching | Stage::InService => Ok(instance),
        }
    }

    /// The group's hook that the input names, else the stack's own, if the group has it.
    fn hook<'a>(&self, named: Option<&HookName>, hooks: &'a [Hook]) -> Result<Option<&'a Hook>, Error> {
        let find = |name: &HookName| hooks.iter().find(|hook| hook.lifecycle_hook_name == *name);
        let Some(name) = named else { return Ok(find(&self.own_hook)) };
        find(name).map(Some).ok_or_else(|| {
            let has: Vec<&str> = hooks.iter().map(|hook| hook.lifecycle_hook_name.as_str()).collect();
            Error::InvalidInput(format!(
                "lifecycleHookName: expected a launch lifecycle hook of the group ({}), got {:?}",
                has.join(", "),
                name.as_str()
            ))
        })
    }

    /// What the operator should know of an instance that is launching: nothing keeps it waiting, or nobody completes its hook. `is_ours`:
    /// whether the rollout completes the hook.
    fn warning_of_launch(&self, group: &AutoScalingGroupName, hook: Option<&Hook>, is_ours: bool) -> Option<String> {
        match hook {
            None => Some(format!(
                "{group} has no launch lifecycle hook {}: nothing keeps the instance out of service until the applications are \
                 deployed",
                self.own_hook
            )),
            Some(hook) if !is_ours => Some(format!(
                "the instance waits at {}, which is not completed after certain applications only: name it as \
                 lifecycleHookName if it should be",
                hook.lifecycle_hook_name
            )),
            Some(_) => None,
        }
    }

    /// The applications of an input that names none: those in the hook's NotificationMetadata, whether or not an instance waits at it,
    /// else the stack's.
    fn default_applications(&self, hook: Option<&Hook>) -> Result<Vec<Application>, Error> {
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

    /// Checks that the rollout can deploy to every application's group, and returns what the operator should know of the groups.
    async fn check_groups(&self, applications: &[Application]) -> Result<Vec<String>, Error> {
        let mut warnings = Vec::new();
        for (i, Application { group: name, .. }) in applications.iter().enumerate() {
            let group = match self.codedeploy.group(name).await {
                Ok(group) => group,
                // In a burst of launches every rollout asks at once. The same is checked again before anything is deployed.
                Err(error @ Error::Throttled { .. }) => {
                    warn!(error = error.name(), reason = %error, "the other deployment groups are not checked");
                    warnings.push(format!("applications[{i}] and what follows were not checked: {error}"));
                    break;
                }
                Err(error) => return Err(error),
            };
            let group = group.ok_or_else(|| {
                Error::InvalidInput(format!(
                    "applications[{i}]: there is no deployment group {:?} of an application {:?}",
                    name.deployment_group_name.as_str(),
                    name.application_name.as_str()
                ))
            })?;
            preflight::check(name, &group)
                .map_err(|problem| Error::UnsuitableDeploymentGroup(format!("applications[{i}]: {problem}")))?;
            warnings.extend(preflight::warnings(name, &group));
        }
        Ok(warnings)
    }
}

/// A hook is over in the end, however many heartbeats it gets.
fn longer_than_the_hook(plan: &Plan) -> Option<String> {
    let hook = plan.hook.as_ref()?;
    let open = waits::until_hook_is_over(0, hook);
    let needed: u32 = plan.applications.iter().map(|application| application.timeout_seconds).sum();
    (needed > open).then(|| {
        format!(
            "the applications may take {needed} s in all (timeoutSeconds), but {} is over after {open} s, whatever its heartbeats: \
             raise its heartbeat time-out, now {} s",
            hook.lifecycle_hook_name, hook.heartbeat_timeout_seconds
        )
    })
}
