//! Whether a moment of a scenario has come.

use std::collections::BTreeMap;

use stack::Execution;
use world::{DeploymentReport, InstanceReport, Report};

use crate::format::{Application, Condition, DeploymentIs, LaunchNumber, Stage};

/// What a look at the stack has seen.
pub struct Seen {
    /// When, in world seconds.
    pub at: f64,
    /// The world, without its calls.
    pub report: Report,
    /// The ids of the launched instances, in order.
    pub launched: Vec<String>,
    /// The executions, the oldest first.
    pub executions: Vec<Execution>,
    /// The states that running rollouts are in, for a scenario that asks for them.
    pub states: BTreeMap<LaunchNumber, String>,
}

impl Seen {
    /// The id of a launch's instance, once it is launched.
    pub fn instance(&self, launch: LaunchNumber) -> Option<&str> {
        self.launched.get(launch.checked_sub(1)?).map(String::as_str)
    }

    /// The launched instances.
    fn instances(&self) -> impl Iterator<Item = &InstanceReport> {
        self.report.instances.iter().filter(|instance| self.launched.contains(&instance.instance_id))
    }

    fn count(&self, is: impl Fn(&InstanceReport) -> bool) -> usize {
        self.instances().filter(|instance| is(instance)).count()
    }

    /// Whether a deployment has still to begin, or an agent is at work for it: not one that waits for agents that are dead, nor one whose
    /// instance was terminated, for an hour.
    fn is_at_work(&self, deployment: &DeploymentReport) -> bool {
        let living = |id: &String| {
            let mut instances = self.report.instances.iter();
            instances.any(|instance| instance.instance_id == *id && !instance.lifecycle_state.contains("Terminat"))
        };
        let has_to_begin = deployment.started_at.is_none() && deployment.ended_at.is_none();
        let mut targets = deployment.targets.iter();
        has_to_begin || targets.any(|target| target.status == "InProgress" && living(&target.instance_id))
    }

    fn is_waiting(&self, launch: LaunchNumber) -> bool {
        let of = |id: &str| {
            self.report.hook_actions.iter().any(|action| action.instance_id == id && action.closed_at.is_none())
        };
        self.instance(launch).is_some_and(of)
    }

    fn has_come(&self, awaited: &DeploymentIs) -> bool {
        let application = Application::named(&awaited.application);
        let (name, group) = application.names();
        let is = |deployment: &&DeploymentReport| {
            deployment.application_name == name && deployment.deployment_group_name == group
        };
        let deployment = self.report.deployments.iter().filter(is).nth(awaited.number.saturating_sub(1));
        deployment.is_some_and(|deployment| match awaited.is {
            Stage::Created => true,
            Stage::AtWork => {
                let events = deployment.targets.iter().flat_map(|target| &target.lifecycle_events);
                deployment.ended_at.is_some() || events.into_iter().any(|event| event.started_at.is_some())
            }
            Stage::Over => deployment.ended_at.is_some(),
        })
    }
}

/// Whether everything that a condition names is so. Nothing is always so.
pub fn is_so(condition: Option<&Condition>, seen: &Seen) -> bool {
    let Some(condition) = condition else { return true };
    let at_least = |wanted: Option<usize>, is: usize| wanted.is_none_or(|wanted| is >= wanted);
    let ended = seen.executions.iter().filter(|execution| !execution.is_running()).count();
    condition.seconds.is_none_or(|seconds| seen.at >= seconds)
        && at_least(condition.launched, seen.launched.len())
        && at_least(condition.in_service, seen.count(|instance| instance.in_service_at.is_some()))
        && at_least(condition.warmed, seen.count(|instance| instance.lifecycle_state == "Warmed:Stopped"))
        && at_least(condition.terminated, seen.count(|instance| instance.terminated_at.is_some()))
        && condition.waiting.is_none_or(|launch| seen.is_waiting(launch))
        && at_least(condition.started, seen.executions.len())
        && at_least(condition.ended, ended)
        && at_least(condition.deployments, seen.report.deployments.len())
        && condition.deployment.as_ref().is_none_or(|awaited| seen.has_come(awaited))
        && condition.rollout.as_ref().is_none_or(|rollout| seen.states.get(&rollout.launch) == Some(&rollout.state))
}

/// Whether nothing more is going on: no instance on its way, no hook open, no execution under way, no deployment at work.
pub fn is_quiet(seen: &Seen) -> bool {
    seen.instances().all(is_at_rest)
        && !seen.report.deployments.iter().any(|deployment| seen.is_at_work(deployment))
        && seen.report.hook_actions.iter().all(|action| action.closed_at.is_some())
        && seen.executions.iter().all(|execution| !execution.is_running())
}

/// An instance that is on its way neither in nor out.
fn is_at_rest(instance: &InstanceReport) -> bool {
    let state = instance.lifecycle_state;
    state.ends_with(":Retained")
        || !["Pending", "Terminating", "Detaching", "RootVolume"].iter().any(|passing| state.contains(passing))
}

/// What is going on, in a sentence.
pub fn what_goes_on(seen: &Seen) -> String {
    let running = seen.executions.iter().filter(|execution| execution.is_running());
    let running: Vec<&str> = running.map(|execution| execution.name.as_str()).collect();
    let on_their_way = seen.instances().filter(|instance| !is_at_rest(instance));
    let on_their_way: Vec<String> =
        on_their_way.map(|instance| format!("{} {}", instance.instance_id, instance.lifecycle_state)).collect();
    format!(
        "at {:.0} s these executions are running: {}; these instances are on their way: {}",
        seen.at,
        listed(&running),
        listed(&on_their_way)
    )
}

fn listed<T: AsRef<str>>(names: &[T]) -> String {
    match names {
        [] => "none".to_owned(),
        names => names.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use world::{Clock, World};

    fn seen(world: &World) -> Seen {
        let (at, report) = (world.now(), world.report_without_calls());
        Seen { at, report, launched: Vec::new(), executions: Vec::new(), states: BTreeMap::new() }
    }

    #[test]
    fn nothing_is_quiet_while_a_deployment_is_at_work() {
        let scenario = serde_json::json!({
            "about": "x", "steps": [], "world": {"applications": ["Orders"], "groups": [{"hook": null, "desiredCapacity": 1}]},
        });
        let scenario = serde_json::from_value(scenario).unwrap();
        let setting = crate::setting::options(&scenario, world::OpenFacts::default()).setting;
        for (silent, terminated) in [(false, false), (true, false), (false, true)] {
            let world = World::new(setting.clone(), Clock::Manual).unwrap();
            let instance = world.report().instances[0].instance_id.clone();
            assert!(is_quiet(&seen(&world)));
            if silent {
                world.silence_agent(&instance).unwrap();
            }
            world.deploy("Orders", "Production", None).unwrap();
            assert!(!is_quiet(&seen(&world)), "it has to begin");
            world.advance(10.0);
            if terminated {
                world.terminate(&instance).unwrap();
                world.advance(100.0);
            }
            assert_eq!(is_quiet(&seen(&world)), silent || terminated, "silent {silent}, terminated {terminated}");
            world.advance(100.0);
            assert!(is_quiet(&seen(&world)));
        }
    }
}
