//! The door in: everything that a master learns. It never applies any of it.

use stoa_model::agent_link::{self, RequestId};
use stoa_model::operator::Query;
use stoa_model::scheduler;

/// One stream of a scheduler or an agent. Minted by the edge, never reused in a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// What has happened.
///
/// Every connection that the edge has told of ends with a `SchedulerGone` or `AgentGone`, also
/// after the master closed it; calls of a closed connection that are still on their way are
/// passed over. A second Gone is harmless.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A scheduler calls; the first call of a connection must be Register or Reregister.
    SchedulerCall(ConnectionId, scheduler::Call),
    /// A scheduler's stream has ended.
    SchedulerGone(ConnectionId),
    /// An agent calls; the first call of a connection must be Register or Reregister.
    AgentCall(ConnectionId, agent_link::Call),
    /// An agent's stream has ended.
    AgentGone(ConnectionId),
    /// An operator asks. Answered by one `Answer`, unless `QueryGone` comes first.
    Query(RequestId, Query),
    /// The operator does not wait for the answer any more.
    QueryGone(RequestId),
    /// Time has passed; a deadline may be over.
    Tick,
}
