//! The door out of a session: everything that it wants done. It never does any of it.

use stoa_model::epoch::Epoch;
use stoa_model::scheduler::{Call, Event};

/// What must be done for a session, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Open a stream.
    Connect,
    /// Give the stream up.
    Disconnect,
    /// Say this on the stream.
    Send(Call),
    /// Tell the author.
    Deliver(Event),
    /// Tell whoever reads logs; nothing depends on it.
    Warn(Warning),
    /// Nothing will follow: the framework was unregistered, or the master refused it for good.
    End,
}

/// Something that whoever runs the scheduler should be able to read about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// The master leads no more and does not know it, or its store is old.
    #[error(
        "the master leads under epoch {got}, and epoch {known} is known: another leads, or the \
         master's store is old; the scheduler connects anew"
    )]
    EpochLower {
        /// The highest epoch that this session has heard of.
        known: Epoch,
        /// The master's.
        got: Epoch,
    },
}
