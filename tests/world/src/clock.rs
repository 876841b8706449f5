//! How the world's time runs.

use std::time::{Duration, Instant};

/// How world time follows real time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Clock {
    /// Time stands still until [`World::advance`](crate::World::advance) moves it.
    Manual,
    /// So many world seconds pass in each real second. At least 1, so that the time on the wire is never behind the
    /// wall clock by which clients sign their requests and judge the answers.
    Scaled(f64),
}

/// A running [`Clock`].
pub(crate) struct Timepiece {
    started: Instant,
    speed: f64,
    ahead: f64,
}

impl Timepiece {
    pub(crate) fn start(clock: Clock) -> Self {
        let speed = match clock {
            Clock::Manual => 0.0,
            Clock::Scaled(speed) => speed,
        };
        Timepiece { started: Instant::now(), speed, ahead: 0.0 }
    }

    /// World seconds since the start.
    pub(crate) fn now(&self) -> f64 {
        self.ahead + self.started.elapsed().as_secs_f64() * self.speed
    }

    pub(crate) fn jump(&mut self, seconds: f64) {
        self.ahead += seconds;
    }

    /// Real time until the world's clock shows `time`; `None` if it never will by itself.
    pub(crate) fn until(&self, time: f64) -> Option<Duration> {
        (self.speed > 0.0).then(|| Duration::from_secs_f64(((time - self.now()) / self.speed).max(0.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let mut clock = Timepiece::start(Clock::Manual);
        assert_eq!(clock.now(), 0.0);
        clock.jump(12.5);
        assert_eq!(clock.now(), 12.5);
        assert_eq!(clock.until(100.0), None);
    }

    #[test]
    fn a_scaled_clock_reaches_a_time_in_a_fraction_of_it() {
        let clock = Timepiece::start(Clock::Scaled(100.0));
        let pause = clock.until(50.0).expect("a scaled clock gets there");
        assert!(pause <= Duration::from_millis(500), "{pause:?}");
        assert_eq!(clock.until(-1.0), Some(Duration::ZERO));
    }
}
