//! The number that decides a run.

use std::cell::RefCell;
use std::ops::RangeInclusive;
use std::time::Duration;

use fastrand::Rng;
use sha2::{Digest, Sha256};

/// The seed of a simulation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seed(pub(crate) u64);

impl Seed {
    /// The random numbers of one part of the simulation. They depend on the seed and on the part's name alone: what another part draws
    /// changes nothing here.
    pub(crate) fn of(self, part: &str) -> Random {
        let digest = Sha256::new().chain_update(self.0.to_le_bytes()).chain_update(part).finalize();
        let (first, _) = digest.split_first_chunk().expect("a SHA-256 digest has 32 bytes");
        Random(RefCell::new(Rng::with_seed(u64::from_le_bytes(*first))))
    }
}

/// A part's random numbers.
#[derive(Debug)]
pub(crate) struct Random(RefCell<Rng>);

impl Random {
    /// True for so great a part of the draws.
    pub(crate) fn happens(&self, rate: f64) -> bool {
        // Drawn in any case, so that another rate changes what happens, and not every draw after it.
        self.0.borrow_mut().f64() < rate
    }

    /// A duration in whole milliseconds, the resolution of Tokio's timers.
    pub(crate) fn duration(&self, milliseconds: RangeInclusive<u64>) -> Duration {
        Duration::from_millis(self.0.borrow_mut().u64(milliseconds))
    }

    /// At most so many seconds.
    pub(crate) fn up_to(&self, seconds: f64) -> Duration {
        self.duration(0..=(seconds * 1000.0) as u64)
    }

    /// A generator of its own for something new.
    pub(crate) fn fork(&self) -> Rng {
        self.0.borrow_mut().fork()
    }

    /// A UUID of version 4.
    pub(crate) fn uuid(&self) -> String {
        let mut bytes = [0; 16];
        self.0.borrow_mut().fill(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_s_numbers_are_the_seed_s_and_its_own() {
        let uuids = |seed: u64, part: &str| Seed(seed).of(part).uuid();
        assert_eq!(uuids(1, "lambda"), uuids(1, "lambda"));
        assert_ne!(uuids(1, "lambda"), uuids(2, "lambda"));
        assert_ne!(uuids(1, "lambda"), uuids(1, "network"));
    }

    #[test]
    fn durations_are_whole_milliseconds_within_their_limits() {
        let random = Seed(3).of("test");
        let drawn: Vec<Duration> = (0..1000).map(|_| random.up_to(0.02)).collect();
        assert!(drawn.iter().all(|d| *d <= Duration::from_millis(20) && d.subsec_nanos() % 1_000_000 == 0));
        assert!(drawn.contains(&Duration::ZERO) && drawn.contains(&Duration::from_millis(20)));
        assert_eq!(random.up_to(0.0), Duration::ZERO);
    }
}
