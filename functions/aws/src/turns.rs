//! The DynamoDB calls: the table of turns.

mod creation;
mod failures;
mod queue;

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, KeysAndAttributes, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
    Update,
};
use serde::Serialize;
use turnstile::policy::turn::{TurnState, claim_on_deployment_group};
use turnstile::words::application::DeploymentGroup;
use turnstile::words::error::Error;
use turnstile::words::ids::{AutoScalingGroupName, ClaimKey, DeploymentId, ExecutionArn};
use turnstile::words::time::Timestamp;
use turnstile::words::turn::{Claim, FinishedDeployment, Stop, Taking};

use crate::error::{of_call, of_code, unexpected};

const TURN_LOST: &str = "the rollout does not hold its turn any more";

/// The table's key.
const CLAIM: &str = "claim";
/// Of a claim: that the execution `:me` holds it in its round `:round`, or has taken it before there were rounds.
const IN_ROUND: &str = "holder = :me AND (attribute_not_exists(round) OR round = :round)";
/// The same, and that the last calls of the holder before are over.
const IN_USE: &str =
    "holder = :me AND (attribute_not_exists(round) OR round = :round) AND attribute_not_exists(draining)";
/// Of a claim: that the execution `:me` has not gone on beyond its round `:round`. It has not taken it later, nor given it back since. Nor has
/// another one taken it after `:now`, when this call was asked for: a claim remembers only who has given it back last.
const NOT_LATE: &str = "(attribute_not_exists(round) OR holder <> :me OR round <= :round) \
     AND (attribute_not_exists(returnedBy) OR returnedBy <> :me OR returnedRound < :round) \
     AND (attribute_not_exists(takenAt) OR takenAt <= :now)";

/// What is written to a claim that is taken.
const TAKEN: &str = "holder = :me, round = :round, takenAt = :now";
/// What is added to it.
const TAKEN_FOR: &str = "takenFor :group";

/// The table of turns: an item for each claim.
#[derive(Debug, Clone)]
pub struct Turns {
    client: Client,
    table: String,
}

impl Turns {
    /// The table of this name, as this client sees it.
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// The claims that the table has of these, by a consistent read.
    ///
    /// # Errors
    /// [`Error::Throttled`], [`Error::Unavailable`], [`Error::AccessDenied`] or [`Error::Unexpected`]; so for every call here.
    pub async fn read(&self, claims: &[ClaimKey]) -> Result<Vec<Claim>, Error> {
        const CALL: &str = "DynamoDB.BatchGetItem";
        let keys = claims.iter().map(|claim| HashMap::from([(CLAIM.to_owned(), key_value(claim))]));
        let request = KeysAndAttributes::builder().set_keys(Some(keys.collect())).consistent_read(true).build();
        let request = request.map_err(|e| unexpected(CALL, e.to_string()))?;
        let answer = self.client.batch_get_item().request_items(&self.table, request).send().await;
        let answer = answer.map_err(|e| of_call(CALL, &e))?;
        if answer.unprocessed_keys().is_some_and(|left| !left.is_empty()) {
            return Err(Error::Throttled { call: CALL, message: "not all of the turn's claims were read".into() });
        }
        let items = answer.responses.unwrap_or_default().remove(&self.table).unwrap_or_default();
        serde_dynamo::from_items(items).map_err(|e| unexpected(CALL, e.to_string()))
    }

    /// These claims of a rollout's turn, after making sure that it holds them all in this round. Without the turn it may neither start nor stop
    /// anything.
    ///
    /// # Errors
    /// [`Error::TurnLost`], else see [`Turns::read`].
    pub async fn require(
        &self,
        claims: &[ClaimKey],
        execution: &ExecutionArn,
        round: u32,
    ) -> Result<Vec<Claim>, Error> {
        let found = self.read(claims).await?;
        match TurnState::of(claims, &found, execution, round) {
            TurnState::Mine => Ok(found),
            TurnState::Draining | TurnState::Free { .. } => Err(Error::TurnLost(TURN_LOST.into())),
            TurnState::Held(holders) => {
                let holders: Vec<&str> = holders.iter().map(ExecutionArn::as_str).collect();
                Err(Error::TurnLost(format!("{TURN_LOST}: {} does", holders.join(", "))))
            }
        }
    }

    /// Takes all claims or none for a round of the execution. Those that it holds already stay its own, unless they are draining. It gets
    /// none back that it has taken or given back in a later round, and none that it has given back in this one.
    ///
    /// # Errors
    /// See [`Turns::read`].
    pub async fn take(
        &self,
        claims: &[ClaimKey],
        taken_for: &AutoScalingGroupName,
        (execution, round): (&ExecutionArn, u32),
        now: Timestamp,
    ) -> Result<Taking, Error> {
        let condition =
            format!("(attribute_not_exists(holder) OR holder = :me) AND attribute_not_exists(draining) AND {NOT_LATE}");
        let set = format!("SET {TAKEN} REMOVE made ADD {TAKEN_FOR}");
        self.write(claims, &set, &condition, taken_by(taken_for, execution, round, now)).await
    }

    /// Takes all claims or none, as [`Turns::take`], among them those of holders that have `ended`. The claims are draining from then on, also
    /// those that the execution holds already.
    ///
    /// # Errors
    /// See [`Turns::read`].
    pub async fn take_over(
        &self,
        claims: &[ClaimKey],
        taken_for: &AutoScalingGroupName,
        (execution, round): (&ExecutionArn, u32),
        ended: &BTreeSet<ExecutionArn>,
        now: Timestamp,
    ) -> Result<Taking, Error> {
        let mut values = taken_by(taken_for, execution, round, now);
        values.insert(":yes".to_owned(), AttributeValue::Bool(true));
        let names: Vec<String> = (0..ended.len()).map(|i| format!(":ended{i}")).collect();
        values.extend(names.iter().cloned().zip(ended.iter().map(|holder| AttributeValue::S(holder.to_string()))));
        let holders = [vec![":me".to_owned()], names].concat().join(", ");
        let condition = format!("(attribute_not_exists(holder) OR holder IN ({holders})) AND {NOT_LATE}");
        let set = format!("SET {TAKEN}, draining = :yes REMOVE made ADD {TAKEN_FOR}");
        self.write(claims, &set, &condition, values).await
    }

    /// Ends the draining of the claims that the execution holds in this round.
    ///
    /// # Errors
    /// See [`Turns::read`].
    pub async fn end_draining(
        &self,
        claims: &[ClaimKey],
        execution: &ExecutionArn,
        round: u32,
    ) -> Result<Taking, Error> {
        self.write(claims, "REMOVE draining, unanswered", IN_ROUND, me_in(execution, round)).await
    }

    /// Gives back those of the claims that the execution has taken in this round or before; without a round, whatever it holds of them. It gets
    /// them again in a later round only. `drains`: a call of the execution may still be under way. So may a CreateDeployment that has got no
    /// answer: then the claim that has the record of it drains, too, and so do those that follow. Claims that are draining stay so: only time
    /// ends that.
    ///
    /// # Errors
    /// See [`Turns::read`].
    pub async fn give_back(
        &self,
        claims: &[ClaimKey],
        execution: &ExecutionArn,
        round: Option<u32>,
        mut drains: bool,
    ) -> Result<(), Error> {
        let mut values = HashMap::from([me(execution)]);
        let (mut returned, mut condition) = (Vec::new(), "holder = :me".to_owned());
        if let Some(round) = round {
            values.insert(":round".to_owned(), number(round));
            returned.push("returnedBy = :me, returnedRound = :round");
            condition += " AND (attribute_not_exists(round) OR round <= :round)";
        }
        let change = |returned: &[&str]| match returned {
            [] => "REMOVE holder, round, unanswered".to_owned(),
            returned => format!("SET {} REMOVE holder, round, unanswered", returned.join(", ")),
        };
        let given_back = change(&returned);
        let all_answered = format!("{condition} AND attribute_not_exists(unanswered)");
        let mut left = claims;
        while let ([claim, others @ ..], false) = (left, drains) {
            // Refused, too, where the execution does not hold the claim.
            let is_given_back = self.update_if(claim, &given_back, &all_answered, values.clone()).await?;
            match is_given_back || !self.has_unanswered(claim, execution).await? {
                true => left = others,
                false => drains = true,
            }
        }
        values.insert(":yes".to_owned(), AttributeValue::Bool(true));
        returned.push("draining = :yes");
        let given_back_draining = change(&returned);
        // The claim that has the record is the last to go: it says that all have to drain, should this call end in the middle.
        for claim in left.iter().rev() {
            self.update_if(claim, &given_back_draining, &condition, values.clone()).await?;
        }
        Ok(())
    }

    /// Whether the claim has the record of a CreateDeployment of the execution that has got no answer. It may take effect when the claim is
    /// another rollout's.
    async fn has_unanswered(&self, claim: &ClaimKey, execution: &ExecutionArn) -> Result<bool, Error> {
        let found = self.read(std::slice::from_ref(claim)).await?;
        Ok(found.iter().any(|claim| claim.holder.as_ref() == Some(execution) && claim.unanswered.is_some()))
    }

    /// Gives claims back with which a rollout that goes on is done. Claims that stay behind are given back at its end.
    pub async fn give_back_courteously(&self, claims: Vec<ClaimKey>, execution: &ExecutionArn, round: u32) {
        if let Err(error) = self.give_back(&claims, execution, Some(round), false).await {
            tracing::warn!(error = error.name(), reason = %error, "keeps the turn until the rollout ends");
        }
    }

    /// Publishes to the rollouts that wait which deployment of a group has finished, if the execution holds the claim on the group.
    ///
    /// # Errors
    /// See [`Turns::read`].
    pub async fn publish_finished(
        &self,
        group: &DeploymentGroup,
        finished: &FinishedDeployment,
        execution: &ExecutionArn,
    ) -> Result<(), Error> {
        let mut values = HashMap::from([me(execution), (":finished".to_owned(), value_of(finished)?)]);
        let mut condition = "holder = :me".to_owned();
        // A call that is repeated late must not bring an older deployment back.
        if let Some(ended_at) = finished.ended_at {
            condition += " AND (attribute_not_exists(finished.endedAt) OR finished.endedAt <= :endedAt)";
            values.insert(":endedAt".to_owned(), AttributeValue::N(ended_at.seconds().to_string()));
        }
        self.update_if(&claim_on_deployment_group(group), "SET finished = :finished", &condition, values).await?;
        Ok(())
    }

    /// Records that the execution is about to stop a deployment of a group, if it holds the claim on the group in this round. Nothing is
    /// stopped without the turn in hand.
    ///
    /// # Errors
    /// [`Error::TurnLost`], else see [`Turns::read`].
    pub async fn record_stop(&self, group: &DeploymentGroup, stop: &Stop) -> Result<(), Error> {
        let mut values = me_in(&stop.by, stop.round);
        values.insert(":stop".to_owned(), value_of(stop)?);
        match self.update_if(&claim_on_deployment_group(group), "SET stop = :stop", IN_USE, values).await? {
            true => Ok(()),
            false => Err(Error::TurnLost(TURN_LOST.into())),
        }
    }

    /// How a rollout stopped a deployment of a group; `None` when none has.
    ///
    /// # Errors
    /// See [`Turns::read`].
    pub async fn stop_of(&self, group: &DeploymentGroup, deployment_id: &DeploymentId) -> Result<Option<Stop>, Error> {
        let found = self.read(&[claim_on_deployment_group(group)]).await?;
        let stop = found.into_iter().find_map(|claim| claim.stop);
        Ok(stop.filter(|stop| stop.deployment_id == *deployment_id))
    }

    /// Writes one claim if it meets the condition. The answer says whether it did.
    async fn update_if(
        &self,
        claim: &ClaimKey,
        expression: &str,
        condition: &str,
        values: HashMap<String, AttributeValue>,
    ) -> Result<bool, Error> {
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .key(CLAIM, key_value(claim))
            .update_expression(expression)
            .condition_expression(condition)
            .set_expression_attribute_values((!values.is_empty()).then_some(values));
        match request.send().await {
            Ok(_) => Ok(true),
            Err(e) if e.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => Ok(false),
            Err(e) => Err(of_call("DynamoDB.UpdateItem", &e)),
        }
    }

    /// Writes all claims or none. A refusal brings back who holds those that did not meet the condition.
    async fn write(
        &self,
        claims: &[ClaimKey],
        expression: &str,
        condition: &str,
        values: HashMap<String, AttributeValue>,
    ) -> Result<Taking, Error> {
        const CALL: &str = "DynamoDB.TransactWriteItems";
        let mut request = self.client.transact_write_items();
        for claim in claims {
            let update = Update::builder()
                .table_name(&self.table)
                .key(CLAIM, key_value(claim))
                .update_expression(expression)
                .condition_expression(condition)
                .set_expression_attribute_values(Some(values.clone()))
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
                .build()
                .map_err(|e| unexpected(CALL, e.to_string()))?;
            request = request.transact_items(TransactWriteItem::builder().update(update).build());
        }
        match request.send().await {
            Ok(_) => Ok(Taking::Taken),
            Err(e) => match reasons(&e) {
                Some(reasons) => refused(reasons),
                None => Err(of_call(CALL, &e)),
            },
        }
    }
}

fn key_value(claim: &ClaimKey) -> AttributeValue {
    AttributeValue::S(claim.to_string())
}

fn me(execution: &ExecutionArn) -> (String, AttributeValue) {
    (":me".to_owned(), AttributeValue::S(execution.to_string()))
}

fn me_in(execution: &ExecutionArn, round: u32) -> HashMap<String, AttributeValue> {
    HashMap::from([me(execution), (":round".to_owned(), number(round))])
}

fn taken_by(
    taken_for: &AutoScalingGroupName,
    execution: &ExecutionArn,
    round: u32,
    now: Timestamp,
) -> HashMap<String, AttributeValue> {
    let mut values = me_in(execution, round);
    values.insert(":now".to_owned(), AttributeValue::N(now.seconds().to_string()));
    values.insert(":group".to_owned(), AttributeValue::Ss(vec![taken_for.to_string()]));
    values
}

fn value_of<T: Serialize>(thing: &T) -> Result<AttributeValue, Error> {
    serde_dynamo::to_attribute_value(thing).map_err(|e| unexpected("DynamoDB.UpdateItem", e.to_string()))
}

fn number(number: u32) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

fn reasons<R>(error: &SdkError<TransactWriteItemsError, R>) -> Option<&[CancellationReason]> {
    match error.as_service_error()? {
        TransactWriteItemsError::TransactionCanceledException(cancelled) => Some(cancelled.cancellation_reasons()),
        _ => None,
    }
}

/// What a cancelled transaction means, by the reasons of its items (DynamoDB API reference, TransactWriteItems).
fn refused(reasons: &[CancellationReason]) -> Result<Taking, Error> {
    let codes: BTreeSet<&str> =
        reasons.iter().filter_map(|reason| reason.code()).filter(|code| *code != "None").collect();
    if let Some(code) = codes.iter().find(|code| !matches!(**code, "ConditionalCheckFailed" | "TransactionConflict")) {
        let message = reasons.iter().find(|reason| reason.code() == Some(code)).and_then(|reason| reason.message());
        return Err(of_code("DynamoDB.TransactWriteItems", code, message.unwrap_or_default(), None));
    }
    let items: Vec<_> = reasons.iter().filter_map(|reason| reason.item.clone()).collect();
    let claims: Vec<Claim> =
        serde_dynamo::from_items(items).map_err(|e| unexpected("DynamoDB.TransactWriteItems", e.to_string()))?;
    Ok(Taking::Refused(claims.into_iter().filter_map(|claim| claim.holder).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_transaction_brings_the_holders() {
        let reason = |code: &str| CancellationReason::builder().code(code).message("m");
        let held = |holder: &str| {
            reason("ConditionalCheckFailed")
                .item(CLAIM, AttributeValue::S("a".into()))
                .item("holder", AttributeValue::S(holder.into()))
                .build()
        };
        let none = reason("None").build();
        let refusal =
            |holders: &[&str]| Ok(Taking::Refused(holders.iter().map(|holder| ExecutionArn::from(*holder)).collect()));
        assert_eq!(refused(&[held("x"), none.clone(), held("x"), held("y")]), refusal(&["x", "y"]));
        assert_eq!(refused(&[none.clone(), reason("TransactionConflict").build()]), refusal(&[]));
        for (code, name) in [
            ("ThrottlingError", "Turnstile.Throttled"),
            ("ProvisionedThroughputExceeded", "Turnstile.Throttled"),
            ("ValidationError", "Turnstile.Unexpected"),
        ] {
            assert_eq!(refused(&[held("x"), reason(code).build()]).unwrap_err().name(), name);
        }
    }
}
