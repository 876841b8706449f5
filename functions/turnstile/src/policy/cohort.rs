//! The cohort: the instances whose gates one turn moves from application to application, so that one deployment serves them all.

use std::collections::BTreeSet;

use crate::words::deployment::{Target, TargetStatus};
use crate::words::ids::{AutoScalingGroupName, InstanceId};
use crate::words::turn::Claim;

/// For how long a rollout waits at the most, from its start, for other instances that launch with its own, in seconds. Instances of a burst
/// come to the hook within some seconds of each other; each that comes too late waits for the next turn.
pub const LONGEST_GATHERING: u32 = 20;
/// How long it waits before it looks again.
const GATHERING_STEP: u32 = 3;
/// How many instances a cohort has at the most. Their gates are moved 20 at a call, and the calls have to fit into one of a function.
const MOST_IN_A_COHORT: usize = 300;

/// How long to wait before the turn's first deployment, in seconds, so that a burst of launches stays together; `None`: deploy. `launching`
/// are the group's instances on their way to service, and `age` the rollout's, in seconds.
pub fn gathering(
    claim: Option<&Claim>,
    own: &InstanceId,
    launching: impl IntoIterator<Item = InstanceId>,
    age: u32,
) -> Option<u32> {
    let left = LONGEST_GATHERING.saturating_sub(age);
    let has_come = |id: &InstanceId| {
        id == own || claim.is_some_and(|claim| claim.waiting.contains(id) || claim.silent.contains(id))
    };
    let is_missing = launching.into_iter().any(|id| !has_come(&id));
    (is_missing && left > 0).then(|| left.min(GATHERING_STEP))
}

/// How long to wait before the turn's deployment, in seconds, so that the `cohort` of the application before stays together: its members come to
/// the queue as they notice that they are done. `waited` is for how long it has been waited for, in seconds.
pub fn regathering(claim: Option<&Claim>, own: &InstanceId, cohort: &BTreeSet<InstanceId>, waited: u32) -> Option<u32> {
    let has_come = |id: &InstanceId| {
        id == own || claim.is_some_and(|claim| claim.waiting.contains(id) || claim.silent.contains(id))
    };
    let left = LONGEST_GATHERING.saturating_sub(waited);
    let is_missing = cohort.iter().any(|id| !has_come(id));
    (is_missing && left > 0).then(|| left.min(GATHERING_STEP))
}

/// The other instances that the next deployment of a turn may serve. `before` are the targets of the deployment that brought the application
/// before it in the list; `None`: it is the first one.
///
/// The first application goes to all that wait, but for those on which a deployment did not begin: each of them would hold the others up
/// again. The next ones go to those of the cohort that have succeeded so far, because each instance gets the list in order. One that has left
/// the queue meanwhile is served already, or has failed.
pub fn others(claim: Option<&Claim>, own: &InstanceId, before: Option<&[Target]>) -> BTreeSet<InstanceId> {
    let Some(claim) = claim else { return BTreeSet::new() };
    let may_be_served = |id: &&InstanceId| match before {
        None => !claim.silent.contains(*id),
        Some(targets) => {
            let has_succeeded = |target: &Target| target.target_id == **id && target.status == TargetStatus::Succeeded;
            claim.cohort.contains(*id) && targets.iter().any(has_succeeded)
        }
    };
    claim.waiting.iter().filter(|id| *id != own).filter(may_be_served).take(MOST_IN_A_COHORT).cloned().collect()
}

/// Whether nobody else waits for the turn of a rollout of this Auto Scaling group, whose claims these are. Rollouts of another group that has
/// ever taken one of the claims may wait; they do not queue here.
pub fn is_alone(found: &[Claim], auto_scaling_group: &AutoScalingGroupName, own: &InstanceId) -> bool {
    let other_groups = found.iter().flat_map(|claim| &claim.taken_for).any(|group| group != auto_scaling_group);
    let others = found.iter().flat_map(|claim| &claim.waiting).any(|id| id != own);
    !other_groups && !others
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::deployment::sample;

    fn id(number: u32) -> InstanceId {
        InstanceId::try_from(format!("i-{number:08}")).unwrap()
    }

    fn ids(numbers: &[u32]) -> BTreeSet<InstanceId> {
        numbers.iter().map(|number| id(*number)).collect()
    }

    fn claim(waiting: &[u32], silent: &[u32], cohort: &[u32]) -> Claim {
        let claim = serde_json::from_value(serde_json::json!({"claim": "autoScalingGroup:web"})).unwrap();
        Claim { waiting: ids(waiting), silent: ids(silent), cohort: ids(cohort), ..claim }
    }

    fn target(number: u32, status: TargetStatus) -> Target {
        Target { target_id: id(number).as_str().into(), ..sample::target(status) }
    }

    #[test]
    fn a_burst_is_gathered_for_a_short_time() {
        for (waiting, silent, launching, age, expected) in [
            ([].as_slice(), [].as_slice(), [].as_slice(), 0, None),
            (&[], &[], &[1], 0, None),
            (&[], &[], &[1, 2], 3, Some(3)),
            (&[2], &[], &[1, 2], 3, None),
            (&[2], &[], &[1, 2, 3], 18, Some(2)),
            (&[2], &[], &[1, 2, 3], 20, None),
            (&[], &[2], &[1, 2], 3, None),
        ] {
            let launching: Vec<InstanceId> = launching.iter().map(|number| id(*number)).collect();
            let claim = claim(waiting, silent, &[]);
            assert_eq!(
                gathering(Some(&claim), &id(1), launching.clone(), age),
                expected,
                "{claim:?} {launching:?} {age}"
            );
        }
        assert_eq!(gathering(None, &id(1), [id(2)], 0), Some(3), "nobody has had a turn in the group");
    }

    #[test]
    fn a_cohort_is_gathered_again_for_a_short_time() {
        for (waiting, silent, cohort, waited, expected) in [
            ([].as_slice(), [].as_slice(), [].as_slice(), 0, None),
            (&[], &[], &[1], 0, None),
            (&[], &[], &[1, 2], 0, Some(3)),
            (&[2], &[], &[1, 2], 0, None),
            (&[2], &[], &[1, 2, 3], 19, Some(1)),
            (&[2], &[], &[1, 2, 3], 20, None),
            (&[], &[2], &[1, 2], 0, None),
        ] {
            let cohort = ids(cohort);
            let claim = claim(waiting, silent, &[]);
            assert_eq!(regathering(Some(&claim), &id(1), &cohort, waited), expected, "{claim:?} {cohort:?} {waited}");
        }
    }

    #[test]
    fn the_first_application_goes_to_all_that_wait_and_are_not_silent() {
        assert_eq!(others(None, &id(1), None), ids(&[]));
        assert_eq!(others(Some(&claim(&[1, 2, 3], &[], &[])), &id(1), None), ids(&[2, 3]));
        assert_eq!(others(Some(&claim(&[1, 2, 3], &[3], &[9])), &id(1), None), ids(&[2]));
    }

    #[test]
    fn the_next_application_goes_to_those_of_the_cohort_that_have_succeeded() {
        use TargetStatus::{Failed, InProgress, Pending, Succeeded};
        let claim = claim(&[1, 2, 3, 4, 5, 6], &[], &[1, 2, 3, 4, 5, 7]);
        let before = [
            target(1, Succeeded),
            target(2, Succeeded),
            target(3, Failed),
            target(4, Pending),
            target(5, InProgress),
            target(6, Succeeded),
            target(7, Succeeded),
        ];
        // 6 came to the queue later, and may lack what the turn has brought before; 7 has left it.
        assert_eq!(others(Some(&claim), &id(1), Some(&before)), ids(&[2]));
        assert_eq!(others(Some(&claim), &id(1), Some(&[])), ids(&[]));
    }

    #[test]
    fn a_rollout_is_alone_when_nobody_queues_and_no_other_group_takes_its_claims() {
        let web = AutoScalingGroupName::try_from("web").unwrap();
        let taken_for = |group: &str| Claim {
            taken_for: BTreeSet::from([AutoScalingGroupName::try_from(group).unwrap()]),
            ..claim(&[], &[], &[])
        };
        for (found, expected) in [
            (vec![], true),
            (vec![claim(&[1], &[], &[1, 2]), taken_for("web")], true),
            (vec![claim(&[1, 2], &[], &[])], false),
            (vec![claim(&[2], &[2], &[])], false),
            (vec![taken_for("api")], false),
        ] {
            assert_eq!(is_alone(&found, &web, &id(1)), expected, "{found:?}");
        }
    }

    #[test]
    fn a_cohort_has_a_greatest_size() {
        let all: Vec<u32> = (1..=500).collect();
        assert_eq!(others(Some(&claim(&all, &[], &[])), &id(1), None).len(), MOST_IN_A_COHORT);
    }
}
