//! The end of a rollout: completes the launch lifecycle hook, as the last gate before the instance enters service.

mod cause;

use aws::autoscaling::AutoScaling;
use aws::clients::Clients;
use aws::codedeploy::CodeDeploy;
use aws::evidence;
use aws::function::Function;
use aws::owed::{self, OwedHook};
use aws::settings::{self, Missing, Settings};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::{Span, error, info_span};
use turnstile::codedeploy::{Deployment, LastDeployment};
use turnstile::error::Error;
use turnstile::input::{self, HookResult};
use turnstile::instance::{Completion, Stage};
use turnstile::plan::{MOST_REPEATS, Plan};
use turnstile::revision::Revision;
use turnstile::served::{Deployed, Known};

use crate::cause::{Caught, Subject};

pub struct CompleteLifecycleHook {
    pub codedeploy: CodeDeploy,
    pub autoscaling: AutoScaling,
    /// The stack's hook, for a rollout whose input could not be planned and does not name one of its group's.
    pub own_hook: String,
}

/// How the rollout ended.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// ARN of the execution, for the log.
    execution: String,
    /// The execution's input as it came. All there is to go by when planning failed.
    #[serde(default)]
    input: Value,
    plan: Option<Plan>,
    /// How many times the rollout has gone through its applications again because of somebody else.
    #[serde(default)]
    repeats: u32,
    #[serde(flatten)]
    ending: Ending,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Ending {
    /// Every application is deployed: which deployment brought which revision.
    Deployed(Vec<Deployed>),
    Failed(Caught),
}

#[derive(Debug, PartialEq, Serialize)]
pub struct Answer {
    #[serde(flatten)]
    hook: Outcome,
    /// The deployments that the instance was let in with.
    #[serde(skip_serializing_if = "Option::is_none")]
    applications: Option<Vec<Deployed>>,
    /// What the execution ends with, when the rollout failed.
    #[serde(flatten)]
    failure: Option<Caught>,
}

/// What became of the hook.
#[derive(Debug, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "SCREAMING_SNAKE_CASE")]
enum Outcome {
    Completed {
        result: HookResult,
    },
    /// It was over before: completed by somebody else, timed out, or the instance is gone.
    AlreadyOver,
    /// The rollout had none to complete.
    NoHook,
    /// It stays open, because an application is not up to date any more: somebody has deployed since.
    Outdated {
        application: String,
        current: Revision,
        /// What the next round starts from.
        known: Vec<Known>,
    },
}

impl Function for CompleteLifecycleHook {
    type Request = Request;
    type Answer = Answer;

    fn new(clients: &Clients, settings: &Settings) -> Result<Self, Missing> {
        Ok(Self {
            codedeploy: clients.codedeploy(),
            autoscaling: clients.autoscaling(),
            own_hook: settings.get(settings::LIFECYCLE_HOOK_NAME)?,
        })
    }

    fn span(request: &Request) -> Span {
        let Subject { auto_scaling_group_name: group, instance_id: instance } = request.subject();
        info_span!("complete-lifecycle-hook", execution = request.execution, group, instance)
    }

    async fn handle(&self, request: Request) -> Result<Answer, Error> {
        match &request.ending {
            Ending::Deployed(deployed) => self.let_in(&request, deployed).await,
            Ending::Failed(failed) => self.give_up(&request, failed).await,
        }
    }
}

impl CompleteLifecycleHook {
    async fn let_in(&self, request: &Request, all: &[Deployed]) -> Result<Answer, Error> {
        let answer = |hook, applications| Ok(Answer { hook, applications, failure: None });
        if let Some(plan) = &request.plan {
            match self.autoscaling.heartbeat(plan).await {
                // An earlier call, whose answer was lost, may have completed it: that shows below.
                Err(Error::InstanceGone(_) | Error::HookNotOpen(_)) if plan.hook.is_some() => {}
                done => done?,
            }
        }
        let mut applications = Vec::new();
        for deployed in all {
            let Some(instance_id) = request.plan.as_ref().and_then(|plan| plan.instance_id.as_deref()) else {
                applications.push(deployed.clone());
                continue;
            };
            match self.standing(deployed, instance_id).await? {
                Ok(deployed) => applications.push(deployed),
                // An earlier call, whose answer was lost, has let it in; what has happened since is not this rollout's.
                Err(_) if request.has_hook() && self.is_in_service(instance_id).await? => {
                    return answer(Outcome::AlreadyOver, Some(applications));
                }
                Err(current) if request.repeats >= MOST_REPEATS => {
                    return Err(Error::RevisionsKeepChanging(format!(
                        "{} is outdated again, after {} rounds for such reasons: its current revision is {current}",
                        deployed.application(),
                        request.repeats
                    )));
                }
                Err(current) => {
                    let application = deployed.application().to_string();
                    let known = all.iter().map(|one| one.known(one != deployed)).collect();
                    return answer(Outcome::Outdated { application, current, known }, None);
                }
            }
        }
        let hook = match self.hook(request).await? {
            None => Outcome::NoHook,
            Some(owed) => match self.complete(&owed, HookResult::Continue).await? {
                Completion::Completed => Outcome::Completed { result: HookResult::Continue },
                // Heartbeats have kept it open until here: an earlier call, whose answer was lost, has completed it.
                Completion::NoAction { stage: Some(Stage::InService | Stage::Launching), .. } => Outcome::AlreadyOver,
                Completion::NoAction { error, .. } => return Err(error),
            },
        };
        answer(hook, Some(applications))
    }

    async fn give_up(&self, request: &Request, failed: &Caught) -> Result<Answer, Error> {
        error!(error = failed.error, cause = failed.cause, "the rollout failed");
        let (hook, done) = match self.hook(request).await? {
            None => (Outcome::NoHook, "none to complete".to_owned()),
            Some(owed) => {
                let (name, result) = (&owed.hook.lifecycle_hook_name, owed.on_failure);
                match self.complete(&owed, result).await? {
                    Completion::Completed => {
                        (Outcome::Completed { result }, format!("{name} completed with {}", result.as_str()))
                    }
                    // A launch that failed at once: the action may be about to open.
                    Completion::NoAction { stage: Some(Stage::Launching), error } => return Err(error),
                    Completion::NoAction { error, .. } => {
                        (Outcome::AlreadyOver, format!("{name} was over already: {error}"))
                    }
                }
            }
        };
        Ok(Answer { hook, applications: None, failure: Some(failed.with_hook(request.subject(), &done)) })
    }

    /// The hook that the rollout owes a completion.
    async fn hook(&self, request: &Request) -> Result<Option<OwedHook>, Error> {
        owed::hook(&self.autoscaling, request.plan.as_ref(), &request.input, &self.own_hook).await
    }

    async fn complete(&self, owed: &OwedHook, result: HookResult) -> Result<Completion, Error> {
        let OwedHook { auto_scaling_group_name, hook, instance_id, .. } = owed;
        self.autoscaling.complete(auto_scaling_group_name, &hook.lifecycle_hook_name, instance_id, result).await
    }

    async fn is_in_service(&self, instance_id: &str) -> Result<bool, Error> {
        let instance = self.autoscaling.instance(instance_id).await?;
        Ok(instance.is_some_and(|instance| instance.stage() == Stage::InService))
    }

    /// Looks at an application once more, somebody may have deployed since: the deployment that counts now, or the revision that
    /// the instance should have and has not.
    async fn standing(&self, deployed: &Deployed, instance_id: &str) -> Result<Result<Deployed, Revision>, Error> {
        let application = deployed.application();
        let group = self.codedeploy.group(&application).await?.ok_or_else(|| {
            Error::UnsuitableDeploymentGroup(format!("{application}: the deployment group has been deleted meanwhile"))
        })?;
        let is_last = |last: &Option<LastDeployment>| {
            last.as_ref().is_some_and(|last| last.deployment_id == deployed.deployment_id)
        };
        if is_last(&group.last_attempted) && is_last(&group.last_successful) {
            return Ok(Ok(deployed.clone()));
        }
        let current = evidence::current_revision(&self.codedeploy, &application, &group).await?;
        let standing = evidence::search(&self.codedeploy, &application, &current, instance_id).await?;
        Ok(match standing.evidence() {
            Some(Deployment { deployment_id, revision, .. }) => {
                Ok(Deployed { deployment_id, revision, ..deployed.clone() })
            }
            None => Err(current.revision),
        })
    }
}

impl Request {
    fn subject(&self) -> Subject<'_> {
        let (auto_scaling_group_name, instance_id) = input::subject(self.plan.as_ref(), &self.input);
        Subject { auto_scaling_group_name, instance_id }
    }

    fn has_hook(&self) -> bool {
        self.plan.as_ref().is_some_and(|plan| plan.hook.is_some())
    }
}
