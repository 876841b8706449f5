//! The table of turns, as a person looks at it and empties it, and who holds its claims.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use account::calls::PERSON;
use account::{TURNS_KEY, TURNS_TABLE, Turn, turns_table};
use serde_json::{Value, json};
use world::{Call, Claim, Effect, Service, World};

use crate::dynamodb::DynamoDb;

/// The table of turns.
pub(crate) struct Turns {
    dynamodb: Rc<DynamoDb>,
    world: World,
    /// The claims that were held, with their holders, when [`Turns::changed`] looked last.
    held: RefCell<BTreeMap<String, String>>,
}

impl Turns {
    /// Creates the table.
    pub(crate) fn create(dynamodb: Rc<DynamoDb>, world: World) -> Self {
        dynamodb.perform("CreateTable", turns_table());
        Self { dynamodb, world, held: RefCell::default() }
    }

    /// Every claim, by its name.
    pub(crate) fn all(&self) -> Vec<Turn> {
        let mut scan = self.dynamodb.perform("Scan", json!({"TableName": TURNS_TABLE, "ConsistentRead": true}));
        let mut turns = Turn::of_items(scan["Items"].take()).expect("every item has its claim");
        turns.sort_by(|a, b| a.claim.cmp(&b.claim));
        turns
    }

    /// The claims that have another holder than when this was asked before; `None` when there are none. Asked after each call, it tells what
    /// the call has changed.
    pub(crate) fn changed(&self) -> Option<Effect> {
        let now: BTreeMap<String, String> =
            self.all().into_iter().filter_map(|turn| Some((turn.claim, turn.holder?))).collect();
        let before = self.held.replace(now.clone());
        let given_up = before.keys().filter(|claim| !now.contains_key(*claim)).map(|claim| (claim, None));
        let taken = now.iter().filter(|(claim, holder)| before.get(*claim) != Some(holder));
        let changed = taken.map(|(claim, holder)| (claim, Some(holder.clone()))).chain(given_up);
        let claims: Vec<Claim> = changed.map(|(claim, holder)| Claim { claim: claim.clone(), holder }).collect();
        (!claims.is_empty()).then_some(Effect::ClaimsChanged { claims })
    }

    /// A call by a person, with its answer.
    pub(crate) fn call(&self, operation: &str, parameters: Value) -> Value {
        self.dynamodb.perform(operation, parameters)
    }

    /// Holds an Auto Scaling group, or releases it.
    pub(crate) fn hold(&self, group: &str, held: bool) {
        self.dynamodb.perform("UpdateItem", account::hold(group, held));
    }

    /// Deletes every item, as a person does in the console.
    pub(crate) fn delete_all(&self) {
        for turn in self.all() {
            let parameters = json!({"TableName": TURNS_TABLE, "Key": {TURNS_KEY: {"S": turn.claim}}});
            self.dynamodb.perform("DeleteItem", parameters.clone());
            self.world.record(Call {
                caller: PERSON.to_owned(),
                service: Service::DynamoDb.as_str(),
                operation: "DeleteItem".to_owned(),
                parameters,
                outcome: "ok".to_owned(),
                effect: self.changed(),
                ..Call::default()
            });
        }
    }
}
