//! How a run ended. It never holds the world itself.

use std::collections::BTreeSet;
use std::fmt;

use stoa_invariants::Violation;
use stoa_model::task::TaskState;

use crate::seen::Tally;

/// One run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What it was drawn from.
    pub seed: u64,
    /// What happened in it, in numbers.
    pub counts: Counts,
    /// How often each thing happened that should happen sometimes.
    pub tally: Tally,
    /// How tasks went from state to state at their agents.
    pub transitions: BTreeSet<(Option<TaskState>, TaskState)>,
    /// What must not be, if it was seen; the run ended there.
    pub violation: Option<Violation>,
    /// A line for each message that arrived or was lost, and for each fault.
    pub transcript: String,
}

/// What happened, in numbers: a run in which nothing happens proves nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages that arrived, and other things that were due.
    pub events: u64,
    /// Faults that hit someone.
    pub faults: u64,
    /// Messages that were lost.
    pub messages_lost: u64,
    /// Tasks that schedulers launched.
    pub launched: u64,
    /// Tasks that an executor host started.
    pub started: u64,
    /// Updates that reached an author.
    pub updates: u64,
    /// Frameworks that ended.
    pub frameworks_ended: u64,
    /// What operators wanted.
    pub orders: u64,
    /// What of that was done.
    pub orders_done: u64,
}

impl Counts {
    /// Adds what happened in another run.
    pub fn add(&mut self, other: &Self) {
        self.events += other.events;
        self.faults += other.faults;
        self.messages_lost += other.messages_lost;
        self.launched += other.launched;
        self.started += other.started;
        self.updates += other.updates;
        self.frameworks_ended += other.frameworks_ended;
        self.orders += other.orders;
        self.orders_done += other.orders_done;
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.transcript)?;
        match &self.violation {
            Some(violation) => write!(f, "seed {}: {violation}", self.seed),
            None => write!(f, "seed {}: {:?}", self.seed, self.counts),
        }
    }
}
