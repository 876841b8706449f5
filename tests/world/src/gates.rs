//! The rules about gates: see [`Rule::Gates`](crate::Rule::Gates). They are about gated deployment groups only.
//!
//! A gate is a tag of an instance ([`Setting::gate_key`](crate::Setting::gate_key)). Its value says which deployment group may reach the instance.

use crate::codedeploy::Creator;
use crate::instance::{LifecycleState, Place};
use crate::setting::{HookResult, Selection};
use crate::simulation::Simulation;
use crate::tags::TaggedBy;
use crate::violation::{Breach, Violation};

/// After so long a schedule has found what came back into the warm pool, in seconds, although one of its looks may have failed.
const SECONDS_TO_FIND: f64 = 600.0;

impl Simulation {
    /// An instance's gate as it is.
    pub(crate) fn gate(&self, instance: usize) -> Option<&str> {
        self.instances[instance].tags.value_at(&self.setting.gate_key, self.now())
    }

    /// When a call moved an instance's gate last, until a time.
    pub(crate) fn gate_moved_at(&self, instance: usize, until: f64) -> Option<f64> {
        let mut changes = self.instances[instance].tags.changes_of(&self.setting.gate_key).rev();
        changes.find(|change| change.by == TaggedBy::Call && change.at <= until).map(|change| change.at)
    }

    /// Who wrote an instance's gate as it is, unless its launch template did.
    fn gate_is_by(&self, instance: usize) -> Option<TaggedBy> {
        self.instances[instance].tags.changes_of(&self.setting.gate_key).next_back().map(|change| change.by)
    }

    /// The launch hook of the group's own at which an instance waits, as the index of its lifecycle action.
    fn waits_at(&self, instance: usize) -> Option<usize> {
        self.actions.iter().rposition(|action| action.instance == instance && action.is_open() && !action.is_managed())
    }

    /// What an instance that waits at a hook lacks of these applications: those that have not succeeded on it with a revision that is current or
    /// was so since it came to the hook. One that a pipeline replaces meanwhile, with a build that is not current before the pipeline's deployment
    /// is over, is the last look's business.
    fn lacking(&self, instance: usize, action: usize, applications: &[String]) -> Vec<String> {
        let since = self.actions[action].opened_at() - self.setting.read_lag_seconds;
        let has_passed = |name: &&String| {
            let group = self.groups.iter().position(|group| group.setting.short_form() == **name);
            let installed = group.and_then(|group| Some((group, self.instances[instance].installed.get(&group)?)));
            installed.is_some_and(|(group, revision)| {
                self.groups[group].was_current(revision, since) || self.has_released_on(instance, group, since)
            })
        };
        applications.iter().filter(|name| !has_passed(name)).cloned().collect()
    }

    /// A call opens the gate of an instance that waits at a hook: every deployment reaches the instance from now on. By then every application
    /// has to have succeeded on it. A group that requires nothing lets in whom somebody chooses.
    pub(crate) fn check_opening(&mut self, instance: usize, gate: Option<&str>) {
        let Some(action) = self.waits_at(instance).filter(|_| gate == Some(Selection::OPEN)) else { return };
        let group = self.instances[instance].scaling_group();
        let applications =
            self.lacking(instance, action, &self.setting.auto_scaling_groups[group].required_applications);
        if !applications.is_empty() {
            self.violate(Breach::GateOpenedEarly { action: self.action_id(action), applications });
        }
    }

    /// A deployment of a gated group begins on an instance that waits at a hook: what comes before it in the list has to have succeeded there. A
    /// pipeline's comes through the gate as it was: only where a call has moved that since the instance came to its hook can Turnstile answer for it.
    pub(crate) fn check_order(&mut self, deployment: usize, instance: usize) {
        let begun = &self.groups[self.deployments[deployment].group];
        let Some(action) = self.waits_at(instance).filter(|_| begun.is_gated) else { return };
        if self.deployments[deployment].creator != Creator::Call && !self.was_let_through(deployment, instance, action)
        {
            return;
        }
        let order = &self.setting.auto_scaling_groups[self.instances[instance].scaling_group()].application_order;
        let Some(place) = order.iter().position(|name| *name == begun.setting.short_form()) else { return };
        let applications = self.lacking(instance, action, &order[..place]);
        if !applications.is_empty() {
            let (action, deployment) = (self.action_id(action), self.deployment_id(deployment));
            self.violate(Breach::OutOfOrder { action, deployment, applications });
        }
    }

    /// Whether a call had moved the gate, since the instance came to its hook, to where it was when a deployment was created, as CodeDeploy saw it.
    fn was_let_through(&self, deployment: usize, instance: usize, action: usize) -> bool {
        let seen_at = self.deployments[deployment].created_at - self.setting.open_facts.tags_seen_after_seconds;
        let moved = self.instances[instance].tags.last_change(&self.setting.gate_key, seen_at);
        moved.is_some_and(|moved| moved.by == TaggedBy::Call && moved.at >= self.actions[action].opened_at())
    }

    /// A call lets an instance in. In service its gate has to be open, and in the warm pool no deployment group may select it. A person who has
    /// changed it does as they please. A group that requires nothing lets in whom somebody chooses, also one whose gate cannot be opened: that it is
    /// not left so [`Simulation::gates_left_behind`] sees.
    pub(crate) fn check_gate_of_completion(&mut self, action: usize, result: HookResult) {
        let completed = &self.actions[action];
        let instance = completed.instance;
        let required =
            &self.setting.auto_scaling_groups[self.instances[instance].scaling_group()].required_applications;
        let is_judged = !completed.is_managed() && self.has_gate(instance) && !required.is_empty();
        if result != HookResult::Continue || !is_judged || self.was_sent_before(action) {
            return;
        }
        let gate = self.gate(instance);
        let is_right = match completed.journey.destination {
            Place::WarmPool => gate.is_none_or(|gate| gate != Selection::OPEN && !self.is_of_a_group(gate)),
            Place::AutoScalingGroup | Place::Ec2 => gate == Some(Selection::OPEN),
        };
        if !is_right && self.gate_is_by(instance) != Some(TaggedBy::Person) {
            let gate = gate.map(str::to_owned);
            self.violate(Breach::LetInWithWrongGate { action: self.action_id(action), gate });
        }
    }

    /// Gates that calls have left at something else than open in service, or where a deployment group selects the instance in the warm pool, now that
    /// all is over. An instance comes back into the pool without any call, so that somebody has to find it there.
    pub(crate) fn gates_left_behind(&self) -> Vec<Violation> {
        let instances = 0..self.instances.len();
        let left = instances.filter(|&instance| {
            let gate = self.gate(instance);
            let is_wrong = match self.instances[instance].state {
                LifecycleState::InService => gate != Some(Selection::OPEN),
                LifecycleState::WarmedStopped => {
                    gate.is_some_and(|gate| gate == Selection::OPEN || self.is_of_a_group(gate))
                        && self.instances[instance].pooled_at.is_some_and(|at| self.now() - at > SECONDS_TO_FIND)
                }
                _ => false,
            };
            is_wrong && self.has_gate(instance) && self.gate_is_by(instance) == Some(TaggedBy::Call)
        });
        left.map(|instance| {
            let (instance_id, gate) = (self.instances[instance].id.clone(), self.gate(instance).map(str::to_owned));
            Violation { at: self.now(), breach: Breach::GateLeftBehind { instance_id, gate } }
        })
        .collect()
    }

    /// Whether some of the applications that belong on an instance are of gated groups.
    fn has_gate(&self, instance: usize) -> bool {
        let group = self.instances[instance].group.map(|group| &self.setting.auto_scaling_groups[group]);
        let gated = |name: &String| self.groups.iter().any(|one| one.is_gated && one.setting.short_form() == *name);
        let names =
            group.into_iter().flat_map(|group| group.application_order.iter().chain(&group.required_applications));
        names.into_iter().any(gated)
    }

    fn is_of_a_group(&self, gate: &str) -> bool {
        self.groups.iter().any(|group| group.is_gated && group.setting.short_form() == gate)
    }
}
