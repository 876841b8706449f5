//! The table of turns, by its API.

use account::{TURNS_KEY, TURNS_TABLE, Turn, turns_table};
use serde_json::{Value, json};

use crate::Error;
use crate::api::Api;

/// The table in the engine.
pub(crate) struct Turns(Api);

impl Turns {
    /// Creates the table.
    pub(crate) async fn create(api: Api) -> Result<Self, Error> {
        api.call("CreateTable", turns_table()).await?;
        Ok(Self(api))
    }

    /// Every claim, by its name.
    pub(crate) async fn all(&self) -> Result<Vec<Turn>, Error> {
        const SCAN: &str = "Scan";
        let mut turns = Vec::new();
        let mut request = json!({"TableName": TURNS_TABLE, "ConsistentRead": true});
        loop {
            let mut answer = self.0.call(SCAN, request.clone()).await?;
            turns.extend(Turn::of_items(answer["Items"].take()).map_err(|error| Error::unreadable(SCAN, &error))?);
            match answer["LastEvaluatedKey"].take() {
                Value::Null => break,
                last => request["ExclusiveStartKey"] = last,
            }
        }
        turns.sort_by(|a, b| a.claim.cmp(&b.claim));
        Ok(turns)
    }

    /// Holds an Auto Scaling group, or releases it.
    pub(crate) async fn hold(&self, group: &str, held: bool) -> Result<(), Error> {
        self.0.call("UpdateItem", account::hold(group, held)).await.map(drop)
    }

    /// Deletes every item.
    pub(crate) async fn delete(&self) -> Result<(), Error> {
        for turn in self.all().await? {
            self.0.call("DeleteItem", json!({"TableName": TURNS_TABLE, "Key": {TURNS_KEY: {"S": turn.claim}}})).await?;
        }
        Ok(())
    }
}
