use std::collections::BTreeSet;

use account::{TURNS_TABLE, execution_arn, state_machine_arn};
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update};
use serde_json::json;
use tokio::time::Instant;
use world::{Fault, Setting};

use super::*;
use crate::lambda::environment::sdk_config;
use crate::seed::Seed;
use crate::{Options, Simulation, block_on};

fn options() -> Options {
    Options::new(Setting::default())
}

fn faults(value: serde_json::Value) -> Vec<Fault> {
    serde_json::from_value(value).expect("faults")
}

/// The configuration of a function's clients, with a connector of its own.
fn config(simulation: &Simulation) -> aws_config::SdkConfig {
    let surroundings = &simulation.lambda.surroundings;
    let (services, network) = (surroundings.services.clone(), surroundings.network.clone());
    let connector = Connector::open("test#1".to_owned(), services, network, Rc::new(Seed(1).of("test")));
    sdk_config("start-deployment", surroundings.clock, connector)
}

fn dynamodb(simulation: &Simulation) -> aws_sdk_dynamodb::Client {
    aws_sdk_dynamodb::Client::new(&config(simulation))
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

/// Takes the claim `a`; whether that succeeded.
async fn take(client: &aws_sdk_dynamodb::Client, me: &str) -> bool {
    let update = client.update_item().table_name(TURNS_TABLE).key("claim", text("a"));
    let update = update.update_expression("SET holder = :me").condition_expression("attribute_not_exists(holder)");
    update.expression_attribute_values(":me", text(me)).send().await.is_ok()
}

fn holders(simulation: &Simulation) -> Vec<Option<String>> {
    simulation.turns().into_iter().map(|turn| turn.holder).collect()
}

#[test]
fn the_sdk_reads_what_dynamodb_refuses() {
    block_on(async || {
        let simulation = Simulation::start(options()).expect("it starts");
        let client = dynamodb(&simulation);
        assert!(take(&client, "one").await);
        let update = Update::builder()
            .table_name(TURNS_TABLE)
            .key("claim", text("a"))
            .update_expression("SET holder = :me")
            .condition_expression("attribute_not_exists(holder)")
            .expression_attribute_values(":me", text("two"))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let item = TransactWriteItem::builder().update(update.build().expect("an update")).build();
        let error = client.transact_write_items().transact_items(item).send().await.expect_err("it is taken");
        let error = error.into_service_error();
        let aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError::TransactionCanceledException(
            cancelled,
        ) = error
        else {
            panic!("{error:?}")
        };
        let reason = &cancelled.cancellation_reasons()[0];
        assert_eq!(reason.code(), Some("ConditionalCheckFailed"));
        assert_eq!(reason.item().and_then(|item| item.get("holder")), Some(&text("one")));
        let error = client.scan().table_name("none").send().await.expect_err("there is no such table");
        assert!(error.into_service_error().is_resource_not_found_exception());
    });
}

#[test]
fn the_sdk_reads_what_step_functions_answers() {
    block_on(async || {
        let simulation = Simulation::start(options()).expect("it starts");
        let client = aws_sdk_sfn::Client::new(&config(&simulation));
        let start = |name: &str, input: &str| {
            client.start_execution().state_machine_arn(state_machine_arn()).name(name).input(input).send()
        };
        let started = start("a", r#"{"autoScalingGroupName": "web"}"#).await.expect("it starts");
        assert_eq!(started.execution_arn, execution_arn("a"));
        let again = start("a", r#"{"autoScalingGroupName":"web"}"#).await.expect("it runs");
        assert_eq!(again.start_date, started.start_date);
        let other = start("a", "{}").await.expect_err("the name is taken");
        assert!(other.into_service_error().is_execution_already_exists());
        let unknown = client.describe_execution().execution_arn(execution_arn("b")).send().await;
        assert!(unknown.expect_err("there is none").into_service_error().is_execution_does_not_exist());
        let stopped = client.stop_execution().execution_arn(execution_arn("a")).error("E").send().await;
        stopped.expect("it exists");
        let described = client.describe_execution().execution_arn(execution_arn("a")).send().await.expect("it exists");
        assert_eq!((described.status().as_str(), described.error()), ("ABORTED", Some("E")));
        let running = client.list_executions().state_machine_arn(state_machine_arn()).send().await.expect("a list");
        assert_eq!(running.executions().len(), 1);
        let history = client.get_execution_history().execution_arn(execution_arn("a")).send().await.expect("it exists");
        assert_eq!(history.events().last().map(|event| event.r#type().as_str()), Some("ExecutionAborted"));
    });
}

/// The SDK repeats a call that is refused. What a successful answer tells of one resource is the caller's to read.
#[test]
fn the_sdk_repeats_a_refused_tag_and_not_one_whose_resource_failed() {
    let refused = json!({"kind": "error", "code": "ThrottledException", "times": 2});
    let failed = json!({"kind": "failedResource", "code": "RequestLimitExceeded", "status": 503, "times": 1});
    for (mut fault, calls, is_written) in [(refused, 3, true), (failed, 1, false)] {
        (fault["service"], fault["operation"]) = (json!("tagging"), json!("TagResources"));
        block_on(async || {
            let group = json!({"autoScalingGroups": [{"name": "web", "desiredCapacity": 1}]});
            let setting: Setting = serde_json::from_value(group).expect("a setting");
            let simulation = Simulation::start(Options { faults: faults(json!([fault])), ..Options::new(setting) });
            let simulation = simulation.expect("it starts");
            let instance = simulation.world().report().instances.remove(0).instance_id;
            let arn = format!("arn:aws:ec2:us-east-1:123456789012:instance/{instance}");
            let client = aws_sdk_resourcegroupstagging::Client::new(&config(&simulation));
            let answer = client.tag_resources().resource_arn_list(&arn).tags("turnstile", "open").send().await;
            let failed = answer.expect("a success").failed_resources_map.unwrap_or_default();
            assert_eq!(failed.get(&arn).map(|info| info.status_code), (!is_written).then_some(503), "{fault}");
            let report = simulation.world().report();
            assert_eq!(report.calls.iter().filter(|call| call.operation == "TagResources").count(), calls, "{fault}");
            assert_eq!(report.instances[0].tags.contains_key("turnstile"), is_written, "{fault}");
        });
    }
}

#[test]
fn a_request_that_is_signed_with_another_time_is_refused() {
    block_on(async || {
        let simulation = Simulation::start(options()).expect("it starts");
        let wrong =
            config(&simulation).into_builder().time_source(aws_smithy_async::time::SystemTimeSource::new()).build();
        let client = aws_sdk_sfn::Client::new(&wrong);
        let error =
            client.list_executions().state_machine_arn(state_machine_arn()).send().await.expect_err("it is refused");
        let error = error.into_service_error();
        assert_eq!(aws_sdk_sfn::error::ProvideErrorMetadata::code(&error), Some("InvalidSignatureException"));
    });
}

#[test]
fn a_connection_that_is_not_made_ends_with_the_connect_time_out() {
    block_on(async || {
        let mut options = options();
        options.network.unreachable_rate = 1.0;
        let simulation = Simulation::start(options).expect("it starts");
        let began = Instant::now();
        assert!(!take(&dynamodb(&simulation), "one").await);
        // Three attempts of 3 seconds, and two pauses of at most 1 and 2.
        let took = began.elapsed().as_secs_f64();
        assert!((9.0..13.0).contains(&took), "{took}");
        assert_eq!(simulation.world().report().calls, [], "nothing arrived");
    });
}

#[test]
fn a_slow_call_times_out_and_has_had_its_effect() {
    block_on(async || {
        let slow = faults(json!([{"service": "dynamodb", "kind": "slow", "seconds": 30, "times": 1}]));
        let simulation = Simulation::start(Options { faults: slow, ..options() }).expect("it starts");
        let began = Instant::now();
        assert!(!take(&dynamodb(&simulation), "one").await, "the second attempt meets the first one's effect");
        assert!(began.elapsed().as_secs() >= 5);
        let outcomes: Vec<String> = simulation.world().report().calls.into_iter().map(|call| call.outcome).collect();
        assert_eq!(outcomes, ["ok", "ConditionalCheckFailedException"]);
    });
}

/// The SDK ends an upload that stalls for five seconds. An answer that is late is no such thing.
#[test]
fn a_request_that_has_been_sent_is_no_stalled_upload() {
    block_on(async || {
        let mut options = options();
        options.network.usual_seconds = 0.0;
        options.faults = faults(json!([{"service": "dynamodb", "kind": "slow", "seconds": 15, "times": 1}]));
        let simulation = Simulation::start(options).expect("it starts");
        let patient = aws_config::timeout::TimeoutConfig::builder().operation_attempt_timeout(Duration::from_secs(20));
        let config = config(&simulation).into_builder().timeout_config(patient.build()).build();
        assert!(take(&aws_sdk_dynamodb::Client::new(&config), "one").await);
        assert_eq!(simulation.world().report().calls.len(), 1);
    });
}

#[test]
fn a_request_under_way_arrives_when_nobody_waits_any_more() {
    block_on(async || {
        let mut options = options();
        options.network.usual_seconds = 3.0;
        let simulation = Simulation::start(options).expect("it starts");
        let client = dynamodb(&simulation);
        let call = tokio::time::timeout(Duration::from_millis(1), take(&client, "one"));
        assert!(call.await.is_err());
        assert_eq!(holders(&simulation), []);
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(holders(&simulation), [Some("one".to_owned())]);
    });
}

#[test]
fn calls_that_are_made_side_by_side_arrive_in_every_order() {
    let winner = |seed: u64| {
        block_on(async || {
            let mut options = options();
            options.setting.seed = seed;
            let simulation = Simulation::start(options).expect("it starts");
            let surroundings = &simulation.lambda.surroundings;
            let client = |name: &str| {
                let (services, network) = (surroundings.services.clone(), surroundings.network.clone());
                let random = Rc::new(Seed(seed).of(name));
                let connector = Connector::open(name.to_owned(), services, network, random);
                aws_sdk_dynamodb::Client::new(&sdk_config(name, surroundings.clock, connector))
            };
            let (one, two) = (client("one"), client("two"));
            let took = tokio::join!(take(&one, "one"), take(&two, "two"));
            assert_ne!(took.0, took.1, "exactly one of them");
            holders(&simulation)
        })
    };
    let winners: BTreeSet<_> = (0..20).map(winner).collect();
    assert_eq!(winners.len(), 2, "{winners:?}");
}
