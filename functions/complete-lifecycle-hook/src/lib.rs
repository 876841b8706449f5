//! Ends a rollout: completes the launch lifecycle hook. It is the last gate before the instance enters service.

use aws::autoscaling::AutoScaling;
use aws::clients::Clients;
use aws::codedeploy::CodeDeploy;
use aws::function::Function;
use aws::pending_hook;
use aws::settings::{self, SettingError, Settings};
use aws::up_to_date;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::{Span, error, info_span};
use turnstile::limits::MOST_REPEATS;
use turnstile::policy::cause::{self, Subject};
use turnstile::policy::observations::{self, Observation};
use turnstile::words::deployment::LastDeployment;
use turnstile::words::error::Error;
use turnstile::words::failure::Failure;
use turnstile::words::hook::{HookResult, HookState, PendingHook};
use turnstile::words::ids::{ExecutionArn, HookName, InstanceId};
use turnstile::words::instance::Stage;
use turnstile::words::plan::{self, Plan};
use turnstile::words::revision::Revision;
use turnstile::words::turn::{DeployedApplication, FinishedDeployment};

/// The function.
pub struct CompleteLifecycleHook {
    codedeploy: CodeDeploy,
    autoscaling: AutoScaling,
    /// The stack's hook, for a rollout whose input could not be planned and does not name one of its group's.
    own_hook: HookName,
}

/// A rollout that ends.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// For the log.
    execution: ExecutionArn,
    /// The execution's input as it came. It is all there is to go by when planning failed.
    #[serde(default)]
    input: Value,
    plan: Option<Plan>,
    /// How many times the rollout has gone through its applications again because of somebody else.
    #[serde(default)]
    repeats: u32,
    #[serde(flatten)]
    ending: Ending,
}

/// How the rollout ends.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Ending {
    /// Every application is deployed.
    Deployed(Vec<DeployedApplication>),
    Failure(Failure),
}

/// What became of the hook, and what the execution ends with.
#[derive(Debug, PartialEq, Serialize)]
pub struct Answer {
    #[serde(flatten)]
    hook: Outcome,
    /// The deployments with which the instance enters service.
    #[serde(skip_serializing_if = "Option::is_none")]
    applications: Option<Vec<DeployedApplication>>,
    #[serde(flatten)]
    failure: Option<Failure>,
}

/// What became of the hook.
#[derive(Debug, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "SCREAMING_SNAKE_CASE")]
enum Outcome {
    Completed {
        result: HookResult,
    },
    /// It was over before: completed by somebody else or by an earlier call, timed out, or the instance is gone.
    AlreadyOver,
    /// The rollout had none to complete.
    NoHook,
    /// It stays open, because an application is not up to date any more: somebody has deployed since.
    Outdated {
        application: String,
        current: Revision,
        /// What the next round starts from.
        observations: Vec<Observation>,
    },
}

impl Function for CompleteLifecycleHook {
    type Request = Request;
    type Answer = Answer;

    fn new(clients: &Clients, settings: &Settings) -> Result<Self, SettingError> {
        Ok(Self {
            codedeploy: clients.codedeploy(),
            autoscaling: clients.autoscaling(),
            own_hook: settings.get(settings::LIFECYCLE_HOOK_NAME)?,
        })
    }

    fn span(request: &Request) -> Span {
        let Subject { auto_scaling_group_name: group, instance_id: instance, .. } = request.subject();
        info_span!("complete-lifecycle-hook", execution = %request.execution, group, instance)
    }

    async fn handle(&self, request: Request) -> Result<Answer, Error> {
        match &request.ending {
            Ending::Deployed(deployed) => self.let_in(&request, deployed).await,
            Ending::Failure(failure) => self.give_up(&request, failure).await,
        }
    }
}

impl CompleteLifecycleHook {
    /// Lets the instance into service, if every application is still up to date there.
    async fn let_in(&self, request: &Request, all: &[DeployedApplication]) -> Result<Answer, Error> {
        let answer = |hook, applications| Ok(Answer { hook, applications, failure: None });
        if let Some(plan) = &request.plan {
            let state = self.autoscaling.heartbeat(plan).await?;
            // If there is a hook, an earlier call whose answer was lost may have completed it: that shows below.
            if plan.hook.is_none() {
                state.require_open()?;
            }
        }
        let mut applications = Vec::new();
        for deployed in all {
            let Some(instance_id) = request.plan.as_ref().and_then(|plan| plan.instance_id.as_ref()) else {
                applications.push(deployed.clone());
                continue;
            };
            match self.look_again(deployed, instance_id).await? {
                Ok(deployed) => applications.push(deployed),
                // An earlier call, whose answer was lost, has let it in. What has happened since is not this rollout's.
                Err(_) if request.has_hook() && self.is_in_service(instance_id).await? => {
                    return answer(Outcome::AlreadyOver, Some(applications));
                }
                Err(current) if request.repeats >= MOST_REPEATS => {
                    return Err(Error::RevisionsKeepChanging(format!(
                        "{} is outdated again, after {} rounds for such reasons: its current revision is {current}",
                        deployed.group, request.repeats
                    )));
                }
                Err(current) => {
                    let application = deployed.group.to_string();
                    let observations = observations::for_next_round(all, &deployed.group);
                    return answer(Outcome::Outdated { application, current, observations }, None);
                }
            }
        }
        let hook = match self.pending_hook(request).await? {
            None => Outcome::NoHook,
            Some(pending) => match self.autoscaling.complete(&pending.action, HookResult::Continue).await? {
                HookState::Open => Outcome::Completed { result: HookResult::Continue },
                HookState::Over { instance: Stage::Gone, why } => return Err(Error::InstanceGone(why)),
                // Heartbeats have kept it open until here: an earlier call, whose answer was lost, has completed it.
                HookState::Over { .. } | HookState::NotYetOpen { .. } => Outcome::AlreadyOver,
            },
        };
        answer(hook, Some(applications))
    }

    /// Completes the hook of a rollout that has failed as the rollout's `onFailure` says.
    async fn give_up(&self, request: &Request, failure: &Failure) -> Result<Answer, Error> {
        error!(error = failure.error, cause = failure.cause, "the rollout failed");
        let (hook, done) = match self.pending_hook(request).await? {
            None => (Outcome::NoHook, "none to complete".to_owned()),
            Some(pending) => {
                let (name, result) = (&pending.action.lifecycle_hook_name, pending.on_failure);
                match self.autoscaling.complete(&pending.action, result).await? {
                    HookState::Open => (Outcome::Completed { result }, format!("{name} completed with {result}")),
                    // A launch that failed at once: the action may be about to open.
                    HookState::NotYetOpen { why } => return Err(Error::HookNotOpen(why)),
                    HookState::Over { why, .. } => (Outcome::AlreadyOver, format!("{name} was over already: {why}")),
                }
            }
        };
        let failure = cause::with_hook(failure, request.subject(), &done);
        Ok(Answer { hook, applications: None, failure: Some(failure) })
    }

    async fn pending_hook(&self, request: &Request) -> Result<Option<PendingHook>, Error> {
        pending_hook::find(&self.autoscaling, request.plan.as_ref(), &request.input, &self.own_hook).await
    }

    async fn is_in_service(&self, instance_id: &InstanceId) -> Result<bool, Error> {
        let instance = self.autoscaling.instance(instance_id).await?;
        Ok(instance.is_some_and(|instance| instance.stage() == Stage::InService))
    }

    /// Looks at an application once more, because somebody may have deployed since. The answer is the deployment that counts now, or the
    /// revision that the instance should have and has not.
    async fn look_again(
        &self,
        deployed: &DeployedApplication,
        instance_id: &InstanceId,
    ) -> Result<Result<DeployedApplication, Revision>, Error> {
        let name = &deployed.group;
        let group = self.codedeploy.group(name).await?.ok_or_else(|| {
            Error::UnsuitableDeploymentGroup(format!("{name}: the deployment group has been deleted meanwhile"))
        })?;
        let is_last = |last: &Option<LastDeployment>| {
            last.as_ref().is_some_and(|last| last.deployment_id == deployed.deployment.deployment_id)
        };
        if is_last(&group.last_attempted) && is_last(&group.last_successful) {
            return Ok(Ok(deployed.clone()));
        }
        let current = up_to_date::current_revision(&self.codedeploy, name, &group).await?;
        let freshness = up_to_date::by_all_deployments(&self.codedeploy, name, &current, instance_id).await?;
        Ok(match freshness.up_to_date() {
            Some(deployment) => {
                let deployment = FinishedDeployment { ended_at: None, ..FinishedDeployment::from(&deployment) };
                Ok(DeployedApplication { deployment, ..deployed.clone() })
            }
            None => Err(current.revision),
        })
    }
}

impl Request {
    fn subject(&self) -> Subject<'_> {
        let (auto_scaling_group_name, instance_id) = plan::subject(self.plan.as_ref(), &self.input);
        let warnings = self.plan.as_ref().map_or(&[][..], |plan| &plan.warnings);
        Subject { auto_scaling_group_name, instance_id, warnings }
    }

    fn has_hook(&self) -> bool {
        self.plan.as_ref().is_some_and(|plan| plan.hook.is_some())
    }
}
