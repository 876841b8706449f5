//! What the operator is told about a deployment that failed: which application, deployment, lifecycle event and script, its error
//! code and the end of its log.

use crate::limits::{LONGEST_LOG_TAIL, LONGEST_MESSAGE, MOST_INSTANCES_NAMED};
use crate::policy::console;
use crate::policy::plain_text::{last_lines, plain};
use crate::words::application::Application;
use crate::words::deployment::{Deployment, Target};
use crate::words::failure::{FailureKind, Reason};
use crate::words::ids::{InstanceId, TargetId};
use crate::words::text::beginning;

/// A deployment that failed, for a rollout.
#[derive(Debug, Clone, Copy)]
pub struct FailedDeployment<'a> {
    pub kind: FailureKind,
    pub application: &'a Application,
    /// How many deployments of the application the rollout has tried.
    pub attempts: u32,
    pub deployment: &'a Deployment,
    /// The target that decided, if one did: the instance's own, or another one's.
    pub target: Option<&'a Target>,
    /// The rollout's instance; `None` in a rollout of a whole group.
    pub instance_id: Option<&'a InstanceId>,
    /// The Region's name, for the link to the console.
    pub region: &'a str,
    /// Whether the answer quotes the end of the log of the script that failed.
    pub quotes_log: bool,
}

impl FailedDeployment<'_> {
    /// The answer for the operator.
    pub fn reason(self) -> Reason {
        let Self { application, deployment, target, region, .. } = self;
        let event = target.and_then(|target| target.failed_event.as_ref());
        let (overall_code, overall_message) =
            deployment.error.as_ref().map(|(code, text)| (quoted(code), text)).unzip();
        let id = &deployment.deployment_id;
        Reason {
            summary: self.summary(),
            group: application.group.clone(),
            deployment_id: id.clone(),
            deployment_url: console::deployment_url(region, id),
            deployment_status: match &overall_code {
                Some(code) => format!("{:?} ({code})", deployment.status),
                None => format!("{:?}", deployment.status),
            },
            instance_id: self.decisive_instance(),
            lifecycle_event: event.map(|event| quoted(&event.lifecycle_event_name)),
            script_name: event.and_then(|event| event.script_name.as_deref()).map(quoted),
            error_code: event.and_then(|event| event.error_code.as_deref()).map(quoted).or(overall_code),
            // CodeDeploy's own message is about the whole deployment: what the instance says is closer to the reason.
            message: event.and_then(|event| event.message.as_ref()).or(overall_message).map(|text| quoted(text)),
            log_tail: event
                .filter(|_| self.quotes_log)
                .and_then(|event| event.log_tail.as_deref())
                .map(|log| last_lines(&plain(log), LONGEST_LOG_TAIL))
                .filter(|tail| !tail.is_empty()),
            silent_seconds: None,
            others_not_begun: Vec::new(),
            attempts: self.attempts,
        }
    }

    /// The answer for the operator when no deployment has begun on the instance for so many `seconds`. `others` are the other
    /// instances on which this one has not begun.
    pub fn reason_of_silence(self, seconds: u32, mut others: Vec<TargetId>) -> Reason {
        others.truncate(MOST_INSTANCES_NAMED);
        let on = self.instance_id.map_or("", InstanceId::as_str);
        let (nor_on, whose) = match others.as_slice() {
            [] => (String::new(), "its"),
            [only] => (format!(", nor on {only}"), "an"),
            [first, more @ ..] => (format!(", nor on {first} and {} more", more.len()), "an"),
        };
        let summary = format!(
            "{}: for {seconds} s no deployment has begun on {on} ({} the last){nor_on}: {whose} agent is silent",
            self.application, self.deployment.deployment_id
        );
        Reason { summary, silent_seconds: Some(seconds), others_not_begun: others, ..self.reason() }
    }

    /// The answer for the operator when the deployment to a whole group has failed nowhere, and these instances in service are not up to
    /// date all the same.
    pub fn reason_of_outdated(self, outdated: &[InstanceId]) -> Reason {
        let which = match outdated {
            [] => "an instance is".to_owned(),
            [only] => format!("{only} is"),
            [first, more @ ..] => format!("{first} and {} more are", more.len()),
        };
        let Self { application, deployment, .. } = self;
        let summary = format!(
            "{application}: deployment {} is {:?}, and {which} not up to date: does the deployment group select every instance \
             of the Auto Scaling group?",
            deployment.deployment_id, deployment.status
        );
        Reason { summary, instance_id: outdated.first().map(Into::into), ..self.reason() }
    }

    /// The instance of the target that decided, else the rollout's own.
    fn decisive_instance(self) -> Option<TargetId> {
        self.target.map(|target| target.target_id.clone()).or(self.instance_id.map(Into::into))
    }

    fn summary(self) -> String {
        let Self { application, deployment, target, .. } = self;
        let id = &deployment.deployment_id;
        let instance = self.decisive_instance();
        let on = instance.as_ref().map_or_else(String::new, |id| format!(" on {id}"));
        let event = target.and_then(|target| target.failed_event.as_ref());
        match self.kind {
            FailureKind::DeploymentFailed => match event {
                Some(event) => {
                    let script =
                        event.script_name.as_ref().map_or_else(String::new, |name| format!(" ({})", quoted(name)));
                    format!("{application}: {}{script} failed{on} in {id}", quoted(&event.lifecycle_event_name))
                }
                None => format!("{application}: deployment {id} failed{on}"),
            },
            FailureKind::NeighbourFailed => {
                let own = self.instance_id.map_or("", InstanceId::as_str);
                let event = event.map_or("the deployment", |event| event.lifecycle_event_name.as_str());
                format!("{application}: deployment {id} never began on {own}, because {event} failed{on}")
            }
            FailureKind::JoinedFailed => {
                let event = event.map_or("it", |event| event.lifecycle_event_name.as_str());
                format!("{application}: {event} failed{on} in {id}, which no rollout has started")
            }
            FailureKind::AgentSilent => {
                format!("{application}: deployment {id} has not begun{on}: its agent is silent")
            }
            FailureKind::GateNotSeen => {
                let missed = self.instance_id.map_or("every instance", InstanceId::as_str);
                format!(
                    "{application}: deployment {id} did not contain {missed}: CodeDeploy may not have seen the gate yet"
                )
            }
            FailureKind::AlarmActive => {
                format!("{application}: deployment {id} was stopped by an alarm of its deployment group")
            }
            FailureKind::InstanceNotReached if target.is_none() && may_not_select(deployment) => format!(
                "{application}: deployment {id} did not contain {}: a deployment group that selects by Auto Scaling group may not \
                 reach an instance before it is in service, one that selects by EC2 tag does",
                instance.as_ref().map_or("any instance", TargetId::as_str)
            ),
            FailureKind::InstanceNotReached if needs_more_instances(deployment) => format!(
                "{application}: deployment {id} ended before it began{on}, and failed nowhere: its configuration ({}) needs \
                 more healthy instances than the group has; OneAtATime and AllAtOnce of CodeDeployDefault do not",
                deployment.deployment_config_name
            ),
            FailureKind::InstanceNotReached => {
                format!("{application}: deployment {id} ended {:?} before it began{on}", deployment.status)
            }
            FailureKind::DeploymentTimedOut => format!(
                "{application}: deployment {id} was not over{on} and had made no progress for {} s (timeoutSeconds)",
                application.timeout_seconds
            ),
        }
    }
}

/// Whether the group's selection is the likely reason why a deployment did not contain the instance.
fn may_not_select(deployment: &Deployment) -> bool {
    deployment.error.as_ref().is_none_or(|(code, _)| code == "NO_INSTANCES")
}

/// Whether CodeDeploy failed a deployment because its configuration could not be met from the start: "CodeDeploy will immediately
/// fail the overall deployment" (CodeDeploy user guide, "CodeDeploy instance health").
fn needs_more_instances(deployment: &Deployment) -> bool {
    let is_health = deployment.error.as_ref().is_some_and(|(code, _)| code == "HEALTH_CONSTRAINTS");
    is_health && deployment.overview.failed == 0
}

/// A text of a script, an agent or AWS, as it may be quoted.
fn quoted(text: &str) -> String {
    beginning(&plain(text), LONGEST_MESSAGE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::LONGEST_REASON;
    use crate::words::application::DeploymentGroup;
    use crate::words::deployment::{DeploymentStatus, FailedEvent, Overview, TargetStatus, sample};
    use proptest::prelude::*;

    const INSTANCE: &str = "i-0123abcd";

    fn application(group: &str) -> Application {
        group.parse::<DeploymentGroup>().unwrap().into()
    }

    fn deployment(error: Option<(&str, &str)>) -> Deployment {
        Deployment {
            error: error.map(|(code, message)| (code.into(), message.into())),
            ..sample::deployment(DeploymentStatus::Failed, Overview { failed: 1, ..Overview::default() })
        }
    }

    fn target(status: TargetStatus, failed_event: Option<FailedEvent>) -> Target {
        Target { failed_event, ..sample::target(status) }
    }

    /// A deployment to A/S that failed on the instance, in the second attempt, in eu-west-1.
    fn failed(
        kind: FailureKind,
        deployment: &Deployment,
        target: Option<&Target>,
        explain: impl Fn(FailedDeployment) -> Reason,
    ) -> Reason {
        let (application, instance_id) = (application("A/S"), InstanceId::try_from(INSTANCE).unwrap());
        let instance_id = Some(&instance_id);
        let failed = FailedDeployment {
            kind,
            application: &application,
            attempts: 2,
            deployment,
            target,
            instance_id,
            region: "eu-west-1",
            quotes_log: true,
        };
        explain(failed)
    }

    #[test]
    fn a_failed_script_reads_like_an_answer() {
        let target = target(
            TargetStatus::Failed,
            Some(FailedEvent {
                lifecycle_event_name: "AfterInstall".into(),
                error_code: Some("ScriptFailed".into()),
                script_name: Some("migrate.sh".into()),
                message: Some("Script at specified location: migrate.sh failed with exit code 3".into()),
                log_tail: Some("[stderr]\u{1b}[31mno such table\u{1b}[0m\n".into()),
            }),
        );
        let deployment = deployment(Some(("HEALTH_CONSTRAINTS", "too many")));
        let reason = failed(FailureKind::DeploymentFailed, &deployment, Some(&target), |failed| failed.reason());
        assert_eq!(reason.summary, "A/S: AfterInstall (migrate.sh) failed on i-0123abcd in d-1");
        assert_eq!(reason.error_code.as_deref(), Some("ScriptFailed"));
        assert_eq!(reason.deployment_status, "Failed (HEALTH_CONSTRAINTS)");
        assert_eq!(reason.log_tail.as_deref(), Some("[stderr]no such table"));
        assert!(reason.deployment_url.contains("eu-west-1") && reason.deployment_url.contains("d-1"));
        assert_eq!(reason.attempts, 2);
        let omitting = |failed: FailedDeployment<'_>| FailedDeployment { quotes_log: false, ..failed }.reason();
        let without = failed(FailureKind::DeploymentFailed, &deployment, Some(&target), omitting);
        assert_eq!(without, Reason { log_tail: None, ..reason });
    }

    #[test]
    fn without_a_failed_event_codedeploy_s_error_is_the_reason() {
        let deployment = deployment(Some(("IAM_ROLE_MISSING", "The service role is gone")));
        let reason = failed(FailureKind::DeploymentFailed, &deployment, None, |failed| failed.reason());
        assert_eq!(reason.summary, "A/S: deployment d-1 failed on i-0123abcd");
        assert_eq!(reason.message.as_deref(), Some("The service role is gone"));
        assert_eq!(reason.error_code.as_deref(), Some("IAM_ROLE_MISSING"));
    }

    #[test]
    fn a_silent_agent_may_be_another_instance_s() {
        let silent = |others: Vec<TargetId>| {
            let kind = FailureKind::AgentSilent;
            failed(kind, &deployment(None), None, |failed| failed.reason_of_silence(600, others.clone()))
        };
        for (others, end) in [
            (&[][..], "begun on i-0123abcd (d-1 the last): its agent is silent"),
            (&["i-2"], "begun on i-0123abcd (d-1 the last), nor on i-2: an agent is silent"),
            (&["i-2", "i-3", "i-4"], "begun on i-0123abcd (d-1 the last), nor on i-2 and 2 more: an agent is silent"),
        ] {
            let reason = silent(others.iter().map(|id| TargetId::from(*id)).collect());
            assert_eq!(reason.summary, format!("A/S: for 600 s no deployment has {end}"));
        }
        let reason = silent((0..300).map(|i| TargetId::from(format!("i-{i:017x}"))).collect());
        assert_eq!(reason.others_not_begun.len(), MOST_INSTANCES_NAMED);
        assert!(serde_json::to_string(&reason).unwrap().len() < 10_000);
    }

    #[test]
    fn instances_that_a_group_s_deployment_left_out_are_named() {
        let instances: Vec<_> = ["i-0000000a", "i-0000000b"].map(|id| InstanceId::try_from(id).unwrap()).into();
        let start = "A/S: deployment d-1 is Failed, and";
        for (outdated, which) in [(&instances[..1], "i-0000000a is"), (&instances, "i-0000000a and 1 more are")] {
            let explain = |failed: FailedDeployment| failed.reason_of_outdated(outdated);
            let reason = failed(FailureKind::InstanceNotReached, &deployment(None), None, explain);
            assert!(reason.summary.starts_with(&format!("{start} {which} not up to date: ")), "{}", reason.summary);
            assert_eq!(reason.instance_id, Some("i-0000000a".into()));
        }
    }

    #[test]
    fn a_deployment_without_the_instance_is_the_selection_s() {
        let reason = failed(FailureKind::InstanceNotReached, &deployment(None), None, |failed| failed.reason());
        let start =
            "A/S: deployment d-1 did not contain i-0123abcd: a deployment group that selects by Auto Scaling group";
        assert!(reason.summary.starts_with(start), "{}", reason.summary);
    }

    #[test]
    fn a_configuration_that_cannot_be_met_is_named() {
        let skipped = target(TargetStatus::Skipped, None);
        let summary = |failed_targets, code| {
            let deployment = Deployment {
                deployment_config_name: "CodeDeployDefault.HalfAtATime".into(),
                overview: Overview { failed: failed_targets, skipped: 1, ..Overview::default() },
                ..deployment(Some((code, "m")))
            };
            failed(FailureKind::InstanceNotReached, &deployment, Some(&skipped), |failed| failed.reason()).summary
        };
        assert!(
            summary(0, "HEALTH_CONSTRAINTS").contains("its configuration (CodeDeployDefault.HalfAtATime) needs more")
        );
        for (failed_targets, code) in [(1, "HEALTH_CONSTRAINTS"), (0, "MANUAL_STOP")] {
            let expected = "A/S: deployment d-1 ended Failed before it began on i-0123abcd";
            assert_eq!(summary(failed_targets, code), expected);
        }
    }

    #[test]
    fn without_the_instance_s_message_codedeploy_s_own_is_quoted() {
        let event = FailedEvent { lifecycle_event_name: "Install".into(), ..FailedEvent::default() };
        let target = target(TargetStatus::Failed, Some(event));
        let deployment = deployment(Some(("HEALTH_CONSTRAINTS", "too many")));
        let reason = failed(FailureKind::DeploymentFailed, &deployment, Some(&target), |failed| failed.reason());
        assert_eq!(reason.message.as_deref(), Some("too many"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn a_reason_is_bounded_whatever_was_reported(texts in prop::array::uniform7("\\PC{0,40}|[\"\\\\\t\n\u{1b}ä]{0,2000}")) {
            let [name, code, script, message, log, overall, status] = texts;
            let event = FailedEvent {
                lifecycle_event_name: name,
                error_code: Some(code),
                script_name: Some(script),
                message: Some(message),
                log_tail: Some(log),
            };
            let target = target(TargetStatus::Failed, Some(event));
            let deployment = deployment(Some((&status, &overall)));
            let others: Vec<TargetId> = (0..300).map(|i| TargetId::from(format!("{i:0100}"))).collect();
            for kind in [FailureKind::DeploymentFailed, FailureKind::NeighbourFailed] {
                let reason = failed(kind, &deployment, Some(&target), |failed| failed.reason());
                prop_assert!(serde_json::to_string(&reason).unwrap().len() < LONGEST_REASON);
                let silent = failed(kind, &deployment, None, |failed| failed.reason_of_silence(1, others.clone()));
                prop_assert!(serde_json::to_string(&silent).unwrap().len() < LONGEST_REASON);
            }
        }
    }
}
