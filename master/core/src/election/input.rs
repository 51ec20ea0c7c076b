//! The door in: everything that a master learns about who leads. It never applies any of it.

use stoa_model::epoch::Epoch;

/// What one question to the store is called. Minted by the election, never reused in a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ask(pub u64);

/// A lease, as the store names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseId(pub i64);

/// Who leads, as the leader's key says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leader {
    /// Where it serves, a `HOST:PORT`.
    pub address: String,
    /// The revision at which its key was made.
    pub epoch: Epoch,
}

/// What the leader's key was at a revision of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Of the whole store, at the time it was read; never the key's own.
    pub revision: u64,
    /// Who leads; nobody if there is no key.
    pub leader: Option<Leader>,
}

/// What has happened.
///
/// An answer that never comes is no fault: every question has its time, and an answer that comes
/// after it, twice or to no question is passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Time has passed; a deadline may be over.
    Tick,
    /// The key was read, or has changed. It may be old, come twice, or not come at all.
    Key(Key),
    /// The store has given a lease of this length. Answers Grant.
    Granted {
        /// The question.
        ask: Ask,
        /// The lease.
        lease: LeaseId,
        /// How long the store keeps it, in milliseconds.
        lease_ms: u64,
    },
    /// The key was made, and this master leads. Answers Campaign.
    Won {
        /// The question.
        ask: Ask,
        /// The revision at which the key was made.
        epoch: Epoch,
    },
    /// The key was there already, or the lease was over. Answers Campaign.
    Lost {
        /// The question.
        ask: Ask,
        /// What the key was.
        key: Key,
    },
    /// The lease goes on. Answers KeepAlive.
    KeptAlive {
        /// The question.
        ask: Ask,
        /// For how long from now on, in milliseconds.
        lease_ms: u64,
    },
    /// The lease is over, whoever ended it. Answers KeepAlive.
    LeaseOver(Ask),
    /// The lease is ended, or was over. Answers Revoke.
    Revoked(Ask),
    /// The store could not be asked, or nobody knows what became of the question.
    Failed(Ask),
    /// The store has refused a read or a write of this master: the key was not that of its epoch.
    StoreRefuses,
    /// Nobody knows what became of a read or a write of this master.
    StoreSilent,
    /// An agent has obeyed this epoch: the master's core says so when it stops.
    Met(Epoch),
    /// An operator wants another to lead, or the process is to end.
    StepDown,
}
