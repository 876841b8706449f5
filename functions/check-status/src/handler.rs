use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::{Instrument, info_span};
use turnstile::Error;
use turnstile::application::Application;
use turnstile::autoscaling::AutoScaling;
use turnstile::codedeploy::{CodeDeploy, Deployment, Target, TargetStatus};
use turnstile::evidence;
use turnstile::log;
use turnstile::plan::Plan;
use turnstile::reason::{Failure, Reason};
use turnstile::revision::Revision;
use turnstile::verdict::{self, Verdict};
use turnstile::wait;

/// A deployment to look at.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    /// ARN of the execution, for the log.
    execution: String,
    plan: Plan,
    application: Application,
    attempt: u32,
    deployment_id: String,
    /// How long the deployment should take, in seconds.
    expected_seconds: Option<u32>,
    /// How long the rollout has waited for this deployment, in seconds.
    waited_seconds: u32,
}

/// How the deployment is going.
#[derive(Debug, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "SCREAMING_SNAKE_CASE", rename_all_fields = "camelCase")]
pub enum Answer {
    /// Look again after so many seconds.
    InProgress { wait_seconds: u32 },
    /// It is done on the instance (in a rollout of a whole group, on every instance). `deployment_id` is the deployment
    /// that did it: an earlier one, when this one found the instance up to date.
    Succeeded { deployment_id: String, revision: Option<Revision> },
    /// It failed. `retry` says whether another deployment can help.
    Failed { error: Failure, reason: Box<Reason>, retry: bool },
}

pub async fn handle(codedeploy: &CodeDeploy, autoscaling: &AutoScaling, payload: Value) -> Result<Answer, Error> {
    let request: Request = turnstile::input::read(payload)?;
    let span = info_span!(
        "check-status",
        execution = request.execution,
        group = request.plan.auto_scaling_group_name,
        instance = request.plan.instance_id,
        application = %request.application,
        deployment = request.deployment_id,
        attempt = request.attempt,
    );
    async {
        let answer = check(codedeploy, autoscaling, &request).await;
        log::outcome(&answer);
        answer
    }
    .instrument(span)
    .await
}

async fn check(codedeploy: &CodeDeploy, autoscaling: &AutoScaling, request: &Request) -> Result<Answer, Error> {
    autoscaling.heartbeat(&request.plan).await?;

    let deployment = codedeploy.deployment(&request.deployment_id).await?.ok_or_else(|| Error::Unexpected {
        call: "CodeDeploy.GetDeployment",
        code: "DeploymentDoesNotExistException".into(),
        message: request.deployment_id.clone(),
    })?;
    let (verdict, target) = judge(codedeploy, &request.plan, &deployment).await?;
    match verdict {
        Verdict::Succeeded => Ok(succeeded(deployment)),
        Verdict::Failed => Ok(failed(Failure::Failed, request, &deployment, target.as_ref())),
        Verdict::Missed => match evidence_of_success(codedeploy, request).await? {
            Some(earlier) => Ok(succeeded(earlier)),
            None => Ok(failed(Failure::NotReached, request, &deployment, target.as_ref())),
        },
        Verdict::InProgress if request.waited_seconds >= request.application.timeout_seconds => {
            // Ours has long succeeded: a neighbour, dead perhaps, holds the deployment up, and is no reason to give ours up.
            if target.as_ref().is_some_and(|target| target.status == TargetStatus::Succeeded) {
                return Ok(succeeded(deployment));
            }
            Ok(failed(Failure::TimedOut, request, &deployment, target.as_ref()))
        }
        Verdict::InProgress => {
            let Request { plan, expected_seconds, waited_seconds, .. } = request;
            let wait_seconds = wait::before_next_look(*waited_seconds, *expected_seconds, plan.hook.as_ref());
            Ok(Answer::InProgress { wait_seconds })
        }
    }
}

/// The verdict, with the target that decided.
async fn judge(
    codedeploy: &CodeDeploy,
    plan: &Plan,
    deployment: &Deployment,
) -> Result<(Verdict, Option<Target>), Error> {
    if let Some(instance_id) = &plan.instance_id {
        let target = codedeploy.target(&deployment.deployment_id, instance_id).await?;
        return Ok((verdict::of_instance(deployment.status, target.as_ref().map(|target| target.status)), target));
    }
    let targets = match deployment.status.is_active() {
        true => Vec::new(),
        false => codedeploy.targets(&deployment.deployment_id).await?,
    };
    let error_code = deployment.error.as_ref().map(|(code, _)| code.as_str());
    let verdict = verdict::of_group(deployment.status, error_code, &targets);
    Ok((verdict, targets.into_iter().find(|target| target.status == TargetStatus::Failed)))
}

/// The deployment left the instance alone: rightly so, if an earlier one has brought it up to date.
async fn evidence_of_success(codedeploy: &CodeDeploy, request: &Request) -> Result<Option<Deployment>, Error> {
    let Request { plan, application, .. } = request;
    let Some(instance_id) = &plan.instance_id else { return Ok(None) };
    let Some(group) = codedeploy.group(application).await? else { return Ok(None) };
    let current = evidence::current_revision(codedeploy, application, &group).await?;
    Ok(evidence::search(codedeploy, application, &current, instance_id).await?.evidence())
}

fn succeeded(deployment: Deployment) -> Answer {
    Answer::Succeeded { deployment_id: deployment.deployment_id, revision: deployment.revision }
}

fn failed(failure: Failure, request: &Request, deployment: &Deployment, target: Option<&Target>) -> Answer {
    let Request { plan, application, attempt, .. } = request;
    let region = std::env::var("AWS_REGION").unwrap_or_default();
    let reason = Reason::new(failure, application, *attempt, deployment, target, plan.instance_id.as_deref(), &region);
    let retry = *attempt < application.max_attempts && reason.is_worth_a_retry(failure);
    Answer::Failed { error: failure, reason: Box::new(reason), retry }
}
