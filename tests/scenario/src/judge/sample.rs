//! A scenario and what was observed in its run, for the tests of the judge.

use std::collections::BTreeMap;

use account::{Execution, Turn};
use serde_json::{Value, json};
use world::{Call, Clock, ClosedBy, Collision, CreatedBy, DeploymentId, HookResult, Overlap, World};

use crate::format::Scenario;
use crate::observed::{Ended, Observed, Rollout};
use crate::setting;
use crate::variant::Variant;

/// A scenario with two applications and two launches.
pub fn scenario(expect: Value) -> Scenario {
    let world = json!({"applications": ["Orders", "Search"]});
    serde_json::from_value(json!({"about": "x", "world": world, "steps": [{"launch": 2}], "expect": expect})).unwrap()
}

/// Two launches, of which the first is in service and the second was abandoned, and three deployments, which a person created.
pub fn observed() -> Observed {
    let setting = setting::options(&scenario(json!({})), Variant::Default.facts(&Default::default())).setting;
    let world = World::new(setting, Clock::Manual).unwrap();
    let launched = world.launch_over("web", 2, 0.0).unwrap();
    world.advance(40.0);
    for (application, pause) in [("Orders", 200.0), ("Search", 200.0), ("Orders", 0.0)] {
        world.deploy(application, "Production", None).unwrap();
        world.advance(pause);
    }
    let mut report = world.report();
    report.instances.truncate(2);
    report.violations.clear();
    report.hook_actions.truncate(2);
    let ends = [("InService", HookResult::Continue), ("Terminated", HookResult::Abandon)];
    let parts = report.instances.iter_mut().zip(&mut report.hook_actions);
    for ((instance, action), (state, result)) in parts.zip(ends) {
        instance.lifecycle_state = state;
        (action.result, action.closed_by) = (Some(result), Some(ClosedBy::Completion));
    }
    report.calls = vec![call()];
    report.calls.extend(["arn:1", "arn:2"].map(told).into_iter().flatten());
    let rollouts = vec![rollout(&launched, 1, "SUCCEEDED"), rollout(&launched, 2, "FAILED")];
    let turns = vec![Turn { claim: "autoScalingGroup:web".to_owned(), holder: None }];
    Observed {
        report,
        launched,
        rollouts,
        turns,
        ended: Ended::Quiet,
        at: 200.0,
        forbidden: Vec::new(),
        fault_hits: Vec::new(),
        trace_hash: None,
        untold: Vec::new(),
        metrics: None,
        trace: Vec::new(),
    }
}

/// The calls that tell of an execution's end.
pub fn told(arn: &str) -> [Call; 2] {
    let call = |service, operation: &str, parameters| Call {
        at: 191.0,
        caller: "report-outcome".to_owned(),
        service,
        operation: operation.to_owned(),
        parameters,
        outcome: "ok".to_owned(),
        ..Call::default()
    };
    let message = json!({
        "MessageAttributes.entry.1.Name": "id", "MessageAttributes.entry.1.Value.StringValue": format!("{arn}#0"),
    });
    let detail = json!({"executionArn": arn, "redriveCount": 0}).to_string();
    [call("sns", "Publish", message), call("events", "PutEvents", json!({"Entries": [{"Detail": detail}]}))]
}

/// A call of CodeDeploy whose answer was lost.
pub fn call() -> Call {
    Call {
        at: 50.0,
        caller: "start-deployment".to_owned(),
        service: "codedeploy",
        operation: "CreateDeployment".to_owned(),
        parameters: json!({}),
        outcome: "lost answer".to_owned(),
        ..Call::default()
    }
}

/// A collision with a person's deployment of Orders.
pub fn collision() -> Collision {
    let deployment = |id: &str| DeploymentId {
        application_name: "Orders".to_owned(),
        deployment_group_name: "Production".to_owned(),
        deployment_id: id.to_owned(),
    };
    let overlap = Overlap {
        instance_id: "i-9".to_owned(),
        began: deployment("d-1"),
        at_work: deployment("d-9"),
        later_deployment_id: "d-1".to_owned(),
        creator: CreatedBy::Person,
    };
    Collision { at: 60.0, overlap }
}

/// The execution of a launch, from 45 to 190 s.
pub fn rollout(launched: &[String], launch: usize, status: &str) -> Rollout {
    let failed = status == "FAILED";
    let execution = Execution {
        arn: format!("arn:{launch}"),
        name: format!("rollout-{launch}"),
        status: status.to_owned(),
        input: json!({"instanceId": launched[launch - 1]}),
        output: (!failed).then(|| json!({"outcome": "SUCCEEDED", "warnings": ["mind the hook"]})),
        error: failed.then(|| "Turnstile.DeploymentFailed".to_owned()),
        cause: failed.then(|| cause().to_string()),
        started_at: 45.0,
        ended_at: Some(190.0),
        redrive_count: 0,
    };
    Rollout { execution, launch: Some(launch), states: BTreeMap::from([("BackOff".to_owned(), 2)]) }
}

/// The cause of an execution that failed because a deployment did.
pub fn cause() -> Value {
    json!({
        "summary": "Orders/Production: Install failed", "hook": "turnstile completed with ABANDON",
        "applicationName": "Orders", "deploymentGroupName": "Production",
        "deploymentId": "d-1", "deploymentUrl": "https://console", "lifecycleEvent": "Install",
    })
}
