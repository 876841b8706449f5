use std::rc::Rc;

use super::*;
use crate::seed::Seed;

/// The table of turns, as the functions' stack makes it.
fn turns() -> DynamoDb {
    turns_that_trail_by(Duration::ZERO)
}

fn turns_that_trail_by(seconds: Duration) -> DynamoDb {
    let dynamodb = DynamoDb::new(Clock::start(), Seed(1).of("dynamodb"), seconds);
    dynamodb.perform("CreateTable", account::turns_table());
    dynamodb
}

fn update(claim: &str, update: &str, condition: &str, values: Value) -> Value {
    json!({
        "TableName": account::TURNS_TABLE, "Key": {"claim": {"S": claim}}, "UpdateExpression": update,
        "ConditionExpression": condition, "ExpressionAttributeValues": values,
    })
}

/// The update by which a rollout takes a claim.
fn take(claim: &str, me: &str) -> Value {
    let condition = "attribute_not_exists(holder) OR (holder = :me AND attribute_not_exists(settling))";
    let mut update = update(claim, "SET holder = :me", condition, json!({":me": {"S": me}}));
    update["ReturnValuesOnConditionCheckFailure"] = json!("ALL_OLD");
    update
}

fn transaction(updates: impl IntoIterator<Item = Value>) -> Value {
    let items: Vec<Value> = updates.into_iter().map(|update| json!({"Update": update})).collect();
    json!({"TransactItems": items})
}

async fn code(dynamodb: &DynamoDb, operation: &str, request: Value) -> String {
    let (status, body) = dynamodb.answer(operation, request).await;
    match account::calls::error_code(&body) {
        Some(code) => code.to_owned(),
        None if status == 200 => "ok".to_owned(),
        None => format!("{status} {body}"),
    }
}

async fn holder(dynamodb: &DynamoDb, claim: &str) -> Value {
    let get = json!({"TableName": account::TURNS_TABLE, "Key": {"claim": {"S": claim}}, "ConsistentRead": true});
    dynamodb.answer("GetItem", get).await.1["Item"]["holder"]["S"].clone()
}

#[tokio::test(start_paused = true)]
async fn claims_are_taken_all_or_none() {
    let dynamodb = turns();
    assert_eq!(code(&dynamodb, "TransactWriteItems", transaction(["a", "b"].map(|c| take(c, "one")))).await, "ok");
    let (status, body) = dynamodb.answer("TransactWriteItems", transaction(["c", "b"].map(|c| take(c, "two")))).await;
    assert_eq!((status, body["CancellationReasons"][0]["Code"].as_str()), (400, Some("None")));
    assert_eq!(body["CancellationReasons"][1]["Item"]["holder"]["S"], "one");
    assert_eq!([holder(&dynamodb, "a").await, holder(&dynamodb, "c").await], [json!("one"), Value::Null]);
}

#[tokio::test(start_paused = true)]
async fn conditions_and_updates_mean_what_the_table_of_turns_needs() {
    let me = || json!({":me": {"S": "one"}});
    let dynamodb = turns();
    for (claim, expression, condition, values, expected) in [
        ("a", "SET holder = :me, settling = :me", "attribute_not_exists(holder)", me(), "ok"),
        ("a", "SET holder = :me", "attribute_not_exists(settling)", me(), "ConditionalCheckFailedException"),
        ("a", "REMOVE settling", "holder = :me", me(), "ok"),
        ("a", "REMOVE settling", "holder = :me", me(), "ok"),
        ("a", "REMOVE holder", "holder IN (:x, :y)", json!({":x": {"S": "x"}, ":y": {"S": "one"}}), "ok"),
        ("a", "REMOVE holder", "holder <> :me", me(), "ok"),
        ("a", "REMOVE holder", "NOT holder = :me", me(), "ok"),
        (
            "b",
            "SET finished = :f",
            "holder = :me",
            json!({":f": {"S": ""}, ":me": {"S": "one"}}),
            "ConditionalCheckFailedException",
        ),
        (
            "b",
            "SET finished = :f",
            "attribute_not_exists(finished.endedAt)",
            json!({":f": {"M": {"endedAt": {"N": "5"}}}}),
            "ok",
        ),
        (
            "b",
            "REMOVE finished",
            "finished.endedAt < :n",
            json!({":n": {"N": "5.0"}}),
            "ConditionalCheckFailedException",
        ),
        ("b", "REMOVE finished", "finished.endedAt <= :n", json!({":n": {"N": "5.0"}}), "ok"),
        (
            "c",
            "ADD failures :i",
            "attribute_not_exists(failures) OR size(failures) < :most",
            json!({":i": {"SS": ["i-1"]}, ":most": {"N": "2"}}),
            "ok",
        ),
        ("c", "ADD failures :i", "size(failures) < :most", json!({":i": {"SS": ["i-2"]}, ":most": {"N": "2"}}), "ok"),
        (
            "c",
            "ADD failures :i",
            "size(failures) < :most",
            json!({":i": {"SS": ["i-3"]}, ":most": {"N": "2"}}),
            "ConditionalCheckFailedException",
        ),
        // What DynamoDB refuses.
        ("a", "SET status = :me", "holder = :me", me(), "ValidationException"),
        ("a", "SET x = :me", "holder = :you", me(), "ValidationException"),
        (
            "a",
            "SET x = :me",
            "attribute_exists(claim)",
            json!({":me": {"S": "x"}, ":unused": {"S": ""}}),
            "ValidationException",
        ),
        ("a", "SET holder = :me, holder = :me", "attribute_exists(claim)", me(), "ValidationException"),
        ("a", "SET claim = :me", "attribute_exists(claim)", me(), "ValidationException"),
        ("a", "HOLD x = :me", "attribute_exists(claim)", me(), "ValidationException"),
    ] {
        let request = update(claim, expression, condition, values);
        assert_eq!(code(&dynamodb, "UpdateItem", request).await, expected, "{claim}: {expression} if {condition}");
    }
    let mut counted = update("c", "ADD failures :i", "attribute_exists(failures)", json!({":i": {"SS": ["i-2"]}}));
    counted["ReturnValues"] = json!("ALL_NEW");
    let (_, answer) = dynamodb.answer("UpdateItem", counted).await;
    assert_eq!(answer["Attributes"]["failures"]["SS"], json!(["i-1", "i-2"]), "a set has each value once");
}

#[tokio::test(start_paused = true)]
async fn a_transaction_has_its_limits() {
    let dynamodb = turns();
    let many = |n: usize| transaction((0..n).map(|i| take(&format!("c{i}"), "one")));
    assert_eq!(code(&dynamodb, "TransactWriteItems", many(100)).await, "ok");
    assert_eq!(code(&dynamodb, "TransactWriteItems", many(101)).await, "ValidationException");
    let twice = transaction([take("a", "one"), take("a", "one")]);
    assert_eq!(code(&dynamodb, "TransactWriteItems", twice).await, "ValidationException");
    let keys: Vec<Value> = (0..101).map(|i| json!({"claim": {"S": format!("c{i}")}})).collect();
    let batch = json!({"RequestItems": {account::TURNS_TABLE: {"Keys": keys, "ConsistentRead": true}}});
    assert_eq!(code(&dynamodb, "BatchGetItem", batch).await, "ValidationException");
    assert_eq!(code(&dynamodb, "ImportTable", json!({})).await, "ValidationException");
}

#[tokio::test(start_paused = true)]
async fn a_transaction_that_is_sent_again_takes_place_once() {
    let dynamodb = turns();
    let mut request = transaction([take("a", "one")]);
    request["ClientRequestToken"] = json!("token");
    assert_eq!(code(&dynamodb, "TransactWriteItems", request.clone()).await, "ok");
    dynamodb.perform(
        "UpdateItem",
        update("a", "SET holder = :me", "attribute_exists(claim)", json!({":me": {"S": "two"}})),
    );
    assert_eq!(code(&dynamodb, "TransactWriteItems", request).await, "ok");
    assert_eq!(holder(&dynamodb, "a").await, "two");
}

#[tokio::test(start_paused = true)]
async fn calls_that_meet_a_transaction_at_work_on_their_item_conflict() {
    tokio::task::LocalSet::new()
        .run_until(async {
            let dynamodb = Rc::new(turns());
            let first = tokio::task::spawn_local({
                let dynamodb = dynamodb.clone();
                async move { code(&dynamodb, "TransactWriteItems", transaction(["a", "b"].map(|c| take(c, "one")))).await }
            });
            tokio::task::yield_now().await;
            let (_, body) = dynamodb.answer("TransactWriteItems", transaction(["b", "c"].map(|c| take(c, "two")))).await;
            let codes = [&body["CancellationReasons"][0]["Code"], &body["CancellationReasons"][1]["Code"]];
            assert_eq!(codes, ["TransactionConflict", "None"]);
            assert_eq!(code(&dynamodb, "UpdateItem", take("a", "two")).await, "TransactionConflictException");
            assert_eq!(holder(&dynamodb, "a").await, Value::Null, "a read waits for nobody");
            assert_eq!(first.await.unwrap(), "ok");
            assert_eq!(code(&dynamodb, "UpdateItem", take("c", "two")).await, "ok", "it is over");
            assert_eq!(code(&dynamodb, "UpdateItem", take("a", "one")).await, "ok", "it is over");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_read_that_does_not_ask_for_consistency_trails() {
    let dynamodb = turns_that_trail_by(Duration::from_secs(10));
    let get = |consistent: bool| {
        let key = json!({"claim": {"S": "a"}});
        json!({"RequestItems": {account::TURNS_TABLE: {"Keys": [key], "ConsistentRead": consistent}}})
    };
    let seen = async |consistent: bool| {
        let (_, answer) = dynamodb.answer("BatchGetItem", get(consistent)).await;
        answer["Responses"][account::TURNS_TABLE].as_array().map_or(0, Vec::len)
    };
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(code(&dynamodb, "UpdateItem", take("a", "one")).await, "ok");
    assert_eq!((seen(true).await, seen(false).await), (1, 0));
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!((seen(true).await, seen(false).await), (1, 1));
}
