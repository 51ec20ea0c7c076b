//! An invariant that does not hold, and what was seen. It never says who is to blame.

use std::fmt;

use crate::invariant::Invariant;

/// Something that must never be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which invariant does not hold.
    pub invariant: Invariant,
    /// What was seen.
    pub seen: String,
}

impl Violation {
    /// This invariant does not hold, as was seen.
    pub fn new(invariant: Invariant, seen: impl Into<String>) -> Self {
        Self { invariant, seen: seen.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (id, statement) = (self.invariant.id(), self.invariant.statement());
        write!(f, "{id} ({statement}): {}", self.seen)
    }
}

impl std::error::Error for Violation {}

/// What a check returns.
pub type Checked<T = ()> = Result<T, Violation>;

/// Nothing if it holds, else what was seen.
pub fn ensure(holds: bool, invariant: Invariant, seen: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(Violation::new(invariant, seen())) }
}
