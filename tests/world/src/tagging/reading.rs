//! The operation that reads tags.

use serde_json::{Value, json};

use super::inputs::{GetResources, ValuesFilter};
use super::wire::invalid;
use crate::refusal::Refusal;
use crate::simulation::Simulation;

/// Limits of `GetResources`, and how many resources a page has where the call does not say (API reference; the latter is not documented).
const RESOURCES_PER_PAGE: usize = 100;
const USUAL_PAGE: usize = 50;
const TAGS_PER_PAGE: std::ops::RangeInclusive<usize> = 100..=500;
const ARNS: usize = 100;
const FILTERS: usize = 50;
const VALUES: usize = 20;

/// A resource of the world.
struct Resource<'a> {
    arn: String,
    tags: Vec<(&'a str, &'a str)>,
}

impl Simulation {
    /// The instances that are or were tagged. Answers trail what is by `tagReadLagSeconds`: a younger instance is not among them, and one that is
    /// gone is not any more.
    pub(super) fn get_resources(&self, input: GetResources) -> Result<Value, Refusal> {
        check(&input)?;
        let resources = self.resources().filter(|resource| match input.resource_arn_list.as_slice() {
            [] => {
                let types = &input.resource_type_filters;
                (types.is_empty() || types.iter().any(|one| one == "ec2" || one == "ec2:instance"))
                    && input.tag_filters.iter().all(|filter| filter.matches(resource))
            }
            arns => arns.contains(&resource.arn),
        });
        let resources: Vec<Resource> = resources.collect();
        let start = match input.pagination_token.as_deref().filter(|token| !token.is_empty()) {
            None => 0,
            Some(token) => {
                let found = resources.iter().position(|resource| resource.arn == token);
                found
                    .ok_or_else(|| Refusal::new("PaginationTokenExpiredException", "The token is not valid any more"))?
            }
        };
        let length = match &input {
            GetResources { resource_arn_list, .. } if !resource_arn_list.is_empty() => resources.len(),
            GetResources { tags_per_page: Some(tags), .. } => fitting(&resources[start..], *tags),
            GetResources { resources_per_page, .. } => resources_per_page.unwrap_or(USUAL_PAGE),
        };
        let rest = &resources[start..];
        let page = &rest[..length.min(rest.len())];
        // The reference promises null after the last page, and its examples have an empty text.
        let next = rest.get(length).map_or_else(String::new, |resource| resource.arn.clone());
        let mappings: Vec<Value> = page.iter().map(Resource::mapping).collect();
        Ok(json!({"PaginationToken": next, "ResourceTagMappingList": mappings}))
    }

    fn resources(&self) -> impl Iterator<Item = Resource<'_>> {
        let time = self.now() - self.setting.tag_read_lag_seconds;
        let there =
            self.instances.iter().filter(move |instance| instance.has_tags() && instance.launched_at <= time.max(0.0));
        there.map(move |instance| {
            let arn = format!("arn:aws:ec2:{}:{}:instance/{}", self.setting.region, self.setting.account, instance.id);
            Resource { arn, tags: instance.tags.all_at(time).into_iter().collect() }
        })
    }
}

impl Resource<'_> {
    /// `ResourceTagMapping`
    fn mapping(&self) -> Value {
        let tags: Vec<Value> = self.tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
        json!({"ResourceARN": self.arn, "Tags": tags})
    }
}

impl ValuesFilter {
    fn matches(&self, resource: &Resource) -> bool {
        let mut tags = resource.tags.iter();
        tags.any(|(key, value)| {
            *key == self.key && (self.values.is_empty() || self.values.iter().any(|own| own == value))
        })
    }
}

/// How many of the resources have at most so many tags together. One without tags counts as one tag, and a first one is never too large.
fn fitting(resources: &[Resource], tags: usize) -> usize {
    let mut sum = 0;
    let fits = |resource: &&Resource| {
        sum += resource.tags.len().max(1);
        sum <= tags
    };
    resources.iter().take_while(fits).count().max(1)
}

fn check(input: &GetResources) -> Result<(), Refusal> {
    let is_paged =
        input.pagination_token.is_some() || input.resources_per_page.is_some() || input.tags_per_page.is_some();
    if !input.resource_arn_list.is_empty() {
        let others = [
            ("the pagination parameters", is_paged),
            ("TagFilters", !input.tag_filters.is_empty()),
            ("ResourceTypeFilters", !input.resource_type_filters.is_empty()),
        ];
        if let Some((other, _)) = others.into_iter().find(|(_, is_given)| *is_given) {
            return Err(invalid(format!("ResourceARNList cannot be given together with {other}")));
        }
    }
    let page = input.resources_per_page.is_none_or(|size| (1..=RESOURCES_PER_PAGE).contains(&size));
    let tags = input.tags_per_page.is_none_or(|size| TAGS_PER_PAGE.contains(&size));
    let values = input.tag_filters.iter().all(|filter| filter.values.len() <= VALUES);
    let keys = input.tag_filters.iter().all(|filter| !filter.key.is_empty());
    for (holds, problem) in [
        (input.resource_arn_list.len() <= ARNS, "ResourceARNList has at most 100 members"),
        (input.tag_filters.len() <= FILTERS, "TagFilters has at most 50 members"),
        (keys, "TagFilters must have a Key"),
        (values, "TagFilters have at most 20 Values each"),
        (page, "ResourcesPerPage must be 1 to 100"),
        (tags, "TagsPerPage must be 100 to 500"),
    ] {
        if !holds {
            return Err(invalid(problem));
        }
    }
    Ok(())
}
