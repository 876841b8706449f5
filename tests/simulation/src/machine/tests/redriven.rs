//! Executions that go on after their end.

use super::super::Redriven;
use super::*;

/// Runs a definition for five seconds, aborts the execution, and redrives it a minute later. The function's first answer never comes.
fn abort_and_redrive(definition: &Value) -> Ran {
    let definition = parse(definition);
    let (history, calls) = (History::default(), RefCell::new(Vec::new()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let (end, took) = runtime.block_on(async {
        let invoke = async |invocation: Invocation| {
            calls.borrow_mut().push(invocation);
            if calls.borrow().len() == 1 {
                std::future::pending::<()>().await;
            }
            Ok(json!("done"))
        };
        let first = execution(json!({"given": true}));
        let stop = async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            Stop::default()
        };
        let end = definition.run(&first, &history, Rng::with_seed(1), &invoke, stop).await;
        assert_eq!(end, End::Aborted(Stop::default()));
        tokio::time::sleep(Duration::from_secs(60)).await;
        let redriven = Redriven { count: 1, at: first.started_at + Duration::from_secs(65) };
        let again = Execution { redriven: Some(redriven), ..first };
        let began = tokio::time::Instant::now();
        let end = definition.run(&again, &history, Rng::with_seed(1), &invoke, std::future::pending()).await;
        (end, began.elapsed())
    });
    Ran { end, history, calls: calls.into_inner(), took }
}

#[test]
fn it_goes_on_in_the_state_that_it_was_in_with_its_variables() {
    let ran = abort_and_redrive(&machine(json!({
        "First": {"Type": "Pass", "Assign": {"kept": "{% $states.input.given %}"}, "Next": "Task"},
        "Task": {"Type": "Task", "Resource": FUNCTION, "TimeoutSeconds": 60, "Next": "Last"},
        "Last": last(json!({
            "got": "{% $states.input %}", "kept": "{% $kept %}", "redrives": "{% $states.context.Execution.RedriveCount %}",
        })),
    })));
    assert_eq!(ran.output(), &json!({"got": "done", "kept": true, "redrives": 1}));
    assert_eq!(ran.calls[0], ran.calls[1], "the same call for the same entry");
    let since_the_abort: Vec<String> = ran.kinds().into_iter().skip_while(|kind| kind != "ExecutionAborted").collect();
    assert_eq!(since_the_abort[1..4], ["ExecutionRedriven", "LambdaFunctionScheduled", "LambdaFunctionStarted"]);
    assert_eq!(ran.history.state_counts()["First"], 1);
    let times: Vec<Timestamp> = ran.history.events().iter().map(|event| event.timestamp).collect();
    assert!(times.is_sorted(), "{times:?}");
}

#[test]
fn a_wait_begins_anew_and_so_does_the_state_machine_s_own_timeout() {
    let wait = json!({"Wait": {"Type": "Wait", "Seconds": 20, "End": true}});
    let ran = abort_and_redrive(&machine(wait.clone()));
    assert_eq!((ran.output(), ran.took), (&json!({"given": true}), Duration::from_secs(20)));
    let mut limited = machine(wait);
    limited["TimeoutSeconds"] = json!(8);
    let ran = abort_and_redrive(&limited);
    assert_eq!((ran.end, ran.took), (End::TimedOut, Duration::from_secs(8)));
}
