//! The DynamoDB calls about who owns a launch: an item of the table of turns for each.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use turnstile::limits::LONGEST_HOOK;
use turnstile::policy::owner;
use turnstile::words::error::Error;
use turnstile::words::hook::LifecycleAction;
use turnstile::words::ids::ExecutionArn;
use turnstile::words::owner::{Destination, Owner, Phase};
use turnstile::words::time::Timestamp;

use crate::error::{of_call, unexpected};

/// The table's key.
pub(crate) const CLAIM: &str = "claim";
const GET: &str = "DynamoDB.GetItem";
const UPDATE: &str = "DynamoDB.UpdateItem";

/// The heartbeat waits for no longer than this for the answer who owns the launch.
const LONGEST_QUESTION: Duration = Duration::from_secs(5);
/// For how long an item is kept, in seconds: until the hook is over for certain, and another day for whoever wants to look at it.
const KEPT: u32 = LONGEST_HOOK + 24 * 3_600;

/// Who owns each launch.
#[derive(Debug, Clone)]
pub struct Owners {
    client: Client,
    table: String,
}

impl Owners {
    /// The owners in the table of this name, as this client sees it.
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// Who owns a launch, by a consistent read.
    ///
    /// # Errors
    /// [`Error::Throttled`], [`Error::Unavailable`], [`Error::AccessDenied`] or [`Error::Unexpected`]; so for every call here.
    pub async fn read(&self, action: &LifecycleAction) -> Result<Option<Owner>, Error> {
        let request = self.client.get_item().table_name(&self.table).key(CLAIM, key(action)).consistent_read(true);
        let answer = request.customize().config_override(in_short()).send().await.map_err(|e| of_call(GET, &e))?;
        let item = answer.item.filter(|item| item.contains_key("ownedBy"));
        item.map(serde_dynamo::from_item).transpose().map_err(|e| unexpected(GET, e.to_string()))
    }

    /// Makes the execution the owner, if the item is still as it was `found`. The answer says whether it was.
    ///
    /// # Errors
    /// See [`Owners::read`].
    pub async fn own(
        &self,
        action: &LifecycleAction,
        found: Option<&Owner>,
        owner: &Owner,
        now: Option<Timestamp>,
    ) -> Result<bool, Error> {
        let mut request = self
            .update(action)
            .expression_attribute_values(":me", text(owner.owned_by.as_str()))
            .expression_attribute_values(":phase", text(owner.phase.as_str()));
        let mut set = "SET ownedBy = :me, phase = :phase".to_owned();
        let destination = owner.destination.map(Destination::as_str).map(text);
        let opened_at = owner.opened_at.map(|time| number(time.seconds()));
        let expires_at = now.map(|now| number(now.seconds() + i64::from(KEPT)));
        let mut remove = Vec::new();
        for (name, value) in [("destination", destination), ("openedAt", opened_at), ("expiresAt", expires_at)] {
            match value {
                Some(value) => {
                    set += &format!(", {name} = :{name}");
                    request = request.expression_attribute_values(format!(":{name}"), value);
                }
                // What the item says of an earlier launch does not hold for this one.
                None => remove.push(name),
            }
        }
        if !remove.is_empty() {
            set += &format!(" REMOVE {}", remove.join(", "));
        }
        request = match found {
            None => request.condition_expression("attribute_not_exists(ownedBy)"),
            Some(found) => request
                .condition_expression("ownedBy = :owner AND (attribute_not_exists(phase) OR phase = :was)")
                .expression_attribute_values(":owner", text(found.owned_by.as_str()))
                .expression_attribute_values(":was", text(found.phase.as_str())),
        };
        match request.update_expression(set).send().await {
            Ok(_) => Ok(true),
            Err(e) if e.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception) => {
                Ok(false)
            }
            Err(e) => Err(of_call(UPDATE, &e)),
        }
    }

    /// Makes sure that the execution owns the launch and has not let go of it. An item that somebody has deleted is made again.
    ///
    /// # Errors
    /// [`Error::LaunchTakenOver`], else see [`Owners::read`].
    pub async fn confirm(&self, action: &LifecycleAction, execution: &ExecutionArn) -> Result<(), Error> {
        let request = self.update(action).update_expression("SET ownedBy = :me");
        self.as_owner(request, &[Phase::Over], execution).await
    }

    /// The same for a call that completes the hook: repeated because its answer was lost, it finds that it has let go of the launch.
    ///
    /// # Errors
    /// See [`Owners::confirm`].
    pub async fn confirm_at_last(&self, action: &LifecycleAction, execution: &ExecutionArn) -> Result<(), Error> {
        let request = self.update(action).update_expression("SET ownedBy = :me");
        self.as_owner(request, &[], execution).await
    }

    /// Records what the owner does next about its launch. A late call does not take it back to what it has done before: least of all
    /// does it offer a launch that its rollout is about to abandon.
    ///
    /// # Errors
    /// See [`Owners::confirm`].
    pub async fn enter(&self, action: &LifecycleAction, execution: &ExecutionArn, phase: Phase) -> Result<(), Error> {
        let request = self.update(action).update_expression("SET ownedBy = :me, phase = :phase");
        let request = request.expression_attribute_values(":phase", text(phase.as_str()));
        let not_after: &[Phase] = match phase {
            Phase::AtWork | Phase::BacksOff => &[Phase::GivesUp, Phase::Over],
            Phase::LetsIn | Phase::GivesUp | Phase::Over => &[],
        };
        self.as_owner(request, not_after, execution).await
    }

    fn update(&self, action: &LifecycleAction) -> UpdateItemFluentBuilder {
        self.client.update_item().table_name(&self.table).key(CLAIM, key(action))
    }

    /// Writes the item if the execution owns the launch and is in none of these phases, or if there is no item.
    async fn as_owner(
        &self,
        mut request: UpdateItemFluentBuilder,
        not_after: &[Phase],
        execution: &ExecutionArn,
    ) -> Result<(), Error> {
        let mut mine = "ownedBy = :me".to_owned();
        for phase in not_after {
            mine += &format!(" AND (attribute_not_exists(phase) OR phase <> :{phase:?})");
            request = request.expression_attribute_values(format!(":{phase:?}"), text(phase.as_str()));
        }
        let answer = request
            .condition_expression(format!("attribute_not_exists(ownedBy) OR ({mine})"))
            .expression_attribute_values(":me", text(execution.as_str()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .customize()
            .config_override(in_short())
            .send()
            .await;
        match answer {
            Ok(_) => Ok(()),
            Err(e) => match e.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refusal)) => {
                    let owner = refusal.item.as_ref().and_then(|item| item.get("ownedBy")?.as_s().ok());
                    Err(Error::LaunchTakenOver(match owner {
                        Some(owner) if owner != execution.as_str() => format!("{owner} owns the launch now"),
                        _ => "the rollout has finished with its launch already".to_owned(),
                    }))
                }
                _ => Err(of_call(UPDATE, &e)),
            },
        }
    }
}

fn key(action: &LifecycleAction) -> AttributeValue {
    AttributeValue::S(owner::key(action).into())
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn number(number: i64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// The SDK's tries of such a call end in time for the heartbeat.
pub(crate) fn in_short() -> aws_sdk_dynamodb::config::Builder {
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(LONGEST_QUESTION / 2)
        .operation_timeout(LONGEST_QUESTION)
        .build();
    aws_sdk_dynamodb::config::Builder::new().timeout_config(timeouts)
}
