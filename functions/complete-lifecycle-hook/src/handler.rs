use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tracing::{Instrument, error, info, info_span, warn};
use turnstile::Error;
use turnstile::application::Application;
use turnstile::autoscaling::{AutoScaling, Completion};
use turnstile::codedeploy::CodeDeploy;
use turnstile::evidence;
use turnstile::input::{self, HookResult};
use turnstile::plan::Plan;
use turnstile::revision::Revision;

use crate::cause::{Failure, cause};

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
    revision: Option<Revision>,
}

/// What became of the hook.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "SCREAMING_SNAKE_CASE", rename_all_fields = "camelCase")]
pub enum Answer {
    /// The hook was completed by this call. So are `error` and `cause` for a rollout that failed.
    Completed {
        result: HookResult,
        #[serde(flatten)]
        ended: Ended,
    },
    /// It was over before: completed by somebody else, timed out, or the instance is gone.
    AlreadyOver {
        #[serde(flatten)]
        ended: Ended,
    },
    /// The rollout had no hook to complete.
    NoHook {
        #[serde(flatten)]
        ended: Ended,
    },
    /// Nothing was completed, because an application has got a new revision since it was deployed.
    Outdated { application: String, deployed: Option<Revision>, current: Box<Revision> },
}

/// What a failed execution ends with; empty for one that succeeded.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Ended {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
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
        let span = info_span!(
            "complete-lifecycle-hook",
            execution = request.execution,
            group = request.plan.as_ref().map(|plan| plan.auto_scaling_group_name.as_str()),
            instance = request.plan.as_ref().and_then(|plan| plan.instance_id.as_deref()),
        );
        async {
            let answer = match &request.ending {
                Ending::Deployed(deployed) => self.after_success(&request, deployed).await,
                Ending::Failed(failure) => self.after_failure(&request, failure).await,
            };
            match &answer {
                Ok(answer) => info!(?answer, "answered"),
                Err(error) => warn!(error = error.name(), %error, "failed"),
            }
            answer
        }
        .instrument(span)
        .await
    }

    async fn after_success(&self, request: &Request, deployed: &[Deployed]) -> Result<Answer, Error> {
        let Some((hook, _)) = self.hook(request).await? else { return Ok(Answer::NoHook { ended: Ended::default() }) };
        for deployed in deployed {
            if let Some(current) = self.newer_revision(deployed).await? {
                return Ok(Answer::Outdated {
                    application: format!("{}/{}", deployed.application_name, deployed.deployment_group_name),
                    deployed: deployed.revision.clone(),
                    current: Box::new(current),
                });
            }
        }
        Ok(match self.complete(&hook, HookResult::Continue).await? {
            Completion::Completed => Answer::Completed { result: HookResult::Continue, ended: Ended::default() },
            Completion::AlreadyOver => Answer::AlreadyOver { ended: Ended::default() },
        })
    }

    async fn after_failure(&self, request: &Request, failure: &Failure) -> Result<Answer, Error> {
        error!(error = failure.error, cause = failure.cause, "the rollout failed");
        let ended = |hook: Value| Ended { error: Some(failure.error.clone()), cause: Some(cause(failure, hook)) };
        let Some((hook, result)) = self.hook(request).await? else {
            return Ok(Answer::NoHook { ended: ended(json!("none: no instance waits at one")) });
        };
        let name = &hook.lifecycle_hook_name;
        Ok(match self.complete(&hook, result).await? {
            Completion::Completed => {
                Answer::Completed { result, ended: ended(json!(format!("{name} completed with {}", result.as_str()))) }
            }
            Completion::AlreadyOver => Answer::AlreadyOver { ended: ended(json!(format!("{name} was over already"))) },
        })
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
        Ok(instance.map(|instance| {
            let hook = OpenHook {
                auto_scaling_group_name: instance.auto_scaling_group_name,
                instance_id: owed.instance_id,
                lifecycle_hook_name: owed.lifecycle_hook_name,
            };
            (hook, owed.on_failure)
        }))
    }

    async fn complete(&self, hook: &OpenHook, result: HookResult) -> Result<Completion, Error> {
        let OpenHook { auto_scaling_group_name, lifecycle_hook_name, instance_id } = hook;
        self.autoscaling.complete(auto_scaling_group_name, lifecycle_hook_name, instance_id, result).await
    }

    /// The application's current revision, when it is another than the one deployed.
    async fn newer_revision(&self, deployed: &Deployed) -> Result<Option<Revision>, Error> {
        let application = Application::new(&deployed.application_name, &deployed.deployment_group_name);
        let group = self.codedeploy.group(&application).await?.ok_or_else(|| {
            Error::UnsuitableDeploymentGroup(format!("{application}: the deployment group has been deleted meanwhile"))
        })?;
        if group.last_successful.as_ref().is_some_and(|last| last.deployment_id == deployed.deployment_id) {
            return Ok(None);
        }
        let current = evidence::current_revision(&self.codedeploy, &application, &group).await?.revision;
        let is_current = deployed.revision.as_ref().is_some_and(|revision| revision.is_same_build(&current));
        Ok((!is_current).then_some(current))
    }
}
