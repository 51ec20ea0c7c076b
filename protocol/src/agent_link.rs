//! The stream between an agent and the master, in batches. It never knows a single message:
//! [`calls`] and [`events`] do.

mod calls;
mod events;

use stoa_model::agent_link::{Call, Event};

use crate::door::batch;
use crate::malformed::Malformed;
use crate::pb::agent as pb;
use crate::wire::list_to_proto;

/// Calls that travel together, in order. At most `BATCH_ENTRIES_MAX` of them pass the door.
pub fn calls_to_proto(calls: &[Call]) -> pb::AgentCalls {
    pb::AgentCalls { calls: list_to_proto(calls) }
}

/// The calls of a batch, in order.
///
/// # Errors
/// [`Malformed`] if one of them is not legal: this is no agent to talk to.
pub fn calls_from_proto(proto: pb::AgentCalls) -> Result<Vec<Call>, Malformed> {
    batch("calls", proto.calls)
}

/// Events that travel together, in order. At most `BATCH_ENTRIES_MAX` of them pass the door.
pub fn events_to_proto(events: &[Event]) -> pb::AgentEvents {
    pb::AgentEvents { events: list_to_proto(events) }
}

/// The events of a batch, in order.
///
/// # Errors
/// [`Malformed`] if one of them is not legal: this is no master to talk to.
pub fn events_from_proto(proto: pb::AgentEvents) -> Result<Vec<Event>, Malformed> {
    batch("events", proto.events)
}
