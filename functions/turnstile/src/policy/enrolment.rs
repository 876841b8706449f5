//! Which groups have the stack's hook, and which have lost it.
//!
//! DescribeAutoScalingGroups does not tell of hooks, and a call for each group would grow with their number. So what was seen is kept, and the
//! schedule asks only some of the groups each minute: those that it does not know, and the others by turns.

use std::collections::BTreeSet;

use crate::limits::MOST_GROUPS_ASKED;
use crate::words::enrolment::{Enrolment, Enrolments};
use crate::words::group::Group;
use crate::words::ids::AutoScalingGroupName;
use crate::words::time::Timestamp;

/// What a look at a group's hooks makes of what was known of it.
pub fn seen(before: Option<Enrolment>, has_hook: bool) -> Enrolment {
    match (before, has_hook) {
        (_, true) => Enrolment::Enrolled,
        (None | Some(Enrolment::NotEnrolled), false) => Enrolment::NotEnrolled,
        (Some(Enrolment::Enrolled | Enrolment::Vanished), false) => Enrolment::Vanished,
    }
}

/// The groups to be asked for their hooks in this minute. Within so many minutes as the groups fill lists of [`MOST_GROUPS_ASKED`], each has had
/// its turn.
pub fn to_ask<'a>(groups: &'a [Group], known: &Enrolments, now: Timestamp) -> BTreeSet<&'a AutoScalingGroupName> {
    let names: BTreeSet<&AutoScalingGroupName> = groups.iter().map(|group| &group.name).collect();
    let unknown = names.iter().filter(|name| !known.contains_key(**name)).take(MOST_GROUPS_ASKED);
    let lists = names.len().div_ceil(MOST_GROUPS_ASKED).max(1);
    let minute = usize::try_from(now.seconds() / 60).unwrap_or(0);
    let by_turns = names.iter().skip(minute % lists * MOST_GROUPS_ASKED).take(MOST_GROUPS_ASKED);
    unknown.chain(by_turns).copied().collect()
}

/// The groups that are served: their launches get rollouts, and their instances gates. One whose hook has vanished is still: its instances in
/// service would else be shut off from releases.
pub fn served<'a>(groups: &'a [Group], known: &Enrolments) -> Vec<&'a Group> {
    let is_served =
        |group: &&Group| known.get(&group.name).is_some_and(|enrolment| *enrolment != Enrolment::NotEnrolled);
    groups.iter().filter(is_served).collect()
}

/// The groups that let instances into service without a rollout, because their hook has vanished.
pub fn vanished(groups: &[Group], known: &Enrolments) -> Vec<AutoScalingGroupName> {
    let has_lost_it = |group: &&Group| known.get(&group.name) == Some(&Enrolment::Vanished) && group.in_service() > 0;
    groups.iter().filter(has_lost_it).map(|group| group.name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::ids::InstanceId;
    use crate::words::instance::Instance;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn name(text: &str) -> AutoScalingGroupName {
        AutoScalingGroupName::try_from(text).unwrap()
    }

    fn group(text: &str, lifecycle_state: Option<&str>) -> Group {
        let instance =
            |state: &str| Instance { auto_scaling_group_name: name(text), lifecycle_state: state.to_owned() };
        let instances = lifecycle_state.map(|state| (InstanceId::try_from("i-00000001").unwrap(), instance(state)));
        Group { name: name(text), instances: BTreeMap::from_iter(instances), has_warm_pool: false }
    }

    #[test]
    fn only_a_hook_that_was_there_can_vanish() {
        use Enrolment::{Enrolled, NotEnrolled, Vanished};
        for (before, with_hook, without) in [
            (None, Enrolled, NotEnrolled),
            (Some(NotEnrolled), Enrolled, NotEnrolled),
            (Some(Enrolled), Enrolled, Vanished),
            (Some(Vanished), Enrolled, Vanished),
        ] {
            assert_eq!((seen(before, true), seen(before, false)), (with_hook, without), "{before:?}");
        }
    }

    #[test]
    fn a_group_that_never_had_the_hook_is_left_alone_and_one_that_lost_it_is_told_of_while_it_serves() {
        let groups = [
            group("enrolled", Some("InService")),
            group("not", Some("InService")),
            group("unknown", Some("InService")),
            group("vanished", Some("InService")),
            group("empty", None),
            group("waiting", Some("Pending:Wait")),
        ];
        let known = Enrolments::from([
            (name("enrolled"), Enrolment::Enrolled),
            (name("not"), Enrolment::NotEnrolled),
            (name("vanished"), Enrolment::Vanished),
            (name("empty"), Enrolment::Vanished),
            (name("waiting"), Enrolment::Vanished),
        ]);
        let served: Vec<&str> = served(&groups, &known).iter().map(|group| group.name.as_str()).collect();
        assert_eq!(served, ["enrolled", "vanished", "empty", "waiting"]);
        assert_eq!(vanished(&groups, &known), [name("vanished")]);
    }

    proptest! {
        #[test]
        fn every_group_has_its_turn_and_few_are_asked_in_a_minute(number in 0usize..60, known in 0usize..60, minute in 0i64..100_000) {
            let groups: Vec<Group> = (0..number).map(|i| group(&format!("group-{i}"), None)).collect();
            let known: Enrolments = groups.iter().take(known).map(|group| (group.name.clone(), Enrolment::Enrolled)).collect();
            let lists = i64::try_from(number.div_ceil(MOST_GROUPS_ASKED)).unwrap();
            let mut asked = BTreeSet::new();
            for minute in minute..minute + lists {
                let now = to_ask(&groups, &known, Timestamp::from_seconds(minute * 60));
                prop_assert!(now.len() <= 2 * MOST_GROUPS_ASKED);
                asked.extend(now);
            }
            prop_assert_eq!(asked.len(), number);
            let at_once = to_ask(&groups, &known, Timestamp::from_seconds(minute * 60));
            let unknown = groups.iter().filter(|group| !known.contains_key(&group.name)).count();
            let new = at_once.iter().filter(|name| !known.contains_key(**name)).count();
            prop_assert!(new >= unknown.min(MOST_GROUPS_ASKED));
        }
    }
}
