//! What became of the instances.

use world::InstanceReport;

use super::Unmet;
use crate::format::{CountOrList, Expect, LaunchNumber};
use crate::instance;
use crate::observed::Observed;

/// The expectations of instances that were not met.
pub fn unmet(expect: &Expect, observed: &Observed) -> Vec<Unmet> {
    type Expected = Option<CountOrList<LaunchNumber>>;
    let check = |field: &str, expected: &Expected, is: &dyn Fn(&InstanceReport) -> bool| {
        let found: Vec<LaunchNumber> =
            observed.launches().filter(|(_, instance)| is(instance)).map(|(launch, _)| launch).collect();
        let (expected, is_met) = match expected.as_ref()? {
            CountOrList::Count(count) => (count.to_string(), count.allows(found.len())),
            CountOrList::List(launches) => {
                let mut launches = launches.clone();
                launches.sort_unstable();
                (format!("{launches:?}"), launches == found)
            }
        };
        let problem = || format!("expected {expected} of the launches, got {found:?}; {}", states(observed));
        (!is_met).then(|| Unmet::new(field, problem()))
    };
    let in_service = check("inService", &expect.in_service, &|instance| instance.lifecycle_state == "InService");
    let terminated = check("terminated", &expect.terminated, &instance::is_ending);
    let launches = expect.launches.filter(|count| !count.allows(observed.launched.len()));
    let launches =
        launches.map(|count| Unmet::new("launches", format!("expected {count}, got {}", observed.launched.len())));
    [in_service, terminated, launches].into_iter().flatten().collect()
}

fn states(observed: &Observed) -> String {
    let states =
        observed.launches().map(|(launch, instance)| format!("launch {launch} is {}", instance.lifecycle_state));
    states.collect::<Vec<_>>().join(", ")
}
