//! Why an application failed, as an answer for the operator: which application, deployment, lifecycle event and script,
//! its error code and the tail of its log. It becomes the execution's `cause`.

use serde::{Deserialize, Serialize};

use crate::application::Application;
use crate::attempt;
use crate::codedeploy::{Deployment, Target};

/// What the operator reads, and whether another attempt can help.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reason {
    /// One sentence.
    pub summary: String,
    pub application_name: String,
    pub deployment_group_name: String,
    pub deployment_id: String,
    /// Where to look: the deployment in the CodeDeploy console.
    pub deployment_url: String,
    /// CodeDeploy's status of the whole deployment, with its error code when it has one.
    pub deployment_status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifecycle_event: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub script_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_tail: Option<String>,
    /// For how long deployments of the application have not begun on the instance, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silent_seconds: Option<u32>,
    /// The other instances on which the deployment had not begun, [`MOST_NAMED`] at the most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others_not_begun: Vec<String>,
    /// How many deployments of this application the rollout has tried.
    pub attempts: u32,
}

/// The kind of a failure; its name is the execution's `error`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Failure {
    /// The target failed, or in a rollout of a whole group any target or the deployment as such.
    #[serde(rename = "Turnstile.DeploymentFailed")]
    Failed,
    /// The deployment is over and never reached the instance.
    #[serde(rename = "Turnstile.InstanceNotReached")]
    NotReached,
    /// The deployment failed on another instance before it began on this one.
    #[serde(rename = "Turnstile.NeighbourFailed")]
    NeighbourFailed,
    /// The deployment has not begun on the instance, and on none that is left.
    #[serde(rename = "Turnstile.AgentSilent")]
    AgentSilent,
    /// The deployment made no progress for the application's timeoutSeconds.
    #[serde(rename = "Turnstile.DeploymentTimedOut")]
    TimedOut,
}

impl Reason {
    /// Puts the reason together. `target` is the target that decided, if one did.
    pub fn new(
        failure: Failure,
        application: &Application,
        attempts: u32,
        deployment: &Deployment,
        target: Option<&Target>,
        instance_id: Option<&str>,
        region: &str,
    ) -> Self {
        let event = target.and_then(|target| target.failed_event.as_ref());
        let own = instance_id.unwrap_or_default();
        let (overall_code, overall_message) = deployment.error.clone().unzip();
        let instance_id = target.map(|target| target.instance_id.as_str()).or(instance_id);
        let on = instance_id.map_or_else(String::new, |id| format!(" on {id}"));
        let id = &deployment.deployment_id;
        let summary = match (failure, event) {
            (Failure::Failed, Some(event)) => {
                let script = event.script_name.as_ref().map_or_else(String::new, |name| format!(" ({name})"));
                format!("{application}: {}{script} failed{on} in {id}", event.lifecycle_event_name)
            }
            (Failure::Failed, None) => format!("{application}: deployment {id} failed{on}"),
            (Failure::NeighbourFailed, event) => {
                let event = event.map_or("the deployment", |event| event.lifecycle_event_name.as_str());
                format!("{application}: deployment {id} never began on {own}, because {event} failed{on}")
            }
            (Failure::AgentSilent, _) => {
                format!("{application}: deployment {id} has not begun{on}: its agent is silent")
            }
            (Failure::NotReached, _) if target.is_none() && may_not_select(deployment) => format!(
                "{application}: deployment {id} did not contain{}: a deployment group that selects by Auto Scaling group \
                 may not reach an instance before it is in service, one that selects by EC2 tag does",
                on.trim_start_matches(" on")
            ),
            (Failure::NotReached, _) if needs_more_instances(deployment) => format!(
                "{application}: deployment {id} ended before it began{on}, and failed nowhere: its configuration ({}) needs \
                 more healthy instances than the group has; OneAtATime and AllAtOnce of CodeDeployDefault do not",
                deployment.deployment_config_name
            ),
            (Failure::NotReached, _) => {
                format!("{application}: deployment {id} ended {:?} before it began{on}", deployment.status)
            }
            (Failure::TimedOut, _) => format!(
                "{application}: deployment {id} was not over{on} and had made no progress for {} s (timeoutSeconds)",
                application.timeout_seconds
            ),
        };
        Self {
            summary,
            application_name: application.application_name.clone(),
            deployment_group_name: application.deployment_group_name.clone(),
            deployment_id: id.clone(),
            deployment_url: format!(
                "https://{region}.{}/codesuite/codedeploy/deployments/{id}?region={region}",
                console_domain(region)
            ),
            deployment_status: match &overall_code {
                Some(code) => format!("{:?} ({code})", deployment.status),
                None => format!("{:?}", deployment.status),
            },
            instance_id: instance_id.map(str::to_owned),
            lifecycle_event: event.map(|event| event.lifecycle_event_name.clone()),
            script_name: event.and_then(|event| event.script_name.clone()),
            error_code: event.and_then(|event| event.error_code.clone()).or(overall_code),
            // CodeDeploy's own message tells of the whole deployment, and would only hide what the instance says.
            message: event.map_or(overall_message, |event| event.message.clone()),
            log_tail: event.and_then(|event| event.log_tail.as_deref()).map(tail).filter(|tail| !tail.is_empty()),
            silent_seconds: None,
            others_not_begun: Vec::new(),
            attempts,
        }
    }

    /// As it is for an instance on which the deployment has not begun, nor have others before it, for so many `seconds` in all.
    /// `others` are the instances on which it has not begun either.
    pub fn of_silence(mut self, seconds: u32, mut others: Vec<String>) -> Self {
        others.truncate(MOST_NAMED);
        let Self { application_name, deployment_group_name, deployment_id, .. } = &self;
        let on = self.instance_id.as_deref().unwrap_or_default();
        let (nor_on, whose) = match others.as_slice() {
            [] => (String::new(), "its"),
            [only] => (format!(", nor on {only}"), "an"),
            [first, more @ ..] => (format!(", nor on {first} and {} more", more.len()), "an"),
        };
        self.summary = format!(
            "{application_name}/{deployment_group_name}: for {seconds} s no deployment has begun on {on} ({deployment_id} the \
             last){nor_on}: {whose} agent is silent"
        );
        self.silent_seconds = Some(seconds);
        self.others_not_begun = others;
        self
    }

    /// Whether it is about this application.
    pub fn is_of(&self, application: &Application) -> bool {
        self.application_name == application.application_name
            && self.deployment_group_name == application.deployment_group_name
    }

    /// Whether another deployment can succeed where this one failed.
    pub fn is_worth_a_retry(&self, failure: Failure) -> bool {
        match failure {
            Failure::TimedOut | Failure::NeighbourFailed | Failure::AgentSilent => false,
            Failure::NotReached | Failure::Failed => self.error_code.as_deref().is_none_or(attempt::can_help),
        }
    }
}

/// Whether a deployment that did not contain the instance has no other reason for it.
fn may_not_select(deployment: &Deployment) -> bool {
    deployment.error.as_ref().is_none_or(|(code, _)| code == "NO_INSTANCES")
}

/// Whether CodeDeploy has failed a deployment because its configuration could not be met from the start: "CodeDeploy will
/// immediately fail the overall deployment" (CodeDeploy user guide, "CodeDeploy instance health").
fn needs_more_instances(deployment: &Deployment) -> bool {
    let is_health = deployment.error.as_ref().is_some_and(|(code, _)| code == "HEALTH_CONSTRAINTS");
    is_health && deployment.overview.failed == 0
}

/// Where the partition of a Region has its console.
fn console_domain(region: &str) -> &'static str {
    match region {
        china if china.starts_with("cn-") => "console.amazonaws.cn",
        government if government.starts_with("us-gov-") => "console.amazonaws-us-gov.com",
        _ => "console.aws.amazon.com",
    }
}

/// How many instances a reason names: an execution's cause has at most 32,768 characters (Step Functions API reference, SendTaskFailure).
pub const MOST_NAMED: usize = 200;

/// CodeDeploy returns up to 4 KB of log; an execution's cause has to hold more than that one field.
const TAIL_CHARACTERS: usize = 1_500;

/// The last lines of a log that fit, without control characters (a script may have coloured its output).
fn tail(log: &str) -> String {
    let clean: String = log.chars().filter(|c| *c == '\n' || *c == '\t' || !c.is_control()).collect();
    let clean = clean.trim_end();
    let mut lines = Vec::new();
    let mut room = TAIL_CHARACTERS;
    for line in clean.lines().rev() {
        let length = line.chars().count() + 1;
        if length > room {
            if lines.is_empty() {
                lines.push(line.chars().skip(length - room).collect());
            }
            break;
        }
        room -= length;
        lines.push(line.to_owned());
    }
    lines.reverse();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codedeploy::{DeploymentStatus, FailedEvent, Overview, TargetStatus, sample};
    use proptest::prelude::*;

    fn deployment(error: Option<(&str, &str)>) -> Deployment {
        Deployment {
            error: error.map(|(code, message)| (code.into(), message.into())),
            ..sample::deployment(DeploymentStatus::Failed, Overview { failed: 1, ..Overview::default() })
        }
    }

    fn target(error_code: &str) -> Target {
        Target {
            instance_id: "i-1".into(),
            status: TargetStatus::Failed,
            failed_event: Some(FailedEvent {
                lifecycle_event_name: "AfterInstall".into(),
                error_code: Some(error_code.into()),
                script_name: Some("migrate.sh".into()),
                message: Some("Script at specified location: migrate.sh failed with exit code 3".into()),
                log_tail: Some("[stderr]\u{1b}[31mno such table\u{1b}[0m\n".into()),
            }),
        }
    }

    #[test]
    fn a_failed_script_reads_like_an_answer() {
        let application = Application::new("A", "Staging");
        let deployment = deployment(Some(("HEALTH_CONSTRAINTS", "too many")));
        let reason = Reason::new(
            Failure::Failed,
            &application,
            2,
            &deployment,
            Some(&target("ScriptFailed")),
            Some("i-1"),
            "eu-west-1",
        );
        assert_eq!(reason.summary, "A/Staging: AfterInstall (migrate.sh) failed on i-1 in d-1");
        assert_eq!(reason.error_code.as_deref(), Some("ScriptFailed"));
        assert_eq!(reason.deployment_status, "Failed (HEALTH_CONSTRAINTS)");
        assert_eq!(reason.log_tail.as_deref(), Some("[stderr][31mno such table[0m"));
        assert!(reason.deployment_url.contains("eu-west-1") && reason.deployment_url.contains("d-1"));
        assert_eq!(reason.attempts, 2);
    }

    #[test]
    fn without_a_failed_event_the_deployment_s_own_error_is_the_reason() {
        let error = Some(("IAM_ROLE_MISSING", "The service role is gone"));
        let reason = Reason::new(
            Failure::Failed,
            &Application::new("A", "S"),
            1,
            &deployment(error),
            None,
            Some("i-1"),
            "us-east-1",
        );
        assert_eq!(reason.summary, "A/S: deployment d-1 failed on i-1");
        assert_eq!(reason.message.as_deref(), Some("The service role is gone"));
        assert!(!reason.is_worth_a_retry(Failure::Failed));
    }

    #[test]
    fn only_what_another_attempt_can_mend_is_retried() {
        let application = Application::new("A", "S");
        for (failure, code, retried) in [
            (Failure::Failed, Some("ScriptFailed"), true),
            (Failure::Failed, Some("UnknownError"), true),
            (Failure::Failed, Some("ScriptMissing"), false),
            (Failure::NotReached, None, true),
            (Failure::TimedOut, None, false),
        ] {
            let target = code.map(target);
            let reason = Reason::new(failure, &application, 1, &deployment(None), target.as_ref(), None, "us-east-1");
            assert_eq!(reason.is_worth_a_retry(failure), retried, "{failure:?} {code:?}");
        }
        for (code, retried) in
            [("HEALTH_CONSTRAINTS", true), ("NO_INSTANCES", true), ("REVISION_MISSING", false), ("MANUAL_STOP", false)]
        {
            for failure in [Failure::Failed, Failure::NotReached] {
                let deployment = deployment(Some((code, "m")));
                let reason = Reason::new(failure, &application, 1, &deployment, None, None, "us-east-1");
                assert_eq!(reason.is_worth_a_retry(failure), retried, "{failure:?} {code}");
            }
        }
    }

    #[test]
    fn a_silent_agent_may_be_another_instance_s() {
        let silent = |others: &[&str]| {
            let (application, deployment) = (Application::new("A", "S"), deployment(None));
            let reason =
                Reason::new(Failure::AgentSilent, &application, 1, &deployment, None, Some("i-1"), "us-east-1");
            reason.of_silence(600, others.iter().map(|id| (*id).to_owned()).collect())
        };
        for (others, end) in [
            (&[][..], "begun on i-1 (d-1 the last): its agent is silent"),
            (&["i-2"], "begun on i-1 (d-1 the last), nor on i-2: an agent is silent"),
            (&["i-2", "i-3", "i-4"], "begun on i-1 (d-1 the last), nor on i-2 and 2 more: an agent is silent"),
        ] {
            assert_eq!(silent(others).summary, format!("A/S: for 600 s no deployment has {end}"));
        }
        let many: Vec<String> = (0..300).map(|i| format!("i-{i:017x}")).collect();
        let reason = silent(&many.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(reason.others_not_begun.len(), MOST_NAMED);
        assert!(serde_json::to_string(&reason).unwrap().len() < 10_000);
    }

    #[test]
    fn a_configuration_that_cannot_be_met_is_named() {
        let application = Application::new("A", "S");
        let skipped = Target { instance_id: "i-1".into(), status: TargetStatus::Skipped, failed_event: None };
        let summary = |failed, code| {
            let overview = Overview { failed, skipped: 1, ..Overview::default() };
            let deployment = Deployment {
                deployment_config_name: "CodeDeployDefault.HalfAtATime".into(),
                overview,
                ..deployment(Some((code, "m")))
            };
            Reason::new(Failure::NotReached, &application, 1, &deployment, Some(&skipped), None, "us-east-1").summary
        };
        assert!(
            summary(0, "HEALTH_CONSTRAINTS").contains("its configuration (CodeDeployDefault.HalfAtATime) needs more")
        );
        for (failed, code) in [(1, "HEALTH_CONSTRAINTS"), (0, "MANUAL_STOP")] {
            assert_eq!(summary(failed, code), "A/S: deployment d-1 ended Failed before it began on i-1");
        }
    }

    proptest! {
        #[test]
        fn a_tail_is_bounded_clean_and_the_end_of_the_log(log in "[ -~\n\u{1b}äß]{0,4000}") {
            let tail = tail(&log);
            prop_assert!(tail.chars().count() <= TAIL_CHARACTERS);
            prop_assert!(!tail.chars().any(|c| c.is_control() && c != '\n'));
            let clean = log.replace('\u{1b}', "");
            prop_assert!(clean.trim_end().ends_with(&tail));
        }
    }
}
