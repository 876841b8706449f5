//! What must never happen, each as the sentence that says it did.

use crate::codedeploy::Creator;
use crate::instance::Place;
use crate::setting::HookResult;
use crate::simulation::Simulation;

impl Simulation {
    /// Two deployments at work on one instance at once. Who created the later one could have known better. If that was a call
    /// of `CreateDeployment` it is a violation; a person and CodeDeploy itself do as they please.
    pub(crate) fn check_one_at_a_time(&mut self, deployment: usize, instance: usize) {
        let others: Vec<usize> = self.at_work_on(instance).filter(|&other| other != deployment).collect();
        for other in others {
            let later = &self.deployments[deployment.max(other)];
            let creator = match later.creator {
                Creator::Call => "a call of CreateDeployment",
                Creator::Person => "a person",
                Creator::AutoScaling { .. } | Creator::AutoUpdate => "CodeDeploy itself",
            };
            let is_violation = later.creator == Creator::Call;
            let sentence = self.at_this_time(&format!(
                "{} began its work on {} while {} was at work there; the later one, {}, was created by {creator}",
                self.deployment_name(deployment),
                self.instances[instance].id,
                self.deployment_name(other),
                later.id,
            ));
            if is_violation {
                self.violations.push(sentence);
            } else {
                self.collisions.push(sentence);
            }
        }
    }

    /// A hook lets an instance into service, or into the warm pool, that lacks an application. An application without a current revision has succeeded
    /// nowhere, so it is lacking too.
    pub(crate) fn check_completion(&mut self, action: usize, result: HookResult) {
        let action = &self.actions[action];
        if result != HookResult::Continue || action.is_managed() {
            return;
        }
        let instance = &self.instances[action.instance];
        let required = &self.setting.auto_scaling_groups[instance.group].required_applications;
        let missing: Vec<&str> = required
            .iter()
            .filter(|name| {
                let group = self.groups.iter().position(|group| group.setting.short_form() == **name);
                let current = group.and_then(|group| Some((group, self.groups[group].current_revision.as_ref()?)));
                current.is_none_or(|(group, revision)| instance.installed.get(&group) != Some(revision))
            })
            .map(String::as_str)
            .collect();
        if missing.is_empty() {
            return;
        }
        let sentence = format!(
            "hook {} let {} into {} although these have not succeeded on it at their current revision: {}",
            action.hook,
            instance.id,
            if action.journey.destination == Place::WarmPool { "the warm pool" } else { "service" },
            missing.join(", "),
        );
        self.violate(sentence);
    }

    /// A hook ended by its time-out.
    pub(crate) fn check_time_out(&mut self, action: usize) {
        let action = &self.actions[action];
        if action.is_managed() {
            return;
        }
        let instance = &self.instances[action.instance].id;
        self.violate(format!("hook {} of {instance} timed out instead of being completed", action.hook));
    }

    /// A repeated call made a second deployment.
    pub(crate) fn check_repetition(&mut self, deployment: usize) {
        let new = &self.deployments[deployment];
        let Some(description) = new.description.as_deref().filter(|text| !text.is_empty()) else { return };
        let earlier = self.deployments[..deployment]
            .iter()
            .position(|other| other.group == new.group && other.description.as_deref() == Some(description));
        if let Some(earlier) = earlier {
            self.violate(format!(
                "{} repeats {}: both have the description {description:?}",
                self.deployment_name(deployment),
                self.deployment_name(earlier),
            ));
        }
    }

    /// Hooks nobody has completed, now that all is over.
    pub(crate) fn open_hooks(&self) -> Vec<String> {
        let open = self.actions.iter().filter(|action| action.is_open() && !action.is_managed());
        open.map(|action| {
            let instance = &self.instances[action.instance].id;
            self.at_this_time(&format!("hook {} of {instance} was left open", action.hook))
        })
        .collect()
    }

    fn violate(&mut self, sentence: String) {
        let sentence = self.at_this_time(&sentence);
        self.violations.push(sentence);
    }

    fn at_this_time(&self, sentence: &str) -> String {
        format!("at {:.1} s: {sentence}", self.now())
    }

    fn deployment_name(&self, deployment: usize) -> String {
        let deployment = &self.deployments[deployment];
        format!("deployment {} of {}", deployment.id, self.groups[deployment.group].setting.short_form())
    }
}
