//! Which calls the faults hit.

use std::sync::Mutex;

use crate::Fault;
use crate::fault::{FaultService, Strike};

/// The faults of a stack and the calls that they have hit.
pub(crate) struct Faults(Mutex<Vec<Armed>>);

struct Armed {
    fault: Fault,
    random: fastrand::Rng,
    hits: u32,
}

impl Faults {
    /// The faults have been checked.
    pub(crate) fn new(faults: Vec<Fault>, seed: u64) -> Self {
        let arm = |(index, fault)| Armed { fault, random: own_random(seed, index), hits: 0 };
        Self(Mutex::new(faults.into_iter().enumerate().map(arm).collect()))
    }

    /// What happens to a call, if it is hit.
    pub(crate) fn strike(&self, service: FaultService, operation: &str) -> Option<Strike> {
        self.0.lock().unwrap().iter_mut().find_map(|armed| armed.strike(service, operation))
    }

    /// How many calls each fault has hit.
    pub(crate) fn hits(&self) -> Vec<u32> {
        self.0.lock().unwrap().iter().map(|armed| armed.hits).collect()
    }
}

impl Armed {
    fn strike(&mut self, service: FaultService, operation: &str) -> Option<Strike> {
        let used_up = self.fault.times.is_some_and(|times| self.hits >= times);
        // Nothing is drawn for a call that it is not for: what it hits depends on its own calls alone.
        if used_up || !self.fault.is_for(service, operation) || self.random.f64() >= self.fault.rate {
            return None;
        }
        self.hits += 1;
        Some(self.fault.strike())
    }
}

/// The random numbers of the `index`th fault.
fn own_random(seed: u64, index: usize) -> fastrand::Rng {
    let mut seeds = fastrand::Rng::with_seed(seed);
    fastrand::Rng::with_seed((0..=index).fold(0, |_, _| seeds.u64(..)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use world::Mishap;

    const THIS: FaultService = FaultService::DynamoDb;

    fn faults(list: Value, seed: u64) -> Faults {
        Faults::new(serde_json::from_value(list).unwrap(), seed)
    }

    /// Which of so many calls of `GetItem` are hit.
    fn hit(faults: &Faults, calls: usize) -> Vec<usize> {
        (0..calls).filter(|_| faults.strike(THIS, "GetItem").is_some()).collect()
    }

    #[test]
    fn a_fault_hits_its_service_s_operation() {
        let faults = faults(json!([{"service": "dynamodb", "operation": "GetItem", "kind": "reset"}]), 0);
        assert_eq!(faults.strike(THIS, "PutItem"), None);
        assert_eq!(faults.strike(FaultService::States, "GetItem"), None);
        assert_eq!(faults.strike(THIS, "GetItem"), Some(Strike::Mishap(Mishap::Reset)));
        assert_eq!(faults.hits(), [1]);
    }

    #[test]
    fn the_first_fault_that_hits_decides_and_each_counts_its_own() {
        let list = json!([
            {"service": "dynamodb", "operation": "GetItem", "kind": "reset", "times": 2},
            {"service": "dynamodb", "kind": "lostAnswer", "times": 1},
        ]);
        let faults = faults(list, 0);
        let mishaps = [Some(Mishap::Reset), Some(Mishap::Reset), Some(Mishap::LostAnswer), None];
        for mishap in mishaps {
            assert_eq!(faults.strike(THIS, "GetItem"), mishap.map(Strike::Mishap));
        }
        assert_eq!(faults.hits(), [2, 1]);
    }

    #[test]
    fn a_rate_hits_that_part_of_the_calls_and_a_seed_always_the_same() {
        let list = |rate: f64| json!([{"service": "dynamodb", "kind": "reset", "rate": rate}]);
        assert_eq!(hit(&faults(list(0.0), 1), 100), [] as [usize; 0]);
        assert_eq!(hit(&faults(list(1.0), 1), 100).len(), 100);
        let some = hit(&faults(list(0.3), 1), 1000);
        assert!((200..400).contains(&some.len()), "{}", some.len());
        assert_eq!(hit(&faults(list(0.3), 1), 1000), some);
        assert_ne!(hit(&faults(list(0.3), 2), 1000), some);

        // Whatever else is called meanwhile.
        let between = faults(list(0.3), 1);
        let with_others = (0..1000).filter(|_| {
            between.strike(FaultService::States, "GetItem");
            between.strike(THIS, "GetItem").is_some()
        });
        assert_eq!(with_others.collect::<Vec<_>>(), some);
    }

    #[test]
    fn two_faults_of_the_same_rate_hit_different_calls() {
        let pair = json!([
            {"service": "dynamodb", "operation": "GetItem", "kind": "reset", "rate": 0.5},
            {"service": "dynamodb", "operation": "PutItem", "kind": "reset", "rate": 0.5},
        ]);
        let faults = faults(pair, 7);
        let of = |operation: &str| (0..64).map(|_| faults.strike(THIS, operation).is_some()).collect::<Vec<_>>();
        assert_ne!(of("GetItem"), of("PutItem"));
    }
}
