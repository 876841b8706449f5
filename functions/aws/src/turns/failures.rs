//! The failed launches of an Auto Scaling group, in its claim.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use turnstile::limits::MOST_FAILURES;
use turnstile::policy::turn::claim_on;
use turnstile::words::error::Error;
use turnstile::words::ids::{AutoScalingGroupName, InstanceId};

use super::{CLAIM, Turns, key_value};
use crate::error::of_call;

/// Of an Auto Scaling group: the instances whose launches have failed since the last that succeeded.
const FAILURES: &str = "failures";
/// Of an Auto Scaling group: those of them that were terminated while they waited, before their rollouts gave them up.
const TERMINATED: &str = "terminatedLaunches";

impl Turns {
    /// Counts a launch of an Auto Scaling group whose instance was terminated while it waited, each once; see [`Turns::count_failure`].
    ///
    /// # Errors
    /// See [`Turns::read`].
    pub async fn count_terminated(
        &self,
        auto_scaling_group: &AutoScalingGroupName,
        instance_id: &InstanceId,
    ) -> Result<u32, Error> {
        self.count(TERMINATED, auto_scaling_group, instance_id).await
    }

    /// Counts a failed launch of an Auto Scaling group, each instance once. The answer is how many have failed since the last launch that
    /// succeeded, [`MOST_FAILURES`] at the most.
    ///
    /// # Errors
    /// See [`Turns::read`].
    pub async fn count_failure(
        &self,
        auto_scaling_group: &AutoScalingGroupName,
        instance_id: &InstanceId,
    ) -> Result<u32, Error> {
        self.count(FAILURES, auto_scaling_group, instance_id).await
    }

    async fn count(
        &self,
        what: &str,
        auto_scaling_group: &AutoScalingGroupName,
        instance_id: &InstanceId,
    ) -> Result<u32, Error> {
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .key(CLAIM, key_value(&claim_on(auto_scaling_group)))
            .update_expression(format!("ADD {what} :instance"))
            .condition_expression(format!("attribute_not_exists({what}) OR size({what}) < :most"))
            .expression_attribute_values(":instance", AttributeValue::Ss(vec![instance_id.to_string()]))
            .expression_attribute_values(":most", AttributeValue::N(MOST_FAILURES.to_string()))
            .return_values(ReturnValue::AllNew);
        match request.send().await {
            Ok(answer) => {
                let counted = answer.attributes().and_then(|new| new.get(what)?.as_ss().ok()).map_or(1, Vec::len);
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
    pub async fn clear_failures(&self, auto_scaling_group: &AutoScalingGroupName) -> Result<(), Error> {
        let claim = claim_on(auto_scaling_group);
        self.update_if(
            &claim,
            "REMOVE failures, terminatedLaunches",
            "attribute_exists(failures) OR attribute_exists(terminatedLaunches)",
            HashMap::new(),
        )
        .await?;
        Ok(())
    }
}
