//! A deployment, its targets and their lifecycle events.

use super::health::{MinimumHealthyHosts, Tally};
pub(super) use super::lifecycle::{Diagnostics, LifecycleEvent, Status};
use crate::report::{DeploymentReport, LifecycleEventReport, TargetReport};
use crate::setting::{AutoRollbackConfiguration, LifecycleEventSeconds, Revision};
use crate::simulation::Simulation;

#[derive(Debug)]
pub(crate) struct Deployment {
    pub(crate) id: String,
    /// Index of the deployment group.
    pub(crate) group: usize,
    pub(crate) revision: Revision,
    pub(super) previous_revision: Option<Revision>,
    pub(super) config_name: String,
    pub(super) minimum_healthy_hosts: MinimumHealthyHosts,
    pub(crate) creator: Creator,
    pub(super) mode: Mode,
    pub(crate) description: Option<String>,
    pub(super) outdated_only: bool,
    pub(super) ignore_stop_failures: bool,
    pub(super) file_exists_behavior: String,
    pub(super) status: DeploymentStatus,
    pub(super) error: Option<ErrorInformation>,
    pub(crate) created_at: f64,
    /// When the call that created it was sent; at its creation, if no call did.
    pub(crate) sent_at: f64,
    pub(super) started_at: Option<f64>,
    pub(crate) ended_at: Option<f64>,
    /// Why it is stopped, if it is.
    pub(super) stopping: Option<Stop>,
    pub(super) auto_rollback: AutoRollbackConfiguration,
    /// The alarms that stop it.
    pub(super) alarms: Vec<String>,
    /// Index of the deployment that rolls it back.
    pub(super) rolled_back_by: Option<usize>,
    /// Where a call created it: the time of the look that the call followed from.
    pub(crate) looked_at: Option<f64>,
    /// The group's current revision at its creation, where a call created it with one that was not current.
    pub(crate) newer_at_creation: Option<Revision>,
    /// Indexes of the group's instances when it was created.
    pub(super) fleet: Vec<usize>,
    /// Indexes of those of them that it deploys to.
    pub(super) chosen: Vec<usize>,
    pub(super) targets: Vec<Target>,
}

/// What started a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Creator {
    /// A call of `CreateDeployment`.
    Call,
    /// A person, at the console.
    Person,
    /// CodeDeploy's own hook; the index of the lifecycle action and of the instance that waits.
    AutoScaling { action: usize, instance: usize },
    /// CodeDeploy's termination hook; the index of the instance that waits.
    Termination { instance: usize },
    /// CodeDeploy, for instances that appeared during another deployment.
    AutoUpdate,
    /// CodeDeploy, to undo another deployment, whose index it is.
    Rollback { of: usize },
}

/// What a deployment does on an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Installs its revision.
    Standard,
    /// Restarts what is installed, and brings nothing.
    Restart,
    /// Stops what is installed, on an instance that leaves service (AppSpec reference, "Lifecycle event hook availability").
    Termination,
}

impl Mode {
    /// Its lifecycle events, in order. Those of a restart are an assumption: the ones that are not about a new revision.
    pub(super) fn events(self) -> &'static [&'static str] {
        match self {
            Mode::Standard => &LifecycleEventSeconds::EVENTS,
            Mode::Restart => &["ApplicationStop", "ApplicationStart", "ValidateService"],
            Mode::Termination => &["ApplicationStop"],
        }
    }
}

/// Why a deployment is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// Somebody called `StopDeployment`. Whether it is to be rolled back: `None` leaves it to the deployment.
    Request { rolls_back: Option<bool> },
    /// An alarm of its group is on.
    Alarm,
}

impl Stop {
    pub(super) fn error(self) -> ErrorInformation {
        match self {
            Stop::Request { .. } => ErrorInformation::ManualStop,
            Stop::Alarm => ErrorInformation::AlarmActive,
        }
    }
}

impl Creator {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Creator::Call | Creator::Person => "user",
            Creator::AutoScaling { .. } => "autoscaling",
            Creator::Termination { .. } => "autoscalingTermination",
            Creator::AutoUpdate => "CodeDeployAutoUpdate",
            Creator::Rollback { .. } => "codeDeployRollback",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DeploymentStatus {
    Created,
    Queued,
    InProgress,
    /// Every target is over, and the time in which alarms are watched is not.
    Baking,
    Succeeded,
    Failed,
    Stopped,
}

impl DeploymentStatus {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            DeploymentStatus::Created => "Created",
            DeploymentStatus::Queued => "Queued",
            DeploymentStatus::InProgress => "InProgress",
            DeploymentStatus::Baking => "Baking",
            DeploymentStatus::Succeeded => "Succeeded",
            DeploymentStatus::Failed => "Failed",
            DeploymentStatus::Stopped => "Stopped",
        }
    }

    pub(super) fn is_active(self) -> bool {
        use DeploymentStatus::{Baking, Created, InProgress, Queued};
        matches!(self, Created | Queued | InProgress | Baking)
    }
}

/// Why a deployment ended without success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ErrorInformation {
    HealthConstraints,
    NoInstances,
    ManualStop,
    AlarmActive,
}

impl ErrorInformation {
    pub(super) fn code(self) -> &'static str {
        match self {
            ErrorInformation::HealthConstraints => "HEALTH_CONSTRAINTS",
            ErrorInformation::NoInstances => "NO_INSTANCES",
            ErrorInformation::ManualStop => "MANUAL_STOP",
            ErrorInformation::AlarmActive => "ALARM_ACTIVE",
        }
    }

    /// The service's text, as users report it.
    pub(super) fn message(self) -> &'static str {
        match self {
            ErrorInformation::HealthConstraints => {
                "The overall deployment failed because too many individual instances failed deployment, too few healthy \
                 instances are available for deployment, or some instances in your deployment group are experiencing problems."
            }
            ErrorInformation::NoInstances => {
                "The deployment failed because no instances were found for your deployment group. Check your deployment group \
                 settings to make sure the tags for your Amazon EC2 instances or Auto Scaling groups correctly identify the \
                 instances you want to deploy to, and then try again."
            }
            ErrorInformation::ManualStop => "The deployment was stopped by a user.",
            ErrorInformation::AlarmActive => {
                "One or more alarms have been activated according to the Amazon CloudWatch metrics you selected, and the affected \
                 deployments have been stopped."
            }
        }
    }
}

/// One instance in a deployment.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) instance: usize,
    pub(super) status: Status,
    /// When it came to have which status, since it was `Pending`.
    pub(super) changes: Vec<(f64, Status)>,
    /// It has been begun: it is at work, or waits for its agent.
    pub(super) begun: bool,
    /// Its instance was stopped or terminated while it was at work.
    pub(super) interrupted: bool,
    /// Its agent, which will not say so, has lost the disk.
    pub(super) forgotten: bool,
    pub(super) updated_at: f64,
    pub(super) events: Vec<LifecycleEvent>,
}

impl Target {
    pub(super) fn new(instance: usize, mode: Mode, now: f64) -> Self {
        let events = mode.events().iter().copied().map(LifecycleEvent::new).collect();
        let status = Status::Pending;
        Target {
            instance,
            status,
            changes: Vec::new(),
            begun: false,
            interrupted: false,
            forgotten: false,
            updated_at: now,
            events,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.status.is_over()
    }

    /// A lifecycle event has begun, so that the instance may have changed.
    pub(super) fn has_begun(&self) -> bool {
        self.events.iter().any(|event| event.started_at.is_some())
    }

    /// The lifecycle event under way, or next.
    pub(super) fn current_event(&self) -> Option<usize> {
        self.events.iter().position(|event| !event.status.is_over())
    }

    pub(super) fn has_event_under_way(&self) -> bool {
        self.events.iter().any(|event| event.status == Status::InProgress)
    }

    pub(super) fn change(&mut self, status: Status, now: f64) {
        self.status = status;
        self.changes.push((now, status));
        self.updated_at = now;
    }

    /// Since when it has its present status, if it is not its first.
    pub(super) fn since(&self) -> Option<f64> {
        self.changes.last().map(|&(at, _)| at)
    }

    /// Ends the target, and its unfinished events as skipped.
    pub(super) fn end(&mut self, status: Status, now: f64) {
        self.change(status, now);
        for event in self.events.iter_mut().filter(|event| !event.status.is_over()) {
            event.status = Status::Skipped;
        }
    }
}

impl Deployment {
    /// It ended before the world began.
    pub(crate) fn is_history(&self) -> bool {
        self.created_at < 0.0
    }

    /// How many of its targets are at work, and how many are not over.
    pub(crate) fn left(&self) -> (usize, usize) {
        (self.count(Status::InProgress), self.targets.iter().filter(|target| !target.is_over()).count())
    }

    /// It installs a revision.
    pub(super) fn installs(&self) -> bool {
        self.mode == Mode::Standard
    }

    pub(super) fn is_active(&self) -> bool {
        self.status.is_active()
    }

    /// Somebody has stopped it.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stopping.is_some()
    }

    /// It has changed no instance.
    pub(crate) fn has_begun_nowhere(&self) -> bool {
        !self.targets.iter().any(Target::has_begun)
    }

    pub(super) fn count(&self, status: Status) -> usize {
        self.targets.iter().filter(|target| target.status == status).count()
    }

    pub(super) fn tally(&self) -> Tally {
        Tally {
            fleet: self.fleet.len(),
            waiting: self.targets.iter().filter(|target| !target.begun && !target.is_over()).count(),
            begun: self.targets.iter().filter(|target| target.begun && !target.is_over()).count(),
            failed: self.count(Status::Failed),
        }
    }
}

impl Simulation {
    pub(crate) fn deployment_report(&self, deployment: &Deployment) -> DeploymentReport {
        let group = &self.groups[deployment.group].setting;
        let id_of = |target: &Target| self.instances[target.instance].id.clone();
        let events = |target: &Target| {
            let events = target.events.iter().map(|event| LifecycleEventReport {
                name: event.name,
                status: event.status.as_str(),
                started_at: event.started_at,
                ended_at: event.ended_at,
                diagnostics: event.diagnostics.as_ref().map(Diagnostics::report),
            });
            events.collect()
        };
        let targets = deployment.targets.iter().map(|target| TargetReport {
            instance_id: id_of(target),
            status: target.status.as_str(),
            lifecycle_events: events(target),
        });
        DeploymentReport {
            application_name: group.application_name.clone(),
            deployment_group_name: group.deployment_group_name.clone(),
            deployment_id: deployment.id.clone(),
            creator: deployment.creator.as_str(),
            description: deployment.description.clone(),
            instance_ids: deployment.targets.iter().map(id_of).collect(),
            targets: targets.collect(),
            created_at: deployment.created_at,
            started_at: deployment.started_at,
            ended_at: deployment.ended_at,
            status: deployment.status.as_str(),
            error_code: deployment.error.map(ErrorInformation::code),
        }
    }
}
