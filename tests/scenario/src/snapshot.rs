//! What a look at the bed finds.

use std::collections::BTreeMap;

use account::Execution;
use world::{DeploymentReport, InstanceReport, Report};

use crate::format::{Application, DeploymentIs, LaunchNumber, Stage};
use crate::instance;

/// What a look at the bed finds.
pub struct Snapshot {
    /// The world's time.
    pub at: f64,
    /// The world's report, without its calls.
    pub report: Report,
    /// The ids of the launched instances: the first is launch 1.
    pub launched: Vec<String>,
    /// The executions, the oldest first.
    pub executions: Vec<Execution>,
    /// The states that running executions are in, by the launch that they are about. Empty unless the scenario waits for a state.
    pub states: BTreeMap<LaunchNumber, String>,
}

impl Snapshot {
    /// The id of a launch's instance, once it is launched.
    pub fn instance_id(&self, launch: LaunchNumber) -> Option<&str> {
        self.launched.get(launch.checked_sub(1)?).map(String::as_str)
    }

    /// The launched instances.
    pub fn instances(&self) -> impl Iterator<Item = &InstanceReport> {
        self.report.instances.iter().filter(|instance| self.launched.contains(&instance.instance_id))
    }

    /// The number of launched instances for which `is` holds.
    pub fn count(&self, is: impl Fn(&InstanceReport) -> bool) -> usize {
        self.instances().filter(|instance| is(instance)).count()
    }

    /// Whether the instance of a launch waits at a hook.
    pub fn is_waiting(&self, launch: LaunchNumber) -> bool {
        let of = |id: &str| {
            self.report.hook_actions.iter().any(|action| action.instance_id == id && action.closed_at.is_none())
        };
        self.instance_id(launch).is_some_and(of)
    }

    /// Whether a deployment has reached a stage.
    pub fn has_reached(&self, awaited: &DeploymentIs) -> bool {
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

    /// Whether an instance is past its hooks and about to be in service, or in the warm pool: nothing can keep it from that but its end.
    pub fn is_letting_in(&self) -> bool {
        self.instances().any(|instance| instance.lifecycle_state.ends_with("Pending:Proceed"))
    }

    /// Whether nothing goes on: no instance is on its way, no hook is open, no execution runs, no deployment is at work.
    pub fn is_quiet(&self) -> bool {
        self.instances().all(instance::is_at_rest)
            && !self.report.deployments.iter().any(|deployment| self.is_at_work(deployment))
            && self.report.hook_actions.iter().all(|action| action.closed_at.is_some())
            && self.executions.iter().all(|execution| !execution.is_running())
    }

    /// Whether a deployment has still to begin, or is at work on an instance that lives. A deployment whose agents are dead or whose
    /// instances were terminated only waits, for an hour.
    fn is_at_work(&self, deployment: &DeploymentReport) -> bool {
        let lives = |id: &String| {
            let mut instances = self.report.instances.iter();
            instances.any(|instance| instance.instance_id == *id && !instance::is_ending(instance))
        };
        let has_to_begin = deployment.started_at.is_none() && deployment.ended_at.is_none();
        let mut targets = deployment.targets.iter();
        has_to_begin || targets.any(|target| target.status == "InProgress" && lives(&target.instance_id))
    }

    /// A sentence that names the executions that run and the instances that are on their way.
    pub fn activity(&self) -> String {
        let running = self.executions.iter().filter(|execution| execution.is_running());
        let running: Vec<&str> = running.map(|execution| execution.name.as_str()).collect();
        let on_their_way = self.instances().filter(|instance| !instance::is_at_rest(instance));
        let on_their_way: Vec<String> =
            on_their_way.map(|instance| format!("{} {}", instance.instance_id, instance.lifecycle_state)).collect();
        format!(
            "at {:.0} s these executions are running: {}; these instances are on their way: {}",
            self.at,
            listed(&running),
            listed(&on_their_way)
        )
    }
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

    fn snapshot(world: &World) -> Snapshot {
        let (at, report) = (world.now(), world.report_without_calls());
        Snapshot { at, report, launched: Vec::new(), executions: Vec::new(), states: BTreeMap::new() }
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
            assert!(snapshot(&world).is_quiet());
            if silent {
                world.silence_agent(&instance).unwrap();
            }
            world.deploy("Orders", "Production", None).unwrap();
            assert!(!snapshot(&world).is_quiet(), "it has to begin");
            world.advance(10.0);
            if terminated {
                world.terminate(&instance).unwrap();
                world.advance(100.0);
            }
            let is_quiet = snapshot(&world).is_quiet();
            assert_eq!(is_quiet, silent || terminated, "silent {silent}, terminated {terminated}");
            world.advance(100.0);
            assert!(snapshot(&world).is_quiet());
        }
    }
}
