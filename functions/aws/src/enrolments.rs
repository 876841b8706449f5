//! The DynamoDB calls about which groups have the stack's hook: one item of the table of turns for each hook name, however many groups there are.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};
use turnstile::words::enrolment::Enrolments;
use turnstile::words::error::Error;
use turnstile::words::ids::HookName;

use crate::error::{of_call, unexpected};
use crate::owners::{CLAIM, in_short};

const GET: &str = "DynamoDB.GetItem";
const UPDATE: &str = "DynamoDB.UpdateItem";

/// The record of what was seen.
#[derive(Debug, Clone)]
pub struct EnrolmentRecord {
    client: Client,
    table: String,
    key: String,
}

/// The item, but for its key.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Item {
    #[serde(default)]
    enrolments: Enrolments,
}

impl EnrolmentRecord {
    /// The record of the hook of this name, in this table.
    pub fn new(client: Client, table: String, hook: &HookName) -> Self {
        Self { client, table, key: format!("hook:{hook}") }
    }

    /// What was seen; empty at first.
    ///
    /// # Errors
    /// [`Error::Throttled`], [`Error::Unavailable`], [`Error::AccessDenied`] or [`Error::Unexpected`]; so for every call here.
    pub async fn read(&self) -> Result<Enrolments, Error> {
        let request = self.client.get_item().table_name(&self.table).key(CLAIM, self.key()).consistent_read(true);
        let answer = request.customize().config_override(in_short()).send().await.map_err(|e| of_call(GET, &e))?;
        let item: Option<Item> =
            answer.item.map(serde_dynamo::from_item).transpose().map_err(|e| unexpected(GET, e.to_string()))?;
        Ok(item.unwrap_or_default().enrolments)
    }

    /// Replaces what was seen before, unless it has changed since: a person makes the stack forget a group, or another call of the schedule was
    /// faster. The answer says whether it was replaced.
    ///
    /// # Errors
    /// See [`EnrolmentRecord::read`].
    pub async fn replace(&self, before: &Enrolments, seen: &Enrolments) -> Result<bool, Error> {
        let value = |seen| serde_dynamo::to_attribute_value(seen).map_err(|e| unexpected(UPDATE, e.to_string()));
        let request = self.client.update_item().table_name(&self.table).key(CLAIM, self.key());
        let request = request
            .update_expression("SET enrolments = :seen")
            .condition_expression(match before.is_empty() {
                true => "attribute_not_exists(enrolments) OR enrolments = :before",
                false => "enrolments = :before",
            })
            .expression_attribute_values(":before", value(before)?)
            .expression_attribute_values(":seen", value(seen)?);
        match request.customize().config_override(in_short()).send().await {
            Ok(_) => Ok(true),
            Err(e) if e.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => Ok(false),
            Err(e) => Err(of_call(UPDATE, &e)),
        }
    }

    fn key(&self) -> AttributeValue {
        AttributeValue::S(self.key.clone())
    }
}
