//! Compares the functions' calls with what template.yaml permits them. Neither the stack nor the simulation checks permissions itself.
//!
//! It goes by the actions' names and, where a statement is narrowed to Auto Scaling groups, by the group that a call is about. That each action is
//! permitted on a resource of a type that it knows is checked by tests/lint/permissions.py.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;
use world::{Call, InstanceReport};

use crate::served::is_like;
use crate::{Served, calls, template};

/// The properties of a function that matter here.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Properties {
    policies: Vec<Policy>,
}

/// A policy of a function. A role of its own has others.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Policy {
    statement: Vec<Statement>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    action: OneOrMore,
    /// The tag of an intrinsic function is not read: `!Ref x` is `x`.
    resource: Value,
    #[serde(default)]
    condition: Condition,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Condition {
    string_like: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

/// The Auto Scaling groups to which an action is permitted.
#[derive(Debug, Clone, PartialEq)]
enum Groups {
    /// It is not narrowed by groups.
    Any,
    /// Patterns of their names, in which `${…}` stands for a parameter.
    Like(Vec<String>),
}

/// How the ARN of an Auto Scaling group begins, up to its name.
const GROUP_ARN: &str =
    "arn:${AWS::Partition}:autoscaling:${AWS::Region}:${AWS::AccountId}:autoScalingGroup:*:autoScalingGroupName/";
/// The condition by which an action is narrowed to the instances of groups.
const GROUP_TAG: &str = "aws:ResourceTag/aws:autoscaling:groupName";

impl Statement {
    fn groups(&self) -> Groups {
        if let Some(names) = self.condition.string_like.get(GROUP_TAG) {
            return Groups::Like(names.iter().map(|parameter| format!("${{{parameter}}}")).collect());
        }
        let resources = match &self.resource {
            Value::Array(resources) => resources.iter().filter_map(Value::as_str).collect(),
            resource => Vec::from_iter(resource.as_str()),
        };
        let names: Vec<String> =
            resources.iter().filter_map(|arn| arn.strip_prefix(GROUP_ARN).map(str::to_owned)).collect();
        if names.is_empty() { Groups::Any } else { Groups::Like(names) }
    }
}

impl Groups {
    /// Whether a group is among them, in a stack with these parameters.
    fn contain(&self, group: &str, served: &Served) -> bool {
        let Self::Like(patterns) = self else { return true };
        patterns.iter().any(|pattern| {
            let pattern = pattern
                .replace("${AutoScalingGroupName}", &served.auto_scaling_group_name)
                .replace("${ServedAutoScalingGroups}", &served.served_auto_scaling_groups);
            is_like(group, &pattern)
        })
    }
}

/// The actions that each function is allowed, by the function's name, and to which groups.
type Permitted = BTreeMap<String, BTreeMap<String, Groups>>;

static PERMITTED: LazyLock<Permitted> = LazyLock::new(permitted);

fn permitted() -> Permitted {
    let functions =
        template::resources().into_iter().filter(|(_, resource)| resource.kind == "AWS::Serverless::Function");
    let functions = functions.filter_map(|(name, resource)| {
        let function = function(&name)?;
        let properties: Properties = serde_json::from_value(resource.properties)
            .unwrap_or_else(|error| panic!("template.yaml: {name}: {error}"));
        let statements = properties.policies.into_iter().flat_map(|policy| policy.statement);
        let actions = statements.flat_map(|statement| {
            let groups = statement.groups();
            let actions = match statement.action {
                OneOrMore::One(action) => vec![action],
                OneOrMore::More(actions) => actions,
            };
            actions.into_iter().map(move |action| (action, groups.clone()))
        });
        Some((function, actions.collect()))
    });
    functions.collect()
}

/// The function that a resource is: `plan-rollout` is PlanRolloutFunction.
fn function(resource: &str) -> Option<String> {
    let name = resource.strip_suffix("Function")?;
    let hyphened = name.chars().enumerate().flat_map(|(place, letter)| {
        let hyphen = (letter.is_ascii_uppercase() && place > 0).then_some('-');
        hyphen.into_iter().chain([letter.to_ascii_lowercase()])
    });
    Some(hyphened.collect())
}

/// The calls that the calling function's role does not permit in a stack that may serve these groups, a sentence each. The calls of the state machine
/// and of a person are not checked.
pub fn forbidden<'a>(
    calls: impl IntoIterator<Item = &'a Call>,
    instances: &[InstanceReport],
    served: &Served,
) -> Vec<String> {
    let mut sentences = BTreeSet::new();
    for call in calls.into_iter().filter(|call| ![calls::ENGINE, calls::PERSON].contains(&call.caller.as_str())) {
        let Some(actions) = PERMITTED.get(&call.caller) else {
            sentences.insert(format!("{:?} is none of the functions, and called {}", call.caller, call.operation));
            continue;
        };
        for action in needed(call) {
            match actions.get(&action) {
                None => _ = sentences.insert(format!("{} is not permitted {action}", call.caller)),
                Some(groups) => {
                    let others = groups_of(call, instances).into_iter().filter(|group| !groups.contain(group, served));
                    sentences.extend(
                        others.map(|group| format!("{} is not permitted {action} in the group {group}", call.caller)),
                    );
                }
            }
        }
    }
    sentences.into_iter().collect()
}

/// The Auto Scaling groups that a call is about, or whose instances it tags.
fn groups_of(call: &Call, instances: &[InstanceReport]) -> BTreeSet<String> {
    let named = call.parameters["AutoScalingGroupName"].as_str().map(str::to_owned);
    let arns = call.parameters["ResourceARNList"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let of_instance = |arn: &str| {
        let id = arn.rsplit('/').next()?;
        let instance = instances.iter().find(|instance| instance.instance_id == id)?;
        Some(instance.auto_scaling_group_name.clone())
    };
    named.into_iter().chain(arns.filter_map(of_instance)).collect()
}

/// The actions that a call needs: usually the one that is named like its operation. To write a tag takes the action of the Resource Groups Tagging
/// API and that of the tagged resource's service (API references, `TagResources` and `UntagResources`).
fn needed(call: &Call) -> BTreeSet<String> {
    match (call.service, call.operation.as_str()) {
        ("dynamodb", "TransactWriteItems") => transaction(&call.parameters),
        ("tagging", operation) => {
            let of_ec2 = match operation {
                "TagResources" => Some("ec2:CreateTags"),
                "UntagResources" => Some("ec2:DeleteTags"),
                _ => None,
            };
            of_ec2.map(str::to_owned).into_iter().chain([format!("tag:{operation}")]).collect()
        }
        (service, operation) => BTreeSet::from([format!("{service}:{operation}")]),
    }
}

/// A transaction needs the actions of what it does to each item.
///
/// Source: DynamoDB developer guide, "Using IAM with DynamoDB transactions".
fn transaction(parameters: &Value) -> BTreeSet<String> {
    let items = parameters["TransactItems"].as_array().into_iter().flatten();
    let kinds = items.filter_map(Value::as_object).flat_map(|item| item.keys());
    let action = |kind: &String| match kind.as_str() {
        "ConditionCheck" => "dynamodb:ConditionCheckItem".to_owned(),
        kind => format!("dynamodb:{kind}Item"),
    };
    kinds.map(action).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn call(caller: &str, service: &'static str, operation: &str, parameters: Value) -> Call {
        let (caller, operation) = (caller.to_owned(), operation.to_owned());
        Call { caller, service, operation, parameters, outcome: "ok".to_owned(), ..Call::default() }
    }

    /// In a stack that may serve `web` and `api-…`.
    fn forbidden<'a>(calls: impl IntoIterator<Item = &'a Call>) -> Vec<String> {
        let served = Served { auto_scaling_group_name: "web".into(), served_auto_scaling_groups: "api-*".into() };
        super::forbidden(calls, &[], &served)
    }

    #[test]
    fn what_is_narrowed_to_groups_is_permitted_for_those_of_the_parameters() {
        let in_group = |operation: &str, group: &str| {
            let parameters = json!({"AutoScalingGroupName": group});
            forbidden([&call("complete-lifecycle-hook", "autoscaling", operation, parameters)])
        };
        for operation in ["RecordLifecycleActionHeartbeat", "CompleteLifecycleAction"] {
            assert_eq!([in_group(operation, "web"), in_group(operation, "api-7")], [[] as [&str; 0]; 2]);
            let expected =
                format!("complete-lifecycle-hook is not permitted autoscaling:{operation} in the group web-2");
            assert_eq!(in_group(operation, "web-2"), [expected]);
        }
        assert_eq!(in_group("DescribeLifecycleHooks", "web-2"), [] as [&str; 0], "it knows no narrower resource");
        for (function, action) in [
            ("start-rollout", "ec2:CreateTags"),
            ("start-deployment", "ec2:CreateTags"),
            ("start-deployment", "ec2:DeleteTags"),
            ("check-status", "ec2:DeleteTags"),
            ("complete-lifecycle-hook", "ec2:CreateTags"),
            ("back-off", "ec2:CreateTags"),
            ("plan-rollout", "autoscaling:RecordLifecycleActionHeartbeat"),
        ] {
            let both = ["${AutoScalingGroupName}", "${ServedAutoScalingGroups}"].map(str::to_owned);
            assert_eq!(PERMITTED[function][action], Groups::Like(both.into()), "{function} {action}");
        }
    }

    #[test]
    fn a_transaction_needs_the_actions_of_its_items() {
        let actions =
            |parameters: Value| needed(&call("start-deployment", "dynamodb", "TransactWriteItems", parameters));
        let (update, put) = (json!({"Update": {}}), json!({"Put": {}}));
        let (delete, condition) = (json!({"Delete": {}}), json!({"ConditionCheck": {}}));
        for (items, expected) in [
            (json!([update, update]), ["UpdateItem"].as_slice()),
            (json!([put, delete, condition]), &["PutItem", "DeleteItem", "ConditionCheckItem"]),
        ] {
            let expected = expected.iter().map(|action| format!("dynamodb:{action}")).collect();
            assert_eq!(actions(json!({"TransactItems": items})), expected);
        }
    }

    #[test]
    fn other_calls_need_the_action_of_their_name() {
        let read = call("start-rollout", "states", "StartExecution", json!({}));
        assert_eq!(needed(&read), BTreeSet::from(["states:StartExecution".to_owned()]));
        assert_eq!(forbidden([&read]), [] as [&str; 0]);
    }

    #[test]
    fn a_tag_needs_the_actions_of_both_services() {
        for (operation, expected) in [
            ("TagResources", ["ec2:CreateTags", "tag:TagResources"].as_slice()),
            ("UntagResources", &["ec2:DeleteTags", "tag:UntagResources"]),
            ("GetResources", &["tag:GetResources"]),
        ] {
            let needed = needed(&call("start-deployment", "tagging", operation, json!({})));
            assert_eq!(needed.iter().map(String::as_str).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn a_person_may_do_what_the_functions_may_not() {
        let delete = |caller: &str| forbidden([&call(caller, "dynamodb", "DeleteItem", json!({}))]).len();
        assert_eq!((delete(calls::PERSON), delete("start-deployment")), (0, 1));
    }

    #[test]
    fn what_the_template_does_not_permit_is_found() {
        let items = json!({"TransactItems": [{"Delete": {"TableName": "turns"}}]});
        let delete = call("start-rollout", "dynamodb", "TransactWriteItems", items);
        let expected = ["start-rollout is not permitted dynamodb:DeleteItem"];
        assert_eq!(forbidden([&delete, &delete]), expected, "once");
    }

    #[test]
    fn the_engine_needs_no_permission_and_a_caller_has_to_be_known() {
        let of = |caller: &str| call(caller, "autoscaling", "CompleteLifecycleAction", json!({}));
        assert_eq!(forbidden([&of(calls::ENGINE)]), [] as [&str; 0]);
        assert_eq!(
            forbidden([&of("nobody")]),
            ["\"nobody\" is none of the functions, and called CompleteLifecycleAction"]
        );
    }
}
