//! Performs the actions of a scenario's steps.

use account::Execution;
use serde_json::{Map, Value};

use crate::bed::Bed;
use crate::format::{
    Action, Application, Completion, Deploy, Launch, LaunchNumber, Object, PutHook, Scenario, SetAlarm, SetTag, Start,
};
use crate::judge::found::are_found;
use crate::setting;
use crate::snapshot::Snapshot;

/// CodeDeploy's error while another deployment of the group is under way.
const BUSY: &str = "DeploymentLimitExceededException";

/// Whether an action was performed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Performed {
    /// It was.
    Done,
    /// What it is about is not there, or is busy.
    NotYet,
}

/// Performs an action.
///
/// # Errors
/// Why it was refused.
pub async fn perform(
    action: Action<'_>,
    bed: &Bed,
    snapshot: &Snapshot,
    scenario: &Scenario,
) -> Result<Performed, String> {
    let world = bed.world();
    match action {
        Action::Launch(launch) => launch_instances(launch, bed, scenario),
        Action::Terminate(launch) => on_instance(snapshot, launch, |id| world.terminate(id)),
        Action::SilenceAgent(launch) => on_instance(snapshot, launch, |id| world.silence_agent(id)),
        Action::ReturnToPool(launch) => on_instance(snapshot, launch, |id| world.return_to_pool(id)),
        Action::Detach(launch) => on_instance(snapshot, launch, |id| world.detach(id)),
        Action::ReplaceRootVolume(launch) => on_instance(snapshot, launch, |id| world.replace_root_volume(id)),
        Action::Abort(launch) => abort(launch, bed, snapshot).await,
        Action::Redrive(launch) => redrive(launch, bed, snapshot),
        Action::DeleteTurns => done(bed.delete_turns().await),
        Action::Hold(group) => done(bed.hold(group, true).await),
        Action::Release(group) => done(bed.hold(group, false).await),
        Action::UpdateStack => done(bed.update_stack().await),
        Action::EnableSchedule(enabled) => {
            bed.enable_schedule(enabled);
            Ok(Performed::Done)
        }
        Action::EmptyQueues => {
            bed.empty_queues();
            Ok(Performed::Done)
        }
        Action::Deploy(deploy) => deploy_as_a_person(deploy, bed),
        Action::StopDeployment(application) => stop_deployment(application, bed, snapshot),
        Action::DeleteApplication(name) => done(world.delete_application(Application::named(name).names().0)),
        Action::ForbidApplication(name) => done(world.forbid_application(Application::named(name).names().0)),
        Action::MakeGroup(name) => done(world.make_group(name)),
        Action::DeleteGroup(name) => done(world.delete_group(name)),
        Action::PutHook(put) => put_hook(put, bed, scenario),
        Action::DeleteHook(group) => done(world.delete_hook(group, &setting::lifecycle_hook_name(scenario))),
        Action::SetAlarm(SetAlarm { name, on }) => done(world.set_alarm(name, *on)),
        Action::SetTag(SetTag { launch, key, value }) => {
            on_instance(snapshot, *launch, |id| world.set_tag(id, key, value.as_deref()))
        }
        Action::StartRollout(start) => start_rollout(start, bed, snapshot).await,
        Action::CompleteHook(completion) => complete_hook(completion, bed, snapshot),
        Action::SendEvent(event, answer) => send_event(event, answer, bed, snapshot).await,
    }
}

fn done<T, E: ToString>(result: Result<T, E>) -> Result<Performed, String> {
    result.map(|_| Performed::Done).map_err(|error| error.to_string())
}

fn on_instance(
    snapshot: &Snapshot,
    launch: LaunchNumber,
    perform: impl Fn(&str) -> Result<(), world::Refusal>,
) -> Result<Performed, String> {
    snapshot.instance_id(launch).map_or(Ok(Performed::NotYet), |id| done(perform(id)))
}

fn launch_instances(launch: &Launch, bed: &Bed, scenario: &Scenario) -> Result<Performed, String> {
    let first = scenario.world.groups.first().map(|group| &group.name);
    let group = launch.group.as_ref().or(first).ok_or("there is no Auto Scaling group")?;
    if launch.over > 0.0 {
        return done(bed.world().launch_over(group, launch.count, launch.over));
    }
    let own = world::Launch { boot_seconds: launch.boot_seconds, agent_seconds: launch.agent_seconds };
    done((0..launch.count).try_for_each(|_| bed.world().launch_with(group, &own).map(drop)))
}

/// Aborts the newest of an instance's running executions.
async fn abort(launch: LaunchNumber, bed: &Bed, snapshot: &Snapshot) -> Result<Performed, String> {
    let Some(id) = snapshot.instance_id(launch) else { return Ok(Performed::NotYet) };
    let is_about_it = |execution: &&Execution| execution.is_running() && execution.names_instance(id);
    match snapshot.executions.iter().rev().find(is_about_it) {
        Some(execution) => done(bed.stop_execution(&execution.arn).await),
        None => Ok(Performed::NotYet),
    }
}

/// Redrives the newest of an instance's executions that have ended without success.
fn redrive(launch: LaunchNumber, bed: &Bed, snapshot: &Snapshot) -> Result<Performed, String> {
    let Some(id) = snapshot.instance_id(launch) else { return Ok(Performed::NotYet) };
    let can_be_redriven = |execution: &&Execution| {
        !execution.is_running() && execution.status != "SUCCEEDED" && execution.names_instance(id)
    };
    match snapshot.executions.iter().rev().find(can_be_redriven) {
        Some(execution) => done(bed.redrive_execution(&execution.arn)),
        None => Ok(Performed::NotYet),
    }
}

fn deploy_as_a_person(deploy: &Deploy, bed: &Bed) -> Result<Performed, String> {
    let application = Application::named(&deploy.application);
    let (name, group) = application.names();
    if let Some(revisions) = deploy.revisions().filter(|revisions| revisions.len() != 1) {
        let revisions = revisions.iter().map(|key| setting::revision(key)).collect();
        return done(bed.world().start_pipeline(name, group, revisions, deploy.every_seconds));
    }
    let created = match deploy.restart {
        true => bed.world().restart(name, group),
        false => bed.world().deploy(name, group, deploy.revision.as_deref().map(setting::revision)),
    };
    match created {
        Err(refusal) if refusal.code == BUSY => Ok(Performed::NotYet),
        deployed => done(deployed),
    }
}

/// Stops the deployment of an application that is under way.
fn stop_deployment(application: &str, bed: &Bed, snapshot: &Snapshot) -> Result<Performed, String> {
    let application = Application::named(application);
    let is_under_way = |deployment: &&world::DeploymentReport| {
        let names = (deployment.application_name.as_str(), deployment.deployment_group_name.as_str());
        names == application.names() && deployment.ended_at.is_none()
    };
    match snapshot.report.deployments.iter().find(is_under_way) {
        Some(deployment) => done(bed.world().stop_deployment(&deployment.deployment_id)),
        None => Ok(Performed::NotYet),
    }
}

async fn start_rollout(start: &Start, bed: &Bed, snapshot: &Snapshot) -> Result<Performed, String> {
    let input = Value::Object(start.input.clone().into_iter().collect());
    match with_ids(&input, snapshot) {
        Some(input) => done(bed.start_execution(start.name.as_deref(), &input).await),
        None => Ok(Performed::NotYet),
    }
}

/// Completes the hook that the instance waits at.
fn complete_hook(completion: &Completion, bed: &Bed, snapshot: &Snapshot) -> Result<Performed, String> {
    let Some(id) = snapshot.instance_id(completion.launch) else { return Ok(Performed::NotYet) };
    let is_open = |action: &&world::HookActionReport| action.instance_id == id && action.closed_at.is_none();
    match snapshot.report.hook_actions.iter().find(is_open) {
        Some(action) => done(bed.world().complete_hook(id, &action.hook, completion.result)),
        None => Ok(Performed::NotYet),
    }
}

fn put_hook(put: &PutHook, bed: &Bed, scenario: &Scenario) -> Result<Performed, String> {
    let group = scenario.world.groups.iter().find(|group| group.name == put.group);
    let group = group.ok_or("there is no such Auto Scaling group")?;
    done(bed.world().put_hook(&put.group, &setting::hook(&put.hook, group, scenario)))
}

/// Hands an event to start-rollout. What start-rollout makes of it shows in the executions, and in its answer.
async fn send_event(event: &Value, answer: &Object, bed: &Bed, snapshot: &Snapshot) -> Result<Performed, String> {
    let Some(event) = with_ids(event, snapshot) else { return Ok(Performed::NotYet) };
    let invoked = bed.invoke("start-rollout", &event).await.map_err(|error| error.to_string())?;
    match invoked.function_error {
        None if are_found(answer, &invoked.payload) => Ok(Performed::Done),
        None => Err(format!("start-rollout answered {}", invoked.payload)),
        Some(error) => Err(format!("start-rollout failed ({error}): {}", invoked.payload)),
    }
}

/// The value with instance ids in place of `{launch 1}` in its texts; `None` while such an instance has not been launched.
fn with_ids(value: &Value, snapshot: &Snapshot) -> Option<Value> {
    Some(match value {
        Value::String(text) => text_with_ids(text, |launch| snapshot.instance_id(launch))?.into(),
        Value::Array(items) => Value::Array(items.iter().map(|item| with_ids(item, snapshot)).collect::<Option<_>>()?),
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| Some((name.clone(), with_ids(value, snapshot)?));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_launch_in_a_text_is_replaced_by_its_instance_s_id() {
        let id = |launch: LaunchNumber| ["i-1", "i-2"].get(launch - 1).copied();
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
