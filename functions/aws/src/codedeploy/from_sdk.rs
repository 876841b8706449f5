//! The SDK's types as plain data, and back.

use aws_sdk_codedeploy::types::{
    BundleType, DeploymentCreator, DeploymentGroupInfo as SdkDeploymentGroupInfo, DeploymentInfo, DeploymentMode,
    DeploymentStatus as SdkDeploymentStatus, DeploymentTarget, Ec2TagFilter, GitHubLocation, LastDeploymentInfo,
    LifecycleEvent, LifecycleEventStatus, RevisionLocation, RevisionLocationType, S3Location,
    TargetStatus as SdkTargetStatus,
};
use aws_smithy_types::DateTime;
use turnstile::words::application::DeploymentGroup;
use turnstile::words::deployment::{
    Deployment, DeploymentStatus, FailedEvent, LastDeployment, Overview, Selection, TagFilter, Target, TargetStatus,
};
use turnstile::words::ids::CodeDeployName;
use turnstile::words::revision::{Revision, S3Object};
use turnstile::words::time::Timestamp;

pub(super) fn last_deployment(info: &LastDeploymentInfo) -> Option<LastDeployment> {
    Some(LastDeployment {
        deployment_id: info.deployment_id()?.into(),
        created: info.create_time.map(time),
        ended: info.end_time.map(time),
    })
}

/// A group has plain filters or a tag set, not both (CodeDeploy API reference, `CreateDeploymentGroup`).
pub(super) fn selection(info: &SdkDeploymentGroupInfo) -> Selection {
    let plain = Some(info.ec2_tag_filters()).filter(|filters| !filters.is_empty());
    let set = info.ec2_tag_set().map_or(&[][..], |set| set.ec2_tag_set_list());
    let names = info.auto_scaling_groups().iter().filter_map(|group| group.name().map(str::to_owned));
    Selection {
        tag_groups: plain.into_iter().chain(set.iter().map(Vec::as_slice)).map(tag_filters).collect(),
        auto_scaling_groups: names.collect(),
    }
}

fn tag_filters(filters: &[Ec2TagFilter]) -> Vec<TagFilter> {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let filter = |filter: &Ec2TagFilter| TagFilter {
        key: text(filter.key()),
        value: text(filter.value()),
        filter_type: text(filter.r#type().map(|kind| kind.as_str())),
    };
    filters.iter().map(filter).collect()
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
    let group = || {
        Some(DeploymentGroup {
            application_name: CodeDeployName::try_from(info.application_name()?).ok()?,
            deployment_group_name: CodeDeployName::try_from(info.deployment_group_name()?).ok()?,
        })
    };
    Deployment {
        group: group(),
        status,
        error,
        revision: info.revision().and_then(revision),
        description: info.description().unwrap_or_default().to_owned(),
        deployment_config_name: info.deployment_config_name().unwrap_or_default().to_owned(),
        installs_nothing: info.deployment_mode() == Some(&DeploymentMode::Restart)
            || info.creator() == Some(&DeploymentCreator::AutoscalingTermination),
        created: info.create_time.map(time),
        ended: info.complete_time.map(time),
        overview,
        deployment_id: info.deployment_id.unwrap_or_default().into(),
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
    let events = instance.lifecycle_events();
    Some(Target {
        target_id: instance.target_id()?.into(),
        status,
        has_begun: events.iter().any(has_begun),
        ended_events: events.iter().filter(|event| has_ended(event)).count() as u32,
        failed_event: decisive(events).map(|event| {
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

/// The failed lifecycle event that ended the target's deployment: after it no other one was taken up. One that was not the end is ApplicationStop,
/// whose failures can be ignored (CodeDeploy API reference, `ignoreApplicationStopFailures`).
fn decisive(events: &[LifecycleEvent]) -> Option<&LifecycleEvent> {
    use LifecycleEventStatus::{Failed, InProgress, Succeeded};
    let last = events.iter().rposition(|event| matches!(event.status(), Some(Failed | InProgress | Succeeded)))?;
    events.get(last).filter(|event| event.status() == Some(&Failed))
}

/// Whether the agent has taken up a lifecycle event. One that it never took up is `Failed`, too, and has neither a start nor a script.
fn has_begun(event: &LifecycleEvent) -> bool {
    use LifecycleEventStatus::{InProgress, Succeeded};
    let has_script = event.diagnostics().and_then(|d| d.script_name()).is_some_and(|name| !name.is_empty());
    event.start_time().is_some() || has_script || matches!(event.status(), Some(InProgress | Succeeded))
}

fn has_ended(event: &LifecycleEvent) -> bool {
    use LifecycleEventStatus::{Failed, Skipped, Succeeded};
    matches!(event.status(), Some(Succeeded | Failed | Skipped))
}

fn time(time: DateTime) -> Timestamp {
    Timestamp::from_millis(time.to_millis().unwrap_or(0))
}

pub(super) fn to_sdk_time(time: Timestamp) -> DateTime {
    DateTime::from_secs(time.seconds())
}

/// `None` when the location is of a kind that EC2 deployments don't have.
pub(super) fn revision(location: &RevisionLocation) -> Option<Revision> {
    if let Some(s3) = location.s3_location() {
        return Some(Revision::S3(S3Object {
            bucket: s3.bucket()?.to_owned(),
            key: s3.key()?.to_owned(),
            bundle_type: s3.bundle_type().map(|b| b.as_str().to_owned()),
            version: s3.version().map(str::to_owned),
            e_tag: s3.e_tag().map(str::to_owned),
        }));
    }
    let git_hub = location.git_hub_location()?;
    Some(Revision::GitHub { repository: git_hub.repository()?.to_owned(), commit_id: git_hub.commit_id()?.to_owned() })
}

pub(super) fn to_sdk_revision(revision: &Revision) -> RevisionLocation {
    match revision {
        Revision::S3(s3) => RevisionLocation::builder()
            .revision_type(RevisionLocationType::S3)
            .s3_location(
                S3Location::builder()
                    .bucket(&s3.bucket)
                    .key(&s3.key)
                    .set_bundle_type(s3.bundle_type.as_deref().map(BundleType::from))
                    .set_version(s3.version.clone())
                    .set_e_tag(s3.e_tag.clone())
                    .build(),
            )
            .build(),
        Revision::GitHub { repository, commit_id } => RevisionLocation::builder()
            .revision_type(RevisionLocationType::GitHub)
            .git_hub_location(GitHubLocation::builder().repository(repository).commit_id(commit_id).build())
            .build(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_codedeploy::types::{Diagnostics, ErrorCode, InstanceTarget, LifecycleErrorCode};
    use turnstile::policy::retry;

    #[test]
    fn a_revision_survives_the_way_to_the_sdk_and_back() {
        let s3 = |version: Option<&str>, e_tag: Option<&str>| {
            Revision::S3(S3Object {
                bucket: "builds".into(),
                key: "a.zip".into(),
                bundle_type: Some("zip".into()),
                version: version.map(Into::into),
                e_tag: e_tag.map(Into::into),
            })
        };
        for original in [
            s3(Some("v1"), Some("e1")),
            s3(None, None),
            Revision::GitHub { repository: "me/app".into(), commit_id: "abc".into() },
        ] {
            assert_eq!(revision(&to_sdk_revision(&original)), Some(original));
        }
    }

    #[test]
    fn an_event_without_start_and_script_has_not_begun() {
        use LifecycleEventStatus::{Failed, InProgress, Pending, Skipped, Succeeded};
        let event = |status| LifecycleEvent::builder().lifecycle_event_name("ApplicationStop").status(status);
        let reported = |script: &str| Diagnostics::builder().script_name(script).message("One or more…").build();
        let started = DateTime::from_secs(1);
        for (events, expected) in [
            (vec![], false),
            (vec![event(Pending), event(Skipped)], false),
            (vec![event(Failed).diagnostics(reported("")), event(Skipped)], false),
            (vec![event(Failed).diagnostics(reported("stop.sh")), event(Skipped)], true),
            (vec![event(Failed).start_time(started), event(Skipped)], true),
            (vec![event(Succeeded), event(Failed).diagnostics(reported(""))], true),
            (vec![event(InProgress)], true),
        ] {
            let events: Vec<_> = events.into_iter().map(|event| event.build()).collect();
            let instance = InstanceTarget::builder().target_id("i-0123abcd").set_lifecycle_events(Some(events));
            let found = target(&DeploymentTarget::builder().instance_target(instance.build()).build()).unwrap();
            assert_eq!(found.has_begun, expected, "{found:?}");
        }
    }

    #[test]
    fn the_event_that_ended_the_deployment_is_blamed_and_not_one_that_was_ignored() {
        use LifecycleEventStatus::{Failed, InProgress, Pending, Skipped, Succeeded};
        const NAMES: [&str; 4] = ["ApplicationStop", "BeforeInstall", "AfterInstall", "ValidateService"];
        for (statuses, blamed) in [
            ([Failed, Skipped, Skipped, Skipped], Some("ApplicationStop")),
            ([Failed, Pending, Pending, Pending], Some("ApplicationStop")),
            ([Failed, Succeeded, Failed, Skipped], Some("AfterInstall")),
            ([Failed, Succeeded, InProgress, Pending], None),
            ([Failed, Succeeded, Succeeded, Succeeded], None),
            ([Succeeded, Succeeded, Succeeded, Failed], Some("ValidateService")),
            ([Pending, Pending, Pending, Pending], None),
        ] {
            let events = NAMES.iter().zip(&statuses);
            let events = events
                .map(|(name, status)| LifecycleEvent::builder().lifecycle_event_name(*name).status(status.clone()));
            let instance = InstanceTarget::builder().target_id("i-0123abcd");
            let instance = instance.set_lifecycle_events(Some(events.map(|event| event.build()).collect()));
            let found = target(&DeploymentTarget::builder().instance_target(instance.build()).build()).unwrap();
            let found = found.failed_event.map(|event| event.lifecycle_event_name);
            assert_eq!(found.as_deref(), blamed, "{statuses:?}");
        }
    }

    #[test]
    fn a_deployment_that_restarts_or_stops_what_is_there_installs_nothing() {
        for (mode, creator, expected) in [
            (None, None, false),
            (Some(DeploymentMode::Standard), Some(DeploymentCreator::User), false),
            (Some(DeploymentMode::Standard), Some(DeploymentCreator::Autoscaling), false),
            (Some(DeploymentMode::Restart), Some(DeploymentCreator::User), true),
            (None, Some(DeploymentCreator::AutoscalingTermination), true),
        ] {
            let info = DeploymentInfo::builder().set_deployment_mode(mode.clone()).set_creator(creator.clone()).build();
            assert_eq!(deployment(info).installs_nothing, expected, "{mode:?} {creator:?}");
        }
    }

    fn codes(rows: &[retry::Row]) -> Vec<&str> {
        let mut codes: Vec<&str> = rows.iter().map(|(code, ..)| *code).collect();
        codes.sort_unstable();
        codes
    }

    fn sorted(values: &[&'static str]) -> Vec<&'static str> {
        let mut values = values.to_vec();
        values.sort_unstable();
        values
    }

    #[test]
    fn every_error_code_of_the_api_is_known() {
        assert_eq!(codes(&retry::LIFECYCLE_EVENT), sorted(LifecycleErrorCode::values()));
        assert_eq!(codes(&retry::DEPLOYMENT), sorted(ErrorCode::values()));
    }
}
