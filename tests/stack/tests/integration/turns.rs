//! The table of turns, as the functions use it: through the AWS SDK.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Credentials, Region};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, KeysAndAttributes, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
    Update,
};
use stack::{Stack, Turn};
use world::Call;

use crate::fixture::{Folder, LOOP, function, start};

const TABLE: &str = "turnstile-turns";

/// The table, for calls signed with the access key id `caller`.
fn table(stack: &Stack, caller: &str) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(stack::REGION))
        .credentials_provider(Credentials::new(caller, "secret", None, None, "test"))
        .endpoint_url(stack.endpoint())
        // An error of the engine itself must not be hidden by a retry.
        .retry_config(RetryConfig::disabled());
    Client::from_conf(config.build())
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

/// Takes the claims if all are free; otherwise takes none, and gives each claim's reason.
async fn take(table: &Client, claims: &[&str], holder: &str) -> Result<(), Vec<CancellationReason>> {
    let mut request = table.transact_write_items();
    for claim in claims {
        let update = Update::builder()
            .table_name(TABLE)
            .key("claim", text(claim))
            .update_expression("SET holder = :me")
            .condition_expression("attribute_not_exists(holder)")
            .expression_attribute_values(":me", text(holder))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        request = request.transact_items(TransactWriteItem::builder().update(update.build().unwrap()).build());
    }
    match request.send().await {
        Ok(_) => Ok(()),
        Err(error) => match error.into_service_error() {
            TransactWriteItemsError::TransactionCanceledException(cancelled) => {
                Err(cancelled.cancellation_reasons().to_vec())
            }
            error => panic!("{error:?}"),
        },
    }
}

fn turn(claim: &str, holder: Option<&str>) -> Turn {
    Turn { claim: claim.to_owned(), holder: holder.map(str::to_owned) }
}

#[tokio::test]
async fn a_refused_transaction_names_the_holders_and_changes_nothing() {
    let folder = Folder::new();
    let stack = start(&folder, LOOP, vec![function("fixture")]).await;
    let table = table(&stack, "key");
    take(&table, &["b", "d"], "one").await.unwrap();

    let reasons = take(&table, &["a", "b", "c", "d"], "two").await.unwrap_err();
    let held = |claim: &str| {
        let item = HashMap::from([("claim".to_owned(), text(claim)), ("holder".to_owned(), text("one"))]);
        (Some("ConditionalCheckFailed"), Some(item))
    };
    let reasons: Vec<_> = reasons.iter().map(|reason| (reason.code(), reason.item.clone())).collect();
    assert_eq!(reasons, [(Some("None"), None), held("b"), (Some("None"), None), held("d")]);
    assert_eq!(stack.turns().await.unwrap(), [turn("b", Some("one")), turn("d", Some("one"))]);
    stack.stop().await;
}

#[tokio::test]
async fn of_transactions_at_the_same_moment_one_wins() {
    let folder = Folder::new();
    let stack = start(&folder, LOOP, vec![function("fixture")]).await;
    let table = table(&stack, "key");
    let claims = ["a", "b", "c"];
    let tries: Vec<_> = (0..20)
        .map(|holder| {
            let table = table.clone();
            tokio::spawn(async move { take(&table, &claims, &format!("{holder:02}")).await })
        })
        .collect();
    let mut winners = Vec::new();
    for (holder, outcome) in tries.into_iter().enumerate() {
        if outcome.await.unwrap().is_ok() {
            winners.push(format!("{holder:02}"));
        }
    }
    let [winner] = winners.as_slice() else { panic!("one winner: {winners:?}") };
    assert_eq!(stack.turns().await.unwrap(), claims.map(|claim| turn(claim, Some(winner))));
    stack.stop().await;
}

#[tokio::test]
async fn what_is_written_beside_refused_transactions_stays() {
    let folder = Folder::new();
    let stack = start(&folder, LOOP, vec![function("fixture")]).await;
    let table = table(&stack, "key");
    take(&table, &["held"], "one").await.unwrap();
    let refused: Vec<_> = (0..4)
        .map(|_| {
            let table = table.clone();
            tokio::spawn(async move {
                for _ in 0..50 {
                    take(&table, &["free", "held"], "two").await.unwrap_err();
                }
            })
        })
        .collect();
    let mut written = Vec::new();
    while refused.iter().any(|task| !task.is_finished()) {
        let claim = format!("other {:04}", written.len());
        table.put_item().table_name(TABLE).item("claim", text(&claim)).send().await.unwrap();
        written.push(turn(&claim, None));
    }
    for task in refused {
        task.await.unwrap();
    }
    assert!(written.len() > 10, "{}", written.len());
    let mut turns = stack.turns().await.unwrap();
    assert_eq!(turns.remove(0), turn("held", Some("one")));
    assert_eq!(turns, written);
    stack.stop().await;
}

#[tokio::test]
async fn items_are_read_and_written_as_in_the_service() {
    let folder = Folder::new();
    let stack = start(&folder, LOOP, vec![function("fixture")]).await;
    let table = table(&stack, "key");
    take(&table, &["b", "a"], "one").await.unwrap();

    let update = |me: &str| {
        let finished = AttributeValue::M(HashMap::from([("deploymentId".to_owned(), text("d-1"))]));
        let request =
            table.update_item().table_name(TABLE).key("claim", text("b")).condition_expression("holder = :me");
        let request = request.update_expression("SET finished = :finished REMOVE holder");
        request.expression_attribute_values(":me", text(me)).expression_attribute_values(":finished", finished).send()
    };
    let refused = update("two").await.unwrap_err().into_service_error();
    assert!(refused.is_conditional_check_failed_exception(), "{refused:?}");
    update("one").await.unwrap();
    assert_eq!(stack.turns().await.unwrap(), [turn("a", Some("one")), turn("b", None)]);

    let keys = ["a", "b", "c"].map(|claim| HashMap::from([("claim".to_owned(), text(claim))]));
    let keys = KeysAndAttributes::builder().set_keys(Some(keys.into())).consistent_read(true).build().unwrap();
    let read = table.batch_get_item().request_items(TABLE, keys).send().await.unwrap();
    let mut items = read.responses.unwrap().remove(TABLE).unwrap();
    items.sort_by_key(|item| item["claim"].as_s().unwrap().clone());
    let [a, b] = items.as_slice() else { panic!("two items: {items:?}") };
    assert_eq!((a.get("holder"), b.get("holder")), (Some(&text("one")), None));
    assert_eq!(b["finished"].as_m().unwrap()["deploymentId"], text("d-1"));
    assert!(read.unprocessed_keys.unwrap_or_default().is_empty());

    stack.delete_turns().await.unwrap();
    assert_eq!(stack.turns().await.unwrap(), []);
    stack.stop().await;
}

#[tokio::test]
async fn the_functions_calls_are_on_record() {
    let folder = Folder::new();
    let stack = start(&folder, LOOP, vec![function("fixture")]).await;
    take(&table(&stack, "fixture"), &["a"], "one").await.unwrap();
    take(&table(&stack, "fixture"), &["a"], "two").await.unwrap_err();
    // Calls of a caller that is no function, and of the stack itself, are not on record.
    take(&table(&stack, "key"), &["b"], "one").await.unwrap();
    stack.turns().await.unwrap();

    let calls = stack.calls();
    let recorded = |call: &Call| {
        let claim = call.parameters["TransactItems"][0]["Update"]["Key"]["claim"]["S"].clone();
        (call.caller.clone(), call.service, call.operation.clone(), claim, call.outcome.clone())
    };
    let expected = |outcome: &str| {
        ("fixture".to_owned(), "dynamodb", "TransactWriteItems".to_owned(), "a".into(), outcome.to_owned())
    };
    let recorded: Vec<_> = calls.iter().map(recorded).collect();
    assert_eq!(recorded, [expected("ok"), expected("TransactionCanceledException")]);
    assert!(calls[0].at <= calls[1].at && calls[1].at <= stack.world().now(), "{calls:?}");
    stack.stop().await;
}
