//! What the SDK answers, as plain data.

use aws_sdk_codedeploy::types::{
    DeploymentInfo, DeploymentStatus as SdkDeploymentStatus, DeploymentTarget, LastDeploymentInfo,
    LifecycleEventStatus, TargetStatus as SdkTargetStatus,
};

use super::{Deployment, DeploymentStatus, FailedEvent, LastDeployment, Overview, Target, TargetStatus};
use crate::revision::Revision;

pub(super) fn last_deployment(info: &LastDeploymentInfo) -> Option<LastDeployment> {
    Some(LastDeployment {
        deployment_id: info.deployment_id()?.to_owned(),
        created: info.create_time,
        ended: info.end_time,
    })
}

pub(super) fn deployment(info: DeploymentInfo) -> Deployment {
    use SdkDeploymentStatus as Sdk;
    let status = match info.status() {
        Some(Sdk::Created) | None => DeploymentStatus::Created,
        Some(Sdk::Queued) => DeploymentStatus::Queued,
        Some(Sdk::Baking) => DeploymentStatus::Baking,
        Some(Sdk::Ready) => DeploymentStatus::Ready,
        Some(Sdk::Succeeded) => DeploymentStatus::Succeeded,
        Some(Sdk::Failed) => DeploymentStatus::Failed,
        Some(Sdk::Stopped) => DeploymentStatus::Stopped,
        // A status that CodeDeploy adds one day must not pass for an end.
        Some(_) => DeploymentStatus::InProgress,
    };
    let count = |targets: i64| u32::try_from(targets).unwrap_or(0);
    let overview = info.deployment_overview().map_or_else(Overview::default, |overview| Overview {
        pending: count(overview.pending()),
        in_progress: count(overview.in_progress()),
        succeeded: count(overview.succeeded()),
        failed: count(overview.failed()),
        skipped: count(overview.skipped()),
    });
    let error = info.error_information().map(|e| {
        let code = e.code().map_or_else(String::new, |c| c.as_str().to_owned());
        (code, e.message().unwrap_or_default().to_owned())
    });
    Deployment {
        status,
        error,
        revision: info.revision().and_then(Revision::from_sdk),
        description: info.description().unwrap_or_default().to_owned(),
        deployment_config_name: info.deployment_config_name().unwrap_or_default().to_owned(),
        created: info.create_time,
        ended: info.complete_time,
        overview,
        deployment_id: info.deployment_id.unwrap_or_default(),
    }
}

pub(super) fn target(target: &DeploymentTarget) -> Option<Target> {
    let instance = target.instance_target()?;
    let status = match instance.status() {
        Some(SdkTargetStatus::Pending) => TargetStatus::Pending,
        Some(SdkTargetStatus::InProgress) => TargetStatus::InProgress,
        Some(SdkTargetStatus::Ready) => TargetStatus::Ready,
        Some(SdkTargetStatus::Succeeded) => TargetStatus::Succeeded,
        Some(SdkTargetStatus::Failed) => TargetStatus::Failed,
        Some(SdkTargetStatus::Skipped) => TargetStatus::Skipped,
        _ => TargetStatus::Unknown,
    };
    let failed_event = instance.lifecycle_events().iter().find(|e| e.status() == Some(&LifecycleEventStatus::Failed));
    Some(Target {
        instance_id: instance.target_id()?.to_owned(),
        status,
        failed_event: failed_event.map(|event| {
            let text = |t: Option<&str>| t.filter(|t| !t.is_empty()).map(str::to_owned);
            let diagnostics = event.diagnostics();
            FailedEvent {
                lifecycle_event_name: event.lifecycle_event_name().unwrap_or_default().to_owned(),
                error_code: diagnostics.and_then(|d| d.error_code()).map(|c| c.as_str().to_owned()),
                script_name: diagnostics.and_then(|d| text(d.script_name())),
                message: diagnostics.and_then(|d| text(d.message())),
                log_tail: diagnostics.and_then(|d| text(d.log_tail())),
            }
        }),
    })
}
