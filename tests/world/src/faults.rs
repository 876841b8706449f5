//! Which calls the faults hit.

use std::sync::Mutex;

use crate::fault::{Fault, InjectedFault, Service};

/// The faults of a run, with the number of calls that each has hit.
pub struct Faults(Mutex<Vec<FaultState>>);

struct FaultState {
    fault: Fault,
    random: fastrand::Rng,
    hits: u32,
}

impl Faults {
    /// Faults that have been checked ([`Fault::check`]); the world's seed decides which calls they hit.
    pub fn new(faults: Vec<Fault>, seed: u64) -> Self {
        let start = |(index, fault)| FaultState { fault, random: own_random(seed, index), hits: 0 };
        Self(Mutex::new(faults.into_iter().enumerate().map(start).collect()))
    }

    /// What happens to the next call of an operation; `None` if no fault hits it.
    pub fn next(&self, service: Service, operation: &str) -> Option<InjectedFault> {
        self.lock().iter_mut().find_map(|state| state.next(service, operation))
    }

    /// The number of calls that each fault has hit, in the order of the faults.
    pub fn hits(&self) -> Vec<u32> {
        self.lock().iter().map(|state| state.hits).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<FaultState>> {
        self.0.lock().expect("drawing a number does not panic")
    }
}

impl FaultState {
    fn next(&mut self, service: Service, operation: &str) -> Option<InjectedFault> {
        let used_up = self.fault.times.is_some_and(|times| self.hits >= times);
        // No number is drawn for a call that the fault is not for: what it hits depends on its own calls alone.
        if used_up || !self.fault.is_for(service, operation) || self.random.f64() >= self.fault.rate {
            return None;
        }
        self.hits += 1;
        Some(self.fault.injected())
    }
}

/// The random numbers of the fault at `index`.
fn own_random(seed: u64, index: usize) -> fastrand::Rng {
    let mut seeds = fastrand::Rng::with_seed(seed);
    fastrand::Rng::with_seed((0..=index).fold(0, |_, _| seeds.u64(..)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const THIS: Service = Service::DynamoDb;

    fn faults(list: Value, seed: u64) -> Faults {
        Faults::new(serde_json::from_value(list).unwrap(), seed)
    }

    /// The places of those that are hit among the next `calls` calls of `GetItem`.
    fn hit(faults: &Faults, calls: usize) -> Vec<usize> {
        (0..calls).filter(|_| faults.next(THIS, "GetItem").is_some()).collect()
    }

    #[test]
    fn a_fault_hits_its_service_s_operation() {
        let faults = faults(json!([{"service": "dynamodb", "operation": "GetItem", "kind": "reset"}]), 0);
        assert_eq!(faults.next(THIS, "PutItem"), None);
        assert_eq!(faults.next(Service::States, "GetItem"), None);
        assert_eq!(faults.next(THIS, "GetItem"), Some(InjectedFault::Reset));
        assert_eq!(faults.hits(), [1]);
    }

    #[test]
    fn the_first_fault_that_hits_decides_and_each_counts_its_own() {
        let list = json!([
            {"service": "dynamodb", "operation": "GetItem", "kind": "reset", "times": 2},
            {"service": "dynamodb", "kind": "lostAnswer", "times": 1},
        ]);
        let faults = faults(list, 0);
        let expected = [Some(InjectedFault::Reset), Some(InjectedFault::Reset), Some(InjectedFault::LostAnswer), None];
        for injected in expected {
            assert_eq!(faults.next(THIS, "GetItem"), injected);
        }
        assert_eq!(faults.hits(), [2, 1]);
    }

    #[test]
    fn a_rate_hits_its_fraction_and_a_seed_always_the_same_calls() {
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
            between.next(Service::States, "GetItem");
            between.next(THIS, "GetItem").is_some()
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
        let of = |operation: &str| (0..64).map(|_| faults.next(THIS, operation).is_some()).collect::<Vec<_>>();
        assert_ne!(of("GetItem"), of("PutItem"));
    }
}
