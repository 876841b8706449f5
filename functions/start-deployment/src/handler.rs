use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::{Instrument, info, info_span};
use turnstile::Error;
use turnstile::application::Application;
use turnstile::autoscaling::AutoScaling;
use turnstile::codedeploy::{CodeDeploy, Creation, Deployment, Group, TargetStatus};
use turnstile::evidence::{self, Current, Standing};
use turnstile::log;
use turnstile::plan::Plan;
use turnstile::revision::Revision;
use turnstile::wait;

/// One application's turn in the rollout.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    /// ARN of the execution. The deployment's description carries it, so that a repeated call finds what it started.
    execution: String,
    /// When the execution started, ISO 8601.
    execution_started_at: String,
    plan: Plan,
    application: Application,
    /// 1, and one more each time the rollout goes through its applications again because one got a new revision.
    round: u32,
    /// 1 for the application's first deployment in the round.
    attempt: u32,
    /// How long this attempt has been waiting for the group to become free, in seconds.
    waited_for_slot_seconds: u32,
}

/// What came of it, with the seconds to wait before the next step.
#[derive(Debug, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "SCREAMING_SNAKE_CASE", rename_all_fields = "camelCase")]
pub enum Answer {
    /// This rollout's own deployment is under way.
    Started(UnderWay),
    /// Somebody else's deployment is under way and contains the instance.
    Joined(UnderWay),
    /// Nothing to do: this deployment succeeded on the instance with the current revision.
    UpToDate { deployment_id: String, revision: Option<Revision> },
    /// A deployment that does not contain the instance occupies this group, or one of the rollout's other groups.
    Busy { deployment_id: String, wait_seconds: u32 },
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UnderWay {
    deployment_id: String,
    wait_seconds: u32,
    /// How long the deployment should take, judged by the last one; absent when the group has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_seconds: Option<u32>,
}

pub async fn handle(codedeploy: &CodeDeploy, autoscaling: &AutoScaling, payload: Value) -> Result<Answer, Error> {
    let request: Request = turnstile::input::read(payload)?;
    let span = info_span!(
        "start-deployment",
        execution = request.execution,
        group = request.plan.auto_scaling_group_name,
        instance = request.plan.instance_id,
        application = %request.application,
        round = request.round,
        attempt = request.attempt,
    );
    async {
        let answer = start(codedeploy, autoscaling, &request).await;
        log::outcome(&answer);
        answer
    }
    .instrument(span)
    .await
}

async fn start(codedeploy: &CodeDeploy, autoscaling: &AutoScaling, request: &Request) -> Result<Answer, Error> {
    let Request { plan, application, .. } = request;
    autoscaling.heartbeat(plan).await?;

    let group = codedeploy.group(application).await?.ok_or_else(|| {
        Error::UnsuitableDeploymentGroup(format!("{application}: there is no such application and deployment group"))
    })?;
    let current = evidence::current_revision(codedeploy, application, &group).await?;
    let expected = expected_seconds(&group, &current);

    if let Some(own) = own_deployment(codedeploy, request, &group).await? {
        return Ok(Answer::Started(under_way(own, expected, plan)));
    }
    let active = codedeploy.active_deployments(application).await?;
    if !active.is_empty() {
        return occupied(codedeploy, request, &active, expected).await;
    }
    if let Some(instance_id) = &plan.instance_id {
        match evidence::in_last_deployments(codedeploy, application, &group, &current, instance_id).await? {
            Standing::UpToDate(deployment) => return Ok(up_to_date(deployment)),
            Standing::AtWork(deployment) => return busy(request, &deployment.deployment_id),
            Standing::Outdated => {}
        }
    }
    for other in plan.applications.iter().filter(|other| !other.is_same_group(application)) {
        if let Some(active) = codedeploy.active_deployments(other).await?.first() {
            return busy(request, active);
        }
    }
    match codedeploy.create(application, &current.revision, &description(request)).await? {
        Creation::Created(deployment_id) => Ok(Answer::Started(under_way(deployment_id, expected, plan))),
        // Somebody took the group's one slot between the look and the call.
        Creation::GroupOccupied => {
            let active = codedeploy.active_deployments(application).await?;
            occupied(codedeploy, request, &active, expected).await
        }
        Creation::Refused { code, message } => refused(codedeploy, autoscaling, request, &current, code, message).await,
    }
}

/// Comes back in `GetDeployment` and says whose deployment it is. At most 256 characters (CodeDeploy API reference,
/// CreateDeployment): an execution's ARN has 220 at the most, which leaves 12 digits for the two numbers.
fn description(request: &Request) -> String {
    format!("Turnstile {}, round {}, try {}", request.execution, request.round, request.attempt)
}

/// The deployment that an earlier call for the same attempt started, whose answer was lost.
async fn own_deployment(codedeploy: &CodeDeploy, request: &Request, group: &Group) -> Result<Option<String>, Error> {
    let started_at = DateTime::from_str(&request.execution_started_at, Format::DateTime)
        .map_err(|e| Error::InvalidInput(format!("executionStartedAt: {e}")))?;
    // The two services' clocks may differ by some seconds; a minute is generous.
    let since = DateTime::from_secs(started_at.secs() - 60);
    let attempted_since =
        group.last_attempted.as_ref().is_some_and(|last| last.created.is_none_or(|created| created >= since));
    if !attempted_since {
        return Ok(None);
    }
    let ids = codedeploy.deployments_since(&request.application, since).await?;
    let description = description(request);
    let deployments = codedeploy.deployments(&ids).await?;
    Ok(deployments.into_iter().find(|d| d.description == description).map(|d| d.deployment_id))
}

/// What the group's last successful deployment says about the next one to a single instance.
fn expected_seconds(group: &Group, current: &Current) -> Option<u32> {
    let (last, deployment) = (group.last_successful.as_ref()?, current.last_successful.as_ref()?);
    let duration = u32::try_from(last.ended?.secs() - last.created?.secs()).ok()?;
    Some(wait::expected_duration(duration, deployment.instances_done, &deployment.deployment_config_name))
}

fn under_way(deployment_id: String, expected_seconds: Option<u32>, plan: &Plan) -> UnderWay {
    let wait_seconds = wait::before_first_look(expected_seconds, plan.hook.as_ref());
    UnderWay { deployment_id, wait_seconds, expected_seconds }
}

/// The group has an active deployment. It may be this attempt's own, started by an earlier call that goes on at the same time.
/// Of somebody else's, one that still has the instance to do, or has done it, is as good as our own; one that failed on
/// the instance, or does not contain it, has to end first.
async fn occupied(
    codedeploy: &CodeDeploy,
    request: &Request,
    active: &[String],
    expected: Option<u32>,
) -> Result<Answer, Error> {
    let description = description(request);
    let deployments = codedeploy.deployments(active).await?;
    if let Some(own) = deployments.iter().find(|deployment| deployment.description == description) {
        return Ok(Answer::Started(under_way(own.deployment_id.clone(), expected, &request.plan)));
    }
    let Some(theirs) = active.first() else { return busy(request, "a deployment that is not listed yet") };
    let target = match &request.plan.instance_id {
        Some(instance_id) => codedeploy.target(theirs, instance_id).await?,
        None => None,
    };
    use TargetStatus::{InProgress, Pending, Succeeded};
    match target.map(|target| target.status) {
        // It began at a time unknown here, so its history says nothing about when it ends.
        Some(Pending | InProgress | Succeeded) => Ok(Answer::Joined(under_way(theirs.clone(), None, &request.plan))),
        _ => busy(request, theirs),
    }
}

fn busy(request: &Request, deployment_id: &str) -> Result<Answer, Error> {
    let (waited, application) = (request.waited_for_slot_seconds, &request.application);
    if waited >= application.timeout_seconds {
        return Err(Error::GroupBusy(format!(
            "{application}: waited {waited} s (timeoutSeconds) for other deployments to end; {deployment_id} is still under way"
        )));
    }
    Ok(Answer::Busy {
        deployment_id: deployment_id.to_owned(),
        wait_seconds: wait::for_slot(waited, request.plan.hook.as_ref()),
    })
}

/// A refusal is an error, unless it is CodeDeploy's way to say that nothing is outdated: the instance is known to be up to
/// date, and in a rollout of a whole group every instance is.
async fn refused(
    codedeploy: &CodeDeploy,
    autoscaling: &AutoScaling,
    request: &Request,
    current: &Current,
    code: String,
    message: String,
) -> Result<Answer, Error> {
    let Request { plan, application, .. } = request;
    let instances = match &plan.instance_id {
        Some(instance_id) => vec![instance_id.clone()],
        None => autoscaling.instances_in_service(&plan.auto_scaling_group_name).await?.unwrap_or_default(),
    };
    match evidence::of_all(codedeploy, application, current, &instances).await? {
        Some(deployment) => {
            info!(code, message, "refused: nothing is outdated");
            Ok(up_to_date(deployment))
        }
        None => Err(Error::DeploymentRejected { application: application.to_string(), code, message }),
    }
}

fn up_to_date(deployment: Deployment) -> Answer {
    Answer::UpToDate { deployment_id: deployment.deployment_id, revision: deployment.revision }
}
