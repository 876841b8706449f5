//! Whether an execution failed for a reason that the scenario contains.

use serde_json::Value;

use super::{disturbances, gone};
use crate::format::{Application, Failure, Outcome, Scenario};
use crate::outcome::{Came, Rollout};

/// `maxAttempts` of an application whose options do not give it.
const USUAL_ATTEMPTS: u64 = 2;
/// What another attempt does not mend.
const FOR_GOOD: [&str; 2] = ["ScriptMissing", "ScriptNotExecutable"];

const DEPLOYMENT_FAILED: &str = "Turnstile.DeploymentFailed";

/// Whether the scenario contains what leads to the execution's error.
pub fn is_explained(rollout: &Rollout, scenario: &Scenario, came: &Came) -> bool {
    let error = rollout.execution.error.as_deref().unwrap_or_default();
    let cause = rollout.cause();
    let call = cause["summary"].as_str().and_then(|summary| summary.split(' ').next()).unwrap_or_default();
    match error {
        DEPLOYMENT_FAILED => {
            fails(&cause, scenario, came)
                || met_another(rollout, &cause, came)
                || lacks_an_agent(rollout, came)
                || lost_one(rollout, came)
        }
        "Turnstile.DeploymentTimedOut" => lacks_an_agent(rollout, came) || lost_one(rollout, came),
        // Round after round the deployment failed on a neighbour.
        "Turnstile.InstanceNotReached" => {
            let a_neighbour_fails = named(&cause, scenario).is_some_and(|application| application.failure.is_some());
            a_neighbour_fails
                || met_another(rollout, &cause, came)
                || came.report.instances.iter().any(|instance| instance.agent_is_silent)
        }
        // Nobody touches a deployment that no rollout has made, and a dead agent holds it up for an hour.
        "Turnstile.GroupBusy" => came.report.deployments.iter().any(|deployment| deployment.description.is_none()),
        // The second delivery of an event may come when the launch has long been ended.
        "Turnstile.InstanceNotFound" => gone::was_gone(rollout, came),
        // A person names an instance that is there no more.
        "Turnstile.InvalidInput" => is_of_no_group(&cause) && gone::was_gone(rollout, came),
        "Turnstile.Throttled" => disturbances::throttles(call, scenario),
        "Turnstile.Unavailable" => disturbances::is_unavailable(call, scenario),
        error if error.starts_with("Lambda.") => disturbances::lambda_fails(scenario),
        _ => false,
    }
}

fn is_of_no_group(cause: &Value) -> bool {
    cause["summary"].as_str().is_some_and(|summary| summary.ends_with("is in no Auto Scaling group"))
}

/// Whether the application that the cause names fails as often as it is tried.
fn fails(cause: &Value, scenario: &Scenario, came: &Came) -> bool {
    let Some(application) = named(cause, scenario) else { return false };
    let Some(failure) = &application.failure else { return false };
    let Some(times) = failure.times else { return true };
    let needed = attempts(application, failure);
    // Each failed rollout of an instance has used so many of the failures up, which are the group's. One of a whole group may
    // have shared its own with another rollout.
    let failed = |rollout: &&Rollout| {
        rollout.launch.is_some()
            && rollout.outcome() == Outcome::Failed
            && rollout.execution.error.as_deref() == Some(DEPLOYMENT_FAILED)
            && named(&rollout.cause(), scenario) == Some(application)
    };
    let rollouts = u64::try_from(came.rollouts.iter().filter(failed).count()).unwrap_or(u64::MAX);
    u64::from(times) >= needed * rollouts.max(1)
}

/// The application that a cause names.
fn named<'a>(cause: &Value, scenario: &'a Scenario) -> Option<&'a Application> {
    let names = (cause["applicationName"].as_str()?, cause["deploymentGroupName"].as_str()?);
    scenario.world.applications.iter().find(|application| application.names() == names)
}

/// How many times in a row it has to fail until its rollout does.
fn attempts(application: &Application, failure: &Failure) -> u64 {
    if failure.error_code.as_deref().is_some_and(|code| FOR_GOOD.contains(&code)) {
        return 1;
    }
    application.options.get("maxAttempts").and_then(Value::as_u64).unwrap_or(USUAL_ATTEMPTS)
}

/// Whether two deployments met, of which a person or CodeDeploy itself made the later one.
fn met_another(rollout: &Rollout, cause: &Value, came: &Came) -> bool {
    let instance = rollout.launch.and_then(|launch| came.instance(launch));
    let names = [instance.map(|instance| instance.instance_id.as_str()), cause["deploymentId"].as_str()];
    let mut names = names.into_iter().flatten().filter(|name| !name.is_empty());
    names.any(|name| came.report.collisions.iter().any(|collision| collision.overlap.involves(name)))
}

/// Whether its instance's agent has died, or that of any instance which it brings up to date.
fn lacks_an_agent(rollout: &Rollout, came: &Came) -> bool {
    match rollout.launch {
        Some(launch) => came.instance(launch).is_some_and(|instance| instance.agent_is_silent),
        None => came.report.instances.iter().any(|instance| instance.agent_is_silent),
    }
}

/// Whether it was to bring a whole group up to date, and an instance of that ended meanwhile.
fn lost_one(rollout: &Rollout, came: &Came) -> bool {
    rollout.launch.is_none()
        && came.report.instances.iter().any(|instance| instance.lifecycle_state.contains("Terminat"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::judge::sample;

    /// Whether the sample's second execution is explained, whose error is `error`.
    fn explained(error: &str, change: impl Fn(&mut Scenario, &mut Came)) -> bool {
        let (mut scenario, mut came) = (sample::scenario(json!({})), sample::came());
        came.rollouts[1].execution.error = Some(error.to_owned());
        change(&mut scenario, &mut came);
        is_explained(&came.rollouts[1], &scenario, &came)
    }

    #[test]
    fn a_failed_deployment_needs_an_application_that_fails() {
        let explained = |application: usize, times, attempts: Option<u64>, code: Option<&str>, failed: usize| {
            explained(DEPLOYMENT_FAILED, |scenario, came| {
                let application = &mut scenario.world.applications[application];
                application.failure =
                    Some(Failure { times, error_code: code.map(str::to_owned), ..Failure::default() });
                if let Some(attempts) = attempts {
                    application.options.insert("maxAttempts".to_owned(), json!(attempts));
                }
                came.rollouts.extend((1..failed).map(|_| sample::rollout(&came.launched, 2, "FAILED")));
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
            // Shared by those that failed.
            (0, Some(3), None, None, 2, false),
            (0, Some(4), None, None, 2, true),
            (0, Some(1), Some(3), Some("ScriptMissing"), 1, true),
        ] {
            let is = explained(application, times, attempts, code, failed);
            assert_eq!(is, expected, "{application} {times:?} of {attempts:?}, {code:?}, {failed} failed");
        }
    }

    #[test]
    fn a_collision_and_a_dead_agent_explain_the_failures_that_they_make() {
        let collides = |of: fn(&Came) -> String, deployment: &'static str| {
            move |_: &mut Scenario, came: &mut Came| {
                let mut collision = sample::collision();
                collision.overlap.instance_id = of(came);
                collision.overlap.began.deployment_id = deployment.to_owned();
                came.report.collisions.push(collision);
            }
        };
        assert!(explained(DEPLOYMENT_FAILED, collides(|came| came.launched[1].clone(), "d-2")));
        assert!(explained(DEPLOYMENT_FAILED, collides(|came| came.launched[0].clone(), "d-1")));
        assert!(!explained(DEPLOYMENT_FAILED, collides(|came| came.launched[0].clone(), "d-2")));
        for (error, instance, expected) in [
            (DEPLOYMENT_FAILED, 1, true),
            (DEPLOYMENT_FAILED, 0, false),
            ("Turnstile.DeploymentTimedOut", 1, true),
            ("Turnstile.DeploymentTimedOut", 0, false),
            ("Turnstile.InstanceNotReached", 0, true),
        ] {
            let silent = |_: &mut Scenario, came: &mut Came| came.report.instances[instance].agent_is_silent = true;
            assert_eq!(explained(error, silent), expected, "{error} {instance}");
            assert!(!explained(error, |_, _| ()), "{error}");
        }
    }

    #[test]
    fn a_rollout_of_a_whole_group_shares_the_group_s_troubles() {
        let of_group = |change: fn(&mut Came)| {
            explained("Turnstile.DeploymentTimedOut", |_, came| {
                came.rollouts[1].launch = None;
                came.report.instances[1].lifecycle_state = "InService";
                change(came);
            })
        };
        assert!(!of_group(|_| ()));
        assert!(of_group(|came| came.report.instances[0].agent_is_silent = true));
        assert!(of_group(|came| came.report.instances[0].lifecycle_state = "Terminated"));
    }

    #[test]
    fn a_service_s_failure_is_that_of_the_call_which_the_cause_names() {
        for (summary, expected) in [
            ("CodeDeploy.GetDeployment gave no answer: reset", true),
            ("DynamoDB.UpdateItem gave no answer: reset", false),
        ] {
            let down = |scenario: &mut Scenario, came: &mut Came| {
                scenario.faults = serde_json::from_value(json!([{"service": "codedeploy", "kind": "reset"}])).unwrap();
                came.rollouts[1].execution.cause = Some(json!({"summary": summary}).to_string());
            };
            assert_eq!(explained("Turnstile.Unavailable", down), expected, "{summary}");
        }
    }

    #[test]
    fn other_errors() {
        assert!(explained("Turnstile.GroupBusy", |_, _| ()), "the sample's deployments are a person's");
        assert!(!explained("Turnstile.GroupBusy", |_, came| came.report.deployments.clear()));
        assert!(explained("Turnstile.InstanceNotFound", |_, came| came.report.instances[1].terminated_at = Some(99.0)));
        for (gone, summary, expected) in [
            (true, "instanceId: i-2 is in no Auto Scaling group", true),
            (false, "instanceId: i-2 is in no Auto Scaling group", false),
            (true, "instanceId: expected an instance id", false),
        ] {
            let asked = |_: &mut Scenario, came: &mut Came| {
                came.report.instances[1].terminated_at = gone.then_some(99.0);
                came.rollouts[1].execution.cause = Some(json!({"summary": summary}).to_string());
            };
            assert_eq!(explained("Turnstile.InvalidInput", asked), expected, "{gone} {summary}");
        }
        for error in ["Turnstile.InvalidInput", "Turnstile.Unexpected", "States.Runtime", ""] {
            assert!(!explained(error, |_, _| ()), "{error}");
        }
    }
}
