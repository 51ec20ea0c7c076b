//! What is due when. It never says what to do then; `master.rs` does.

use std::collections::{BTreeMap, BTreeSet};

use stoa_model::ids::{AgentId, FrameworkId, OfferId};
use stoa_model::instant::Instant;

/// Something that will be due.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Deadline {
    /// Everyone who is connected hears a heartbeat.
    Heartbeat,
    /// An agent has been silent for too long, or might have been.
    Agent(AgentId),
    /// A framework without a scheduler is removed.
    Framework(FrameworkId),
    /// The lease of an offer ends.
    Lease(OfferId),
    /// The first of a framework's filters for an agent ends.
    Filters(FrameworkId, AgentId),
    /// The next agent whose time is over may be given up. It comes last, so that of agents whose
    /// time is over together all are known.
    Loss,
}

/// Invariant: both maps hold the same pairs.
#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    due: BTreeSet<(Instant, Deadline)>,
    at: BTreeMap<Deadline, Instant>,
}

impl Deadlines {
    /// Makes `deadline` due at `at`, instead of when it was due before.
    pub(crate) fn set(&mut self, deadline: Deadline, at: Instant) {
        if let Some(before) = self.at.insert(deadline.clone(), at) {
            self.due.remove(&(before, deadline.clone()));
        }
        self.due.insert((at, deadline));
    }

    pub(crate) fn clear(&mut self, deadline: &Deadline) {
        if let Some(at) = self.at.remove(deadline) {
            self.due.remove(&(at, deadline.clone()));
        }
    }

    /// When `deadline` is due.
    pub(crate) fn at(&self, deadline: &Deadline) -> Option<Instant> {
        self.at.get(deadline).copied()
    }

    /// When the next is due.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Takes the first that is due at `now`.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<Deadline> {
        if self.next()? > now {
            return None;
        }
        let (_, deadline) = self.due.pop_first()?;
        self.at.remove(&deadline);
        Some(deadline)
    }

    /// All that will be due.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Deadline> {
        self.at.keys()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadline_that_is_set_again_is_due_once() {
        let mut deadlines = Deadlines::default();
        deadlines.set(Deadline::Heartbeat, Instant::from_ms(5));
        deadlines.set(Deadline::Heartbeat, Instant::from_ms(9));
        assert_eq!(deadlines.next(), Some(Instant::from_ms(9)));
        assert_eq!(deadlines.take_due(Instant::from_ms(8)), None);
        assert_eq!(deadlines.take_due(Instant::from_ms(9)), Some(Deadline::Heartbeat));
        assert_eq!(deadlines.next(), None);
    }
}
