//! The door out: everything that an election wants done. It never does any of it.

use stoa_model::epoch::Epoch;

use crate::election::input::{Ask, Leader, LeaseId};

/// What the edge must do, in order. Questions to the store are answered by an
/// [`Input`](crate::election::Input) with the same number, or never.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Ask the store for a lease.
    Grant {
        /// The question.
        ask: Ask,
        /// How long it is to be, in milliseconds.
        lease_ms: u64,
    },
    /// Make the leader's key with this master's address, bound to the lease, if there is none.
    Campaign {
        /// The question.
        ask: Ask,
        /// The lease.
        lease: LeaseId,
    },
    /// Prolong the lease.
    KeepAlive {
        /// The question.
        ask: Ask,
        /// The lease.
        lease: LeaseId,
    },
    /// End the lease, and the key with it.
    Revoke {
        /// The question.
        ask: Ask,
        /// The lease.
        lease: LeaseId,
    },
    /// Read what is durable and act from then on, under this epoch: every read and every write
    /// compares it with the key's.
    Lead(Epoch),
    /// Stop acting at once: what has not been sent is not sent any more, and all streams end.
    Stop(Why),
    /// Tell the operator's log: this master has won and does not lead.
    Refuse(Why),
    /// Send those who come to this master there; nobody is known to lead if none is named.
    Announce(Option<Leader>),
}

/// Why a master does not lead, or leads no more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// An operator, or the end of the process.
    #[error("it was asked to step down")]
    Asked,
    /// No keep-alive was answered in time, or the process stood still.
    #[error("its lease may be over")]
    LeaseOld,
    /// The store says so.
    #[error("its lease is over")]
    LeaseOver,
    /// The store says that somebody else leads.
    #[error("{} leads under epoch {}", .0.address, .0.epoch)]
    Deposed(Leader),
    /// The store says that nobody leads.
    #[error("the leader's key is gone from the store")]
    KeyGone,
    /// The store compares the epoch with that of the key, at every read and write.
    #[error("the store refuses reads and writes under its epoch")]
    StoreRefuses,
    /// To go on could mean to act on what is not durable.
    #[error("nobody knows what became of a read or a write at the store")]
    StoreSilent,
    /// An agent has obeyed a later leader.
    #[error("an agent has obeyed epoch {met}, and its own is {own}")]
    EpochHigher {
        /// Its own.
        own: Epoch,
        /// The higher one.
        met: Epoch,
    },
    /// The store has gone back, as after a restore: what it says of agents and frameworks is old.
    #[error(
        "the store is older than the agents: it gives epoch {store}, and {met} was there already; \
         restore a newer copy, or raise the store's revision above {met}"
    )]
    StoreOlder {
        /// What the store gives.
        store: Epoch,
        /// What was there already.
        met: Epoch,
    },
}
