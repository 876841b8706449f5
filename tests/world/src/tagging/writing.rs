//! The operations that write tags.
//!
//! What is wrong with the whole call refuses it. What is wrong with one of its resources is told of that resource in `FailedResourcesMap`, in an
//! answer whose status is 200; the others are written (API reference, `TagResources` and `FailureInfo`).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::inputs::{TagResources, UntagResources};
use super::wire::invalid;
use crate::fault::InjectedFault;
use crate::refusal::Refusal;
use crate::report::{Effect, GateMove};
use crate::simulation::Simulation;
use crate::tags::{TaggedBy, check_key, check_value};

/// The most resources of a call, and the most tags (API reference, `TagResources` and `UntagResources`).
const RESOURCES: usize = 20;
const TAGS: usize = 50;
/// The longest ARN (the same).
const ARN_LIMIT: usize = 1011;

impl Simulation {
    pub(super) fn tag_resources(
        &mut self,
        input: TagResources,
        fault: Option<&InjectedFault>,
    ) -> Result<Value, Refusal> {
        check_size("Tags", input.tags.len(), TAGS)?;
        for (key, value) in &input.tags {
            check_key(key).and_then(|()| check_value(value)).map_err(invalid)?;
        }
        let tags = input.tags.iter().map(|(key, value)| (key.as_str(), Some(value.as_str()))).collect();
        self.write_tags(&input.resource_arn_list, &tags, fault)
    }

    pub(super) fn untag_resources(
        &mut self,
        input: UntagResources,
        fault: Option<&InjectedFault>,
    ) -> Result<Value, Refusal> {
        check_size("TagKeys", input.tag_keys.len(), TAGS)?;
        input.tag_keys.iter().try_for_each(|key| check_key(key)).map_err(invalid)?;
        let tags = input.tag_keys.iter().map(|key| (key.as_str(), None)).collect();
        self.write_tags(&input.resource_arn_list, &tags, fault)
    }

    /// Writes, or deletes, tags of every resource for which that is possible, and answers for which it is not.
    fn write_tags(
        &mut self,
        arns: &[String],
        tags: &BTreeMap<&str, Option<&str>>,
        fault: Option<&InjectedFault>,
    ) -> Result<Value, Refusal> {
        check_size("ResourceARNList", arns.len(), RESOURCES)?;
        arns.iter().try_for_each(|arn| check_arn(arn))?;
        let mut failed = Map::new();
        let mut gates = Vec::new();
        for (index, arn) in arns.iter().enumerate() {
            let outcome = match fault {
                Some(InjectedFault::FailedResource { status, code }) if index == 0 => {
                    Err(failure(*status, code, InjectedFault::ERROR_MESSAGE))
                }
                _ => self.tagged_resource(arn, tags).map_err(|refusal| failure(400, &refusal.code, &refusal.message)),
            };
            match outcome {
                Ok(instance) => {
                    for (key, value) in tags {
                        gates.extend(self.change_tag(instance, key, *value));
                    }
                }
                Err(info) => {
                    failed.insert(arn.clone(), info);
                }
            }
        }
        if !gates.is_empty() {
            self.effect = Some(Effect::GatesMoved { gates });
        }
        Ok(json!({"FailedResourcesMap": failed}))
    }

    /// The instance of an ARN, if it is there and has room for the tags.
    fn tagged_resource(&self, arn: &str, tags: &BTreeMap<&str, Option<&str>>) -> Result<usize, Refusal> {
        let own = format!("arn:aws:ec2:{}:{}:instance/", self.setting.region, self.setting.account);
        let id = arn
            .strip_prefix(&own)
            .ok_or_else(|| invalid(format!("{arn} is no resource of this account and Region that the world tags")))?;
        // That the service tells of a missing instance with EC2's own code is an assumption: the reference says "any valid error code
        // returned by the service that hosts the resource".
        let instance = self.tagged_instance(id)?;
        for (key, value) in tags {
            if value.is_some() {
                self.check_room(instance, key).map_err(|problem| Refusal::new("TagLimitExceeded", problem))?;
            }
        }
        Ok(instance)
    }

    /// Changes a tag; how its gate has moved, if it is that and moved.
    fn change_tag(&mut self, instance: usize, key: &str, value: Option<&str>) -> Option<GateMove> {
        let now = self.now();
        let from = self.instances[instance].tags.value_at(key, now).map(str::to_owned);
        self.instances[instance].tags.change(key, value, TaggedBy::Call, now);
        if key != self.setting.gate_key || from.as_deref() == value {
            return None;
        }
        self.check_opening(instance, value);
        let instance_id = self.instances[instance].id.clone();
        Some(GateMove { instance_id, from, to: value.map(str::to_owned) })
    }
}

/// `FailureInfo`
fn failure(status: u16, code: &str, message: &str) -> Value {
    json!({"StatusCode": status, "ErrorCode": code, "ErrorMessage": message})
}

fn check_size(field: &str, size: usize, limit: usize) -> Result<(), Refusal> {
    match size {
        0 => Err(invalid(format!("{field} must not be empty"))),
        _ if size > limit => Err(invalid(format!("{field} has at most {limit} members"))),
        _ => Ok(()),
    }
}

/// Whether a text is an ARN at all. The whole call is refused for one that is none, as users report it.
fn check_arn(arn: &str) -> Result<(), Refusal> {
    match arn.len() <= ARN_LIMIT && arn.starts_with("arn:") && arn.splitn(6, ':').count() == 6 {
        true => Ok(()),
        false => Err(invalid(format!("{arn} is not a valid AmazonResourceName (ARN)"))),
    }
}
