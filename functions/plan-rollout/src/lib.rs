//! Makes a plan of a rollout's input, checks that it can be carried out, and takes ownership of the launch.

mod dry_run;
mod ownership;

use std::collections::BTreeSet;

use aws::autoscaling::AutoScaling;
use aws::clients::Clients;
use aws::codedeploy::CodeDeploy;
use aws::function::Function;
use aws::history::History;
use aws::launches::Launches;
use aws::settings::{self, SettingError, Settings};
use aws::turns::Turns;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::{Span, info_span, warn};
use turnstile::policy::dry_run::Report;
use turnstile::policy::gate::{self, Selecting};
use turnstile::policy::{preflight, waits, warnings};
use turnstile::words::about::About;
use turnstile::words::application::{self, Application, DeploymentGroup};
use turnstile::words::deployment::DeploymentGroupInfo;
use turnstile::words::error::Error;
use turnstile::words::gate::GateKey;
use turnstile::words::hook::{Hook, HookState};
use turnstile::words::ids::{AutoScalingGroupName, ExecutionArn, HookName, InstanceId};
use turnstile::words::input::Input;
use turnstile::words::instance::{Instance, Stage};
use turnstile::words::owner::OtherOwner;
use turnstile::words::plan::Plan;
use turnstile::words::served::ServedGroups;
use turnstile::words::time::Timestamp;

use crate::ownership::{Ask, Asked};

/// The function.
pub struct PlanRollout {
    codedeploy: CodeDeploy,
    autoscaling: AutoScaling,
    ask: Ask,
    turns: Turns,
    /// The stack's parameter `Applications`, for rollouts whose input and hook name none.
    default_applications: String,
    /// The stack's hook, for an instance that waits and an input that names no hook.
    own_hook: HookName,
    /// The key of the tag that is the gate.
    gate_key: GateKey,
    served: ServedGroups,
}

/// A rollout that begins.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// The owner of the launch, once it has it.
    execution: ExecutionArn,
    /// The execution's input.
    input: Value,
    /// Absent in a call of the version before: then nothing is known of the time, and an owner that is in the way is asked for as if for
    /// the first time.
    now: Option<Timestamp>,
    /// The rollout that it has waited for; absent when it asks for the first time.
    owner: Option<OtherOwner>,
}

/// What comes of planning.
#[derive(Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// The rollout can go on; if it has a launch, it owns it.
    Planned(Box<Plan>),
    /// Another rollout owns the launch. Ask again after its `waitSeconds`.
    Owned { owner: OtherOwner },
    /// It was a dry run, and has changed nothing.
    DryRun(Box<Report>),
}

/// What the deployment groups are like.
#[derive(Default)]
struct Checked {
    /// What the operator should know of them.
    warnings: Vec<String>,
    /// The same of how they go by the gate.
    of_gates: Vec<String>,
    /// The first of which it is known that it does.
    first_gated: Option<DeploymentGroup>,
    /// Whether some of them do, or may do so.
    has_gates: bool,
    /// Whether all of them do.
    all_gated: bool,
    /// Of those that could be asked, in the order of the list.
    infos: Vec<DeploymentGroupInfo>,
}

impl Function for PlanRollout {
    type Request = Request;
    type Answer = Answer;

    fn new(clients: &Clients, settings: &Settings) -> Result<Self, SettingError> {
        let Launches { autoscaling, owners } = clients.launches(settings.get(settings::TURNS_TABLE)?);
        Ok(Self {
            codedeploy: clients.codedeploy(),
            autoscaling: autoscaling.clone(),
            ask: Ask { autoscaling, owners, executions: clients.executions() },
            turns: clients.turns(settings.get(settings::TURNS_TABLE)?),
            default_applications: settings.get_or_empty(settings::APPLICATIONS),
            own_hook: settings.get(settings::LIFECYCLE_HOOK_NAME)?,
            gate_key: settings.get(settings::GATE_TAG_KEY)?,
            served: settings.served_groups()?,
        })
    }

    fn span(call: &Value) -> Span {
        let About { execution, group, instance, .. } = About::of(call);
        info_span!("plan-rollout", execution, group, instance)
    }

    async fn handle(&self, request: Request) -> Result<Answer, Error> {
        let Request { execution, input, now, owner } = request;
        let input = Input::parse(input)?;
        self.served.check(&input.auto_scaling_group_name)?;
        let now = now.unwrap_or_else(|| Timestamp::from_seconds(0));
        let asked = match input.dry_run {
            true => None,
            false => self.ask.first(&input, &self.own_hook, &execution, owner.as_ref(), now).await?,
        };
        let asked = match asked {
            Some(Asked::Owned(owner)) => return Ok(Answer::Owned { owner }),
            Some(Asked::Free(asked)) => Some(asked),
            None => None,
        };

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
        let hook_to_complete = match &instance {
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
        let is_launching = instance.as_ref().is_some_and(|instance| instance.stage() == Stage::Launching);
        if is_launching || input.dry_run {
            warnings.extend(hook.and_then(|hook| preflight::warning_of_hook(&group, hook)));
        }
        let left_to_its_owner = hook.filter(|_| is_launching && !is_ours).map(|hook| &hook.lifecycle_hook_name);
        // Before anything can be found wrong: a failure completes the hook.
        let mut hook_opened_at = None;
        if let (Some(hook), Some(instance), Some(asked)) = (hook_to_complete, &instance, asked) {
            let is_open = asked.is_open.clone();
            match self.ask.own(asked, hook, instance.destination(), &execution, owner.as_ref(), now).await? {
                Ok(opened_at) => hook_opened_at = opened_at,
                Err(owner) => return Ok(Answer::Owned { owner }),
            }
            match is_open? {
                // The plan does not need the hook yet.
                HookState::NotYetOpen { .. } => {}
                state => state.require_open()?,
            }
        }
        let (source, applications) = match input.applications {
            Some(applications) => {
                if hook_to_complete.is_some() {
                    warnings.extend(self.warning_of_left_out(hook, &applications));
                }
                ("the input".to_owned(), applications)
            }
            None => self.default_applications(hook)?,
        };
        application::check_list(&applications)?;
        let others = hooks.iter().map(|hook| &hook.lifecycle_hook_name);
        let others = others.filter(|name| hook_to_complete.is_some_and(|own| own.lifecycle_hook_name != **name));
        let mut plan = Plan {
            other_hooks: others.cloned().collect(),
            hook: hook_to_complete.cloned(),
            hook_opened_at,
            auto_scaling_group_name: group,
            instance_id,
            applications,
            gate_key: self.gate_key.clone(),
            has_gates: false,
            turn_per_deployment: false,
            on_failure: input.on_failure.unwrap_or_default(),
            warnings,
        };
        plan.warnings.extend(longer_than_the_hook(&plan, now));
        let Checked { warnings, of_gates, first_gated, has_gates, all_gated, infos } =
            self.check_groups(&plan.applications, input.dry_run).await?;
        if let (Some(gated), Some(hook), Some(instance_id)) = (&first_gated, left_to_its_owner, &plan.instance_id) {
            return Err(Error::InvalidInput(format!(
                "lifecycleHookName: expected {:?}, at which {instance_id} waits or is about to, got none: {gated} is gated, and only the \
                 rollout that completes the hook moves the gate of an instance that launches",
                hook.as_str()
            )));
        }
        plan.warnings.extend(warnings);
        plan.has_gates = has_gates;
        plan.turn_per_deployment = all_gated;
        plan.warnings.extend(self.check_configurations(&plan.applications).await?);
        plan.warnings.extend(hooks.iter().filter(|hook| preflight::is_managed_by_codedeploy(&hook.lifecycle_hook_name)).map(|hook| {
            format!(
                "CodeDeploy's own launch hook {} is on the group: it deploys to a launching instance too, at the same time. \
                 Remove the Auto Scaling group from its deployment group, or delete the hook (aws autoscaling \
                 delete-lifecycle-hook)",
                hook.lifecycle_hook_name
            )
        }));
        // What goes wrong in a launch comes first: a failure quotes the first few.
        plan.warnings.extend(of_gates);
        plan.warnings = warnings::bounded(plan.warnings);
        if input.dry_run {
            let report = self.dry_run(plan, instance.as_ref(), hook, &source, infos, now).await?;
            return Ok(Answer::DryRun(Box::new(report)));
        }
        Ok(Answer::Planned(Box::new(plan)))
    }
}

impl PlanRollout {
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
    /// else the stack's. With it comes where it was found.
    fn default_applications(&self, hook: Option<&Hook>) -> Result<(String, Vec<Application>), Error> {
        if let Some(hook) = hook
            && let Some(metadata) = &hook.notification_metadata
        {
            let source = format!("NotificationMetadata of {}", hook.lifecycle_hook_name);
            if let Some(applications) = application::parse_list(&source, metadata)? {
                return Ok((source, applications));
            }
        }
        let source = "the stack's parameter Applications";
        let applications = application::parse_list(source, &self.default_applications)?.ok_or_else(|| {
            Error::InvalidInput(
                "applications: expected a list in the input, in the hook's NotificationMetadata or in the stack's parameter \
                 Applications, found none"
                    .into(),
            )
        })?;
        Ok((source.to_owned(), applications))
    }

    /// What the operator should know of a list in the input after which the hook is completed: the applications that are configured besides.
    fn warning_of_left_out(&self, hook: Option<&Hook>, listed: &[Application]) -> Option<String> {
        let (source, configured) = self.default_applications(hook).ok()?;
        let is_left_out = |one: &&Application| listed.iter().all(|other| other.group != one.group);
        let left_out: Vec<String> = configured.iter().filter(is_left_out).map(ToString::to_string).collect();
        (!left_out.is_empty()).then(|| {
            let left_out = left_out.join(", ");
            format!(
                "the instance is to enter service without {left_out}: {source} has it, and the input's list has not"
            )
        })
    }

    /// Checks that the rollout can deploy to every application's group. `all`: none may be left out, whatever it takes.
    async fn check_groups(&self, applications: &[Application], all: bool) -> Result<Checked, Error> {
        let Checked { mut warnings, mut of_gates, mut first_gated, mut has_gates, .. } = Checked::default();
        let (mut all_gated, mut infos) = (true, Vec::new());
        for (i, application) in applications.iter().enumerate() {
            let name = &application.group;
            let group = match self.codedeploy.group(name).await {
                Ok(group) => group,
                // In a burst of launches every rollout asks at once. The same is checked again before anything is deployed.
                Err(error @ Error::Throttled { .. }) if !all => {
                    warn!(error = error.name(), reason = %error, "the other deployment groups are not checked");
                    (has_gates, all_gated) = (true, false);
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
            of_gates.extend(gate::warnings(&self.gate_key, application, &group));
            let is_gated = Selecting::of(&self.gate_key, name, &group.selection).is_gated();
            (has_gates, all_gated) = (has_gates || is_gated, all_gated && is_gated);
            if is_gated {
                first_gated.get_or_insert_with(|| name.clone());
            }
            match self.half_way_release(name, &group).await {
                Ok(warning) => warnings.extend(warning),
                Err(error) if error.is_temporary() => {
                    warn!(error = error.name(), reason = %error, "whether a release has failed half-way is not checked");
                }
                Err(error) => return Err(error),
            }
            infos.push(group);
        }
        Ok(Checked { warnings, of_gates, first_gated, has_gates, all_gated, infos })
    }

    /// Checks that there is every deployment configuration that the applications name, and returns a warning if that cannot be told: CodeDeploy
    /// refuses a deployment with one that it does not know.
    async fn check_configurations(&self, applications: &[Application]) -> Result<Option<String>, Error> {
        let mut checked = BTreeSet::new();
        for (i, Application { group, deployment_config_name, .. }) in applications.iter().enumerate() {
            let Some(name) = deployment_config_name.as_deref().filter(|name| checked.insert(*name)) else { continue };
            let field = format!("applications[{i}].deploymentConfigName");
            let platform = match self.codedeploy.compute_platform_of_configuration(name).await {
                Ok(platform) => platform,
                Err(error @ (Error::Throttled { .. } | Error::AccessDenied { .. })) => {
                    warn!(error = error.name(), reason = %error, "the other deployment configurations are not checked");
                    return Ok(Some(format!("{field} and what follows were not checked: {error}")));
                }
                Err(error) => return Err(error),
            };
            preflight::check_configuration(name, platform.as_deref())
                .map_err(|problem| Error::InvalidInput(format!("{field}: {group}: {problem}")))?;
        }
        Ok(None)
    }

    async fn half_way_release(
        &self,
        name: &DeploymentGroup,
        group: &DeploymentGroupInfo,
    ) -> Result<Option<String>, Error> {
        let Some((successful, attempted)) = group.last_successful.as_ref().zip(group.last_attempted.as_ref()) else {
            return Ok(None);
        };
        if successful.deployment_id == attempted.deployment_id {
            return Ok(None);
        }
        let since = successful.created.unwrap_or(Timestamp::from_seconds(0));
        let history = History::read(&self.codedeploy, name, group, since).await?;
        Ok(preflight::half_way_release(name, &history.current, history.since_last_successful()))
    }
}

/// A hook is over in the end, however many heartbeats it gets.
fn longer_than_the_hook(plan: &Plan, now: Timestamp) -> Option<String> {
    let hook = plan.hook.as_ref()?;
    let open = waits::until_hook_is_over(waits::hook_age(plan, now, now), hook);
    let needed: u32 = plan.applications.iter().map(|application| application.timeout_seconds).sum();
    (needed > open).then(|| {
        format!(
            "the applications may take {needed} s in all (timeoutSeconds), but {} is over after {open} s, whatever its heartbeats: \
             raise its heartbeat time-out, now {} s",
            hook.lifecycle_hook_name, hook.heartbeat_timeout_seconds
        )
    })
}
