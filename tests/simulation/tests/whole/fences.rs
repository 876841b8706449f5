//! A late or repeated call changes nothing: the functions are called as the state machine calls them, and called again.

use std::time::Duration;

use account::execution_arn;
use serde_json::{Value, json};
use simulation::{Simulation, block_on};
use tokio::time::sleep;
use tower::ServiceExt;
use world::Revision;

use crate::ownership::{WEB, options, web};

/// A simulation in which nothing but the test calls functions.
fn start(setting: Value) -> Simulation {
    start_with(setting, &json!([]))
}

fn start_with(setting: Value, faults: &Value) -> Simulation {
    let mut options = options(setting);
    options.events.copies = 0;
    options.faults = serde_json::from_value(faults.clone()).expect("faults");
    Simulation::start(options).expect("it starts")
}

async fn call(simulation: &Simulation, function: &str, request: &Value) -> Value {
    let invoked = simulation.invoke(function, request).await.expect("it is there");
    assert_eq!(invoked.function_error, None, "{function}: {:#}", invoked.payload);
    invoked.payload
}

/// The name of the error that a call ends with.
async fn error(simulation: &Simulation, function: &str, request: &Value) -> Value {
    let invoked = simulation.invoke(function, request).await.expect("it is there");
    assert!(invoked.function_error.is_some(), "{function}: {:#}", invoked.payload);
    invoked.payload["errorType"].clone()
}

fn now(simulation: &Simulation) -> String {
    simulation.world().time()
}

/// What the plan of the execution of this name comes to.
async fn plan(simulation: &Simulation, execution: &str, instance: Option<&str>, owner: &Value) -> Value {
    let input = json!({"autoScalingGroupName": WEB, "instanceId": instance, "applications": null});
    let mut input = input.as_object().expect("an object").clone();
    input.retain(|_, value| !value.is_null());
    if instance.is_none() {
        input.insert("applications".into(), json!(["Orders/Production"]));
    }
    let request =
        json!({"execution": execution_arn(execution), "now": now(simulation), "input": input, "owner": owner});
    call(simulation, "plan-rollout", &request).await
}

/// The request of a call of this round; `more` is what the function needs besides.
fn request(simulation: &Simulation, execution: &str, plan: &Value, round: u32, more: Value) -> Value {
    let now = now(simulation);
    let mut request = json!({
        "execution": execution_arn(execution), "startedAt": now, "now": now, "plan": plan, "round": round,
        "observations": [], "repeats": 0, "attempt": 1,
    });
    request.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    request
}

/// Asks for the turn, to deploy the first application. `MINE`: it has the turn, whatever it has done with it.
async fn take(simulation: &Simulation, execution: &str, plan: &Value, round: u32) -> Value {
    let asks = request(simulation, execution, plan, round, first(plan));
    let answer = call(simulation, "start-deployment", &asks).await;
    if answer["hasTurn"] == true { "MINE".into() } else { answer["outcome"].clone() }
}

/// The error with which the turn is refused.
async fn refused(simulation: &Simulation, execution: &str, plan: &Value, round: u32) -> Value {
    error(simulation, "start-deployment", &request(simulation, execution, plan, round, first(plan))).await
}

/// The application that a rollout begins with.
fn first(plan: &Value) -> Value {
    json!({"application": plan["applications"][0]})
}

/// Gives the turn back as a rollout does that fails with this error.
async fn give_back_after(simulation: &Simulation, execution: &str, plan: &Value, round: u32, error: &str) -> Value {
    let failed = json!({"failure": {"error": error, "cause": "{}"}});
    call(simulation, "back-off", &request(simulation, execution, plan, round, failed)).await
}

/// Gives the turn back when all calls have been answered.
async fn give_back(simulation: &Simulation, execution: &str, plan: &Value, round: u32) {
    give_back_after(simulation, execution, plan, round, "Turnstile.GroupBusy").await;
}

/// Ends the rollout, which has no hook to complete.
async fn end(simulation: &Simulation, execution: &str, plan: &Value, round: u32) {
    let ends = request(simulation, execution, plan, round, json!({"deployed": []}));
    call(simulation, "complete-lifecycle-hook", &ends).await;
}

/// How many claims the execution holds.
fn held_by(simulation: &Simulation, execution: &str) -> usize {
    let arn = execution_arn(execution);
    simulation.turns().iter().filter(|turn| turn.holder.as_ref() == Some(&arn)).count()
}

/// One application. `is_gated`: its deployment group goes by the gate, so that each deployment has its turn.
fn orders(is_gated: bool) -> Value {
    let mut setting = web(600, &["Orders"]);
    if is_gated {
        let filter = |key: &str, value: &str| json!({"Key": key, "Value": value, "Type": "KEY_AND_VALUE"});
        let gate = [filter("turnstile", "Orders/Production"), filter("turnstile", "open")];
        setting["applications"][0]["selection"] = json!({"ec2TagSet": [[filter("Role", "web")], gate]});
    }
    setting
}

#[test]
fn a_call_of_an_earlier_round_changes_nothing() {
    block_on(async || {
        let simulation = start(web(600, &["Orders"]));
        let plan = plan(&simulation, "one", None, &Value::Null).await;
        assert_eq!(take(&simulation, "one", &plan, 1).await, "MINE");
        assert_eq!(take(&simulation, "one", &plan, 1).await, "MINE", "repeated");
        give_back(&simulation, "one", &plan, 1).await;
        assert_eq!(refused(&simulation, "one", &plan, 1).await, "Turnstile.TurnLost");
        assert_eq!(held_by(&simulation, "one"), 0);
        assert_eq!(take(&simulation, "one", &plan, 2).await, "MINE");

        give_back(&simulation, "one", &plan, 1).await;
        assert_eq!(held_by(&simulation, "one"), 2, "given back in the round before, and taken again since");
        let deployments = || simulation.world().report_without_calls().deployments.len();
        let before = deployments();
        // Until nothing is under way any more.
        sleep(Duration::from_secs(600)).await;
        let mut late = request(&simulation, "one", &plan, 1, first(&plan));
        assert_eq!(error(&simulation, "start-deployment", &late).await, "Turnstile.TurnLost");
        (late["hasTurn"], late["attempt"]) = (true.into(), 2.into());
        assert_eq!(error(&simulation, "start-deployment", &late).await, "Turnstile.TurnLost");
        assert_eq!(deployments(), before);

        end(&simulation, "one", &plan, 2).await;
        for round in [1, 2] {
            let error = refused(&simulation, "one", &plan, round).await;
            assert_eq!(error, "Turnstile.TurnLost", "the rollout has ended: {round}");
        }
        assert_eq!(held_by(&simulation, "one"), 0);
        assert_eq!(take(&simulation, "two", &plan, 1).await, "MINE");
        end(&simulation, "one", &plan, 2).await;
        assert_eq!(held_by(&simulation, "two"), 2);
    });
}

/// The instance got the application before the rollout began, and the answer that says so is lost: nothing that is published tells it again.
#[test]
fn an_answer_that_was_lost_with_the_turn_given_back_is_found_in_the_next_round() {
    block_on(async || {
        let simulation = start(orders(true));
        let instance = waiting_instance(&simulation).await;
        sleep(Duration::from_secs(60)).await;
        let plan_of_one = plan(&simulation, "one", Some(&instance), &Value::Null).await;
        assert_eq!(take(&simulation, "one", &plan_of_one, 1).await, "MINE");
        sleep(Duration::from_secs(120)).await;
        give_back(&simulation, "one", &plan_of_one, 1).await;

        let plan_of_two = plan(&simulation, "two", Some(&instance), &Value::Null).await;
        let asks = |round| request(&simulation, "two", &plan_of_two, round, first(&plan_of_two));
        assert_eq!(call(&simulation, "start-deployment", &asks(1)).await["outcome"], "UP_TO_DATE");
        assert_eq!(
            error(&simulation, "start-deployment", &asks(1)).await,
            "Turnstile.TurnLost",
            "instead of waiting for ever"
        );
        assert_eq!(call(&simulation, "start-deployment", &asks(2)).await["outcome"], "UP_TO_DATE");
        assert_eq!(held_by(&simulation, "two"), 0);
    });
}

/// A claim remembers only who has given it back last.
#[test]
fn a_late_call_does_not_take_a_turn_that_another_one_has_had_since() {
    block_on(async || {
        let simulation = start(web(600, &["Orders"]));
        let plan = plan(&simulation, "one", None, &Value::Null).await;
        let late = request(&simulation, "one", &plan, 1, first(&plan));
        assert_eq!(take(&simulation, "one", &plan, 1).await, "MINE");
        end(&simulation, "one", &plan, 1).await;
        sleep(Duration::from_secs(60)).await;
        assert_eq!(take(&simulation, "two", &plan, 1).await, "MINE");
        end(&simulation, "two", &plan, 1).await;

        assert_eq!(call(&simulation, "start-deployment", &late).await["outcome"], "WAIT");
        assert_eq!(held_by(&simulation, "one"), 0);
        assert_eq!(take(&simulation, "three", &plan, 1).await, "MINE", "it is free");
    });
}

/// A request of a version that knew no rounds names none.
#[test]
fn a_turn_is_given_back_without_a_round() {
    block_on(async || {
        let simulation = start(web(600, &["Orders"]));
        let plan = plan(&simulation, "one", None, &Value::Null).await;
        assert_eq!(take(&simulation, "one", &plan, 3).await, "MINE");
        let before = json!({"execution": execution_arn("one"), "plan": plan, "deployed": []});
        call(&simulation, "complete-lifecycle-hook", &before).await;
        assert_eq!(held_by(&simulation, "one"), 0);
        assert_eq!(take(&simulation, "two", &plan, 1).await, "MINE");
    });
}

/// Whether or not each deployment has its turn.
#[test]
fn a_turn_given_back_after_a_lost_answer_drains() {
    block_on(async || {
        for (is_gated, lost, outcome) in [
            (false, "Turnstile.Unavailable", "DRAINING"),
            (false, "States.Timeout", "DRAINING"),
            (false, "Turnstile.GroupBusy", "MINE"),
            (true, "Turnstile.Unavailable", "DRAINING"),
            (true, "Turnstile.GroupBusy", "MINE"),
        ] {
            let simulation = start(orders(is_gated));
            let instance = waiting_instance(&simulation).await;
            let plan_of_one = plan(&simulation, "one", Some(&instance), &Value::Null).await;
            assert_eq!(plan_of_one.get("turnPerDeployment").is_some(), is_gated);
            assert_eq!(take(&simulation, "one", &plan_of_one, 1).await, "MINE");
            give_back_after(&simulation, "one", &plan_of_one, 1, lost).await;
            assert_eq!(held_by(&simulation, "one"), 0, "{lost}");
            let of_group = plan(&simulation, "two", None, &Value::Null).await;
            assert_eq!(take(&simulation, "two", &of_group, 1).await, outcome, "{lost}");
            // It fails, too, and the calls of the first one may be under way still.
            if outcome == "DRAINING" {
                give_back(&simulation, "two", &of_group, 1).await;
                assert_eq!(take(&simulation, "three", &of_group, 1).await, "DRAINING", "{lost}");
            }
        }
    });
}

/// The client gives up after 30 s. CodeDeploy has made the deployment by then.
#[test]
fn a_creation_whose_answer_was_lost_is_found() {
    block_on(async || {
        let slow = json!({"service": "codedeploy", "operation": "CreateDeployment", "kind": "slow", "seconds": 45, "times": 1});
        for is_gated in [false, true] {
            let simulation = start_with(orders(is_gated), &json!([slow]));
            let instance = waiting_instance(&simulation).await;
            let plan_of_one = plan(&simulation, "one", Some(&instance), &Value::Null).await;
            let starts = request(&simulation, "one", &plan_of_one, 1, first(&plan_of_one));
            assert_eq!(error(&simulation, "start-deployment", &starts).await, "Turnstile.Unavailable");
            assert_eq!(call(&simulation, "start-deployment", &starts).await["outcome"], "STARTED");
            assert_eq!(simulation.world().report_without_calls().deployments.len(), 1);
            give_back(&simulation, "one", &plan_of_one, 1).await;
            let of_group = plan(&simulation, "two", None, &Value::Null).await;
            assert_eq!(take(&simulation, "two", &of_group, 1).await, "MINE", "the call has had its effect");
        }
    });
}

/// The request never arrives.
#[test]
fn a_creation_that_was_lost_is_repeated_or_drained() {
    block_on(async || {
        let lost = json!({"service": "codedeploy", "operation": "CreateDeployment", "kind": "reset", "times": 1});
        for (is_gated, is_repeated) in [(false, true), (false, false), (true, true), (true, false)] {
            let simulation = start_with(orders(is_gated), &json!([lost]));
            let instance = waiting_instance(&simulation).await;
            let plan_of_one = plan(&simulation, "one", Some(&instance), &Value::Null).await;
            let starts = || request(&simulation, "one", &plan_of_one, 1, first(&plan_of_one));
            assert_eq!(error(&simulation, "start-deployment", &starts()).await, "Turnstile.Unavailable");
            if is_repeated {
                for (after, outcome) in [(10, "BUSY"), (85, "BUSY"), (10, "STARTED")] {
                    sleep(Duration::from_secs(after)).await;
                    let answer = call(&simulation, "start-deployment", &starts()).await;
                    assert_eq!(answer["outcome"], outcome, "after {after} s more, gated: {is_gated}");
                }
            }
            give_back(&simulation, "one", &plan_of_one, 1).await;
            assert_eq!(held_by(&simulation, "one"), 0);
            let of_group = plan(&simulation, "two", None, &Value::Null).await;
            let outcome = if is_repeated { "MINE" } else { "DRAINING" };
            assert_eq!(take(&simulation, "two", &of_group, 1).await, outcome, "gated: {is_gated}");
        }
    });
}

/// An instance that waits at the hook.
async fn waiting_instance(simulation: &Simulation) -> String {
    let instance = simulation.world().launch(WEB).expect("it launches");
    while simulation.world().report_without_calls().hook_actions.is_empty() {
        sleep(Duration::from_secs(1)).await;
    }
    instance
}

fn is_open(simulation: &Simulation) -> bool {
    simulation.world().report_without_calls().hook_actions[0].closed_at.is_none()
}

#[test]
fn a_rollout_that_was_taken_over_from_touches_nothing() {
    block_on(async || {
        let simulation = start(web(600, &["Orders"]));
        let instance = waiting_instance(&simulation).await;
        let instance = Some(instance.as_str());
        let plan_of_one = plan(&simulation, "one", instance, &Value::Null).await;
        assert_eq!(plan_of_one["autoScalingGroupName"], WEB, "{plan_of_one:#}");
        let owned = plan(&simulation, "two", instance, &Value::Null).await;
        assert_eq!(owned["owner"]["execution"], execution_arn("one"), "{owned:#}");
        let backs_off = give_back_after(&simulation, "one", &plan_of_one, 1, "Turnstile.DeploymentFailed").await;
        assert!(backs_off["waitSeconds"].as_u64() > Some(0), "{backs_off:#}");
        let plan_of_two = plan(&simulation, "two", instance, &owned["owner"]).await;
        assert_eq!(plan_of_two["autoScalingGroupName"], WEB, "{plan_of_two:#}");

        let heartbeats = || simulation.world().report_without_calls().hook_actions[0].heartbeats;
        let before = heartbeats();
        let taken_over = "Turnstile.LaunchTakenOver";
        let of = |more: Value| request(&simulation, "one", &plan_of_one, 1, more);
        let gives_up = json!({"failure": {"error": "Turnstile.DeploymentFailed", "cause": "{}"}});
        assert_eq!(error(&simulation, "back-off", &of(gives_up.clone())).await, taken_over);
        assert_eq!(error(&simulation, "complete-lifecycle-hook", &of(gives_up)).await, taken_over);
        assert_eq!(error(&simulation, "complete-lifecycle-hook", &of(json!({"deployed": []}))).await, taken_over);
        assert_eq!(error(&simulation, "start-deployment", &of(first(&plan_of_one))).await, taken_over);
        assert_eq!((heartbeats(), is_open(&simulation)), (before, true));
        assert_eq!(take(&simulation, "two", &plan_of_two, 1).await, "MINE");
    });
}

/// Whether an execution has ended is known late, and of one that has just started nothing is known. (These do not exist at all.)
#[test]
fn an_owner_is_replaced_only_after_a_second_look() {
    block_on(async || {
        let simulation = start(web(120, &["Orders"]));
        let instance = waiting_instance(&simulation).await;
        let instance = Some(instance.as_str());
        let plan_of_one = plan(&simulation, "one", instance, &Value::Null).await;
        let owned = plan(&simulation, "two", instance, &Value::Null).await;
        assert!(owned["owner"]["endedSince"].is_string(), "{owned:#}");
        sleep(Duration::from_secs(30)).await;
        assert_eq!(plan(&simulation, "two", instance, &owned["owner"]).await["autoScalingGroupName"], WEB);
        let late = request(&simulation, "one", &plan_of_one, 1, first(&plan_of_one));
        assert_eq!(error(&simulation, "start-deployment", &late).await, "Turnstile.LaunchTakenOver");
    });
}

#[test]
fn a_launch_is_let_go_of_once() {
    block_on(async || {
        let simulation = start(web(600, &["Orders"]));
        let instance = waiting_instance(&simulation).await;
        let plan_of_one = plan(&simulation, "one", Some(&instance), &Value::Null).await;
        assert_eq!(take(&simulation, "one", &plan_of_one, 1).await, "MINE");
        let failure = json!({"failure": {"error": "Turnstile.DeploymentFailed", "cause": "{}"}});
        for outcome in ["COMPLETED", "ALREADY_OVER"] {
            let completes = request(&simulation, "one", &plan_of_one, 1, failure.clone());
            assert_eq!(call(&simulation, "complete-lifecycle-hook", &completes).await["outcome"], outcome);
            assert_eq!(held_by(&simulation, "one"), 0, "and the turn is returned");
        }
        // A late call of the rollout, as of an execution that was aborted.
        let late = request(&simulation, "one", &plan_of_one, 1, first(&plan_of_one));
        assert_eq!(error(&simulation, "start-deployment", &late).await, "Turnstile.LaunchTakenOver");
        assert_eq!(held_by(&simulation, "one"), 0);
    });
}

/// A deployment whose agent never answers is stopped after five minutes.
#[test]
fn a_stop_whose_answer_was_lost_comes_to_the_same() {
    block_on(async || {
        let simulation = start(web(7_200, &["Orders"]));
        let instance = waiting_instance(&simulation).await;
        simulation.world().silence_agent(&instance).expect("it has one");
        let plan_of_one = plan(&simulation, "one", Some(&instance), &Value::Null).await;
        let application = first(&plan_of_one);
        let starts = request(&simulation, "one", &plan_of_one, 1, application.clone());
        let started = call(&simulation, "start-deployment", &starts).await;
        let waiting_since = now(&simulation);
        sleep(Duration::from_secs(301)).await;
        let mut check = request(&simulation, "one", &plan_of_one, 1, application);
        check["deploymentId"] = started["deploymentId"].clone();
        check["waitingSince"] = json!(waiting_since);

        // Nothing is stopped without the turn in hand.
        let mut late = check.clone();
        late["round"] = json!(2);
        assert_eq!(error(&simulation, "check-status", &late).await, "Turnstile.TurnLost");
        let status = || simulation.world().report_without_calls().deployments[0].status;
        assert_ne!(status(), "Stopped");

        let stopped = call(&simulation, "check-status", &check).await;
        assert_eq!((&stopped["error"], status()), (&json!("Turnstile.AgentSilent"), "Stopped"), "{stopped:#}");
        assert!(stopped["waitSeconds"].as_u64() > Some(0), "{stopped:#}");
        assert_eq!(held_by(&simulation, "one"), 0, "others may have their turn");
        sleep(Duration::from_secs(60)).await;
        check["now"] = json!(now(&simulation));
        assert_eq!(call(&simulation, "check-status", &check).await, stopped);

        // Another round of the same rollout, or another rollout, does not take it for a person's stop.
        assert_eq!(take(&simulation, "one", &plan_of_one, 2).await, "MINE");
        check["round"] = json!(2);
        assert_eq!(error(&simulation, "check-status", &check).await, "Turnstile.TurnLost");
    });
}

/// As a person does at the command line.
async fn set_heartbeat_timeout(simulation: &Simulation, seconds: u32) {
    let body = format!(
        "Action=PutLifecycleHook&Version=2011-01-01&AutoScalingGroupName={WEB}&LifecycleHookName=turnstile&HeartbeatTimeout={seconds}"
    );
    let credential =
        "AWS4-HMAC-SHA256 Credential=person/20260131/us-east-1/autoscaling/aws4_request, SignedHeaders=host";
    let request =
        http::Request::post("/").header(http::header::AUTHORIZATION, credential).body(axum::body::Body::from(body));
    let answer = simulation.world().router().oneshot(request.expect("a request")).await.expect("an answer");
    assert_eq!(answer.status(), 200);
}

#[test]
fn a_heartbeat_time_out_that_somebody_lowers_is_noticed() {
    block_on(async || {
        let simulation = start(web(7_200, &["Orders"]));
        let instance = waiting_instance(&simulation).await;
        let of_group = plan(&simulation, "group", None, &Value::Null).await;
        assert_eq!(take(&simulation, "group", &of_group, 1).await, "MINE");
        let plan_of_one = plan(&simulation, "one", Some(&instance), &Value::Null).await;
        // It has waited for so long that it asks once a minute.
        sleep(Duration::from_secs(3_600)).await;
        let mut long_ago = first(&plan_of_one);
        long_ago["waitingSince"] = plan_of_one["hookOpenedAt"].clone();
        let wait = async || {
            let asks = request(&simulation, "one", &plan_of_one, 1, long_ago.clone());
            call(&simulation, "start-deployment", &asks).await["waitSeconds"].as_u64().expect("seconds")
        };
        let before = wait().await;
        set_heartbeat_timeout(&simulation, 120).await;
        let after = wait().await;
        assert!(before >= 45 && after <= 30, "{before} s, then {after} s");
    });
}

/// The hook's end is counted from its opening, also by the rollout that takes the launch over.
#[test]
fn a_launch_that_is_taken_over_keeps_its_opening() {
    block_on(async || {
        let simulation = start(web(600, &["Orders"]));
        let instance = waiting_instance(&simulation).await;
        let instance = Some(instance.as_str());
        let plan_of_one = plan(&simulation, "one", instance, &Value::Null).await;
        let opened_at = plan_of_one["hookOpenedAt"].clone();
        assert!(opened_at.is_string(), "{plan_of_one:#}");
        sleep(Duration::from_secs(400)).await;
        let owned = plan(&simulation, "two", instance, &Value::Null).await;
        sleep(Duration::from_secs(30)).await;
        assert_eq!(plan(&simulation, "two", instance, &owned["owner"]).await["hookOpenedAt"], opened_at);
    });
}

/// A person's deployment is at work on the instance, and the next rollout deploys something else to it.
#[test]
fn a_deployment_that_was_joined_is_waited_for_by_the_next_rollout() {
    block_on(async || {
        let simulation = start(web(600, &["Orders", "Search"]));
        let instance = waiting_instance(&simulation).await;
        let plan_of_one = plan(&simulation, "one", Some(&instance), &Value::Null).await;
        let theirs = simulation.world().deploy("Orders", "Production", None).expect("the group is free");
        sleep(Duration::from_secs(10)).await;
        let joins = request(&simulation, "one", &plan_of_one, 1, first(&plan_of_one));
        let joined = call(&simulation, "start-deployment", &joins).await;
        assert_eq!((&joined["outcome"], &joined["deploymentId"]), (&json!("JOINED"), &json!(theirs)), "{joined:#}");
        give_back(&simulation, "one", &plan_of_one, 1).await;

        let input = json!({"autoScalingGroupName": WEB, "instanceId": instance, "applications": ["Search/Production"]});
        let asks = json!({"execution": execution_arn("two"), "now": now(&simulation), "input": input});
        let plan_of_two = call(&simulation, "plan-rollout", &asks).await;
        let starts = request(&simulation, "two", &plan_of_two, 1, first(&plan_of_two));
        let waits = call(&simulation, "start-deployment", &starts).await;
        assert_eq!((&waits["outcome"], &waits["deploymentId"]), (&json!("BUSY"), &json!(theirs)), "{waits:#}");
    });
}

/// The release begins and ends between the last look before CreateDeployment and that call.
#[test]
fn a_deployment_of_a_build_that_was_current_is_withdrawn() {
    block_on(async || {
        let mut setting = web(600, &["Orders"]);
        setting["autoScalingGroups"][0]["desiredCapacity"] = 1.into();
        let events =
            ["ApplicationStop", "DownloadBundle", "BeforeInstall", "Install", "AfterInstall", "ApplicationStart"];
        for event in events.into_iter().chain(["ValidateService"]) {
            setting["applications"][0]["lifecycleEventSeconds"][event] = 0.1.into();
        }
        let slow = |operation| json!({"service": "codedeploy", "operation": operation, "kind": "slow", "seconds": 4});
        let faults = json!([slow("ListDeploymentTargets"), slow("BatchGetDeploymentTargets")]);
        let simulation = start_with(setting, &faults);
        let instance = waiting_instance(&simulation).await;
        // Its agent answers by then.
        sleep(Duration::from_secs(60)).await;
        let plan_of_one = plan(&simulation, "one", Some(&instance), &Value::Null).await;
        // A rollout that has yielded asks for the targets of the last deployment, which takes its time here.
        let silence = json!({"applicationName": "Orders", "deploymentGroupName": "Production", "silentSeconds": 300});
        let more = json!({"application": plan_of_one["applications"][0], "silence": silence});
        let starts = request(&simulation, "one", &plan_of_one, 1, more);
        let release = async {
            sleep(Duration::from_secs(2)).await;
            simulation
                .world()
                .deploy("Orders", "Production", Some(Revision::s3("builds", "Orders-2.zip")))
                .expect("it is free");
        };
        let (answer, ()) = tokio::join!(call(&simulation, "start-deployment", &starts), release);
        let deployments = simulation.world().report_without_calls().deployments;
        let own = deployments.last().expect("it was created");
        assert_eq!(
            (&answer["outcome"], &answer["deploymentId"]),
            (&json!("BUSY"), &json!(own.deployment_id)),
            "{answer:#}"
        );
        assert_eq!((deployments.len(), own.status), (2, "Stopped"));
        let mut events = own.targets.iter().flat_map(|target| &target.lifecycle_events);
        assert!(events.all(|event| event.started_at.is_none()), "{own:#?}");
    });
}
