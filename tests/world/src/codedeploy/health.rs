//! Minimum healthy hosts: how many instances may be deployed to at a time, and when a deployment has failed.

use crate::setting::{MinimumHealthyHostsSetting, Revision};

/// A deployment configuration's rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MinimumHealthyHosts {
    HostCount(usize),
    FleetPercent(usize),
    /// So many at a time, all others healthy. Only `CodeDeployDefault.OneAtATime` has it (API reference,
    /// `MinimumHealthyHosts`).
    MostConcurrency(usize),
}

impl MinimumHealthyHosts {
    /// The rule of a predefined configuration (CodeDeploy user guide, "Predefined deployment configurations").
    pub(super) fn predefined(name: &str) -> Option<Self> {
        match name {
            "CodeDeployDefault.OneAtATime" => Some(Self::MostConcurrency(1)),
            "CodeDeployDefault.HalfAtATime" => Some(Self::FleetPercent(50)),
            "CodeDeployDefault.AllAtOnce" => Some(Self::HostCount(0)),
            _ => None,
        }
    }

    /// So many of `fleet` instances must be healthy; fractions are rounded up.
    fn required(self, fleet: usize) -> usize {
        match self {
            Self::HostCount(count) => count,
            Self::FleetPercent(percent) => (fleet * percent).div_ceil(100),
            Self::MostConcurrency(count) => fleet.saturating_sub(count),
        }
    }
}

impl From<MinimumHealthyHostsSetting> for MinimumHealthyHosts {
    fn from(setting: MinimumHealthyHostsSetting) -> Self {
        match setting {
            MinimumHealthyHostsSetting::HostCount(count) => Self::HostCount(count as usize),
            MinimumHealthyHostsSetting::FleetPercent(percent) => Self::FleetPercent(percent as usize),
        }
    }
}

/// Where a deployment stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Instances of the whole group when the deployment started, also those it does not deploy to.
    pub(super) fleet: usize,
    /// Targets not begun.
    pub(super) waiting: usize,
    /// Targets begun and not over.
    pub(super) begun: usize,
    pub(super) failed: usize,
}

/// What a deployment does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Begins so many targets.
    Begin(usize),
    /// Waits for those begun.
    Wait,
    Succeed,
    /// Fails with `HEALTH_CONSTRAINTS`; the targets not begun are skipped.
    Fail,
}

/// When an instance's turn comes in a deployment: the order of the variants.
///
/// CodeDeploy user guide, "CodeDeploy instance health": first unhealthy instances, then those whose revision is unknown, then
/// those with an old one, then those with the current one. Unknown revisions have no variant: an instance without a successful
/// deployment is unhealthy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Turn {
    /// The last deployment here failed, or there was none.
    Unhealthy,
    /// The last deployment here succeeded, with another revision than the deployment group's current one.
    Old,
    /// The last deployment here succeeded, with the deployment group's current revision.
    Current,
}

impl Turn {
    /// `installed`: the revision that last succeeded on the instance; `last_failed`: the last attempt failed; `current`: the
    /// revision of the deployment group's last successful deployment.
    pub(super) fn of(installed: Option<&Revision>, last_failed: bool, current: Option<&Revision>) -> Self {
        match installed {
            None => Turn::Unhealthy,
            Some(_) if last_failed => Turn::Unhealthy,
            installed if installed == current => Turn::Current,
            Some(_) => Turn::Old,
        }
    }
}

/// An instance being deployed to counts as not healthy, like one that failed. So a failure on the last instance is forgiven by
/// every rule that leaves room for one, while one before the last is not, as nothing more can be taken out of service. At
/// least one instance must be healthy in the end: a group's only instance is never forgiven.
///
/// An instance that was unhealthy from the start counts as healthy until it fails: a group that has fewer healthy instances than
/// the minimum is deployed to all the same. But a minimum that is not less than the group itself, such as half of one instance
/// rounded up, fails the deployment at once (both CodeDeploy user guide, "CodeDeploy instance health").
pub(super) fn next_step(rule: MinimumHealthyHosts, tally: Tally) -> Step {
    let required = rule.required(tally.fleet);
    let healthy = tally.fleet.saturating_sub(tally.failed + tally.begun);
    let room = healthy.saturating_sub(required).min(tally.waiting);
    if room > 0 {
        Step::Begin(room)
    } else if tally.begun > 0 {
        Step::Wait
    } else if tally.waiting == 0 && healthy >= required.max(1) {
        Step::Succeed
    } else {
        Step::Fail
    }
}

#[cfg(test)]
mod tests {
    use super::MinimumHealthyHosts::*;
    use super::*;
    use proptest::prelude::*;

    const ONE_AT_A_TIME: MinimumHealthyHosts = MostConcurrency(1);
    const HALF_AT_A_TIME: MinimumHealthyHosts = FleetPercent(50);
    const ALL_AT_ONCE: MinimumHealthyHosts = HostCount(0);

    #[test]
    fn the_first_wave() {
        let table = [
            (ONE_AT_A_TIME, 1, Step::Begin(1)),
            (ONE_AT_A_TIME, 5, Step::Begin(1)),
            (HALF_AT_A_TIME, 9, Step::Begin(4)),
            (HALF_AT_A_TIME, 2, Step::Begin(1)),
            // Rounded up, the percentage is the only instance.
            (HALF_AT_A_TIME, 1, Step::Fail),
            (ALL_AT_ONCE, 7, Step::Begin(7)),
            (HostCount(6), 9, Step::Begin(3)),
            (FleetPercent(40), 9, Step::Begin(5)),
            (HostCount(3), 3, Step::Fail),
            (FleetPercent(100), 4, Step::Fail),
            (FleetPercent(0), 4, Step::Begin(4)),
        ];
        for (rule, fleet, expected) in table {
            let tally = Tally { fleet, waiting: fleet, ..Tally::default() };
            assert_eq!(next_step(rule, tally), expected, "{rule:?} of {fleet}");
        }
    }

    #[test]
    fn the_end() {
        let table = [
            (ONE_AT_A_TIME, 3, 0, Step::Succeed),
            (ONE_AT_A_TIME, 3, 1, Step::Succeed),
            (ONE_AT_A_TIME, 1, 1, Step::Fail),
            (HALF_AT_A_TIME, 9, 4, Step::Succeed),
            (HALF_AT_A_TIME, 9, 5, Step::Fail),
            (ALL_AT_ONCE, 3, 2, Step::Succeed),
            (ALL_AT_ONCE, 3, 3, Step::Fail),
            (HostCount(6), 9, 3, Step::Succeed),
            (HostCount(6), 9, 4, Step::Fail),
            (FleetPercent(40), 9, 5, Step::Succeed),
            (FleetPercent(40), 9, 6, Step::Fail),
        ];
        for (rule, fleet, failed, expected) in table {
            let tally = Tally { fleet, failed, ..Tally::default() };
            assert_eq!(next_step(rule, tally), expected, "{rule:?}: {failed} of {fleet} failed");
        }
    }

    #[test]
    fn on_the_way() {
        let table = [
            (ONE_AT_A_TIME, (3, 2, 1, 0), Step::Wait),
            (ONE_AT_A_TIME, (3, 2, 0, 0), Step::Begin(1)),
            (ONE_AT_A_TIME, (3, 2, 0, 1), Step::Fail),
            (ONE_AT_A_TIME, (3, 0, 0, 1), Step::Succeed),
            (HALF_AT_A_TIME, (4, 2, 1, 1), Step::Wait),
            (HALF_AT_A_TIME, (4, 2, 0, 1), Step::Begin(1)),
            (HALF_AT_A_TIME, (4, 2, 0, 2), Step::Fail),
            // Only one of two instances was outdated, and failed: the other one is healthy.
            (ONE_AT_A_TIME, (2, 0, 0, 1), Step::Succeed),
        ];
        for (rule, (fleet, waiting, begun, failed), expected) in table {
            let tally = Tally { fleet, waiting, begun, failed };
            assert_eq!(next_step(rule, tally), expected, "{rule:?} {tally:?}");
        }
    }

    #[test]
    fn whose_turn_it_is() {
        let (one, two) = (Revision::s3("bundles", "1.zip"), Revision::s3("bundles", "2.zip"));
        let table = [
            (None, false, Some(&two), Turn::Unhealthy),
            (None, true, Some(&two), Turn::Unhealthy),
            (None, false, None, Turn::Unhealthy),
            (Some(&one), true, Some(&two), Turn::Unhealthy),
            (Some(&two), true, Some(&two), Turn::Unhealthy),
            (Some(&one), false, Some(&two), Turn::Old),
            (Some(&two), false, Some(&two), Turn::Current),
        ];
        for (installed, last_failed, current, expected) in table {
            assert_eq!(Turn::of(installed, last_failed, current), expected, "{installed:?} {last_failed} {current:?}");
        }
        assert!(Turn::Unhealthy < Turn::Old && Turn::Old < Turn::Current);
    }

    fn any_rule() -> impl Strategy<Value = MinimumHealthyHosts> {
        prop_oneof![(0..12_usize).prop_map(HostCount), (0..=100_usize).prop_map(FleetPercent), Just(MostConcurrency(1)),]
    }

    proptest! {
        /// Whatever fails, the healthy never become fewer than the minimum by a target that was begun.
        #[test]
        fn beginning_keeps_the_minimum(rule in any_rule(), fleet in 0..12_usize, outcomes in prop::collection::vec(any::<bool>(), 12)) {
            let mut tally = Tally { fleet, waiting: fleet, ..Tally::default() };
            let mut outcomes = outcomes.into_iter();
            let end = loop {
                match next_step(rule, tally) {
                    Step::Begin(count) => {
                        tally.waiting -= count;
                        tally.begun += count;
                        prop_assert!(fleet - tally.failed - tally.begun >= rule.required(fleet));
                    }
                    Step::Wait => {
                        tally.begun -= 1;
                        tally.failed += usize::from(outcomes.next() == Some(false));
                    }
                    end => break end,
                }
            };
            let kept = fleet - tally.failed >= rule.required(fleet).max(1) && tally.waiting == 0;
            prop_assert_eq!(end == Step::Succeed, kept);
        }
    }
}
