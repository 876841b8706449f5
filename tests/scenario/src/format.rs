//! The format of a scenario file, which `tests/scenarios/README.md` documents for people.

mod application;
mod check;
mod condition;
mod count;
mod expect;
mod group;
mod open_facts;
mod read;
mod services;
mod short;
mod states;
mod step;
mod world;

use std::collections::BTreeMap;

use ::world::{Delivery, Fault, Setting};
use serde::{Deserialize, Serialize};

pub use application::{Application, Failure, SelectedBy};
pub use condition::{Condition, DeploymentIs, RolloutIn, Stage};
pub use count::{Count, CountOrList};
pub use expect::{Expect, ExpectedCall, ExpectedExecution, ExpectedHooks, Outcome};
pub use group::{Group, Hook};
pub use open_facts::OpenFacts;
#[cfg(test)]
pub(crate) use read::parse;
pub use read::{Unreadable, read};
pub use services::Services;
pub use step::{Action, Completion, Deploy, Launch, LaunchNumber, PutHook, SetAlarm, SetTag, Start, Step};
pub use world::World;

/// The launch hook that starts rollouts, where a file names no other.
pub const HOOK: &str = "turnstile";
/// The Auto Scaling group, where a file names no other.
pub const GROUP: &str = "web";
/// The deployment group of an application that is given by its name alone.
pub const DEPLOYMENT_GROUP: &str = "Production";

/// A scenario: a world, what happens in it, and what is expected.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scenario {
    /// What the scenario shows, in one sentence.
    pub about: String,
    /// What the scenario shows that gates would change, in one sentence. `null` (the default): it comes to the same end when every deployment group
    /// goes by the gate, and is played that way as well.
    #[serde(default, skip_serializing_if = "is_default")]
    pub without_gates: Option<String>,
    /// What is there at the start. Default: one Auto Scaling group, `web`, without applications.
    #[serde(default, skip_serializing_if = "is_default")]
    pub world: World,
    /// The stack's parameters.
    #[serde(default, skip_serializing_if = "is_default")]
    pub parameters: Parameters,
    /// How the hook's events are delivered. Default: each once and at once.
    #[serde(default, skip_serializing_if = "is_default")]
    pub events: Delivery,
    /// World seconds between two scheduled events of start-rollout. `null` (the default): there are none.
    #[serde(default, skip_serializing_if = "is_default")]
    pub schedule_seconds: Option<f64>,
    /// What goes wrong with calls. Default nothing.
    #[serde(default, skip_serializing_if = "is_default")]
    pub faults: Vec<Fault>,
    /// How the simulation's services treat calls otherwise.
    #[serde(default, skip_serializing_if = "is_default")]
    pub services: Services,
    /// What happens, in order.
    pub steps: Vec<Step>,
    /// World seconds a real second, at least 1. Default 50.
    #[serde(default = "speed", skip_serializing_if = "is_usual_speed")]
    pub speed: f64,
    /// When the run ends. `null` (the default): when all steps have been taken and nothing goes on any more.
    #[serde(default, skip_serializing_if = "is_default")]
    pub until: Option<Condition>,
    /// World seconds after which a run that has not ended is given up. Default 21,600.
    #[serde(default = "give_up_seconds", skip_serializing_if = "is_usual_patience")]
    pub give_up_seconds: f64,
    /// What is expected.
    #[serde(default, skip_serializing_if = "is_default")]
    pub expect: Expect,
}

/// Parameters of template.yaml.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Parameters {
    /// `Applications`, as given to CloudFormation. Default: the world's applications, in order.
    #[serde(default, skip_serializing_if = "is_default")]
    pub applications: Option<String>,
    /// `AutoScalingGroupName`. Default: the group of a world that has but one, where `servedAutoScalingGroups` is not given either.
    #[serde(default, skip_serializing_if = "is_default")]
    pub auto_scaling_group_name: Option<String>,
    /// `ServedAutoScalingGroups`. Default: `*` in a world of several groups, where `autoScalingGroupName` is not given either.
    #[serde(default, skip_serializing_if = "is_default")]
    pub served_auto_scaling_groups: Option<String>,
    /// `GateTagKey`. Default `turnstile`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub gate_tag_key: Option<String>,
    /// `LifecycleHookName`. Default `turnstile`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub lifecycle_hook_name: Option<String>,
}

impl Parameters {
    /// The key of the tag that is the gate.
    pub fn gate_key(&self) -> String {
        self.gate_tag_key.clone().unwrap_or_else(|| Setting::default().gate_key)
    }
}

impl Scenario {
    /// The open facts that the scenario fixes, and those that it cannot meet: where no deployment group goes by gates and no step changes a tag,
    /// nobody sees a tag late.
    pub fn fixed_open_facts(&self) -> OpenFacts {
        let mut fixed = self.world.open_facts.clone();
        let has_gates = self.world.applications.iter().any(|application| application.selected_by == SelectedBy::Gate);
        if !has_gates && self.steps.iter().all(|step| step.set_tag.is_none()) {
            fixed.tags_seen_after_seconds.get_or_insert(0.0);
        }
        fixed
    }

    /// The scenario with gates: every deployment group that selects by its tag alone goes by the gate too. Expected are the same ends. How many
    /// deployments, calls and states lead there is different: each deployment has its turn, and one that misses its instance is made again. `None`
    /// for a scenario that gates would change, and for one without such a group.
    pub fn gated(&self) -> Option<Self> {
        let mut gated = self.clone();
        let by_tag = gated.world.applications.iter_mut().filter(|one| one.selected_by == SelectedBy::Tag);
        let changed = by_tag.map(|application| application.selected_by = SelectedBy::Gate).count();
        let expect = &mut gated.expect;
        (expect.deployments, expect.one_at_a_time) = (None, false);
        expect.calls.clear();
        expect.executions.iter_mut().flatten().for_each(|execution| execution.states.clear());
        (self.without_gates.is_none() && changed > 0).then_some(gated)
    }

    /// Whether a step, or the run's end, waits for a state of an execution.
    pub fn waits_for_states(&self) -> bool {
        let conditions = self.steps.iter().filter_map(|step| step.when.as_ref()).chain(&self.until);
        conditions.into_iter().any(|condition| condition.rollout.is_some())
    }
}

/// A JSON object.
pub type Object = BTreeMap<String, serde_json::Value>;

fn speed() -> f64 {
    50.0
}

fn is_usual_speed(given: &f64) -> bool {
    *given == speed()
}

fn give_up_seconds() -> f64 {
    21_600.0
}

fn is_usual_patience(given: &f64) -> bool {
    *given == give_up_seconds()
}

/// A default is not written: a file has only what is special about its scenario.
fn is_default<T: Default + PartialEq>(given: &T) -> bool {
    *given == T::default()
}
