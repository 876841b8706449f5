//! Which way the open facts are in a run. A scenario has to pass whichever way those facts are that it does not fix.

use std::fmt;

use world::{NothingOutdated, OpenFacts, RootVolumeHook};

use crate::format;

/// A choice of the open facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// The world's defaults.
    Default,
    /// Every fact the other way.
    Flipped,
    /// One fact the other way.
    Only(Fact),
}

/// An open fact, the other way than the world's default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are world::OpenFacts's")]
pub enum Fact {
    NothingOutdated(NothingOutdated),
    TargetRevisionMovesOnFailure,
    AutoScalingSelectionReachesPendingWait,
    LimitMessageNamesDeployment,
    OutdatedByLastSuccess,
    RestartNamesRevision,
    RootVolumeHook(RootVolumeHook),
    StopIsImmediate,
    /// So many seconds.
    TagsSeenAfter(u32),
}

/// Every fact that many scenarios meet, in each way that is not the default. The other facts, each of which a scenario meets in a step of its
/// own, differ from their defaults together only: in [`Variant::Flipped`].
const FACTS: [Fact; 10] = [
    Fact::NothingOutdated(NothingOutdated::Exception),
    Fact::NothingOutdated(NothingOutdated::SucceededWithoutTargets),
    Fact::NothingOutdated(NothingOutdated::TargetsSkipped),
    Fact::TargetRevisionMovesOnFailure,
    Fact::AutoScalingSelectionReachesPendingWait,
    Fact::LimitMessageNamesDeployment,
    Fact::OutdatedByLastSuccess,
    Fact::StopIsImmediate,
    Fact::TagsSeenAfter(5),
    Fact::TagsSeenAfter(45),
];

/// The facts of [`Variant::Flipped`]. Of the ways of `NothingOutdated`, an exception differs most from the default, a deployment that fails.
const FLIPPED: [Fact; 9] = [
    Fact::NothingOutdated(NothingOutdated::Exception),
    Fact::TargetRevisionMovesOnFailure,
    Fact::AutoScalingSelectionReachesPendingWait,
    Fact::LimitMessageNamesDeployment,
    Fact::OutdatedByLastSuccess,
    Fact::RestartNamesRevision,
    Fact::RootVolumeHook(RootVolumeHook::After),
    Fact::StopIsImmediate,
    Fact::TagsSeenAfter(45),
];

impl Variant {
    /// The defaults, and every fact the other way.
    pub const BOTH: [Variant; 2] = [Variant::Default, Variant::Flipped];

    /// The defaults, every fact the other way, and each fact alone the other way.
    pub fn every() -> Vec<Variant> {
        Self::BOTH.into_iter().chain(FACTS.map(Variant::Only)).collect()
    }

    /// The open facts of a run. What the scenario fixes is as the scenario has it.
    pub fn facts(self, fixed: &format::OpenFacts) -> OpenFacts {
        let mut facts = OpenFacts::default();
        match self {
            Variant::Default => {}
            Variant::Flipped => FLIPPED.into_iter().for_each(|fact| fact.flip(&mut facts)),
            Variant::Only(fact) => fact.flip(&mut facts),
        }
        let format::OpenFacts {
            nothing_outdated,
            nothing_outdated_exception,
            target_revision_moves_on_failure,
            auto_scaling_selection_reaches_pending_wait,
            limit_message_names_deployment,
            outdated_by_last_success,
            restart_names_revision,
            root_volume_hook,
            stop_is_immediate,
            tags_seen_after_seconds,
        } = fixed.clone();
        OpenFacts {
            nothing_outdated: nothing_outdated.unwrap_or(facts.nothing_outdated),
            nothing_outdated_exception: nothing_outdated_exception.unwrap_or(facts.nothing_outdated_exception),
            target_revision_moves_on_failure: target_revision_moves_on_failure
                .unwrap_or(facts.target_revision_moves_on_failure),
            auto_scaling_selection_reaches_pending_wait: auto_scaling_selection_reaches_pending_wait
                .unwrap_or(facts.auto_scaling_selection_reaches_pending_wait),
            limit_message_names_deployment: limit_message_names_deployment
                .unwrap_or(facts.limit_message_names_deployment),
            outdated_by_last_success: outdated_by_last_success.unwrap_or(facts.outdated_by_last_success),
            restart_names_revision: restart_names_revision.unwrap_or(facts.restart_names_revision),
            root_volume_hook: root_volume_hook.unwrap_or(facts.root_volume_hook),
            stop_is_immediate: stop_is_immediate.unwrap_or(facts.stop_is_immediate),
            tags_seen_after_seconds: tags_seen_after_seconds.unwrap_or(facts.tags_seen_after_seconds),
        }
    }

    /// The variants without those that have the same open facts as an earlier one, for a scenario that fixes `fixed`.
    pub fn distinct(variants: &[Variant], fixed: &format::OpenFacts) -> Vec<Variant> {
        let mut seen = Vec::new();
        let mut distinct = Vec::new();
        for &variant in variants {
            let facts = variant.facts(fixed);
            if !seen.contains(&facts) {
                seen.push(facts);
                distinct.push(variant);
            }
        }
        distinct
    }
}

impl Fact {
    fn flip(self, facts: &mut OpenFacts) {
        match self {
            Fact::NothingOutdated(other) => facts.nothing_outdated = other,
            Fact::TargetRevisionMovesOnFailure => flip(&mut facts.target_revision_moves_on_failure),
            Fact::AutoScalingSelectionReachesPendingWait => {
                flip(&mut facts.auto_scaling_selection_reaches_pending_wait)
            }
            Fact::LimitMessageNamesDeployment => flip(&mut facts.limit_message_names_deployment),
            Fact::OutdatedByLastSuccess => flip(&mut facts.outdated_by_last_success),
            Fact::RestartNamesRevision => flip(&mut facts.restart_names_revision),
            Fact::RootVolumeHook(other) => facts.root_volume_hook = other,
            Fact::StopIsImmediate => flip(&mut facts.stop_is_immediate),
            Fact::TagsSeenAfter(seconds) => facts.tags_seen_after_seconds = f64::from(seconds),
        }
    }
}

fn flip(fact: &mut bool) {
    *fact = !*fact;
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Variant::Default => f.write_str("open facts as usual"),
            Variant::Flipped => f.write_str("open facts the other way"),
            Variant::Only(fact) => write!(f, "{fact:?} the other way"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fact_is_flipped_alone_and_together() {
        let free = format::OpenFacts::default();
        let usual = Variant::Default.facts(&free);
        assert_eq!(usual, OpenFacts::default());
        let flipped = Variant::Flipped.facts(&free);
        assert!(flipped.nothing_outdated != usual.nothing_outdated);
        assert!(flipped.target_revision_moves_on_failure != usual.target_revision_moves_on_failure);
        let reaches = |facts: &OpenFacts| facts.auto_scaling_selection_reaches_pending_wait;
        assert!(reaches(&flipped) != reaches(&usual));
        assert!(flipped.limit_message_names_deployment != usual.limit_message_names_deployment);
        assert!(flipped.outdated_by_last_success != usual.outdated_by_last_success);
        assert!(flipped.restart_names_revision != usual.restart_names_revision);
        assert!(flipped.root_volume_hook != usual.root_volume_hook);
        assert!(flipped.stop_is_immediate != usual.stop_is_immediate);
        assert!(flipped.tags_seen_after_seconds > usual.tags_seen_after_seconds);
        assert_eq!(Variant::distinct(&Variant::every(), &free).len(), 12);
    }

    #[test]
    fn what_a_scenario_fixes_is_not_flipped() {
        let fixed = format::OpenFacts {
            nothing_outdated: Some(NothingOutdated::TargetsSkipped),
            target_revision_moves_on_failure: Some(true),
            auto_scaling_selection_reaches_pending_wait: Some(false),
            outdated_by_last_success: Some(true),
            restart_names_revision: Some(true),
            root_volume_hook: Some(RootVolumeHook::None),
            stop_is_immediate: Some(true),
            tags_seen_after_seconds: Some(0.0),
            ..format::OpenFacts::default()
        };
        assert_eq!(Variant::Flipped.facts(&fixed).nothing_outdated, NothingOutdated::TargetsSkipped);
        let distinct = Variant::distinct(&Variant::every(), &fixed);
        assert_eq!(distinct, [Variant::Default, Variant::Flipped], "which differ in the message about the limit only");
    }
}
