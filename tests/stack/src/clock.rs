//! The world's time beside the wall clock's, by which the engine dates what it does.

use std::time::{SystemTime, UNIX_EPOCH};

/// Converts times of the wall clock to the world's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WorldClock {
    /// When the world's time was 0, in seconds since 1970.
    epoch: f64,
    /// World seconds a real second.
    speed: f64,
}

impl WorldClock {
    /// The clock of a world that starts now.
    pub(crate) fn start(speed: f64) -> Self {
        let epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        Self { epoch, speed }
    }

    /// World seconds at a time of the wall clock, which is in seconds since 1970.
    pub(crate) fn world_seconds(self, date: f64) -> f64 {
        (date - self.epoch) * self.speed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_real_second_is_many_of_the_world_s() {
        let clock = WorldClock { epoch: 1_000.0, speed: 20.0 };
        assert_eq!((clock.world_seconds(1_000.0), clock.world_seconds(1_010.5)), (0.0, 210.0));
    }
}
