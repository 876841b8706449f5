//! How the world's time runs.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// How world time follows real time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Clock {
    /// Time stands still until [`World::advance`](crate::World::advance) moves it.
    Manual,
    /// So many world seconds pass in each real second. At least 1, so that the time on the wire is never behind the
    /// wall clock by which clients sign their requests and judge the answers.
    Scaled(f64),
    /// Tokio's clock, a world second for each of its seconds, and time 0 is [`Clock::VIRTUAL_EPOCH`]. With
    /// [`Builder::start_paused`](https://docs.rs/tokio/latest/tokio/runtime/struct.Builder.html#method.start_paused) that clock moves only when
    /// every task waits, so that nothing here depends on the machine or on the day.
    Virtual,
}

impl Clock {
    /// 2026-01-31T09:00:00Z, in seconds since 1970.
    pub const VIRTUAL_EPOCH: f64 = 1_769_850_000.0;

    /// World seconds that pass in a second of Tokio's clock.
    fn speed(self) -> f64 {
        match self {
            Clock::Manual => 0.0,
            Clock::Scaled(speed) => speed,
            Clock::Virtual => 1.0,
        }
    }

    /// The world's time 0, in seconds since 1970.
    fn epoch(self) -> f64 {
        match self {
            Clock::Manual | Clock::Scaled(_) => {
                SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
            }
            Clock::Virtual => Self::VIRTUAL_EPOCH,
        }
    }
}

/// A running [`Clock`].
pub(crate) struct Timepiece {
    started: Instant,
    /// The world's time 0, in seconds since 1970.
    pub(crate) epoch: f64,
    speed: f64,
    ahead: f64,
}

impl Timepiece {
    pub(crate) fn start(clock: Clock) -> Self {
        Timepiece { started: Instant::now(), epoch: clock.epoch(), speed: clock.speed(), ahead: 0.0 }
    }

    /// World seconds since the start.
    pub(crate) fn now(&self) -> f64 {
        self.ahead + self.started.elapsed().as_secs_f64() * self.speed
    }

    pub(crate) fn jump(&mut self, seconds: f64) {
        self.ahead += seconds;
    }

    /// Time on Tokio's clock until the world's clock shows `time`; `None` if it never will by itself. Zero only when it does already.
    pub(crate) fn until(&self, time: f64) -> Option<Duration> {
        let seconds = (time - self.now()) / self.speed;
        // A fraction of a nanosecond must not become a pause of none: a paused clock would stand still for ever.
        let rounded_up = |seconds| Duration::from_secs_f64(seconds) + Duration::from_nanos(1);
        (self.speed > 0.0).then(|| if seconds > 0.0 { rounded_up(seconds) } else { Duration::ZERO })
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

    #[tokio::test(start_paused = true)]
    async fn a_virtual_clock_is_tokio_s() {
        let clock = Timepiece::start(Clock::Virtual);
        assert_eq!((clock.now(), clock.epoch), (0.0, Clock::VIRTUAL_EPOCH));
        tokio::time::sleep(Duration::from_secs(3600)).await;
        assert_eq!(clock.now(), 3600.0);
        for due in [3_600.000_000_000_001, 3_600.1, 3_600.25] {
            tokio::time::sleep(clock.until(due).expect("it moves")).await;
            assert!((due..due + 0.002).contains(&clock.now()), "{due}: {}", clock.now());
        }
        assert_eq!(clock.until(3600.0), Some(Duration::ZERO));
    }
}
