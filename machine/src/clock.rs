//! The one clock of a process. It never decides what is due: the cores do.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use stoa_model::instant::Instant;

/// Reads the wall clock once and the monotonic clock ever after, so that the time of a process
/// never runs backwards and never jumps, and still says what people's clocks say.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: std::time::Instant,
    started_at_ms: u64,
}

impl Clock {
    /// A clock that starts now.
    pub fn start() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let started_at_ms = u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX);
        Self { started: std::time::Instant::now(), started_at_ms }
    }

    /// The time now.
    pub fn now(&self) -> Instant {
        let ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Instant::from_ms(self.started_at_ms).plus_ms(ms)
    }

    /// When to wake for `deadline`; at once if it is over.
    pub fn wake_at(&self, deadline: Instant) -> std::time::Instant {
        self.started + Duration::from_millis(deadline.ms.saturating_sub(self.started_at_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wake_time_of_now_has_come_and_that_of_later_has_not() {
        let clock = Clock::start();
        let now = clock.now();
        assert!(clock.wake_at(now) <= std::time::Instant::now());
        assert!(clock.wake_at(now.plus_ms(60_000)) > std::time::Instant::now());
    }
}
