//! What a turn has on record of the deployment that comes next, and of the call of CreateDeployment that makes it.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use turnstile::words::error::Error;
use turnstile::words::ids::{ClaimKey, ExecutionArn};
use turnstile::words::turn::{CreationCall, Made, NextDeployment};

use super::{IN_ROUND, IN_USE, TURN_LOST, Turns, me_in, value_of};

impl Turns {
    /// While holding the turn, records the deployment that comes next. `claim` is the turn's main one.
    ///
    /// # Errors
    /// [`Error::TurnLost`], else see [`Turns::read`].
    pub async fn record_next(
        &self,
        claim: &ClaimKey,
        next: &NextDeployment,
        (execution, round): (&ExecutionArn, u32),
    ) -> Result<(), Error> {
        let mut values = me_in(execution, round);
        let change = change(None, next, &mut values)?;
        match self.update_if(claim, &change, IN_USE, values).await? {
            true => Ok(()),
            false => Err(Error::TurnLost(TURN_LOST.into())),
        }
    }

    /// Records a call of CreateDeployment that follows, and the deployment that it makes. `claim` is the turn's main one. `given_up` is the call
    /// without an answer that was found before, and that can have no effect any more. `false`: the turn is lost, or another call is being made.
    ///
    /// # Errors
    /// See [`Turns::read`].
    pub async fn record_creation(
        &self,
        claim: &ClaimKey,
        next: &NextDeployment,
        call: &CreationCall,
        given_up: Option<&CreationCall>,
        (execution, round): (&ExecutionArn, u32),
    ) -> Result<bool, Error> {
        let mut values = me_in(execution, round);
        let recorded = change(Some(call), next, &mut values)?;
        let mut condition = format!("{IN_USE} AND (attribute_not_exists(unanswered)");
        if let Some(given_up) = given_up {
            values.insert(":creationId".to_owned(), AttributeValue::S(given_up.creation_id.clone()));
            condition += " OR unanswered.creationId = :creationId";
        }
        self.update_if(claim, &recorded, &format!("{condition})"), values).await
    }

    /// Records when a call of CreateDeployment was first found without an answer, if it still has none. `claim` is the turn's main one.
    ///
    /// # Errors
    /// See [`Turns::read`].
    pub async fn record_unanswered(
        &self,
        claim: &ClaimKey,
        call: &CreationCall,
        (execution, round): (&ExecutionArn, u32),
    ) -> Result<(), Error> {
        let mut values = me_in(execution, round);
        values.insert(":call".to_owned(), value_of(call)?);
        values.insert(":creationId".to_owned(), AttributeValue::S(call.creation_id.clone()));
        let condition = format!("{IN_ROUND} AND unanswered.creationId = :creationId");
        self.update_if(claim, "SET unanswered = :call", &condition, values).await?;
        Ok(())
    }

    /// The same for the call of another holder. Whoever waits for its effect need not wait for its holder, which may have kept the claim although
    /// it is done with it.
    ///
    /// # Errors
    /// See [`Turns::read`].
    pub async fn record_unanswered_of_other(&self, claim: &ClaimKey, call: &CreationCall) -> Result<(), Error> {
        let values = HashMap::from([
            (":call".to_owned(), value_of(call)?),
            (":creationId".to_owned(), AttributeValue::S(call.creation_id.clone())),
        ]);
        self.update_if(claim, "SET unanswered = :call", "unanswered.creationId = :creationId", values).await?;
        Ok(())
    }

    /// Records that the last call of CreateDeployment has had its effect: it was answered, or its deployment is listed. With `call`, only if
    /// it is that one. `made` is the deployment that it has made, if that is in its answer. `claim` is the turn's main one.
    ///
    /// # Errors
    /// See [`Turns::read`].
    pub async fn record_answered(
        &self,
        claim: &ClaimKey,
        call: Option<&CreationCall>,
        made: Option<&Made>,
        (execution, round): (&ExecutionArn, u32),
    ) -> Result<(), Error> {
        let mut values = me_in(execution, round);
        let mut change = "REMOVE unanswered";
        if let Some(made) = made {
            values.insert(":made".to_owned(), value_of(made)?);
            change = "SET made = :made REMOVE unanswered";
        }
        let mut condition = format!("{IN_ROUND} AND attribute_exists(unanswered)");
        if let Some(call) = call {
            values.insert(":creationId".to_owned(), AttributeValue::S(call.creation_id.clone()));
            condition += " AND unanswered.creationId = :creationId";
        }
        self.update_if(claim, change, &condition, values).await?;
        Ok(())
    }
}

/// The change that records the next deployment, and the call that makes it.
fn change(
    call: Option<&CreationCall>,
    next: &NextDeployment,
    values: &mut HashMap<String, AttributeValue>,
) -> Result<String, Error> {
    let mut set = Vec::new();
    if let Some(call) = call {
        values.insert(":call".to_owned(), value_of(call)?);
        set.push("unanswered = :call");
    }
    match next {
        NextDeployment::To(group) => {
            values.insert(":deploying".to_owned(), value_of(group)?);
            set.push("deploying = :deploying");
        }
        NextDeployment::NearItsEnd(Some(at)) => {
            values.insert(":end".to_owned(), AttributeValue::N(at.seconds().to_string()));
            set.push("nearEnd = :end");
        }
        NextDeployment::NearItsEnd(None) if set.is_empty() => return Ok("REMOVE nearEnd".to_owned()),
        NextDeployment::NearItsEnd(None) => return Ok(format!("SET {} REMOVE nearEnd", set.join(", "))),
    }
    Ok(format!("SET {}", set.join(", ")))
}

#[cfg(test)]
mod tests {
    use turnstile::words::time::Timestamp;

    use super::*;

    #[test]
    fn what_comes_next_is_recorded_with_its_call_or_without() {
        let call =
            CreationCall { creation_id: "a".into(), called_at: Some(Timestamp::from_seconds(100)), found_at: None };
        let group = || NextDeployment::To("Search/Production".parse().unwrap());
        let near_end = |at: Option<i64>| NextDeployment::NearItsEnd(at.map(Timestamp::from_seconds));
        for (call, next, expected, values) in [
            (None, group(), "SET deploying = :deploying", vec![":deploying"]),
            (None, near_end(Some(200)), "SET nearEnd = :end", vec![":end"]),
            (None, near_end(None), "REMOVE nearEnd", vec![]),
            (Some(&call), group(), "SET unanswered = :call, deploying = :deploying", vec![":call", ":deploying"]),
            (Some(&call), near_end(Some(200)), "SET unanswered = :call, nearEnd = :end", vec![":call", ":end"]),
            (Some(&call), near_end(None), "SET unanswered = :call REMOVE nearEnd", vec![":call"]),
        ] {
            let mut named = HashMap::new();
            assert_eq!(change(call, &next, &mut named).unwrap(), expected);
            let mut named: Vec<&str> = named.keys().map(String::as_str).collect();
            named.sort_unstable();
            assert_eq!(named, values, "DynamoDB refuses values that are not used: {expected}");
        }
    }
}
