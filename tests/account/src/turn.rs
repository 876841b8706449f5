use serde::Deserialize;
use serde_json::Value;

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
