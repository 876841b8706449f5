//! DynamoDB behind its wire protocol: what it says to a call is dynoxide's, which is held against the real service by a public
//! conformance suite. Around it stands what only shows when calls meet: transactions that conflict, and reads that trail.

mod locks;
mod replica;

use std::cell::RefCell;
use std::time::Duration;

use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::clock::Clock;
use crate::seed::Random;
use locks::Locks;
use replica::Replica;

/// How long a transaction holds its items, in milliseconds. That it does so for a time is documented (DynamoDB developer guide,
/// "Transaction conflict handling"); how long is not.
const TRANSACTION_MILLISECONDS: std::ops::RangeInclusive<u64> = 2..=15;

/// The tables.
pub(crate) struct DynamoDb {
    database: Database,
    replica: RefCell<Replica>,
    locks: Locks,
    random: Random,
    clock: Clock,
}

impl DynamoDb {
    /// DynamoDB without a table. A read that is not consistent trails by at most `trails_by`.
    pub(crate) fn new(clock: Clock, random: Random, trails_by: Duration) -> Self {
        Self {
            database: empty(),
            replica: RefCell::new(Replica::new(trails_by)),
            locks: Locks::default(),
            random,
            clock,
        }
    }

    /// Answers a call: the HTTP status and the body.
    pub(crate) async fn answer(&self, operation: &str, request: Value) -> (u16, Value) {
        let held = match operation {
            "TransactWriteItems" => {
                let items = transaction_items(&request);
                let conflicts: Vec<bool> = items.iter().map(|item| self.locks.is_held(item)).collect();
                if conflicts.contains(&true) {
                    return cancelled_by_conflict(&conflicts);
                }
                let held = self.locks.hold(items);
                tokio::time::sleep(self.random.duration(TRANSACTION_MILLISECONDS)).await;
                Some(held)
            }
            "PutItem" | "UpdateItem" | "DeleteItem" if self.locks.is_held(&locks::item(&request)) => {
                let message = "Transaction is ongoing for the item";
                return error(400, "com.amazonaws.dynamodb.v20120810#TransactionConflictException", message);
            }
            _ => None,
        };
        let trails = is_eventually_consistent(operation, &request);
        let answered = if trails {
            self.replica.borrow_mut().read(self.clock.elapsed(), operation, request)
        } else {
            let answered = perform(&self.database, operation, request.clone());
            if answered.is_ok() && !is_read(operation) {
                self.replica.borrow_mut().wrote(self.clock.elapsed(), &self.random, operation, request);
            }
            answered
        };
        drop(held);
        match answered {
            Ok(answer) => (200, answer),
            Err(error) => {
                let body = serde_json::from_str(&error.to_json()).expect("an error's body is JSON");
                (error.status_code(), body)
            }
        }
    }

    /// Calls an operation that a test, or the set-up, has need of: nothing is in its way.
    ///
    /// # Panics
    /// When DynamoDB refuses it.
    pub(crate) fn perform(&self, operation: &str, request: Value) -> Value {
        let answer = perform(&self.database, operation, request.clone());
        if !is_read(operation) {
            self.replica.borrow_mut().wrote(self.clock.elapsed(), &self.random, operation, request);
        }
        answer.unwrap_or_else(|error| panic!("DynamoDB.{operation}: {}", error.to_json()))
    }
}

fn empty() -> Database {
    Database::memory().expect("a database in memory can be opened")
}

/// Whether an operation changes nothing.
pub(crate) fn is_read(operation: &str) -> bool {
    matches!(operation, "GetItem" | "BatchGetItem" | "Query" | "Scan" | "TransactGetItems")
}

/// Whether a read may answer with what is no more. Reads do unless they ask for consistency, which transactions always have.
fn is_eventually_consistent(operation: &str, request: &Value) -> bool {
    match operation {
        "GetItem" | "Query" | "Scan" => request["ConsistentRead"] != true,
        "BatchGetItem" => {
            let tables = request["RequestItems"].as_object();
            tables.is_some_and(|tables| tables.values().any(|table| table["ConsistentRead"] != true))
        }
        _ => false,
    }
}

fn transaction_items(request: &Value) -> Vec<String> {
    let actions = request["TransactItems"].as_array().into_iter().flatten().filter_map(Value::as_object);
    actions.flat_map(|action| action.values()).map(locks::item).collect()
}

/// Source: DynamoDB API reference, TransactWriteItems, "TransactionCanceledException".
fn cancelled_by_conflict(conflicts: &[bool]) -> (u16, Value) {
    let code = |conflicts: &bool| if *conflicts { "TransactionConflict" } else { "None" };
    let codes: Vec<&str> = conflicts.iter().map(code).collect();
    let reasons: Vec<Value> = codes
        .iter()
        .map(|code| match *code {
            "None" => json!({"Code": code}),
            _ => json!({"Code": code, "Message": "Transaction is ongoing for the item"}),
        })
        .collect();
    let message =
        format!("Transaction cancelled, please refer cancellation reasons for specific reasons [{}]", codes.join(", "));
    let kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
    (400, json!({"__type": kind, "Message": message, "CancellationReasons": reasons}))
}

fn error(status: u16, kind: &str, message: &str) -> (u16, Value) {
    (status, json!({"__type": kind, "message": message}))
}

/// Carries out one operation on a database.
fn perform(database: &Database, operation: &str, request: Value) -> Result<Value, DynoxideError> {
    match operation {
        "CreateTable" => answered(database.create_table(read(request)?)),
        "GetItem" => answered(database.get_item(read(request)?)),
        "BatchGetItem" => answered(database.batch_get_item(read(request)?)),
        "Query" => answered(database.query(read(request)?)),
        "Scan" => answered(database.scan(read(request)?)),
        "PutItem" => answered(database.put_item(read(request)?)),
        "UpdateItem" => answered(database.update_item(read(request)?)),
        "DeleteItem" => answered(database.delete_item(read(request)?)),
        "TransactGetItems" => answered(database.transact_get_items(read(request)?)),
        "TransactWriteItems" => answered(database.transact_write_items(read(request)?)),
        _ => Err(DynoxideError::ValidationException(format!("the simulation has no DynamoDB.{operation}"))),
    }
}

fn read<T: DeserializeOwned>(request: Value) -> Result<T, DynoxideError> {
    serde_json::from_value(request).map_err(|error| DynoxideError::SerializationException(error.to_string()))
}

fn answered<T: Serialize>(result: dynoxide::Result<T>) -> Result<Value, DynoxideError> {
    result.map(|answer| serde_json::to_value(answer).expect("an answer is JSON"))
}

#[cfg(test)]
mod tests;
