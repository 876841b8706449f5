use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::{Instrument, error, info_span};
use turnstile::Error;
use turnstile::application::Application;
use turnstile::autoscaling::{AutoScaling, Completion, Stage};
use turnstile::codedeploy::{CodeDeploy, LastDeployment};
use turnstile::evidence;
use turnstile::input::{self, HookResult};
use turnstile::log;
use turnstile::plan::Plan;
use turnstile::revision::Revision;

use crate::cause::Failure;

pub struct Handler {
    pub codedeploy: CodeDeploy,
    pub autoscaling: AutoScaling,
    /// The stack's hook, for a rollout whose input was too broken to name its own.
    pub own_hook: String,
}

/// How the rollout ended.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    /// ARN of the execution, for the log.
    execution: String,
    /// The execution's input as it came. All there is to go by when planning failed.
    #[serde(default)]
    input: Value,
    plan: Option<Plan>,
    #[serde(flatten)]
    ending: Ending,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Ending {
    /// Every application is deployed: which deployment brought which revision.
    Deployed(Vec<Deployed>),
    Failed(Failure),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Deployed {
    application_name: String,
    deployment_group_name: String,
    deployment_id: String,
}

#[derive(Debug, PartialEq, Serialize)]
pub struct Answer {
    #[serde(flatten)]
    hook: Outcome,
    /// What the execution ends with, when the rollout failed.
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
    /// It was over before: completed by somebody else, timed out, or the instance is gone.
    AlreadyOver,
    /// The rollout had none to complete.
    NoHook,
    /// It stays open, because an application has got a new revision since it was deployed.
    Outdated {
        application: String,
        current: Revision,
    },
}

/// The hook of one instance.
struct OpenHook {
    auto_scaling_group_name: String,
    instance_id: String,
    lifecycle_hook_name: String,
}

impl Handler {
    pub async fn handle(&self, payload: Value) -> Result<Answer, Error> {
        let request: Request = input::read(payload)?;
        let (group, instance) = match &request.plan {
            Some(plan) => (Some(plan.auto_scaling_group_name.as_str()), plan.instance_id.as_deref()),
            None => input::named(&request.input),
        };
        let span = info_span!("complete-lifecycle-hook", execution = request.execution, group, instance);
        async {
            let answer = match &request.ending {
                Ending::Deployed(deployed) => self.let_in(&request, deployed).await,
                Ending::Failed(failure) => self.give_up(&request, failure).await,
            };
            log::outcome(&answer);
            answer
        }
        .instrument(span)
        .await
    }

    async fn let_in(&self, request: &Request, deployed: &[Deployed]) -> Result<Answer, Error> {
        let hook = match self.hook(request).await? {
            None => Outcome::NoHook,
            Some((hook, _)) => match self.outdated(deployed, &hook.instance_id).await? {
                Some(outdated) => outdated,
                None => self.complete(&hook, HookResult::Continue).await?,
            },
        };
        Ok(Answer { hook, failure: None })
    }

    async fn give_up(&self, request: &Request, failure: &Failure) -> Result<Answer, Error> {
        error!(error = failure.error, cause = failure.cause, "the rollout failed");
        let (hook, done) = match self.hook(request).await? {
            None => (Outcome::NoHook, "none: no instance waits at one".to_owned()),
            Some((hook, on_failure)) => {
                let name = &hook.lifecycle_hook_name;
                match self.complete(&hook, on_failure).await? {
                    Outcome::Completed { result } => {
                        (Outcome::Completed { result }, format!("{name} completed with {}", result.as_str()))
                    }
                    over => (over, format!("{name} was over already")),
                }
            }
        };
        Ok(Answer { hook, failure: Some(failure.with_hook(&done)) })
    }

    /// The hook that the rollout owes a completion, and what a failed one completes it with.
    async fn hook(&self, request: &Request) -> Result<Option<(OpenHook, HookResult)>, Error> {
        if let Some(plan) = &request.plan {
            return Ok(plan.waiting_instance().map(|(instance_id, hook)| {
                let hook = OpenHook {
                    auto_scaling_group_name: plan.auto_scaling_group_name.clone(),
                    instance_id: instance_id.to_owned(),
                    lifecycle_hook_name: hook.lifecycle_hook_name.clone(),
                };
                (hook, plan.on_failure)
            }));
        }
        let Some(owed) = input::owed_hook(&request.input, &self.own_hook) else { return Ok(None) };
        let instance = self.autoscaling.instance(&owed.instance_id).await?;
        // Typed by hand, the instance may be any: one that does not wait owes nothing.
        Ok(instance.filter(|instance| instance.stage() == Stage::Launching).map(|instance| {
            let hook = OpenHook {
                auto_scaling_group_name: instance.auto_scaling_group_name,
                instance_id: owed.instance_id,
                lifecycle_hook_name: owed.lifecycle_hook_name,
            };
            (hook, owed.on_failure)
        }))
    }

    async fn complete(&self, hook: &OpenHook, result: HookResult) -> Result<Outcome, Error> {
        let OpenHook { auto_scaling_group_name, lifecycle_hook_name, instance_id } = hook;
        let completion =
            self.autoscaling.complete(auto_scaling_group_name, lifecycle_hook_name, instance_id, result).await?;
        Ok(match completion {
            Completion::Completed => Outcome::Completed { result },
            Completion::AlreadyOver => Outcome::AlreadyOver,
        })
    }

    /// The first application that has got a new revision since it was deployed.
    async fn outdated(&self, deployed: &[Deployed], instance_id: &str) -> Result<Option<Outcome>, Error> {
        for deployed in deployed {
            if let Some(current) = self.newer_revision(deployed, instance_id).await? {
                let application = format!("{}/{}", deployed.application_name, deployed.deployment_group_name);
                return Ok(Some(Outcome::Outdated { application, current }));
            }
        }
        Ok(None)
    }

    /// The application's current revision, when the instance is not up to date with it: somebody has deployed since.
    async fn newer_revision(&self, deployed: &Deployed, instance_id: &str) -> Result<Option<Revision>, Error> {
        let application = Application::new(&deployed.application_name, &deployed.deployment_group_name);
        let group = self.codedeploy.group(&application).await?.ok_or_else(|| {
            Error::UnsuitableDeploymentGroup(format!("{application}: the deployment group has been deleted meanwhile"))
        })?;
        let is_last = |last: &Option<LastDeployment>| {
            last.as_ref().is_some_and(|last| last.deployment_id == deployed.deployment_id)
        };
        if is_last(&group.last_attempted) && is_last(&group.last_successful) {
            return Ok(None);
        }
        let current = evidence::current_revision(&self.codedeploy, &application, &group).await?;
        let evidence = evidence::search(&self.codedeploy, &application, &current, instance_id).await?;
        Ok(evidence.is_none().then_some(current.revision))
    }
}
