//! The instances that queue for a turn, and those whose gates the turn moves.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use turnstile::limits::LONGEST_CALL;
use turnstile::policy::turn;
use turnstile::words::application::DeploymentGroup;
use turnstile::words::error::Error;
use turnstile::words::ids::{AutoScalingGroupName, ClaimKey, ExecutionArn, InstanceId};
use turnstile::words::time::Timestamp;
use turnstile::words::turn::Claim;

use super::{CLAIM, IN_ROUND, IN_USE, TURN_LOST, Turns, key_value, me_in};
use crate::error::{of_call, unexpected};

impl Turns {
    /// Lets an instance queue for its turn. Whoever has the turn may move its gate from now on.
    ///
    /// # Errors
    /// See [`Turns::read`].
    pub async fn queue(&self, queue: &ClaimKey, instance_id: &InstanceId) -> Result<(), Error> {
        self.change_sets(queue, "ADD waiting :instances", std::slice::from_ref(instance_id)).await
    }

    /// Lets an instance leave the queue, unless its gate is being moved at this moment: from then on only its own rollout moves its gate.
    /// The answer says whether it has left.
    ///
    /// # Errors
    /// See [`Turns::read`].
    pub async fn leave_queue(&self, queue: &ClaimKey, instance_id: &InstanceId, now: Timestamp) -> Result<bool, Error> {
        // A holder that has ended amid the calls comes to no end of it.
        let over = now.minus_seconds(LONGEST_CALL).seconds();
        let values = HashMap::from([
            (":instances".to_owned(), AttributeValue::Ss(vec![instance_id.to_string()])),
            (":instance".to_owned(), AttributeValue::S(instance_id.to_string())),
            (":over".to_owned(), AttributeValue::N(over.to_string())),
        ]);
        let condition = "attribute_not_exists(movingSince) OR movingSince < :over OR NOT contains(cohort, :instance)";
        self.update_if(queue, "DELETE waiting :instances, silent :instances", condition, values).await
    }

    /// Takes an instance out of the queue whose rollout has the turn.
    ///
    /// # Errors
    /// See [`Turns::read`].
    pub async fn strike_out(&self, queue: &ClaimKey, instance_id: &InstanceId) -> Result<(), Error> {
        self.change_sets(queue, "DELETE waiting :instances", std::slice::from_ref(instance_id)).await
    }

    /// Forgets an instance that no deployment has to serve any more.
    ///
    /// # Errors
    /// See [`Turns::read`].
    pub async fn forget(&self, queues: &[ClaimKey], instance_id: &InstanceId) -> Result<(), Error> {
        let change = "DELETE waiting :instances, silent :instances";
        for queue in queues {
            self.change_sets(queue, change, std::slice::from_ref(instance_id)).await?;
        }
        Ok(())
    }

    /// Records on which instances a deployment did not begin although others had come to an end. They are in no cohort but their own until they
    /// leave the queue.
    ///
    /// # Errors
    /// See [`Turns::read`].
    pub async fn record_silent(&self, queue: &ClaimKey, instances: &[InstanceId]) -> Result<(), Error> {
        self.change_sets(queue, "ADD silent :instances", instances).await
    }

    /// Records that a rollout of an Auto Scaling group deploys to this deployment group.
    ///
    /// # Errors
    /// See [`Turns::read`].
    pub async fn record_group(
        &self,
        auto_scaling_group: &AutoScalingGroupName,
        group: &DeploymentGroup,
    ) -> Result<(), Error> {
        let request = self.client.update_item().table_name(&self.table);
        let request = request.key(CLAIM, key_value(&turn::claim_on(auto_scaling_group)));
        let request = request.update_expression("ADD deploymentGroups :groups");
        let request = request.expression_attribute_values(":groups", AttributeValue::Ss(vec![group.to_string()]));
        request.send().await.map_err(|e| of_call("DynamoDB.UpdateItem", &e))?;
        Ok(())
    }

    async fn change_sets(&self, queue: &ClaimKey, change: &str, instances: &[InstanceId]) -> Result<(), Error> {
        if instances.is_empty() {
            return Ok(());
        }
        let values = HashMap::from([(":instances".to_owned(), set(instances))]);
        let request = self.client.update_item().table_name(&self.table).key(CLAIM, key_value(queue));
        let request = request.update_expression(change).set_expression_attribute_values(Some(values));
        request.send().await.map_err(|e| of_call("DynamoDB.UpdateItem", &e))?;
        Ok(())
    }

    /// Records that the execution, which has the turn, is about to move the gates of the cohort: its own instance and `others`. The answer is
    /// which of the others may be moved: those that are in the queue still. They stay there until the move is over.
    ///
    /// # Errors
    /// [`Error::TurnLost`], else see [`Turns::read`].
    pub async fn begin_move(
        &self,
        queue: &ClaimKey,
        own: &InstanceId,
        others: &BTreeSet<InstanceId>,
        (execution, round): (&ExecutionArn, u32),
        now: Timestamp,
    ) -> Result<BTreeSet<InstanceId>, Error> {
        const CALL: &str = "DynamoDB.UpdateItem";
        let cohort: Vec<InstanceId> = others.iter().chain([own]).cloned().collect();
        let mut values = me_in(execution, round);
        values.insert(":cohort".to_owned(), set(&cohort));
        values.insert(":now".to_owned(), AttributeValue::N(now.seconds().to_string()));
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .key(CLAIM, key_value(queue))
            .update_expression("SET cohort = :cohort, movingSince = :now")
            .condition_expression(IN_USE)
            .set_expression_attribute_values(Some(values))
            .return_values(ReturnValue::AllNew);
        let item = match request.send().await {
            Ok(answer) => answer.attributes.unwrap_or_default(),
            Err(e) if e.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
                return Err(Error::TurnLost(TURN_LOST.into()));
            }
            Err(e) => return Err(of_call(CALL, &e)),
        };
        let claim: Claim = serde_dynamo::from_item(item).map_err(|e| unexpected(CALL, e.to_string()))?;
        Ok(others.intersection(&claim.waiting).cloned().collect())
    }

    /// Records that the execution has moved the gates.
    ///
    /// # Errors
    /// [`Error::TurnLost`], else see [`Turns::read`].
    pub async fn end_move(&self, queue: &ClaimKey, execution: &ExecutionArn, round: u32) -> Result<(), Error> {
        self.end(queue, "REMOVE movingSince", execution, round).await
    }

    /// Records that the execution has shut the gates of its cohort.
    ///
    /// # Errors
    /// See [`Turns::end_move`].
    pub async fn end_shutting(&self, queue: &ClaimKey, execution: &ExecutionArn, round: u32) -> Result<(), Error> {
        self.end(queue, "REMOVE movingSince, cohort", execution, round).await
    }

    async fn end(&self, queue: &ClaimKey, change: &str, execution: &ExecutionArn, round: u32) -> Result<(), Error> {
        match self.update_if(queue, change, IN_ROUND, me_in(execution, round)).await? {
            true => Ok(()),
            false => Err(Error::TurnLost(TURN_LOST.into())),
        }
    }
}

fn set(instances: &[InstanceId]) -> AttributeValue {
    AttributeValue::Ss(instances.iter().map(ToString::to_string).collect())
}
