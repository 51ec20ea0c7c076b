//! The time as the cores see it. It never asks a clock: the edge hands it in.

use std::fmt;

/// Milliseconds since the Unix epoch by a clock that never runs backwards within a process.
///
/// The main loop reads the wall clock once at its start and adds what the monotonic clock says,
/// so one value serves for deadlines and for the time stamps that people read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub ms: u64,
}

impl Instant {
    /// The instant `ms` milliseconds after the epoch.
    pub const fn from_ms(ms: u64) -> Self {
        Self { ms }
    }

    /// This instant and `ms` more; the end of time rather than an overflow.
    #[must_use]
    pub const fn plus_ms(self, ms: u64) -> Self {
        Self { ms: self.ms.saturating_add(ms) }
    }

    /// Milliseconds from `earlier` to this instant; 0 if `earlier` is later.
    pub const fn ms_since(self, earlier: Self) -> u64 {
        self.ms.saturating_sub(earlier.ms)
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}s", self.ms / 1_000, self.ms % 1_000)
    }
}
