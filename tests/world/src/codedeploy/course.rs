//! The course of a deployment as a whole: created, queued, begun instance by instance, ended.

use super::deployment::{Creator, Deployment, DeploymentStatus, ErrorInformation, Mode, Status, Stop, Target};
use super::health::{MinimumHealthyHosts, Step, next_step};
use crate::setting::{AutoRollbackConfiguration, HookResult, NothingOutdated, Revision};
use crate::simulation::{Happening, Simulation};

/// From `Created` to `Queued`, and from there to `InProgress`.
const PREPARATION_SECONDS: f64 = 1.0;

/// A deployment to be created; everything in it has been checked.
pub(super) struct Order {
    pub(super) group: usize,
    pub(super) revision: Revision,
    pub(super) config_name: String,
    pub(super) minimum_healthy_hosts: MinimumHealthyHosts,
    pub(super) creator: Creator,
    pub(super) mode: Mode,
    pub(super) description: Option<String>,
    pub(super) outdated_only: bool,
    pub(super) ignore_stop_failures: bool,
    pub(super) file_exists_behavior: String,
    pub(super) auto_rollback: AutoRollbackConfiguration,
    pub(super) alarms: Vec<String>,
}

impl Simulation {
    /// Creates a deployment: its index. Which instances are in it is decided now (CodeDeploy user guide, "Integrating CodeDeploy with Amazon
    /// EC2 Auto Scaling", of instances that are launched during a deployment).
    pub(super) fn create(&mut self, order: Order) -> usize {
        let fleet = match order.creator {
            Creator::AutoScaling { instance, .. } | Creator::Termination { instance } => vec![instance],
            Creator::Call | Creator::Person | Creator::AutoUpdate => self.members(order.group),
            Creator::Rollback { of } => self.members_of_targets(of),
        };
        let is_chosen =
            |instance: &usize| !order.outdated_only || self.is_outdated(order.group, *instance, &order.revision);
        let chosen = fleet.iter().copied().filter(is_chosen).collect();
        let deployment = Deployment {
            id: self.new_deployment_id(),
            group: order.group,
            revision: order.revision,
            previous_revision: self.groups[order.group].current_revision().cloned(),
            config_name: order.config_name,
            minimum_healthy_hosts: order.minimum_healthy_hosts,
            creator: order.creator,
            mode: order.mode,
            description: order.description,
            outdated_only: order.outdated_only,
            ignore_stop_failures: order.ignore_stop_failures,
            file_exists_behavior: order.file_exists_behavior,
            status: DeploymentStatus::Created,
            error: None,
            created_at: self.now(),
            sent_at: self.sent_at(),
            started_at: None,
            ended_at: None,
            stopping: None,
            auto_rollback: order.auto_rollback,
            alarms: order.alarms,
            rolled_back_by: None,
            looked_at: (order.creator == Creator::Call).then(|| self.looked_at()),
            newer_at_creation: None,
            fleet,
            chosen,
            targets: Vec::new(),
        };
        self.deployments.push(deployment);
        let deployment = self.deployments.len() - 1;
        self.note_newer_build(deployment);
        self.schedule(PREPARATION_SECONDS, Happening::DeploymentQueued { deployment });
        deployment
    }

    pub(crate) fn deployment_queued(&mut self, deployment: usize) {
        if self.deployments[deployment].status == DeploymentStatus::Created {
            self.deployments[deployment].status = DeploymentStatus::Queued;
            self.schedule(PREPARATION_SECONDS, Happening::DeploymentStarts { deployment });
        }
    }

    /// The deployment puts its instances in their order and begins.
    pub(crate) fn deployment_starts(&mut self, deployment: usize) {
        if self.deployments[deployment].status != DeploymentStatus::Queued {
            return;
        }
        let now = self.now();
        let group = self.deployments[deployment].group;
        let mut chosen = self.deployments[deployment].chosen.clone();
        // Among equals CodeDeploy's order is not documented.
        self.random.shuffle(&mut chosen);
        chosen.sort_by_key(|&instance| self.turn(group, instance));
        let started = &mut self.deployments[deployment];
        started.status = DeploymentStatus::InProgress;
        started.started_at = Some(now);
        let mode = started.mode;
        started.targets = chosen.iter().map(|&instance| Target::new(instance, mode, now)).collect();
        let nobody = started.fleet.is_empty();
        self.tell_deployment(deployment, "START");
        if nobody {
            self.end_deployment(deployment, DeploymentStatus::Failed, Some(ErrorInformation::NoInstances));
        } else if chosen.is_empty() {
            self.nothing_outdated(deployment);
        } else if self.has_alarm(deployment) {
            self.stop(deployment, Stop::Alarm);
        } else {
            self.go_on(deployment);
        }
    }

    fn nothing_outdated(&mut self, deployment: usize) {
        match self.setting.open_facts.nothing_outdated {
            // An exception answers the call; here the instances became up to date after it.
            NothingOutdated::Exception | NothingOutdated::FailedNoInstances => {
                self.end_deployment(deployment, DeploymentStatus::Failed, Some(ErrorInformation::NoInstances));
            }
            NothingOutdated::SucceededWithoutTargets => {
                self.end_deployment(deployment, DeploymentStatus::Succeeded, None);
            }
            NothingOutdated::TargetsSkipped => {
                let now = self.now();
                let deployed = &mut self.deployments[deployment];
                let mode = deployed.mode;
                deployed.targets = deployed.fleet.iter().map(|&instance| Target::new(instance, mode, now)).collect();
                self.skip_what_is_not_begun(deployment);
                self.end_deployment(deployment, DeploymentStatus::Succeeded, None);
            }
        }
    }

    /// Begins the next targets, or ends the deployment.
    pub(super) fn go_on(&mut self, deployment: usize) {
        let deployed = &self.deployments[deployment];
        if deployed.status != DeploymentStatus::InProgress {
            return;
        }
        let tally = deployed.tally();
        if let Some(stop) = deployed.stopping {
            if tally.begun == 0 {
                self.end_deployment(deployment, DeploymentStatus::Stopped, Some(stop.error()));
            }
            return;
        }
        match next_step(deployed.minimum_healthy_hosts, tally) {
            Step::Begin(count) => {
                let targets = deployed.targets.iter().enumerate();
                let next: Vec<usize> = targets
                    .filter(|(_, target)| !target.begun && !target.is_over())
                    .map(|(index, _)| index)
                    .take(count)
                    .collect();
                for target in next {
                    self.begin_target(deployment, target);
                }
            }
            Step::Wait => {}
            Step::Succeed => self.bake(deployment),
            Step::Fail => {
                self.skip_what_is_not_begun(deployment);
                self.end_deployment(deployment, DeploymentStatus::Failed, Some(ErrorInformation::HealthConstraints));
            }
        }
    }

    /// Every target is over. A configuration with zones waits before the deployment has succeeded (CodeDeploy user guide, "Zonal configuration").
    fn bake(&mut self, deployment: usize) {
        let deployed = &mut self.deployments[deployment];
        let seconds = self.groups[deployed.group].setting.bake_seconds;
        if seconds == 0.0 || !deployed.installs() {
            return self.end_deployment(deployment, DeploymentStatus::Succeeded, None);
        }
        deployed.status = DeploymentStatus::Baking;
        self.schedule(seconds, Happening::Baked { deployment });
    }

    pub(crate) fn baked(&mut self, deployment: usize) {
        if self.deployments[deployment].status == DeploymentStatus::Baking {
            self.end_deployment(deployment, DeploymentStatus::Succeeded, None);
        }
    }

    /// Stops an active deployment: what is not begun is skipped, and so is what its agent has not answered for; what is at work ends with its
    /// present lifecycle event, or now if none is under way. See [`OpenFacts::stop_is_immediate`](crate::OpenFacts::stop_is_immediate).
    pub(super) fn stop(&mut self, deployment: usize, why: Stop) {
        self.skip_what_is_not_begun(deployment);
        let now = self.now();
        let stopped = &mut self.deployments[deployment];
        for target in stopped.targets.iter_mut().filter(|target| target.status == Status::Pending) {
            target.end(Status::Skipped, now);
        }
        stopped.stopping = Some(why);
        if stopped.status == DeploymentStatus::InProgress {
            let idle = |(_, t): &(usize, &Target)| t.status == Status::InProgress && !t.has_event_under_way();
            let idle: Vec<usize> = stopped.targets.iter().enumerate().filter(idle).map(|(index, _)| index).collect();
            for target in idle {
                self.end_target(deployment, target, Status::Failed);
            }
            self.go_on(deployment);
        }
        let waits_for_agents = self.deployments[deployment].status == DeploymentStatus::InProgress
            && !self.setting.open_facts.stop_is_immediate;
        if self.deployments[deployment].status.is_active() && !waits_for_agents {
            self.end_deployment(deployment, DeploymentStatus::Stopped, Some(why.error()));
        }
    }

    fn skip_what_is_not_begun(&mut self, deployment: usize) {
        let now = self.now();
        for target in self.deployments[deployment].targets.iter_mut().filter(|t| !t.begun && !t.is_over()) {
            target.end(Status::Skipped, now);
        }
    }

    fn end_deployment(&mut self, deployment: usize, status: DeploymentStatus, error: Option<ErrorInformation>) {
        let now = self.now();
        let ended = &mut self.deployments[deployment];
        ended.status = status;
        ended.error = error;
        ended.ended_at = Some(now);
        let (group, revision, creator) = (ended.group, ended.revision.clone(), ended.creator);
        let succeeded = status == DeploymentStatus::Succeeded;
        let installs = ended.installs();
        if installs && (succeeded || self.setting.open_facts.target_revision_moves_on_failure) {
            self.groups[group].target_revision = Some(revision.clone());
        }
        if installs && succeeded {
            self.groups[group].succeeds(revision, now);
        }
        let state = match status {
            DeploymentStatus::Succeeded => "SUCCESS",
            DeploymentStatus::Stopped => "STOP",
            _ => "FAILURE",
        };
        self.tell_deployment(deployment, state);
        if let Creator::AutoScaling { action, .. } = creator {
            let result = if succeeded { HookResult::Continue } else { HookResult::Abandon };
            self.complete_managed(action, result);
        }
        if let Creator::Termination { instance } = creator {
            self.termination_hook_over(instance);
        }
        self.roll_back(deployment);
        self.follow_up(deployment);
    }
}
