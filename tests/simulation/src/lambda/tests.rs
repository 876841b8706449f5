use std::cell::Cell;
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;
use world::Setting;

use super::*;
use crate::{Options, Simulation, block_on};

/// Code that answers after `seconds`, with what `answer` makes of the payload.
fn code(seconds: f64, answer: impl Fn(Value) -> Result<Value, Value> + 'static) -> Code {
    let answer = Rc::new(answer);
    Code(Rc::new(move |_, _| {
        let answer = answer.clone();
        let handler: code::Handler = Rc::new(move |payload| -> code::Handled {
            let answer = answer.clone();
            Box::pin(async move {
                sleep(Duration::from_secs_f64(seconds)).await;
                answer(payload)
            })
        });
        Ok(handler)
    }))
}

fn echo(seconds: f64) -> Code {
    code(seconds, Ok)
}

fn start(options: LambdaOptions) -> Simulation {
    start_with(Options { lambda: options, ..Options::new(Setting::default()) })
}

fn start_with(options: Options) -> Simulation {
    Simulation::start(options).expect("good options")
}

fn publish(simulation: &Simulation, code: Code) -> usize {
    simulation.lambda.publish("test", code, &Variables::default())
}

fn task() -> TaskEntry {
    TaskEntry { execution: "execution".to_owned(), state_entry: 2 }
}

fn error_type(outcome: Result<Outcome, NotInvoked>) -> String {
    match outcome.expect("an outcome") {
        Outcome::Answer(answer) => panic!("{answer}"),
        Outcome::Error(error) => error["errorType"].as_str().expect("errorType").to_owned(),
    }
}

#[test]
fn an_environment_is_used_again_when_it_has_nothing_to_do() {
    block_on(async || {
        let simulation = start(LambdaOptions { idle_seconds: 60.0, ..LambdaOptions::default() });
        let starts = Rc::new(Cell::new(0));
        let counted = starts.clone();
        publish(
            &simulation,
            Code(Rc::new(move |clients, settings| {
                counted.set(counted.get() + 1);
                (echo(1.0).0)(clients, settings)
            })),
        );
        let invoke = || simulation.lambda.invoke("test", json!(1));
        assert_eq!(invoke().await, Ok(Outcome::Answer(json!(1))));
        assert_eq!(invoke().await, Ok(Outcome::Answer(json!(1))));
        assert_eq!(starts.get(), 1, "the same environment");
        let _ = tokio::join!(invoke(), invoke(), invoke());
        assert_eq!(starts.get(), 3, "one at a time in an environment");
        sleep(Duration::from_secs(61)).await;
        let _ = invoke().await;
        assert_eq!(starts.get(), 4, "they are gone");
    });
}

#[test]
fn a_function_that_takes_too_long_is_ended() {
    block_on(async || {
        let simulation =
            start(LambdaOptions { timeout_seconds: 3.0, cold_start_seconds: 0.0, ..LambdaOptions::default() });
        let went_on = Rc::new(Cell::new(false));
        let told = went_on.clone();
        publish(
            &simulation,
            code(4.0, move |_| {
                told.set(true);
                Ok(Value::Null)
            }),
        );
        let began = Instant::now();
        let outcome = simulation.lambda.invoke("test", Value::Null).await;
        assert_eq!(began.elapsed().as_secs(), 3);
        let Ok(Outcome::Error(error)) = outcome else { panic!("{outcome:?}") };
        assert_eq!(error["errorType"], "Sandbox.Timedout");
        let message = error["errorMessage"].as_str().unwrap();
        assert!(message.ends_with("Error: Task timed out after 3.00 seconds"), "{message}");
        sleep(Duration::from_secs(5)).await;
        assert!(!went_on.get(), "the handler's future was dropped");
    });
}

#[test]
fn what_a_handler_ends_with_comes_in_lambda_s_shape() {
    block_on(async || {
        let simulation = start(LambdaOptions::default());
        let failure = json!({"errorType": "Turnstile.Busy", "errorMessage": "no"});
        publish(
            &simulation,
            code(0.0, move |payload| match payload.as_str() {
                Some("panic") => panic!("at the disco"),
                Some("fail") => Err(json!({"errorType": "Turnstile.Busy", "errorMessage": "no"})),
                _ => Ok(payload),
            }),
        );
        let invoke = async |payload: &str| simulation.lambda.invoke("test", json!(payload)).await;
        assert_eq!(invoke("fine").await, Ok(Outcome::Answer(json!("fine"))));
        assert_eq!(invoke("fail").await, Ok(Outcome::Error(failure)));
        let Ok(Outcome::Error(panic)) = invoke("panic").await else { panic!("it should have failed") };
        assert_eq!(panic["errorMessage"], "Lambda panicked: at the disco");

        publish(&simulation, Code(Rc::new(|_, _| Err("the environment variable X is not set".to_owned()))));
        assert_eq!(error_type(invoke("fine").await), "Runtime.ExitError");
        let missing = simulation.lambda.invoke("nobody", Value::Null).await;
        assert!(
            matches!(missing, Err(NotInvoked::Refused { status: 404, code, .. }) if code == "ResourceNotFoundException")
        );
    });
}

#[test]
fn one_invocation_too_many_is_throttled() {
    block_on(async || {
        let simulation = start(LambdaOptions { concurrency: 2, ..LambdaOptions::default() });
        publish(&simulation, echo(1.0));
        let invoke = || simulation.lambda.invoke("test", Value::Null);
        let three = tokio::join!(invoke(), invoke(), invoke());
        let throttled = NotInvoked::refused(429, "TooManyRequestsException", "Rate Exceeded.");
        assert_eq!(three, (Ok(Outcome::Answer(Value::Null)), Ok(Outcome::Answer(Value::Null)), Err(throttled)));
        assert!(invoke().await.is_ok(), "there is room again");
    });
}

#[test]
fn a_crash_ends_the_environment_and_the_call() {
    block_on(async || {
        let simulation = start(LambdaOptions { crash_rate: 1.0, ..LambdaOptions::default() });
        publish(&simulation, echo(2.5));
        assert_eq!(error_type(simulation.lambda.invoke("test", Value::Null).await), "Runtime.ExitError");
    });
}

#[test]
fn a_qualifier_names_a_version() {
    block_on(async || {
        let simulation = start(LambdaOptions::default());
        for version in 1..=2 {
            assert_eq!(publish(&simulation, code(0.0, move |_| Ok(json!(version)))), version);
        }
        let invoke = async |function: &str| simulation.lambda.invoke(function, Value::Null).await;
        let arn = function_arn("test");
        for (function, version) in [
            ("test".to_owned(), Some(2)),
            ("test:1".to_owned(), Some(1)),
            ("test:$LATEST".to_owned(), Some(2)),
            (arn.clone(), Some(2)),
            (format!("{arn}:1"), Some(1)),
            (format!("{arn}:3"), None),
            (format!("{arn}:0"), None),
        ] {
            let answer = invoke(&function).await.ok();
            assert_eq!(answer, version.map(|version| Outcome::Answer(json!(version))), "{function}");
        }
    });
}

#[test]
fn a_failed_event_is_retried_twice_and_then_lost() {
    block_on(async || {
        let simulation = start(LambdaOptions { cold_start_seconds: 0.0, ..LambdaOptions::default() });
        let began = Instant::now();
        let attempts = Rc::new(std::cell::RefCell::new(Vec::new()));
        let seen = attempts.clone();
        publish(
            &simulation,
            code(0.0, move |payload| {
                seen.borrow_mut().push(began.elapsed().as_secs());
                if payload == "fine" { Ok(payload) } else { Err(json!({"errorType": "X", "errorMessage": ""})) }
            }),
        );
        simulation.lambda.invoke_asynchronously("test", json!("bad"));
        sleep(Duration::from_secs(1000)).await;
        assert_eq!(*attempts.borrow(), [0, 60, 180]);
        assert_eq!(simulation.lost_events(), [json!("bad")]);
        simulation.lambda.invoke_asynchronously("test", json!("fine"));
        sleep(Duration::from_secs(1000)).await;
        assert_eq!((attempts.borrow().len(), simulation.lost_events().len()), (4, 1));
    });
}

#[test]
fn an_event_that_is_throttled_is_tried_again_until_it_is_too_old() {
    block_on(async || {
        let simulation = start(LambdaOptions { concurrency: 0, ..LambdaOptions::default() });
        publish(&simulation, echo(0.0));
        simulation.lambda.invoke_asynchronously("test", json!("event"));
        sleep(Duration::from_secs(590)).await;
        assert_eq!(simulation.lost_events(), [] as [Value; 0]);
        sleep(Duration::from_secs(500)).await;
        assert_eq!(simulation.lost_events(), [json!("event")]);
    });
}

#[test]
fn faults_hit_the_calls_of_executions() {
    block_on(async || {
        let fault = |kind: &str, more: Value| {
            let mut fault = json!({"service": "lambda", "kind": kind, "times": 1});
            fault.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            serde_json::from_value(fault).unwrap()
        };
        let faults = vec![
            fault("error", json!({"code": "ServiceException", "status": 500})),
            fault("reset", json!({})),
            fault("lostAnswer", json!({})),
            fault("slow", json!({"seconds": 30})),
        ];
        let simulation = start_with(Options { faults, ..Options::new(Setting::default()) });
        let effects = Rc::new(Cell::new(0));
        let counted = effects.clone();
        publish(
            &simulation,
            code(0.0, move |payload| {
                counted.set(counted.get() + 1);
                Ok(payload)
            }),
        );
        let invoke = async || simulation.lambda.invoke_as_task(task(), "test", json!(1)).await;
        let refused = NotInvoked::refused(500, "ServiceException", InjectedFault::ERROR_MESSAGE);
        assert_eq!((invoke().await, effects.get()), (Err(refused), 0));
        assert_eq!((invoke().await, effects.get()), (Err(NotInvoked::Unanswered), 0));
        assert_eq!((invoke().await, effects.get()), (Err(NotInvoked::Unanswered), 1));
        let began = Instant::now();
        assert_eq!((invoke().await, effects.get()), (Ok(Outcome::Answer(json!(1))), 2));
        assert!(began.elapsed() >= Duration::from_secs(30));
        assert_eq!((invoke().await, effects.get()), (Ok(Outcome::Answer(json!(1))), 3));
        let outcomes: Vec<String> = simulation.world().report().calls.into_iter().map(|call| call.outcome).collect();
        assert_eq!(outcomes, ["ServiceException", "reset", "lost answer", "ok"]);
        assert_eq!(simulation.fault_hits(), [1, 1, 1, 1]);
    });
}

#[test]
fn a_call_goes_on_when_its_caller_has_given_up() {
    block_on(async || {
        let simulation = start(LambdaOptions::default());
        let effects = Rc::new(Cell::new(0));
        let counted = effects.clone();
        publish(
            &simulation,
            code(10.0, move |payload| {
                counted.set(counted.get() + 1);
                Ok(payload)
            }),
        );
        let invoke = simulation.lambda.invoke_as_task(task(), "test", json!(1));
        assert!(tokio::time::timeout(Duration::from_secs(5), invoke).await.is_err());
        let again = simulation.lambda.invoke_as_task(task(), "test", json!(1)).await;
        assert_eq!((again.is_ok(), effects.get()), (true, 2), "both have run, side by side");
    });
}

#[test]
fn wrong_options_are_named() {
    for (options, message) in [
        (
            LambdaOptions { timeout_seconds: 901.0, ..LambdaOptions::default() },
            "lambda.timeoutSeconds: must be 1 to 900",
        ),
        (LambdaOptions { crash_rate: 2.0, ..LambdaOptions::default() }, "lambda.crashRate: must be 0 to 1"),
        (LambdaOptions { idle_seconds: -1.0, ..LambdaOptions::default() }, "lambda.idleSeconds: must be 0 or more"),
        (
            LambdaOptions { cold_start_seconds: f64::NAN, ..LambdaOptions::default() },
            "lambda.coldStartSeconds: must be 0 or more",
        ),
    ] {
        assert_eq!(options.check().unwrap_err().to_string(), message);
    }
}

#[test]
fn the_time_out_is_the_template_s() {
    let template = include_str!("../../../../template.yaml");
    let timeout = format!("    Timeout: {}\n", LambdaOptions::default().timeout_seconds);
    assert_eq!(template.matches("\n    Timeout:").count(), 1, "one for all functions");
    assert!(template.contains(&timeout), "{timeout}");
}
