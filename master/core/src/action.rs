//! The door out: everything a master wants done. It never does any of it.

use stoa_model::agent_link::{self, RequestId};
use stoa_model::epoch::Epoch;
use stoa_model::operator::{Answer, ClusterEvent};
use stoa_model::scheduler;

use crate::input::ConnectionId;
use crate::record::Record;

/// What the edge must do, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Make durable, before any action after it is done. The edge may make the records of
    /// several steps durable together and then do the other actions in their order.
    Record(Record),
    /// Send to a scheduler.
    ToScheduler(ConnectionId, scheduler::Event),
    /// End a scheduler's stream after what was sent before is flushed.
    CloseScheduler(ConnectionId),
    /// Send to an agent.
    ToAgent(ConnectionId, agent_link::Event),
    /// End an agent's stream after what was sent before is flushed.
    CloseAgent(ConnectionId),
    /// Answer an operator.
    Answer(RequestId, Answer),
    /// Tell everyone who watches the cluster.
    Publish(ClusterEvent),
    /// Stop acting at once, and do nothing of this step and those before it that is not done: an
    /// agent has obeyed a later leader, so this master leads no more, or its store is old.
    Stop {
        /// The epoch that the agent knows, higher than the master's own.
        known: Epoch,
    },
}
