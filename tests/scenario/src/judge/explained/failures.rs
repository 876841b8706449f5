//! Whether an execution failed for a reason that the scenario contains.

use serde_json::Value;
use world::{DeploymentReport, HookActionReport, HookResult, InstanceReport};

use super::{disturbances, gone};
use crate::format::{Application, Failure, Outcome, Scenario};
use crate::instance;
use crate::judge::attempts::DEFAULT_ATTEMPTS;
use crate::observed::{Observed, Rollout};

/// The error codes after which there is no second attempt.
const FINAL_ERROR_CODES: [&str; 2] = ["ScriptMissing", "ScriptNotExecutable"];

/// The beginnings of the errors of a task whose function did not answer.
const OF_LAMBDA: [&str; 4] = ["Lambda.", "Runtime.", "Sandbox.", "States.Timeout"];

const DEPLOYMENT_FAILED: &str = "Turnstile.DeploymentFailed";

/// Whether the scenario contains what leads to the execution's error.
pub fn is_explained(rollout: &Rollout, scenario: &Scenario, observed: &Observed) -> bool {
    let cause = rollout.cause();
    let agent_is_silent = || observed.report.instances.iter().any(|instance| instance.agent_is_silent);
    match rollout.error() {
        DEPLOYMENT_FAILED => {
            fails(&cause, scenario, observed)
                || met_another(rollout, &cause, observed)
                || lacks_an_agent(rollout, observed)
                || lost_an_instance(rollout, observed)
        }
        "Turnstile.DeploymentTimedOut" => lacks_an_agent(rollout, observed) || lost_an_instance(rollout, observed),
        // Round after round the deployment failed on another instance first.
        "Turnstile.InstanceNotReached" => {
            let fails_elsewhere = named(&cause, scenario).is_some_and(|application| application.failure.is_some());
            fails_elsewhere || met_another(rollout, &cause, observed) || agent_is_silent()
        }
        // No rollout stops a deployment that none has created, and a dead agent holds such a deployment up for an hour.
        "Turnstile.GroupBusy" => observed.report.deployments.iter().any(|deployment| deployment.description.is_none()),
        // The second copy of an event may be delivered long after the launch has ended.
        "Turnstile.InstanceNotFound" => gone::was_gone(rollout, observed),
        "Turnstile.HookNotOpen" => names_no_hook(rollout) && !waited_during(rollout, observed),
        "Turnstile.InvalidInput" => names_no_hook(rollout) && gone::was_gone(rollout, observed),
        "Turnstile.Throttled" => observed.calls_during(rollout).any(|call| disturbances::throttles(call, scenario)),
        "Turnstile.Unavailable" => {
            observed.calls_during(rollout).any(|call| disturbances::is_unavailable(call, scenario))
        }
        "Turnstile.DeploymentRejected" => passes_for_up_to_date(rollout, scenario, observed),
        "Lambda.TooManyRequestsException" if disturbances::lambda_throttles(scenario) => true,
        // The last try failed of Lambda, the others of a service that outlasts them.
        error if OF_LAMBDA.iter().any(|prefix| error.starts_with(prefix)) => {
            let is_unavailable =
                || observed.calls_during(rollout).any(|call| disturbances::is_unavailable(call, scenario));
            disturbances::lambda_fails(scenario) || (disturbances::lambda_is_disturbed(scenario) && is_unavailable())
        }
        _ => false,
    }
}

/// Whether a person started the rollout for an instance and named no hook. If the instance has been terminated, such an input is invalid:
/// the instance is in no Auto Scaling group.
fn names_no_hook(rollout: &Rollout) -> bool {
    let input = &rollout.execution.input;
    input["instanceId"].is_string() && input["lifecycleHookName"].is_null()
}

/// How long the calls take with which a rollout ends after its last try to find the hook open, in seconds, at the most as a rule.
const LAST_CALLS: f64 = 5.0;

/// Whether the rollout's instance waited at a hook before the rollout's last try to find it open. One that boots does not yet.
fn waited_during(rollout: &Rollout, observed: &Observed) -> bool {
    let Some(instance) = rollout.launch.and_then(|launch| observed.instance(launch)) else { return true };
    let ended_at = rollout.execution.ended_at.unwrap_or(f64::MAX);
    let mut actions = observed.report.hook_actions.iter();
    actions.any(|action| action.instance_id == instance.instance_id && action.opened_at < ended_at - LAST_CALLS)
}

/// Whether the application that the cause names fails in every attempt.
fn fails(cause: &Value, scenario: &Scenario, observed: &Observed) -> bool {
    let Some(application) = named(cause, scenario) else { return false };
    let Some(failure) = &application.failure else { return false };
    let Some(times) = failure.times else { return true };
    let attempts = attempts(application, failure);
    // The failures are the deployment group's, and each failed rollout of an instance has used up one for each of its attempts. A rollout of
    // a whole group may have shared failures with another rollout.
    let failed = |rollout: &&Rollout| {
        rollout.launch.is_some()
            && rollout.outcome() == Outcome::Failed
            && rollout.error() == DEPLOYMENT_FAILED
            && named(&rollout.cause(), scenario) == Some(application)
    };
    let rollouts = u64::try_from(observed.rollouts.iter().filter(failed).count()).unwrap_or(u64::MAX);
    u64::from(times) >= attempts * rollouts.max(1)
}

/// The application that a cause names.
fn named<'a>(cause: &Value, scenario: &'a Scenario) -> Option<&'a Application> {
    let names = (cause["applicationName"].as_str()?, cause["deploymentGroupName"].as_str()?);
    scenario.world.applications.iter().find(|application| application.names() == names)
}

/// How many deployments of an application have to fail in a row until its rollout does.
fn attempts(application: &Application, failure: &Failure) -> u64 {
    if failure.error_code.as_deref().is_some_and(|code| FINAL_ERROR_CODES.contains(&code)) {
        return 1;
    }
    application.options.get("maxAttempts").and_then(Value::as_u64).unwrap_or(DEFAULT_ATTEMPTS)
}

/// Whether a deployment of a person or of CodeDeploy itself met the rollout's on an instance.
fn met_another(rollout: &Rollout, cause: &Value, observed: &Observed) -> bool {
    let instance = rollout.launch.and_then(|launch| observed.instance(launch));
    let ids = [instance.map(|instance| instance.instance_id.as_str()), cause["deploymentId"].as_str()];
    let mut ids = ids.into_iter().flatten();
    ids.any(|id| observed.report.collisions.iter().any(|collision| collision.overlap.involves(id)))
}

/// Whether a deployment of somebody else failed on the rollout's instance, where CodeDeploy goes by the last success: it refuses to deploy
/// what the instance had before.
fn passes_for_up_to_date(rollout: &Rollout, scenario: &Scenario, observed: &Observed) -> bool {
    let by_last_success = scenario.world.open_facts.outdated_by_last_success != Some(false);
    let failed_there = |deployment: &DeploymentReport| {
        deployment.targets.iter().any(|target| {
            let is_its = rollout.launch.is_none_or(|launch| {
                observed.instance(launch).is_some_and(|instance| instance.instance_id == target.instance_id)
            });
            is_its && target.status == "Failed"
        })
    };
    by_last_success && observed.report.deployments.iter().any(|one| one.description.is_none() && failed_there(one))
}

/// Whether the agent of the rollout's instance is dead, or the instance is stopped in the warm pool, or was when the rollout ended; in a rollout
/// of a whole group, that of any instance.
fn lacks_an_agent(rollout: &Rollout, observed: &Observed) -> bool {
    let ended_at = rollout.execution.ended_at.unwrap_or(f64::MAX);
    let lacks = |instance: &InstanceReport| {
        let id = &instance.instance_id;
        instance.agent_is_silent
            || instance.lifecycle_state == "Warmed:Stopped"
            || was_in_warm_pool(id, ended_at, &observed.report.hook_actions)
    };
    match rollout.launch {
        Some(launch) => observed.instance(launch).is_some_and(lacks),
        None => observed.report.instances.iter().any(lacks),
    }
}

/// Whether the instance was let into the warm pool and had not come to the hook again by then. Auto Scaling stops an instance in the pool, and
/// one that leaves the pool boots and then comes to the hook a second time.
fn was_in_warm_pool(instance_id: &str, by: f64, actions: &[HookActionReport]) -> bool {
    let opened = actions.iter().filter(|action| action.instance_id == instance_id && action.opened_at <= by);
    opened.max_by(|one, other| one.opened_at.total_cmp(&other.opened_at)).is_some_and(|last| {
        let was_let_in = last.result == Some(HookResult::Continue) && last.closed_at.is_some_and(|at| at <= by);
        last.destination == "WarmPool" && was_let_in
    })
}

/// Whether an instance was terminated while a rollout of its whole group went on.
fn lost_an_instance(rollout: &Rollout, observed: &Observed) -> bool {
    rollout.launch.is_none() && observed.report.instances.iter().any(instance::is_ending)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::judge::sample;

    /// Whether the sample's second execution is explained, after a change. It failed with `error`.
    fn explained(error: &str, change: impl Fn(&mut Scenario, &mut Observed)) -> bool {
        let (mut scenario, mut observed) = (sample::scenario(json!({})), sample::observed());
        observed.rollouts[1].execution.error = Some(error.to_owned());
        change(&mut scenario, &mut observed);
        is_explained(&observed.rollouts[1], &scenario, &observed)
    }

    #[test]
    fn a_person_may_be_too_early_for_the_hook() {
        for (by_hand, opens_at, expected) in [(true, f64::MAX, true), (true, 0.0, false), (false, f64::MAX, false)] {
            let early = |_: &mut Scenario, observed: &mut Observed| {
                let id = observed.instance(2).expect("the sample's instance").instance_id.clone();
                let hook = if by_hand { json!(null) } else { json!("turnstile") };
                observed.rollouts[1].execution.input = json!({"instanceId": id, "lifecycleHookName": hook});
                observed.rollouts[1].execution.ended_at.get_or_insert(100.0);
                let actions = observed.report.hook_actions.iter_mut();
                actions.filter(|action| action.instance_id == id).for_each(|action| action.opened_at = opens_at);
            };
            assert_eq!(explained("Turnstile.HookNotOpen", early), expected, "{by_hand} {opens_at}");
        }
    }

    #[test]
    fn a_failed_deployment_needs_an_application_that_fails() {
        let explained = |application: usize, times, attempts: Option<u64>, code: Option<&str>, failed: usize| {
            explained(DEPLOYMENT_FAILED, |scenario, observed| {
                let application = &mut scenario.world.applications[application];
                application.failure =
                    Some(Failure { times, error_code: code.map(str::to_owned), ..Failure::default() });
                if let Some(attempts) = attempts {
                    application.options.insert("maxAttempts".to_owned(), json!(attempts));
                }
                observed.rollouts.extend((1..failed).map(|_| sample::rollout(&observed.launched, 2, "FAILED")));
            })
        };
        for (application, times, attempts, code, failed, expected) in [
            (0, None, None, None, 1, true),
            (0, None, Some(3), None, 9, true),
            (1, None, None, None, 1, false),
            (0, Some(1), None, None, 1, false),
            (0, Some(2), None, None, 1, true),
            (0, Some(2), Some(3), None, 1, false),
            (0, Some(1), Some(1), None, 1, true),
            // Two rollouts share the failures.
            (0, Some(3), None, None, 2, false),
            (0, Some(4), None, None, 2, true),
            (0, Some(1), Some(3), Some("ScriptMissing"), 1, true),
        ] {
            let is = explained(application, times, attempts, code, failed);
            assert_eq!(is, expected, "{application} {times:?} of {attempts:?}, {code:?}, {failed} failed");
        }
    }

    #[test]
    fn a_collision_explains_a_failed_deployment() {
        let collides = |of: fn(&Observed) -> String, deployment: &'static str| {
            move |_: &mut Scenario, observed: &mut Observed| {
                let mut collision = sample::collision();
                collision.overlap.instance_id = of(observed);
                collision.overlap.began.deployment_id = deployment.to_owned();
                observed.report.collisions.push(collision);
            }
        };
        assert!(explained(DEPLOYMENT_FAILED, collides(|observed| observed.launched[1].clone(), "d-2")));
        assert!(explained(DEPLOYMENT_FAILED, collides(|observed| observed.launched[0].clone(), "d-1")));
        assert!(!explained(DEPLOYMENT_FAILED, collides(|observed| observed.launched[0].clone(), "d-2")));
    }

    #[test]
    fn a_dead_agent_explains_the_failures_that_it_leads_to() {
        for (error, instance, expected) in [
            (DEPLOYMENT_FAILED, 1, true),
            (DEPLOYMENT_FAILED, 0, false),
            ("Turnstile.DeploymentTimedOut", 1, true),
            ("Turnstile.DeploymentTimedOut", 0, false),
            ("Turnstile.InstanceNotReached", 0, true),
        ] {
            let silent =
                |_: &mut Scenario, observed: &mut Observed| observed.report.instances[instance].agent_is_silent = true;
            assert_eq!(explained(error, silent), expected, "{error} {instance}");
            assert!(!explained(error, |_, _| ()), "{error}");
        }
    }

    #[test]
    fn an_instance_that_was_stopped_in_the_warm_pool_had_no_agent() {
        // The sample's rollout ends at 190 s. Afterwards its instance enters service.
        for (destination, result, closed_at, comes_again_at, expected) in [
            ("WarmPool", HookResult::Continue, 60.0, 300.0, true),
            ("WarmPool", HookResult::Continue, 60.0, 100.0, false),
            ("WarmPool", HookResult::Continue, 250.0, 300.0, false),
            ("WarmPool", HookResult::Abandon, 60.0, 300.0, false),
            ("AutoScalingGroup", HookResult::Continue, 60.0, 300.0, false),
        ] {
            let warmed = |_: &mut Scenario, observed: &mut Observed| {
                let Observed { report, launched, .. } = observed;
                report.instances[1].lifecycle_state = "InService";
                let first = report.hook_actions.iter_mut().find(|action| action.instance_id == launched[1]);
                let first = first.expect("the second launch waited at the hook");
                (first.destination, first.result, first.closed_at) = (destination, Some(result), Some(closed_at));
                let again = HookActionReport {
                    destination: "AutoScalingGroup",
                    opened_at: comes_again_at,
                    closed_at: None,
                    result: None,
                    ..first.clone()
                };
                report.hook_actions.push(again);
            };
            let is = explained("Turnstile.DeploymentTimedOut", warmed);
            assert_eq!(is, expected, "{destination} {result:?} at {closed_at}, again at {comes_again_at}");
        }
    }

    #[test]
    fn a_rollout_of_a_whole_group_shares_the_group_s_troubles() {
        let of_group = |change: fn(&mut Observed)| {
            explained("Turnstile.DeploymentTimedOut", |_, observed| {
                observed.rollouts[1].launch = None;
                observed.report.instances[1].lifecycle_state = "InService";
                change(observed);
            })
        };
        assert!(!of_group(|_| ()));
        assert!(of_group(|observed| observed.report.instances[0].agent_is_silent = true));
        assert!(of_group(|observed| observed.report.instances[0].lifecycle_state = "Terminated"));
    }

    #[test]
    fn a_disturbed_service_needs_a_call_that_failed_meanwhile() {
        // The sample's call of CodeDeploy failed at 50 s.
        for (error, service, kind, started_at, expected) in [
            ("Turnstile.Unavailable", "codedeploy", "reset", 45.0, true),
            ("Turnstile.Unavailable", "dynamodb", "reset", 45.0, false),
            ("Turnstile.Unavailable", "codedeploy", "reset", 60.0, false),
            ("Turnstile.Throttled", "codedeploy", "error", 45.0, true),
            ("Turnstile.Throttled", "codedeploy", "reset", 45.0, false),
            ("Turnstile.Throttled", "codedeploy", "error", 60.0, false),
        ] {
            let disturbed = |scenario: &mut Scenario, observed: &mut Observed| {
                scenario.faults = serde_json::from_value(json!([{"service": service, "kind": kind}])).unwrap();
                observed.rollouts[1].execution.started_at = started_at;
            };
            assert_eq!(explained(error, disturbed), expected, "{error} {service} {kind} {started_at}");
        }
    }

    #[test]
    fn an_input_may_name_an_instance_that_is_gone() {
        for (gone, hook, expected) in [(true, None, true), (false, None, false), (true, Some("turnstile"), false)] {
            let asked = |_: &mut Scenario, observed: &mut Observed| {
                observed.report.instances[1].lifecycle_state = if gone { "Terminated" } else { "InService" };
                observed.report.hook_actions.clear();
                observed.rollouts[1].execution.input["lifecycleHookName"] = json!(hook);
            };
            assert_eq!(explained("Turnstile.InvalidInput", asked), expected, "{gone} {hook:?}");
        }
    }

    #[test]
    fn other_errors() {
        assert!(explained("Turnstile.GroupBusy", |_, _| ()), "the sample's deployments are a person's");
        assert!(!explained("Turnstile.GroupBusy", |_, observed| observed.report.deployments.clear()));
        let terminated =
            |_: &mut Scenario, observed: &mut Observed| observed.report.instances[1].terminated_at = Some(99.0);
        assert!(explained("Turnstile.InstanceNotFound", terminated));
        for error in ["Turnstile.UnsuitableDeploymentGroup", "Turnstile.Unexpected", "States.Runtime", ""] {
            assert!(!explained(error, |_, _| ()), "{error}");
        }
    }
}
