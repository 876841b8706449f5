//! `report.json`, the demo's result for programs. Times are in world seconds since the start.

use serde::Serialize;
use world::HookResult;

use crate::rollout::Rollout;

/// Both rollouts in short.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summaries<'a> {
    /// The launch under Turnstile.
    #[serde(flatten)]
    pub turnstile: Summary<'a>,
    /// The launch with gates beside a pipeline; `null` if it was left out.
    pub beside_a_pipeline: Option<Summary<'a>>,
}

/// A rollout in short.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary<'a> {
    instance: Instance<'a>,
    deployments: Vec<Deployment<'a>>,
    /// The action of Turnstile's hook; `null` if the instance never came to wait at the hook.
    hook: Option<Hook>,
    /// The state machine's execution; `null` if none was started.
    execution: Option<Execution<'a>>,
    /// The violations of the world's rules, a sentence each.
    violations: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Instance<'a> {
    instance_id: &'a str,
    lifecycle_state: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Deployment<'a> {
    application_name: &'a str,
    deployment_group_name: &'a str,
    deployment_id: &'a str,
    instance_ids: &'a [String],
    started_at: Option<f64>,
    ended_at: Option<f64>,
    status: &'a str,
}

#[derive(Debug, Serialize)]
struct Hook {
    result: Option<HookResult>,
    heartbeats: u32,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Execution<'a> {
    status: &'a str,
    state_transitions: usize,
}

impl<'a> Summary<'a> {
    /// A rollout's summary.
    pub fn of(rollout: &'a Rollout) -> Self {
        let instance = rollout.instance();
        let deployment = |deployment: &'a world::DeploymentReport| Deployment {
            application_name: &deployment.application_name,
            deployment_group_name: &deployment.deployment_group_name,
            deployment_id: &deployment.deployment_id,
            instance_ids: &deployment.instance_ids,
            started_at: deployment.started_at,
            ended_at: deployment.ended_at,
            status: deployment.status,
        };
        Summary {
            instance: Instance { instance_id: &instance.instance_id, lifecycle_state: instance.lifecycle_state },
            deployments: rollout.report.deployments.iter().map(deployment).collect(),
            hook: rollout.hook().map(|action| Hook { result: action.result, heartbeats: action.heartbeats }),
            execution: rollout
                .execution
                .as_ref()
                .map(|execution| Execution { status: &execution.status, state_transitions: rollout.transitions }),
            violations: rollout.report.violations.iter().map(ToString::to_string).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setting::tests::{with_an_instance, world};
    use serde_json::json;
    use stack::six_applications::{DEPLOYMENT_GROUP, GROUP};

    #[test]
    fn a_summary_has_the_documented_fields() {
        let (world, instance_id) = with_an_instance();
        let deployment_id = world.deploy("Orders", DEPLOYMENT_GROUP, None).unwrap();
        world.advance(300.0);
        let execution = stack::Execution {
            arn: "arn".to_owned(),
            name: "name".to_owned(),
            status: "RUNNING".to_owned(),
            input: json!({}),
            output: None,
            error: None,
            cause: None,
            started_at: 0.0,
            ended_at: None,
            redrive_count: 0,
        };
        let report = world.report_at_end();
        let ended_at = report.deployments[0].ended_at.unwrap();
        let rollout = Rollout {
            instance_id: instance_id.clone(),
            report,
            execution: Some(execution),
            transitions: 9,
            watched_until: 360.0,
            released: None,
        };
        assert!(!rollout.is_good());
        assert_eq!(
            serde_json::to_value(Summary::of(&rollout)).unwrap(),
            json!({
                "instance": {"instanceId": instance_id, "lifecycleState": "Pending:Wait"},
                "deployments": [{
                    "applicationName": "Orders",
                    "deploymentGroupName": "Production",
                    "deploymentId": deployment_id,
                    "instanceIds": [instance_id],
                    "startedAt": 62.0,
                    "endedAt": ended_at,
                    "status": "Succeeded",
                }],
                "hook": {"result": null, "heartbeats": 0},
                "execution": {"status": "RUNNING", "stateTransitions": 9},
                "violations": [format!("at 360.0 s: hook turnstile of {instance_id} was left open")],
            })
        );
    }

    #[test]
    fn what_never_started_is_null() {
        let world = world();
        let instance_id = world.launch(GROUP).unwrap();
        let report = world.report_at_end();
        let rollout =
            Rollout { instance_id, report, execution: None, transitions: 0, watched_until: 0.0, released: None };
        let summary = serde_json::to_value(Summary::of(&rollout)).unwrap();
        assert_eq!(summary["hook"], json!(null));
        assert_eq!(summary["execution"], json!(null));
    }
}
