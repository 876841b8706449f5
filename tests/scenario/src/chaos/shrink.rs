//! Shrinks a scenario whose run does not meet its expectations.

use crate::format::{Group, Scenario, Services};

/// Leaves out, one thing at a time, whatever the scenario fails without as well. `fails` is asked at most `tries` times.
pub fn shrink(scenario: Scenario, tries: usize, fails: impl Fn(&Scenario) -> bool) -> Scenario {
    let mut smallest = scenario;
    let mut left = tries;
    'again: loop {
        for smaller in smaller(&smallest) {
            if left == 0 {
                return smallest;
            }
            left -= 1;
            if fails(&smaller) {
                smallest = smaller;
                continue 'again;
            }
        }
        return smallest;
    }
}

/// The scenario without each of the things that can be left out.
fn smaller(scenario: &Scenario) -> Vec<Scenario> {
    let without = |change: &dyn Fn(&mut Scenario)| {
        let mut smaller = scenario.clone();
        change(&mut smaller);
        smaller
    };
    let mut all = Vec::new();
    for i in 0..scenario.faults.len() {
        all.push(without(&|smaller| drop(smaller.faults.remove(i))));
    }
    for i in 0..scenario.steps.len() {
        all.push(without(&|smaller| drop(smaller.steps.remove(i))));
    }
    for (i, application) in scenario.world.applications.iter().enumerate() {
        let is_deployed =
            scenario.steps.iter().any(|step| step.deploy.as_ref().is_some_and(|d| d.application == application.name));
        let has_it = |group: &Group| group.applications.iter().flatten().any(|name| *name == application.name);
        let is_named = scenario.world.groups.iter().any(has_it);
        if scenario.world.applications.len() > 1 && !is_deployed && !is_named {
            all.push(without(&|smaller| drop(smaller.world.applications.remove(i))));
        }
        all.push(without(&|smaller| smaller.world.applications[i].failure = None));
    }
    for (i, step) in scenario.steps.iter().enumerate() {
        if step.launch.as_ref().is_some_and(|launch| launch.count > 1) {
            all.push(without(&|smaller| smaller.steps[i].launch.iter_mut().for_each(|launch| launch.count -= 1)));
        }
    }
    all.push(without(&|smaller| smaller.events = world::Delivery::default()));
    all.push(without(&|smaller| smaller.services = Services::default()));
    all.push(without(&|smaller| smaller.services.network = Default::default()));
    all.push(without(&|smaller| smaller.services.lambda = Default::default()));
    all.push(without(&|smaller| smaller.services.trailing = Default::default()));
    all.push(without(&|smaller| smaller.world.throttling = world::Throttling::default()));
    all.push(without(&|smaller| smaller.world.read_lag_seconds = 0.0));
    all.push(without(&|smaller| smaller.world.groups.iter_mut().for_each(|group| group.desired_capacity = 0)));
    all.retain(|smaller| smaller != scenario && is_possible(smaller));
    all
}

/// Whether every step waits only for launches that are before it.
pub(super) fn is_possible(scenario: &Scenario) -> bool {
    let pools = scenario.world.groups.iter().filter_map(|group| group.warm_pool.as_ref()).map(|pool| pool.size);
    let mut launched: usize = pools.sum();
    let in_order = scenario.steps.iter().all(|step| {
        launched += step.launch.as_ref().map_or(0, |launch| launch.count);
        step.when.as_ref().and_then(|when| when.launched).is_none_or(|awaited| awaited <= launched)
    });
    in_order && launched > 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chaos::draw;

    #[test]
    fn what_the_failure_does_not_need_is_left_out() {
        let is_enough = |scenario: &Scenario| !scenario.faults.is_empty() && is_possible(scenario);
        let has_pool = |scenario: &Scenario| scenario.world.groups.iter().any(|group| group.warm_pool.is_some());
        let is_large =
            |scenario: &Scenario| scenario.faults.len() > 1 && scenario.steps.len() > 3 && !has_pool(scenario);
        let large = (0..).map(draw).find(is_large).unwrap();
        let small = shrink(large.clone(), 200, is_enough);
        assert_eq!((small.faults.len(), small.steps.len(), small.world.applications.len()), (1, 1, 1), "{small:#?}");
        assert_eq!(small.steps[0].launch.as_ref().map(|launch| launch.count), Some(1));

        let tried = shrink(large.clone(), 0, |_| true);
        assert_eq!(tried, large, "no more tries than allowed");
    }
}
