//! Compares the functions' calls with what template.yaml permits them. Neither the stack nor the simulation checks permissions itself.
//!
//! It goes by the actions' names. That each is permitted on a resource of a type that it knows is checked by tests/lint/permissions.py.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;
use world::Call;

use crate::calls;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Template {
    resources: BTreeMap<String, Resource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Resource {
    #[serde(default)]
    properties: Properties,
}

/// The properties of a function that matter here. Other resources have none of them.
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
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

/// The actions that each function is allowed, by the function's name.
static PERMITTED: LazyLock<BTreeMap<String, BTreeSet<String>>> = LazyLock::new(permitted);

fn permitted() -> BTreeMap<String, BTreeSet<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml");
    let template = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let template: Template = serde_saphyr::from_str(&template).expect("template.yaml");
    let functions = template.resources.into_iter().filter_map(|(name, resource)| {
        let function = function(&name)?;
        let statements = resource.properties.policies.into_iter().flat_map(|policy| policy.statement);
        let actions = statements.flat_map(|statement| match statement.action {
            OneOrMore::One(action) => vec![action],
            OneOrMore::More(actions) => actions,
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

/// The calls that the calling function's role does not permit, a sentence each. The calls of the state machine and of a person are not checked.
pub fn forbidden<'a>(calls: impl IntoIterator<Item = &'a Call>) -> Vec<String> {
    let mut sentences = BTreeSet::new();
    for call in calls.into_iter().filter(|call| ![calls::ENGINE, calls::PERSON].contains(&call.caller.as_str())) {
        let Some(actions) = PERMITTED.get(&call.caller) else {
            sentences.insert(format!("{:?} is none of the functions, and called {}", call.caller, call.operation));
            continue;
        };
        let lacking = needed(call).into_iter().filter(|action| !actions.contains(action));
        sentences.extend(lacking.map(|action| format!("{} is not permitted {action}", call.caller)));
    }
    sentences.into_iter().collect()
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
