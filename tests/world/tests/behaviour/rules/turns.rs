//! Rule 4, a turn is never lost, and rule 8, nothing is deployed or stopped without it.

use world::rules::{Execution, ExecutionStatus};
use world::{Breach, Call, Claim, Effect, Invocation, Rule};

use super::{deployment, ended, found, running, stage};
use crate::function::Function;
use crate::stage::Stage;

const CLAIM: &str = "deploymentGroup:A/Staging";

fn claim(holder: Option<&str>) -> Claim {
    Claim { claim: CLAIM.to_owned(), holder: holder.map(str::to_owned) }
}

#[tokio::test]
async fn a_claim_that_is_free_or_held_by_a_rollout_that_may_keeps_it() {
    use ExecutionStatus::{Aborted, Failed, Succeeded, TimedOut};
    let stage = stage().await;
    let executions = [
        running("arn:running"),
        ended("arn:aborted", Aborted, 50.0),
        ended("arn:timed-out", TimedOut, 50.0),
        ended("arn:succeeded", Succeeded, 50.0),
        Execution { error: Some("Turnstile.Throttled".to_owned()), ..ended("arn:failed", Failed, 60.0) },
    ];
    let lost = |claims: &[Claim]| {
        let found = found(&stage, &executions, claims).into_iter();
        found.filter(|breach| breach.kind().rule() == Rule::TurnKept).collect::<Vec<_>>()
    };
    for holder in [None, Some("arn:running"), Some("arn:aborted"), Some("arn:timed-out")] {
        assert_eq!(lost(&[claim(holder)]), [], "{holder:?}");
    }
    for (holder, status, sentence) in [
        ("arn:succeeded", Some(Succeeded), "is still held by arn:succeeded, which is SUCCEEDED"),
        ("arn:failed", Some(Failed), "is still held by arn:failed, which is FAILED"),
        ("arn:nobody", None, "is still held by arn:nobody, which is no execution"),
    ] {
        let lost = lost(&[claim(Some(holder))]);
        assert_eq!(lost, [Breach::TurnLost { claim: CLAIM.to_owned(), execution: holder.to_owned(), status }]);
        assert_eq!(lost[0].to_string(), format!("{CLAIM} {sentence}"));
    }
}

/// The table of turns, of which somebody else has to tell.
fn holds(stage: &Stage, holder: Option<&str>) {
    stage.world.record(Call {
        service: "dynamodb",
        operation: "TransactWriteItems".to_owned(),
        effect: Some(Effect::ClaimsChanged { claims: vec![claim(holder)] }),
        ..Call::default()
    });
}

/// What one execution deploys and stops while these hold the claim.
async fn deploys_and_stops(when_created: Option<&str>, when_stopped: Option<&str>) -> (Stage, String) {
    let stage = stage().await;
    stage.launch_and_boot();
    holds(&stage, Some("arn:0"));
    holds(&stage, when_created);
    let id = Function::of("arn:1", "start-deployment", "r-1", 1, &stage.world).deploy("A", "A", "one").await;
    stage.world.advance(5.0);
    holds(&stage, when_stopped);
    Function::of("arn:1", "check-status", "r-2", 2, &stage.world).stop(&id).await;
    (stage, id)
}

#[tokio::test]
async fn the_holder_deploys_and_stops() {
    let (stage, _) = deploys_and_stops(Some("arn:1"), Some("arn:1")).await;
    assert_eq!(found(&stage, &[running("arn:1")], &[]), []);
}

#[tokio::test]
async fn a_deployment_or_a_stop_without_the_turn() {
    let (stage, id) = deploys_and_stops(Some("arn:2"), None).await;
    let found = found(&stage, &[running("arn:1"), running("arn:2")], &[]);
    let (deployment, execution) = (deployment("A", &id), "arn:1".to_owned());
    let created = Breach::DeployedWithoutTurn {
        deployment: deployment.clone(),
        execution: execution.clone(),
        holder: Some("arn:2".to_owned()),
    };
    let stopped = Breach::StoppedWithoutTurn { deployment, execution, holder: None };
    assert_eq!(found, [created, stopped]);
    assert!(found.iter().all(|breach| breach.kind().rule() == Rule::OneOwner));
    let sentences = [
        format!("arn:1 created deployment {id} of A/Staging without the turn, which arn:2 held"),
        format!("arn:1 stopped deployment {id} of A/Staging without the turn, which nobody held"),
    ];
    assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), sentences);
}

/// Who held the claim when the invocation began, or took it in the same invocation, decided with the turn in hand.
#[tokio::test]
async fn a_turn_that_is_lost_or_taken_within_the_invocation_counts() {
    for (at_first, then, breaks) in
        [(Some("arn:1"), Some("arn:2"), false), (Some("arn:2"), Some("arn:1"), false), (Some("arn:2"), None, true)]
    {
        let stage = stage().await;
        let instance = stage.launch_and_boot();
        holds(&stage, at_first);
        let function = Function::of("arn:1", "start-deployment", "r-1", 1, &stage.world);
        function.heartbeat(&instance).await;
        holds(&stage, then);
        function.deploy("A", "A", "one").await;
        assert_eq!(found(&stage, &[running("arn:1")], &[]).len(), usize::from(breaks), "{at_first:?}, then {then:?}");
    }
}

/// Who takes a turn over waits for the last calls of the holder before. Nobody knows of them once the item is deleted.
#[tokio::test]
async fn a_last_call_that_comes_after_the_next_holder_has_begun() {
    for (is_deleted, has_begun, breaks) in [(false, true, true), (false, false, false), (true, true, false)] {
        let stage = stage().await;
        let instance = stage.launch_and_boot();
        holds(&stage, Some("arn:1"));
        let last_call = Function::of("arn:1", "start-deployment", "r-1", 1, &stage.world);
        last_call.heartbeat(&instance).await;
        if is_deleted {
            holds(&stage, None);
        }
        holds(&stage, Some("arn:2"));
        let next = Function::of("arn:2", "start-deployment", "r-2", 1, &stage.world);
        next.heartbeat(&instance).await;
        let operation = if has_begun { "GetDeploymentGroup" } else { "GetDeploymentTarget" };
        next.codedeploy(operation, serde_json::json!({})).await;
        last_call.deploy("A", "A", "one").await;
        let found = found(&stage, &[running("arn:1"), running("arn:2")], &[]);
        let without_the_turn = |breach: &&Breach| matches!(breach, Breach::DeployedWithoutTurn { .. });
        assert_eq!(found.iter().filter(without_the_turn).count(), usize::from(breaks), "{is_deleted} {has_begun}");
    }
}

/// Where nobody tells of the table, or who made the call, nothing is said.
#[tokio::test]
async fn without_the_facts_nothing_is_checked() {
    let stage = stage().await;
    stage.launch_and_boot();
    Function::of("arn:1", "start-deployment", "r-1", 1, &stage.world).deploy("A", "A", "one").await;
    assert_eq!(found(&stage, &[running("arn:1")], &[]), []);
    holds(&stage, Some("arn:2"));
    let none =
        Invocation { request_id: "r-9".to_owned(), execution: None, state_entry: None, sent_before: 0, sent_at: None };
    stage.world.record(Call { invocation: Some(none), ..Call::default() });
    stage.update("B").await;
    assert_eq!(found(&stage, &[running("arn:1")], &[]).len(), 1, "the first one, which is judged now");
}
