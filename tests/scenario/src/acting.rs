//! What happens in the steps of a scenario.

use serde_json::{Map, Value};
use stack::Stack;

use crate::format::{Action, Application, Completion, Deploy, Launch, LaunchNumber, Scenario, SetAlarm, Start};
use crate::moment::Seen;
use crate::setting;

/// CodeDeploy's answers that pass: another deployment of the group is under way.
const BUSY: &str = "DeploymentLimitExceededException";

/// Lets an action happen. False when what it is about is not there yet.
pub async fn act(action: Action<'_>, stack: &Stack, seen: &Seen, scenario: &Scenario) -> Result<bool, String> {
    let world = stack.world();
    match action {
        Action::Launch(launch) => launch_instances(launch, stack, scenario).map(|()| true),
        Action::Terminate(number) => on(seen.instance(number), |id| world.terminate(id)),
        Action::SilenceAgent(number) => on(seen.instance(number), |id| world.silence_agent(id)),
        Action::ReturnToPool(number) => on(seen.instance(number), |id| world.return_to_pool(id)),
        Action::Detach(number) => on(seen.instance(number), |id| world.detach(id)),
        Action::ReplaceRootVolume(number) => on(seen.instance(number), |id| world.replace_root_volume(id)),
        Action::Abort(number) => {
            let Some(id) = seen.instance(number) else { return Ok(false) };
            let about_it =
                |execution: &&stack::Execution| execution.is_running() && execution.input.to_string().contains(id);
            let Some(execution) = seen.executions.iter().rev().find(about_it) else { return Ok(false) };
            stack.stop_execution(&execution.arn).await.map_err(|error| error.to_string())?;
            Ok(true)
        }
        Action::DeleteTurns => stack.delete_turns().await.map(|()| true).map_err(|error| error.to_string()),
        Action::Deploy(deploy) => deploy_as_a_person(deploy, stack),
        Action::SetAlarm(SetAlarm { name, on }) => {
            world.set_alarm(name, *on).map(|()| true).map_err(|refusal| refusal.to_string())
        }
        Action::StartRollout(start) => start_rollout(start, stack, seen).await,
        Action::CompleteHook(completion) => complete_hook(completion, stack, seen),
        Action::SendEvent(event) => {
            let Some(event) = with_ids(event, seen) else { return Ok(false) };
            let invoked = stack.invoke("start-rollout", &event).await.map_err(|error| error.to_string())?;
            match invoked.function_error {
                // What start-rollout makes of it is seen in the executions.
                None => Ok(true),
                Some(error) => Err(format!("start-rollout failed ({error}): {}", invoked.payload)),
            }
        }
    }
}

fn on(id: Option<&str>, act: impl Fn(&str) -> Result<(), world::Refusal>) -> Result<bool, String> {
    let Some(id) = id else { return Ok(false) };
    act(id).map(|()| true).map_err(|refusal| refusal.to_string())
}

fn launch_instances(launch: &Launch, stack: &Stack, scenario: &Scenario) -> Result<(), String> {
    let first = scenario.world.groups.first().map(|group| &group.name);
    let group = launch.group.as_ref().or(first).ok_or("there is no Auto Scaling group")?;
    if launch.over > 0.0 {
        let launched = stack.world().launch_over(group, launch.count, launch.over);
        return launched.map(drop).map_err(|refusal| refusal.to_string());
    }
    let own = world::Launch { boot_seconds: launch.boot_seconds, agent_seconds: launch.agent_seconds };
    for _ in 0..launch.count {
        stack.world().launch_with(group, &own).map_err(|refusal| refusal.to_string())?;
    }
    Ok(())
}

fn deploy_as_a_person(deploy: &Deploy, stack: &Stack) -> Result<bool, String> {
    let application = Application::named(&deploy.application);
    let (name, group) = application.names();
    if let Some(revisions) = deploy.revisions().filter(|revisions| revisions.len() != 1) {
        let revisions = revisions.iter().map(|key| setting::revision(key)).collect();
        let started = stack.world().start_pipeline(name, group, revisions, deploy.every_seconds);
        return started.map(|()| true).map_err(|refusal| refusal.to_string());
    }
    let created = match deploy.restart {
        true => stack.world().restart(name, group),
        false => stack.world().deploy(name, group, deploy.revision.as_deref().map(setting::revision)),
    };
    match created {
        Ok(_) => Ok(true),
        Err(refusal) if refusal.code == BUSY => Ok(false),
        Err(refusal) => Err(refusal.to_string()),
    }
}

async fn start_rollout(start: &Start, stack: &Stack, seen: &Seen) -> Result<bool, String> {
    let input = Value::Object(start.input.clone().into_iter().collect());
    let Some(input) = with_ids(&input, seen) else { return Ok(false) };
    let started = stack.start_execution(start.name.as_deref(), &input).await;
    started.map(|_| true).map_err(|error| error.to_string())
}

/// The value with instance ids for `{launch 1}` in its texts; `None` while such an instance has not been launched.
fn with_ids(value: &Value, seen: &Seen) -> Option<Value> {
    Some(match value {
        Value::String(text) => text_with_ids(text, |number| seen.instance(number))?.into(),
        Value::Array(items) => Value::Array(items.iter().map(|item| with_ids(item, seen)).collect::<Option<_>>()?),
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| Some((name.clone(), with_ids(value, seen)?));
            Value::Object(fields.iter().map(field).collect::<Option<Map<_, _>>>()?)
        }
        _ => value.clone(),
    })
}

fn text_with_ids<'a>(text: &str, id: impl Fn(LaunchNumber) -> Option<&'a str>) -> Option<String> {
    let mut parts = text.split("{launch ");
    let mut with_ids = parts.next()?.to_owned();
    for part in parts {
        match part.split_once('}').and_then(|(number, rest)| Some((number.parse().ok()?, rest))) {
            Some((number, rest)) => with_ids.extend([id(number)?, rest]),
            None => with_ids.extend(["{launch ", part]),
        }
    }
    Some(with_ids)
}

/// Completes the hook that the instance waits at.
fn complete_hook(completion: &Completion, stack: &Stack, seen: &Seen) -> Result<bool, String> {
    let Some(id) = seen.instance(completion.launch) else { return Ok(false) };
    let open = |action: &&world::HookActionReport| action.instance_id == id && action.closed_at.is_none();
    let Some(action) = seen.report.hook_actions.iter().find(open) else { return Ok(false) };
    on(Some(id), |id| stack.world().complete_hook(id, &action.hook, completion.result))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_s_id_stands_in_a_text_for_its_launch() {
        let id = |number| ["i-1", "i-2"].get(number - 1).copied();
        for (text, expected) in [
            ("{launch 1}", Some("i-1")),
            ("a {launch 2} b {launch 1}", Some("a i-2 b i-1")),
            ("{launch 3}", None),
            ("{launch x} {launch", Some("{launch x} {launch")),
            ("", Some("")),
        ] {
            assert_eq!(text_with_ids(text, id).as_deref(), expected, "{text}");
        }
    }
}
