//! The tags of EC2 instances, and how they came to be.

use std::collections::BTreeMap;

use crate::refusal::Refusal;
use crate::setting::{FilterType, TagFilter};
use crate::simulation::Simulation;

/// Keys that begin so are AWS's own, and nobody else writes them (EC2 user guide, "Tag restrictions").
const RESERVED_PREFIX: &str = "aws:";
/// The longest key and the longest value, in characters, and the most tags of a resource, AWS's own not counted (the same).
const KEY_LIMIT: usize = 128;
const VALUE_LIMIT: usize = 256;
const TAGS_LIMIT: usize = 50;

/// The tags of an instance.
#[derive(Debug, Default)]
pub(crate) struct Tags {
    /// Those that it was launched with.
    at_launch: BTreeMap<String, String>,
    /// In the order in which they were made.
    changes: Vec<TagChange>,
}

/// A tag was written, or deleted.
#[derive(Debug)]
pub(crate) struct TagChange {
    pub(crate) at: f64,
    key: String,
    /// `None`: it was deleted.
    pub(crate) value: Option<String>,
    pub(crate) by: TaggedBy,
}

/// Who changed a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TaggedBy {
    /// A call.
    Call,
    /// A person, at the console.
    Person,
    /// Auto Scaling, for its own tag.
    AutoScaling,
}

impl Tags {
    pub(crate) fn at_launch(tags: BTreeMap<String, String>) -> Self {
        Tags { at_launch: tags, changes: Vec::new() }
    }

    /// The value of a tag at a time. A tag that the instance was launched with it has always had.
    pub(crate) fn value_at(&self, key: &str, time: f64) -> Option<&str> {
        match self.last_change(key, time) {
            Some(change) => change.value.as_deref(),
            None => self.at_launch.get(key).map(String::as_str),
        }
    }

    /// The last change of a tag until a time.
    pub(crate) fn last_change(&self, key: &str, time: f64) -> Option<&TagChange> {
        self.changes_of(key).rev().find(|change| change.at <= time)
    }

    /// All tags at a time.
    pub(crate) fn all_at(&self, time: f64) -> BTreeMap<&str, &str> {
        let changed = self.changes.iter().map(|change| &change.key);
        let keys = self.at_launch.keys().chain(changed);
        keys.filter_map(|key| Some((key.as_str(), self.value_at(key, time)?))).collect()
    }

    /// The changes of a tag, in order.
    pub(crate) fn changes_of<'a, 'b>(
        &'a self,
        key: &'b str,
    ) -> impl DoubleEndedIterator<Item = &'a TagChange> + use<'a, 'b> {
        self.changes.iter().filter(move |change| change.key == key)
    }

    pub(crate) fn change(&mut self, key: &str, value: Option<&str>, by: TaggedBy, now: f64) {
        self.changes.push(TagChange { at: now, key: key.to_owned(), value: value.map(str::to_owned), by });
    }
}

impl TagFilter {
    /// Whether an instance with these tags at a time is what the filter looks for.
    pub(crate) fn matches(&self, tags: &Tags, time: f64) -> bool {
        match self.filter_type {
            FilterType::KeyOnly => tags.value_at(&self.key, time).is_some(),
            FilterType::ValueOnly => tags.all_at(time).into_values().any(|value| value == self.value),
            FilterType::KeyAndValue => tags.value_at(&self.key, time) == Some(self.value.as_str()),
        }
    }
}

impl Simulation {
    /// A person writes a tag of an instance, or deletes it.
    pub(crate) fn tag_by_hand(&mut self, id: &str, key: &str, value: Option<&str>) -> Result<(), Refusal> {
        let instance = self.tagged_instance(id)?;
        check_key(key).and_then(|()| value.map_or(Ok(()), check_value)).map_err(invalid)?;
        self.check_room(instance, key).map_err(|problem| Refusal::new("TagLimitExceeded", problem))?;
        let now = self.now();
        self.instances[instance].tags.change(key, value, TaggedBy::Person, now);
        Ok(())
    }

    /// The index of an instance that EC2 knows, in whatever group. A terminated one has lost its tags (EC2 user guide, "Terminate
    /// instances"), and the world's EC2 forgets it at the same moment.
    pub(crate) fn tagged_instance(&self, id: &str) -> Result<usize, Refusal> {
        let found = self.instances.iter().position(|instance| instance.id == id && instance.has_tags());
        // EC2's own text, as users report it.
        found
            .ok_or_else(|| Refusal::new("InvalidInstanceID.NotFound", format!("The instance ID '{id}' does not exist")))
    }

    /// Whether an instance has room for one more tag, if this is one.
    pub(crate) fn check_room(&self, instance: usize, key: &str) -> Result<(), String> {
        let tags = self.instances[instance].tags.all_at(self.now());
        let own = tags.keys().filter(|key| !key.starts_with(RESERVED_PREFIX)).count();
        match tags.contains_key(key) || own < TAGS_LIMIT {
            true => Ok(()),
            false => Err(format!("A resource has at most {TAGS_LIMIT} tags")),
        }
    }
}

pub(crate) fn check_key(key: &str) -> Result<(), String> {
    if key.starts_with(RESERVED_PREFIX) {
        return Err(format!("Tag keys starting with {RESERVED_PREFIX} are reserved for internal use"));
    }
    match key.chars().count() {
        1..=KEY_LIMIT => Ok(()),
        _ => Err(format!("A tag key has 1 to {KEY_LIMIT} characters")),
    }
}

pub(crate) fn check_value(value: &str) -> Result<(), String> {
    match value.chars().count() {
        ..=VALUE_LIMIT => Ok(()),
        _ => Err(format!("A tag value has at most {VALUE_LIMIT} characters")),
    }
}

fn invalid(problem: String) -> Refusal {
    Refusal::new("InvalidParameterValue", problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags() -> Tags {
        let at_launch = [("role", "web"), ("gate", "shut")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        let mut tags = Tags::at_launch(BTreeMap::from(at_launch));
        tags.change("gate", Some("a"), TaggedBy::Call, 10.0);
        tags.change("gate", None, TaggedBy::Person, 20.0);
        tags
    }

    #[test]
    fn a_tag_has_the_value_of_the_last_change_until_then() {
        let tags = tags();
        for (time, gate) in [(0.0, Some("shut")), (9.9, Some("shut")), (10.0, Some("a")), (20.0, None), (99.0, None)] {
            assert_eq!(tags.value_at("gate", time), gate, "{time}");
            assert_eq!(tags.all_at(time).get("gate").copied(), gate, "{time}");
            assert_eq!(tags.value_at("role", time), Some("web"));
        }
    }

    #[test]
    fn a_filter_goes_by_key_by_value_or_by_both() {
        let tags = tags();
        let filter = |key: &str, value: &str, filter_type| TagFilter {
            key: key.to_owned(),
            value: value.to_owned(),
            filter_type,
        };
        for (given, time, expected) in [
            (filter("gate", "a", FilterType::KeyAndValue), 10.0, true),
            (filter("gate", "b", FilterType::KeyAndValue), 10.0, false),
            (filter("gate", "a", FilterType::KeyAndValue), 20.0, false),
            (filter("gate", "", FilterType::KeyOnly), 10.0, true),
            (filter("gate", "", FilterType::KeyOnly), 20.0, false),
            (filter("", "a", FilterType::ValueOnly), 10.0, true),
            (filter("", "a", FilterType::ValueOnly), 20.0, false),
        ] {
            assert_eq!(given.matches(&tags, time), expected, "{given:?} {time}");
        }
    }
}
