//! What template.yaml permits each function, against what it did: the local AWS itself asks for no permission.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;
use world::Call;

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

/// Those of a function; other resources have none of them.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Properties {
    code_uri: Option<String>,
    policies: Vec<Policy>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
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
fn permitted() -> BTreeMap<String, BTreeSet<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml");
    let template = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let template: Template = serde_saphyr::from_str(&template).expect("template.yaml");
    let functions = template.resources.into_values().filter_map(|resource| {
        let function = resource.properties.code_uri?.strip_prefix("functions/")?.to_owned();
        let statements = resource.properties.policies.into_iter().flat_map(|policy| policy.statement);
        let actions = statements.flat_map(|statement| match statement.action {
            OneOrMore::One(action) => vec![action],
            OneOrMore::More(actions) => actions,
        });
        Some((function, actions.collect()))
    });
    functions.collect()
}

/// Panics at a call that its function's role does not permit.
pub fn check(calls: &[Call]) {
    let permitted = permitted();
    for call in calls {
        let actions =
            permitted.get(&call.caller).unwrap_or_else(|| panic!("a call of none of the functions: {call:#?}"));
        let action = format!("{}:{}", call.service, call.operation);
        assert!(actions.contains(&action), "{} is not permitted {action}", call.caller);
    }
}
