//! The first state of a rollout: makes a plan of the input, and checks that it can be carried out.

use aws::autoscaling::AutoScaling;
use aws::clients::Clients;
use aws::codedeploy::CodeDeploy;
use aws::function::Function;
use aws::settings::{self, Missing, Settings};
use serde::Deserialize;
use serde_json::Value;
use tracing::{Span, info_span, warn};
use turnstile::application::{self, Application};
use turnstile::error::Error;
use turnstile::input::{self, Input};
use turnstile::instance::{Instance, LaunchHook, Stage};
use turnstile::plan::{Hook, Plan};
use turnstile::suitability;
use turnstile::wait;

pub struct PlanRollout {
    pub codedeploy: CodeDeploy,
    pub autoscaling: AutoScaling,
    /// The stack's parameter `Applications`, for rollouts whose input and hook name none.
    pub default_applications: String,
    /// The stack's hook, for an instance that waits and an input that names no hook.
    pub own_hook: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// ARN of the execution, for the log.
    execution: String,
    /// The execution's input.
    input: Value,
}

impl Function for PlanRollout {
    type Request = Request;
    type Answer = Plan;

    fn new(clients: &Clients, settings: &Settings) -> Result<Self, Missing> {
        Ok(Self {
            codedeploy: clients.codedeploy(),
            autoscaling: clients.autoscaling(),
            default_applications: settings.get_or_empty(settings::APPLICATIONS),
            own_hook: settings.get(settings::LIFECYCLE_HOOK_NAME)?,
        })
    }

    fn span(request: &Request) -> Span {
        let (group, instance) = input::named(&request.input);
        info_span!("plan-rollout", execution = request.execution, group, instance)
    }

    async fn handle(&self, request: Request) -> Result<Plan, Error> {
        self.plan(request.input).await
    }
}

impl PlanRollout {
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
                if group_hook.is_none() {
                    warnings.push(format!(
                        "{auto_scaling_group_name} has no launch lifecycle hook {}: nothing keeps the instance out of service \
                         until the applications are deployed",
                        self.own_hook
                    ));
                }
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
        let mut plan = Plan {
            hook: hook.map(|hook| Hook {
                lifecycle_hook_name: hook.lifecycle_hook_name.clone(),
                heartbeat_timeout_seconds: hook.heartbeat_timeout_seconds,
            }),
            auto_scaling_group_name,
            instance_id,
            applications,
            on_failure: input.on_failure.unwrap_or_default(),
            warnings,
        };
        self.keep_open(&plan).await?;
        plan.warnings.extend(longer_than_the_hook(&plan));
        let Plan { applications, warnings, .. } = &mut plan;
        for (i, application) in applications.iter().enumerate() {
            let group = match self.codedeploy.group(application).await {
                Ok(group) => group,
                // In a burst of launches every rollout asks at once. The same is checked again before anything is deployed.
                Err(error @ Error::Throttled { .. }) => {
                    warn!(error = error.name(), reason = %error, "the other deployment groups are not checked");
                    warnings.push(format!("applications[{i}] and what follows were not checked: {error}"));
                    break;
                }
                Err(error) => return Err(error),
            };
            let located = |problem| Error::UnsuitableDeploymentGroup(format!("applications[{i}]: {problem}"));
            let group = group.ok_or_else(|| {
                Error::InvalidInput(format!(
                    "applications[{i}]: there is no deployment group {:?} of an application {:?}",
                    application.deployment_group_name, application.application_name
                ))
            })?;
            suitability::check(application, &group).map_err(located)?;
            warnings.extend(suitability::warning(application, &group));
        }
        warnings.extend(hooks.iter().filter(|hook| is_managed_by_codedeploy(hook)).map(|hook| {
            format!(
                "CodeDeploy's own launch hook {} is on the group: it deploys to a launching instance too, at the same time. \
                 Remove the Auto Scaling group from its deployment group, or delete the hook (aws autoscaling \
                 delete-lifecycle-hook)",
                hook.lifecycle_hook_name
            )
        }));
        Ok(plan)
    }

    /// In a burst of launches the calls that follow may be throttled, and repeated for longer than the hook stays open by itself.
    async fn keep_open(&self, plan: &Plan) -> Result<(), Error> {
        match self.autoscaling.heartbeat(plan).await {
            // The plan does not need the hook yet.
            Err(Error::HookNotOpen(_)) => Ok(()),
            done => done,
        }
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

/// A hook is over in the end, however many heartbeats it gets.
fn longer_than_the_hook(plan: &Plan) -> Option<String> {
    let hook = plan.hook.as_ref()?;
    let open = wait::until_hook_is_over(0, hook);
    let needed: u32 = plan.applications.iter().map(|application| application.timeout_seconds).sum();
    (needed > open).then(|| {
        format!(
            "the applications may take {needed} s in all (timeoutSeconds), but {} is over after {open} s, whatever its \
                         heartbeats: raise its heartbeat time-out, now {} s",
            hook.lifecycle_hook_name, hook.heartbeat_timeout_seconds
        )
    })
}

/// How CodeDeploy names the hooks that it installs (CodeDeploy user guide, "Integrating CodeDeploy with Amazon EC2 Auto
/// Scaling").
fn is_managed_by_codedeploy(hook: &LaunchHook) -> bool {
    hook.lifecycle_hook_name.starts_with("CodeDeploy-managed-automatic-launch-deployment-hook-")
}
