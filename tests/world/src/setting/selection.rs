//! Which instances belong to a deployment group.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How a deployment group selects its instances: by tags, by Auto Scaling groups, or by both, which adds the ones to the others. At most one of
/// `tags`, `ec2TagFilters` and `ec2TagSet` is given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Selection {
    /// Every running instance that has all of these tags: an `ec2TagSet` of one filter for each.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Every running instance that at least one of these filters looks for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ec2_tag_filters: Vec<TagFilter>,
    /// Every running instance that at least one filter of each of these tag groups looks for: up to three tag groups of up to ten filters
    /// (CodeDeploy user guide, "Tagging instances for deployments").
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ec2_tag_set: Vec<Vec<TagFilter>>,
    /// The instances of these Auto Scaling groups.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub auto_scaling_groups: Vec<String>,
}

/// A tag filter, in the API's own shape (`EC2TagFilter`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct TagFilter {
    /// The tag's key; not for `VALUE_ONLY`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// The tag's value; not for `KEY_ONLY`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// What of the two has to match.
    #[serde(rename = "Type")]
    pub filter_type: FilterType,
}

/// What of a tag has to match (`EC2TagFilterType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs, reason = "the names are CodeDeploy's")]
pub enum FilterType {
    KeyOnly,
    ValueOnly,
    KeyAndValue,
}

impl TagFilter {
    /// Looks for instances with this tag.
    pub fn key_and_value(key: &str, value: &str) -> Self {
        TagFilter { key: key.to_owned(), value: value.to_owned(), filter_type: FilterType::KeyAndValue }
    }
}

impl Selection {
    /// The value of a gate that every gated deployment group selects.
    pub const OPEN: &str = "open";

    /// Every running instance that has all of these tags.
    pub fn by_tags(tags: BTreeMap<String, String>) -> Self {
        Selection { tags, ..Selection::default() }
    }

    /// The instances of these Auto Scaling groups.
    pub fn by_auto_scaling_groups(names: Vec<String>) -> Self {
        Selection { auto_scaling_groups: names, ..Selection::default() }
    }

    /// Every running instance that has all of these tags, and whose gate is at the deployment group `short_form` or open.
    pub fn gated(tags: BTreeMap<String, String>, gate_key: &str, short_form: &str) -> Self {
        let own = tags.iter().map(|(key, value)| vec![TagFilter::key_and_value(key, value)]);
        let gate = [short_form, Self::OPEN].map(|value| TagFilter::key_and_value(gate_key, value)).to_vec();
        Selection { ec2_tag_set: own.chain([gate]).collect(), ..Selection::default() }
    }

    /// The tag groups, of each of which a filter has to match; empty: it selects nobody by tags.
    pub(crate) fn tag_groups(&self) -> Vec<Vec<TagFilter>> {
        let tags = self.tags.iter().map(|(key, value)| vec![TagFilter::key_and_value(key, value)]);
        let any = Some(&self.ec2_tag_filters).filter(|filters| !filters.is_empty());
        tags.chain(any.cloned()).chain(self.ec2_tag_set.iter().cloned()).collect()
    }

    /// Whether it selects nobody whose gate is at another deployment group than `short_form`, or shut.
    pub(crate) fn is_gated(&self, gate_key: &str, short_form: &str) -> bool {
        self.auto_scaling_groups.is_empty()
            && self.tag_groups().iter().any(|group| is_gate(group, gate_key, short_form))
    }
}

/// Whether a tag group looks for gates that are at the deployment group `short_form` or open, and for nothing else.
pub(crate) fn is_gate(tag_group: &[TagFilter], gate_key: &str, short_form: &str) -> bool {
    let own = TagFilter::key_and_value(gate_key, short_form);
    let open = TagFilter::key_and_value(gate_key, Selection::OPEN);
    tag_group.contains(&own) && tag_group.iter().all(|filter| *filter == own || *filter == open)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn selection(value: Value) -> Selection {
        serde_json::from_value(value).unwrap()
    }

    fn filter(key: &str, value: &str) -> Value {
        json!({"Key": key, "Value": value, "Type": "KEY_AND_VALUE"})
    }

    #[test]
    fn a_group_is_gated_when_one_tag_group_lets_through_its_own_name_and_open_only() {
        let (own, open, other) = (filter("gate", "A/B"), filter("gate", "open"), filter("gate", "C/D"));
        let (role, any) = (filter("role", "web"), json!({"Key": "gate", "Type": "KEY_ONLY"}));
        for (given, expected) in [
            (json!({"ec2TagSet": [[role], [own, open]]}), true),
            (json!({"ec2TagSet": [[open, own]]}), true),
            (json!({"ec2TagSet": [[role], [own]]}), true),
            (json!({"ec2TagFilters": [own, open]}), true),
            (json!({"ec2TagFilters": [own, open, role]}), false),
            (json!({"ec2TagSet": [[role, own, open]]}), false),
            (json!({"ec2TagSet": [[role], [open]]}), false),
            (json!({"ec2TagSet": [[role], [own, open, other]]}), false),
            (json!({"ec2TagSet": [[role], [other, open]]}), false),
            (json!({"ec2TagSet": [[role], [any]]}), false),
            (json!({"ec2TagSet": [[role], [own, open]], "autoScalingGroups": ["web"]}), false),
            (json!({"tags": {"role": "web"}}), false),
            (json!({"tags": {"role": "web", "gate": "A/B"}}), true),
            (json!({"autoScalingGroups": ["web"]}), false),
        ] {
            assert_eq!(selection(given.clone()).is_gated("gate", "A/B"), expected, "{given}");
        }
    }

    #[test]
    fn the_gated_selection_is_gated_and_reads_back() {
        let tags = BTreeMap::from([("role".to_owned(), "web".to_owned())]);
        let gated = Selection::gated(tags, "gate", "A/B");
        let written = json!({"ec2TagSet": [[filter("role", "web")], [filter("gate", "A/B"), filter("gate", "open")]]});
        assert_eq!((json!(gated), gated.is_gated("gate", "A/B")), (written.clone(), true));
        assert_eq!(selection(written), gated);
    }
}
