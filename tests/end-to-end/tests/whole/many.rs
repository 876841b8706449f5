//! Many instances launch at once: one rollout deploys at a time, to all of them.

use std::collections::BTreeSet;

use end_to_end::*;
use stack::{Execution, Stack};
use world::{Call, Report, Setting};

/// The setting with deployments that reach all instances at the same time.
fn all_at_once(mut setting: Setting) -> Setting {
    for application in &mut setting.applications {
        application.deployment_config_name = "CodeDeployDefault.AllAtOnce".into();
    }
    setting
}

/// Waits until every instance is in service and every rollout has succeeded.
async fn everybody_in_service(stack: &Stack, instances: &[String]) -> Vec<Execution> {
    let in_service = |report: &Report| {
        let is = |id: &String| report.instances.iter().any(|i| i.instance_id == *id && i.in_service_at.is_some());
        instances.iter().all(is)
    };
    until(stack, in_service).await;
    let executions = all_ended(stack).await;
    for execution in &executions {
        assert_eq!(execution.status, "SUCCEEDED", "{execution:#?}");
    }
    executions
}

/// The number of rollouts that started no deployment: others deployed all of their applications.
fn served_by_others(executions: &[Execution]) -> usize {
    let served = |execution: &&Execution| {
        let applications = execution.output.as_ref().and_then(|output| output["applications"].as_array());
        applications.is_some_and(|all| all.iter().all(|application| application["attempts"] == 0))
    };
    executions.iter().filter(served).count()
}

fn ids(instances: &[String]) -> Vec<&str> {
    instances.iter().map(String::as_str).collect()
}

#[tokio::test]
async fn five_at_once_are_served_by_one_turn() {
    let stack = start(all_at_once(six_applications()), 1).await;
    let instances = stack.world().launch_over(GROUP, 5, 0.0).unwrap();
    let executions = everybody_in_service(&stack, &instances).await;
    assert_eq!(served_by_others(&executions), 4, "{executions:#?}");
    let report = stack.world().report();
    // Whoever has the turn has made the deployments, and looks at its own instance anew each time.
    let holder = report.deployments[0].description.clone().unwrap_or_default();
    let asks = |call: &Call| call.caller == "start-deployment" && call.operation == "GetDeploymentTarget";
    let is_of_the_holder = |call: &Call| holder.contains(call.parameters["targetId"].as_str().unwrap_or_default());
    let looks: Vec<_> = report.calls.into_iter().filter(|call| asks(call) && !is_of_the_holder(call)).collect();
    let asked: BTreeSet<String> = looks.iter().map(|look| look.parameters.to_string()).collect();
    assert_eq!(looks.len(), asked.len(), "no rollout asks twice about one deployment");
    assert!(looks.len() <= 4 * 6, "{} looks", looks.len());
    let report = finish(stack, &ids(&instances)).await;
    assert_eq!(order(&report), SIX);
}

/// Every instance enters service with the revision that a person deploys in the middle of the burst.
#[tokio::test]
async fn a_person_deploys_during_a_burst() {
    let stack = start(all_at_once(six_applications()), 1).await;
    let instances = stack.world().launch_over(GROUP, 5, 20.0).unwrap();
    let at_invoicing =
        |report: &Report| report.deployments.iter().any(|d| d.application_name == "Invoicing" && d.ended_at.is_some());
    until(&stack, at_invoicing).await;
    deploy_as_a_person(&stack, "Storefront", 2).await;
    let executions = everybody_in_service(&stack, &instances).await;
    for execution in &executions {
        let storefront = &execution.output.as_ref().unwrap()["applications"][0];
        assert_eq!(storefront["revision"]["s3"]["key"], "Storefront-2.zip", "{storefront:#}");
    }
    finish(stack, &ids(&instances)).await;
}
