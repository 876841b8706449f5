//! The table of turns.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, KeysAndAttributes, ReturnValue, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem, Update,
};
use turnstile::application::Application;
use turnstile::error::Error;
use turnstile::plan::Plan;
use turnstile::served::Finished;
use turnstile::turn::{Claim, Deploying, MOST_FAILURES, Standing, Taking, claim_on, claim_on_group, claims};

use crate::error::{of_call, of_code, unexpected};

/// The table's key.
const CLAIM: &str = "claim";
/// The instances whose launches have failed since the last that succeeded; of an Auto Scaling group.
const FAILURES: &str = "failures";

/// The table of claims.
#[derive(Debug, Clone)]
pub struct Turns {
    client: Client,
    table: String,
}

impl Turns {
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// The claims that the table has of these, by a consistent read.
    ///
    /// # Errors
    /// [`Error::Throttled`], [`Error::Unavailable`], [`Error::AccessDenied`] or [`Error::Unexpected`]; so for every call here.
    pub async fn read(&self, claims: &[String]) -> Result<Vec<Claim>, Error> {
        const CALL: &str = "DynamoDB.BatchGetItem";
        let keys = claims.iter().map(|claim| HashMap::from([(CLAIM.to_owned(), AttributeValue::S(claim.clone()))]));
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

    /// The rollout's claims, all of them its own. Nothing may be started, or stopped, without the turn.
    ///
    /// # Errors
    /// [`Error::TurnLost`], else see [`Turns::read`].
    pub async fn check(&self, plan: &Plan, execution: &str) -> Result<Vec<Claim>, Error> {
        let claims = claims(plan);
        let found = self.read(&claims).await?;
        let lost = "the rollout does not hold its turn any more";
        match Standing::of(&claims, &found, execution) {
            Standing::Mine => Ok(found),
            Standing::Settling | Standing::Free { .. } => Err(Error::TurnLost(lost.into())),
            Standing::Held(holders) => {
                Err(Error::TurnLost(format!("{lost}: {} does", Vec::from_iter(holders).join(", "))))
            }
        }
    }

    /// Takes all claims or none. Those that the execution holds already stay its own, unless they are settling.
    ///
    /// # Errors
    /// See [`Turns::read`].
    pub async fn take(&self, claims: &[String], execution: &str) -> Result<Taking, Error> {
        let condition = "attribute_not_exists(holder) OR (holder = :me AND attribute_not_exists(settling))";
        self.write(claims, "SET holder = :me", condition, HashMap::from([me(execution)])).await
    }

    /// Takes all claims or none, those of holders that have ended among them. The claims are settling from then on, also those
    /// that the execution holds already.
    ///
    /// # Errors
    /// See [`Turns::read`].
    pub async fn take_over(
        &self,
        claims: &[String],
        execution: &str,
        ended: &BTreeSet<String>,
    ) -> Result<Taking, Error> {
        let mut values = HashMap::from([me(execution), (":yes".to_owned(), AttributeValue::Bool(true))]);
        let names: Vec<String> = (0..ended.len()).map(|i| format!(":ended{i}")).collect();
        values.extend(names.iter().cloned().zip(ended.iter().cloned().map(AttributeValue::S)));
        let holders = [vec![":me".to_owned()], names].concat().join(", ");
        let condition = format!("attribute_not_exists(holder) OR holder IN ({holders})");
        self.write(claims, "SET holder = :me, settling = :yes", &condition, values).await
    }

    /// Ends the settling of the execution's own claims.
    ///
    /// # Errors
    /// See [`Turns::read`].
    pub async fn settle(&self, claims: &[String], execution: &str) -> Result<Taking, Error> {
        self.write(claims, "REMOVE settling", "holder = :me", HashMap::from([me(execution)])).await
    }

    /// Gives back those of the claims that the execution holds.
    ///
    /// # Errors
    /// See [`Turns::read`].
    pub async fn give_back(&self, claims: &[String], execution: &str) -> Result<(), Error> {
        for claim in claims {
            self.update(claim, "REMOVE holder, settling", HashMap::from([me(execution)])).await?;
        }
        Ok(())
    }

    /// Tells the rollouts that wait which deployment of an application is finished, if the execution holds the claim on it.
    ///
    /// # Errors
    /// See [`Turns::read`].
    pub async fn tell(&self, application: &Application, finished: &Finished, execution: &str) -> Result<(), Error> {
        let value =
            serde_dynamo::to_attribute_value(finished).map_err(|e| unexpected("DynamoDB.UpdateItem", e.to_string()))?;
        let mut values = HashMap::from([me(execution), (":finished".to_owned(), value)]);
        let mut condition = "holder = :me".to_owned();
        // A call that is repeated late must not bring an older deployment back.
        if let Some(ended_at) = finished.ended_at {
            condition += " AND (attribute_not_exists(finished.endedAt) OR finished.endedAt <= :endedAt)";
            values.insert(":endedAt".to_owned(), AttributeValue::N(ended_at.to_string()));
        }
        self.update_if(&claim_on(application), "SET finished = :finished", &condition, values).await?;
        Ok(())
    }

    /// Puts down, with the turn in hand, which application is deployed next: another rollout that has the turn after this one may
    /// not know the application, and has to wait for its deployment all the same. `false`: the execution does not hold the turn.
    ///
    /// # Errors
    /// See [`Turns::read`].
    pub async fn put_down(&self, group: &str, application: &Application, execution: &str) -> Result<bool, Error> {
        let deploying = Deploying {
            application_name: application.application_name.clone(),
            deployment_group_name: application.deployment_group_name.clone(),
        };
        let value = serde_dynamo::to_attribute_value(deploying)
            .map_err(|e| unexpected("DynamoDB.UpdateItem", e.to_string()))?;
        let values = HashMap::from([me(execution), (":deploying".to_owned(), value)]);
        let condition = "holder = :me AND attribute_not_exists(settling)";
        self.update_if(&claim_on_group(group), "SET deploying = :deploying", condition, values).await
    }

    /// Counts a failed launch of an Auto Scaling group, each instance once, and returns how many have failed since the last that
    /// succeeded, up to [`MOST_FAILURES`].
    ///
    /// # Errors
    /// See [`Turns::read`].
    pub async fn count_failure(&self, auto_scaling_group_name: &str, instance_id: &str) -> Result<u32, Error> {
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .key(CLAIM, AttributeValue::S(claim_on_group(auto_scaling_group_name)))
            .update_expression("ADD failures :instance")
            .condition_expression("attribute_not_exists(failures) OR size(failures) < :most")
            .expression_attribute_values(":instance", AttributeValue::Ss(vec![instance_id.to_owned()]))
            .expression_attribute_values(":most", AttributeValue::N(MOST_FAILURES.to_string()))
            .return_values(ReturnValue::AllNew);
        match request.send().await {
            Ok(answer) => {
                let counted = answer.attributes().and_then(|new| new.get(FAILURES)?.as_ss().ok()).map_or(1, Vec::len);
                Ok(u32::try_from(counted).unwrap_or(MOST_FAILURES))
            }
            Err(e) if e.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
                Ok(MOST_FAILURES)
            }
            Err(e) => Err(of_call("DynamoDB.UpdateItem", &e)),
        }
    }

    /// Forgets the failed launches of an Auto Scaling group.
    ///
    /// # Errors
    /// See [`Turns::read`].
    pub async fn clear_failures(&self, auto_scaling_group_name: &str) -> Result<(), Error> {
        let claim = claim_on_group(auto_scaling_group_name);
        self.update_if(&claim, "REMOVE failures", "attribute_exists(failures)", HashMap::new()).await?;
        Ok(())
    }

    /// Writes one claim if it is the execution's, else does nothing.
    async fn update(
        &self,
        claim: &str,
        expression: &str,
        values: HashMap<String, AttributeValue>,
    ) -> Result<(), Error> {
        self.update_if(claim, expression, "holder = :me", values).await?;
        Ok(())
    }

    /// Writes one claim if it meets the condition, else does nothing; whether it did.
    async fn update_if(
        &self,
        claim: &str,
        expression: &str,
        condition: &str,
        values: HashMap<String, AttributeValue>,
    ) -> Result<bool, Error> {
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .key(CLAIM, AttributeValue::S(claim.to_owned()))
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
        claims: &[String],
        expression: &str,
        condition: &str,
        values: HashMap<String, AttributeValue>,
    ) -> Result<Taking, Error> {
        const CALL: &str = "DynamoDB.TransactWriteItems";
        let mut request = self.client.transact_write_items();
        for claim in claims {
            let update = Update::builder()
                .table_name(&self.table)
                .key(CLAIM, AttributeValue::S(claim.clone()))
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

fn me(execution: &str) -> (String, AttributeValue) {
    (":me".to_owned(), AttributeValue::S(execution.to_owned()))
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
        let refusal = |holders: &[&str]| Ok(Taking::Refused(holders.iter().map(|holder| (*holder).into()).collect()));
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
