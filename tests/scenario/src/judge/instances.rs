//! What became of the instances.

use world::InstanceReport;

use crate::format::{Expect, LaunchNumber, Which};
use crate::outcome::Came;

/// Where they are not as expected.
pub fn shortfalls(expect: &Expect, came: &Came) -> Vec<String> {
    let check = |field: &str, which: &Option<Which>, state: &str| {
        let is: Vec<LaunchNumber> =
            came.launches().filter(|(_, i)| is_in(i, state)).map(|(number, _)| number).collect();
        let (expected, is_so) = match which.as_ref()? {
            Which::Count(count) => (count.to_string(), count.allows(is.len())),
            Which::Launches(launches) => {
                let mut launches = launches.clone();
                launches.sort_unstable();
                (format!("{launches:?}"), launches == is)
            }
        };
        (!is_so).then(|| format!("{field}: expected {expected} of the launches, got {is:?}; {}", states(came)))
    };
    let in_service = check("inService", &expect.in_service, "InService");
    let terminated = check("terminated", &expect.terminated, "Terminated");
    let launches = expect.launches.filter(|count| !count.allows(came.launched.len()));
    let launches = launches.map(|count| format!("launches: expected {count}, got {}", came.launched.len()));
    [in_service, terminated, launches].into_iter().flatten().collect()
}

/// An instance that has begun to end is as good as terminated.
fn is_in(instance: &InstanceReport, state: &str) -> bool {
    let is_ending = instance.lifecycle_state.starts_with("Terminating") && state == "Terminated";
    instance.lifecycle_state == state || is_ending
}

fn states(came: &Came) -> String {
    let states: Vec<String> =
        came.launches().map(|(number, instance)| format!("launch {number} is {}", instance.lifecycle_state)).collect();
    states.join(", ")
}
