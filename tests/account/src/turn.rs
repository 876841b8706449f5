use serde::Deserialize;
use serde_json::{Value, json};

use crate::{TURNS_KEY, TURNS_TABLE};

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

/// The request of DynamoDB's UpdateItem by which a person holds an Auto Scaling group or releases it, as docs/operating.md has it.
pub fn hold(group: &str, held: bool) -> Value {
    let mut request = json!({
        "TableName": TURNS_TABLE,
        "Key": {TURNS_KEY: {"S": format!("autoScalingGroup:{group}")}},
        "UpdateExpression": "REMOVE held",
    });
    if held {
        request["UpdateExpression"] = json!("SET held = :why");
        request["ExpressionAttributeValues"] = json!({":why": {"S": "the database is moved: ask Ann"}});
    }
    request
}

impl Turn {
    /// Reads the `Items` of Scan's answer.
    ///
    /// # Errors
    /// What an item lacks.
    pub fn of_items(items: Value) -> Result<Vec<Self>, serde_json::Error> {
        let items: Vec<Item> = serde_json::from_value(items)?;
        Ok(items.into_iter().map(Self::from).collect())
    }
}
