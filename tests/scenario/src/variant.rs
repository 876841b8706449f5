//! Which way the open facts are in a run. A scenario has to pass whichever way those facts are that it does not fix.

use std::fmt;

use world::{NothingOutdated, OpenFacts};

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
    StopIsImmediate,
}

/// Every fact, in each way that is not the default.
const FACTS: [Fact; 7] = [
    Fact::NothingOutdated(NothingOutdated::Exception),
    Fact::NothingOutdated(NothingOutdated::SucceededWithoutTargets),
    Fact::NothingOutdated(NothingOutdated::TargetsSkipped),
    Fact::TargetRevisionMovesOnFailure,
    Fact::AutoScalingSelectionReachesPendingWait,
    Fact::LimitMessageNamesDeployment,
    Fact::StopIsImmediate,
];

/// The facts of [`Variant::Flipped`]. Of the ways of `NothingOutdated`, an exception differs most from the default, a deployment that fails.
const FLIPPED: [Fact; 5] = [
    Fact::NothingOutdated(NothingOutdated::Exception),
    Fact::TargetRevisionMovesOnFailure,
    Fact::AutoScalingSelectionReachesPendingWait,
    Fact::LimitMessageNamesDeployment,
    Fact::StopIsImmediate,
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
            stop_is_immediate,
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
            stop_is_immediate: stop_is_immediate.unwrap_or(facts.stop_is_immediate),
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
            Fact::StopIsImmediate => flip(&mut facts.stop_is_immediate),
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
        assert!(flipped.stop_is_immediate != usual.stop_is_immediate);
        assert_eq!(Variant::distinct(&Variant::every(), &free).len(), 9);
    }

    #[test]
    fn what_a_scenario_fixes_is_not_flipped() {
        let fixed = format::OpenFacts {
            nothing_outdated: Some(NothingOutdated::TargetsSkipped),
            target_revision_moves_on_failure: Some(true),
            auto_scaling_selection_reaches_pending_wait: Some(false),
            stop_is_immediate: Some(true),
            ..format::OpenFacts::default()
        };
        assert_eq!(Variant::Flipped.facts(&fixed).nothing_outdated, NothingOutdated::TargetsSkipped);
        let distinct = Variant::distinct(&Variant::every(), &fixed);
        assert_eq!(distinct, [Variant::Default, Variant::Flipped], "which differ in the message about the limit only");
    }
}
