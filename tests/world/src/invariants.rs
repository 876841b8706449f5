//! What must never happen, each as the sentence that says it did.

use crate::codedeploy::Creator;
use crate::instance::Place;
use crate::setting::HookResult;
use crate::simulation::Simulation;

/// A look at what there is and what follows from it take less than this.
const UNSEEN_SECONDS: f64 = 120.0;

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

    /// A hook lets an instance into service, or into the warm pool, that lacks an application, or on which a deployment is at work. An application
    /// without a current revision has succeeded nowhere, so it is lacking too; one whose newest deployment failed here may be half installed. A
    /// group that requires nothing lets in whom somebody chooses.
    pub(crate) fn check_completion(&mut self, action: usize, result: HookResult) {
        let action = &self.actions[action];
        if result != HookResult::Continue || action.is_managed() {
            return;
        }
        let instance = &self.instances[action.instance];
        let required = &self.setting.auto_scaling_groups[instance.group].required_applications;
        if required.is_empty() {
            return;
        }
        let missing: Vec<&str> = required
            .iter()
            .filter(|name| {
                let group = self.groups.iter().position(|group| group.setting.short_form() == **name);
                let current = group.and_then(|group| Some((group, self.groups[group].current_revision.as_ref()?)));
                current.is_none_or(|(group, revision)| instance.installed.get(&group) != Some(revision))
            })
            .map(String::as_str)
            .collect();
        let mut wrong = Vec::new();
        if !missing.is_empty() {
            let missing = missing.join(", ");
            wrong.push(format!("although these have not succeeded on it at their current revision: {missing}"));
        }
        let others = required.iter().filter(|name| !missing.contains(&name.as_str()));
        let failed = others.filter_map(|name| {
            let group = self.groups.iter().position(|group| group.setting.short_form() == *name)?;
            self.failed_last_on(action.instance, group)
        });
        wrong.extend(failed.map(|deployment| {
            format!("although {}, the last that came to it, failed there", self.deployment_name(deployment))
        }));
        let at_work =
            self.at_work_on(action.instance).filter(|&deployment| self.could_be_seen(deployment, action.instance));
        wrong.extend(at_work.map(|deployment| format!("while {} was at work there", self.deployment_name(deployment))));
        let into = if action.journey.destination == Place::WarmPool { "the warm pool" } else { "service" };
        let let_in = format!("hook {} let {} into {into}", action.hook, instance.id);
        for wrong in wrong {
            self.violate(format!("{let_in} {wrong}"));
        }
    }

    /// Whoever completes a hook has looked a moment before. What a person or CodeDeploy itself has begun since could not be seen.
    fn could_be_seen(&self, deployment: usize, instance: usize) -> bool {
        let since = self.at_work_since(deployment, instance).unwrap_or_default();
        self.deployments[deployment].creator == Creator::Call || self.now() - since >= UNSEEN_SECONDS
    }

    /// A call stops a deployment. It may stop only what calls have made, and nothing that is at work while others have still to be
    /// done.
    pub(crate) fn check_stop(&mut self, deployment: usize) {
        let stopped = &self.deployments[deployment];
        let wrong = match (stopped.creator, stopped.left()) {
            (Creator::Person, _) => Some("which a person had created".to_owned()),
            (Creator::AutoScaling { .. } | Creator::AutoUpdate, _) => {
                Some("which CodeDeploy itself had created".to_owned())
            }
            (Creator::Call, (at_work @ 1.., left @ 2..)) => {
                Some(format!("{left} of whose targets were not over, and {at_work} at work"))
            }
            (Creator::Call, _) => None,
        };
        if let Some(wrong) = wrong {
            self.violate(format!("a call stopped {}, {wrong}", self.deployment_name(deployment)));
        }
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
