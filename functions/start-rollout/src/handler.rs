use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tracing::{Instrument, info_span, warn};
use turnstile::Error;
use turnstile::input::{Input, LaunchEvent};
use turnstile::log;

pub struct Handler {
    pub sfn: aws_sdk_sfn::Client,
    pub state_machine_arn: String,
}

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "SCREAMING_SNAKE_CASE", rename_all_fields = "camelCase")]
pub enum Answer {
    /// The rollout is running: started by this event, or by an earlier delivery of it.
    Started { execution_arn: String },
    /// The instance has had its rollout: an event that was delivered again, late.
    AlreadyDone { execution_name: String },
    /// Not an event that starts a rollout.
    Ignored { why: String },
}

impl Handler {
    /// Takes whatever is delivered: an unknown event is answered, not failed, so that it is not delivered again and again.
    pub async fn handle(&self, event: Value) -> Result<Answer, Error> {
        let Some(launch) = LaunchEvent::of(event).inspect_err(|e| warn!(error = e.name(), reason = %e, "failed"))?
        else {
            let answer = Ok(Answer::Ignored { why: "not the launch of an instance".into() });
            log::outcome(&answer);
            return answer;
        };
        let input = launch.to_input();
        let group = String::from(input.auto_scaling_group_name.clone());
        let instance = input.instance_id.clone().map(String::from).unwrap_or_default();
        let name = execution_name(&group, &instance);
        let span = info_span!("start-rollout", execution = name, group, instance);
        async {
            let answer = self.start(name, &input).await;
            log::outcome(&answer);
            answer
        }
        .instrument(span)
        .await
    }

    async fn start(&self, name: String, input: &Input) -> Result<Answer, Error> {
        let request = self
            .sfn
            .start_execution()
            .state_machine_arn(&self.state_machine_arn)
            .name(&name)
            .input(serde_json::json!(input).to_string());
        match request.send().await {
            Ok(started) => Ok(Answer::Started { execution_arn: started.execution_arn }),
            Err(e) if e.as_service_error().is_some_and(|e| e.is_execution_already_exists()) => {
                Ok(Answer::AlreadyDone { execution_name: name })
            }
            Err(e) => Err(Error::of_call("StepFunctions.StartExecution", &e)),
        }
    }
}

/// Execution names have at most 80 characters (Step Functions API reference, StartExecution).
const LONGEST_NAME: usize = 80;
/// Of the hash that stands for what had to be left out of a name, in hexadecimal digits.
const HASH_DIGITS: usize = 8;

/// The same for every delivery of an instance's launch, so that Step Functions itself refuses a second rollout.
fn execution_name(group: &str, instance: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let clean: String = group.chars().map(|c| if allowed(c) { c } else { '-' }).collect();
    let room = LONGEST_NAME - instance.len() - 1;
    if clean == group && group.len() <= room {
        return format!("{group}-{instance}");
    }
    let hash: String = Sha256::digest(group).iter().map(|byte| format!("{byte:02x}")).collect();
    let clean: String = clean.chars().take(room - HASH_DIGITS - 1).collect();
    format!("{clean}-{}-{instance}", &hash[..HASH_DIGITS])
}

#[cfg(test)]
mod tests {
    use super::*;

    const INSTANCE: &str = "i-0123456789abcdef0";

    #[test]
    fn an_execution_is_named_after_group_and_instance() {
        assert_eq!(execution_name("web-Blue_1.2", INSTANCE), "web-Blue_1.2-i-0123456789abcdef0");
    }

    #[test]
    fn groups_whose_names_do_not_fit_are_still_told_apart() {
        let long = "g".repeat(255);
        let names = [
            execution_name("web blue", INSTANCE),
            execution_name("web/blue", INSTANCE),
            execution_name("web-blue", INSTANCE),
            execution_name(&long, INSTANCE),
            execution_name(&long[1..], INSTANCE),
        ];
        for (i, name) in names.iter().enumerate() {
            assert!(name.len() <= LONGEST_NAME && name.ends_with(INSTANCE), "{name}");
            assert!(!names[..i].contains(name), "{name}");
        }
    }
}
