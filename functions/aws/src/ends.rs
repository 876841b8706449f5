//! The DynamoDB calls about which ends of rollouts were told: an item of the table of turns for each.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use turnstile::limits::{LONGEST_TELLING, TOLD_IS_KEPT};
use turnstile::words::error::Error;
use turnstile::words::execution::EndId;
use turnstile::words::time::Timestamp;

use crate::error::of_call;

/// The table's key.
const CLAIM: &str = "claim";
const GET: &str = "DynamoDB.GetItem";
const UPDATE: &str = "DynamoDB.UpdateItem";

/// What is told of an end, each on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Figures,
    Message,
    Event,
}

impl Part {
    /// The attribute of an item that says that this was told.
    const fn attribute(self) -> &'static str {
        match self {
            Self::Figures => "figuresTold",
            Self::Message => "messageTold",
            Self::Event => "eventTold",
        }
    }
}

/// What was told of an end so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Told {
    pub figures: bool,
    pub message: bool,
    pub event: bool,
}

impl Told {
    fn of(item: Option<&HashMap<String, AttributeValue>>) -> Self {
        let has = |part: Part| item.is_some_and(|item| item.contains_key(part.attribute()));
        Self { figures: has(Part::Figures), message: has(Part::Message), event: has(Part::Event) }
    }

    /// Whether nothing is left to tell anybody. Figures come first, and are told with the rest.
    fn is_all(self) -> bool {
        self.message && self.event
    }
}

/// Which ends of rollouts were told.
#[derive(Debug, Clone)]
pub struct Ends {
    client: Client,
    table: String,
}

/// How it stands with the telling of an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Telling {
    /// What is left of it is this call's to tell.
    Ours { told: Told },
    /// It was told.
    Done,
    /// Another call is about to.
    Theirs,
}

impl Ends {
    /// The ends in the table of this name, as this client sees it.
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// Whether an end was told, by a consistent read.
    ///
    /// # Errors
    /// [`Error::Throttled`], [`Error::Unavailable`], [`Error::AccessDenied`] or [`Error::Unexpected`]; so for every call here.
    pub async fn is_told(&self, end: &EndId) -> Result<bool, Error> {
        let request = self.client.get_item().table_name(&self.table).key(CLAIM, key(end)).consistent_read(true);
        let answer = request.send().await.map_err(|e| of_call(GET, &e))?;
        Ok(Told::of(answer.item()).is_all())
    }

    /// Begins to tell an end, unless another call is at it or has been. `call` is a name that no other call has: with it a call that is repeated
    /// because its answer was lost is the same one.
    ///
    /// # Errors
    /// See [`Ends::is_told`].
    pub async fn begin(&self, end: &EndId, call: &str, now: Timestamp) -> Result<Telling, Error> {
        let answer = self
            .update(end)
            .update_expression("SET toldBy = :call, tellingUntil = :until, expiresAt = :expires")
            .condition_expression(format!(
                "(attribute_not_exists({}) OR attribute_not_exists({})) \
                 AND (attribute_not_exists(toldBy) OR toldBy = :call OR tellingUntil < :now)",
                Part::Message.attribute(),
                Part::Event.attribute()
            ))
            .expression_attribute_values(":call", AttributeValue::S(call.to_owned()))
            .expression_attribute_values(":now", seconds(now))
            .expression_attribute_values(":until", seconds(now.plus_seconds(LONGEST_TELLING)))
            .expression_attribute_values(":expires", seconds(now.plus_seconds(TOLD_IS_KEPT)))
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match answer {
            Ok(answer) => Ok(Telling::Ours { told: Told::of(answer.attributes()) }),
            Err(e) => match e.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refusal)) => {
                    Ok(if Told::of(refusal.item()).is_all() { Telling::Done } else { Telling::Theirs })
                }
                _ => Err(of_call(UPDATE, &e)),
            },
        }
    }

    /// Notes that a part was told.
    ///
    /// # Errors
    /// See [`Ends::is_told`].
    pub async fn note(&self, end: &EndId, part: Part) -> Result<(), Error> {
        let request = self.update(end).update_expression(format!("SET {} = :true", part.attribute()));
        let request = request.expression_attribute_values(":true", AttributeValue::Bool(true));
        request.send().await.map(drop).map_err(|e| of_call(UPDATE, &e))
    }

    /// Lets the next call tell what this one could not.
    ///
    /// # Errors
    /// See [`Ends::is_told`].
    pub async fn let_go(&self, end: &EndId, call: &str) -> Result<(), Error> {
        let request = self
            .update(end)
            .update_expression("SET tellingUntil = :none")
            .condition_expression("toldBy = :call")
            .expression_attribute_values(":none", AttributeValue::N("0".into()))
            .expression_attribute_values(":call", AttributeValue::S(call.to_owned()));
        match request.send().await {
            Err(e) if !e.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception) => {
                Err(of_call(UPDATE, &e))
            }
            _ => Ok(()),
        }
    }

    fn update(&self, end: &EndId) -> UpdateItemFluentBuilder {
        self.client.update_item().table_name(&self.table).key(CLAIM, key(end))
    }
}

fn key(end: &EndId) -> AttributeValue {
    AttributeValue::S(format!("end:{}#{}", end.execution, end.redrive_count))
}

fn seconds(time: Timestamp) -> AttributeValue {
    AttributeValue::N(time.seconds().to_string())
}
