//! Which leadership of a cluster it is. It never says who leads.

use std::fmt;

/// One leadership of a cluster: whoever leads later has a higher one. Made by the store, never used
/// twice; what is said under a lower epoch than the highest one knows of is not to be obeyed.
///
/// With a store that masters share it is the revision at which the leader's key was made; a single
/// master on its own store counts its starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

impl Epoch {
    /// None yet: lower than that of any leader.
    pub const NONE: Self = Self(0);

    /// Whether it is one at all.
    pub const fn is_some(self) -> bool {
        self.0 > 0
    }

    /// The next one; the last one stays.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
