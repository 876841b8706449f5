//! The rules that the simulation checks as things happen: see [`Rule`](crate::Rule).

use crate::Revision;
use crate::codedeploy::{Creator, Deployment};
use crate::instance::LifecycleState;
use crate::setting::HookResult;
use crate::simulation::Simulation;
use crate::violation::{ActionId, Breach, Collision, CreatedBy, DeploymentId, Overlap, Violation};

/// Of a call whose invocation is not known: a look at what there is and the call that follows from it take less than this.
const LOOK_SECONDS: f64 = 120.0;

impl Simulation {
    /// Rule 1. Who created the later of two deployments that meet could have known better. If that was a call of `CreateDeployment` it is a
    /// violation; a person and CodeDeploy itself do as they please. What a person has created since the call's look could not be seen. Where the
    /// later deployment's group is gated, that look comes after the instance's gate was moved: what reaches the instance has to be seen then. It
    /// comes before the call was sent, though. What a person has created while the call was on its way no caller could prevent from meeting it,
    /// even where gates have been moved again since.
    pub(crate) fn check_one_at_a_time(&mut self, deployment: usize, instance: usize) {
        let others: Vec<usize> = self.at_work_on(instance).filter(|&other| other != deployment).collect();
        for other in others {
            let later = &self.deployments[deployment.max(other)];
            let creator = later.creator.into();
            let overlap = Overlap {
                instance_id: self.instances[instance].id.clone(),
                began: self.deployment_id(deployment),
                at_work: self.deployment_id(other),
                later_deployment_id: later.id.clone(),
                creator,
            };
            let earlier = deployment.min(other);
            let since = self.deployments[earlier].created_at;
            let moved_at = self.gate_moved_at(instance, later.sent_at).filter(|_| self.groups[later.group].is_gated);
            let after_the_move = moved_at.map(|at| at - self.setting.read_lag_seconds);
            let looked_at = later.looked_at.map(|looked_at| after_the_move.map_or(looked_at, |at| at.max(looked_at)));
            let knew_better = looked_at.is_some_and(|looked_at| self.could_be_seen(earlier, since, looked_at));
            match creator {
                CreatedBy::Call if knew_better => self.violate(Breach::TwoAtWork { overlap }),
                CreatedBy::Call | CreatedBy::Person | CreatedBy::CodeDeploy => {
                    self.collisions.push(Collision { at: self.now(), overlap });
                }
            }
        }
    }

    /// Rule 2. A hook lets an instance into service, or into the warm pool. An application without a current revision has succeeded nowhere,
    /// so it is lacking too; one whose newest deployment failed here may be half installed. A group that requires nothing lets in whom
    /// somebody chooses. What has become of an application since the rollout's look at it could not be seen.
    pub(crate) fn check_completion(&mut self, action: usize, result: HookResult) {
        let completed = &self.actions[action];
        if result != HookResult::Continue || completed.is_managed() || self.was_sent_before(action) {
            return;
        }
        let looked_at = self.looked_at();
        let instance = &self.instances[completed.instance];
        let required = &self.setting.auto_scaling_groups[instance.scaling_group()].required_applications;
        if required.is_empty() {
            return;
        }
        let applications: Vec<String> = required
            .iter()
            .filter(|name| {
                let group = self.groups.iter().position(|group| group.setting.short_form() == **name);
                let installed = group.and_then(|group| Some((group, instance.installed.get(&group)?)));
                installed.is_none_or(|(group, revision)| {
                    !self.groups[group].was_current(revision, looked_at)
                        && !self.may_pass_for_current(group, revision)
                        && !self.has_released_on(completed.instance, group, looked_at)
                })
            })
            .cloned()
            .collect();
        let others = required.iter().filter(|name| !applications.contains(name));
        let failed = others.filter_map(|name| {
            let group = self.groups.iter().position(|group| group.setting.short_form() == *name)?;
            let failed = self.failed_last_on(completed.instance, group)?;
            let began_at = self.began_at(failed, completed.instance)?;
            self.could_be_seen(failed, began_at, looked_at).then_some(failed)
        });
        let at_work = self.at_work_on(completed.instance).filter(|&deployment| {
            let since = self.at_work_since(deployment, completed.instance);
            since.is_some_and(|since| self.could_be_seen(deployment, since, looked_at))
        });
        let id = || self.action_id(action);
        let failed = failed
            .map(|deployment| Breach::LetInAfterFailure { action: id(), deployment: self.deployment_id(deployment) });
        let at_work = at_work.map(|deployment| Breach::LetInDuringDeployment {
            action: id(),
            deployment: self.deployment_id(deployment),
        });
        let later: Vec<Breach> = failed.chain(at_work).collect();
        if !applications.is_empty() {
            self.violate(Breach::LetInWithoutApplications { action: self.action_id(action), applications });
        }
        later.into_iter().for_each(|breach| self.violate(breach));
    }

    /// Whether the call at work was sent before a lifecycle action was opened. It names the instance and the hook, and was meant for their action
    /// before, into the warm pool for instance: its caller could know nothing of this one.
    pub(crate) fn was_sent_before(&self, action: usize) -> bool {
        self.sent_at() < self.actions[action].opened_at()
    }

    /// The earliest time of the look that the call at work follows from, as far back as answers may trail.
    pub(crate) fn looked_at(&self) -> f64 {
        let looked_at = self.invocation_began_at().unwrap_or(self.now() - LOOK_SECONDS);
        looked_at - self.setting.read_lag_seconds
    }

    /// Whether a deployment that is at work `since` then was there at the rollout's look, or is a rollout's itself.
    fn could_be_seen(&self, deployment: usize, since: f64, looked_at: f64) -> bool {
        self.deployments[deployment].creator == Creator::Call || since <= looked_at
    }

    /// Whether no deployment of the group has succeeded and `GetDeploymentGroup` names this revision: no answer tells of another one.
    fn may_pass_for_current(&self, group: usize, revision: &Revision) -> bool {
        self.last_successful(group).is_none() && self.groups[group].target_revision.as_ref() == Some(revision)
    }

    /// Whether somebody else than a rollout has deployed a group to an instance since a look: what is there may be newer than what is current.
    pub(crate) fn has_released_on(&self, instance: usize, group: usize, looked_at: f64) -> bool {
        let deployments = self.deployments.iter().enumerate();
        let mut others = deployments.filter(|(_, one)| one.group == group && one.creator != Creator::Call);
        others.any(|(index, _)| self.began_at(index, instance).is_some_and(|began_at| began_at > looked_at))
    }

    /// For rule 7: a call has created a deployment of a build that is not current. One that has become so since answers could tell may be
    /// brought. So may any where answers tell of no deployment that has succeeded, and the build of a group's instances cannot be known.
    pub(crate) fn note_newer_build(&mut self, deployment: usize) {
        let created = &self.deployments[deployment];
        let group = &self.groups[created.group];
        if self.last_successful(created.group).is_none() {
            return;
        }
        let is_current = group.was_current(&created.revision, self.now() - self.setting.read_lag_seconds);
        if created.creator == Creator::Call && !is_current {
            self.deployments[deployment].newer_at_creation = group.current_revision().cloned();
        }
    }

    /// Rule 7. A deployment begins on an instance. One that is stopped before that brings nothing.
    pub(crate) fn check_build(&mut self, deployment: usize, instance: usize) {
        let begun = &self.deployments[deployment];
        let Some(current) = &begun.newer_at_creation else { return };
        let instance = &self.instances[instance];
        let breach = Breach::OldBuild {
            deployment: self.deployment_id(deployment),
            instance_id: instance.id.clone(),
            in_service: instance.state == LifecycleState::InService,
            revision: begun.revision.name().to_owned(),
            current: current.name().to_owned(),
        };
        self.violate(breach);
    }

    /// Rule 8. A call may stop only what calls have created, and nothing that is at work while others have still to be done.
    pub(crate) fn check_stop(&mut self, deployment: usize) {
        let stopped = &self.deployments[deployment];
        let id = self.deployment_id(deployment);
        match (stopped.creator.into(), stopped.left()) {
            (creator @ (CreatedBy::Person | CreatedBy::CodeDeploy), _) => {
                self.violate(Breach::StoppedForeignDeployment { deployment: id, creator });
            }
            (CreatedBy::Call, (at_work @ 1.., not_over @ 2..)) => {
                self.violate(Breach::StoppedForOthers { deployment: id, at_work, not_over });
            }
            (CreatedBy::Call, _) => {}
        }
    }

    /// Rule 3. A hook ended by its time-out.
    pub(crate) fn check_time_out(&mut self, action: usize) {
        if !self.actions[action].is_managed() {
            self.violate(Breach::HookTimedOut { action: self.action_id(action) });
        }
    }

    /// Rule 6. A repeated call made a second deployment. One that ended before it began anywhere had no effect, and may be repeated. So may one
    /// that was there and over before the call's invocation began, while answers trailed too far to tell of it.
    pub(crate) fn check_repetition(&mut self, deployment: usize) {
        let looked_at = self.looked_at();
        let began_at = looked_at + self.setting.read_lag_seconds;
        let new = &self.deployments[deployment];
        let Some(description) = new.description.clone().filter(|text| !text.is_empty()) else { return };
        let may_be_repeated = |other: &Deployment| {
            let was_untold = other.created_at > looked_at && other.created_at <= began_at;
            other.ended_at.is_some() && (other.has_begun_nowhere() || was_untold)
        };
        let same = |other: &&Deployment| {
            other.group == new.group && other.description.as_ref() == Some(&description) && !may_be_repeated(other)
        };
        if let Some(earlier) = self.deployments[..deployment].iter().find(same) {
            self.violate(Breach::DeploymentRepeated {
                deployment: self.deployment_id(deployment),
                earlier_deployment_id: earlier.id.clone(),
                description,
            });
        }
    }

    /// Rule 3. Hooks that nobody has completed, now that all is over.
    pub(crate) fn open_hooks(&self) -> Vec<Violation> {
        let actions = self.actions.iter().enumerate();
        let open = actions.filter(|(_, action)| action.is_open() && !action.is_managed());
        open.map(|(action, _)| Violation {
            at: self.now(),
            breach: Breach::HookLeftOpen { action: self.action_id(action) },
        })
        .collect()
    }

    pub(crate) fn violate(&mut self, breach: Breach) {
        self.violations.push(Violation { at: self.now(), breach });
    }

    pub(crate) fn deployment_id(&self, deployment: usize) -> DeploymentId {
        let deployment = &self.deployments[deployment];
        let group = &self.groups[deployment.group].setting;
        DeploymentId {
            application_name: group.application_name.clone(),
            deployment_group_name: group.deployment_group_name.clone(),
            deployment_id: deployment.id.clone(),
        }
    }

    pub(crate) fn action_id(&self, action: usize) -> ActionId {
        let action = &self.actions[action];
        ActionId {
            instance_id: self.instances[action.instance].id.clone(),
            lifecycle_hook_name: action.hook.clone(),
            destination: action.journey.destination.as_str(),
        }
    }
}

impl From<Creator> for CreatedBy {
    fn from(creator: Creator) -> Self {
        match creator {
            Creator::Call => CreatedBy::Call,
            Creator::Person => CreatedBy::Person,
            Creator::AutoScaling { .. }
            | Creator::Termination { .. }
            | Creator::AutoUpdate
            | Creator::Rollback { .. } => CreatedBy::CodeDeploy,
        }
    }
}
