//! Whether every end has a reason that the scenario contains.

use stack::FaultService;
use world::{HookResult, InstanceReport};

use crate::format::{LaunchNumber, Outcome, Scenario, Step};
use crate::outcome::{Came, Ended, Rollout};

/// The ends that nothing in the scenario explains.
pub fn shortfalls(scenario: &Scenario, came: &Came) -> Vec<String> {
    let executions = came.rollouts.iter().filter(|rollout| !may_end_so(rollout, scenario));
    let executions = executions.map(|rollout| format!("nothing explains the end of {}", rollout.line()));
    let instances = came.launches().filter(|(number, instance)| !is_explained(*number, instance, scenario, came));
    let instances = instances.map(|(number, instance)| {
        format!("nothing explains that launch {number} ({}) is {}", instance.instance_id, instance.lifecycle_state)
    });
    executions.chain(instances).collect()
}

/// Whether an instance is in service, or not for a reason. That it has every application then is the world's own rule.
fn is_explained(number: LaunchNumber, instance: &InstanceReport, scenario: &Scenario, came: &Came) -> bool {
    let somebody = || scenario.steps.iter().any(|step| ends(step) == Some(number));
    let failed = || {
        let own = |rollout: &&Rollout| rollout.launch == Some(number);
        came.rollouts.iter().filter(own).any(|rollout| rollout.outcome() == Outcome::Failed)
    };
    match instance.lifecycle_state {
        "InService" => true,
        state if state.starts_with("Terminat") => somebody() || failed(),
        _ => came.ended == Ended::Cut,
    }
}

/// The launch that somebody ends in a step.
fn ends(step: &Step) -> Option<LaunchNumber> {
    let abandoned = step.complete_hook.as_ref().filter(|completion| completion.result == HookResult::Abandon);
    step.terminate.or(abandoned.map(|completion| completion.launch))
}

/// Whether the scenario has a reason for the end of an execution.
fn may_end_so(rollout: &Rollout, scenario: &Scenario) -> bool {
    let steps = &scenario.steps;
    match rollout.outcome() {
        Outcome::Succeeded => true,
        Outcome::Running => scenario.until.is_some(),
        Outcome::Aborted => steps.iter().any(|step| step.abort.is_some()),
        Outcome::InstanceGone => {
            // Beside the two who may end a launch, an earlier rollout of the same instance may have completed its hook.
            let somebody = steps.iter().any(|step| step.terminate.is_some() || step.complete_hook.is_some());
            let again = scenario.schedule_seconds.is_some() || steps.iter().any(|step| step.start_rollout.is_some());
            somebody || again
        }
        Outcome::TimedOut => false,
        Outcome::Failed => {
            let error = rollout.execution.error.as_deref().unwrap_or_default();
            // A rollout of the whole group has no instance to be gone.
            let lost_one = rollout.launch.is_none() && steps.iter().any(|step| ends(step).is_some());
            let for_that = ["Turnstile.DeploymentFailed", "Turnstile.DeploymentTimedOut"].contains(&error);
            may_fail_with(error, scenario) || (for_that && lost_one)
        }
    }
}

/// Whether the scenario contains what leads to an error of this name.
fn may_fail_with(error: &str, scenario: &Scenario) -> bool {
    let steps = &scenario.steps;
    let somebody_deploys = steps.iter().any(|step| step.deploy.is_some());
    let fails = scenario.world.applications.iter().any(|application| application.failure.is_some());
    let dead_agent = steps.iter().any(|step| step.silence_agent.is_some())
        || scenario.world.groups.iter().any(|group| group.agent_seconds.is_none());
    let disturbed = |service: FaultService| scenario.faults.iter().any(|fault| fault.service == service);
    let throttling = &scenario.world.throttling;
    let throttled = throttling.codedeploy.is_some() || throttling.autoscaling.is_some();
    match error {
        // A person's deployment may meet one of ours on an instance, and fail it.
        "Turnstile.DeploymentFailed" => fails || somebody_deploys || dead_agent,
        "Turnstile.DeploymentTimedOut" => dead_agent || somebody_deploys,
        "Turnstile.InstanceNotReached" => dead_agent || somebody_deploys || fails,
        // The second delivery of an event may come when the launch has long been ended.
        "Turnstile.InstanceNotFound" => fails || dead_agent || steps.iter().any(|step| ends(step).is_some()),
        "Turnstile.Throttled" => throttled || !scenario.faults.is_empty(),
        "Turnstile.Unavailable" => !scenario.faults.is_empty(),
        error if error.starts_with("Lambda.") => disturbed(FaultService::Lambda),
        _ => false,
    }
}
