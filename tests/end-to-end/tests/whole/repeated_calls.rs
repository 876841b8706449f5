//! Each function is called as the state machine calls it, and called again, as after a lost answer: the second call changes nothing.

use end_to_end::*;
use serde_json::{Value, json};
use stack::Stack;

const EXECUTION: &str = "arn:aws:states:us-east-1:123456789012:execution:turnstile:test";
const STARTED_AT: &str = "2026-01-01T00:00:00.000Z";
const THIRTY_SECONDS_AGO: &str = "2026-01-01T11:59:30.000Z";

async fn call(stack: &Stack, function: &str, request: Value) -> Value {
    let answer = stack.invoke(function, &request).await.unwrap();
    assert_eq!(answer.function_error, None, "{function}: {:#}", answer.payload);
    answer.payload
}

/// A stack with an instance that waits at the hook, and the plan of its rollout, which holds its turn.
async fn planned(mut setting: world::Setting) -> (Stack, String, Value) {
    // Between the calls of a test nothing sends heartbeats.
    setting.auto_scaling_groups[0].hooks[0].heartbeat_timeout = 7_200;
    let stack = start(setting, 0).await;
    let instance = stack.world().launch(GROUP).unwrap();
    until_waiting(&stack, &instance).await;
    let input = json!({"autoScalingGroupName": GROUP, "instanceId": instance, "lifecycleHookName": HOOK});
    let plan = call(&stack, "plan-rollout", json!({"execution": EXECUTION, "input": input})).await;
    (stack, instance, plan)
}

fn start_request(plan: &Value, application: usize, attempt: u32) -> Value {
    json!({
        "execution": EXECUTION, "startedAt": STARTED_AT, "now": STARTED_AT, "plan": plan,
        "application": plan["applications"][application], "round": 1, "attempt": attempt, "busySince": null,
        "stall": null, "silence": null,
    })
}

fn check_request(plan: &Value, application: usize, deployment_id: &Value) -> Value {
    json!({
        "execution": EXECUTION, "startedAt": STARTED_AT, "now": "2026-01-01T12:00:00.000Z", "plan": plan,
        "application": plan["applications"][application], "round": 1, "repeats": 0, "attempt": 1,
        "deploymentId": deployment_id, "expectedSeconds": null, "waitingSince": THIRTY_SECONDS_AGO, "stall": null,
        "silence": null,
    })
}

#[tokio::test]
async fn a_deployment_is_started_once_however_often_it_is_asked_for() {
    let (stack, _, plan) = planned(six_applications()).await;
    let (one, other) = tokio::join!(
        call(&stack, "start-deployment", start_request(&plan, 0, 1)),
        call(&stack, "start-deployment", start_request(&plan, 0, 1)),
    );
    let again = call(&stack, "start-deployment", start_request(&plan, 0, 1)).await;
    assert_eq!(again["outcome"], "STARTED", "while it is under way");
    for answer in [&one, &other] {
        // While CodeDeploy has not answered one of the calls, the other one waits.
        assert!(["STARTED", "BUSY"].contains(&answer["outcome"].as_str().unwrap()), "{answer:#}");
        if answer["outcome"] == "STARTED" {
            assert_eq!(answer["deploymentId"], again["deploymentId"], "at the same time");
        }
    }
    assert!(one["outcome"] == "STARTED" || other["outcome"] == "STARTED", "one of the two starts it");

    until(&stack, |report| report.deployments[0].ended_at.is_some()).await;
    let late = call(&stack, "start-deployment", start_request(&plan, 0, 1)).await;
    assert_eq!(late["deploymentId"], again["deploymentId"], "and after it has ended");

    for _ in 0..2 {
        let check = call(&stack, "check-status", check_request(&plan, 0, &again["deploymentId"])).await;
        let deployed = &check["applications"][0]["deploymentId"];
        assert_eq!((&check["outcome"], deployed), (&json!("SUCCEEDED"), &again["deploymentId"]));
    }
    assert_eq!(finish(stack, &[]).await.deployments.len(), 1);
}

#[tokio::test]
async fn the_same_attempt_does_not_repeat_a_failed_deployment() {
    let mut setting = six_applications();
    setting.applications[0].failure = Some(read(json!({"event": "BeforeInstall"})));
    let (stack, _, plan) = planned(setting).await;
    let first = call(&stack, "start-deployment", start_request(&plan, 0, 1)).await;
    until(&stack, |report| report.deployments[0].ended_at.is_some()).await;
    let again = call(&stack, "start-deployment", start_request(&plan, 0, 1)).await;
    assert_eq!(again["deploymentId"], first["deploymentId"]);
    assert_eq!(stack.world().report().deployments.len(), 1);

    let next = call(&stack, "start-deployment", start_request(&plan, 0, 2)).await;
    assert_ne!(next["deploymentId"], first["deploymentId"], "the next attempt is another deployment");
    finish(stack, &[]).await;
}

#[tokio::test]
async fn another_application_waits_while_one_is_deployed() {
    let (stack, _, plan) = planned(slow(six_applications())).await;
    let first = call(&stack, "start-deployment", start_request(&plan, 0, 1)).await;
    let second = call(&stack, "start-deployment", start_request(&plan, 1, 1)).await;
    assert_eq!((&second["outcome"], &second["deploymentId"]), (&json!("BUSY"), &first["deploymentId"]));
    assert!(second["waitSeconds"].as_u64().unwrap() >= 3);

    let mut impatient = start_request(&plan, 1, 1);
    impatient["now"] = json!("2026-01-01T12:00:00.000Z");
    impatient["busySince"] = json!(STARTED_AT);
    let answer = stack.invoke("start-deployment", &impatient).await.unwrap();
    assert_eq!(answer.payload["errorType"], "Turnstile.GroupBusy", "waiting has an end: {:#}", answer.payload);
    assert_eq!(stack.world().report().deployments.len(), 1);

    until(&stack, |report| report.deployments[0].ended_at.is_some()).await;
    let second = call(&stack, "start-deployment", start_request(&plan, 1, 1)).await;
    assert_eq!(second["outcome"], "STARTED");
    finish(stack, &[]).await;
}

#[tokio::test]
async fn a_person_s_deployment_that_contains_the_instance_is_joined() {
    let (stack, instance, plan) = planned(slow(six_applications())).await;
    let theirs = stack.world().deploy("Storefront", DEPLOYMENT_GROUP, Some(revision("Storefront", 2))).unwrap();
    until(&stack, |report| report.deployments[0].instance_ids == [instance.as_str()]).await;
    let answer = call(&stack, "start-deployment", start_request(&plan, 0, 1)).await;
    assert_eq!((&answer["outcome"], &answer["deploymentId"]), (&json!("JOINED"), &json!(theirs)));
    until(&stack, |report| report.deployments[0].ended_at.is_some()).await;
    let check = call(&stack, "check-status", check_request(&plan, 0, &answer["deploymentId"])).await;
    assert_eq!(check["outcome"], "SUCCEEDED");
    assert_eq!(check["applications"][0]["revision"]["s3"]["key"], "Storefront-2.zip");
    finish(stack, &[]).await;
}

/// A rollout whose deployment a person stops fails. A rollout whose turn was taken over, and whose deployment the next one stops, does not.
#[tokio::test]
async fn a_stopped_deployment_fails_only_the_rollout_with_the_turn() {
    let (stack, instance, plan) = planned(six_applications()).await;
    stack.world().silence_agent(&instance).unwrap();
    let started = call(&stack, "start-deployment", start_request(&plan, 0, 1)).await;
    until(&stack, |report| report.deployments[0].instance_ids == [instance.as_str()]).await;
    let mut check = check_request(&plan, 0, &started["deploymentId"]);
    check["waitingSince"] = json!("2026-01-01T11:55:00.000Z");
    let silent = call(&stack, "check-status", check.clone()).await;
    assert_eq!((&silent["error"], &silent["retry"]), (&json!("Turnstile.AgentSilent"), &json!(false)), "{silent:#}");
    assert_eq!(silent["reason"]["silentSeconds"], 300);
    until(&stack, |report| report.deployments[0].status == "Stopped").await;

    let again = call(&stack, "check-status", check.clone()).await;
    assert_eq!(again["error"], "Turnstile.AgentSilent", "the answer was lost: {again:#}");

    // It has given its turn back, so that others may have theirs, and asks for it again.
    let mut next_round = start_request(&plan, 0, 1);
    next_round["round"] = json!(2);
    let second = call(&stack, "start-deployment", next_round).await;
    let theirs = second["deploymentId"].as_str().unwrap_or_else(|| panic!("{second:#}"));
    until(&stack, |report| report.deployments[1].instance_ids == [instance.as_str()]).await;
    stack.world().stop_deployment(theirs).unwrap();
    let mut check = check_request(&plan, 0, &second["deploymentId"]);
    check["round"] = json!(2);
    let stopped = call(&stack, "check-status", check.clone()).await;
    assert_eq!(stopped["error"], "Turnstile.InstanceNotReached", "{stopped:#}");
    assert_eq!((&stopped["reason"]["errorCode"], &stopped["retry"]), (&json!("MANUAL_STOP"), &json!(false)));

    stack.delete_turns().await.unwrap();
    let answer = stack.invoke("check-status", &check).await.unwrap();
    assert_eq!(answer.payload["errorType"], "Turnstile.TurnLost", "{:#}", answer.payload);
    finish(stack, &[]).await;
}

#[tokio::test]
async fn the_hook_is_completed_once() {
    let (stack, instance, plan) = planned(six_applications()).await;
    let started = call(&stack, "start-deployment", start_request(&plan, 0, 1)).await;
    until(&stack, |report| report.deployments[0].ended_at.is_some()).await;
    let check = call(&stack, "check-status", check_request(&plan, 0, &started["deploymentId"])).await;
    let complete = json!({"execution": EXECUTION, "plan": plan, "repeats": 0, "deployed": check["applications"]});

    // A person has deployed a newer revision to the instance, and that is the current one.
    let theirs = stack.world().deploy("Storefront", DEPLOYMENT_GROUP, Some(revision("Storefront", 2))).unwrap();
    until(&stack, |report| report.deployments[1].ended_at.is_some()).await;
    stack.invoke("complete-lifecycle-hook", &json!({})).await.unwrap();
    let answer = call(&stack, "complete-lifecycle-hook", complete.clone()).await;
    assert_eq!((&answer["outcome"], &answer["result"]), (&json!("COMPLETED"), &json!("CONTINUE")));
    assert_eq!(answer["applications"][0]["deploymentId"], json!(theirs));
    assert_eq!(answer["applications"][0]["revision"]["s3"]["key"], "Storefront-2.zip");

    until(&stack, |report| report.instances.iter().any(|i| i.instance_id == instance && i.in_service_at.is_some()))
        .await;
    let answer = call(&stack, "complete-lifecycle-hook", complete).await;
    assert_eq!(answer["outcome"], "ALREADY_OVER");
    stack.stop().await;
}

#[tokio::test]
async fn a_hook_is_not_completed_without_a_deployment_here() {
    let (stack, _, plan) = planned(six_applications()).await;
    let deployed = json!({
        "applicationName": "Orders", "deploymentGroupName": DEPLOYMENT_GROUP, "attempts": 1,
        "deploymentId": "d-ELSEWHERE", "revision": null,
    });
    let mut complete = json!({"execution": EXECUTION, "plan": plan, "repeats": 0, "deployed": [deployed]});
    let answer = call(&stack, "complete-lifecycle-hook", complete.clone()).await;
    assert_eq!((&answer["outcome"], &answer["application"]), (&json!("OUTDATED"), &json!("Orders/Production")));

    complete["repeats"] = json!(9);
    let answer = stack.invoke("complete-lifecycle-hook", &complete).await.unwrap();
    assert_eq!(answer.payload["errorType"], "Turnstile.RevisionsKeepChanging", "{:#}", answer.payload);
    assert_eq!(hook_action(&stack.world().report()).closed_at, None);
    stack.stop().await;
}

#[tokio::test]
async fn an_event_that_is_no_launch_is_ignored() {
    let stack = start(six_applications(), 0).await;
    for event in [
        json!({"source": "aws.autoscaling", "detail-type": "EC2 Instance-terminate Lifecycle Action", "detail": {}}),
        json!({"Event": "autoscaling:TEST_NOTIFICATION"}),
        json!({}),
        json!(null),
    ] {
        let answer = call(&stack, "start-rollout", event).await;
        assert_eq!(answer["outcome"], "IGNORED");
    }
    assert_eq!(stack.executions().await.unwrap().len(), 0);
    stack.stop().await;
}

#[tokio::test]
async fn the_functions_are_small() {
    const MEGABYTE: u64 = 1_000_000;
    // What is published is optimised at link time. Where a run leaves that out to be faster, a function is up to a sixth larger.
    let is_optimised = std::env::var("CARGO_PROFILE_RELEASE_LTO").as_deref() != Ok("false");
    let most_on_disk = if is_optimised { 12 * MEGABYTE } else { 14 * MEGABYTE };
    let (stack, _, plan) = planned(six_applications()).await;
    let started = call(&stack, "start-deployment", start_request(&plan, 0, 1)).await;
    call(&stack, "check-status", check_request(&plan, 0, &started["deploymentId"])).await;
    call(
        &stack,
        "complete-lifecycle-hook",
        json!({"execution": EXECUTION, "plan": plan, "repeats": 0, "deployed": []}),
    )
    .await;
    let failed = json!({
        "execution": EXECUTION, "startedAt": STARTED_AT, "now": STARTED_AT, "plan": null, "round": null, "input": {},
        "failure": {"error": "Turnstile.InvalidInput", "cause": ""}, "backingOffSince": null,
    });
    call(&stack, "back-off", failed).await;
    call(&stack, "start-rollout", json!({})).await;

    let environments = stack.environments();
    assert_eq!(environments.len(), 6, "one process for each function: {environments:?}");
    for process in environments {
        let status = std::fs::read_to_string(format!("/proc/{}/status", process.pid)).unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let resident: u64 = resident.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1_024;
        let binary = std::fs::metadata(format!("/proc/{}/exe", process.pid)).unwrap().len();
        println!("{}: {resident} bytes resident, {binary} bytes on disk", process.function);
        assert!(resident <= 40 * MEGABYTE, "{}: {resident} bytes resident", process.function);
        assert!(binary <= most_on_disk, "{}: {binary} bytes on disk", process.function);
    }
    stack.stop().await;
}
