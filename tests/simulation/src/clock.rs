//! Virtual time: Tokio's paused clock, as the parts of a simulation tell it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_smithy_async::time::TimeSource;
use jiff::Timestamp;
use tokio::time::Instant;

/// The time of a simulation. Its start is [`world::Clock::VIRTUAL_EPOCH`], as the world's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    started: Instant,
}

impl Clock {
    /// A clock that starts now.
    pub(crate) fn start() -> Self {
        Self { started: Instant::now() }
    }

    /// The time since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Seconds since the start.
    pub(crate) fn seconds(&self) -> f64 {
        self.elapsed().as_secs_f64()
    }

    /// The time of day.
    pub(crate) fn timestamp(&self) -> Timestamp {
        let epoch = Timestamp::from_second(world::Clock::VIRTUAL_EPOCH as i64).expect("the epoch is in jiff's range");
        epoch + self.elapsed()
    }

    /// Seconds since 1970, to the millisecond, as the services give times.
    pub(crate) fn unix_seconds(&self) -> f64 {
        self.timestamp().as_millisecond() as f64 / 1000.0
    }
}

/// What requests are signed with.
impl TimeSource for Clock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs_f64(world::Clock::VIRTUAL_EPOCH) + self.elapsed()
    }
}
