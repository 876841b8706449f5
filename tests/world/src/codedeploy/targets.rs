//! The course of a deployment on one instance: the agent takes a command, lifecycle event by lifecycle event.

use super::deployment::{Diagnostics, Status, Target};
use crate::instance::Agent;
use crate::simulation::{Happening, Simulation};

/// The service waits so long for an agent to answer (CodeDeploy user guide, "Troubleshoot Amazon EC2 Auto Scaling issues"), and a
/// script may run so long (AppSpec reference, `timeout`).
const AGENT_TIMEOUT_SECONDS: f64 = 3600.0;
/// A lifecycle event must begin so soon after the one before (CodeDeploy user guide, "General troubleshooting issues", and
/// "Troubleshoot instance issues" of an agent that stops between two of them).
const COMMAND_TIMEOUT_SECONDS: f64 = 300.0;

/// As users report it.
const NOT_RECEIVED: &str = "CodeDeploy agent was not able to receive the lifecycle event. Check the CodeDeploy agent logs on your \
                            host and make sure the agent is running and can connect to the CodeDeploy server.";
/// As users report it.
const NOT_RUN: &str = "One or more lifecycle events did not run and the deployment was unsuccessful. Possible causes include: (1) \
                       Multiple deployments are attempting to run at the same time on an instance; (2) The AWS CodeDeploy \
                       agent has stopped. Restart the agent.";
/// The agent's own text, about what it was at work on when it was stopped.
const INTERRUPTED: &str = "Failed: Failing in-progress lifecycle event after an agent restart.";

impl Simulation {
    /// The deployments at work on an instance.
    pub(crate) fn at_work_on(&self, instance: usize) -> impl Iterator<Item = usize> {
        (0..self.deployments.len()).filter(move |&deployment| self.at_work_since(deployment, instance).is_some())
    }

    /// Since when a deployment is at work on an instance, if it is. One that has been stopped may be.
    pub(crate) fn at_work_since(&self, deployment: usize, instance: usize) -> Option<f64> {
        let at_work = |target: &&Target| target.instance == instance && target.status == Status::InProgress;
        self.deployments[deployment].targets.iter().find(at_work).and_then(Target::since)
    }

    /// The newest deployment of a group that began on an instance, if it failed there. One that failed before its first lifecycle event has
    /// changed nothing.
    pub(crate) fn failed_last_on(&self, instance: usize, group: usize) -> Option<usize> {
        let of_group = |&index: &usize| self.deployments[index].group == group && self.deployments[index].installs();
        let mut deployments = (0..self.deployments.len()).rev().filter(of_group);
        let last = deployments.find(|&index| self.began_at(index, instance).is_some())?;
        let failed = |target: &Target| target.instance == instance && target.status == Status::Failed;
        self.deployments[last].targets.iter().any(failed).then_some(last)
    }

    /// When a deployment's first lifecycle event began on an instance, if it did.
    pub(crate) fn began_at(&self, deployment: usize, instance: usize) -> Option<f64> {
        let of_instance = |target: &&Target| target.instance == instance;
        let target = self.deployments[deployment].targets.iter().find(of_instance)?;
        target.events.iter().find_map(|event| event.started_at)
    }

    pub(super) fn begin_target(&mut self, deployment: usize, target: usize) {
        let begun = &mut self.deployments[deployment].targets[target];
        begun.begun = true;
        let instance = begun.instance;
        if self.instances[instance].agent == Agent::Answering {
            self.work(deployment, target);
        } else {
            self.schedule(AGENT_TIMEOUT_SECONDS, Happening::AgentSilent { deployment, target });
        }
    }

    /// The agent of `instance` answers now.
    pub(crate) fn work_that_waited_for_agent(&mut self, instance: usize) {
        let waiting = |t: &Target| t.instance == instance && t.begun && t.status == Status::Pending;
        for (deployment, target) in self.first_targets(waiting) {
            self.work(deployment, target);
        }
    }

    /// The first target of each deployment that is so, as the indexes of both.
    fn first_targets(&self, is_so: impl Fn(&Target) -> bool) -> Vec<(usize, usize)> {
        let found = self.deployments.iter().enumerate().filter_map(|(index, deployment)| {
            let target = deployment.targets.iter().position(&is_so)?;
            Some((index, target))
        });
        found.collect()
    }

    fn work(&mut self, deployment: usize, target: usize) {
        let now = self.now();
        let begun = &mut self.deployments[deployment].targets[target];
        begun.change(Status::InProgress, now);
        let instance = begun.instance;
        self.check_one_at_a_time(deployment, instance);
        self.tell_target(deployment, instance, "START");
        if self.at_work_on(instance).any(|other| other != deployment) {
            self.schedule(COMMAND_TIMEOUT_SECONDS, Happening::CommandNotBegun { deployment, target });
        } else {
            self.next_event(deployment, target);
        }
    }

    /// Begins the next lifecycle event, or ends the target as succeeded.
    fn next_event(&mut self, deployment: usize, target: usize) {
        let now = self.now();
        let deployed = &mut self.deployments[deployment];
        let worked = &mut deployed.targets[target];
        let Some(event) = worked.current_event() else {
            let instance = worked.instance;
            if deployed.installs() {
                let revision = deployed.revision.clone();
                self.instances[instance].installed.insert(deployed.group, revision);
            }
            return self.end_target(deployment, target, Status::Succeeded);
        };
        if deployed.stopping.is_some() {
            return self.end_target(deployment, target, Status::Failed);
        }
        if self.instances[worked.instance].agent != Agent::Answering {
            return self.schedule(COMMAND_TIMEOUT_SECONDS, Happening::CommandNotBegun { deployment, target });
        }
        worked.updated_at = now;
        worked.events[event].status = Status::InProgress;
        worked.events[event].started_at = Some(now);
        let instance = worked.instance;
        let seconds = self.event_seconds(deployment, target, event);
        self.schedule(seconds, Happening::EventEnds { deployment, target });
        if event == 0 && self.deployments[deployment].installs() {
            self.check_build(deployment, instance);
            self.check_order(deployment, instance);
        }
    }

    fn event_seconds(&mut self, deployment: usize, target: usize, event: usize) -> f64 {
        let deployed = &self.deployments[deployment];
        let setting = &self.groups[deployed.group].setting;
        let name = deployed.targets[target].events[event].name;
        if name == "ApplicationStop" && self.is_first_install(deployment, target) {
            return 0.0;
        }
        let seconds = setting.lifecycle_event_seconds.of(name);
        let jitter = setting.jitter;
        seconds * (1.0 + jitter * (2.0 * self.random.f64() - 1.0))
    }

    /// `ApplicationStop` runs the scripts of the previous successful install (CodeDeploy user guide, "AppSpec 'hooks' section").
    fn is_first_install(&self, deployment: usize, target: usize) -> bool {
        let deployed = &self.deployments[deployment];
        let instance = deployed.targets[target].instance;
        !self.instances[instance].installed.contains_key(&deployed.group)
    }

    pub(crate) fn lifecycle_event_ends(&mut self, deployment: usize, target: usize) {
        let now = self.now();
        let worked = &self.deployments[deployment].targets[target];
        let Some(event) = worked.current_event().filter(|_| !worked.is_over() && !worked.interrupted) else { return };
        let failure = self.failure_of(deployment, target, event);
        let failed = failure.is_some();
        let deployed = &mut self.deployments[deployment];
        let forgiven =
            deployed.ignore_stop_failures && deployed.targets[target].events[event].name == "ApplicationStop";
        deployed.targets[target].events[event].end(now, failure.unwrap_or_else(Diagnostics::success));
        if failed && !forgiven {
            self.end_target(deployment, target, Status::Failed);
        } else {
            self.next_event(deployment, target);
        }
    }

    fn failure_of(&mut self, deployment: usize, target: usize, event: usize) -> Option<Diagnostics> {
        let deployed = &self.deployments[deployment];
        let name = deployed.targets[target].events[event].name;
        if name == "ApplicationStop" && self.is_first_install(deployment, target) {
            return None;
        }
        let revision = deployed.revision.name();
        let group = &mut self.groups[deployed.group];
        let failure = group.setting.failure.as_ref().filter(|failure| failure.event == name)?;
        if failure.only_revision.as_ref().is_some_and(|only| only != revision) {
            return None;
        }
        if failure.times.is_some_and(|times| group.failures >= times) {
            return None;
        }
        group.failures += 1;
        Some(failure.into())
    }

    /// Another deployment was at work on the instance when this one came, or the agent fell silent between two lifecycle events, and
    /// the command was not begun within five minutes. Users see the later of two deployments fail so even when the first one has
    /// ended by then: it is not taken up in between.
    pub(crate) fn command_not_begun(&mut self, deployment: usize, target: usize) {
        self.fail_for_service(deployment, target, NOT_RUN);
    }

    pub(crate) fn agent_silent(&mut self, deployment: usize, target: usize) {
        if self.deployments[deployment].targets[target].status == Status::Pending {
            self.fail_for_service(deployment, target, NOT_RECEIVED);
        }
    }

    pub(crate) fn instance_lost(&mut self, deployment: usize, target: usize) {
        self.fail_for_service(deployment, target, NOT_RECEIVED);
    }

    fn fail_for_service(&mut self, deployment: usize, target: usize, message: &str) {
        let now = self.now();
        let failed = &mut self.deployments[deployment].targets[target];
        if failed.is_over() {
            return;
        }
        if let Some(event) = failed.current_event() {
            failed.events[event].end(now, Diagnostics::unknown_error(message));
        }
        self.end_target(deployment, target, Status::Failed);
    }

    /// The instance is being stopped or terminated: what is at work there will not go on.
    pub(crate) fn give_up_targets_of(&mut self, instance: usize) {
        let at_work = |t: &Target| t.instance == instance && t.status == Status::InProgress && !t.interrupted;
        for (deployment, target) in self.first_targets(at_work) {
            self.deployments[deployment].targets[target].interrupted = true;
            self.schedule(AGENT_TIMEOUT_SECONDS, Happening::InstanceLost { deployment, target });
        }
    }

    /// The disk of `instance` is empty: its agent knows nothing of what it was at work on.
    pub(crate) fn forget_targets_of(&mut self, instance: usize) {
        let interrupted = |t: &Target| t.instance == instance && t.status == Status::InProgress && t.interrupted;
        for (deployment, target) in self.first_targets(interrupted) {
            self.deployments[deployment].targets[target].forgotten = true;
        }
    }

    /// The agent of `instance` answers again, and says so of what it was at work on when the instance was stopped.
    pub(crate) fn fail_what_was_interrupted(&mut self, instance: usize) {
        let interrupted =
            |t: &Target| t.instance == instance && t.status == Status::InProgress && t.interrupted && !t.forgotten;
        for (deployment, target) in self.first_targets(interrupted) {
            self.fail_for_service(deployment, target, INTERRUPTED);
        }
    }

    pub(super) fn end_target(&mut self, deployment: usize, target: usize, status: Status) {
        let now = self.now();
        let group = self.deployments[deployment].group;
        let installs = self.deployments[deployment].installs();
        let ended = &mut self.deployments[deployment].targets[target];
        ended.end(status, now);
        let instance = ended.instance;
        if installs && status == Status::Failed {
            self.instances[instance].last_failed.insert(group);
        } else if installs {
            self.instances[instance].last_failed.remove(&group);
        }
        self.tell_target(deployment, instance, if status == Status::Succeeded { "SUCCESS" } else { "FAILURE" });
        self.go_on(deployment);
    }
}
