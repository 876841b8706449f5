//! The message that tells people of a rollout's end: what failed where comes first, then why, and what to do.

use std::fmt::Write;

use crate::limits::{LONGEST_QUOTE, LONGEST_SUBJECT, MOST_WARNINGS_TOLD};
use crate::policy::plain_text::{last_lines, plain};
use crate::words::rollout_end::{ABORTED, DRY_RUN, RolloutEnd, TIMED_OUT};
use crate::words::text::beginning;

/// A message of SNS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// [`LONGEST_SUBJECT`] ASCII characters at the most, in one line.
    pub subject: String,
    pub text: String,
    /// What subscribers can filter by, each with a value.
    pub attributes: Vec<(&'static str, String)>,
}

/// The message about a rollout's end.
pub fn of(end: &RolloutEnd) -> Message {
    Message { subject: subject(end), text: text(end), attributes: attributes(end) }
}

fn attributes(end: &RolloutEnd) -> Vec<(&'static str, String)> {
    let id = format!("{}#{}", end.id.execution, end.id.redrive_count);
    let given = [
        ("id", Some(id)),
        ("outcome", Some(end.outcome.clone())),
        ("autoScalingGroupName", end.auto_scaling_group_name.clone()),
        ("error", end.error.clone()),
        ("application", application(end)),
    ];
    given.into_iter().filter_map(|(name, value)| Some((name, value.filter(|value| !value.is_empty())?))).collect()
}

/// The first line, as far as it may be a subject.
fn subject(end: &RolloutEnd) -> String {
    let ascii = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '?' };
    let line: String = format!("Turnstile: {}", first_line(end)).chars().map(ascii).collect();
    match line.len() > LONGEST_SUBJECT {
        true => format!("{}...", &line[..LONGEST_SUBJECT - 3]),
        false => line,
    }
}

/// What happened where: outcome, application, script, instance, group.
fn first_line(end: &RolloutEnd) -> String {
    let mut line = end.outcome.clone();
    if end.error.is_some() || end.is_failure() {
        let event = end.of_cause("lifecycleEvent");
        let script = end.of_cause("scriptName").map(|script| format!("({script})"));
        let what = [application(end), event.map(str::to_owned), script];
        let what: Vec<String> = what.into_iter().flatten().collect();
        match (what.is_empty(), &end.error) {
            (false, _) => _ = write!(line, " {}", what.join(" ")),
            (true, Some(error)) => _ = write!(line, " {error}"),
            (true, None) => {}
        }
    }
    if let Some(instance_id) = &end.instance_id {
        _ = write!(line, " on {instance_id}");
    }
    if let Some(group) = &end.auto_scaling_group_name {
        _ = write!(line, " of {group}");
    }
    plain(&line).replace('\n', " ")
}

/// `application/deployment group`, when the end is about one.
fn application(end: &RolloutEnd) -> Option<String> {
    Some(format!("{}/{}", end.of_cause("applicationName")?, end.of_cause("deploymentGroupName")?))
}

fn text(end: &RolloutEnd) -> String {
    let mut text = first_line(end);
    let mut paragraph = |title: &str, body: &str| {
        if !body.is_empty() {
            let body = beginning(&plain(body), LONGEST_QUOTE);
            let is_list = body.contains('\n') || body.starts_with("- ");
            let separator = if is_list { "\n" } else { " " };
            _ = write!(text, "\n\n{title}:{separator}{body}");
        }
    };
    let of_cause = |field: &str| end.of_cause(field).unwrap_or_default();
    paragraph("What happened", end.output["summary"].as_str().unwrap_or(of_cause("summary")));
    paragraph("Script output", &last_lines(&plain(of_cause("logTail")), LONGEST_QUOTE));
    paragraph("Error", end.error.as_deref().unwrap_or_default());
    paragraph("Why it ended", end.output["why"].as_str().unwrap_or_default());
    paragraph("Applications", &deployed(end));
    paragraph("Hook", &hook(end));
    paragraph("What to do", what_to_do(end));
    paragraph("Deployment", of_cause("deploymentUrl"));
    paragraph("Execution", &end.execution_url);
    paragraph("Warnings", &warnings(end));
    text.push('\n');
    text
}

fn deployed(end: &RolloutEnd) -> String {
    if end.outcome == DRY_RUN {
        return String::new();
    }
    let text = |value: &serde_json::Value, field: &str| value[field].as_str().unwrap_or_default().to_owned();
    let applications = end.output["applications"].as_array().into_iter().flatten();
    let lines = applications.map(|deployed| {
        let (name, group) = (text(deployed, "applicationName"), text(deployed, "deploymentGroupName"));
        format!("{name}/{group} {}", text(deployed, "deploymentId"))
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn hook(end: &RolloutEnd) -> String {
    let of_output = match end.output["hook"].as_str() {
        Some("COMPLETED") => "completed with CONTINUE",
        Some("ALREADY_OVER") => "was over already",
        Some("NO_HOOK") => "none to complete",
        _ => "",
    };
    // A rollout of the whole group has no hook. Whether an instance waits at one is not known here.
    let left_open = "left open, if the instance waits at it: then the schedule starts another rollout within a minute, or says in the log why not";
    match end.of_cause("hook") {
        Some(done) => done.to_owned(),
        None if matches!(end.outcome.as_str(), ABORTED | TIMED_OUT) && end.instance_id.is_some() => {
            left_open.to_owned()
        }
        None => of_output.to_owned(),
    }
}

fn warnings(end: &RolloutEnd) -> String {
    let of = |value: &serde_json::Value| -> Vec<String> {
        let list = value["warnings"].as_array().into_iter().flatten();
        list.filter_map(|warning| Some(format!("- {}", warning.as_str()?))).collect()
    };
    let all: Vec<String> = of(&end.cause).into_iter().chain(of(&end.output)).collect();
    let mut told = all.iter().take(MOST_WARNINGS_TOLD).cloned().collect::<Vec<_>>();
    if all.len() > told.len() {
        told.push(format!("- and {} more", all.len() - told.len()));
    }
    told.join("\n")
}

/// A sentence for whoever is woken up. docs/operating.md says more.
fn what_to_do(end: &RolloutEnd) -> &'static str {
    if end.outcome == ABORTED {
        return "Nothing, if you meant it. A launch goes on: the schedule starts another rollout for an instance that waits at its launch hook.";
    }
    if !end.is_failure() {
        return "";
    }
    match end.error.as_deref().unwrap_or_default() {
        "Turnstile.DeploymentFailed" => {
            "Read the script output above, mend the revision, and deploy it. The group's next launch gets what is current then."
        }
        "Turnstile.InstanceNotReached" => {
            "See whether the deployment group selects the instance by a tag, and who stopped the deployment."
        }
        "Turnstile.DeploymentTimedOut" => {
            "See whether the CodeDeploy agent runs on the instance, and why the script hangs."
        }
        "Turnstile.InvalidInput" => {
            "Mend the field that is named above: in the input, the hook's NotificationMetadata, or the parameter Applications."
        }
        "Turnstile.UnsuitableDeploymentGroup" => {
            "Prepare the deployment group as docs/operating.md says, then start the rollout again."
        }
        "Turnstile.DeploymentRejected" => "CodeDeploy's reason is above. Mend it, then start the rollout again.",
        "Turnstile.GroupBusy" => "End the deployment that is named above, or raise the limit that it quotes.",
        "Turnstile.OutOfTime" => {
            "Release the group, if it is held. Else raise HeartbeatTimeout, or deploy to several instances at a time."
        }
        "Turnstile.AbandonedByAnotherHook" => {
            "Remove the launch hooks that are named above, or see who completes them."
        }
        "Turnstile.AccessDenied" => "Permit the call that is named above to the function's role.",
        "Turnstile.Throttled" | "Turnstile.Unavailable" => "Start the rollout again, once AWS answers.",
        _ => "See docs/operating.md, \"When a rollout fails\".",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::rollout_end;
    use crate::policy::rollout_end::tests::execution;
    use crate::words::execution::{Execution, ExecutionStatus};
    use crate::words::rollout_end::SUCCEEDED;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn failed(cause: Value) -> RolloutEnd {
        let error = Some("Turnstile.DeploymentFailed".to_owned());
        let failed = Execution { error, cause: Some(cause.to_string()), ..execution(ExecutionStatus::Failed) };
        rollout_end::of(&failed).unwrap()
    }

    fn of_script() -> Value {
        json!({
            "summary": "Invoicing/Production: AfterInstall (scripts/migrate.ps1) failed on i-0123456789abcdef0 in d-ABC",
            "applicationName": "Invoicing", "deploymentGroupName": "Production", "deploymentId": "d-ABC",
            "deploymentUrl": "https://console/d-ABC", "lifecycleEvent": "AfterInstall", "scriptName": "scripts/migrate.ps1",
            "logTail": "[stdout]migrating\n[stderr]no such table: invoices", "hook": "turnstile completed with ABANDON",
            "warnings": ["one", "two", "three", "four", "five", "six", "seven"],
        })
    }

    #[test]
    fn a_failure_says_first_what_failed_where() {
        let message = of(&failed(of_script()));
        let expected = "FAILED Invoicing/Production AfterInstall (scripts/migrate.ps1) on i-0123456789abcdef0 of web

What happened: Invoicing/Production: AfterInstall (scripts/migrate.ps1) failed on i-0123456789abcdef0 in d-ABC

Script output:
[stdout]migrating
[stderr]no such table: invoices

Error: Turnstile.DeploymentFailed

Hook: turnstile completed with ABANDON

What to do: Read the script output above, mend the revision, and deploy it. The group's next launch gets what is current then.

Deployment: https://console/d-ABC

Execution: https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1#/v2/executions/details/arn:aws:states:eu-west-1:123456789012:execution:turnstile:web-1

Warnings:
- one
- two
- three
- four
- five
- and 2 more
";
        assert_eq!(message.text, expected);
        assert_eq!(
            message.subject,
            "Turnstile: FAILED Invoicing/Production AfterInstall (scripts/migrate.ps1) on i-0123456789abcdef0..."
        );
        let expected = [
            ("id", "arn:aws:states:eu-west-1:123456789012:execution:turnstile:web-1#0"),
            ("outcome", "FAILED"),
            ("autoScalingGroupName", "web"),
            ("error", "Turnstile.DeploymentFailed"),
            ("application", "Invoicing/Production"),
        ];
        assert_eq!(message.attributes, expected.map(|(name, value)| (name, value.to_owned())));
    }

    #[test]
    fn every_end_is_told_in_a_line() {
        let ended = |status, output| {
            let ended = Execution { output, ..execution(status) };
            of(&rollout_end::of(&ended).unwrap()).subject
        };
        for (status, output, line) in [
            (ExecutionStatus::Succeeded, json!({"outcome": "SUCCEEDED"}), "SUCCEEDED on i-0123456789abcdef0 of web"),
            (
                ExecutionStatus::Succeeded,
                json!({"outcome": "INSTANCE_GONE"}),
                "INSTANCE_GONE on i-0123456789abcdef0 of web",
            ),
            (ExecutionStatus::Aborted, Value::Null, "ABORTED on i-0123456789abcdef0 of web"),
            (ExecutionStatus::TimedOut, Value::Null, "TIMED_OUT on i-0123456789abcdef0 of web"),
        ] {
            assert_eq!(ended(status, output), format!("Turnstile: {line}"));
        }
        let error = Some("Turnstile.InvalidInput".to_owned());
        let unreadable = Execution { error, input: json!(7), ..execution(ExecutionStatus::Failed) };
        let message = of(&rollout_end::of(&unreadable).unwrap());
        assert_eq!(message.subject, "Turnstile: FAILED Turnstile.InvalidInput");
    }

    #[test]
    fn a_success_lists_what_was_deployed() {
        let applications = json!([{"applicationName": "A", "deploymentGroupName": "P", "deploymentId": "d-1"}]);
        let output = json!({"outcome": SUCCEEDED, "hook": "COMPLETED", "applications": applications});
        let end = rollout_end::of(&Execution { output, ..execution(ExecutionStatus::Succeeded) }).unwrap();
        let text = of(&end).text;
        assert!(text.contains("\n\nApplications: A/P d-1\n\nHook: completed with CONTINUE\n\nExecution: "), "{text}");
        assert!(!text.contains("What to do"), "{text}");
    }

    #[test]
    fn every_error_that_has_a_sentence_is_a_documented_one() {
        let documented = include_str!("../../../../docs/operating.md");
        let source = include_str!("message.rs");
        let named = source.split('"').filter(|text| text.starts_with("Turnstile.") && text.len() > 10);
        for name in named {
            assert!(documented.contains(&format!("`{name}`")), "{name}");
        }
    }

    proptest! {
        #[test]
        fn a_message_is_one_that_sns_takes(summary in "\\PC{0,300}", script in any::<String>(), log in "[ -~\n\u{1b}ä]{0,3000}", group in "\\PC{1,255}") {
            let mut cause = of_script();
            for (field, text) in [("summary", &summary), ("scriptName", &script), ("logTail", &log)] {
                cause[field] = json!(text);
            }
            let message = of(&RolloutEnd { auto_scaling_group_name: Some(group), ..failed(cause) });
            prop_assert!((1..=LONGEST_SUBJECT).contains(&message.subject.len()));
            prop_assert!(message.subject.bytes().all(|b| (0x20..0x7f).contains(&b)), "{}", message.subject);
            prop_assert!(message.text.len() < 64 * 1_024);
            prop_assert!(!message.text.lines().next().unwrap().is_empty());
            prop_assert!(message.attributes.iter().all(|(_, value)| !value.is_empty()));
        }
    }
}
