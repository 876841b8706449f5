//! Rule 10: with gates nobody but whose turn it is reaches a waiting instance, each gets its applications in order, and no gate is left behind.

use serde_json::{Value, json};
use world::{Breach, Call, Claim, Effect, HookResult, Invocation, Kind, Revision, Rule, Violation};

use super::{action, breaches, deployment, found, running};
use crate::function::Function;
use crate::stage::{Stage, arn, gated, with};

/// Moves the gate of an instance to a group, and deploys to it.
async fn pass(stage: &Stage, instance: &str, application: &str) {
    stage.gate(instance, &format!("{application}/Staging")).await;
    stage.update(application).await;
    stage.world.advance(70.0);
}

async fn launched() -> (Stage, String) {
    let stage = Stage::new(gated()).await;
    let instance = stage.launch_and_boot();
    (stage, instance)
}

fn at_end(stage: &Stage) -> Vec<Breach> {
    breaches(&stage.world.report_at_end())
}

#[tokio::test]
async fn a_launch_through_its_gates_breaks_no_rule() {
    let (stage, instance) = launched().await;
    pass(&stage, &instance, "A").await;
    pass(&stage, &instance, "B").await;
    stage.gate(&instance, "open").await;
    stage.complete(&instance, "CONTINUE").await.unwrap();
    stage.world.advance(10.0);
    assert_eq!(at_end(&stage), []);
}

#[tokio::test]
async fn an_application_before_the_one_before_it() {
    let (stage, instance) = launched().await;
    stage.gate(&instance, "B/Staging").await;
    let id = stage.update("B").await;
    stage.world.advance(70.0);
    let breach = Breach::OutOfOrder {
        action: action(&instance),
        deployment: deployment("B", &id),
        applications: vec!["A/Staging".to_owned()],
    };
    assert_eq!(breach.kind().rule(), Rule::Gates);
    let sentence = format!(
        "deployment {id} of B/Staging began on {instance}, which waited at launch, although these come before it and had not \
         succeeded there: A/Staging"
    );
    assert_eq!(breach.to_string(), sentence);
    assert_eq!(breaches(&stage.world.report()), [breach]);
}

#[tokio::test]
async fn an_application_after_one_that_failed() {
    let failing = with(gated(), "/applications/0/failure", json!({"event": "Install", "times": 1}));
    let stage = Stage::new(failing).await;
    let instance = stage.launch_and_boot();
    pass(&stage, &instance, "A").await;
    pass(&stage, &instance, "B").await;
    assert_eq!(breaches(&stage.world.report()).iter().map(Breach::kind).collect::<Vec<_>>(), [Kind::OutOfOrder]);
}

/// It got A on its way into the warm pool. Somebody else in service may have got a new build while it was stopped there.
#[tokio::test]
async fn an_application_after_one_that_was_replaced_while_the_instance_was_in_the_warm_pool() {
    for (is_replaced, kinds) in [(false, vec![]), (true, vec![Kind::OutOfOrder])] {
        let setting = with(gated(), "/autoScalingGroups/0/warmPool", json!({"size": 1}));
        let setting = with(setting, "/autoScalingGroups/0/desiredCapacity", json!(1));
        let stage = Stage::new(with(setting, "/autoScalingGroups/0/requiredApplications", json!([]))).await;
        stage.world.advance(15.0);
        let instance = stage.world.report().instances[1].instance_id.clone();
        pass(&stage, &instance, "A").await;
        stage.gate(&instance, "pooled").await;
        stage.complete(&instance, "CONTINUE").await.unwrap();
        stage.world.advance(10.0);
        if is_replaced {
            stage.world.deploy("A", "Staging", Some(Revision::s3("bundles", "a-2.zip"))).unwrap();
        }
        stage.world.advance(100.0);
        assert_eq!(stage.launch_and_boot(), instance);
        pass(&stage, &instance, "B").await;
        let found: Vec<_> = breaches(&stage.world.report()).iter().map(Breach::kind).collect();
        assert_eq!(found, kinds, "{is_replaced}");
    }
}

/// A build that a pipeline brings in the middle of the launch is the last look's business: the order was kept.
#[tokio::test]
async fn a_new_build_in_the_middle_of_a_launch_breaks_no_order() {
    let stage = Stage::new(with(gated(), "/autoScalingGroups/0/desiredCapacity", json!(1))).await;
    let instance = stage.launch_and_boot();
    pass(&stage, &instance, "A").await;
    stage.gate(&instance, "B/Staging").await;
    stage.world.deploy("A", "Staging", Some(Revision::s3("bundles", "a-2.zip"))).unwrap();
    stage.world.advance(100.0);
    pass(&stage, &instance, "B").await;
    stage.gate(&instance, "open").await;
    assert_eq!(breaches(&stage.world.report()), [], "it is looked at once more, and outdated");
}

/// The order is kept for gated groups. What is shared may come whenever somebody deploys it, and an instance in service has had them all.
#[tokio::test]
async fn the_order_is_that_of_gated_groups_on_waiting_instances() {
    let shared = with(gated(), "/applications/1/selection", json!({"tags": {"role": "web"}}));
    let stage = Stage::new(shared).await;
    stage.launch_and_boot();
    stage.world.deploy("B", "Staging", None).unwrap();
    stage.world.advance(100.0);
    assert_eq!(breaches(&stage.world.report()), []);

    let stage = Stage::new(with(gated(), "/autoScalingGroups/0/hooks", json!([]))).await;
    let instance = stage.launch_and_boot();
    stage.world.set_tag(&instance, "turnstile", Some("open")).unwrap();
    stage.world.deploy("B", "Staging", None).unwrap();
    stage.world.advance(100.0);
    assert_eq!((stage.state(&instance), breaches(&stage.world.report())), ("InService", vec![]));
}

/// A pipeline's deployment that comes too early is Turnstile's fault where a call has let it through, and not where a person or the launch template
/// has.
#[tokio::test]
async fn a_pipeline_that_was_let_through_too_early() {
    for (by_template, by, kinds) in [
        (None, None, vec![]),
        (Some("open"), None, vec![]),
        (None, Some(false), vec![]),
        (None, Some(true), vec![Kind::GateOpenedEarly, Kind::OutOfOrder]),
        (Some("failed"), Some(true), vec![Kind::GateOpenedEarly, Kind::OutOfOrder]),
    ] {
        let mut setting = gated();
        if let Some(gate) = by_template {
            setting["autoScalingGroups"][0]["launchTemplateTags"] = json!({"turnstile": gate});
        }
        let stage = Stage::new(setting).await;
        let instance = stage.launch_and_boot();
        match by {
            Some(true) => stage.gate(&instance, "open").await,
            Some(false) => stage.world.set_tag(&instance, "turnstile", Some("open")).unwrap(),
            None => {}
        }
        stage.world.deploy("B", "Staging", None).unwrap();
        stage.world.advance(100.0);
        let found: Vec<_> = breaches(&stage.world.report()).iter().map(Breach::kind).collect();
        assert_eq!(found, kinds, "{by_template:?} {by:?}");
    }
}

#[tokio::test]
async fn a_gate_that_is_opened_too_early() {
    let (stage, instance) = launched().await;
    pass(&stage, &instance, "A").await;
    stage.gate(&instance, "open").await;
    let breach = Breach::GateOpenedEarly { action: action(&instance), applications: vec!["B/Staging".to_owned()] };
    assert_eq!(breach.kind().rule(), Rule::Gates);
    let sentence = format!(
        "a call opened the gate of {instance}, which waited at launch, although these had not succeeded on it: B/Staging"
    );
    assert_eq!(breach.to_string(), sentence);
    assert_eq!(breaches(&stage.world.report()), [breach]);
}

/// Who may open a gate: a person; a call where nothing is required, as with `onFailure: CONTINUE`, or that is about an instance in service.
#[tokio::test]
async fn a_gate_that_may_be_opened() {
    let (stage, instance) = launched().await;
    stage.world.set_tag(&instance, "turnstile", Some("open")).unwrap();
    assert_eq!(breaches(&stage.world.report()), []);

    let stage = Stage::new(with(gated(), "/autoScalingGroups/0/requiredApplications", json!([]))).await;
    let instance = stage.launch_and_boot();
    stage.gate(&instance, "open").await;
    stage.complete(&instance, "CONTINUE").await.unwrap();
    stage.world.advance(10.0);
    assert_eq!(at_end(&stage), []);

    let stage = Stage::new(with(gated(), "/autoScalingGroups/0/hooks", json!([]))).await;
    let instance = stage.launch_and_boot();
    stage.gate(&instance, "open").await;
    assert_eq!((stage.state(&instance), at_end(&stage)), ("InService", vec![]));
}

/// What an instance is let in with. A person's gate is theirs to answer for.
#[tokio::test]
async fn an_instance_that_is_let_in_with_another_gate_than_open() {
    for (gate, by_hand, breaks) in [
        (Some("open"), false, false),
        (Some("B/Staging"), false, true),
        (Some("failed"), false, true),
        (None, false, true),
        (Some("B/Staging"), true, false),
        (None, true, false),
    ] {
        let (stage, instance) = launched().await;
        pass(&stage, &instance, "A").await;
        pass(&stage, &instance, "B").await;
        match (gate, by_hand) {
            (gate, true) => stage.world.set_tag(&instance, "turnstile", gate).unwrap(),
            (Some(gate), false) => stage.gate(&instance, gate).await,
            (None, false) => {
                let call = stage.tagging.untag_resources().resource_arn_list(arn(&instance));
                call.tag_keys("turnstile").send().await.unwrap();
            }
        }
        stage.complete(&instance, "CONTINUE").await.unwrap();
        let breach = Breach::LetInWithWrongGate { action: action(&instance), gate: gate.map(str::to_owned) };
        let expected = if breaks { vec![breach] } else { vec![] };
        assert_eq!(breaches(&stage.world.report()), expected, "{gate:?} {by_hand}");
    }
    let gate = Some("failed".to_owned());
    let breach = Breach::LetInWithWrongGate { action: action("i-1"), gate };
    assert_eq!(breach.to_string(), "hook launch let i-1 into service although its gate was at \"failed\"");
}

/// A person who completes the hook, and a hook that is abandoned, say nothing about the gate; nor does a group without gates.
#[tokio::test]
async fn a_gate_that_nobody_has_to_open() {
    let (stage, instance) = launched().await;
    stage.world.complete_hook(&instance, "launch", HookResult::Continue).unwrap();
    assert_eq!(breaches(&stage.world.report()), []);
    let (stage, instance) = launched().await;
    stage.complete(&instance, "ABANDON").await.unwrap();
    assert_eq!(breaches(&stage.world.report()), []);
    let stage = super::stage().await;
    let instance = stage.launch_and_boot();
    for application in ["A", "B"] {
        stage.update(application).await;
        stage.world.advance(70.0);
    }
    stage.complete(&instance, "CONTINUE").await.unwrap();
    assert_eq!(breaches(&stage.world.report()), []);
}

/// In the warm pool nobody may reach an instance.
#[tokio::test]
async fn an_instance_in_the_warm_pool_that_a_group_selects() {
    for (gate, breaks) in [("pooled", false), ("failed", false), ("open", true), ("B/Staging", true), ("C/None", false)]
    {
        let setting = with(gated(), "/autoScalingGroups/0/warmPool", json!({"size": 1}));
        let stage = Stage::new(setting).await;
        stage.world.advance(15.0);
        let instance = stage.world.report().instances[0].instance_id.clone();
        pass(&stage, &instance, "A").await;
        pass(&stage, &instance, "B").await;
        stage.gate(&instance, gate).await;
        stage.complete(&instance, "CONTINUE").await.unwrap();
        let kinds: Vec<_> = breaches(&stage.world.report()).iter().map(Breach::kind).collect();
        assert_eq!(kinds, if breaks { vec![Kind::LetInWithWrongGate] } else { vec![] }, "{gate}");
    }
}

#[tokio::test]
async fn a_gate_that_is_left_behind() {
    for (gate, by_hand, breaks) in
        [("A/Staging", false, true), ("failed", false, true), ("open", false, false), ("A/Staging", true, false)]
    {
        let stage = Stage::new(with(gated(), "/autoScalingGroups/0/desiredCapacity", json!(1))).await;
        let instance = stage.world.report().instances[0].instance_id.clone();
        stage.gate(&instance, "failed").await;
        match by_hand {
            true => stage.world.set_tag(&instance, "turnstile", Some(gate)).unwrap(),
            false => stage.gate(&instance, gate).await,
        }
        let breach = Breach::GateLeftBehind { instance_id: instance.clone(), gate: Some(gate.to_owned()) };
        assert_eq!(at_end(&stage), if breaks { vec![breach] } else { vec![] }, "{gate} {by_hand}");
        assert_eq!(breaches(&stage.world.report()), [], "only when all is over");
    }
    let breach = Breach::GateLeftBehind { instance_id: "i-1".to_owned(), gate: None };
    assert_eq!(breach.to_string(), "i-1 rests, and its gate was left without a value");
}

/// The table of turns, of which somebody else has to tell.
fn holds(stage: &Stage, group: &str, holder: &str) {
    let claims = vec![Claim { claim: format!("deploymentGroup:{group}"), holder: Some(holder.to_owned()) }];
    let (effect, operation) = (Some(Effect::ClaimsChanged { claims }), "TransactWriteItems".to_owned());
    stage.world.record(Call { service: "dynamodb", operation, effect, ..Call::default() });
}

/// Whose turn it is moves the gates of all who wait for it, and nobody else moves one.
#[tokio::test]
async fn a_gate_that_is_moved_without_the_turn() {
    for (holder, gate, breaks) in [
        ("arn:1", "A/Staging", false),
        ("arn:2", "A/Staging", true),
        ("arn:2", "B/Staging", true),
        ("arn:2", "failed", false),
    ] {
        let stage = Stage::new(gated()).await;
        let instances = [stage.launch_and_boot(), stage.launch_and_boot()];
        holds(&stage, "A/Staging", holder);
        let function = Function::of("arn:1", "start-deployment", "r-1", 1, &stage.world);
        function.gate(&[&instances[0], &instances[1]], gate).await;
        let expected = instances.iter().filter(|_| breaks).map(|instance| Breach::GateMovedWithoutTurn {
            instance_id: instance.clone(),
            gate: gate.to_owned(),
            execution: "arn:1".to_owned(),
            holder: (gate == "A/Staging").then(|| holder.to_owned()),
        });
        let found = found(&stage, &[running("arn:1"), running("arn:2")], &[]);
        assert_eq!(found, expected.collect::<Vec<_>>(), "{holder} {gate}");
    }
    let breach = Breach::GateMovedWithoutTurn {
        instance_id: "i-1".to_owned(),
        gate: "A/Staging".to_owned(),
        execution: "arn:1".to_owned(),
        holder: None,
    };
    assert_eq!(breach.to_string(), "arn:1 moved the gate of i-1 to A/Staging without the turn, which nobody held");
}

/// A rollout leaves the gate where it was when its turn is over, and a pipeline deploys a minute later.
#[tokio::test]
async fn a_pipeline_that_reaches_an_instance_by_a_gate_that_was_left() {
    for (returned_by, shut, waits, breaks) in [
        (Some("arn:1"), false, 70.0, true),
        (Some("arn:1"), true, 70.0, false),
        (Some("arn:1"), false, 30.0, false),
        (None, false, 70.0, false),
    ] {
        let stage = Stage::new(gated()).await;
        let instance = stage.launch_and_boot();
        holds(&stage, "A/Staging", "arn:1");
        let function = Function::of("arn:1", "start-deployment", "r-1", 1, &stage.world);
        function.heartbeat(&instance).await;
        function.gate(&[&instance], "A/Staging").await;
        function.deploy("A", "a-1.zip", "one").await;
        stage.world.advance(100.0);
        if shut {
            function.gate(&[&instance], "B/Staging").await;
        }
        let claims = vec![Claim { claim: "deploymentGroup:A/Staging".to_owned(), holder: None }];
        let invocation = returned_by.map(|execution| Invocation {
            request_id: "r-2".to_owned(),
            execution: Some(execution.to_owned()),
            state_entry: Some(2),
            sent_before: 1,
            sent_at: None,
        });
        let (effect, operation) = (Some(Effect::ClaimsChanged { claims }), "UpdateItem".to_owned());
        stage.world.record(Call { service: "dynamodb", operation, effect, invocation, ..Call::default() });
        stage.world.advance(waits);
        let id = stage.world.deploy("A", "Staging", Some(Revision::s3("bundles", "a-2.zip"))).unwrap();
        stage.world.advance(5.0);
        let breach = Breach::ReachedAfterTurn { action: action(&instance), deployment: deployment("A", &id) };
        let found = found(&stage, &[running("arn:1")], &[]);
        assert_eq!(found.contains(&breach), breaks, "{returned_by:?} {shut} {waits}: {found:#?}");
        assert_eq!(breach.kind().rule(), Rule::Gates);
        let sentence = format!(
            "deployment {id} of A/Staging came to {instance}, which waited at launch, although the turn was over for which its gate had been moved"
        );
        assert_eq!(breach.to_string(), sentence);
    }
}

/// The rollout moves the gate from A to B and deploys B, all in one invocation. A pipeline's deployment of A that was there when the gate was moved
/// has to be seen; one that came through the gate just left, while CodeDeploy had not seen the move yet, could not be.
#[tokio::test]
async fn a_pipeline_that_slips_in_before_the_gate_is_moved_has_to_be_seen() {
    for (before_the_move, kinds) in [(true, vec![Kind::TwoAtWork]), (false, vec![])] {
        let slow = json!({"Install": 300, "ApplicationStop": 0});
        let mut setting: Value = with(gated(), "/openFacts", json!({"tagsSeenAfterSeconds": 5}));
        setting["applications"][0]["lifecycleEventSeconds"] = slow;
        let stage = Stage::new(setting).await;
        let instance = stage.launch_and_boot();
        stage.gate(&instance, "A/Staging").await;
        stage.world.advance(5.0);
        stage.update("A").await;
        stage.world.advance(400.0);
        let function = Function::of("arn:1", "start-deployment", "r-1", 1, &stage.world);
        function.heartbeat(&instance).await;
        let pipeline = || stage.world.deploy("A", "Staging", Some(Revision::s3("bundles", "a-2.zip"))).unwrap();
        stage.world.advance(1.0);
        if before_the_move {
            pipeline();
        }
        stage.world.advance(1.0);
        function.gate(&[&instance], "B/Staging").await;
        if !before_the_move {
            stage.world.advance(1.0);
            pipeline();
        }
        stage.world.advance(6.0);
        function.deploy("B", "B", "one").await;
        stage.world.advance(20.0);
        let report = stage.world.report();
        let found: Vec<_> = report.violations.iter().map(Violation::kind).collect();
        assert_eq!((found, report.collisions.len()), (kinds, usize::from(!before_the_move)), "{before_the_move}");
    }
}

/// A call that makes a deployment of B is on its way for a minute. A pipeline's deployment of A comes through the gate just left meanwhile, and the
/// gate is moved once more, to the same. No caller could prevent that they meet, unless the call was sent after the pipeline's deployment was made.
#[tokio::test]
async fn what_comes_while_a_call_is_on_its_way_cannot_be_seen() {
    for (sent_before_the_pipeline, kinds) in [(true, vec![]), (false, vec![Kind::TwoAtWork])] {
        let slow = json!({"Install": 300, "ApplicationStop": 0});
        let mut setting: Value = with(gated(), "/openFacts", json!({"tagsSeenAfterSeconds": 45}));
        setting["applications"][0]["lifecycleEventSeconds"] = slow;
        let stage = Stage::new(setting).await;
        let instance = stage.launch_and_boot();
        stage.gate(&instance, "A/Staging").await;
        stage.world.advance(45.0);
        stage.update("A").await;
        stage.world.advance(400.0);
        let function = Function::of("arn:1", "start-deployment", "r-1", 1, &stage.world);
        function.gate(&[&instance], "B/Staging").await;
        stage.world.advance(1.0);
        let first_sent_at = stage.world.now();
        stage.world.advance(1.0);
        stage.world.deploy("A", "Staging", Some(Revision::s3("bundles", "a-2.zip"))).unwrap();
        stage.world.advance(1.0);
        let again = Function::of("arn:1", "start-deployment", "r-2", 1, &stage.world);
        again.gate(&[&instance], "B/Staging").await;
        stage.world.advance(1.0);
        let sent_at = if sent_before_the_pipeline { first_sent_at } else { stage.world.now() };
        stage.world.advance(50.0);
        function.which_sent_at(sent_at).deploy("B", "B", "one").await;
        stage.world.advance(20.0);
        let report = stage.world.report();
        let found: Vec<_> = report.violations.iter().map(Violation::kind).collect();
        let collided = usize::from(sent_before_the_pipeline);
        assert_eq!((found, report.collisions.len()), (kinds, collided), "{sent_before_the_pipeline}");
    }
}

/// A call that was to let the instance into the warm pool comes when the instance waits at the hook again, on its way into service.
#[tokio::test]
async fn a_completion_that_was_sent_before_the_instance_came_to_its_hook() {
    for (sent_before, kinds) in [(true, vec![]), (false, vec![Kind::LetInWithWrongGate])] {
        let stage = Stage::new(with(gated(), "/autoScalingGroups/0/warmPool", json!({"size": 1}))).await;
        stage.world.advance(15.0);
        let instance = stage.world.report().instances[0].instance_id.clone();
        pass(&stage, &instance, "A").await;
        pass(&stage, &instance, "B").await;
        stage.gate(&instance, "pooled").await;
        let early = stage.world.now();
        stage.complete(&instance, "CONTINUE").await.unwrap();
        stage.world.advance(10.0);
        stage.world.launch("web").unwrap();
        stage.world.advance(60.0);
        let sent_at = if sent_before { early } else { stage.world.now() };
        let function = Function::of("arn:1", "complete-lifecycle-hook", "r-1", 1, &stage.world).which_sent_at(sent_at);
        assert_eq!(function.complete(&instance, "CONTINUE").await, 200);
        let found: Vec<_> = breaches(&stage.world.report()).iter().map(Breach::kind).collect();
        assert_eq!(found, kinds, "{sent_before}");
    }
}

/// An instance comes back into the warm pool with an open gate, and somebody has to shut it there.
#[tokio::test]
async fn a_gate_that_is_left_open_in_the_warm_pool() {
    for (gate, minutes, breaks) in [
        ("open", 20.0, true),
        ("A/Staging", 20.0, true),
        ("pooled", 20.0, false),
        ("failed", 20.0, false),
        ("open", 1.0, false),
    ] {
        let pool = json!({"size": 0, "reuseOnScaleIn": true});
        let mut setting = with(gated(), "/autoScalingGroups/0/warmPool", pool);
        setting["autoScalingGroups"][0]["desiredCapacity"] = json!(1);
        let stage = Stage::new(setting).await;
        let instance = stage.world.report().instances[0].instance_id.clone();
        stage.world.return_to_pool(&instance).unwrap();
        stage.gate(&instance, "failed").await;
        stage.gate(&instance, gate).await;
        stage.world.advance(30.0 + minutes * 60.0);
        let breach = Breach::GateLeftBehind { instance_id: instance, gate: Some(gate.to_owned()) };
        assert_eq!(at_end(&stage), if breaks { vec![breach] } else { vec![] }, "{gate} {minutes}");
    }
}

/// A group that requires nothing lets in whom somebody chooses, but no gate may stay shut in service.
#[tokio::test]
async fn a_gate_that_stays_shut_where_nothing_is_required() {
    let setting = with(gated(), "/autoScalingGroups/0/requiredApplications", json!([]));
    let stage = Stage::new(setting).await;
    let instance = stage.launch_and_boot();
    stage.gate(&instance, "A/Staging").await;
    stage.complete(&instance, "CONTINUE").await.unwrap();
    stage.world.advance(10.0);
    assert_eq!(breaches(&stage.world.report()), []);
    let kinds: Vec<_> = at_end(&stage).iter().map(Breach::kind).collect();
    assert_eq!(kinds, [Kind::GateLeftBehind]);
    stage.gate(&instance, "open").await;
    assert_eq!(at_end(&stage), []);
}

/// The gate is at A, and a pipeline's deployment comes through it. Its build has succeeded on the instance, and is not current before the deployment
/// is over elsewhere too.
#[tokio::test]
async fn a_pipeline_s_build_is_as_good_as_the_current_one() {
    let mut setting = with(gated(), "/autoScalingGroups/0/desiredCapacity", json!(1));
    setting["applications"][0]["deploymentConfigName"] = json!("CodeDeployDefault.AllAtOnce");
    let stage = Stage::new(setting).await;
    let silent = stage.world.report().instances[0].instance_id.clone();
    let instance = stage.launch_and_boot();
    pass(&stage, &instance, "A").await;
    pass(&stage, &instance, "B").await;
    stage.gate(&instance, "A/Staging").await;
    stage.world.silence_agent(&silent).unwrap();
    stage.world.deploy("A", "Staging", Some(Revision::s3("bundles", "a-2.zip"))).unwrap();
    stage.world.advance(100.0);
    let report = stage.world.report();
    let last = report.deployments.last().unwrap();
    assert_eq!((last.ended_at, last.targets.iter().filter(|one| one.status == "Succeeded").count()), (None, 1));
    stage.gate(&instance, "open").await;
    assert_eq!(breaches(&stage.world.report()), []);
}
