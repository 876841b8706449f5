//! The table of turns, by its API.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::Error;
use crate::api::Api;

/// The table's name, the functions' `TURNS_TABLE`.
pub(crate) const TABLE: &str = "turnstile-turns";

/// The table's key, as template.yaml has it.
const KEY: &str = "claim";

/// A claim in the table of turns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// What is claimed, such as `autoScalingGroup:web`.
    pub claim: String,
    /// The ARN of the execution that holds the claim; `None` if it is free.
    pub holder: Option<String>,
}

/// An item on the wire.
#[derive(Deserialize)]
struct Item {
    claim: Text,
    holder: Option<Text>,
}

#[derive(Deserialize)]
struct Text {
    #[serde(rename = "S")]
    text: String,
}

impl From<Item> for Turn {
    fn from(item: Item) -> Self {
        Self { claim: item.claim.text, holder: item.holder.map(|holder| holder.text) }
    }
}

/// The table in the engine.
pub(crate) struct Turns(Api);

impl Turns {
    /// Creates the table.
    pub(crate) async fn create(api: Api) -> Result<Self, Error> {
        let table = json!({
            "TableName": TABLE,
            "AttributeDefinitions": [{"AttributeName": KEY, "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": KEY, "KeyType": "HASH"}],
            "BillingMode": "PAY_PER_REQUEST",
        });
        api.call("CreateTable", table).await?;
        Ok(Self(api))
    }

    /// Every claim, by its name.
    pub(crate) async fn all(&self) -> Result<Vec<Turn>, Error> {
        const SCAN: &str = "Scan";
        let mut turns = Vec::new();
        let mut request = json!({"TableName": TABLE, "ConsistentRead": true});
        loop {
            let mut answer = self.0.call(SCAN, request.clone()).await?;
            let items: Vec<Item> =
                serde_json::from_value(answer["Items"].take()).map_err(|error| Error::unreadable(SCAN, &error))?;
            turns.extend(items.into_iter().map(Turn::from));
            match answer["LastEvaluatedKey"].take() {
                Value::Null => break,
                last => request["ExclusiveStartKey"] = last,
            }
        }
        turns.sort_by(|a, b| a.claim.cmp(&b.claim));
        Ok(turns)
    }

    /// Deletes every item.
    pub(crate) async fn delete(&self) -> Result<(), Error> {
        for turn in self.all().await? {
            self.0.call("DeleteItem", json!({"TableName": TABLE, "Key": {KEY: {"S": turn.claim}}})).await?;
        }
        Ok(())
    }
}
