//! Whether a deployment group goes by the gate, and what is given up where it does not.

use serde::Serialize;

use crate::words::application::{Application, DeploymentGroup};
use crate::words::deployment::{DeploymentGroupInfo, Selection, TagFilter};
use crate::words::gate::{Gate, GateKey};
use crate::words::instance::Instance;
use crate::words::owner::Destination;

/// How a deployment group selects its instances, as far as the gate is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Selecting {
    /// By the gate: it selects an instance only while the gate is at the group itself, or open.
    Gated,
    /// By tags of which none is the gate.
    SharedByTags,
    /// By Auto Scaling group, be it beside tags.
    SharedByAutoScalingGroup,
}

/// How long after a gate was moved CodeDeploy has seen it, in seconds. EC2's reads are eventually consistent, without a bound that is documented
/// (EC2 API reference, "Eventual consistency"); this one is generous.
pub const SEEN_BY: u32 = 120;

/// A group has up to three tag groups (CodeDeploy user guide, "Tagging instances for deployments").
const MOST_TAG_GROUPS: usize = 3;
/// Auto Scaling gives each instance this tag with its group's name (Auto Scaling user guide, "Tag Auto Scaling groups and instances").
const AUTO_SCALING_TAG: &str = "aws:autoscaling:groupName";
/// The configuration that deploys to one instance after the other.
const ONE_AT_A_TIME: &str = "CodeDeployDefault.OneAtATime";

impl Selecting {
    /// How the group of this name selects its instances. `key` is the key of the gate's tag.
    pub fn of(key: &GateKey, name: &DeploymentGroup, selection: &Selection) -> Self {
        if !selection.auto_scaling_groups.is_empty() {
            return Self::SharedByAutoScalingGroup;
        }
        match selection.tag_groups.iter().any(|group| is_gate(group, key, name)) {
            true => Self::Gated,
            false => Self::SharedByTags,
        }
    }

    /// Whether it goes by the gate.
    pub fn is_gated(self) -> bool {
        self == Self::Gated
    }
}

/// Whether a tag group looks for gates at the group of this name, for open ones, and for nothing else. One that lets through more does not
/// keep anybody from an instance that waits; one that does not look for its own name never reaches such an instance.
fn is_gate(tag_group: &[TagFilter], key: &GateKey, name: &DeploymentGroup) -> bool {
    let [own, open] = filters(key, name);
    tag_group.contains(&own) && tag_group.iter().all(|filter| *filter == own || *filter == open)
}

/// The tag group by which a deployment group becomes gated.
fn filters(key: &GateKey, name: &DeploymentGroup) -> [TagFilter; 2] {
    [Gate::At(name.clone()), Gate::Open].map(|gate| filter(key.as_str(), &gate.to_string()))
}

fn filter(key: &str, value: &str) -> TagFilter {
    TagFilter { key: key.into(), value: value.into(), filter_type: "KEY_AND_VALUE".into() }
}

/// Where the gate of an instance is that no rollout deploys to.
pub fn at_rest(instance: &Instance) -> Gate {
    match instance.destination() {
        Destination::WarmPool => Gate::Pooled,
        Destination::AutoScalingGroup => Gate::Open,
    }
}

/// Where the schedule moves the gate of an instance that nobody's rollout serves; `None`: nowhere. `gate` is the gate as it is, or was a moment
/// ago. `may_be_served` says whether a rollout may be at work on the instance.
///
/// In service every gate is opened. An instance comes back into the warm pool with an open gate, and past no hook, so nobody else shuts it (Auto
/// Scaling user guide, "Use lifecycle hooks with a warm pool"); no rollout opens a gate there. Any other gate may be that of a rollout at work.
pub fn by_schedule(instance: &Instance, gate: Option<&str>, may_be_served: bool) -> Option<Gate> {
    let is = |other: Gate| gate == Some(other.to_string().as_str());
    match instance.lifecycle_state.as_str() {
        "InService" if !is(Gate::Open) => Some(Gate::Open),
        "Warmed:Pending" | "Warmed:Pending:Proceed" if is(Gate::Open) => Some(Gate::Pooled),
        "Warmed:Stopped" | "Warmed:Running" | "Warmed:Hibernated"
            if is(Gate::Open) || (!is(Gate::Pooled) && !may_be_served) =>
        {
            Some(Gate::Pooled)
        }
        _ => None,
    }
}

/// Where the gate of an instance is while a deployment to the group of this name is its turn. `None`: it is at no application, and whoever
/// goes by the gate stays away.
///
/// `without_hook` is the instance if it does not wait at a hook that the rollout completes. In service its gate stays open.
pub fn for_turn(name: &DeploymentGroup, selecting: Selecting, without_hook: Option<&Instance>) -> Option<Gate> {
    match without_hook {
        Some(instance) if instance.lifecycle_state == "InService" => Some(Gate::Open),
        _ => selecting.is_gated().then(|| Gate::At(name.clone())),
    }
}

/// What the operator should know of how the application's group selects its instances, and how to change it.
pub fn warnings(key: &GateKey, application: &Application, group: &DeploymentGroupInfo) -> Vec<String> {
    let name = &application.group;
    let given_up = match Selecting::of(key, name, &group.selection) {
        Selecting::Gated => return warnings_of_gated(key, application, group),
        Selecting::SharedByTags => {
            "selects instances that still launch whatever their gate: anybody's deployment reaches them, in any order, and may meet Turnstile's"
        }
        Selecting::SharedByAutoScalingGroup => {
            "selects instances by Auto Scaling group: anybody's deployment may reach them while they launch, and whether Turnstile's does is \
             not documented"
        }
    };
    vec![format!("{name}: {given_up}. {}", how_to_gate(key, name, &group.selection))]
}

fn warnings_of_gated(key: &GateKey, application: &Application, group: &DeploymentGroupInfo) -> Vec<String> {
    let name = &application.group;
    let mut warnings = Vec::new();
    if !group.selection.tag_groups.iter().flatten().any(|filter| *filter == filters(key, name)[1]) {
        warnings.push(format!(
            "{name}: does not select instances whose gate is open: nobody's deployment reaches an instance in service. {}",
            how_to_gate(key, name, &group.selection)
        ));
    }
    let configuration = application.deployment_config_name.as_ref().unwrap_or(&group.deployment_config_name);
    if configuration == ONE_AT_A_TIME {
        warnings.push(format!(
            "{name}: {ONE_AT_A_TIME}: where several instances launch together, each waits for those before it, though none is in service \
             yet. A deploymentConfigName in the list of applications ends that for launches. It holds for instances in service, too, that \
             a launch's deployment finds outdated"
        ));
    }
    warnings
}

/// The command that makes the group a gated one, where there is room for one more tag group.
fn how_to_gate(key: &GateKey, name: &DeploymentGroup, selection: &Selection) -> String {
    let is_of_the_gate = |group: &&Vec<TagFilter>| group.iter().all(|filter| filter.key == key.as_str());
    let mut own: Vec<Vec<TagFilter>> =
        selection.tag_groups.iter().filter(|group| !is_of_the_gate(group)).cloned().collect();
    let (mut and, mut mind) = ("", "");
    if !selection.auto_scaling_groups.is_empty() {
        if !selection.tag_groups.is_empty() {
            mind = ". Mind that the group selects by tags as well, and that this leaves out the instances that it selects by those alone: if \
                    some belong to it, gate those tags instead, and give them to the Auto Scaling group's instances";
        }
        let names = selection.auto_scaling_groups.iter();
        // What the Auto Scaling groups select is added to what the tags select, and cannot be written as tags beside those.
        own = vec![names.map(|name| filter(AUTO_SCALING_TAG, name)).collect()];
        and = " --auto-scaling-groups '[]'";
    }
    if own.len() >= MOST_TAG_GROUPS {
        return format!("It has {MOST_TAG_GROUPS} tag groups, and none left for the gate: let it select by fewer");
    }
    own.push(filters(key, name).to_vec());
    format!(
        "To gate it: aws deploy update-deployment-group --application-name {} --current-deployment-group-name {}{and} --ec2-tag-set '{}'{mind}",
        name.application_name,
        name.deployment_group_name,
        json(&own)
    )
}

fn json(tag_groups: &[Vec<TagFilter>]) -> String {
    // Its fields stay in CodeDeploy's order. A quote would end the text in a shell.
    let list = serde_json::to_string(tag_groups).unwrap_or_default();
    format!("{{\"ec2TagSetList\":{list}}}").replace('\'', "\\u0027")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::deployment::DeploymentGroupInfo;
    use crate::words::ids::AutoScalingGroupName;
    use proptest::prelude::*;

    fn name() -> DeploymentGroup {
        "A/S".parse().unwrap()
    }

    fn key() -> GateKey {
        GateKey::default()
    }

    fn gate(value: &str) -> TagFilter {
        filter("turnstile", value)
    }

    fn by(tag_groups: &[&[TagFilter]], auto_scaling_groups: &[&str]) -> Selection {
        Selection {
            tag_groups: tag_groups.iter().map(|group| group.to_vec()).collect(),
            auto_scaling_groups: auto_scaling_groups.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    fn info(selection: Selection) -> DeploymentGroupInfo {
        DeploymentGroupInfo { selection, ..DeploymentGroupInfo::sample() }
    }

    #[test]
    fn every_selection_is_recognised() {
        use Selecting::{Gated, SharedByAutoScalingGroup, SharedByTags};
        let (own, open, role) = (|| gate("A/S"), || gate("open"), || filter("role", "web"));
        let key_only = TagFilter { filter_type: "KEY_ONLY".into(), value: String::new(), ..own() };
        for (selection, expected) in [
            (by(&[&[own(), open()]], &[]), Gated),
            (by(&[&[open(), own()], &[role()]], &[]), Gated),
            (by(&[&[own()]], &[]), Gated),
            (by(&[&[own(), open(), role()]], &[]), SharedByTags),
            (by(&[&[own(), open(), gate("B/S")]], &[]), SharedByTags),
            (by(&[&[open()]], &[]), SharedByTags),
            (by(&[&[key_only]], &[]), SharedByTags),
            (by(&[&[role()]], &[]), SharedByTags),
            (by(&[], &[]), SharedByTags),
            (by(&[], &["web"]), SharedByAutoScalingGroup),
            (by(&[&[own(), open()]], &["web"]), SharedByAutoScalingGroup),
        ] {
            assert_eq!(Selecting::of(&key(), &name(), &selection), expected, "{selection:?}");
        }
    }

    #[test]
    fn a_group_that_is_not_gated_is_warned_of_with_the_command() {
        for (selection, start, command) in [
            (
                by(&[&[filter("role", "web")]], &[]),
                "A/S: selects instances that still launch",
                "aws deploy update-deployment-group --application-name A --current-deployment-group-name S --ec2-tag-set \
                 '{\"ec2TagSetList\":[[{\"Key\":\"role\",\"Value\":\"web\",\"Type\":\"KEY_AND_VALUE\"}],\
                 [{\"Key\":\"turnstile\",\"Value\":\"A/S\",\"Type\":\"KEY_AND_VALUE\"},\
                 {\"Key\":\"turnstile\",\"Value\":\"open\",\"Type\":\"KEY_AND_VALUE\"}]]}'",
            ),
            (
                by(&[], &["web"]),
                "A/S: selects instances by Auto Scaling group",
                "--auto-scaling-groups '[]' --ec2-tag-set '{\"ec2TagSetList\":[[{\"Key\":\"aws:autoscaling:groupName\",\
                 \"Value\":\"web\",\"Type\":\"KEY_AND_VALUE\"}],",
            ),
            // A gate that lets through too much is replaced, and not kept beside the right one.
            (
                by(&[&[gate("open"), gate("B/S")]], &[]),
                "A/S: selects instances",
                "'{\"ec2TagSetList\":[[{\"Key\":\"turnstile\"",
            ),
        ] {
            let warnings = warnings(&key(), &name().into(), &info(selection));
            let [warning] = warnings.as_slice() else { panic!("{warnings:?}") };
            assert!(warning.starts_with(start) && warning.contains(command), "{warning}");
        }
        let both = warnings(&key(), &name().into(), &info(by(&[&[filter("role", "web")]], &["web"])));
        assert!(both[0].contains("'. Mind that the group selects by tags as well"), "{both:?}");
        assert!(!both[0].contains("role"), "{both:?}");
        let one = warnings(&key(), &name().into(), &info(by(&[], &["web"])));
        assert!(!one[0].contains("Mind"), "{one:?}");
        let full = by(&[&[filter("a", "1")], &[filter("b", "1")], &[filter("c", "1")]], &[]);
        assert!(warnings(&key(), &name().into(), &info(full))[0].ends_with("let it select by fewer"));
    }

    #[test]
    fn what_is_wrong_with_a_gated_group_is_warned_of() {
        let gated = || by(&[&[gate("A/S"), gate("open")]], &[]);
        assert_eq!(warnings(&key(), &name().into(), &info(gated())), [] as [&str; 0]);

        let own_only = warnings(&key(), &name().into(), &info(by(&[&[gate("A/S")]], &[])));
        assert!(own_only[0].starts_with("A/S: does not select instances whose gate is open"), "{own_only:?}");

        let one_at_a_time = DeploymentGroupInfo { deployment_config_name: ONE_AT_A_TIME.into(), ..info(gated()) };
        let warned = warnings(&key(), &name().into(), &one_at_a_time);
        assert!(warned[0].starts_with("A/S: CodeDeployDefault.OneAtATime"), "{warned:?}");
        let otherwise = Application { deployment_config_name: Some("Mine".into()), ..name().into() };
        assert_eq!(warnings(&key(), &otherwise, &one_at_a_time), [] as [&str; 0]);
        let itself = Application { deployment_config_name: Some(ONE_AT_A_TIME.into()), ..name().into() };
        assert_eq!(warnings(&key(), &itself, &info(gated())).len(), 1);
    }

    #[test]
    fn the_gate_of_an_instance_follows_from_where_it_stands() {
        let instance = |state: &str| Instance {
            auto_scaling_group_name: AutoScalingGroupName::try_from("web").unwrap(),
            lifecycle_state: state.into(),
        };
        let at = |name: DeploymentGroup| Some(Gate::At(name));
        for (state, at_rest_, gated, shared) in [
            ("InService", Gate::Open, Some(Gate::Open), Some(Gate::Open)),
            ("Pending:Wait", Gate::Open, at(name()), None),
            ("Warmed:Stopped", Gate::Pooled, at(name()), None),
            ("Warmed:Pending:Wait", Gate::Pooled, at(name()), None),
        ] {
            let instance = instance(state);
            assert_eq!(at_rest(&instance), at_rest_, "{state}");
            assert_eq!(for_turn(&name(), Selecting::Gated, Some(&instance)), gated, "{state}");
            assert_eq!(for_turn(&name(), Selecting::SharedByTags, Some(&instance)), shared, "{state}");
        }
        assert_eq!(for_turn(&name(), Selecting::Gated, None), at(name()));
        assert_eq!(for_turn(&name(), Selecting::SharedByAutoScalingGroup, None), None);
    }

    #[test]
    fn the_schedule_opens_gates_in_service_and_shuts_them_in_the_warm_pool() {
        let (open, pooled) = (Some(Gate::Open), Some(Gate::Pooled));
        for (state, gate, of_nobody, if_served) in [
            ("InService", None, &open, &open),
            ("InService", Some("A/S"), &open, &open),
            ("InService", Some("pooled"), &open, &open),
            ("InService", Some("open"), &None, &None),
            ("Warmed:Stopped", Some("open"), &pooled, &pooled),
            ("Warmed:Stopped", Some("A/S"), &pooled, &None),
            ("Warmed:Stopped", Some("mine"), &pooled, &None),
            ("Warmed:Stopped", None, &pooled, &None),
            ("Warmed:Stopped", Some("pooled"), &None, &None),
            ("Warmed:Running", Some("A/S"), &pooled, &None),
            ("Warmed:Hibernated", Some("open"), &pooled, &pooled),
            ("Warmed:Pending", Some("open"), &pooled, &pooled),
            ("Warmed:Pending", Some("A/S"), &None, &None),
            ("Warmed:Pending", None, &None, &None),
            ("Warmed:Pending:Wait", Some("open"), &None, &None),
            ("Pending:Wait", Some("open"), &None, &None),
            ("Pending:Wait", Some("A/S"), &None, &None),
            ("Terminating:Wait", Some("A/S"), &None, &None),
            ("Standby", Some("A/S"), &None, &None),
        ] {
            let auto_scaling_group_name = AutoScalingGroupName::try_from("web").unwrap();
            let instance = Instance { auto_scaling_group_name, lifecycle_state: state.into() };
            assert_eq!(by_schedule(&instance, gate, false), *of_nobody, "{state} {gate:?}");
            assert_eq!(by_schedule(&instance, gate, true), *if_served, "{state} {gate:?}");
        }
    }

    proptest! {
        /// Whatever else it selects by: a gated group selects an instance only while its gate is at the group itself, or open.
        #[test]
        fn a_gated_group_selects_nobody_else_s_gate(
            groups in prop::collection::vec(prop::collection::vec((any::<bool>(), 0..4usize), 1..3), 0..3),
            gated in any::<bool>(),
            value in 0..4usize,
        ) {
            let values = ["A/S", "open", "B/S", "failed"];
            let filter_of = |(is_gate, i): &(bool, usize)| if *is_gate { gate(values[*i]) } else { filter("role", "web") };
            let mut tag_groups: Vec<Vec<TagFilter>> =
                groups.iter().map(|group| group.iter().map(filter_of).collect()).collect();
            if gated {
                tag_groups.push(vec![gate("A/S"), gate("open")]);
            }
            let selection = Selection { tag_groups, auto_scaling_groups: Vec::new() };
            let looks_for = |filter: &TagFilter| filter.key != "turnstile" || filter.value == values[value];
            let selects = selection.tag_groups.iter().all(|group| group.iter().any(looks_for));
            let selecting = Selecting::of(&key(), &name(), &selection);
            prop_assert!(selecting.is_gated() || !gated);
            if selecting.is_gated() && selects {
                prop_assert!(["A/S", "open"].contains(&values[value]), "{selection:?}");
            }
        }

        /// The command makes a gated group of any that has room.
        #[test]
        fn the_command_gates(
            groups in prop::collection::vec(prop::collection::vec(0..3usize, 1..4), 0..3),
            by_auto_scaling_group: bool,
        ) {
            let filters = [filter("role", "web"), gate("open"), gate("B/S")];
            let selection = Selection {
                tag_groups: groups.iter().map(|group| group.iter().map(|i| filters[*i].clone()).collect()).collect(),
                auto_scaling_groups: by_auto_scaling_group.then(|| "web".to_owned()).into_iter().collect(),
            };
            let text = how_to_gate(&key(), &name(), &selection);
            let (_, json) = text.split_once("--ec2-tag-set '").unwrap();
            let (json, _) = json.split_once('\'').unwrap();
            let written: serde_json::Value = serde_json::from_str(json).unwrap();
            let text_of = |filter: &serde_json::Value, field: &str| filter[field].as_str().unwrap().to_owned();
            let tag_groups = written["ec2TagSetList"].as_array().unwrap().iter().map(|group| {
                let filters = group.as_array().unwrap().iter().map(|filter| TagFilter {
                    key: text_of(filter, "Key"),
                    value: text_of(filter, "Value"),
                    filter_type: text_of(filter, "Type"),
                });
                filters.collect()
            });
            let after = Selection { tag_groups: tag_groups.collect(), auto_scaling_groups: Vec::new() };
            prop_assert!(after.tag_groups.len() <= MOST_TAG_GROUPS);
            prop_assert!(Selecting::of(&key(), &name(), &after).is_gated(), "{after:?}");
        }
    }
}
