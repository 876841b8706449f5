//! The operations' inputs, as the API model names them.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct TagResources {
    #[serde(rename = "ResourceARNList")]
    pub(super) resource_arn_list: Vec<String>,
    pub(super) tags: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct UntagResources {
    #[serde(rename = "ResourceARNList")]
    pub(super) resource_arn_list: Vec<String>,
    pub(super) tag_keys: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct GetResources {
    pub(super) pagination_token: Option<String>,
    pub(super) tag_filters: Vec<ValuesFilter>,
    pub(super) resources_per_page: Option<usize>,
    pub(super) tags_per_page: Option<usize>,
    pub(super) resource_type_filters: Vec<String>,
    #[serde(rename = "ResourceARNList")]
    pub(super) resource_arn_list: Vec<String>,
}

/// `TagFilter`: any of the values, or any value at all where none is given.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ValuesFilter {
    pub(super) key: String,
    pub(super) values: Vec<String>,
}
