//! The resources of template.yaml.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Template {
    resources: BTreeMap<String, Resource>,
}

/// A resource. The tag of an intrinsic function is not read: `!Ref x` is `x`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Resource {
    #[serde(rename = "Type")]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) properties: Value,
}

/// The resources, by their logical ids.
pub(crate) fn resources() -> BTreeMap<String, Resource> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml");
    let template = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let template: Template = serde_saphyr::from_str(&template).expect("template.yaml");
    template.resources
}
