//! The calls of the Resource Groups Tagging API: the gates of instances.
//!
//! They go through that API, and not through EC2's own, because the client of EC2 is a hundred times as large.

use std::collections::BTreeMap;

use aws_sdk_resourcegroupstagging::Client;
use aws_sdk_resourcegroupstagging::types::{FailureInfo, TagFilter};
use turnstile::words::error::Error;
use turnstile::words::gate::{Gate, GateKey};
use turnstile::words::ids::{Account, AutoScalingGroupName, InstanceId};

use crate::error::{of_call, of_code};

const TAG: &str = "Tagging.TagResources";
const UNTAG: &str = "Tagging.UntagResources";
/// TagResources and UntagResources take up to 20 ARNs (API reference).
const BATCH: usize = 20;
/// A filter of GetResources takes up to 20 values, and an answer has up to 100 resources (API reference).
const MOST_VALUES: usize = 20;
const RESOURCES_PER_PAGE: i32 = 100;
/// Auto Scaling gives each instance this tag (Auto Scaling user guide, "Tag Auto Scaling groups and instances").
const AUTO_SCALING_TAG: &str = "aws:autoscaling:groupName";

/// The gates of instances.
#[derive(Debug, Clone)]
pub struct Gates {
    client: Client,
}

/// The instances whose gates were not moved, each with why.
pub type NotMoved = BTreeMap<InstanceId, Error>;

impl Gates {
    /// The gates that this client sees.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// Moves the gates of these instances; `None`: takes them away. The answer names those whose gates stay as they are: an instance that EC2
    /// does not know or that may not be tagged is in nobody else's way.
    ///
    /// # Errors
    /// Of a call that was refused as a whole: [`Error::Throttled`], [`Error::Unavailable`], [`Error::AccessDenied`] or [`Error::Unexpected`].
    /// Gates may have been moved then.
    pub async fn shift(
        &self,
        account: &Account,
        key: &GateKey,
        instances: &[InstanceId],
        gate: Option<&Gate>,
    ) -> Result<NotMoved, Error> {
        let mut not_moved = NotMoved::new();
        for instances in instances.chunks(BATCH) {
            let arns: Vec<String> = instances.iter().map(|id| account.arn_of(id)).collect();
            let (call, failed) = match gate {
                Some(gate) => {
                    let request = self.client.tag_resources().set_resource_arn_list(Some(arns));
                    let answer =
                        request.tags(key.as_str(), gate.to_string()).send().await.map_err(|e| of_call(TAG, &e))?;
                    (TAG, answer.failed_resources_map)
                }
                None => {
                    let request =
                        self.client.untag_resources().set_resource_arn_list(Some(arns)).tag_keys(key.as_str());
                    let answer = request.send().await.map_err(|e| of_call(UNTAG, &e))?;
                    (UNTAG, answer.failed_resources_map)
                }
            };
            not_moved.extend(failures(call, account, instances, &failed.unwrap_or_default()));
        }
        Ok(not_moved)
    }

    /// Moves the gate of one instance.
    ///
    /// # Errors
    /// As [`Gates::shift`], also when the instance's gate alone was refused. [`Error::Unavailable`] may mean that EC2 does not know the instance,
    /// not yet or not any more.
    pub async fn shift_one(
        &self,
        account: &Account,
        key: &GateKey,
        instance_id: &InstanceId,
        gate: Option<&Gate>,
    ) -> Result<(), Error> {
        match self.shift(account, key, std::slice::from_ref(instance_id), gate).await?.remove(instance_id) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// The gates of these groups' instances, as far as they have one, and perhaps those of other groups: one call for each hundred gates. Answers
    /// trail what is. A value that is none of Turnstile's is text.
    ///
    /// # Errors
    /// As [`Gates::shift`].
    pub async fn of_groups(
        &self,
        auto_scaling_groups: &[&AutoScalingGroupName],
        key: &GateKey,
    ) -> Result<BTreeMap<InstanceId, String>, Error> {
        let filter = |key: &str| TagFilter::builder().key(key);
        let names = auto_scaling_groups.iter().map(|name| name.as_str().to_owned()).collect::<Vec<_>>();
        // Without values the filter takes the instances of every group.
        let names = Some(names).filter(|names| names.len() <= MOST_VALUES);
        let mut pages = self
            .client
            .get_resources()
            .resource_type_filters("ec2:instance")
            .tag_filters(filter(key.as_str()).build())
            .tag_filters(filter(AUTO_SCALING_TAG).set_values(names).build())
            .resources_per_page(RESOURCES_PER_PAGE)
            .into_paginator()
            .send();
        let mut gates = BTreeMap::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|e| of_call("Tagging.GetResources", &e))?;
            for mapping in page.resource_tag_mapping_list.unwrap_or_default() {
                let gate =
                    mapping.tags().iter().find(|tag| tag.key() == key.as_str()).map(|tag| tag.value().to_owned());
                let id = mapping.resource_arn().and_then(|arn| InstanceId::try_from(arn.rsplit('/').next()?).ok());
                gates.extend(id.zip(gate));
            }
        }
        Ok(gates)
    }
}

/// The service reports what it was refused for one resource in an answer that is a success (API reference, `FailureInfo`). The SDK repeats no
/// such call, and its caller has to read the answer.
fn failures(
    call: &'static str,
    account: &Account,
    instances: &[InstanceId],
    failed: &std::collections::HashMap<String, FailureInfo>,
) -> NotMoved {
    let failure = |id: &InstanceId| {
        let info = failed.get(&account.arn_of(id))?;
        let code = info.error_code().map_or("without a code", |code| code.as_str());
        let message = info.error_message().unwrap_or_default();
        // EC2 may answer so of an instance that it has just launched, until what it knows has come everywhere (EC2 API reference, "Eventual
        // consistency"): whether the instance is gone is for Auto Scaling to say. The code is EC2's own (EC2 API reference, "Error codes"); that
        // it comes through unchanged is not documented.
        let error = match code.contains("NotFound") {
            true => Error::Unavailable { call, message: format!("EC2 does not know {id}: {code}: {message}") },
            false => of_code(call, code, message, u16::try_from(info.status_code()).ok()),
        };
        Some((id.clone(), error))
    };
    instances.iter().filter_map(failure).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_resourcegroupstagging::types::ErrorCode;
    use turnstile::words::ids::ExecutionArn;

    #[test]
    fn each_resource_that_failed_is_classified() {
        let execution = ExecutionArn::from("arn:aws-cn:states:cn-north-1:123456789012:execution:turnstile:a");
        let account = Account::of(&execution);
        let ids = ["i-00000001", "i-00000002", "i-00000003", "i-00000004", "i-00000005"];
        let ids = ids.map(|id| InstanceId::try_from(id).unwrap());
        let failed = [
            ("InvalidInstanceID.NotFound", 400, "Turnstile.Unavailable"),
            ("RequestLimitExceeded", 503, "Turnstile.Throttled"),
            ("InternalServiceException", 500, "Turnstile.Unavailable"),
            ("UnauthorizedOperation", 403, "Turnstile.AccessDenied"),
        ];
        let map = ids.iter().zip(failed).map(|(id, (code, status, _))| {
            let info = FailureInfo::builder().error_code(ErrorCode::from(code)).status_code(status).error_message("m");
            (format!("arn:aws-cn:ec2:cn-north-1:123456789012:instance/{id}"), info.build())
        });
        let not_moved = failures(TAG, &account, &ids, &map.collect());
        let names: Vec<(&InstanceId, &str)> = not_moved.iter().map(|(id, error)| (id, error.name())).collect();
        let expected: Vec<(&InstanceId, &str)> = ids.iter().zip(failed.map(|(.., name)| name)).collect();
        assert_eq!(names, expected, "the fifth one's gate was moved");
    }
}
