//! Rule 8: a launch has one owner.

use world::rules::{Execution, ExecutionStatus, Running};
use world::{Breach, Deed, Kind, Rule};

use super::{action, ended, found, running, stage};
use crate::function::Function;
use crate::stage::Stage;

/// What an execution does to the launch of the instance.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Does {
    Heartbeat,
    Continue,
    Abandon,
}
use Does::*;

/// Each execution's first call is made in its first state, every other one in a state of its own.
async fn play(stage: &Stage, instance: &str, calls: &[(&str, Does)]) {
    for (i, (execution, does)) in calls.iter().enumerate() {
        let earlier = calls[..i].iter().filter(|(other, _)| other == execution).count() as u64;
        let name = if earlier == 0 { "plan-rollout" } else { "check-status" };
        let function = Function::of(execution, name, &format!("r-{i}"), earlier, &stage.world);
        let status = match does {
            Heartbeat => function.heartbeat(instance).await,
            Continue => function.complete(instance, "CONTINUE").await,
            Abandon => function.complete(instance, "ABANDON").await,
        };
        assert_eq!(status, 200, "{execution} {does:?}");
        stage.world.advance(10.0);
    }
}

fn intrusion(instance: &str, execution: &str, owner: &str, deed: Deed) -> Breach {
    let (execution, owner) = (execution.to_owned(), owner.to_owned());
    Breach::NotTheOwner { action: action(instance), execution, owner, deed }
}

/// Of kind `NotTheOwner`.
async fn intrusions(executions: &[Execution], calls: &[(&str, Does)]) -> (String, Vec<Breach>) {
    let stage = stage().await;
    let instance = stage.launch_and_boot();
    play(&stage, &instance, calls).await;
    let found = found(&stage, executions, &[]);
    (instance, found.into_iter().filter(|breach| breach.kind() == Kind::NotTheOwner).collect())
}

#[tokio::test]
async fn an_owner_alone_keeps_it() {
    let calls = [("arn:1", Heartbeat), ("arn:1", Heartbeat), ("arn:1", Continue)];
    assert_eq!(intrusions(&[running("arn:1")], &calls).await.1, []);
}

#[tokio::test]
async fn another_execution_touches_the_launch_while_its_owner_runs() {
    let executions = [running("arn:1"), running("arn:2")];
    let calls =
        [("arn:1", Heartbeat), ("arn:1", Heartbeat), ("arn:2", Heartbeat), ("arn:2", Heartbeat), ("arn:2", Heartbeat)];
    let (instance, found) = intrusions(&executions, &calls).await;
    // What it does in its first state is a question.
    assert_eq!(found, [intrusion(&instance, "arn:2", "arn:1", Deed::Heartbeat)]);
    assert_eq!(found[0].kind().rule(), Rule::OneOwner);
    let sentence = format!("arn:2 sent a heartbeat for hook launch of {instance} while arn:1 owned it");
    assert_eq!(found[0].to_string(), sentence);

    for (does, deed) in [(Continue, Deed::Continue), (Abandon, Deed::Abandon)] {
        let calls =
            [("arn:1", Heartbeat), ("arn:1", Heartbeat), ("arn:2", Heartbeat), ("arn:1", Heartbeat), ("arn:2", does)];
        let (instance, found) = intrusions(&executions, &calls).await;
        assert_eq!(found, [intrusion(&instance, "arn:2", "arn:1", deed)]);
    }
}

#[tokio::test]
async fn of_two_that_ask_together_the_first_that_goes_on_owns_the_launch() {
    let executions = [running("arn:1"), running("arn:2")];
    let asked = [("arn:1", Heartbeat), ("arn:2", Heartbeat), ("arn:2", Heartbeat)];
    assert_eq!(intrusions(&executions, &asked).await.1, []);
    let (instance, found) = intrusions(&executions, &[asked.as_slice(), &[("arn:1", Heartbeat)]].concat()).await;
    assert_eq!(found, [intrusion(&instance, "arn:1", "arn:2", Deed::Heartbeat)]);
}

#[tokio::test]
async fn the_next_owner_follows_on_one_that_has_ended() {
    let calls =
        [("arn:1", Heartbeat), ("arn:1", Heartbeat), ("arn:2", Heartbeat), ("arn:2", Heartbeat), ("arn:2", Continue)];
    for (ended_at, intrusions_expected) in [(30.0, 0), (40.0, 0), (50.0, 1)] {
        let executions = [ended("arn:1", ExecutionStatus::Aborted, ended_at), running("arn:2")];
        assert_eq!(intrusions(&executions, &calls).await.1.len(), intrusions_expected, "ended at {ended_at} s");
    }
}

/// A rollout that has failed only backs off, and another one may take the launch over from it. From then on the first one does nothing more.
#[tokio::test]
async fn a_rollout_that_backs_off_is_taken_over_from() {
    let failed = Execution { failed_at: Some(20.0), ..running("arn:1") };
    let executions = [failed, running("arn:2")];
    let taken_over = [("arn:1", Heartbeat), ("arn:2", Heartbeat), ("arn:1", Heartbeat), ("arn:2", Heartbeat)];
    assert_eq!(intrusions(&executions, &taken_over).await.1, []);
    let (instance, found) = intrusions(&executions, &[taken_over.as_slice(), &[("arn:1", Abandon)]].concat()).await;
    assert_eq!(found, [intrusion(&instance, "arn:1", "arn:2", Deed::Abandon)]);
}

/// An invocation that began while its execution was the owner may make its last calls when it is no longer.
#[tokio::test]
async fn a_late_call_of_the_owner_before_is_the_owner_s() {
    for (begins_late, expected) in [(false, 0), (true, 1)] {
        let stage = stage().await;
        let instance = stage.launch_and_boot();
        let of = |execution, request, entry| {
            let name = if entry == 1 { "plan-rollout" } else { "check-status" };
            Function::of(execution, name, request, entry, &stage.world)
        };
        of("arn:1", "r-1", 1).heartbeat(&instance).await;
        let last = of("arn:1", "r-2", 2);
        if !begins_late {
            last.heartbeat(&instance).await;
        }
        stage.world.advance(10.0);
        for (request, entry) in [("r-3", 1), ("r-4", 2)] {
            of("arn:2", request, entry).heartbeat(&instance).await;
        }
        last.heartbeat(&instance).await;
        let executions = [ended("arn:1", ExecutionStatus::Aborted, 20.0), running("arn:2")];
        assert_eq!(found(&stage, &executions, &[]).len(), expected, "begins late: {begins_late}");
    }
}

/// An execution that is redriven ran twice, and has lost its launch in between.
#[tokio::test]
async fn an_execution_that_is_redriven_is_not_the_owner_any_more() {
    let calls = [("arn:1", Heartbeat), ("arn:2", Heartbeat), ("arn:2", Heartbeat), ("arn:1", Heartbeat)];
    let runs = vec![Running { from: 0.0, to: Some(20.0) }, Running { from: 40.0, to: None }];
    let executions = [Execution { runs, ..running("arn:1") }, running("arn:2")];
    let (instance, found) = intrusions(&executions, &calls).await;
    assert_eq!(found, [intrusion(&instance, "arn:1", "arn:2", Deed::Heartbeat)]);
}

/// Nobody says which execution makes a call: there is nothing to be said of owners.
#[tokio::test]
async fn calls_of_unknown_invocations_are_not_judged() {
    let stage = stage().await;
    let instance = stage.launch_and_boot();
    play(&stage, &instance, &[("arn:1", Heartbeat)]).await;
    stage.complete(&instance, "ABANDON").await.unwrap();
    assert_eq!(found(&stage, &[running("arn:1")], &[]), []);
}
